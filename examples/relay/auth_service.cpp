#include "auth_service.hpp"

#include "log.hpp"
#include "shared/command_line.hpp"

#include <comoq/net/connect_config.hpp>
#include <comoq/net/tls.hpp>
#include <comoq/websocket/http_head.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/buffer.hpp>
#include <asio/connect.hpp>
#include <asio/error.hpp>
#include <asio/ip/address.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/ssl/host_name_verification.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <chrono>
#include <cstddef>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace {

// As the relay of the Rust implementation waits. A session waits for 15 s.
constexpr auto longest_auth_answer = std::chrono::seconds(10);

std::string auth_request(const comoq::net::Url &url, std::string_view body) {
    comoq::websocket::RequestHead head;
    head.method = "POST";
    head.target = url.target;
    head.fields.add("Host", url.authority());
    head.fields.add("Content-Type", "application/json");
    head.fields.add("Accept", "application/json");
    head.fields.add("Content-Length", std::to_string(body.size()));
    head.fields.add("Connection", "close");
    return to_text(head).append(body);
}

template <class Stream> asio::awaitable<HttpAnswer> exchange(Stream &stream, std::string request) {
    co_await asio::async_write(stream, asio::buffer(request), asio::use_awaitable);
    constexpr std::size_t read_at_once = 4096;
    std::string input;
    while (true) {
        const auto known = input.size();
        input.resize(known + read_at_once);
        std::error_code over;
        const auto room = asio::buffer(input.data() + known, read_at_once);
        const std::size_t count = co_await stream.async_read_some(room, asio::redirect_error(asio::use_awaitable, over));
        input.resize(known + count);
        if (over == asio::error::operation_aborted) {
            throw std::system_error(over);
        }
        std::error_code wrong;
        auto answer = read_http_answer(input, static_cast<bool>(over), wrong);
        if (wrong) {
            throw std::system_error(wrong);
        }
        if (answer) {
            co_return std::move(*answer);
        }
    }
}

asio::awaitable<HttpAnswer> exchange_there(const comoq::net::Url &url, asio::ssl::context *tls, std::string request) {
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::resolver resolver(executor);
    const auto port = std::to_string(url.port.value_or(tls != nullptr ? 443 : 80));
    const auto addresses = co_await resolver.async_resolve(url.host, port, asio::use_awaitable);
    asio::ip::tcp::socket socket(executor);
    co_await asio::async_connect(socket, addresses, asio::use_awaitable);
    if (tls == nullptr) {
        auto exchanging = exchange(socket, std::move(request));
        co_return co_await std::move(exchanging);
    }
    asio::ssl::stream<asio::ip::tcp::socket> stream(std::move(socket), *tls);
    std::error_code no_address;
    static_cast<void>(asio::ip::make_address(url.host, no_address));
    if (no_address) {
        SSL_set_tlsext_host_name(stream.native_handle(), const_cast<char *>(url.host.c_str()));
    }
    stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    auto exchanging = exchange(stream, std::move(request));
    co_return co_await std::move(exchanging);
}

}  // namespace

comoq::net::Url auth_url_from(std::string_view text) {
    comoq::net::Url url;
    try {
        url = comoq::net::parse_url(text);
    } catch (const std::system_error &error) {
        throw UsageError(error.what());
    }
    std::error_code none;
    const auto address = asio::ip::make_address(url.host, none);
    const bool is_here = url.host == "localhost" || (!none && address.is_loopback());
    if (url.scheme != "https" && (url.scheme != "http" || !is_here)) {
        throw UsageError(fmt::format("--auth-url takes an https URL, or an http URL of this machine, and not {}", in_quotes(url.text())));
    }
    return url;
}

AuthService::AuthService(comoq::net::Url url, const std::optional<std::string> &authorities, LogBudget &budget)
    : url_(std::move(url)), budget_(budget) {
    if (url_.scheme == "https") {
        comoq::TlsConfig config;
        config.authorities_file = authorities;
        tls_ = comoq::net::client_tls(config);
    }
}

// Clients cause these lines: all clients together get as many of them as the budget has for one address.
bool AuthService::may_log() const { return budget_.take({}, std::chrono::steady_clock::now()); }

asio::awaitable<HttpAnswer> AuthService::post(std::string body) const {
    auto exchanging = exchange_there(url_, tls_.get(), auth_request(url_, body));
    co_return co_await comoq::with_timeout(std::move(exchanging), longest_auth_answer);
}

asio::awaitable<AuthOutcome> AuthService::ask(std::string question, comoq::Path asked) const {
    AuthOutcome outcome;
    std::optional<HttpAnswer> answer;
    try {
        auto posting = post(std::move(question));
        answer = co_await std::move(posting);
    } catch (const std::system_error &error) {
        if (error.code() == asio::error::operation_aborted) {
            throw;
        }
        LogLine(Level::Warning, "auth_service_away", may_log()).with("url", url_.text()).with("error", error.code());
    }
    constexpr unsigned first = 200, last = 299, unauthorized = 401, forbidden = 403;
    if (!answer || ((answer->status < first || answer->status > last) && answer->status != unauthorized && answer->status != forbidden)) {
        outcome.reason = "the service for authorization is away";
        outcome.is_away = true;
        if (answer) {
            LogLine(Level::Warning, "auth_service_away", may_log()).with("url", url_.text()).with("status", answer->status);
        }
        co_return outcome;
    }
    if (answer->status > last) {
        outcome.reason = "the service for authorization refuses";
        co_return outcome;
    }
    auto verdict = read_grant(answer->body, asked, std::chrono::system_clock::now());
    outcome.grant = std::move(verdict.grant);
    outcome.reason = verdict.reason;
    co_return outcome;
}

asio::awaitable<void> AuthService::tell(std::string message) const {
    try {
        auto posting = post(std::move(message));
        co_await std::move(posting);
    } catch (const std::system_error &error) {
        LogLine(Level::Debug, "auth_service_away").with("url", url_.text()).with("error", error.code());
    }
}
