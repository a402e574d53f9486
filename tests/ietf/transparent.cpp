// A relay of MoQ Transport passes on what it does not know: a track that goes through an origin comes out as it went in.
#include <comoq/detail/ietf/datagram.hpp>
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "ietf/relayed_scene.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace transparent_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// All that a stream of a group says.
struct Group {
    ietf::SubgroupHeader header;
    std::vector<ietf::ObjectHeader> objects;
    std::vector<std::string> payloads;

    friend bool operator==(const Group &, const Group &) = default;
};

Group random_group(std::mt19937_64 &random, std::uint64_t sequence) {
    Group group;
    group.header.group = sequence;
    group.header.has_properties = true;
    group.header.end_of_group = random() % 2 == 0;
    group.header.first_object = true;
    if (random() % 2 == 0) group.header.priority = static_cast<std::uint8_t>(random());
    std::uint64_t next = 0;
    for (auto left = 1 + random() % 5; left != 0; --left) {
        ietf::ObjectHeader object;
        object.id = next + (random() % 3 == 0 ? random() % 1'000 : 0);
        next = object.id + 1;
        if (random() % 2 == 0) object.properties.add(0x38, random());
        if (random() % 2 == 0) object.properties.add(0x39, as_span("some bytes"));
        if (random() % 4 == 0) object.properties.add(0x3e, random() % 100);
        object.payload_size = random() % 4 == 0 ? 0 : random() % 3'000;
        group.payloads.emplace_back(object.payload_size, static_cast<char>('a' + random() % 26));
        group.objects.push_back(std::move(object));
    }
    if (random() % 3 == 0) {
        ietf::ObjectHeader end;
        end.id = next + random() % 5;
        end.status = ietf::ObjectStatus::EndOfGroup;
        group.objects.push_back(end);
        group.payloads.emplace_back();
    }
    return group;
}
Octets octets_of(const Group &group, std::uint64_t alias, ietf::Draft draft) {
    auto header = group.header;
    header.alias = alias;
    Octets octets;
    ietf::encode(header, draft, octets);
    ietf::SubgroupObjects objects(header, draft);
    for (std::size_t i = 0; i < group.objects.size(); ++i) {
        objects.write(group.objects[i], octets);
        const auto payload = as_span(group.payloads[i]);
        octets.insert(octets.end(), payload.begin(), payload.end());
    }
    return octets;
}
Group group_of(std::span<const std::byte> octets, ietf::Draft draft) {
    Group group;
    auto begun = ietf::read_uni_stream(octets, draft);
    REQUIRE(begun.value);
    group.header = std::get<ietf::SubgroupHeader>(*begun.value);
    group.header.alias = 0;
    octets = octets.subspan(begun.size);
    ietf::SubgroupObjects objects(group.header, draft);
    while (!octets.empty()) {
        auto next = objects.read(octets);
        REQUIRE(next.value);
        octets = octets.subspan(next.size);
        const auto size = static_cast<std::size_t>(next.value->payload_size);
        REQUIRE(octets.size() >= size);
        group.payloads.emplace_back(reinterpret_cast<const char *>(octets.data()), size);
        octets = octets.subspan(size);
        group.objects.push_back(std::move(*next.value));
    }
    return group;
}

}  // namespace

TEST_CASE("MoQ Transport: what goes through an origin comes out as it went in, known or not", "[ietf][session]") {
    std::mt19937_64 random(seed("a track through an origin"));
    for (const std::string name : {"moqt-18", "moqt-20", "moqt-22"}) {
        INFO(name);
        RelayedScene relay(name);
        RawScene &publisher = relay.publisher, &viewer = relay.viewer;
        publisher.announce({"a"});
        auto &request = viewer.ask(viewer.subscribe_to("a"));
        relay.run();
        // The session has asked for the track, as its last request.
        ietf::SubscribeOk ok;
        ok.alias = 9;
        ok.properties.add(0x0e, 77);
        ok.properties.add(0x3801, as_span("what is this"));
        auto &upstream = publisher.asked.back();
        publisher.reply(upstream, ok);
        relay.run();
        const auto told = viewer.answer<ietf::SubscribeOk>(request);
        CHECK(told.properties == ok.properties);
        for (std::uint64_t sequence = 0; sequence < 60; ++sequence) {
            const auto group = random_group(random, sequence);
            publisher.send_uni(octets_of(group, 9, publisher.draft), true);
            relay.run();
            REQUIRE(viewer.unis.size() == sequence + 2);
            CHECK(viewer.unis.back().answer.ended);
            CHECK(group_of(viewer.unis.back().answer.octets, viewer.draft) == group);
        }
        // Datagrams, too.
        for (std::uint64_t i = 0; i < 20; ++i) {
            ietf::ObjectDatagram datagram;
            datagram.alias = 9;
            datagram.location = ietf::Location{100 + i / 2, 1 + i + random() % 2 * 100};
            if (random() % 2 == 0) datagram.priority = static_cast<std::uint8_t>(random());
            if (random() % 2 == 0) datagram.properties.add(0x38, random());
            datagram.end_of_group = random() % 2 == 0;
            const std::string text(random() % 100, 'x');
            datagram.payload = as_span(text);
            Octets octets;
            ietf::encode(datagram, publisher.draft, octets);
            auto coming = viewer.begin(viewer.raw->receive_datagram());
            publisher.raw->send_datagram(Bytes(std::move(octets)));
            relay.run();
            REQUIRE(coming.done());
            const Bytes came = coming.value();
            const auto decoded = ietf::decode_datagram(came.span(), viewer.draft);
            const auto *got = std::get_if<ietf::ObjectDatagram>(&decoded);
            REQUIRE(got != nullptr);
            CHECK(got->location == datagram.location);
            CHECK(got->priority == datagram.priority);
            CHECK(got->properties == datagram.properties);
            CHECK(got->end_of_group == datagram.end_of_group);
            CHECK(got->payload.size() == text.size());
        }
        CHECK(publisher.is_alive());
        CHECK(viewer.is_alive());
    }
}

}  // namespace transparent_tests
