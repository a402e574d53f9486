// What a guest asks of the relay by HTTP: files of --web, what is announced, a group, and counters.
#include "guest.hpp"

#include "metrics.hpp"
#include "web_body.hpp"
#include "web_media.hpp"
#include "web_route.hpp"

#include <comoq/broadcast.hpp>
#include <comoq/error.hpp>
#include <comoq/group.hpp>
#include <comoq/track_consumer.hpp>
#include <comoq/with_timeout.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using namespace std::chrono_literals;

// How long one answer may take altogether: what it holds is given back then.
constexpr auto longest_answer = 30s;
// How long somebody may take to say whether there is such a group.
constexpr auto longest_question = 10s;

WebAnswer refusal_for_all(unsigned status, std::string_view reason) {
    auto answer = refusal(status, reason);
    answer.head.fields.add("Access-Control-Allow-Origin", "*");
    return answer;
}

// A client may know why, by the status.
WebAnswer refusal_by(std::error_code code) {
    constexpr unsigned forbidden = 403, not_found = 404, too_slow = 504, unavailable = 503;
    if (code == comoq::Error::Unauthorized) {
        return refusal_for_all(forbidden, "Forbidden");
    }
    if (code == comoq::Error::Timeout) {
        return refusal_for_all(too_slow, "Gateway Timeout");
    }
    if (code == comoq::Error::LimitReached) {
        return refusal_for_all(unavailable, "Service Unavailable");
    }
    return refusal_for_all(not_found, "Not Found");
}

// The question mark and what follows.
std::string query_of(std::string_view target) {
    target = target.substr(0, target.find('#'));
    return std::string(target.substr(std::min(target.find('?'), target.size())));
}

}  // namespace

// What a small answer says, or why there is none. Nothing if a stream of media or names is to come.
std::optional<WebAnswer> Guest::brief_web_answer(const comoq::websocket::RequestHead &request, const WebRoute &route) {
    using Kind = WebRoute::Kind;
    const bool is_get = request.method == "GET", is_head = request.method == "HEAD";
    switch (route.kind) {
    case Kind::Health:
        if (is_get || is_head) {
            return brief_answer("ok\n");
        }
        break;
    case Kind::Certificate:
        if ((is_get || is_head) && house_.identity) {
            return brief_answer(house_.identity->fingerprint());
        }
        break;
    case Kind::Malformed:
        return refusal_for_all(400, "Bad Request");
    case Kind::Metrics:
    case Kind::Announced:
    case Kind::Fetch:
        if (!is_get) {
            auto answer = refusal_for_all(405, "Method Not Allowed");
            answer.head.fields.add("Allow", "GET");
            return answer;
        }
        return std::nullopt;
    case Kind::Files:
        break;
    }
    return house_.web ? house_.web->answer(request) : refusal(404, "Not Found");
}

// The answer, or nothing if it was streamed. Throws where that has failed midway: only the end of the connection
// tells the client.
awaitable<std::optional<WebAnswer>> Guest::answer_by_rights(const comoq::websocket::RequestHead &request, WebRoute route, WebSink &to) {
    auto admitting = admit("/" + query_of(request.target), "http");
    const auto admission = co_await std::move(admitting);
    // The root of what it may watch.
    const auto seen = admission.views ? admission.views->publish : std::nullopt;
    if (!seen) {
        constexpr unsigned forbidden = 403;
        auto answer = not_let_in(admission.views ? forbidden : admission.status);
        answer.head.fields.add("Access-Control-Allow-Origin", "*");
        co_return std::move(answer);
    }
    if (route.kind == WebRoute::Kind::Metrics) {
        // They tell of all.
        const auto allowed = seen->allowed();
        const bool sees_all = std::ranges::any_of(allowed, &comoq::Path::empty);
        if (sees_all) {
            co_return brief_answer(house_.metrics(), metrics_type);
        }
        co_return not_let_in(house_.keys && token_in(request.target).empty() ? 401 : 403);
    }
    WebBody body(to, request.minor_version != 0);
    comoq::websocket::ResponseHead head;
    const bool keeps_alive = request.keeps_alive() && !request.has_body();
    if (route.kind == WebRoute::Kind::Announced) {
        const auto below = seen->with_root(route.path);
        if (!below) {
            co_return refusal_for_all(403, "Forbidden");
        }
        std::optional<WebBudget::Share> share;
        try {
            share.emplace(house_.web_budget, share_of_list);
        } catch (const std::system_error &error) {
            co_return refusal_by(error.code());
        }
        add_common_fields(head, "application/json");
        auto beginning = body.begin(std::move(head), keeps_alive);
        co_await std::move(beginning);
        auto sending = send_announced(below->announced(), route.path, body);
        co_await comoq::with_timeout(std::move(sending), longest_answer);
        co_return std::nullopt;
    }
    std::optional<comoq::TrackSubscriber> held;
    std::optional<comoq::GroupConsumer> group;
    std::error_code failure;
    try {
        auto asking = group_of(*seen, route, held);
        group = co_await comoq::with_timeout(std::move(asking), longest_question);
    } catch (const std::system_error &error) {
        failure = error.code();
    }
    if (!group) {
        co_return refusal_by(failure);
    }
    add_common_fields(head, "application/octet-stream");
    head.fields.add("X-Group", std::to_string(group->sequence()));
    auto beginning = body.begin(std::move(head), keeps_alive);
    co_await std::move(beginning);
    auto sending = send_group(std::move(*group), body, house_.web_budget);
    co_await comoq::with_timeout(std::move(sending), longest_answer);
    co_return std::nullopt;
}
