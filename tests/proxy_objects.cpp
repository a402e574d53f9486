// SPDX-License-Identifier: MIT
// Everything that a track of MoQ Transport has comes through two proxies, and through two mirrors, as it went in.
#include <comoq/mirror.hpp>
#include <comoq/proxy.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"

namespace proxy_objects_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

std::string text_of(std::optional<std::uint8_t> priority) { return priority ? std::to_string(*priority) : "-"; }
std::string text_of(const GroupInfo &info) {
    return "lane " + std::to_string(info.subgroup) + " priority " + text_of(info.priority) + " from " +
           std::to_string(info.first_object) + (info.is_partial ? " partial" : "") + (info.ends_group ? " ends" : "");
}
std::string text_of(const EndMarker &marker) {
    return "status " + std::to_string(static_cast<int>(marker.status)) + " at " + std::to_string(marker.object);
}
std::string text_of(const Frame &frame, std::uint64_t id) {
    return std::to_string(id) + " at " + std::to_string(frame.timestamp.value()) + ": " + std::string(frame.payload.view()) + " [" +
           std::string(frame.extras.properties().view()) + "] +" + std::to_string(frame.extras.skipped());
}
std::string text_of(const Datagram &datagram) {
    const auto &parts = datagram.extras.parts();
    return std::to_string(datagram.sequence) + "." + std::to_string(datagram.object) + " " + std::string(datagram.payload.view()) +
           " [" + std::string(parts.properties.view()) + "] status " + std::to_string(static_cast<int>(parts.status)) + " priority " +
           text_of(parts.priority) + (parts.ends_group ? " ends" : "");
}

/// Sequence and lane, and then everything that a reader learns.
using Contents = std::map<std::pair<std::uint64_t, std::uint64_t>, Words>;

/// What is in the track, by what was written.
struct Written {
    Contents groups;
    Words datagrams;
};

/// Writes at random what MoQ Transport can have.
class Writer {
public:
    Writer(std::mt19937_64 &random, TrackProducer track) : random_(random), track_(std::move(track)) {}

    void step() {
        switch (below(8)) {
        case 0:
        case 1: return begin();
        case 2: return end();
        case 3: return datagram();
        default: return frame();
        }
    }
    bool has_aborted() const { return has_aborted_; }
    Written finish() {
        while (!open_.empty()) end();
        track_.finish();
        // Not all numbers below the end were used.
        track_ = TrackProducer();
        return std::move(written_);
    }

private:
    struct Open {
        GroupProducer group;
        Words *words;
        std::uint64_t next;
    };

    std::uint64_t below(std::uint64_t end) { return random_() % end; }
    bool rarely() { return below(4) == 0; }
    Bytes properties() { return rarely() ? payload("p" + std::to_string(below(1000))) : Bytes(); }

    void begin() {
        GroupInfo info;
        info.subgroup = below(2) == 0 ? 0 : below(4);
        if (rarely()) info.priority = static_cast<std::uint8_t>(below(256));
        if (rarely()) info.first_object = below(9);
        info.is_partial = info.first_object != 0 && rarely();
        info.ends_group = !rarely();
        const std::uint64_t sequence = below(12);
        std::error_code refused;
        auto group = track_.create_group(sequence, info, refused);
        if (refused) return;
        auto &words = written_.groups[{sequence, info.subgroup}];
        words.push_back(text_of(info));
        open_.push_back(Open{std::move(group), &words, info.first_object});
    }
    void frame() {
        if (open_.empty()) return;
        auto &to = open_[below(open_.size())];
        const std::uint64_t skipped = rarely() ? below(5) : 0;
        Frame frame(Timestamp(below(1000), Timescale(1000)), payload("frame " + std::to_string(count_++)));
        if (const auto block = properties(); !block.empty() || skipped != 0) frame.extras = ObjectExtras(block, skipped);
        const std::uint64_t id = to.next + skipped;
        to.words->push_back(text_of(frame, id));
        to.next = id + 1;
        if (below(2) == 0) return to.group.write_frame(frame.payload, frame.timestamp, frame.extras);
        auto in_chunks = to.group.create_frame(frame.payload.size(), frame.timestamp, frame.extras);
        in_chunks.write(frame.payload.slice(0, 3));
        in_chunks.write(frame.payload.slice(3));
        in_chunks.finish();
    }
    void end() {
        if (open_.empty()) return;
        const auto at = static_cast<std::ptrdiff_t>(below(open_.size()));
        auto ended = std::move(open_[static_cast<std::size_t>(at)]);
        open_.erase(open_.begin() + at);
        switch (below(5)) {
        case 0: {
            const EndMarker marker{below(2) == 0 ? ObjectStatus::EndOfGroup : ObjectStatus::EndOfTrack, ended.next + below(4)};
            ended.group.finish(marker);
            ended.words->push_back(text_of(marker));
            return;
        }
        case 1: {
            const auto code = app_error(static_cast<std::uint32_t>(below(9)));
            ended.group.abort(code);
            has_aborted_ = true;
            *ended.words = {ended.words->front(), code.message()};
            return;
        }
        case 2: ended.words->push_back(make_error_code(Error::Dropped).message()); return;
        default: ended.group.finish(); ended.words->push_back("end");
        }
    }
    void datagram() {
        ObjectExtras::Parts parts;
        parts.properties = properties();
        if (rarely()) parts.priority = static_cast<std::uint8_t>(below(256));
        parts.ends_group = rarely();
        if (rarely()) parts.status = below(2) == 0 ? ObjectStatus::EndOfGroup : ObjectStatus::EndOfTrack;
        const bool is_empty = parts.status != ObjectStatus::Normal;
        const Datagram datagram(12 + below(6), {}, is_empty ? Bytes() : payload(std::to_string(count_++)), below(3), ObjectExtras(parts));
        std::error_code refused;
        track_.insert_datagram(datagram, refused);
        if (!refused) written_.datagrams.push_back(text_of(datagram));
    }

    std::mt19937_64 &random_;
    TrackProducer track_;
    std::vector<Open> open_;
    Written written_;
    int count_ = 0;
    bool has_aborted_ = false;
};

/// Takes what a subscriber gets.
class Reader {
public:
    explicit Reader(TrackSubscriber from) : from_(std::move(from)) {}

    void take() {
        while (auto group = from_.try_recv_group()) {
            auto info = group->info();
            const auto place = std::pair(group->sequence(), info.subgroup);
            const bool is_new = read_.groups.emplace(place, Words{text_of(info)}).second;
            CHECK(is_new);
            groups_.emplace(place, std::move(*group));
        }
        while (const auto datagram = from_.try_recv_datagram()) read_.datagrams.push_back(text_of(*datagram));
    }
    Written all() {
        take();
        CHECK(from_.try_recv_group().is_end());
        for (auto &[place, group] : groups_) {
            auto &words = read_.groups[place];
            auto next = group.try_read_frame();
            for (; next; next = group.try_read_frame()) words.push_back(text_of(*next, group.object_id().value()));
            const auto marker = group.end_marker();
            words.push_back(next.code() ? next.code().message() : marker ? text_of(*marker) : next.is_end() ? "end" : "unfinished");
        }
        return std::move(read_);
    }

private:
    TrackSubscriber from_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, GroupConsumer> groups_;
    Written read_;
};

/// Through two proxies of a broadcast.
struct Proxies {
    Proxies() {
        asio::co_spawn(context, proxy(first.consume(), second), asio::detached);
        asio::co_spawn(context, proxy(second.consume(), third), asio::detached);
    }
    BroadcastProducer &source() { return first; }
    BroadcastConsumer last() { return third.consume(); }

    asio::io_context context;
    BroadcastProducer first, second, third;
};

/// Through two mirrors of an origin.
struct Mirrors {
    Mirrors() {
        asio::co_spawn(context, mirror(first.consumer(), second.producer()), asio::detached);
        asio::co_spawn(context, mirror(second.consumer(), third.producer()), asio::detached);
    }
    BroadcastProducer &source() { return live.producer(); }
    BroadcastConsumer last() {
        settle_down(context);
        return now(third.consumer().request_broadcast("live"));
    }

    asio::io_context context;
    Origin first, second, third;
    BroadcastPublish live = first.producer().create_broadcast("live");
};

TrackInfo random_info(std::mt19937_64 &random) {
    TrackInfo info;
    info.max_latency = 24h;
    info.has_timestamps = random() % 2 == 0;
    if (random() % 2 == 0) info.properties = payload("track " + std::to_string(random() % 1000));
    return info;
}

template <class Chain> void come_through(std::mt19937_64 &random) {
    Chain chain;
    const auto info = random_info(random);
    Writer writer(random, chain.source().create_track("video", info));
    const auto last = chain.last().track("video");
    // Groups may be there before anybody subscribes, and what is there is known.
    for (auto before = random() % 10; before != 0; --before) writer.step();
    auto subscribing = wait(last.subscribe(Wish{.start = 0}));
    settle_down(chain.context);
    Reader reader(std::move(subscribing.value()));
    const auto told = now(last.info());
    CHECK(told.properties == info.properties);
    CHECK(told.has_timestamps == info.has_timestamps);
    CHECK(last.largest() == chain.source().consume().track("video").largest());
    for (auto steps = random() % 60; steps != 0; --steps) {
        writer.step();
        chain.context.restart();
        for (auto turns = random() % 20; turns != 0 && chain.context.poll_one() != 0; --turns) {
        }
        if (random() % 4 == 0) reader.take();
    }
    settle_down(chain.context);
    // Frames of a group that was aborted before they were passed on are known at the source alone.
    const auto largest = chain.source().consume().track("video").largest();
    const bool is_as_large = last.largest() == largest, is_less = last.largest() < largest;
    CHECK((is_as_large || (is_less && writer.has_aborted())));
    auto written = writer.finish();
    settle_down(chain.context);
    auto read = reader.all();
    CHECK(read.groups == written.groups);
    // Those from before anybody subscribed reached nobody.
    CHECK(read.datagrams.size() <= written.datagrams.size());
    if (read.datagrams.size() <= written.datagrams.size())
        written.datagrams.erase(written.datagrams.begin(), written.datagrams.end() - static_cast<std::ptrdiff_t>(read.datagrams.size()));
    CHECK(read.datagrams == written.datagrams);
}

}  // namespace

TEST_CASE("proxy objects: lanes, gaps, ends, properties, priorities and datagrams come through two proxies or mirrors as they are",
          "[proxy][lanes][object_extras]") {
    std::mt19937_64 random(seed("proxy_objects"));
    for (int history = 0; history < 150; ++history) {
        INFO("history " << history);
        come_through<Proxies>(random);
        come_through<Mirrors>(random);
    }
}

TEST_CASE("proxy objects: a fetched group comes with its lanes, its gaps and its end", "[proxy][lanes]") {
    Proxies chain;
    auto track = chain.source().create_track("video");
    auto handler = track.dynamic();
    auto fetching = wait(chain.last().track("video").fetch_group(5));
    settle_down(chain.context);
    auto zero = now(handler.requested_group())->accept({}, GroupInfo{.priority = std::uint8_t{9}, .first_object = 2});
    auto two = zero.create_lane(GroupInfo{.subgroup = 2, .first_object = 7, .ends_group = false});
    zero.write_frame(payload("a"), {}, ObjectExtras(payload("p"), 4));
    zero.finish(EndMarker{ObjectStatus::EndOfGroup, 11});
    two.write_frame(payload("b"));
    two.finish();
    settle_down(chain.context);
    auto lanes = chain.last().track("video").get_lanes(5);
    REQUIRE(lanes.size() == 2);
    CHECK(fetching.value().info() == GroupInfo{.priority = std::uint8_t{9}, .first_object = 2});
    const auto frame = now(lanes[0].read_frame()).value();
    CHECK(frame.extras == ObjectExtras(payload("p"), 4));
    CHECK(lanes[0].object_id() == 6);
    CHECK(lanes[0].end_marker() == EndMarker{ObjectStatus::EndOfGroup, 11});
    CHECK(lanes[1].info() == GroupInfo{.subgroup = 2, .first_object = 7, .ends_group = false});
    CHECK(now(lanes[1].read_frame())->payload.view() == "b");
    CHECK(lanes[1].object_id() == 7);
}

TEST_CASE("proxy objects: the rest of a group whose beginning upstream has dropped keeps its ids", "[proxy][object_extras]") {
    Proxies chain;
    auto track = chain.source().create_track("video");
    auto group = track.append_group();
    constexpr std::size_t most = comoq::detail::MediaBounds::max_group_frames;
    for (std::size_t i = 0; i < most; ++i) group.write_frame(Bytes());
    group.write_frame(payload("last"), {}, ObjectExtras(Bytes(), 100));
    auto subscribing = wait(chain.last().track("video").subscribe());
    settle_down(chain.context);
    auto copy = now(subscribing.value().next_group()).value();
    CHECK(copy.info().first_object == 1);
    CHECK(now(copy.read_frames(2 * most))->size() == most);
    CHECK(copy.object_id() == most + 100);
}

}
