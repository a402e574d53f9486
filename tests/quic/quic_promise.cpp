// The promise of groups: whoever wants the newest first gets it in time on a bad link, because what is old gives way.
#include <comoq/lite/session.hpp>
#include <comoq/quic/connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "quic/scene.hpp"
#include "quic/tcp_scene.hpp"
#include "support/catch.hpp"
#include "support/manual_sleep.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace quic_promise_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// What is sent: frames at equal distances.
struct Load {
    const char *name;
    unsigned frames_per_second, frames_per_group;
    std::size_t frame_size;
    double rate() const { return static_cast<double>(frames_per_second) * static_cast<double>(frame_size); }
};
constexpr Load sound{"50 frames of 800 bytes a second, each a group", 50, 1, 800};
constexpr Load lively{"30 frames of 3,300 bytes a second, 5 in a group", 30, 5, 3'300};
constexpr Load film{"30 frames of 3,300 bytes a second, 30 in a group", 30, 30, 3'300};
constexpr auto one_way = 50ms;
constexpr auto length = 30s;
/// How long a group may wait.
constexpr auto waits = 500ms;

/// A link that loses five packets in a hundred, and carries 70 % of the load.
LinkFaults bad_link(const Load &load) {
    LinkFaults faults;
    faults.delay = one_way;
    faults.lost = 50;
    faults.rate = static_cast<std::uint64_t>(0.7 * load.rate());
    // What it carries in a quarter of a second.
    faults.queue = static_cast<std::size_t>(faults.rate / 4);
    return faults;
}
LinkFaults good_link() {
    LinkFaults faults;
    faults.delay = one_way;
    return faults;
}

/// Times in milliseconds, from when a frame is written until it is read.
struct Outcome {
    double median = 0, late = 0;
    unsigned frames = 0, read = 0, groups = 0, whole = 0, given_up = 0;
};

/// A publisher on the server's side, and a viewer that reads whatever comes.
template <class Scene> class Viewing {
public:
    Viewing(Scene &scene, const Load &load) : scene_(scene), load_(load), there_(origin()), here_(origin()) {
        lite::SessionConfig of_there, of_here;
        of_there.publish = there_.consumer();
        of_here.subscribe = here_.producer();
        of_there.sleep = of_here.sleep = time_;
        publisher_.emplace(scene_.server, std::move(of_there));
        viewer_.emplace(scene_.client, std::move(of_here));
    }
    ~Viewing() {
        // Its readers end with the streams.
        publisher_->close();
        viewer_->close();
        pass(3s);
    }

    Outcome run() {
        auto broadcast = there_.producer().create_broadcast("film");
        auto track = broadcast.producer().create_track("video");
        const auto found = get(here_.consumer().announced_broadcast("film"));
        Subscription wishes;
        wishes.max_latency = waits;
        auto subscriber = get(found.track("video").subscribe(wishes));
        Begun<void> reading(scene_.context, read_groups(subscriber));
        std::optional<GroupProducer> group;
        const unsigned count = load_.frames_per_second * static_cast<unsigned>(length.count());
        for (unsigned i = 0; i < count; ++i) {
            if (i % load_.frames_per_group == 0) {
                if (group) group->finish();
                group.emplace(track.append_group());
                ++outcome_.groups;
            }
            born_[{group->sequence(), i % load_.frames_per_group}] = scene_.now();
            group->write_frame(payload(load_.frame_size));
            ++outcome_.frames;
            pass(std::chrono::milliseconds(1000 / load_.frames_per_second));
        }
        group->finish();
        pass(5s);
        std::sort(ages_.begin(), ages_.end());
        REQUIRE_FALSE(ages_.empty());
        outcome_.read = static_cast<unsigned>(ages_.size());
        outcome_.median = ages_[ages_.size() / 2];
        outcome_.late = ages_[ages_.size() * 95 / 100];
        return outcome_;
    }

private:
    Origin origin() {
        OriginConfig config;
        config.id = ++origins_;
        config.clock = scene_.clock.clock();
        return Origin(std::move(config));
    }
    void pass(std::chrono::milliseconds how_long) {
        for (; how_long.count() > 0; --how_long) {
            scene_.pass(1ms);
            time_.advance(1ms);
        }
        scene_.run();
    }
    template <class T> auto get(Operation<T> operation) {
        auto waiting = wait(std::move(operation));
        for (int i = 0; i < 10'000 && !waiting.done(); ++i) pass(1ms);
        return std::move(waiting.value());
    }
    asio::awaitable<void> read_groups(TrackSubscriber &subscriber) {
        try {
            for (;;) {
                auto next = subscriber.recv_group();
                auto group = co_await std::move(next);
                if (!group) break;
                readers_.push_back(std::make_unique<Begun<void>>(scene_.context, read_frames(std::move(*group))));
            }
        } catch (const std::system_error &) {
        }
    }
    asio::awaitable<void> read_frames(GroupConsumer group) {
        try {
            for (unsigned i = 0;; ++i) {
                auto next = group.read_frame();
                const auto frame = co_await std::move(next);
                if (!frame) break;
                const auto age = scene_.now() - born_.at({group.sequence(), i});
                ages_.push_back(std::chrono::duration<double, std::milli>(age).count());
            }
            ++outcome_.whole;
        } catch (const std::system_error &error) {
            if (error.code() == Error::Old) ++outcome_.given_up;
        }
    }

    Scene &scene_;
    const Load load_;
    std::uint64_t origins_ = 0;
    ManualSleep time_;
    Origin there_, here_;
    std::optional<lite::Session> publisher_, viewer_;
    std::vector<std::unique_ptr<Begun<void>>> readers_;
    std::map<std::pair<std::uint64_t, unsigned>, QuicScene::Time> born_;
    std::vector<double> ages_;
    Outcome outcome_;
};

const std::string protocol = "moq-lite-05";

Outcome over_quic(const Load &load, const LinkFaults &faults, std::uint64_t seed) {
    quic::ConnectionConfig config;
    config.protocols = {protocol};
    QuicScene scene(faults, seed, config, config);
    REQUIRE(scene.passes_until([&] { return scene.server != nullptr && scene.server->max_datagram_size() != 0; }));
    return Viewing(scene, load).run();
}
Outcome over_tcp(const Load &load, const LinkFaults &faults, std::uint64_t seed) {
    TcpScene scene(faults, seed, protocol);
    return Viewing(scene, load).run();
}

void print(const char *what, const Outcome &outcome) {
    std::printf("| %s | %.0f / %.0f ms | %u %% | %u of %u | %u |\n", what, outcome.median, outcome.late,
                100 * outcome.read / outcome.frames, outcome.whole, outcome.groups, outcome.given_up);
}

}  // namespace

TEST_CASE("the promise of groups over QUIC: with 5 % loss and 30 % too little rate, what is newest is in time", "[quic][session]") {
    const Load load = GENERATE(sound, lively);
    const auto seed_here = seed("the promise of groups");
    const auto good = over_quic(load, good_link(), seed_here);
    CHECK(good.read > good.frames * 9 / 10);
    // Each is half a minute of a link that chance rules.
    constexpr unsigned links = 12;
    Outcome bad;
    for (unsigned i = 0; i < links; ++i) {
        const auto one = over_quic(load, bad_link(load), seed_here + i);
        bad.median += one.median / links;
        bad.late += one.late / links;
        bad.frames += one.frames;
        bad.read += one.read;
        bad.groups += one.groups;
        bad.whole += one.whole;
        bad.given_up += one.given_up;
    }
    INFO(load.name << ": median " << bad.median << " ms, " << good.median << " ms on a good link, late " << bad.late << " ms");
    CHECK(bad.median <= good.median + 2 * std::chrono::duration<double, std::milli>(2 * one_way).count());
    // None is much later: what waits for too long is given up, and so is what was lost.
    CHECK(bad.late <= 1.5 * std::chrono::duration<double, std::milli>(waits).count());
    // What is old gives way, and the link is used.
    CHECK(bad.whole + bad.given_up > bad.groups / 2);
    CHECK(bad.given_up > 0);
    CHECK(bad.read > bad.frames * 2 / 5);
    CHECK(bad.read < bad.frames * 3 / 4);
}

TEST_CASE("the promise of groups as a table", "[.table]") {
    const auto seed_here = seed("the table of groups");
    for (const Load &load : {sound, lively, film}) {
        std::printf("%s\n", load.name);
        print("lossless link, QUIC", over_quic(load, good_link(), seed_here));
        print("lossless link, TCP", over_tcp(load, good_link(), seed_here));
        print("bad link, QUIC", over_quic(load, bad_link(load), seed_here));
        print("bad link, TCP", over_tcp(load, bad_link(load), seed_here));
    }
}

}
