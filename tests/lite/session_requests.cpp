// What a session says on the streams that it asks on, as its peer sees it.
#include <comoq/lite/codec.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "lite/scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A session whose peer is this test.
struct Scene {
    explicit Scene(MemoryLinkConfig how = {})
        : link(context.get_executor(), context.get_executor(), std::move(how)), peer(link.server()) {
        lite::SessionConfig config;
        config.subscribe = origin.producer();
        config.sleep = time;
        session.emplace(link.client(), std::move(config));
        run();
        announce = accept();
    }
    void run() { settle_down(context); }
    BidiStream accept() { return run_to_end(context, peer->accept_bidi()); }
    /// Takes what the session says first, and looks whether it says more.
    struct Asked {
        BidiStream stream;
        std::shared_ptr<bool> ended = std::make_shared<bool>(false);
    };
    Asked asked() {
        Asked asked;
        asked.stream = accept();
        CHECK_FALSE(run_to_end(context, asked.stream.receive->read()).empty());
        asio::co_spawn(context, until_end(*asked.stream.receive, asked.ended), asio::detached);
        run();
        return asked;
    }
    static asio::awaitable<void> until_end(ReceiveStream &stream, std::shared_ptr<bool> ended) {
        const Bytes more = co_await stream.read();
        *ended = more.empty();
    }
    void answer(Asked &asked, std::vector<std::byte> bytes) {
        run_to_end(context, asked.stream.send->write(Bytes(std::move(bytes))));
        run();
    }
    void answer_info(Asked &asked) {
        std::vector<std::byte> bytes;
        lite::encode(lite::TrackInfoMessage(), bytes);
        answer(asked, std::move(bytes));
    }

    asio::io_context context;
    ManualSleep time;
    Origin origin;
    MemoryLink link;
    std::shared_ptr<Transport> peer;
    std::optional<lite::Session> session;
    BidiStream announce;
};

}  // namespace

TEST_CASE("a session asks: TRACK is not finished before its answer has come", "[lite][session]") {
    Scene scene;
    auto info = wait(scene.session->broadcast("x").track("video").info());
    scene.run();
    auto track = scene.asked();
    CHECK_FALSE(*track.ended);
    scene.answer_info(track);
    CHECK(info.done());
    CHECK(*track.ended);
}

TEST_CASE("a session asks: FETCH is not finished before all of the group has come", "[lite][session]") {
    Scene scene;
    auto fetching = wait(scene.session->broadcast("x").track("video").fetch_group(7));
    scene.run();
    auto track = scene.asked();
    scene.answer_info(track);
    auto fetch = scene.asked();
    CHECK_FALSE(*fetch.ended);
    // A frame of two bytes.
    scene.answer(fetch, {std::byte{0}, std::byte{2}, std::byte{'a'}, std::byte{'b'}});
    CHECK(fetching.done());
    CHECK_FALSE(*fetch.ended);
    fetch.stream.send->finish();
    scene.run();
    CHECK(*fetch.ended);
    CHECK(texts(fetching.value()) == Words{"ab"});
}

TEST_CASE("a session asks: SUBSCRIBE is finished when nobody wants the track any more, and not before", "[lite][session]") {
    Scene scene;
    auto subscribing = std::make_unique<Waiting<TrackSubscriber>>(
        wait(scene.session->broadcast("x").track("video").subscribe()));
    scene.run();
    auto track = scene.asked();
    scene.answer_info(track);
    auto subscribe = scene.asked();
    CHECK_FALSE(*subscribe.ended);
    subscribing.reset();
    scene.run();
    CHECK(*subscribe.ended);
}

TEST_CASE("a session asks: whoever leaves while the peer allows no more streams asks for nothing", "[lite][session]") {
    for (const bool leaves : {false, true}) {
        MemoryLinkConfig config;
        config.max_streams = 3;
        Scene scene(config);
        const auto broadcast = scene.session->broadcast("x");
        auto other = wait(broadcast.track("other").subscribe());
        scene.run();
        auto other_track = scene.asked();
        scene.answer_info(other_track);
        other_track.stream = {};
        auto other_subscribe = scene.asked();
        // The third stream is for TRACK and then for FETCH, which was there before SUBSCRIBE.
        auto subscribing = std::make_unique<Waiting<TrackSubscriber>>(wait(broadcast.track("video").subscribe()));
        scene.run();
        auto fetching = wait(broadcast.track("other").fetch_group(7));
        scene.run();
        auto track = scene.asked();
        scene.answer_info(track);
        track.stream = {};
        auto fetch = scene.asked();
        Begun next(scene.context, scene.peer->accept_bidi());
        CHECK_FALSE(next.done());
        if (leaves) {
            subscribing.reset();
            scene.run();
        }
        fetch.stream.send->finish();
        scene.run();
        CHECK(fetching.done());
        CHECK(*fetch.ended);
        CHECK(next.done() != leaves);
    }
}

TEST_CASE("a session asks: whoever leaves before the answer takes the question back", "[lite][session]") {
    Scene scene;
    auto info = std::make_unique<Waiting<TrackInfo>>(wait(scene.session->broadcast("x").track("video").info()));
    scene.run();
    BidiStream track = scene.accept();
    CHECK_FALSE(run_to_end(scene.context, track.receive->read()).empty());
    info.reset();
    scene.run();
    CHECK(error_of([&] { return run_to_end(scene.context, track.receive->read()); }) == Error::Cancelled);
}

TEST_CASE("a session asks: a group that does not come in time is refused, and no more than some are asked for at once",
          "[lite][session]") {
    Scene scene;
    const auto video = scene.session->broadcast("x").track("video");
    // Somebody subscribes, too: a track that nobody does is not kept for long.
    auto subscribing = wait(video.subscribe());
    scene.run();
    auto track = scene.asked();
    scene.answer_info(track);
    auto subscribe = scene.asked();
    std::vector<std::unique_ptr<Waiting<GroupConsumer>>> fetching;
    for (std::uint64_t i = 0; i < 70; ++i) {
        fetching.push_back(std::make_unique<Waiting<GroupConsumer>>(wait(video.fetch_group(i))));
    }
    scene.run();
    std::vector<Scene::Asked> asked;
    for (int i = 0; i < 64; ++i) {
        asked.push_back(scene.asked());
    }
    CHECK_THROWS_AS(scene.accept(), std::logic_error);
    scene.time.advance(10s);
    scene.run();
    CHECK(fetching[0]->code() == Error::Timeout);
    CHECK(fetching[63]->code() == Error::Timeout);
    CHECK_FALSE(fetching[64]->done());
    fetching.erase(fetching.begin() + 64, fetching.begin() + 69);
    scene.run();
    // The last one has its turn.
    scene.time.advance(10s);
    scene.run();
    CHECK(fetching.back()->code() == Error::Timeout);
}
