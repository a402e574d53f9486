// The owner of a payload may do anything at its end, also call the library: it ends under none of the library's locks.
// A lock that is held makes these tests hang.
#include <comoq/comoq.hpp>
#include <comoq/detail/session/requested_broadcasts.hpp>
#include <comoq/detail/session/announce_feed.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace deleters_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// An origin with a broadcast and a track, and payloads that call all three when they end.
class Scene {
public:
    Scene() {
        OriginConfig config;
        config.clock = [now = now_] { return *now; };
        config.max_cached_bytes = 4096;
        origin_.emplace(std::move(config));
        published_.emplace(origin_->producer().create_broadcast("a"));
        TrackInfo info;
        info.max_latency = std::chrono::seconds(1);
        track_.emplace(published_->producer().create_track("video", info));
    }
    ~Scene() { published_.reset(); }

    Bytes payload(std::size_t size = 100) {
        auto bytes = std::make_shared<std::vector<std::byte>>(size);
        const std::span<const std::byte> view(*bytes);
        ++made_;
        return Bytes(std::shared_ptr<const void>(bytes.get(), [this, bytes](const void *) { look(); }), view);
    }

    void act(std::mt19937_64 &random) {
        auto &track = *track_;
        switch (random() % 14) {
        case 0: ignore([&] { return track.write_frame(payload(1 + random() % 3000)); }); break;
        case 1: groups_.push_back(track.append_group()); break;
        case 2:
            if (!groups_.empty()) ignore([&] { return groups_[random() % groups_.size()].write_frame(payload()), 0; });
            break;
        case 3:
            if (!groups_.empty()) groups_.erase(groups_.begin() + static_cast<std::ptrdiff_t>(random() % groups_.size()));
            break;
        case 4:
            if (!groups_.empty()) groups_[random() % groups_.size()].abort(Error::Timeout);
            break;
        case 5: *now_ += std::chrono::milliseconds(random() % 2000); break;
        case 6: subscribers_.push_back(now(track.consume().subscribe(Subscription{.start = 0}))); break;
        case 7:
            if (!subscribers_.empty()) subscribers_.pop_back();
            break;
        case 8: ignore([&] { return track.append_datagram(payload()); }); break;
        case 9:
            for (auto &subscriber : subscribers_) {
                auto next = subscriber.recv_group();
                if (next.ready()) {
                    if (auto group = now(std::move(next))) readers_.push_back(std::move(*group));
                }
            }
            break;
        case 10:
            for (auto &reader : readers_) static_cast<void>(settle(reader.read_frame()));
            break;
        case 11: readers_.clear(); break;
        case 12: {
            if (groups_.empty()) break;
            auto &group = groups_[random() % groups_.size()];
            ignore([&] {
                auto frame = group.create_frame(200);
                frame.write(payload());
                if (random() % 2 == 0) frame.write(payload());
                if (random() % 2 == 0) frame.finish();
                return 0;
            });
            break;
        }
        default:
            for (auto &subscriber : subscribers_) static_cast<void>(settle(subscriber.recv_datagram()));
        }
    }

    /// In any order.
    void end(std::mt19937_64 &random) {
        std::vector<std::function<void()>> acts = {
            [&] { groups_.clear(); }, [&] { subscribers_.clear(); }, [&] { readers_.clear(); },
            [&] {
                if (random() % 2 == 0) track_->abort(Error::Timeout);
                track_.reset();
            },
            [&] { published_->producer().finish(); }};
        std::shuffle(acts.begin(), acts.end(), random);
        for (auto &each : acts) each();
    }
    int made() const { return made_; }
    int looked() const { return looked_; }

private:
    void look() {
        ++looked_;
        static_cast<void>(origin_->stats());
        if (published_) static_cast<void>(published_->producer().stats());
        if (track_) {
            static_cast<void>(track_->stats());
            static_cast<void>(track_->consume().get_group(0));
        }
        static_cast<void>(origin_->consumer().request_broadcast("a"));
    }
    template <class Call> static void ignore(Call &&call) {
        try {
            static_cast<void>(call());
        } catch (const std::system_error &) {
        }
    }

    const std::shared_ptr<std::chrono::steady_clock::time_point> now_ =
        std::make_shared<std::chrono::steady_clock::time_point>();
    int made_ = 0, looked_ = 0;
    std::optional<Origin> origin_;
    std::optional<BroadcastPublish> published_;
    std::optional<TrackProducer> track_;
    std::vector<GroupProducer> groups_;
    std::vector<TrackSubscriber> subscribers_;
    std::vector<GroupConsumer> readers_;
};

}  // namespace

TEST_CASE("D16: the owner of a payload is destroyed while no lock of the model is held", "[deleters]") {
    std::mt19937_64 random(seed("deleters"));
    for (int round = 0; round < 100; ++round) {
        Scene scene;
        for (auto steps = random() % 120; steps != 0; --steps) {
            scene.act(random);
        }
        scene.end(random);
        CHECK(scene.looked() == scene.made());
    }
}

TEST_CASE("D16: a broadcast that only the origin's table of served broadcasts owns is destroyed while no lock is held",
          "[deleters]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    int ended = 0;
    std::optional<Pending<BroadcastConsumer>> asked(origin.consumer().request_broadcast("a"));
    {
        auto broadcast = origin.producer().make_broadcast();
        auto track = broadcast.create_track("video");
        auto bytes = std::make_shared<std::byte>();
        track.write_frame(Bytes(std::shared_ptr<const void>(bytes.get(),
                                                            [&ended, &origin, bytes](const void *) {
                                                                ++ended;
                                                                static_cast<void>(origin.stats());
                                                            }),
                                std::span<const std::byte>(bytes.get(), 1)));
        CHECK(now(handler.requested_broadcast())->accept(broadcast.consume()));
        CHECK(now(std::move(*asked)));
    }
    asked.reset();
    CHECK(ended == 1);
    CHECK_FALSE(origin.consumer().request_broadcast("a").ready());
}

TEST_CASE("D16: a broadcast that a stream of announcements has not told of yet is not kept by it", "[deleters]") {
    Origin origin;
    const auto consumer = origin.consumer();
    const auto &view = consumer.view(detail::Passkey());
    auto feed = std::make_shared<detail::AnnounceFeed>(consumer.state(detail::Passkey()), std::vector<std::uint64_t>());
    const detail::AnnounceFeed::Follower slow(feed, view, true), quick(feed, view, true);
    for (const auto *each : {&slow, &quick}) {
        CHECK(now(each->next()).count == std::uint64_t{0});
        CHECK(now(each->next()).told.empty());
    }
    int ended = 0;
    {
        const BroadcastProducer broadcast;
        const auto &state = broadcast.state(detail::Passkey());
        auto watched = std::shared_ptr<detail::BroadcastState>(state.get(), [&, state](detail::BroadcastState *) {
            ++ended;
            static_cast<void>(origin.stats());
        });
        const auto guard =
            origin.producer().publish_broadcast("a", BroadcastConsumer(detail::Passkey(), std::move(watched)));
        CHECK(now(quick.next()).told.size() == 1);
    }
    CHECK(ended == 1);
    CHECK(now(quick.next()).told.size() == 1);
    CHECK_FALSE(slow.next().ready());
}

TEST_CASE("D16: a requested broadcast whose path another one takes, and a view, end while no lock is held", "[deleters]") {
    asio::io_context context;
    detail::RequestedBroadcasts table;
    int ended = 0;
    const auto make = [](const OriginProducer &in) { return detail::RequestedBroadcasts::Made(in.make_broadcast()); };
    {
        // The last holder of the origin's bounds ends the clock.
        auto looks = std::shared_ptr<int>(new int(0), [&](int *number) {
            delete number;
            ++ended;
            static_cast<void>(table.below_root("a"));
        });
        OriginConfig config;
        config.clock = [looks = std::move(looks)] { return std::chrono::steady_clock::time_point() + std::chrono::seconds(*looks); };
        const Origin origin(std::move(config));
        table.admit(origin.producer());
        CHECK(table.find_or_make("a", 10, make));
        CHECK(run_to_end(context, table.next()).size() == 1);
    }
    CHECK(ended == 0);
    const Origin other;
    table.admit(other.producer());
    CHECK(ended == 0);
    CHECK(table.find_or_make("a", 10, make));
    CHECK(ended == 1);
}

}
