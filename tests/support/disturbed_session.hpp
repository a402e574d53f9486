/// \file
/// A session of any protocol that is disturbed at every point, on either side.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>
#include <comoq/session.hpp>

#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/manual_sleep.hpp"
#include "support/media.hpp"

namespace comoq::test {

/// A publisher on the server's side, and viewers on the client's: they read, fetch, and request broadcasts that nobody
/// serves. The test disturbs the session of one side, from its beginning to its end. Sessions of any
/// protocol.
class DisturbedSession {
public:
    std::optional<asio::io_context> context{std::in_place};

    DisturbedSession(std::string protocol, bool serves) : protocol_(std::move(protocol)), serves_(serves) {
        publish();
        other_.emplace(serves_ ? link_->client() : link_->server(), config_of(serves_ ? *here_ : *there_));
        spawn(view(*here_, seen_));
        spawn(fetch(*here_, seen_));
        spawn(ask_in_vain());
    }
    DisturbedSession(const DisturbedSession &) = delete;
    DisturbedSession &operator=(const DisturbedSession &) = delete;

    asio::awaitable<void> work() {
        auto transport = serves_ ? link_->server() : link_->client();
        return hold(std::move(transport), config_of(serves_ ? *there_ : *here_));
    }
    void leave() {
        link_->cut();
        other_.reset();
        published_.reset();
        track_.reset();
        tracks_.reset();
        handler_.reset();
    }
    void check_end() {
        if (context) {
            CHECK(time_.sleepers() == 0);
            CHECK(link_->open_streams() == 0);
            CHECK(here_->stats().announced == 0);
            CHECK(link_->client().use_count() == owners_);
            CHECK(link_->server().use_count() == owners_);
        }
        for (const auto *origin : {&*here_, &*there_}) {
            CHECK(origin->stats().handlers == 0);
            CHECK(origin->stats().pending == 0);
            CHECK(origin->stats().watchers == 0);
            CHECK(origin->stats().unsent_bytes == 0);
        }
        CHECK(waiting_ == 0);
    }

private:
    struct Waiting {
        explicit Waiting(int &of) noexcept : count(of) { ++count; }
        Waiting(const Waiting &) = delete;
        Waiting &operator=(const Waiting &) = delete;
        ~Waiting() { --count; }
        int &count;
    };

    SessionConfig config_of(const Origin &origin) const {
        SessionConfig config;
        config.publish = origin.consumer();
        config.subscribe = origin.producer();
        config.sleep = time_;
        return config;
    }
    void publish() {
        handler_.emplace(there_->producer().dynamic());
        published_.emplace(there_->producer().create_broadcast("live"));
        track_.emplace(published_->producer().create_track("video"));
        tracks_.emplace(track_->dynamic());
        auto group = track_->append_group();
        group.write_frame(payload("one"));
        group.finish();
        track_->append_group().write_frame(payload("two"));
    }
    void spawn(asio::awaitable<void> viewer) {
        asio::co_spawn(*context, wait_for(waiting_, std::move(viewer)), [](const std::exception_ptr &) {});
    }
    static asio::awaitable<void> wait_for(int &count, asio::awaitable<void> viewer) {
        const Waiting waiting(count);
        co_await std::move(viewer);
    }
    /// Runs until the session is over. A session that is still open when this ends is closed.
    static asio::awaitable<void> hold(std::shared_ptr<Transport> transport, SessionConfig config) {
        const Session session(std::move(transport), std::move(config));
        auto done = session.done();
        co_await std::move(done);
    }

    static asio::awaitable<BroadcastConsumer> find(const Origin &origin) {
        // Ends early once nothing is left.
        for (int i = 0; i < 60; ++i) {
            auto found = origin.consumer().announced_broadcast("live");
            if (found.ready()) co_return co_await std::move(found);
            co_await turns(1);
        }
        throw std::system_error(make_error_code(Error::NotFound));
    }
    static asio::awaitable<void> view(const Origin &origin, std::string &seen) {
        auto broadcast = co_await find(origin);
        auto subscriber = co_await broadcast.track("video").subscribe();
        while (auto group = co_await subscriber.next_group())
            while (auto frame = co_await group->read_frame()) seen += frame->payload.view();
    }
    static asio::awaitable<void> fetch(const Origin &origin, std::string &seen) {
        auto broadcast = co_await find(origin);
        auto cached = co_await broadcast.track("video").fetch_group(0);
        auto missing = co_await broadcast.track("video").fetch_group(99);
        seen += "fetched";
    }
    asio::awaitable<void> ask_in_vain() { return ask(there_->consumer().request_broadcast("silent")); }
    static asio::awaitable<void> ask(Pending<BroadcastConsumer> asked) { co_await std::move(asked); }

    static MemoryLinkConfig speaking(const std::string &protocol) {
        MemoryLinkConfig config;
        config.protocol = protocol;
        return config;
    }

    const std::string protocol_;
    const bool serves_;
    int waiting_ = 0;
    std::string seen_;
    ManualSleep time_;
    std::optional<Origin> there_{std::in_place}, here_{std::in_place};
    std::optional<OriginDynamic> handler_;
    std::optional<BroadcastPublish> published_;
    std::optional<TrackProducer> track_;
    std::optional<TrackDynamic> tracks_;
    std::optional<MemoryLink> link_{std::in_place, context->get_executor(), context->get_executor(), speaking(protocol_)};
    const long owners_ = link_->client().use_count();
    std::optional<Session> other_;
};

}  // namespace comoq::test
