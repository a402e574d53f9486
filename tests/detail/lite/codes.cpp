// The numbers of moq-lite for errors, both ways and by version.
#include <comoq/detail/lite/codes.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <asio/error.hpp>

#include "support/catch.hpp"

namespace codes_tests {

using comoq::app_error;
using comoq::Error;
using comoq::lite::session_code;
using comoq::lite::session_error;
using comoq::lite::stream_code;
using comoq::lite::stream_error;
using comoq::lite::StreamUse;
using comoq::lite::Version;
using comoq::lite::version_of;

namespace {

constexpr StreamUse uses[] = {StreamUse::Request, StreamUse::Subscription, StreamUse::Group};
constexpr Version versions[] = {Version::Draft05, Version::Draft06};
constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();

// Written out once more on purpose, from what peers send.
struct Numbers {
    Error error;
    std::uint64_t on_request, on_group, on_session;
};
const std::vector<Numbers> sent = {
    {Error::RequiredExtension, 0x00, 0x00, 0x01}, {Error::Old, 0x34, 0x34, 0x01},
    {Error::Timeout, 0x31, 0x02, 0x11},           {Error::Transport, 0x00, 0x00, 0x01},
    {Error::Decode, 0x12, 0x12, 0x03},            {Error::Unauthorized, 0x03, 0x03, 0x02},
    {Error::Version, 0x03, 0x03, 0x15},           {Error::UnexpectedStream, 0x00, 0x00, 0x03},
    {Error::BoundsExceeded, 0x12, 0x12, 0x03},    {Error::Duplicate, 0x00, 0x00, 0x03},
    {Error::NotFound, 0x33, 0x33, 0x01},          {Error::WrongSize, 0x37, 0x37, 0x03},
    {Error::ProtocolViolation, 0x03, 0x03, 0x03}, {Error::UnexpectedMessage, 0x00, 0x00, 0x03},
    {Error::Unsupported, 0x00, 0x00, 0x01},       {Error::Encode, 0x00, 0x00, 0x01},
    {Error::TooManyParameters, 0x00, 0x00, 0x06}, {Error::InvalidRole, 0x00, 0x00, 0x03},
    {Error::UnknownAlpn, 0x00, 0x00, 0x15},       {Error::Dropped, 0x00, 0x00, 0x01},
    {Error::Closed, 0x01, 0x01, 0x00},            {Error::Lagged, 0x05, 0x05, 0x01},
    {Error::FrameTooLarge, 0x38, 0x38, 0x01},     {Error::TimestampMismatch, 0x39, 0x39, 0x01},
    {Error::Unroutable, 0x36, 0x36, 0x01},        {Error::Evicted, 0x35, 0x35, 0x01},
    {Error::Cancelled, 0x01, 0x01, 0x00},         {Error::InvalidPath, 0x12, 0x12, 0x01},
    {Error::RoutingLoop, 0x00, 0x00, 0x01},       {Error::LimitReached, 0x03, 0x03, 0x02},
    {Error::Internal, 0x00, 0x00, 0x01},          {Error::GoingAway, 0x04, 0x04, 0x00},
    {Error::GoawayTimeout, 0x03, 0x03, 0x10},     {Error::SessionClosed, 0x03, 0x03, 0x01},
    {Error::GroupTooLarge, 0x32, 0x32, 0x01},     {Error::MalformedTrack, 0x12, 0x12, 0x01},
};

const std::map<std::uint64_t, Error> on_streams = {
    {0x00, Error::Internal},       {0x01, Error::Cancelled},     {0x02, Error::Timeout},
    {0x03, Error::SessionClosed},  {0x04, Error::GoingAway},     {0x05, Error::Lagged},
    {0x12, Error::MalformedTrack}, {0x31, Error::Timeout},       {0x32, Error::GroupTooLarge},
    {0x33, Error::NotFound},       {0x34, Error::Old},           {0x35, Error::Evicted},
    {0x36, Error::Unroutable},     {0x37, Error::WrongSize},     {0x38, Error::FrameTooLarge},
    {0x39, Error::TimestampMismatch},
};
const std::map<std::uint64_t, Error> on_sessions = {
    {0x00, Error::Cancelled},     {0x01, Error::Internal}, {0x02, Error::Unauthorized}, {0x03, Error::ProtocolViolation}, {0x06, Error::TooManyParameters},
    {0x10, Error::GoawayTimeout}, {0x11, Error::Timeout},  {0x15, Error::Version},
};
// The numbers of August 2026.
const std::map<std::uint64_t, Error> old = {
    {1, Error::RequiredExtension}, {2, Error::Old},           {3, Error::Timeout},       {4, Error::Transport},          {5, Error::Decode},
    {6, Error::Unauthorized},      {9, Error::Version},       {10, Error::UnexpectedStream}, {11, Error::BoundsExceeded}, {12, Error::Duplicate},
    {13, Error::NotFound},         {14, Error::WrongSize},    {15, Error::ProtocolViolation}, {16, Error::UnexpectedMessage}, {17, Error::Unsupported},
    {18, Error::Encode},           {19, Error::TooManyParameters}, {20, Error::InvalidRole}, {21, Error::UnknownAlpn},    {24, Error::Dropped},
    {25, Error::Closed},           {26, Error::Lagged},       {27, Error::FrameTooLarge}, {29, Error::TimestampMismatch}, {30, Error::Unroutable},
    {31, Error::Evicted},
};

std::optional<Error> find(const std::map<std::uint64_t, Error> &table, std::uint64_t number) {
    const auto found = table.find(number);
    return found != table.end() ? std::optional(found->second) : std::nullopt;
}

// The numbers around everything that is special, and some large ones.
std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> all;
    for (std::uint64_t number = 0; number < 2000; ++number) all.push_back(number);
    for (const std::uint64_t middle : {std::uint64_t{0x1'0000}, std::uint64_t{0x8000'0000}, std::uint64_t{0x8001'0000}, most - 32})
        for (std::uint64_t number = middle - 32; number <= middle + 32; ++number) all.push_back(number);
    return all;
}

}  // namespace

TEST_CASE("lite codes: each error is sent with the number of its registry", "[lite][codes]") {
    std::set<Error> seen;
    for (const auto &row : sent) {
        const auto code = make_error_code(row.error);
        CAPTURE(code.message());
        CHECK(stream_code(code, StreamUse::Request) == row.on_request);
        CHECK(stream_code(code, StreamUse::Subscription) == row.on_request);
        CHECK(stream_code(code, StreamUse::Group) == row.on_group);
        CHECK(session_code(code) == row.on_session);
        seen.insert(row.error);
    }
    // The table has all of them.
    for (int value = 0; value < 0x10000 + 64; ++value)
        if (comoq::detail::text_of(static_cast<Error>(value)) != nullptr) CHECK(seen.contains(static_cast<Error>(value)));
}

TEST_CASE("lite codes: false codes, cancelled waits and foreign failures are sent as cancel, and as internal", "[lite][codes]") {
    for (const auto use : uses) {
        CHECK(stream_code({}, use) == 0x01);
        CHECK(stream_code(asio::error::operation_aborted, use) == 0x01);
        CHECK(stream_code(std::make_error_code(std::errc::not_enough_memory), use) == 0x00);
        CHECK(stream_code(asio::error::eof, use) == 0x00);
        // Of the category, and without a meaning.
        CHECK(stream_code(comoq::error_from_wire(7), use) == 0x00);
        CHECK(stream_code(std::error_code(0x1000f, comoq::error_category()), use) == 0x00);
    }
    CHECK(session_code({}) == 0x00);
    CHECK(session_code(asio::error::operation_aborted) == 0x00);
    CHECK(session_code(std::make_error_code(std::errc::not_enough_memory)) == 0x01);
    CHECK(session_code(comoq::error_from_wire(7)) == 0x01);
}

TEST_CASE("lite codes: each number of a stream is read as its registry says, and on moq-lite-05 the old one goes on where it is not ambiguous",
          "[lite][codes]") {
    for (const auto use : uses) {
        for (std::uint64_t number = 0; number < 64; ++number) {
            CAPTURE(number, static_cast<int>(use));
            auto expected = find(on_streams, number);
            // The publisher went without finishing the track.
            const bool is_dropped = number == 0 && use == StreamUse::Subscription;
            if (is_dropped) expected = Error::Dropped;
            const auto on_06 = stream_error(number, Version::Draft06, use);
            if (expected)
                CHECK(on_06 == *expected);
            else
                CHECK(on_06.category() != comoq::error_category());
            if (!expected) expected = find(old, number);
            if (number == 0 && !is_dropped) expected = Error::Cancelled;
            if (number == 2 && use == StreamUse::Group) expected = Error::Old;
            const auto on_05 = stream_error(number, Version::Draft05, use);
            if (expected)
                CHECK(on_05 == *expected);
            else
                CHECK(on_05.category() != comoq::error_category());
        }
    }
}

TEST_CASE("lite codes: each number of a session is read as its registry says, and on moq-lite-05 the old one goes on where it is not ambiguous",
          "[lite][codes]") {
    for (std::uint64_t number = 0; number < 64; ++number) {
        CAPTURE(number);
        auto expected = find(on_sessions, number);
        const auto on_06 = session_error(number, Version::Draft06);
        if (expected)
            CHECK(on_06 == *expected);
        else
            CHECK(on_06.category() != comoq::error_category());
        if (!expected) expected = find(old, number);
        if (number == 6) expected = Error::Unauthorized;
        const auto on_05 = session_error(number, Version::Draft05);
        if (expected)
            CHECK(on_05 == *expected);
        else
            CHECK(on_05.category() != comoq::error_category());
    }
}

TEST_CASE("lite codes: a number that was read on moq-lite-06 goes out unchanged on the same kind of stream, whatever it is",
          "[lite][codes]") {
    for (const std::uint64_t number : numbers()) {
        CAPTURE(number);
        const auto out = number <= most ? number : most;
        for (const auto use : uses) {
            const auto code = stream_error(number, Version::Draft06, use);
            CHECK(code);
            // A timeout has a number for each of them.
            if (number != 0x02 && number != 0x31) CHECK(stream_code(code, use) == out);
        }
        const auto code = session_error(number, Version::Draft06);
        CHECK(code);
        CHECK(session_code(code) == out);
    }
    CHECK(stream_code(stream_error(0x02, Version::Draft06, StreamUse::Group), StreamUse::Group) == 0x02);
    CHECK(stream_code(stream_error(0x31, Version::Draft06, StreamUse::Request), StreamUse::Request) == 0x31);
}

TEST_CASE("lite codes: on moq-lite-05 numbers without a name go out unchanged, and old numbers as the new ones of their errors",
          "[lite][codes]") {
    for (const auto use : uses) {
        for (const std::uint64_t number : numbers()) {
            CAPTURE(number, static_cast<int>(use));
            const auto again = stream_code(stream_error(number, Version::Draft05, use), use);
            if (number >= 64 || !(find(old, number) || find(on_streams, number))) CHECK(again == (number <= most ? number : most));
            if (number >= 0x32 && number <= 0x39) CHECK(again == number);
        }
        CHECK(stream_code(stream_error(13, Version::Draft05, use), use) == 0x33);
        CHECK(stream_code(stream_error(30, Version::Draft05, use), use) == 0x36);
        CHECK(stream_code(stream_error(31, Version::Draft05, use), use) == 0x35);
        CHECK(stream_code(stream_error(26, Version::Draft05, use), use) == 0x05);
        // It says that a peer has left, unless it ends a track.
        CHECK(stream_code(stream_error(0, Version::Draft05, use), use) == (use == StreamUse::Subscription ? 0x00u : 0x01u));
    }
    CHECK(session_code(session_error(15, Version::Draft05)) == 0x03);
    CHECK(session_code(session_error(0x20, Version::Draft05)) == 0x20);
}

TEST_CASE("lite codes: an unknown number says internal error in the other registry, and an application's number is the same in both",
          "[lite][codes]") {
    for (const auto use : uses) {
        CHECK(session_code(stream_error(0x30, Version::Draft06, use)) == 0x01);
        CHECK(stream_code(session_error(0x30, Version::Draft06), use) == 0x00);
        // There is no application's error with this number.
        CHECK(session_code(stream_error(0x8001'0003, Version::Draft06, use)) == 0x01);
        for (const std::uint32_t n : {0u, 5u, 404u, 0xffff'ffbfu}) {
            CHECK(stream_code(app_error(n), use) == 64u + std::uint64_t{n});
            CHECK(session_code(app_error(n)) == 64u + std::uint64_t{n});
            for (const auto version : versions) {
                CHECK(stream_error(64u + std::uint64_t{n}, version, use) == app_error(n));
                CHECK(session_error(64u + std::uint64_t{n}, version) == app_error(n));
            }
        }
    }
}

TEST_CASE("lite codes: an unknown number tells what it is, and equals no error", "[lite][codes]") {
    const auto of_stream = stream_error(13, Version::Draft06, StreamUse::Request);
    CHECK(of_stream != Error::NotFound);
    CHECK(of_stream.message() == "moq-lite stream code 13");
    const auto of_session = session_error(13, Version::Draft06);
    CHECK(of_session != Error::NotFound);
    CHECK(of_session != of_stream);
    CHECK(of_session.message() == "moq-lite session code 13");
}

TEST_CASE("lite version: a transport's name tells it, and other names are read as the oldest one", "[lite][codes]") {
    CHECK(version_of("moq-lite-06") == Version::Draft06);
    CHECK(version_of("moq-lite-05") == Version::Draft05);
    CHECK(version_of("") == Version::Draft05);
    CHECK(version_of("moq-lite-06-wip") == Version::Draft05);
}

}
