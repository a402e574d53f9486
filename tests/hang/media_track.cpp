// Media tracks: groups that begin with key frames, frames in order, and late ones that are passed over.
#include "hang/boxes.hpp"

#include <comoq/error.hpp>
#include <comoq/hang/media_track.hpp>

#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace hang_media_track_tests {

using namespace comoq;
using namespace comoq::hang;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

MediaFrame frame(std::uint64_t millis, std::string_view text, bool is_key = false) {
    MediaFrame frame;
    frame.timestamp = Timestamp(millis * 1000, Timescale(1'000'000));
    frame.payload = Bytes::copy(text);
    frame.is_key = is_key;
    return frame;
}

struct Scene {
    explicit Scene(MediaKind kind = MediaKind::Video) : track(broadcast.create_track("media", media_track_info(kind))) {}

    TrackSubscriber subscriber() {
        Subscription whole;
        whole.start = 0;
        auto subscribing = wait(broadcast.consume().track("media").subscribe(whole));
        return std::move(subscribing.value());
    }
    /// What a reader has read since the last look.
    void read(MediaConsumer &reader) {
        reading = asio::co_spawn(context, read_all(*this, reader), asio::use_future);
        settle_down(context);
    }
    static asio::awaitable<void> read_all(Scene &scene, MediaConsumer &reader) {
        while (auto frame = co_await reader.read()) {
            scene.texts.emplace_back(frame->payload.view());
            scene.keys.push_back(frame->is_key);
        }
        scene.texts.emplace_back("the end");
    }
    std::vector<std::string> take() {
        settle_down(context);
        return std::exchange(texts, {});
    }

    asio::io_context context;
    BroadcastProducer broadcast;
    TrackProducer track;
    std::vector<std::string> texts;
    std::vector<bool> keys;
    std::future<void> reading;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("video: a group for each key frame, and what comes before the first one is left out", "[hang]") {
    for (const auto kind : {ContainerKind::Legacy, ContainerKind::Loc, ContainerKind::Cmaf}) {
        Scene scene;
        MediaProducer producer(scene.track, kind, avc());
        MediaConsumer reader(scene.subscriber(), producer.container());
        producer.write(frame(0, "nobody can decode it"));
        scene.read(reader);
        producer.write(frame(40, "I1", true));
        CHECK(scene.take() == Texts{"I1"});
        producer.write(frame(80, "P1"));
        CHECK(scene.take() == Texts{"P1"});
        producer.write(frame(120, "I2", true));
        producer.write(frame(160, "P2"));
        CHECK(scene.take() == Texts{"I2", "P2"});
        CHECK(scene.track.latest() == 1);
        producer.finish();
        CHECK(scene.take() == Texts{"the end"});
        CHECK(scene.keys == std::vector<bool>{true, false, true, false});
        CHECK(reader.stats().frames == 4);
        CHECK(reader.stats().lost_groups == 0);
        scene.reading.get();
    }
}

TEST_CASE("sound: a group for each tenth of a second", "[hang]") {
    Scene scene(MediaKind::Audio);
    MediaProducer producer(scene.track, ContainerKind::Legacy, aac());
    for (std::uint64_t i = 0; i != 30; ++i) producer.write(frame(20 * i, "sound", true));
    CHECK(scene.track.latest() == 5);
    producer.finish();
}

TEST_CASE("the payload of a frame is not copied on its way through a track", "[hang]") {
    Scene scene;
    MediaProducer producer(scene.track, ContainerKind::Legacy, avc());
    const auto written = frame(0, std::string(1000, 'x'), true);
    producer.write(written);
    auto subscriber = scene.subscriber();
    auto group = subscriber.try_next_group();
    REQUIRE(group);
    auto open = group->try_next_frame();
    REQUIRE(open);
    auto head = wait(open->read_chunk());
    CHECK(head.value()->size() == 1);
    auto rest = wait(open->read_chunk());
    CHECK(rest.value()->data() == written.payload.data());
    producer.finish();
}

TEST_CASE("a reader without a latency reads every frame, in order, whatever came first", "[hang]") {
    Scene scene;
    MediaConsumer reader(scene.subscriber(), Container());
    const auto write = [&](GroupProducer &group, std::uint64_t millis, const std::string &text) {
        const auto head = Packer(ContainerKind::Legacy, avc()).head_of(frame(millis, text));
        group.write_frame(Bytes::copy(std::string(head.view()) + text), frame(millis, text).timestamp);
    };
    auto first = scene.track.create_group(0);
    write(first, 0, "I0");
    scene.read(reader);
    CHECK(scene.take() == Texts{"I0"});
    auto second = scene.track.create_group(1);
    write(second, 5000, "I1");
    write(second, 5040, "P1");
    second.finish();
    CHECK(scene.take().empty());
    write(first, 40, "P0");
    CHECK(scene.take() == Texts{"P0"});
    first.finish();
    CHECK(scene.take() == Texts{"I1", "P1"});
    scene.track.finish();
    CHECK(scene.take() == Texts{"the end"});
    CHECK(reader.stats().late_groups == 0);
}

TEST_CASE("a reader with a latency passes over what is older than that, and counts it", "[hang]") {
    Scene scene;
    MediaConsumer reader(scene.subscriber(), Container(), 500ms);
    std::vector<GroupProducer> groups;
    const auto begin = [&](std::uint64_t millis, const std::string &text) {
        auto &group = groups.emplace_back(scene.track.append_group());
        const auto head = Packer(ContainerKind::Legacy, avc()).head_of(frame(millis, text));
        group.write_frame(Bytes::copy(std::string(head.view()) + text), frame(millis, text).timestamp);
    };
    begin(0, "I0");  // and its rest does not come
    scene.read(reader);
    CHECK(scene.take() == Texts{"I0"});
    begin(400, "I1");
    CHECK(scene.take().empty());
    begin(1000, "I2");
    CHECK(scene.take() == Texts{"I2"});
    CHECK(reader.stats().late_groups == 2);
    begin(1400, "I3");
    CHECK(scene.take().empty());
    groups[2].finish();
    CHECK(scene.take() == Texts{"I3"});
    CHECK(reader.stats().lost_groups == 0);
}

TEST_CASE("groups that break off, never come, or are not of the container are counted, and end nothing", "[hang]") {
    Scene scene;
    MediaConsumer reader(scene.subscriber(), Container());
    scene.read(reader);
    auto broken = scene.track.create_group(0);
    broken.write_frame(*from_hex("00" "6130"));
    CHECK(scene.take() == Texts{"a0"});
    broken.abort(Error::Cancelled);
    auto later = scene.track.create_group(3);
    later.write_frame(*from_hex("00" "6133"));
    later.write_frame(*from_hex("c0"));
    later.write_frame(*from_hex("00" "78"));
    later.finish();
    auto last = scene.track.create_group(4);
    last.write_frame(*from_hex("00" "6134"));
    last.finish();
    scene.track.finish();
    CHECK(scene.take() == Texts{"a3", "a4", "the end"});
    CHECK(reader.stats().frames == 3);
    CHECK(reader.stats().bad_frames == 1);
    CHECK(reader.stats().lost_groups == 3);
}

}  // namespace hang_media_track_tests
