// Tracks that are defined by their name alone: the name, what is made of it, and what a viewer gets through a relay.
#include "moq_test/check.hpp"
#include "moq_test/properties.hpp"
#include "moq_test/serve.hpp"
#include "moq_test/test_track.hpp"

#include <comoq/detail/ietf/pairs.hpp>
#include <comoq/error.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/session.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "ietf/scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/manual_sleep.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace moq_test_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

const std::string basic = "moq-test-00/0/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0";

/// A publisher of test tracks, a relay, and a viewer, with a session of a protocol between each two.
struct Scene {
    explicit Scene(const std::string &to_relay = "moqt-18", const std::string &from_relay = "moqt-18")
        : up(context.get_executor(), context.get_executor(), link_of(to_relay)),
          down(context.get_executor(), context.get_executor(), link_of(from_relay)) {
        TestServing config;
        config.said = [this](const Path &, std::string_view what) { said.emplace_back(what); };
        config.sleep = [this](std::chrono::milliseconds pause) -> asio::awaitable<void> {
            auto passing = time(pause);
            co_await std::move(passing);
        };
        serving.start(context, serve_tests(published.producer(), std::move(config)));
        publisher.emplace(up.client(), both_ways(published, time));
        relay_up.emplace(up.server(), both_ways(relay, time));
        relay_down.emplace(down.server(), both_ways(relay, time));
        viewer.emplace(down.client(), both_ways(received, time));
        run();
    }
    ~Scene() {
        serving.cancel();
        run();
    }
    void run() { settle_down(context); }
    /// Until nothing waits for the next object any more.
    void play() {
        for (int i = 0; i < 200; ++i) {
            time.advance(10ms);
            run();
        }
    }
    /// What a checker says of a track, which may differ from the one that is asked for.
    TestVerdict check(const std::string &name, TestCheck how, const std::string &expected) {
        const auto track = test_track(expected);
        REQUIRE(track);
        auto verdict = std::make_shared<std::optional<TestVerdict>>();
        Disturbed checking;
        checking.start(context, keep(check_track(viewer->broadcast(name).track("any"), *track, how), verdict));
        run();
        play();
        // A track without an end, and the patience of everybody.
        for (int i = 0; i < 8 && !checking.is_over(); ++i) {
            time.advance(10s);
            run();
        }
        CAPTURE(said);
        REQUIRE(checking.is_over());
        REQUIRE(*verdict);
        for (const auto &fault : (*verdict)->faults) UNSCOPED_INFO(fault);
        return **verdict;
    }
    TestVerdict check(const std::string &name, TestCheck how = {}) { return check(name, how, name); }

    static asio::awaitable<void> keep(asio::awaitable<TestVerdict> checking, std::shared_ptr<std::optional<TestVerdict>> to) {
        auto verdict = co_await std::move(checking);
        to->emplace(std::move(verdict));
    }

    asio::io_context context;
    ManualSleep time;
    MemoryLink up, down;
    Origin published = origin_with_id(1), relay = origin_with_id(2), received = origin_with_id(3);
    BroadcastPublish announced = published.producer().create_broadcast(moq_test_field);
    std::vector<std::string> said;
    Disturbed serving;
    std::optional<Session> publisher, relay_up, relay_down, viewer;
};

}  // namespace

TEST_CASE("the name of a test track is sixteen fields, and numbers that can be served", "[examples]") {
    const auto track = test_track(basic);
    REQUIRE(track);
    CHECK(track->groups() == 3);
    CHECK(track->objects() == 5);
    CHECK(track->object(2, 0) == TestObject{2, 0, 0, 64, false});
    CHECK(track->object(2, 4) == TestObject{2, 4, 0, 32, false});
    CHECK(test_track("before/it/" + basic) == track);
    const auto other = test_track("moq-test-00/2/7/1/19/9/4/8/9/0/4/2/1/4/6/250");
    REQUIRE(other);
    CHECK(other->groups() == 4);
    CHECK(other->has_group(11));
    CHECK_FALSE(other->has_group(12));
    CHECK_FALSE(other->has_group(23));
    CHECK(other->object(7, 0) == TestObject{7, 1, 1, 8, false});
    CHECK(other->object(7, 4) == TestObject{7, 9, 1, 0, true});
    CHECK(other->integer_property == 4);
    CHECK(other->bytes_property == 6);
    CHECK(other->delivery_timeout == 250);
    for (const char *wrong : {
             "", "moq-test-00", "moq-test-01/0/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0",
             "moq-test-00/4/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0",               // a form that there is not
             "moq-test-00/0/3/0/2/4/5/64/32/10/1/1/0/-1/-1/0",               // no groups
             "moq-test-00/0/0/5/2/4/5/64/32/10/1/1/0/-1/-1/0",               // no objects
             "moq-test-00/0/0/0/2/7/5/64/32/10/1/1/0/-1/-1/0",               // more objects than a group has
             "moq-test-00/0/0/0/2/4/5/64/32/10/0/1/0/-1/-1/0",               // it would not move
             "moq-test-00/0/0/0/2/4/5/64/32/10/1/0/0/-1/-1/0",
             "moq-test-00/0/0/0/2/4/5/2000000/32/10/1/1/0/-1/-1/0",          // large objects
             "moq-test-00/3/0/0/2/4/5/64/1190/10/1/1/0/-1/-1/0",             // large datagrams
             "moq-test-00/0/0/0/4611686018427387903/4/5/64/32/0/1/1/0/-1/-1/0",  // for ever, without a pause
             "moq-test-00/1/0/0/2/5000/5000/64/32/10/1/1/0/-1/-1/0",         // too many subgroups
             "moq-test-00/0/0/0/2/4/5/64/32/10/1/1/2/-1/-1/0",               // neither yes nor no
             "moq-test-00/0/0/0/2/4/5/64/32/10/1/1/0/31/-1/0",               // a gap between objects
             "moq-test-00/0/0/0/2/4/5/64/32/10/1/1/0/-1/5/0",                // immutable properties
             "moq-test-00/0/0/0/2/4/5/64/32/-1/1/1/0/-1/-1/0",
             "moq-test-00/0/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0x",
             "moq-test-00/0/0/0/9223372036854775807/4/5/64/32/10/1/1/0/-1/-1/0",
         }) {
        INFO(wrong);
        CHECK_FALSE(test_track(wrong));
    }
}

TEST_CASE("a block of properties is what the library reads", "[examples]") {
    std::vector<std::uint64_t> numbers{0, 1};
    for (int bits = 6; bits < 64; ++bits) {
        const std::uint64_t power = std::uint64_t{1} << bits;
        numbers.insert(numbers.end(), {power - 1, power});
    }
    numbers.push_back(~std::uint64_t{0});
    for (const std::uint64_t number : numbers) {
        INFO(number);
        PropertyBlock block;
        block.add(number & ~std::uint64_t{1}, number);
        const auto bytes = std::move(block).bytes();
        ietf::Pairs pairs;
        pairs.add(number & ~std::uint64_t{1}, number);
        CHECK(bytes == Bytes::copy(pairs.bytes()));
        const auto types = property_types(bytes);
        REQUIRE(types);
        CHECK(*types == std::vector<std::uint64_t>{number & ~std::uint64_t{1}});
    }
    for (const std::string wrong : {"\x02", "\x03\x05xy", "\xff\x01"}) CHECK_FALSE(property_types(Bytes::copy(wrong)));
}

TEST_CASE("a test track comes through a relay as its name says, over MoQ Transport", "[examples][ietf]") {
    for (const char *protocol : {"moqt-18", "moqt-20", "moqt-22"}) {
        for (const char *numbers : {
                 "0/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0",     // as the interop runner has it
                 "0/0/0/1/5/5/64/32/10/1/1/1/-1/-1/0",     // markers
                 "0/5/3/13/11/20/64/0/10/4/2/0/1/2/0",     // gaps, properties, empty objects
                 "1/0/0/1/4/5/64/32/10/1/1/0/-1/-1/0",     // a subgroup for each object
                 "1/0/2/1/6/5/64/32/10/1/1/1/4/-1/0",
                 "2/0/0/1/4/5/64/32/10/1/1/0/-1/-1/0",     // two subgroups
                 "2/0/0/1/5/5/64/32/10/1/1/1/-1/6/0",
                 "2/0/1/1/9/10/64/32/10/1/2/0/-1/-1/0",    // only odd ones
             }) {
            INFO(protocol << ' ' << numbers);
            Scene scene(protocol, protocol);
            const std::string name = std::string(moq_test_field) + '/' + numbers;
            const auto verdict = scene.check(name);
            CHECK(verdict.is_well());
            CHECK(verdict.groups == test_track(name)->groups());
            CHECK(verdict.objects == test_track(name)->groups() * test_track(name)->objects());
            CHECK(scene.said.front() == "begins");
        }
    }
}

TEST_CASE("a test track without pauses comes through a relay to a viewer that wants it from its beginning", "[examples][ietf]") {
    for (const char *protocol : {"moqt-18", "moqt-20", "moqt-22"}) {
        INFO(protocol);
        Scene scene(protocol, protocol);
        const auto verdict = scene.check("moq-test-00/0/0/0/2/4/5/64/32/0/1/1/0/-1/-1/100");
        CHECK(verdict.is_well());
        CHECK(verdict.objects == 15);
    }
}

TEST_CASE("datagrams of a test track come through a relay as their name says", "[examples][ietf]") {
    for (const char *numbers : {"3/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0", "3/0/0/2/5/5/64/32/10/1/1/1/4/7/0"}) {
        INFO(numbers);
        Scene scene;
        const auto verdict = scene.check(std::string(moq_test_field) + '/' + numbers);
        CHECK(verdict.is_well());
        // The first one may be there before the answer to its viewer.
        CHECK(verdict.lost <= 1);
    }
}

TEST_CASE("a relay translates a test track as far as both protocols go", "[examples]") {
    for (const auto &[up, down] : std::vector<std::pair<std::string, std::string>>{
             {"moqt-18", "moq-lite-06"}, {"moq-lite-06", "moqt-18"}, {"moq-lite-06", "moq-lite-05"}, {"moqt-18", "moqt-22"}, {"moqt-22", "moqt-18"}}) {
        INFO(up << ' ' << down);
        Scene scene(up, down);
        TestCheck how;
        how.has_objects = up.starts_with("moqt") && down.starts_with("moqt");
        const auto verdict = scene.check(basic, how);
        CHECK(verdict.is_well());
        CHECK(verdict.objects == 15);
    }
}

TEST_CASE("any group of a test track can be fetched, though nobody has published it", "[examples]") {
    for (const char *numbers : {"0/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0", "0/5/3/13/11/20/64/0/10/4/2/0/1/2/0",
                                "0/0/0/1/5/5/64/32/10/1/1/1/-1/-1/0"}) {
        INFO(numbers);
        Scene scene;
        TestCheck how;
        how.fetches = true;
        const auto verdict = scene.check(std::string(moq_test_field) + '/' + numbers, how);
        CHECK(verdict.is_well());
        CHECK(scene.said.empty());
    }
}

TEST_CASE("a test track without an end begins with its first subscriber, ends with its last one, and begins again", "[examples]") {
    Scene scene;
    const std::string name = "moq-test-00/0/7/0/4611686018427387903/1/2/8/8/10/1/1/0/-1/-1/0";
    TestCheck how;
    how.groups = 3;
    for (std::size_t times = 1; times <= 2; ++times) {
        const auto verdict = scene.check(name, how);
        CHECK(verdict.is_well());
        CHECK(verdict.groups == 3);
        // Its groups stay for a while at the relay.
        for (int i = 0; i < 20; ++i) {
            scene.time.advance(1s);
            scene.run();
        }
        REQUIRE(scene.said.size() == 2 * times);
        CHECK(scene.said.back() == "has no subscriber any more");
    }
}

TEST_CASE("what is not a test track, or asks for too much, is refused, and the others go on", "[examples]") {
    Scene scene;
    auto asked = wait(scene.viewer->broadcast("moq-test-00/9/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0").track("any").subscribe());
    scene.run();
    CHECK(asked.code() == Error::NotFound);
    CHECK(scene.said == std::vector<std::string>{"is refused"});
    CHECK(scene.check(basic).is_well());
}

TEST_CASE("a publisher may say in a group of its own that a test track is over, after all others, and nothing else there", "[examples]") {
    // It has the groups 5 and 9.
    const auto expected = *test_track("moq-test-00/0/5/0/10/0/1/4/4/10/4/1/0/-1/-1/0");
    const auto faults_of = [&](std::uint64_t number, auto &&end) {
        asio::io_context context;
        BroadcastProducer broadcast;
        auto track = broadcast.create_track("any");
        Begun<TestVerdict> checking(context, check_track(track.consume(), expected, {}));
        for (const std::uint64_t each : {std::uint64_t{5}, std::uint64_t{9}}) {
            auto group = track.create_group(each);
            group.write_frame(payload("tttt"));
            group.finish();
        }
        auto other = track.create_group(number);
        end(other);
        track.finish();
        // The numbers between could still come from it.
        static_cast<void>(TrackProducer(std::move(track)));
        return checking.value().faults;
    };
    using Faults = std::vector<std::string>;
    const auto say_over = [](GroupProducer &group) { group.finish(EndMarker{ObjectStatus::EndOfTrack, 0}); };
    CHECK(faults_of(10, say_over) == Faults{});
    CHECK(faults_of(7, say_over) == Faults{"group 7 does not exist"});

    const Faults no_group_10 = {"group 10 does not exist"};
    CHECK(faults_of(10, [](GroupProducer &group) { group.finish(); }) == no_group_10);
    CHECK(faults_of(10, [](GroupProducer &group) { group.abort(Error::Cancelled); }) == no_group_10);
    CHECK(faults_of(10, [](GroupProducer &group) { group.finish(EndMarker{ObjectStatus::EndOfGroup, 0}); }) == no_group_10);
    // Object 0, which comes before it, does not exist.
    CHECK(faults_of(10, [](GroupProducer &group) { group.finish(EndMarker{ObjectStatus::EndOfTrack, 1}); }) == no_group_10);
    CHECK(faults_of(10, [](GroupProducer &group) {
              group.write_frame(payload("tttt"));
              group.finish(EndMarker{ObjectStatus::EndOfTrack, 1});
          }) == no_group_10);
}

TEST_CASE("a checker sees what differs from the name", "[examples]") {
    for (const auto &[numbers, fault] : std::vector<std::pair<const char *, const char *>>{
             {"0/0/0/2/4/5/65/32/10/1/1/0/-1/-1/0", "has 64 bytes and not 65"},
             {"0/0/0/2/4/5/64/31/10/1/1/0/-1/-1/0", "has 32 bytes and not 31"},
             {"0/0/0/3/4/5/64/32/10/1/1/0/-1/-1/0", "1 of 4 groups are not whole"},
             {"0/0/0/1/4/5/64/32/10/1/1/0/-1/-1/0", "group 2 does not exist"},
             {"0/0/0/2/3/5/64/32/10/1/1/0/-1/-1/0", "object 0/4 does not exist"},
             {"0/0/0/2/5/5/64/32/10/1/1/0/-1/-1/0", "3 of 3 groups are not whole"},
             {"0/0/0/2/4/5/64/32/10/1/1/1/-1/-1/0", "object 0/4 does not end the group"},
             {"2/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0", "object 0/1 is in subgroup 0 and not in 1"},
             {"0/0/0/2/4/5/64/32/10/1/1/0/4/-1/0", "has other properties"},
         }) {
        INFO(fault);
        Scene scene;
        const auto verdict = scene.check(basic, {}, std::string(moq_test_field) + '/' + numbers);
        bool is_seen = false;
        for (const auto &one : verdict.faults) is_seen = is_seen || one.find(fault) != std::string::npos;
        CHECK(is_seen);
    }
    Scene scene;
    TestCheck of_lite;
    of_lite.has_objects = false;
    Disturbed checking;
    auto none = std::make_shared<std::optional<TestVerdict>>();
    const std::string each = "moq-test-00/1/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0";
    checking.start(scene.context, Scene::keep(check_track(scene.viewer->broadcast(each).track("any"), *test_track(each), of_lite), none));
    scene.run();
    CHECK(checking.is_over());
    CHECK_FALSE(*none);
}

}  // namespace moq_test_tests
