// What a guest may do, where a service decides that.
#include "guest.hpp"

#include <comoq/lite/request_target.hpp>

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fmt/format.h>
#include <random>
#include <string>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;

std::string random_session_id() {
    std::random_device device;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

// A service that is away is asked again, less and less often.
std::chrono::seconds pause_after(std::size_t failures, std::chrono::seconds usual) {
    constexpr std::size_t most_doublings = 6;
    constexpr std::chrono::seconds longest(60);
    const std::chrono::seconds pause(1 << std::min(failures - 1, most_doublings));
    return std::min({pause, longest, usual});
}

}  // namespace

// A service is asked once for each target.
awaitable<Admission> Guest::admit(std::string target, std::string transport) {
    if (relay_until_ || !house_.service) {
        co_return house_.admit(target, relay_until_);
    }
    constexpr unsigned unauthorized = 401, unavailable = 503;
    if (!grant_ || question_.target != target) {
        comoq::Path asked;
        try {
            asked = comoq::lite::read_target(target).root;
        } catch (const std::system_error &) {
            co_return not_admitted(unauthorized, "it asks for what is not a path");
        }
        question_.id = random_session_id();
        question_.transport = std::move(transport);
        question_.remote = log_.peer();
        question_.protocol = log_.protocol();
        question_.target = std::move(target);
        auto asking = house_.service->ask(connect_question(question_), std::move(asked));
        auto outcome = co_await std::move(asking);
        if (!outcome.grant) {
            co_return not_admitted(outcome.is_away ? unavailable : unauthorized, outcome.reason);
        }
        grant_ = std::move(outcome.grant);
        granted_ = std::chrono::steady_clock::now();
    }
    co_return admit_by_grant(*grant_, house_.rights, house_.origin);
}

// The same for a client that a web page may have sent: a page of another origin causes no check of a signature and no question. The
// head stays in place.
awaitable<Admission> Guest::admit_page(const comoq::websocket::RequestHead &head, bool is_secure) {
    constexpr unsigned forbidden = 403;
    log_.asks_for(head.target);
    log_.runs_in(head.fields);
    if (!house_.web_origins.lets_in(head, is_secure)) {
        co_return not_admitted(forbidden, "a page of another origin");
    }
    auto admitting = admit(head.target, kind_);
    co_return co_await std::move(admitting);
}

// Asks the service again as often as it wants to be asked. What it allows beyond the first time is not used in this session; if it
// allows less, the session ends, and the client may come again. The first argument keeps the guest.
awaitable<void> Guest::keep_grant(std::shared_ptr<Guest>, comoq::Operation<void> admitted) {
    co_await std::move(admitted);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    std::size_t failures = 0;
    while (grant_ && grant_->revalidate) {
        timer.expires_after(failures == 0 ? *grant_->revalidate : pause_after(failures, *grant_->revalidate));
        co_await timer.async_wait(asio::use_awaitable);
        auto asking = house_.service->ask(revalidate_question(question_), comoq::lite::read_target(question_.target).root);
        const auto outcome = co_await std::move(asking);
        if (outcome.is_away) {
            ++failures;
            continue;
        }
        failures = 0;
        if (!outcome.grant || outcome.grant->root != grant_->root || !outcome.grant->reach.covers(grant_->reach)) {
            grant_end_ = "refused";
            expire();
            co_return;
        }
        grant_->expires = outcome.grant->expires;
        grant_->revalidate = outcome.grant->revalidate;
        house_.guests.may_stay(*this, grant_->expires.value_or(std::chrono::system_clock::time_point::max()));
    }
}

// Tells the service that what it has allowed is not used any more.
awaitable<void> Guest::end_grant() {
    if (!grant_) {
        co_return;
    }
    const auto moved = stats();
    AuthEnd end;
    end.reason = grant_end_;
    if (grant_->expires && std::chrono::system_clock::now() >= *grant_->expires) {
        end.reason = "expired";
    }
    end.duration = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - granted_);
    end.sent = moved.sent_bytes.value_or(0);
    end.received = moved.received_bytes.value_or(0);
    grant_.reset();
    auto telling = house_.service->tell(end_message(question_, end));
    co_await std::move(telling);
}
