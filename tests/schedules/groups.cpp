// A group's readers, and tracks and groups on demand, under every schedule.
#include <comoq/broadcast.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schedules/ended.hpp"
#include "schedules/origin_of_test.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;
using comoq::test::PlainTask;

namespace {

/// The result of one reader of a group.
struct Read {
    std::string text;
    std::error_code ec;
    int ends = 0;
};

PlainTask read(GroupConsumer group, Read &read) {
    for (;;) {
        auto [ec, frame] = co_await group.read_frame().as_tuple();
        if (!ec && frame) {
            read.text += frame->payload.view();
            continue;
        }
        read.ec = ec;
        ++read.ends;
        break;
    }
}

/// A track of a broadcast whose clock stands still.
struct Media {
    Origin origin{same_in_every_run()};
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    TrackProducer track = broadcast.create_track("video");

    /// A group that failed costs its own size, and holds no frame.
    bool no_frame_held() const { return origin.stats().cached_bytes <= detail::MediaCost::group; }
    bool nothing_held() {
        track = TrackProducer();
        broadcast = BroadcastProducer();
        const auto stats = origin.stats();
        return stats.cached_bytes == 0 && stats.cached_groups == 0;
    }
};

}  // namespace

TEST_CASE("schedules: every reader of a group gets every frame and the end", "[schedules]") {
    const auto test = [](Run &run) {
        Media media;
        auto group = media.track.append_group();
        Read first, second;
        PlainTask tasks[2];
        run.thread([&] {
            group.write_frame(Bytes::copy("a"));
            group.write_frame(Bytes::copy("b"));
        });
        run.thread([&] { tasks[0] = read(group.consume(), first); });
        run.thread([&] { tasks[1] = read(group.consume(), second); });
        run.run();
        for (const Read &read : {first, second}) run.check(read.text == "ab", "a reader missed a frame, or got one twice");
        group.finish();
        for (const Read &read : {first, second}) run.check(read.ends == 1 && !read.ec, "a reader did not end cleanly");
    };
    Explorer(this_test()).explore(2, test);
}

TEST_CASE("schedules: an abort tells every reader once, and leaves nothing behind", "[schedules]") {
    const auto test = [](Run &run) {
        std::optional<Media> media(std::in_place);
        std::optional group(media->track.append_group());
        auto consumer = group->consume();
        Read reader;
        PlainTask task;
        std::optional step(consumer.read_frame());
        run.thread([&] { task = read(group->consume(), reader); });
        run.thread([&] { group->abort(make_error_code(Error::Old)); });
        run.thread([&] {
            try {
                group->write_frame(Bytes::copy("a"));
            } catch (const std::system_error &error) {
                run.check(error.code() == Error::Old, "the writer was told something else");
            }
            step.reset();
        });
        run.run();
        run.check(reader.ends == 1 && reader.ec == Error::Old, "the reader was not told once");
        run.check(reader.text.empty() || reader.text == "a", "the reader got what was not written");
        group.reset();
        run.check(media->no_frame_held(), "a frame is held");
        run.check(media->nothing_held(), "something is held");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: writers that leave without finishing leave whole frames and one end", "[schedules]") {
    const auto test = [](Run &run) {
        Media media;
        std::optional one(media.track.append_group());
        std::optional another(*one);
        Read reader;
        const auto task = read(one->consume(), reader);
        run.thread([&] {
            one->write_frame(Bytes::copy("a"));
            one.reset();
        });
        run.thread([&] {
            another->write_frame(Bytes::copy("b"));
            another.reset();
        });
        run.run();
        run.check(reader.text == "ab" || reader.text == "ba", "the reader missed a frame");
        run.check(reader.ends == 1 && reader.ec == Error::Dropped, "the reader was not told of the end once");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a track on demand is made once for all subscribers that come while it is asked for", "[schedules]") {
    const auto test = [](Run &run) {
        Origin origin(same_in_every_run());
        BroadcastProducer broadcast = origin.producer().make_broadcast();
        auto handler = broadcast.dynamic();
        Ended<TrackSubscriber> first, second;
        Ended<std::optional<TrackRequest>> one, another;
        PlainTask tasks[4];
        run.thread([&] { tasks[0] = await(broadcast.consume().track("video").subscribe(), first); });
        run.thread([&] { tasks[1] = await(broadcast.consume().track("video").subscribe(), second); });
        run.thread([&] { tasks[2] = await(handler.requested_track(), one); });
        run.run();
        run.check(one.times == 1 && one.value->has_value(), "the handler got no request");
        tasks[3] = await(handler.requested_track(), another);
        run.check(another.times == 0, "the handler got a second request for one track");
        const auto track = (*one.value)->accept();
        run.check(first.well() && second.well(), "not everybody got the track once");
        run.check(track.stats().subscribers == 2, "a subscriber is not counted");
    };
    Explorer(this_test()).explore(2, test);
}
