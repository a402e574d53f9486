// A service that decides who may do what at the relay. It is asked by HTTP, once for each session, and again when it wants to be.
#pragma once

#include "auth_wire.hpp"
#include "http_answer.hpp"
#include "log_budget.hpp"

#include <comoq/net/url.hpp>
#include <comoq/path.hpp>

#include <asio/awaitable.hpp>
#include <asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct AuthOutcome {
    // What it allows; nothing: no, or no answer.
    std::optional<AuthGrant> grant;
    std::string_view reason;
    // It has not said no: it is away, or out of order.
    bool is_away = false;
};

// Any thread; each call on the executor of its caller. A call takes 10 s at most, and has one connection of its own.
class AuthService {
public:
    // An http URL of this machine, or an https URL; `authorities` is a PEM file, the system's if there is none. Throws
    // std::system_error for a file that cannot be used.
    AuthService(comoq::net::Url url, const std::optional<std::string> &authorities, LogBudget &budget);

    // With a text of `connect_question` or `revalidate_question`, of a client that has asked for that path. Fails only when it is
    // cancelled.
    asio::awaitable<AuthOutcome> ask(std::string question, comoq::Path asked) const;
    // With a text of `end_message`. What fails is logged at debug.
    asio::awaitable<void> tell(std::string message) const;

private:
    asio::awaitable<HttpAnswer> post(std::string body) const;

    bool may_log() const;

    const comoq::net::Url url_;
    LogBudget &budget_;
    std::shared_ptr<asio::ssl::context> tls_;  // of https
};

// Throws UsageError for what is not a URL, and for one where no secret may be sent.
comoq::net::Url auth_url_from(std::string_view text);
