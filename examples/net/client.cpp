#include "client.hpp"

#include "schemes.hpp"

#include <comoq/first_of.hpp>
#include <comoq/net/connect.hpp>
#if COMOQ_EXAMPLES_QUIC
#include <comoq/quic/key_log.hpp>
#endif

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

asio::awaitable<void> Client::while_connected(asio::awaitable<void> work) {
    comoq::ConnectConfig config;
    config.tls.authorities_file = relay_.authorities;
    config.tls.pinned_certificates = relay_.pins;
#if COMOQ_EXAMPLES_QUIC
    if (relay_.key_log) {
        config.tls.key_log = comoq::quic::key_log_to(*relay_.key_log);
    }
#endif
    if (!relay_.protocols.empty()) config.protocols = relay_.protocols;
    config.session.publish = published_.consumer();
    if (wanted_) config.session.subscribe = received_.producer().scope(std::span(&*wanted_, 1));
    comoq::lite::ReconnectConfig retry;
    retry.tries = relay_.tries;
    retry.gives_up_on = comoq::lite::cannot_get_better;
    asio::steady_timer first(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());  // connection
    retry.on_change = [&](const comoq::lite::ConnectionEvent &event) {
        is_connected_ = event.kind == comoq::lite::ConnectionEvent::Kind::Connected;
        if (is_connected_) first.expires_at(asio::steady_timer::time_point::min());
    };
    const auto work_then = [&]() -> asio::awaitable<void> {
        std::error_code is_over;
        co_await first.async_wait(asio::redirect_error(asio::use_awaitable, is_over));
        co_await std::move(work);
    };
    auto kept = comoq::keep_connected(*relay_.url, std::move(config), std::move(retry));
    co_await comoq::first_of(std::move(kept), work_then());
}
