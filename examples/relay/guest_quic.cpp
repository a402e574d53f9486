// A client that has come by QUIC or WebTransport, up to its session.
#include "guest.hpp"

#if COMOQ_RELAY_QUIC
#include "log.hpp"

#include <comoq/quic/connection.hpp>
#include <comoq/webtransport/accept.hpp>
#include <comoq/websocket/http_head.hpp>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

asio::awaitable<void> Guest::serve(std::shared_ptr<Guest> self, std::shared_ptr<QuicConnection> connection) {
    auto service = serve_here(self, std::move(connection));
    return serve_and_log(std::move(self), std::move(service));
}

asio::awaitable<void> Guest::serve_here(std::shared_ptr<Guest> self, std::shared_ptr<QuicConnection> connection) {
    const auto &remote = connection->remote();
    if (!self->enter({remote.address(), remote.port()}, connection->executor())) {
        connection->close(0, "too many are connected");
        co_return;
    }
    {
        std::lock_guard lock(self->mutex_);
        self->transport_ = connection;
    }
    // It ends by itself if that takes too long.
    auto ready = connection->ready();
    co_await std::move(ready);
    if (connection->protocol() == "h3") {
        const bool is_session = co_await self->accept_webtransport(std::move(connection));
        if (!is_session) {
            co_return;
        }
    } else {
        self->log_.speaks(std::string(connection->protocol()));
    }
    auto serving = self->serve_session();
    co_await std::move(serving);
}

// False if it is refused.
asio::awaitable<bool> Guest::accept_webtransport(std::shared_ptr<QuicConnection> connection) {
    // `admit_page` looks at whose page it is.
    auto accepting = comoq::webtransport::accept(std::move(connection), comoq::webtransport::Config());
    auto request = co_await std::move(accepting);
    comoq::websocket::RequestHead head;
    head.target = request.path();
    head.fields.add("Host", request.authority());
    if (!request.origin().empty()) {
        head.fields.add("Origin", request.origin());
    }
    auto admitting = admit_page(head, true);
    const auto admission = co_await std::move(admitting);
    if (!admission.views) {
        log_.refused(admission.reason, Level::Info, admission.status);
        request.reject(admission.status);
        co_return false;
    }
    const auto &spoken = house_.options.protocols;
    const auto &offered = request.protocols();
    const auto protocol = std::ranges::find_if(spoken, [&](const std::string &each) {
        return std::ranges::find(offered, each) != offered.end();
    });
    if (protocol == spoken.end()) {
        constexpr unsigned bad_request = 400;
        std::string all;
        for (const auto &each : offered) {
            all.append(all.empty() ? "" : ",").append(each);
        }
        log_.refused("unknown application protocol", Level::Info, bad_request, all);
        request.reject(bad_request);
        co_return false;
    }
    log_.speaks("h3." + *protocol);
    config_.url_target = head.target;
    auto session = request.accept(*protocol);
    std::lock_guard lock(mutex_);
    transport_ = std::move(session);
    co_return true;
}
#endif
