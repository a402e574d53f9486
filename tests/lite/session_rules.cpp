// The rules of moq-lite that a session follows when it serves, and how it ends.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/allocations.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"
#include "support/origin_fixture.hpp"
#include "support/run.hpp"

namespace session_rules_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using lite::BidiStreamType;

using Texts = std::vector<std::string>;

asio::awaitable<void> count_groups(std::shared_ptr<Transport> transport, std::size_t &groups) {
    while (true) {
        auto stream = co_await transport->accept_uni();
        ++groups;
        asio::co_spawn(transport->executor(), read_to_the_end(std::move(stream)), asio::detached);
    }
}

}  // namespace

TEST_CASE("a session serves: a peer with hop id 0 counts as a peer without a hop id", "[lite][session][serving]") {
    HostileScene scene;
    auto unknown = broadcast_with_hops({0, 5});
    auto track = unknown.create_track("video");
    auto guard = scene.there.producer().publish_broadcast("a", unknown.consume());
    lite::Setup setup;
    setup.origin = 0;
    auto &peer = scene.begin();
    peer.say_setup(setup);
    CHECK(info(peer, "a")->ended);
}

TEST_CASE("a session serves: FIN comes when every number is accounted for, by a group or by DROP", "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    auto reading = Begun<void>(scene.context, read_groups(scene.link.client()));
    Subscription from_one, to_four;
    from_one.start = 1;
    to_four.end = 4;
    const auto all = subscribe(peer, 1, "a"), early = subscribe(peer, 2, "a", from_one), capped = subscribe(peer, 3, "a", to_four);
    for (const std::uint64_t sequence : {2U, 3U, 6U}) {
        track.create_group(sequence).finish();
        scene.run();
    }
    track.finish_at(9);
    scene.run();
    CHECK_FALSE(all->ended);
    // When all producers are gone, nothing can come any more.
    scene.broadcasts.front().producer().remove_track("video");
    { const auto last = std::move(track); }
    scene.run();
    CHECK(all->ended);
    CHECK(replies(*all) == Texts{"ok 2", "end 9", "drop 4-5", "drop 7-8"});
    // On moq-lite-06 a start is the least that is wanted: group 1 is not missing.
    if (lite::layout_of(spoken()).raw_start)
        CHECK(replies(*early) == replies(*all));
    else
        CHECK(replies(*early) == Texts{"ok 2", "end 9", "drop 1-1", "drop 4-5", "drop 7-8"});
    // A cap is not an end.
    CHECK(replies(*capped) == Texts{"ok 2", "end 9"});
    CHECK_FALSE(capped->over());
}

TEST_CASE("a session serves: when a track has too many gaps, the lowest is told as DROP at once, and does not come",
          "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    std::size_t groups = 0;
    auto reading = Begun<void>(scene.context, count_groups(scene.link.client(), groups));
    const auto all = subscribe(peer, 1, "a");
    scene.link.pause();
    constexpr std::uint64_t gaps = detail::SequenceSet::max_gaps;
    for (std::uint64_t i = 0; i <= gaps + 3; ++i) track.create_group(2 * i).finish();
    for (const std::uint64_t late : {std::uint64_t{1}, 2 * gaps + 1}) track.create_group(late).finish();
    scene.link.resume();
    scene.run();
    CHECK(replies(*all) == Texts{"ok 0", "drop 1-1", "drop 3-3", "drop 5-5"});
    // SETUP takes a stream, too.
    CHECK(groups == 1 + gaps + 4 + 1);
    CHECK_FALSE(all->over());
}

TEST_CASE("a session serves: DROP messages do not pile up for a peer that does not read them", "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    std::size_t groups = 0;
    auto reading = Begun<void>(scene.context, count_groups(scene.link.client(), groups));
    auto asked = run_to_end(scene.context, scene.link.client()->open_bidi());
    auto question = opening(BidiStreamType::Subscribe, lite::Subscribe{1, "a", "video", Subscription()});
    run_to_end(scene.context, asked.send->write(Bytes(std::move(question))));
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        track.create_group(2 * i).finish();
        if (i % 100 == 0) scene.run();
    }
    scene.run();
    // Its replies have no room, and so the groups after them wait.
    CHECK(groups > 1'000);
    CHECK(groups < 15'000);
    CHECK(scene.open());
}

TEST_CASE("a session serves: PROBE is reset if nothing is measured, and may carry the peer's wish", "[lite][session][serving]") {
    const bool measures = GENERATE(true, false);
    auto link_config = spoken_link();
    if (measures) {
        link_config.stats.bandwidth = 1'000'000;
    }
    HostileScene scene(link_config);
    auto &peer = scene.begin();
    peer.say_setup();
    auto octets = octets_of({static_cast<int>(BidiStreamType::Probe)});
    const auto silent = peer.ask(octets, false);
    lite::encode(lite::Probe{5'000'000, 0}, spoken(), octets);
    lite::encode(lite::Probe{6'000'000, 0}, spoken(), octets);
    const auto with_a_target = peer.ask(octets, false);
    CHECK(silent->over() == !measures);
    CHECK(with_a_target->over() == !measures);
    if (measures) {
        CHECK_FALSE(with_a_target->octets.empty());
    }
    CHECK(scene.open());
}

TEST_CASE("a session serves: a peer whose SETUP says more than this side knows is served", "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    // Probe 9, role 7, hop id 0, an unknown parameter.
    peer.send_uni(octets_of({1, 13, 4, 1, 1, 9, 3, 1, 7, 5, 1, 0, 63, 1, 1}));
    CHECK(info(peer, "a")->ended);
    CHECK(scene.open());
    const auto setup = scene.get(scene.server->peer());
    CHECK(setup->probe == lite::Setup::Probe::Increase);
    CHECK_FALSE(setup->role);
    CHECK_FALSE(setup->origin);
}

TEST_CASE("a session serves: a repeated parameter in SETUP is a violation of the protocol", "[lite][session][serving]") {
    HostileScene scene;
    auto &peer = scene.begin();
    auto closed = scene.closed();
    peer.send_uni(octets_of({1, 7, 2, 5, 1, 1, 5, 1, 1}));
    CHECK(closed.value() == Error::ProtocolViolation);
}

TEST_CASE("a session serves: the id of a subscription can be used once", "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    const auto refused = subscribe(peer, 4, "nowhere");
    CHECK(refused->number == 0x33u);
    const auto first = subscribe(peer, 4, "a"), again = subscribe(peer, 4, "a"), other = subscribe(peer, 3, "a");
    CHECK(again->number == 0x03u);
    CHECK_FALSE(first->over());
    CHECK_FALSE(other->over());
    CHECK(track.stats().subscribers == 2);
}

TEST_CASE("a session serves: a second GOAWAY ends the session, and to send one that is too long throws",
          "[lite][session][serving]") {
    HostileScene scene;
    auto &peer = scene.begin();
    peer.say_setup();
    auto closed = scene.closed();
    CHECK(error_of([&] { return scene.server->goaway(std::string(8'193, 'x')), 0; }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return scene.server->goaway(std::string(8'192, 'x')), 0; }) == std::error_code());
    peer.ask(opening(BidiStreamType::Goaway, lite::Goaway{"one"}));
    CHECK_FALSE(closed.done());
    peer.ask(opening(BidiStreamType::Goaway, lite::Goaway{"two"}));
    CHECK(closed.value() == Error::ProtocolViolation);
}

TEST_CASE("a session that is destroyed by an exception closes with Cancelled, and without an error otherwise",
          "[lite][session][serving]") {
    const bool unwinds = GENERATE(true, false);
    LiteScene scene;
    scene.connect();
    scene.run();
    auto closed = wait(scene.server->closed()), of_peer = wait(scene.client->closed());
    try {
        const lite::Session last = std::move(*scene.server);
        if (unwinds) {
            throw 1;
        }
    } catch (int) {
    }
    scene.run();
    CHECK(closed.value() == (unwinds ? make_error_code(Error::Cancelled) : std::error_code()));
    // There is one number for both.
    CHECK(of_peer.value() == std::error_code());
}

TEST_CASE("an origin's id has 62 bits at most", "[origin][serving]") {
    OriginConfig config;
    config.id = std::uint64_t{1} << 62;
    CHECK(error_of([&] { return Origin(config); }) == Error::BoundsExceeded);
    config.id -= 1;
    CHECK(Origin(config).id() == config.id);
}

TEST_CASE("transport: a write after the end reaches nobody, and fails with Closed", "[transport][serving]") {
    LiteScene scene;
    auto stream = run_to_end(scene.context, scene.link.client()->open_uni());
    stream->finish();
    CHECK(error_of([&] { return run_to_end(scene.context, stream->write(payload("x"))), 0; }) == Error::Closed);
}

}
