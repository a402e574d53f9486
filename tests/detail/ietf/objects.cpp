#include <comoq/detail/ietf/datagram.hpp>
#include <comoq/detail/ietf/uni_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <comoq/error.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/hex.hpp"

namespace objects_tests {

using namespace comoq::ietf;
using comoq::Error;
using comoq::test::error_of;
using comoq::test::hex_of;
using comoq::test::of_hex;
using Octets = std::vector<std::byte>;

namespace {

constexpr Draft all_drafts[] = {Draft::Draft16, Draft::Draft18, Draft::Draft20, Draft::Draft22};
constexpr std::uint64_t largest = ~std::uint64_t{0};

/// Is the type of a stream of a subgroup, by the tables of the drafts.
bool is_subgroup(std::uint64_t type, Draft draft) {
    const bool in_16 = (type >= 0x10 && type <= 0x1d) || (type >= 0x30 && type <= 0x3d);
    const bool in_18 = in_16 || (type >= 0x50 && type <= 0x5d) || (type >= 0x70 && type <= 0x7d);
    return (draft == Draft::Draft16 ? in_16 : in_18) && type % 8 < 6;
}
/// A type in the one form in which it can be written, and enough for every field.
Octets with_type(std::uint64_t type, Draft draft) {
    Octets octets;
    FieldWriter writer(octets, dialect_of(draft));
    writer.number(type);
    writer.bytes(of_hex("0102030003"));
    return octets;
}
FetchedObject object(std::uint64_t group, std::uint64_t id, std::optional<std::uint64_t> subgroup = 0) {
    FetchedObject object;
    object.location = Location{group, id};
    object.subgroup = subgroup;
    object.priority = 128;
    return object;
}
FetchedObject range(FetchedObject::Kind kind, std::uint64_t group, std::uint64_t id) {
    FetchedObject end;
    end.kind = kind;
    end.location = Location{group, id};
    return end;
}
CloseCode code_of(std::string_view hex, GroupOrder order = GroupOrder::Ascending, Draft draft = Draft::Draft18) {
    const auto octets = of_hex(hex);
    std::span<const std::byte> rest = octets;
    FetchObjects objects(order, draft);
    while (!rest.empty()) {
        const auto step = objects.read(rest);
        if (!step.value) return step.code;
        rest = rest.subspan(step.size);
    }
    return CloseCode::None;
}

}  // namespace

TEST_CASE("ietf 2: each of 256 types of streams is read, or ends the session, as the draft says", "[ietf]") {
    for (const Draft draft : all_drafts)
        for (std::uint64_t type = 0; type < 256; ++type) {
            const auto octets = with_type(type, draft);
            const auto step = read_uni_stream(octets, draft);
            INFO("type " << type);
            // The two halves of the stream that requests share begin with SETUP, of a client or a server.
            if (draft == Draft::Draft16 && (type == 0x20 || type == 0x21)) {
                CHECK(std::holds_alternative<ControlStream>(step.value.value()));
                continue;
            }
            if (!is_subgroup(type, draft) && type != 5) {
                CHECK(step.code == CloseCode::ProtocolViolation);
                continue;
            }
            REQUIRE(step.value);
            CHECK(std::holds_alternative<FetchHeader>(*step.value) == (type == 5));
            if (type == 5) continue;
            const auto &header = std::get<SubgroupHeader>(*step.value);
            CHECK(header.has_properties == (type % 2 != 0));
            CHECK(header.end_of_group == (type % 16 >= 8));
            CHECK(header.priority.has_value() == (type % 64 < 32));
            CHECK(header.first_object == (type >= 64));
            CHECK(header.subgroup.has_value() == (type % 8 / 2 != 1));
            CHECK(header.subgroup.value_or(0) == (type % 8 / 2 == 2 ? 3 : 0));
        }
}

TEST_CASE("ietf 2: each of 256 types of datagrams is read, or ends the session, as the draft says", "[ietf]") {
    for (const Draft draft : all_drafts)
        for (std::uint64_t type = 0; type < 256; ++type) {
            const bool is_payload = type <= 0x0f;
            const bool is_status = type >= 0x20 && type <= 0x2f && type % 4 < 2;
            Octets octets;
            FieldWriter writer(octets, dialect_of(draft));
            writer.number(type);
            writer.bytes(of_hex("0102"));
            if ((type & 4) == 0) writer.number(3);
            if ((type & 8) == 0) writer.byte(4);
            if ((type & 1) != 0) writer.bytes(of_hex("021005"));
            writer.number(0);
            INFO("type " << type);
            const auto decoded = decode_datagram(octets, draft);
            CHECK(std::holds_alternative<ObjectDatagram>(decoded) == (is_payload || is_status));
            if (const auto *datagram = std::get_if<ObjectDatagram>(&decoded)) {
                Octets written;
                encode(*datagram, draft, written);
                CHECK(written == octets);
            }
        }
}

TEST_CASE("ietf 2: padding and control streams are told by their first bytes, from draft 17 on", "[ietf]") {
    const auto is = [](auto kind, std::string_view hex, Draft draft) {
        const auto step = read_uni_stream(of_hex(hex), draft);
        return step.value && std::holds_alternative<decltype(kind)>(*step.value);
    };
    CHECK(is(PaddingStream{}, "f0132b3e28", Draft::Draft18));
    CHECK(is(ControlStream{}, "af000000", Draft::Draft18));
    CHECK(read_uni_stream(of_hex("932b3e28"), Draft::Draft16).code == CloseCode::ProtocolViolation);
    CHECK(read_uni_stream(of_hex("6f00"), Draft::Draft16).code == CloseCode::ProtocolViolation);
    CHECK(read_uni_stream(of_hex("f0132b3e"), Draft::Draft18).needs_more());
    CHECK(read_uni_stream({}, Draft::Draft18).needs_more());
    // The control stream's type is that of its first message.
    CHECK(read_uni_stream(of_hex("af000000"), Draft::Draft18).size == 0);
    CHECK(std::holds_alternative<PaddingDatagram>(decode_datagram(of_hex("f0132b3e2900ff"), Draft::Draft18)));
}

TEST_CASE("ietf 2: a subgroup ends with the largest number there is", "[ietf]") {
    SubgroupObjects writes(SubgroupHeader{}, Draft::Draft18), reads(SubgroupHeader{}, Draft::Draft18);
    Octets octets;
    writes.write(ObjectHeader{largest, {}, ObjectStatus::Normal, 0}, octets);
    const auto step = reads.read(octets);
    REQUIRE(step.value);
    CHECK(step.value->id == largest);
    CHECK(reads.read(of_hex("000161")).code == CloseCode::ProtocolViolation);
    CHECK(error_of([&] { writes.write(ObjectHeader{largest, {}, ObjectStatus::Normal, 0}, octets); }) == Error::Encode);
}

TEST_CASE("ietf 2: what a subgroup cannot say is refused, and nothing of it is written", "[ietf]") {
    SubgroupHeader header;
    header.has_properties = true;
    SubgroupObjects plain(SubgroupHeader{}, Draft::Draft18), with_properties(header, Draft::Draft18);
    Octets octets;
    ObjectHeader first{5, {}, ObjectStatus::Normal, 1};
    plain.write(first, octets);
    const auto written = octets;
    const auto refuses = [&octets](SubgroupObjects &objects, const ObjectHeader &object) {
        return error_of([&] { objects.write(object, octets); }) == Error::Encode;
    };
    CHECK(refuses(plain, ObjectHeader{5, {}, ObjectStatus::Normal, 1}));
    CHECK(refuses(plain, ObjectHeader{6, {}, ObjectStatus::EndOfGroup, 1}));
    ObjectHeader end{6, {}, ObjectStatus::EndOfGroup, 0};
    end.properties.add(0x10, 1);
    CHECK(refuses(plain, end));
    CHECK(refuses(with_properties, end));
    CHECK(octets == written);
}

TEST_CASE("ietf 2: a fetch in every draft and order comes back as it was", "[ietf]") {
    using Kind = FetchedObject::Kind;
    for (const Draft draft : all_drafts)
        for (const GroupOrder order : {GroupOrder::Ascending, GroupOrder::Descending}) {
            const bool ascends = order == GroupOrder::Ascending;
            const std::uint64_t first = ascends ? 300 : 500;
            auto with_properties = object(ascends ? 400 : 400, 7, 4);
            with_properties.properties.add(0x10, 90'000);
            with_properties.payload_size = 200;
            auto more_urgent = object(400, 8, 5);
            more_urgent.priority = 0;
            const FetchedObject sent[] = {
                object(first, 200), object(first, 201), object(first, 300, 3), object(first, 301, {}), object(first, 302, 3),
                object(first, 303, 4), with_properties, more_urgent, range(Kind::NonExistent, 400, 300),
                object(400, 301, 5), range(Kind::Unknown, ascends ? 1000 : 100, 0), object(ascends ? 1001 : 99, 0, 6),
            };
            FetchObjects writes(order, draft), reads(order, draft);
            Octets octets;
            for (const auto &one : sent) writes.write(one, octets);
            std::span<const std::byte> rest = octets;
            for (const auto &one : sent) {
                const auto step = reads.read(rest);
                REQUIRE(step.value);
                CHECK(*step.value == one);
                rest = rest.subspan(step.size);
            }
            CHECK(rest.empty());
        }
}

TEST_CASE("ietf 2: an object of a fetch says its subgroup after a datagram, which readers do not look beyond", "[ietf]") {
    for (const Draft draft : all_drafts) {
        FetchObjects writes(GroupOrder::Ascending, draft);
        Octets octets;
        for (const auto &before : {object(300, 1, 5), object(300, 2, {})}) writes.write(before, octets);
        for (const std::uint64_t subgroup : {std::uint64_t{5}, std::uint64_t{6}}) {
            FetchObjects next = writes;
            octets.clear();
            next.write(object(300, 3, subgroup), octets);
            REQUIRE(octets.size() == 3);
            CHECK(octets[1] == static_cast<std::byte>(subgroup));
            octets.clear();
            // From that one on it is known again.
            next.write(object(300, 4, subgroup), octets);
            CHECK(octets.size() == 2);
        }
    }
}

TEST_CASE("ietf 2: objects of a fetch that refer to nothing, or beyond 64 bits, end the session", "[ietf]") {
    CHECK(code_of("1c05008000") == CloseCode::None);
    CHECK(code_of("1805008000") == CloseCode::ProtocolViolation);  // no object
    CHECK(code_of("1405008000") == CloseCode::ProtocolViolation);  // no group
    CHECK(code_of("0c050000") == CloseCode::ProtocolViolation);    // no priority
    CHECK(code_of("1d05008000") == CloseCode::ProtocolViolation);  // the subgroup before
    CHECK(code_of("1e05008000") == CloseCode::ProtocolViolation);
    CHECK(code_of("1c05ffffffffffffffffff80000000") == CloseCode::ProtocolViolation);
    CHECK(code_of("1cffffffffffffffffff0080000c000000") == CloseCode::ProtocolViolation);
    CHECK(code_of("1c000080000c000000", GroupOrder::Descending) == CloseCode::ProtocolViolation);
    CHECK(code_of("1c010080000c000000", GroupOrder::Descending) == CloseCode::None);
    CHECK(code_of("1c00ffffffffffffffffff8000040100") == CloseCode::ProtocolViolation);
    // The end of a range may come first, but it has neither a subgroup nor a priority.
    CHECK(code_of("808c0203100400") == CloseCode::None);
    CHECK(code_of("808c02030000") == CloseCode::ProtocolViolation);
    CHECK(code_of("808c0203110400") == CloseCode::ProtocolViolation);
    CHECK(code_of("810c0203") == CloseCode::None);
    CHECK(code_of("820c0203") == CloseCode::ProtocolViolation);
    CHECK(code_of("820c0203", GroupOrder::Ascending, Draft::Draft20) == CloseCode::None);
    CHECK(code_of("8080") == CloseCode::ProtocolViolation);
}

TEST_CASE("ietf 2: what the stream of a fetch cannot say is refused, and nothing of it is written", "[ietf]") {
    FetchObjects objects(GroupOrder::Ascending, Draft::Draft18);
    Octets octets;
    objects.write(object(5, 5), octets);
    const auto written = octets;
    CHECK(error_of([&] { objects.write(object(4, 0), octets); }) == Error::Encode);
    CHECK(error_of([&] { objects.write(object(5, 4), octets); }) == Error::Encode);
    CHECK(error_of([&] { objects.write(range(FetchedObject::Kind::TimedOut, 6, 0), octets); }) == Error::Encode);
    CHECK(octets == written);
}

TEST_CASE("ietf 2: objects of a fetch come in its order, and a reader tells when they do not", "[ietf]") {
    for (const Draft draft : all_drafts)
        for (const GroupOrder order : {GroupOrder::Ascending, GroupOrder::Descending}) {
            FetchObjects objects(order, draft);
            Octets octets;
            objects.write(object(5, 5), octets);
            const auto written = octets;
            const std::uint64_t wrong = order == GroupOrder::Ascending ? 4 : 6, right = 10 - wrong;
            for (const auto &one : {object(wrong, 9), object(5, 5), object(5, 4), range(FetchedObject::Kind::Unknown, 5, 5),
                                    range(FetchedObject::Kind::Unknown, wrong, 0)})
                CHECK(error_of([&] { objects.write(one, octets); }) == Error::Encode);
            CHECK(octets == written);
            objects.write(object(right, 0), octets);
            CHECK(octets.size() > written.size());
        }
    const auto is_ordered = [](std::string_view first, std::string_view second, Draft draft) {
        FetchObjects objects(GroupOrder::Ascending, draft);
        REQUIRE(objects.read(of_hex(first)).value);
        CHECK(objects.is_ordered());
        REQUIRE(objects.read(of_hex(second)).value);
        return objects.is_ordered();
    };
    CHECK(is_ordered("1c05058000", "0c060000", Draft::Draft16));
    CHECK_FALSE(is_ordered("1c05058000", "0c040000", Draft::Draft16));
    CHECK_FALSE(is_ordered("1c05058000", "040500", Draft::Draft16));
    CHECK_FALSE(is_ordered("1c05058000", "040000", Draft::Draft18));
    CHECK(is_ordered("1c05058000", "040100", Draft::Draft18));
    CHECK_FALSE(is_ordered("1c05058000", "810c0409", Draft::Draft18));
}

TEST_CASE("ietf 2: a header that is refused leaves nothing in the buffer", "[ietf]") {
    Octets octets{std::byte{7}};
    ObjectDatagram datagram;
    datagram.location.group = largest;
    CHECK(error_of([&] { encode(datagram, Draft::Draft16, octets); }) == Error::Encode);
    SubgroupHeader header;
    header.group = largest;
    CHECK(error_of([&] { encode(header, Draft::Draft16, octets); }) == Error::Encode);
    CHECK(error_of([&] { encode(FetchHeader{largest}, Draft::Draft16, octets); }) == Error::Encode);
    CHECK(octets == Octets{std::byte{7}});
}

TEST_CASE("ietf 2: the bound of an object's properties is that of their bytes on the wire, in both directions", "[ietf]") {
    const auto comes_back = [](const Pairs &properties) {
        SubgroupHeader header;
        header.has_properties = true;
        SubgroupObjects writes(header, Draft::Draft16), reads(header, Draft::Draft16);
        Octets octets;
        const ObjectHeader sent{0, properties, ObjectStatus::Normal, 1};
        if (error_of([&] { writes.write(sent, octets); }) == Error::Encode) return false;
        const auto step = reads.read(octets);
        return step.value && *step.value == sent;
    };
    // Two bytes here, three in draft 16; and six here, five in draft 16.
    Pairs shorter, longer;
    shorter.add(2, 64);
    longer.add(2, 1u << 29);
    for (int i = 1; i < 13'107; ++i) {
        shorter.add(2, 64);
        longer.add(2, 1u << 29);
    }
    CHECK(longer.bytes().size() > longest_properties);
    CHECK(comes_back(longer));
    CHECK(comes_back(shorter));
    for (int i = 13'107; i < 21'845; ++i) shorter.add(2, 64);
    CHECK(comes_back(shorter));
    shorter.add(2, 64);
    CHECK(shorter.bytes().size() <= longest_properties);
    CHECK_FALSE(comes_back(shorter));
    longer.add(2, 1u << 29);
    CHECK_FALSE(comes_back(longer));
}

TEST_CASE("ietf 2: properties whose bytes are not there cost nothing, and their length is bounded", "[ietf]") {
    SubgroupHeader header;
    header.has_properties = true;
    const auto cut = of_hex("00c0ffff10");
    SubgroupObjects objects(header, Draft::Draft18);
    const comoq::test::AllocationCount count;
    const auto step = objects.read(cut);
    const auto made = count.made();
    CHECK(step.needs_more());
    CHECK(made == 0);
    CHECK(objects.read(of_hex("00c10000")).code == CloseCode::InternalError);
    CHECK(objects.read(of_hex("000110")).code == CloseCode::KeyValueFormatting);
    // An object without properties, and its header, cost nothing either.
    const auto plain = of_hex("000001");
    const comoq::test::AllocationCount again;
    const auto read = objects.read(plain);
    CHECK(again.made() == 0);
    REQUIRE(read.value);
    CHECK(read.value->payload_size == 1);
}

}  // namespace objects_tests
