// SPDX-License-Identifier: MIT
#include "cases.hpp"

#include "raw_client.hpp"

#include "moq_test/check.hpp"
#include "moq_test/serve.hpp"
#include "moq_test/test_track.hpp"

#include <comoq/broadcast.hpp>
#include <comoq/group.hpp>
#include <comoq/ietf/session.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/url.hpp>
#include <comoq/origin.hpp>
#include <comoq/subscription.hpp>
#include <comoq/task_group.hpp>
#include <comoq/track.hpp>
#include <comoq/with_timeout.hpp>

#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

using asio::awaitable;
using namespace comoq::ietf;
using namespace std::chrono_literals;

namespace {

const std::string test_track_name = "test-track";

// Whoever else tests the same relay has other names.
std::string run_id() {
    std::random_device random;
    std::string id;
    for (int part = 0; part < 4; ++part) id += fmt::format("{:08x}", random());
    return id;
}
Namespace test_space() { return {"moq-test", "interop", run_id()}; }

// What SETUP says: WebTransport and WebSocket have the path in their URL.
std::optional<std::string> told_path(const Target &target) {
    const auto url = comoq::net::parse_url(target.url);
    return url.scheme == "moqt" ? std::optional(url.target) : std::nullopt;
}

std::string name_of(const ControlMessage &message) {
    if (const auto *const error = std::get_if<RequestError>(&message)) return fmt::format("REQUEST_ERROR {:#x}", error->code);
    if (std::holds_alternative<RequestOk>(message)) return "REQUEST_OK";
    if (std::holds_alternative<SubscribeOk>(message)) return "SUBSCRIBE_OK";
    return fmt::format("message {}", message.index());
}
template <class Message> void expect(const ControlMessage &message, const char *expected) {
    if (!std::holds_alternative<Message>(message)) throw Mismatch(expected, name_of(message));
}

// A connection on which both sides have said SETUP.
class Connection {
public:
    static awaitable<std::unique_ptr<Connection>> make(const Target &target) {
        auto transport = co_await comoq::connect_transport(target.url, target.config);
        auto made = std::make_unique<Connection>();
        made->client_ = co_await RawClient::greet(std::move(transport), told_path(target));
        co_await made->client_->setup();
        co_return made;
    }
    Connection() = default;
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;
    ~Connection() {
        if (client_ != nullptr) client_->close();
    }
    RawClient &operator*() const { return *client_; }
    RawClient *operator->() const { return client_.get(); }

private:
    RawClient::Self client_;
};

awaitable<RawRequest> announce(RawClient &client, Namespace space) {
    PublishNamespace message;
    message.request_id = client.next_id();
    message.space = std::move(space);
    auto request = co_await client.ask(std::move(message));
    expect<RequestOk>(co_await request.next(), "REQUEST_OK to PUBLISH_NAMESPACE");
    co_return request;
}
awaitable<RawRequest> subscribe(RawClient &client, Namespace space) {
    Subscribe message;
    message.request_id = client.next_id();
    message.track = {std::move(space), test_track_name};
    co_return co_await client.ask(std::move(message));
}
awaitable<RawRequest> publish(RawClient &client, Namespace space) {
    Publish message;
    message.request_id = client.next_id();
    message.track = {std::move(space), test_track_name};
    message.alias = 1;
    auto request = co_await client.ask(std::move(message));
    expect<RequestOk>(co_await request.next(), "PUBLISH_OK");
    co_return request;
}

// ---- the runner's six cases

awaitable<std::string> setup_only(const Target &target) {
    const auto connection = co_await Connection::make(target);
    co_return fmt::format("SETUP has come, by {}", (*connection)->protocol());
}

awaitable<std::string> announce_only(const Target &target) {
    const auto connection = co_await Connection::make(target);
    const auto request = co_await announce(**connection, test_space());
    co_return "REQUEST_OK";
}

awaitable<std::string> publish_namespace_done(const Target &target) {
    const auto connection = co_await Connection::make(target);
    auto request = co_await announce(**connection, test_space());
    request.cancel();
    // The session goes on.
    auto again = co_await announce(**connection, test_space());
    co_return "REQUEST_OK, and another one after the request was taken back";
}

awaitable<std::string> subscribe_error(const Target &target) {
    const auto connection = co_await Connection::make(target);
    const Namespace unknown = {"nonexistent", "namespace"};
    auto request = co_await subscribe(**connection, unknown);
    const auto answer = co_await request.next();
    expect<RequestError>(answer, "REQUEST_ERROR");
    co_return name_of(answer);
}

awaitable<std::string> announce_subscribe(const Target &target) {
    const auto publisher = co_await Connection::make(target);
    (*publisher)->serve(test_track_name);
    const auto space = test_space();
    const auto announced = co_await announce(**publisher, space);
    const auto subscriber = co_await Connection::make(target);
    auto request = co_await subscribe(**subscriber, space);
    expect<SubscribeOk>(co_await request.next(), "SUBSCRIBE_OK");
    if ((*publisher)->accepted() == 0) throw Mismatch("a SUBSCRIBE at the publisher", "none");
    co_return "SUBSCRIBE_OK";
}

awaitable<std::string> subscribe_before_announce(const Target &target) {
    const auto space = test_space();
    const auto subscriber = co_await Connection::make(target);
    auto request = co_await subscribe(**subscriber, space);
    co_await comoq::sleep_for(500ms);
    const auto publisher = co_await Connection::make(target);
    (*publisher)->serve(test_track_name);
    const auto announced = co_await announce(**publisher, space);
    const auto answer = co_await request.next();
    if (!std::holds_alternative<RequestError>(answer)) expect<SubscribeOk>(answer, "SUBSCRIBE_OK or REQUEST_ERROR");
    co_return name_of(answer);
}

// ---- PUBLISH

awaitable<std::string> publish_track_only(const Target &target) {
    const auto connection = co_await Connection::make(target);
    const auto request = co_await publish(**connection, test_space());
    co_return "PUBLISH_OK";
}

awaitable<std::string> publish_track_subscribe(const Target &target) {
    const auto space = test_space();
    const auto publisher = co_await Connection::make(target);
    const auto published = co_await publish(**publisher, space);
    const auto subscriber = co_await Connection::make(target);
    auto request = co_await subscribe(**subscriber, space);
    expect<SubscribeOk>(co_await request.next(), "SUBSCRIBE_OK");
    co_return "SUBSCRIBE_OK";
}

// ---- with data: sessions of the library on both sides, and a track that its name defines

// A session of the library with the relay.
awaitable<std::unique_ptr<Session>> session_with(const Target &target, comoq::SessionConfig config) {
    auto transport = co_await comoq::connect_transport(target.url, target.config);
    config.path = told_path(target);
    auto session = std::make_unique<Session>(std::move(transport), std::move(config));
    co_await session->greeted();
    co_return session;
}

// Subscribes to a track from its first group on. What a relay says of a publisher that it has just heard of may be too old: it is
// asked again, until the time of the case is over.
awaitable<comoq::TrackSubscriber> subscribed(comoq::TrackConsumer track) {
    comoq::Subscription wishes;
    wishes.start = 0;
    while (true) {
        std::optional<comoq::TrackSubscriber> subscriber;
        try {
            auto subscribing = track.subscribe(wishes);
            subscriber.emplace(co_await std::move(subscribing));
        } catch (const std::system_error &error) {
            if (error.code() != comoq::Error::NotFound) throw;
        }
        if (subscriber) co_return std::move(*subscriber);
        co_await comoq::sleep_for(50ms);
    }
}

// Of the datagrams none has come, as may be: whoever subscribes late gets none of those that were sent before.
struct NoDatagram {};

// How many groups are fetched, of a track that goes on: a relay may forget one that is over.
constexpr std::uint64_t fetched_groups = 3;

awaitable<std::string> watch(const Target &target, std::string path, bool fetches) {
    const comoq::Origin received;
    comoq::SessionConfig config;
    config.subscribe = received.producer();
    const auto session = co_await session_with(target, config);
    // A relay may have only what somebody subscribes to: somebody does, in a session of its own.
    std::unique_ptr<Session> holding;
    std::optional<comoq::TrackSubscriber> held;
    if (fetches) {
        holding = co_await session_with(target, config);
        held.emplace(co_await subscribed(holding->broadcast(path).track(test_track_name)));
        for (std::uint64_t groups = 0; groups < fetched_groups; ++groups) {
            auto group = co_await held->recv_group();
            if (!group) throw Mismatch("the groups to fetch", "the end of the track");
            while (co_await group->read_frame()) {
            }
        }
    }
    const auto track = session->broadcast(path).track(test_track_name);
    // The checker begins with the same subscription.
    std::optional<comoq::TrackSubscriber> first;
    if (!fetches) first.emplace(co_await subscribed(track));
    TestCheck how;
    how.fetches = fetches;
    if (fetches) how.groups = fetched_groups;
    auto checking = check_track(track, *test_track(path), how);
    const auto verdict = co_await std::move(checking);
    if (verdict.lost > 0 && verdict.objects == 0 && verdict.faults.size() == 1) throw NoDatagram();
    auto told = fmt::format("{} objects in {} lanes, {} datagrams lost", verdict.objects, verdict.lanes, verdict.lost);
    if (!verdict.is_well()) {
        throw Mismatch("the objects that the name says", fmt::format("{}: {}", told, fmt::join(verdict.faults, ", ")));
    }
    co_return told;
}

awaitable<std::string> with_data(const Target &target, std::string_view name, std::string_view test, bool fetches = false) {
    const auto prefix = fmt::format("moq-test/{}/{}", name, run_id());
    const comoq::Origin published;
    const auto announced = published.producer().create_broadcast(prefix);
    comoq::SessionConfig config;
    config.publish = published.consumer();
    const auto session = co_await session_with(target, std::move(config));
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<std::string> {
        TestServing serving;
        serving.said = [](const comoq::Path &, std::string_view) {};
        tasks.spawn(serve_tests(published.producer(), std::move(serving)));
        auto watching = watch(target, fmt::format("{}/{}", prefix, test), fetches);
        auto told = co_await std::move(watching);
        tasks.cancel();
        co_return told;
    };
    co_return co_await comoq::with_task_group(body);
}

awaitable<std::string> data_subgroup_basic(const Target &target) {
    return with_data(target, "data-subgroup-basic", "moq-test-00/0/0/0/2/4/5/64/32/2/1/1/0/-1/-1/0");
}
awaitable<std::string> data_subgroup_each(const Target &target) {
    return with_data(target, "data-subgroup-each", "moq-test-00/1/0/0/2/4/5/64/32/2/1/1/0/-1/-1/0");
}
awaitable<std::string> data_two_subgroups(const Target &target) {
    return with_data(target, "data-two-subgroups", "moq-test-00/2/0/0/2/4/5/64/32/2/1/1/1/-1/-1/0");
}
awaitable<std::string> data_datagram(const Target &target) {
    while (true) {
        try {
            auto once = with_data(target, "data-datagram", "moq-test-00/3/0/0/2/4/5/64/32/20/1/1/0/-1/-1/0");
            co_return co_await std::move(once);
        } catch (const NoDatagram &) {
        }
    }
}
awaitable<std::string> data_properties(const Target &target) {
    return with_data(target, "data-properties", "moq-test-00/0/0/0/2/4/5/64/32/2/1/1/0/4/6/0");
}
awaitable<std::string> data_steps(const Target &target) {
    return with_data(target, "data-steps", "moq-test-00/0/4/3/10/9/5/64/32/2/2/3/1/-1/-1/0");
}
awaitable<std::string> data_fetch(const Target &target) {
    return with_data(target, "data-fetch", "moq-test-00/0/0/0/999/4/5/64/32/20/1/1/0/-1/-1/0", true);
}

constexpr std::array cases{
    Case{"setup-only", 2s, setup_only},
    Case{"announce-only", 2s, announce_only},
    Case{"publish-namespace-done", 2s, publish_namespace_done},
    Case{"subscribe-error", 2s, subscribe_error},
    Case{"announce-subscribe", 3s, announce_subscribe},
    Case{"subscribe-before-announce", 3500ms, subscribe_before_announce},
    Case{"publish-track-only", 2s, publish_track_only},
    Case{"publish-track-subscribe", 3s, publish_track_subscribe},
    Case{"data-subgroup-basic", 10s, data_subgroup_basic},
    Case{"data-subgroup-each", 10s, data_subgroup_each},
    Case{"data-two-subgroups", 10s, data_two_subgroups},
    Case{"data-datagram", 10s, data_datagram},
    Case{"data-properties", 10s, data_properties},
    Case{"data-steps", 10s, data_steps},
    Case{"data-fetch", 10s, data_fetch},
};

}  // namespace

std::span<const Case> all_cases() { return cases; }

asio::awaitable<std::string> draft_at(const Target &target) {
    const auto connection = co_await Connection::make(target);
    co_return "draft-" + std::string((*connection)->protocol().substr(std::string_view("moqt-").size()));
}
