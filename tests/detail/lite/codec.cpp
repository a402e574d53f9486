#include <comoq/detail/lite/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/hex.hpp"
#include "support/seed.hpp"

namespace detail_lite_codec_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Octets = std::vector<std::byte>;

constexpr auto draft_05 = lite::Version::Draft05;
constexpr auto draft_06 = lite::Version::Draft06;

template <class Message> Octets encoded(const Message &message, lite::Version version = draft_05) {
    Octets octets;
    lite::encode(message, version, octets);
    return octets;
}

/// The only message in `octets`.
template <class Message> std::optional<Message> decoded(const Octets &octets, lite::Version version = draft_05) {
    std::error_code failure;
    const auto framed = lite::next_message(octets, failure);
    if (!framed || framed->size != octets.size()) {
        return std::nullopt;
    }
    return lite::decode<Message>(framed->body, version);
}

/// Encodes and decodes to the same message.
template <class Message> void check(const Message &message, std::string_view hex) {
    CHECK(encoded(message) == of_hex(hex));
    CHECK(decoded<Message>(of_hex(hex)) == message);
}

constexpr std::uint64_t hop = 320255973501901;

/// A message that is cut off at any byte, or has one more, cannot be read.
template <class Message> void check_prefixes(const Message &message, lite::Version version = draft_05) {
    const auto whole = encoded(message, version);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        std::error_code not_yet;
        CHECK_FALSE(lite::next_message(std::span(whole).first(size), not_yet));
        CHECK_FALSE(not_yet);
    }
    std::error_code failure;
    const auto framed = lite::next_message(whole, failure);
    REQUIRE(framed);
    for (std::size_t size = 0; size < framed->body.size(); ++size) {
        CHECK_FALSE(lite::decode<Message>(framed->body.first(size), version));
    }
    Octets more(framed->body.begin(), framed->body.end());
    more.push_back(std::byte{0});
    CHECK_FALSE(lite::decode<Message>(more, version));
}

lite::Setup full_setup() {
    lite::Setup setup;
    setup.probe = lite::Setup::Probe::Increase;
    setup.path = "";
    setup.role = lite::Setup::Role::Subscriber;
    setup.origin = hop;
    return setup;
}

}  // namespace

TEST_CASE("wire 3: messages are encoded to the same bytes as by the real peer", "[lite]") {
    check(lite::Setup(), "0100");
    lite::Setup to_path;
    to_path.path = "/anon?jwt=x";
    check(to_path, "0e01020b2f616e6f6e3f6a77743d78");
    check(full_setup(), "130401010202000301020508c00123456789abcd");
    check(lite::AnnounceRequest{"room/a", hop}, "0f06726f6f6d2f61c00123456789abcd");
    check(lite::AnnounceOk{hop, 300}, "0ac00123456789abcd412c");
    check(lite::Announce{true, "", {1, 0, hop}}, "0d0100030100c00123456789abcd");
    check(lite::Subscribe{0, "demo", "video", {}}, "11000464656d6f05766964656f0000000000");
    Subscription wishes;
    wishes.priority = 9;
    wishes.ordered = true;
    wishes.max_latency = std::chrono::milliseconds(500);
    wishes.start = 5;
    check(lite::SubscribeUpdate{wishes}, "06090141f40600");
    check(lite::Fetch{"demo", "audio", 3, 64}, "0e0464656d6f05617564696f034040");
    check(lite::Group{300, 4503599627370495}, "0a412cc00fffffffffffff");
    check(lite::Probe{2500000, 33}, "05802625a021");
    check(lite::Goaway{"https://b.example/x"}, "141368747470733a2f2f622e6578616d706c652f78");

    TrackInfo info;
    info.max_latency = std::chrono::seconds(5);
    CHECK(encoded(lite::TrackInfoMessage{info}) == of_hex("060000538843e8"));
    const auto read = decoded<lite::TrackInfoMessage>(of_hex("060000538843e8"));
    REQUIRE(read);
    CHECK(read->info.max_latency == std::chrono::seconds(5));
    CHECK(read->info.timescale == Timescale(1000));

    Octets replies;
    lite::encode_typed(lite::SubscribeReply::Ok, lite::SubscribeOk{1073741824}, draft_05, replies);
    CHECK(replies == of_hex("0008c000000040000000"));
    replies.clear();
    lite::encode_typed(lite::SubscribeReply::Drop, lite::SubscribeDrop{2, 9, 31}, draft_05, replies);
    CHECK(replies == of_hex("020302091f"));
    CHECK(decoded<lite::SubscribeDrop>(of_hex("0302091f")) == lite::SubscribeDrop{2, 9, 31});
    CHECK(decoded<lite::SubscribeEnd>(of_hex("0107")) == lite::SubscribeEnd{7});
}

TEST_CASE("wire 1: missing bytes are waited for, or malformed within a message, and bytes left over are malformed", "[lite]") {
    check_prefixes(full_setup());
    check_prefixes(lite::AnnounceRequest{"room", 5});
    check_prefixes(lite::AnnounceOk{70'000, 1});
    check_prefixes(lite::Announce{true, "a/b", {1, 2, hop}});
    check_prefixes(lite::Track{"demo", "video"});
    check_prefixes(lite::TrackInfoMessage{});
    check_prefixes(lite::Subscribe{7, "demo", "video", {}});
    check_prefixes(lite::SubscribeUpdate{});
    check_prefixes(lite::SubscribeOk{300});
    check_prefixes(lite::SubscribeEnd{300});
    check_prefixes(lite::SubscribeDrop{1, 2, 3});
    check_prefixes(lite::Fetch{"demo", "video", 1, 2});
    check_prefixes(lite::Group{1, 2});
    check_prefixes(lite::Probe{1, 2});
    check_prefixes(lite::Goaway{"uri"});
    check_prefixes(full_setup(), draft_06);
    check_prefixes(lite::AnnounceRequest{"room"}, draft_06);
    check_prefixes(lite::AnnounceStart{"a/b", {1, 2, hop}, {300, 70'000}}, draft_06);
    check_prefixes(lite::AnnounceEnd{300}, draft_06);
    check_prefixes(lite::AnnounceRestart{300, {1, 2, hop}, {300, 70'000}}, draft_06);
    check_prefixes(lite::TrackInfoMessage{}, draft_06);
    check_prefixes(lite::Subscribe{7, "demo", "video", {}}, draft_06);
    check_prefixes(lite::SubscribeUpdate{}, draft_06);
    check_prefixes(lite::Fetch{"demo", "video", 1, 2, {3, 300}}, draft_06);
    check_prefixes(lite::Group{1, 2, 300}, draft_06);
}

TEST_CASE("wire 3: values that no peer may send are malformed", "[lite]") {
    // A bool is 0 or 1, a status at most 2, a timescale is not 0, and a range begins before its end.
    CHECK_FALSE(decoded<lite::SubscribeUpdate>(of_hex("06090241f40600")));
    CHECK_FALSE(decoded<lite::Announce>(of_hex("03030000")));
    CHECK_FALSE(decoded<lite::TrackInfoMessage>(of_hex("050000538800")));
    CHECK_FALSE(decoded<lite::SubscribeDrop>(of_hex("0309021f")));
    // Text is UTF-8.
    CHECK(decoded<lite::Goaway>(of_hex("0302c3a9")) == lite::Goaway{"\xc3\xa9"});
    CHECK(decoded<lite::Goaway>(of_hex("0302c280")) == lite::Goaway{"\xc2\x80"});
    CHECK_FALSE(decoded<lite::Goaway>(of_hex("0302c328")));
    CHECK_FALSE(decoded<lite::Goaway>(of_hex("0201ff")));
    // 32 hops, and not 33.
    CHECK(decoded<lite::Announce>(encoded(lite::Announce{true, "a", std::vector<std::uint64_t>(32, 7)})));
    CHECK_FALSE(decoded<lite::Announce>(encoded(lite::Announce{true, "a", std::vector<std::uint64_t>(33, 7)})));
}

TEST_CASE("wire 3 ANNOUNCE: status 2, a restart, is read as active, and never written", "[lite]") {
    CHECK(decoded<lite::Announce>(of_hex("070203612f620107")) == lite::Announce{true, "a/b", {7}});
    CHECK(encoded(lite::Announce{true, "a/b", {7}}) == of_hex("070103612f620107"));
}

TEST_CASE("wire 3 SETUP: unknown parameters are ignored, duplicates and more than 64 are malformed", "[lite]") {
    const auto of = [](const std::vector<std::uint64_t> &ids) {
        Octets body;
        comoq::detail::WireWriter to(body);
        to.varint(ids.size());
        for (const auto id : ids) {
            to.varint(id);
            to.varint(1);
            to.byte(1);
        }
        return body;
    };
    CHECK(lite::decode<lite::Setup>(of({4, 100, 70'000}), draft_05) == lite::Setup());
    CHECK_FALSE(lite::decode<lite::Setup>(of({100, 100}), draft_05));
    CHECK_FALSE(lite::decode<lite::Setup>(of({1, 1}), draft_05));
    std::vector<std::uint64_t> many;
    for (std::uint64_t id = 100; id < 164; ++id) {
        many.push_back(id);
    }
    CHECK(lite::decode<lite::Setup>(of(many), draft_05));
    many.push_back(164);
    CHECK_FALSE(lite::decode<lite::Setup>(of(many), draft_05));
    // A value with a byte too many, and one that is cut off.
    CHECK_FALSE(lite::decode<lite::Setup>(of_hex("0105020101"), draft_05));
    CHECK_FALSE(lite::decode<lite::Setup>(of_hex("01050140"), draft_05));
    CHECK_FALSE(lite::decode<lite::Setup>(of_hex("010100"), draft_05));
}

TEST_CASE("wire 3 SETUP: values that this side does not know say the most that it knows, or nothing", "[lite]") {
    using lite::Setup;
    const auto of = [](std::uint64_t id, std::uint64_t value) {
        Octets body, number;
        comoq::detail::WireWriter(number).varint(value);
        comoq::detail::WireWriter to(body);
        to.varint(1);
        to.varint(id);
        to.varint(number.size());
        to.bytes(number);
        const auto setup = lite::decode<Setup>(body, draft_05);
        REQUIRE(setup);
        return *setup;
    };
    CHECK(of(1, 0).probe == Setup::Probe::None);
    CHECK(of(1, 1).probe == Setup::Probe::Report);
    for (const std::uint64_t level : {std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{9}, comoq::detail::max_varint}) {
        CHECK(of(1, level).probe == Setup::Probe::Increase);
    }
    CHECK(of(3, 1).role == Setup::Role::Publisher);
    CHECK(of(3, 2).role == Setup::Role::Subscriber);
    for (const std::uint64_t role : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{257}, comoq::detail::max_varint}) {
        CHECK(of(3, role) == Setup());
    }
    CHECK(of(5, 0) == Setup());
    CHECK(of(5, 1).origin == 1U);
    // As the real peer reads it: probe 9, role 7, hop 0.
    Setup most;
    most.probe = Setup::Probe::Increase;
    CHECK(decoded<Setup>(of_hex("0a03010109030107050100")) == most);
}

TEST_CASE("wire: a message that would be too long is refused before its bytes are there", "[lite]") {
    Octets input;
    comoq::detail::WireWriter to(input);
    to.varint(lite::max_message_size + 1);
    std::error_code failure;
    CHECK_FALSE(lite::next_message(input, failure));
    CHECK(failure == Error::Decode);
    input.clear();
    to.varint(lite::max_message_size);
    failure.clear();
    CHECK_FALSE(lite::next_message(input, failure));
    CHECK_FALSE(failure);
    CHECK(error_of([] { return encoded(lite::Goaway{std::string(lite::max_message_size, 'a')}); }) == Error::Encode);
    CHECK(error_of([] { return encoded(lite::Group{std::uint64_t{1} << 62, 0}); }) == Error::Encode);
}

TEST_CASE("wire: for any input nothing beyond it is read, and a decoded message encodes to an equal one", "[lite]") {
    std::mt19937_64 random(seed("lite codec"));
    std::size_t good = 0;
    const auto round_of = [&](auto message, const Octets &body, lite::Version version) {
        using Message = decltype(message);
        // In a block of its own, so that a sanitizer sees each byte too many.
        const Octets exact(body);
        const auto read = lite::decode<Message>(exact, version);
        if (read) {
            ++good;
            CHECK(decoded<Message>(encoded(*read, version), version) == *read);
        }
    };
    const auto round = [&](auto message, const Octets &body) {
        for (const auto version : {draft_05, draft_06}) round_of(message, body, version);
    };
    for (int times = 0; times < 20'000; ++times) {
        Octets body(random() % 24);
        for (auto &octet : body) {
            octet = static_cast<std::byte>(random() % (random() % 3 == 0 ? 256 : 4));
        }
        round(lite::Setup(), body);
        round(lite::AnnounceRequest(), body);
        round_of(lite::Announce(), body, draft_05);
        round_of(lite::AnnounceStart(), body, draft_06);
        round_of(lite::AnnounceEnd(), body, draft_06);
        round_of(lite::AnnounceRestart(), body, draft_06);
        round(lite::Track(), body);
        round(lite::Subscribe(), body);
        round(lite::SubscribeUpdate(), body);
        round(lite::SubscribeDrop(), body);
        round(lite::Fetch(), body);
        round(lite::Group(), body);
        round(lite::Goaway(), body);
    }
    CHECK(good > 1000);
}

}
