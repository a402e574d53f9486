/// \file
/// Tracks with gaps in the numbers of their objects, and which of these have come to a raw peer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "ietf/published_scene.hpp"
#include "support/catch.hpp"

namespace comoq::test {

using Ids = std::vector<std::uint64_t>;

/// A frame of one octet, with as many numbers left out before it.
inline void write(GroupProducer &group, std::uint64_t skipped) { group.write_frame(payload("x"), Timestamp(), ObjectExtras(Bytes(), skipped)); }

/// The numbers of the objects on a stream of a subscription or of a fetch.
inline Ids ids_of(const RawScene &scene, const RawUni &uni) {
    Ids ids;
    std::span<const std::byte> rest(uni.answer.octets);
    const auto kind = ietf::read_uni_stream(rest, scene.draft);
    REQUIRE(kind.value);
    rest = rest.subspan(kind.size);
    const auto read = [&rest, &ids](auto &objects, auto number_of) {
        while (!rest.empty()) {
            const auto object = objects.read(rest);
            REQUIRE(object.value);
            ids.push_back(number_of(*object.value));
            rest = rest.subspan(object.size + static_cast<std::size_t>(object.value->payload_size));
        }
    };
    if (const auto *header = std::get_if<ietf::SubgroupHeader>(&*kind.value)) {
        ietf::SubgroupObjects objects(*header, scene.draft);
        read(objects, [](const ietf::ObjectHeader &object) { return object.id; });
    } else {
        ietf::FetchObjects objects(ietf::GroupOrder::Ascending, scene.draft);
        read(objects, [](const ietf::FetchedObject &object) { return object.location.object; });
    }
    return ids;
}

/// The groups on the streams of a subscription, whichever comes first.
inline Ids groups_of(const RawScene &scene) {
    Ids groups;
    for (const RawUni &uni : scene.unis) {
        const auto kind = ietf::read_uni_stream(std::span<const std::byte>(uni.answer.octets), scene.draft);
        REQUIRE(kind.value);
        if (const auto *header = std::get_if<ietf::SubgroupHeader>(&*kind.value)) groups.push_back(header->group);
    }
    std::ranges::sort(groups);
    return groups;
}
inline ietf::Filter everything() {
    ietf::Filter filter;
    filter.kind = ietf::Filter::Kind::Everything;
    return filter;
}

}  // namespace comoq::test
