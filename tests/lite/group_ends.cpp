// How the groups that a session sends end: most of them without a word, and some by the peer.
#include <comoq/lite/session.hpp>

#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/run.hpp"
#include "support/thrown.hpp"

namespace group_ends_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("a session serves: a group that ends throws no exception here, though it has waited for its frames",
          "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    const auto of_a = subscribe(peer, 1, "a");
    auto reading = Begun<void>(scene.context, read_groups(scene.link.client()));
    const auto send_group = [&](std::size_t frames, std::size_t size) {
        auto group = track.append_group();
        scene.run();
        for (std::size_t i = 0; i < frames; ++i) {
            group.write_frame(payload(size));
            scene.run();
        }
        group.finish();
        scene.run();
    };
    // With the first one, the subscription is answered.
    send_group(1, 100);
    const auto before = thrown_by_thread();
    for (int i = 0; i < 10; ++i) {
        send_group(1, 100);
        send_group(3, 10'000);
        send_group(0, 0);
    }
    CHECK(thrown_by_thread() == before);
    CHECK(track.stats().subscribers == 1);
    // The counter counts.
    try {
        throw before;
    } catch (std::size_t) {
    }
    CHECK(thrown_by_thread() == before + (counts_thrown() ? 1 : 0));
}

TEST_CASE("a session serves: a peer that stops one of several quiet groups ends that one alone", "[lite][session][serving]") {
    HostileScene scene;
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    const auto of_a = subscribe(peer, 1, "a");
    std::vector<GroupProducer> groups;
    std::vector<std::unique_ptr<ReceiveStream>> streams;
    // The session's SETUP is the first stream.
    auto setup = run_to_end(scene.context, scene.link.client()->accept_uni());
    for (int i = 0; i < 5; ++i) {
        groups.push_back(track.append_group());
        groups.back().write_frame(payload("x"));
        scene.run();
        streams.push_back(run_to_end(scene.context, scene.link.client()->accept_uni()));
    }
    const auto open = scene.link.open_streams();
    streams[2]->stop(7);
    scene.run();
    CHECK(scene.link.open_streams() == open - 1);
    // The others go on.
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups[i].write_frame(payload("y"));
        groups[i].finish();
    }
    scene.run();
    for (std::size_t i = 0; i < groups.size(); ++i) {
        CAPTURE(i);
        if (i == 2) continue;
        std::string all;
        const auto read = [&] { return run_to_end(scene.context, streams[i]->read()); };
        for (auto more = read(); !more.empty(); more = read()) all += more.view();
        CHECK(all.find('x') != std::string::npos);
        CHECK(all.find('y') != std::string::npos);
    }
    CHECK(scene.open());
}

}  // namespace group_ends_tests
