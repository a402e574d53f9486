// Sessions of a draft whose requests share a stream, by the bytes of that stream.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "ietf/shared_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace shared_stream_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

ietf::SubscribeNamespace namespaces(std::uint64_t id) {
    ietf::SubscribeNamespace message;
    message.request_id = id;
    return message;
}
/// Nobody is admitted.
asio::awaitable<SessionViews> never(const lite::Setup &, const Transport &) {
    comoq::detail::Event waits;
    co_await waits.wait();
    co_return SessionViews();
}

}  // namespace

TEST_CASE("MoQ Transport on one stream: both sides greet on the stream that the client opens", "[ietf][session]") {
    for (const bool is_server : {true, false}) {
        SharedScene scene(is_server);
        scene.connect();
        CHECK(scene.shared.answer->octets.empty() == is_server);
        scene.greet();
        CHECK(scene.session->admitted().ready());
        const auto all = SharedScene::messages(scene.shared);
        REQUIRE_FALSE(all.empty());
        const auto &setup = std::get<ietf::Setup>(all.front());
        CHECK(setup.of_server == is_server);
        REQUIRE(setup.options.find(2));
        CHECK(setup.options.find(2)->number == 2'048);
        CHECK_FALSE(setup.options.find(0x40b54));
        CHECK(scene.unis.empty());
        scene.session->close();
        CHECK(scene.close_number() == 0u);
    }
}

TEST_CASE("MoQ Transport on one stream: a client's first stream begins with SETUP, or asks for namespaces", "[ietf][session]") {
    {
        SharedScene scene;
        scene.connect();
        scene.say_on(scene.open(), SharedScene::encoded(scene.subscribe_to("a")));
        CHECK(scene.close_number() == 3u);
    }
    {
        SharedScene scene;
        scene.connect();
        scene.open().stream.send->finish();
        CHECK(scene.close_number() == 3u);
    }
    SharedScene scene;
    scene.connect();
    auto &early = scene.open();
    scene.say_on(early, SharedScene::encoded(namespaces(2)));
    auto published = scene.origin.producer().create_broadcast("a");
    scene.greet();
    const auto all = SharedScene::messages(early);
    REQUIRE(all.size() == 2);
    CHECK(std::get<ietf::RequestOk>(all[0]).request_id == 2);
    CHECK(std::get<ietf::NamespaceFound>(all[1]).suffix == ietf::Namespace{"a"});
    CHECK_FALSE(scene.close_number());
}

TEST_CASE("MoQ Transport on one stream: the stream stays open, and a second greeting ends the session", "[ietf][session]") {
    for (int end = 0; end < 5; ++end) {
        INFO(end);
        for (const bool is_server : {true, false}) {
            SharedScene scene(is_server);
            scene.connect();
            scene.greet();
            if (end == 0) scene.shared.stream.send->finish();
            if (end == 1) scene.shared.stream.send->reset(1);
            if (end == 2) scene.shared.stream.receive->stop(0);
            ietf::Setup setup;
            setup.of_server = !is_server;
            if (end == 3) scene.say(setup);
            // Nor on a stream of one direction, on which the session is shown the real one.
            std::unique_ptr<SendStream> uni;
            if (end == 4) {
                uni = scene.now(scene.raw->open_uni());
                scene.now(uni->write(Bytes(SharedScene::encoded(setup))));
            }
            // What is stopped is seen when something is to be said.
            if (end == 2) scene.session->goaway("");
            CHECK(scene.close_number() == 3u);
        }
    }
}

TEST_CASE("MoQ Transport on one stream: only namespaces are asked for on other streams", "[ietf][session]") {
    const auto outcome = [](auto &&say) {
        SharedScene scene;
        scene.connect();
        scene.greet();
        auto &stream = scene.open();
        say(scene, stream);
        return scene.close_number();
    };
    CHECK(outcome([](SharedScene &scene, RawRequest &to) { scene.say_on(to, SharedScene::encoded(scene.subscribe_to("a"))); }) == 3u);
    CHECK(outcome([](SharedScene &scene, RawRequest &to) { scene.say_on(to, SharedScene::encoded(namespaces(1))); }) == 4u);
    CHECK(outcome([](SharedScene &scene, RawRequest &to) { scene.say_on(to, SharedScene::encoded(namespaces(2'048))); }) == 7u);
    CHECK(outcome([](SharedScene &scene, RawRequest &to) {
              scene.say(scene.subscribe_to("a"));
              scene.say_on(to, SharedScene::encoded(namespaces(0)));
          }) == 4u);
    CHECK(outcome([](SharedScene &scene, RawRequest &to) {
              scene.say_on(to, SharedScene::encoded(namespaces(0)));
              ietf::RequestUpdate update;
              update.request_id = 2;
              scene.say_on(to, SharedScene::encoded(update));
              // Each has its number.
              const auto all = SharedScene::messages(to);
              REQUIRE(all.size() == 2);
              CHECK(std::get<ietf::RequestOk>(all[0]).request_id == 0);
              CHECK(std::get<ietf::RequestError>(all[1]).request_id == 2);
          }) == std::nullopt);
    CHECK(outcome([](SharedScene &scene, RawRequest &to) { scene.say_on(to, {}); to.stream.send->reset(1); }) == std::nullopt);
    CHECK(outcome([](SharedScene &scene, RawRequest &) { scene.say(namespaces(0)); }) == 3u);
}

TEST_CASE("MoQ Transport on one stream: requests are answered by their numbers", "[ietf][session]") {
    SharedScene scene;
    scene.connect();
    auto published = scene.origin.producer().create_broadcast("a");
    auto track = published.producer().create_track("video");
    scene.greet();
    scene.say(scene.subscribe_to("nobody"));
    const auto subscribe = scene.subscribe_to("a");
    scene.say(subscribe);
    ietf::RequestUpdate update;
    update.request_id = std::exchange(scene.id, scene.id + 2);
    update.existing = subscribe.request_id;
    scene.say(update);
    REQUIRE(scene.all_of<ietf::RequestError>().size() == 1);
    CHECK(scene.all_of<ietf::RequestError>().front().request_id == 0);
    CHECK(scene.all_of<ietf::RequestError>().front().code == 0x10);
    REQUIRE(scene.all_of<ietf::SubscribeOk>().size() == 1);
    CHECK(scene.all_of<ietf::SubscribeOk>().front().request_id == 2);
    REQUIRE(scene.all_of<ietf::RequestOk>().size() == 1);
    CHECK(scene.all_of<ietf::RequestOk>().front().request_id == 4);
    track.write_frame(payload("x"));
    scene.run();
    CHECK(scene.unis.size() == 1);
    track.finish();
    scene.run();
    REQUIRE(scene.all_of<ietf::PublishDone>().size() == 1);
    CHECK(scene.all_of<ietf::PublishDone>().front().request_id == 2);
    CHECK(scene.all_of<ietf::PublishDone>().front().streams == 1u);
}

TEST_CASE("MoQ Transport on one stream: objects may come before the greeting", "[ietf][session]") {
    SharedScene scene;
    scene.connect();
    ietf::SubgroupHeader header;
    header.alias = 7;
    header.end_of_group = true;
    Octets octets;
    ietf::encode(header, SharedScene::draft, octets);
    ietf::SubgroupObjects objects(header, SharedScene::draft);
    ietf::ObjectHeader object;
    object.payload_size = 1;
    objects.write(object, octets);
    octets.push_back(std::byte{'x'});
    const auto uni = scene.now(scene.raw->open_uni());
    scene.now(uni->write(Bytes(std::move(octets))));
    uni->finish();
    scene.run();
    scene.greet();
    ietf::Publish publish;
    publish.track = {{"live"}, "video"};
    publish.alias = 7;
    scene.say(publish);
    auto subscribing = wait(test::now(scene.origin.consumer().announced_broadcast("live")).track("video").subscribe());
    scene.run();
    auto subscriber = std::move(subscribing.value());
    auto group = wait(subscriber.next_group());
    scene.run();
    REQUIRE(group.value());
    CHECK(texts(*group.value()) == Words{"x"});
    const auto answers = scene.all_of<ietf::RequestOk>();
    REQUIRE_FALSE(answers.empty());
    CHECK(answers.front().of_publish);
}

TEST_CASE("MoQ Transport on one stream: ten thousand requests wait for room, and block nothing else", "[ietf][session]") {
    SharedScene scene(false);
    scene.connect();
    auto published = scene.origin.producer().create_broadcast("a");
    const auto track = published.producer().create_track("video");
    // One that asks for namespaces, one for the announcement, and one more.
    scene.greet(6);
    constexpr std::size_t many = 10'000;
    const auto broadcast = scene.session->broadcast("b");
    std::vector<Waiting<TrackSubscriber>> pending;
    pending.reserve(many);
    for (std::size_t i = 0; i < many; ++i) pending.push_back(wait(broadcast.track(std::to_string(i)).subscribe()));
    scene.run();
    CHECK(scene.all_of<ietf::Subscribe>().size() == 1);
    CHECK_FALSE(scene.all_of<ietf::RequestsBlocked>().empty());
    scene.say(scene.subscribe_to("a"));
    CHECK(scene.all_of<ietf::SubscribeOk>().size() == 1);
    std::uint64_t allowed = 6;
    for (std::size_t i = 0; i + 1 < many; ++i) {
        ietf::RequestError no;
        no.request_id = allowed - 2;
        no.code = 0x10;
        scene.say(no);
        scene.say(ietf::MaxRequestId{allowed += 2});
        if (i % 1'000 == 0) {
            const auto asked = scene.all_of<ietf::Subscribe>();
            REQUIRE(asked.size() == i + 2);
            CHECK(asked.back().request_id == allowed - 2);
        }
    }
    CHECK(scene.all_of<ietf::Subscribe>().size() == many);
    for (std::size_t i = 0; i + 1 < many; ++i) CHECK(pending[i].code() == Error::NotFound);
    CHECK_FALSE(scene.close_number());
}

TEST_CASE("MoQ Transport on one stream: a peer has as many requests as it may, and no more", "[ietf][session]") {
    SharedScene scene;
    auto config = scene.config();
    config.authorize = never;
    scene.connect(std::move(config));
    scene.greet();
    for (int i = 0; i < 1'024; ++i) scene.say(scene.subscribe_to("a"));
    // They are taken back, but are here as long as nobody has looked at them.
    for (std::uint64_t i = 0; i < 1'024; ++i) scene.say(ietf::Unsubscribe{2 * i});
    CHECK(scene.all_of<ietf::MaxRequestId>().empty());
    CHECK_FALSE(scene.close_number());
    scene.say(scene.subscribe_to("a"));
    CHECK(scene.close_number() == 7u);
}

TEST_CASE("MoQ Transport on one stream: what a session has not read keeps its peer waiting", "[ietf][session]") {
    SharedScene scene;
    auto config = scene.config();
    config.authorize = never;
    scene.connect(std::move(config));
    scene.greet();
    Octets all;
    for (int i = 0; i < 1'000; ++i) {
        const auto one = SharedScene::encoded(scene.subscribe_to("a", std::string(4'000, 'n')));
        all.insert(all.end(), one.begin(), one.end());
    }
    const std::size_t size = all.size();
    auto written = scene.begin(scene.shared.stream.send->write(Bytes(std::move(all))));
    scene.run();
    CHECK(scene.shared.stream.send->unsent() > size / 2);
    CHECK_FALSE(scene.close_number());
}

TEST_CASE("MoQ Transport on one stream: a peer that comes and goes leaves nothing, and may come again", "[ietf][session]") {
    SharedScene scene;
    scene.connect();
    auto published = scene.origin.producer().create_broadcast("a");
    auto track = published.producer().create_track("video");
    scene.greet();
    std::size_t grants = 0;
    for (int i = 0; i < 10'000; ++i) {
        const auto subscribe = scene.subscribe_to("a");
        scene.say(subscribe);
        scene.say(ietf::Unsubscribe{subscribe.request_id});
        if (i % 1'000 == 999) grants = scene.all_of<ietf::MaxRequestId>().size();
    }
    CHECK_FALSE(scene.close_number());
    CHECK(grants >= 30);
    CHECK(scene.all_of<ietf::SubscribeOk>().size() == 10'000);
    CHECK(scene.all_of<ietf::PublishDone>().empty());
    CHECK_FALSE(track.used().ready());
}

TEST_CASE("MoQ Transport on one stream: sessions send each other away", "[ietf][session]") {
    SharedScene scene(false);
    scene.connect();
    scene.greet();
    ietf::Goaway goaway;
    goaway.uri = "https://elsewhere";
    scene.say(goaway);
    CHECK(test::now(scene.session->goaway_received()) == "https://elsewhere");
    scene.session->drain(1s);
    scene.run();
    CHECK(scene.all_of<ietf::Goaway>() == std::vector{ietf::Goaway()});
    scene.say(goaway);
    CHECK(scene.close_number() == 3u);
}

TEST_CASE("MoQ Transport on one stream: a viewer that leaves is told on the stream, and what comes late ends nothing", "[ietf][session]") {
    SharedScene scene(false);
    scene.connect();
    scene.greet();
    auto pending = wait(scene.session->broadcast("b").track("video").subscribe());
    scene.run();
    REQUIRE(scene.all_of<ietf::Subscribe>().size() == 1);
    ietf::SubscribeOk ok;
    ok.request_id = scene.all_of<ietf::Subscribe>().front().request_id;
    ok.alias = 3;
    scene.say(ok);
    {
        const auto subscriber = std::move(pending.value());
    }
    scene.run();
    scene.time.advance(1min);
    scene.run();
    REQUIRE(scene.all_of<ietf::Unsubscribe>().size() == 1);
    CHECK(scene.all_of<ietf::Unsubscribe>().front().value == ok.request_id);
    ietf::PublishDone done;
    done.request_id = ok.request_id;
    scene.say(done);
    CHECK_FALSE(scene.close_number());
    // Nobody has asked for that.
    done.request_id = 1'000;
    scene.say(done);
    CHECK(scene.close_number() == 3u);
}

}  // namespace shared_stream_tests
