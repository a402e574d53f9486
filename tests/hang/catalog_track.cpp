// The catalog as a track that changes.
#include <comoq/hang/catalog_track.hpp>

#include <comoq/error.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace hang_catalog_track_tests {

using namespace comoq;
using namespace comoq::hang;
using namespace comoq::test;

namespace {

Catalog with_video(const std::string &codec) {
    Catalog catalog;
    catalog.video["v"].codec = codec;
    return catalog;
}

struct Scene {
    TrackSubscriber subscriber(const char *name = catalog_track) {
        auto subscribing = wait(broadcast.consume().track(name).subscribe());
        return std::move(subscribing.value());
    }
    std::optional<Catalog> next(CatalogConsumer &reader) { return run_to_end(context, reader.next()); }

    asio::io_context context;
    BroadcastProducer broadcast;
};

}  // namespace

TEST_CASE("a reader gets the newest catalog and each change, of either track", "[hang]") {
    Scene scene;
    CatalogProducer producer(scene.broadcast);
    producer.publish(with_video("one"));
    producer.publish(with_video("two"));
    CatalogConsumer plain(scene.subscriber());
    CatalogConsumer compressed(scene.subscriber(compressed_catalog_track), true);
    CHECK(scene.next(plain) == with_video("two"));
    CHECK(scene.next(compressed) == with_video("two"));
    producer.publish(with_video("two"));
    producer.publish(with_video("three"));
    CHECK(scene.next(plain) == with_video("three"));
    CHECK(scene.next(compressed) == with_video("three"));
    // The newest group stays open: the track has not ended.
    CHECK_THROWS_AS(scene.next(plain), std::logic_error);
}

TEST_CASE("a reader that waits gets the next catalog, and the end", "[hang]") {
    Scene scene;
    CatalogProducer producer(scene.broadcast);
    CatalogConsumer reader(scene.subscriber());
    std::optional<Catalog> got;
    int ends = 0;
    const auto read = [&]() -> asio::awaitable<void> {
        while (auto catalog = co_await reader.next()) got = std::move(catalog);
        ++ends;
    };
    auto reading = asio::co_spawn(scene.context, read(), asio::use_future);
    settle_down(scene.context);
    CHECK_FALSE(got);
    for (const char *codec : {"one", "two"}) {
        producer.publish(with_video(codec));
        settle_down(scene.context);
        CHECK(got == with_video(codec));
    }
    producer.finish();
    settle_down(scene.context);
    CHECK(ends == 1);
    reading.get();
}

TEST_CASE("merge patches of a group are applied, as many as there may be", "[hang]") {
    Scene scene;
    auto track = scene.broadcast.create_track(catalog_track);
    auto group = track.append_group();
    group.write_frame(payload(R"({"video":{"renditions":{"v":{"codec":"one"}}},"a":1})"));
    CatalogConsumer reader(scene.subscriber());
    CHECK(scene.next(reader)->video.at("v").codec == "one");
    group.write_frame(payload(R"({"video":{"renditions":{"v":{"codec":"two"}}}})"));
    CHECK(scene.next(reader)->video.at("v").codec == "two");
    group.write_frame(payload(R"({"a":null})"));
    CHECK(scene.next(reader) == with_video("two"));
    for (int i = 0; i != 253; ++i) {
        group.write_frame(payload("{\"a\":" + std::to_string(i) + "}"));
        CHECK(scene.next(reader)->other == "{\"a\":" + std::to_string(i) + "}");
    }
    group.write_frame(payload(R"({"a":null})"));
    CHECK_THROWS_AS(scene.next(reader), std::system_error);
    // The next group is whole by itself.
    auto next = track.append_group();
    next.write_frame(payload("{}"));
    CHECK(scene.next(reader) == Catalog());
}

TEST_CASE("a group that is not a catalog throws, and the reader goes on with the next one", "[hang]") {
    Scene scene;
    auto track = scene.broadcast.create_track(catalog_track);
    track.write_frame(payload("no catalog"));
    CatalogConsumer reader(scene.subscriber());
    try {
        scene.next(reader);
        FAIL("it was taken");
    } catch (const std::system_error &error) {
        CHECK(error.code() == Error::Decode);
    }
    track.write_frame(payload("{\"a\":1}"));
    CHECK(scene.next(reader)->other == "{\"a\":1}");
    track.finish();
    CHECK(scene.next(reader) == std::nullopt);
}

}  // namespace hang_catalog_track_tests
