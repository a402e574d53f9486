#include <comoq/detail/qmux/transport_parameters.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <comoq/detail/qmux/codec.hpp>

#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace transport_parameters_tests {

using namespace comoq;
using namespace comoq::test;
using qmux::TransportParameters;

namespace {

constexpr std::uint64_t most = comoq::detail::max_varint;
constexpr std::uint64_t record_size_id = 0x0571c59429cd0845;
constexpr std::uint64_t protocols_id = 0x3d4f9c2a8b1e6075;

std::optional<TransportParameters> decoded(const Octets &body) { return qmux::decode(qmux::EncodedParameters{body}); }

Octets encoded(const TransportParameters &parameters) {
    Octets octets;
    qmux::encode(parameters, octets);
    return octets;
}

/// The contents of a record's only frame.
Octets body_of(const Octets &record) {
    std::error_code failure;
    const auto read = qmux::next_frame(record, failure);
    REQUIRE(read);
    REQUIRE(read->size == record.size());
    const auto body = std::get<qmux::EncodedParameters>(read->frame).body;
    return Octets(body.begin(), body.end());
}

/// One parameter: a number, or any value.
Octets number(std::uint64_t id, std::uint64_t value) {
    return of_varints({id, comoq::detail::varint_size(value), value});
}
Octets parameter(std::uint64_t id, const Octets &value) { return joined({of_varints({id, value.size()}), value}); }

Octets names(std::initializer_list<std::string_view> list) {
    Octets octets;
    comoq::detail::WireWriter to(octets);
    for (const auto name : list) {
        to.text(name);
    }
    return octets;
}

TransportParameters usual() {
    TransportParameters parameters;
    parameters.idle_timeout = std::chrono::seconds(30);
    parameters.max_data = 1'048'576;
    parameters.max_stream_data_bidi_local = 262'144;
    parameters.max_stream_data_bidi_remote = 262'144;
    parameters.max_stream_data_uni = 262'144;
    parameters.max_streams_bidi = 100;
    parameters.max_streams_uni = 100;
    parameters.max_datagram_frame_size = 16'382;
    parameters.reset_stream_at = true;
    return parameters;
}

}  // namespace

TEST_CASE("wire 6: transport parameters are encoded to the same bytes as by the real peer", "[qmux]") {
    const auto record = of_hex("ff5153300d0a0d0a37" "010480007530" "040480100000" "050480040000" "060480040000"
                               "070480040000" "08024064" "09024064" "20027ffe" "c571c59429cd0845027ffe" "1d00");
    CHECK(encoded(usual()) == record);
    CHECK(decoded(body_of(record)) == usual());
}

TEST_CASE("wire 6: each parameter is read from its own number, and written with it", "[qmux]") {
    const auto check = [](auto member, std::uint64_t id) {
        TransportParameters parameters;
        parameters.*member = 70'000;
        CHECK(decoded(number(id, 70'000)) == parameters);
        CHECK(decoded(body_of(encoded(parameters))) == parameters);
    };
    check(&TransportParameters::max_data, 4);
    check(&TransportParameters::max_stream_data_bidi_local, 5);
    check(&TransportParameters::max_stream_data_bidi_remote, 6);
    check(&TransportParameters::max_stream_data_uni, 7);
    check(&TransportParameters::max_streams_bidi, 8);
    check(&TransportParameters::max_streams_uni, 9);
    check(&TransportParameters::max_datagram_frame_size, 0x20);
    check(&TransportParameters::max_record_size, record_size_id);
    TransportParameters idle;
    idle.idle_timeout = std::chrono::milliseconds(70'000);
    CHECK(decoded(number(1, 70'000)) == idle);
    TransportParameters reset;
    reset.reset_stream_at = true;
    CHECK(decoded(of_hex("1d00")) == reset);
    TransportParameters protocols;
    protocols.protocols = {"moq-lite-05", "", "h\xc3\xa9"};
    CHECK(decoded(parameter(protocols_id, names({"moq-lite-05", "", "h\xc3\xa9"}))) == protocols);
    CHECK(decoded(body_of(encoded(protocols))) == protocols);
}

TEST_CASE("wire 6: missing parameters mean no credit, and the default size of a record", "[qmux]") {
    const auto nothing = decoded({});
    REQUIRE(nothing);
    CHECK(*nothing == TransportParameters());
    CHECK(nothing->idle_timeout.count() == 0);
    CHECK(nothing->max_data == 0);
    CHECK(nothing->max_stream_data_bidi_local == 0);
    CHECK(nothing->max_stream_data_bidi_remote == 0);
    CHECK(nothing->max_stream_data_uni == 0);
    CHECK(nothing->max_streams_bidi == 0);
    CHECK(nothing->max_streams_uni == 0);
    CHECK(nothing->max_datagram_frame_size == 0);
    CHECK(nothing->max_record_size == 16'382);
    CHECK_FALSE(nothing->reset_stream_at);
    CHECK(nothing->protocols.empty());
    CHECK(encoded(TransportParameters()) == of_hex("ff5153300d0a0d0a0bc571c59429cd0845027ffe"));
}

TEST_CASE("wire 6: parameters about packets and connection ids are forbidden, unknown ones are ignored", "[qmux]") {
    for (const std::uint64_t id : {0x00u, 0x02u, 0x03u, 0x0au, 0x0bu, 0x0cu, 0x0du, 0x0eu, 0x0fu, 0x10u}) {
        INFO(id);
        CHECK_FALSE(decoded(number(id, 5)));
        CHECK_FALSE(decoded(parameter(id, {})));
        CHECK_FALSE(decoded(joined({number(4, 70'000), number(id, 5)})));
    }
    TransportParameters data;
    data.max_data = 70'000;
    for (const std::uint64_t id : {std::uint64_t{0x11}, std::uint64_t{0x1c}, std::uint64_t{0x1e}, std::uint64_t{0x21},
                                   std::uint64_t{0x2ab2}, record_size_id + 1, protocols_id - 1, most}) {
        INFO(id);
        for (const auto &value : {Octets(), Octets(1), Octets(200, std::byte{0xff})}) {
            CHECK(decoded(joined({parameter(id, value), number(4, 70'000), parameter(0x12, value)})) == data);
        }
    }
}

TEST_CASE("wire 6: a repeated parameter is malformed, known or not", "[qmux]") {
    for (const auto &one : {number(1, 5), number(4, 70'000), number(9, 3), number(0x20, 1200), parameter(0x1d, {}),
                            number(record_size_id, 16'382), parameter(protocols_id, names({"a"})), number(0x2ab2, 7)}) {
        CHECK(decoded(one));
        CHECK_FALSE(decoded(joined({one, one})));
        CHECK_FALSE(decoded(joined({one, number(7, 1), one})));
    }
    // With any encoding of its number.
    CHECK_FALSE(decoded(joined({number(4, 5), of_hex("40040105")})));
}

TEST_CASE("wire 6: a parameter's value is one of its kind and nothing more", "[qmux]") {
    for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{4}, std::uint64_t{5}, std::uint64_t{6}, std::uint64_t{7},
                                   std::uint64_t{8}, std::uint64_t{9}, std::uint64_t{0x20}, record_size_id}) {
        INFO(id);
        CHECK_FALSE(decoded(parameter(id, {})));
        CHECK_FALSE(decoded(parameter(id, of_hex("8000"))));
        CHECK_FALSE(decoded(parameter(id, of_hex("8001000000"))));
        CHECK(decoded(parameter(id, of_hex("80010000"))));
        CHECK(decoded(parameter(id, of_hex("c000000000010000"))));
    }
    CHECK_FALSE(decoded(of_hex("1d0100")));
    CHECK_FALSE(decoded(parameter(protocols_id, {})));
    CHECK_FALSE(decoded(parameter(protocols_id, of_hex("026d"))));
    CHECK_FALSE(decoded(parameter(protocols_id, of_hex("016d02"))));
    CHECK_FALSE(decoded(parameter(protocols_id, of_hex("01ff"))));
}

TEST_CASE("wire 6: a record is at least the default size, and streams do not outnumber ids", "[qmux]") {
    CHECK(decoded(number(record_size_id, 16'382)));
    CHECK(decoded(number(record_size_id, most))->max_record_size == most);
    CHECK_FALSE(decoded(number(record_size_id, 16'381)));
    CHECK_FALSE(decoded(number(record_size_id, 0)));
    for (const std::uint64_t id : {8u, 9u}) {
        CHECK(decoded(number(id, qmux::max_stream_count)));
        CHECK_FALSE(decoded(number(id, qmux::max_stream_count + 1)));
    }
    for (const std::uint64_t id : {4u, 5u, 6u, 7u, 0x20u}) {
        CHECK(decoded(number(id, most)));
    }
    CHECK(decoded(number(1, most))->idle_timeout.count() == static_cast<std::int64_t>(most));
}

TEST_CASE("wire 6: the number of parameters and protocols is limited", "[qmux]") {
    Octets body;
    for (std::uint64_t id = 100; id < 100 + TransportParameters::max_parameters; ++id) {
        body = joined({body, number(id, 1)});
    }
    CHECK(decoded(body) == TransportParameters());
    CHECK_FALSE(decoded(joined({body, number(4, 1)})));
    Octets list;
    for (std::size_t i = 0; i < TransportParameters::max_protocols; ++i) {
        list = joined({list, names({"a"})});
    }
    CHECK(decoded(parameter(protocols_id, list))->protocols.size() == TransportParameters::max_protocols);
    CHECK_FALSE(decoded(parameter(protocols_id, joined({list, names({""})}))));
}

TEST_CASE("wire 6: truncated parameters are malformed, and their lengths are not trusted", "[qmux]") {
    auto full = usual();
    full.protocols = {"moq-lite-05", "moq-lite-04"};
    const auto body = body_of(encoded(full));
    CHECK(decoded(body) == full);
    std::size_t whole = 0;
    for (std::size_t size = 0; size < body.size(); ++size) {
        // In a block of its own, so that a sanitizer sees each byte too many.
        const Octets part(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
        whole += decoded(part).has_value() ? 1 : 0;
    }
    // Only between parameters: there are eleven.
    CHECK(whole == 11);
    CHECK_FALSE(decoded(of_varints({4, most})));
    CHECK_FALSE(decoded(of_varints({protocols_id, most})));
    CHECK_FALSE(decoded(parameter(protocols_id, of_varints({most}))));
}

TEST_CASE("wire 6: parameters that a peer would refuse are not encoded, and nothing is appended", "[qmux]") {
    const auto refused = [](auto change) {
        auto parameters = usual();
        change(parameters);
        auto to = of_hex("1005");
        CHECK(error_of([&] { qmux::encode(parameters, to); }) == Error::Encode);
        CHECK(to == of_hex("1005"));
    };
    refused([](auto &p) { p.max_record_size = 16'381; });
    refused([](auto &p) { p.max_record_size = most + 1; });
    refused([](auto &p) { p.max_data = most + 1; });
    refused([](auto &p) { p.max_streams_bidi = qmux::max_stream_count + 1; });
    refused([](auto &p) { p.max_streams_uni = qmux::max_stream_count + 1; });
    refused([](auto &p) { p.protocols.resize(TransportParameters::max_protocols + 1); });
    refused([](auto &p) { p.idle_timeout = std::chrono::milliseconds::max(); });
    auto never = usual();
    never.idle_timeout = std::chrono::milliseconds(-1);
    CHECK(decoded(body_of(encoded(never)))->idle_timeout.count() == 0);
}

TEST_CASE("wire 6: for any parameters nothing beyond them is read, and decoded ones encode to the same", "[qmux]") {
    std::mt19937_64 random(seed("qmux parameters"));
    const std::vector<std::uint64_t> ids = {1, 4, 5, 6, 7, 8, 9, 0x1d, 0x20, record_size_id, protocols_id, 0x2ab2, 0x40};
    std::size_t good = 0;
    for (int times = 0; times < 20'000; ++times) {
        Octets body;
        for (auto count = random() % 6; count != 0; --count) {
            const auto id = ids[random() % ids.size()];
            if (id == protocols_id) {
                body = joined({body, parameter(id, names({"a", "moq"}))});
            } else {
                body = joined({body, id == 0x1d ? of_hex("1d00") : number(id, random() >> (2 + random() % 62))});
            }
        }
        if (random() % 2 == 0 && !body.empty()) {
            body[random() % body.size()] = static_cast<std::byte>(random());
        }
        const Octets exact(body);
        if (const auto read = decoded(exact)) {
            ++good;
            REQUIRE(decoded(body_of(encoded(*read))) == *read);
        }
    }
    CHECK(good > 1000);
}

}
