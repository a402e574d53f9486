#include <comoq/error.hpp>

// Errors are at the bottom, and must be usable without any I/O.
#ifdef ASIO_VERSION
#error "comoq/error.hpp includes asio"
#endif

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/error.hpp>

#include "support/catch.hpp"

using comoq::app_error;
using comoq::Error;
using comoq::error_from_wire;
using comoq::wire_code;

namespace {

struct Row {
    Error error;
    std::uint32_t wire;
};

// Written out once more on purpose: programs keep these numbers.
const std::vector<Row> with_wire_codes = {
    {Error::RequiredExtension, 1},
    {Error::Old, 2},
    {Error::Timeout, 3},
    {Error::Transport, 4},
    {Error::Decode, 5},
    {Error::Unauthorized, 6},
    {Error::Version, 9},
    {Error::UnexpectedStream, 10},
    {Error::BoundsExceeded, 11},
    {Error::Duplicate, 12},
    {Error::NotFound, 13},
    {Error::WrongSize, 14},
    {Error::ProtocolViolation, 15},
    {Error::UnexpectedMessage, 16},
    {Error::Unsupported, 17},
    {Error::Encode, 18},
    {Error::TooManyParameters, 19},
    {Error::InvalidRole, 20},
    {Error::UnknownAlpn, 21},
    {Error::Dropped, 24},
    {Error::Closed, 25},
    {Error::Lagged, 26},
    {Error::FrameTooLarge, 27},
    {Error::TimestampMismatch, 29},
    {Error::Unroutable, 30},
    {Error::Evicted, 31},
};
const std::vector<Row> local = {
    {Error::Cancelled, 0},      {Error::InvalidPath, 15},  {Error::RoutingLoop, 12},   {Error::LimitReached, 6},
    {Error::Internal, 4},       {Error::GoingAway, 25},    {Error::GoawayTimeout, 3},  {Error::SessionClosed, 25},
    {Error::GroupTooLarge, 27}, {Error::MalformedTrack, 5}};

const std::uint32_t max_code = std::numeric_limits<std::uint32_t>::max();

// Codes to try: all of the first 70,000, the neighbourhood of every power of two, and a spread over the rest.
std::vector<std::uint32_t> sample_of_codes() {
    std::vector<std::uint32_t> codes;
    for (std::uint32_t code = 0; code < 70'000; ++code) {
        codes.push_back(code);
    }
    for (int bit = 17; bit < 32; ++bit) {
        for (std::uint32_t near = 0; near < 64; ++near) {
            codes.push_back((std::uint32_t{1} << bit) - 32 + near);
        }
    }
    for (std::uint64_t code = 70'000; code < max_code; code += 99'991) {
        codes.push_back(static_cast<std::uint32_t>(code));
    }
    for (std::uint32_t below = 0; below < 64; ++below) {
        codes.push_back(max_code - below);
    }
    return codes;
}

}  // namespace

TEST_CASE("section 2 errors: an Error is an error_code of the category comoq", "[error]") {
    const std::error_code ec = Error::NotFound;
    CHECK(ec == Error::NotFound);
    CHECK(ec != Error::Dropped);
    CHECK(ec.category() == comoq::error_category());
    CHECK(std::string(ec.category().name()) == "comoq");
    CHECK(ec == comoq::make_error_code(Error::NotFound));
    CHECK(ec != std::error_code(static_cast<int>(Error::NotFound), std::generic_category()));
    CHECK(std::is_error_code_enum_v<Error>);
    CHECK(noexcept(comoq::make_error_code(Error::NotFound)));
}

TEST_CASE("section 2 errors: values are fixed, and the numbers of August 2026", "[error]") {
    for (const auto &row : with_wire_codes) {
        CAPTURE(row.wire);
        CHECK(static_cast<std::uint32_t>(row.error) == row.wire);
        CHECK(wire_code(row.error) == row.wire);
        CHECK(error_from_wire(row.wire) == row.error);
    }
}

TEST_CASE("section 2 errors: errors without an old number have local values, and the number of the nearest old one", "[error]") {
    for (const auto &row : local) {
        CAPTURE(row.wire);
        CHECK(static_cast<int>(row.error) >= 0x10000);
        CHECK(static_cast<bool>(std::error_code(row.error)));
        CHECK(wire_code(row.error) == row.wire);
    }
    CHECK(static_cast<int>(Error::Cancelled) == 0x10000);
    CHECK(error_from_wire(0) == Error::Cancelled);
    CHECK(error_from_wire(15) == Error::ProtocolViolation);
    CHECK(error_from_wire(12) == Error::Duplicate);
    CHECK(error_from_wire(6) == Error::Unauthorized);
}

TEST_CASE("section 2 errors: every error has a message of its own", "[error]") {
    std::set<std::string> messages;
    for (const auto *rows : {&with_wire_codes, &local}) {
        for (const auto &row : *rows) {
            const auto message = std::error_code(row.error).message();
            CAPTURE(message);
            CHECK_FALSE(message.empty());
            CHECK(message.find("unknown error") == std::string::npos);
            CHECK(messages.insert(message).second);
        }
    }
    CHECK(error_from_wire(7).message() == "unknown error 7");
    CHECK(app_error(0).message() == "application error 0");
    CHECK(app_error(65'472).message() == "application error 65472");
    CHECK(app_error(max_code - 64).message() == "application error 4294967231");
    CHECK(std::error_code(0x1000f, comoq::error_category()).message() == "unknown error 65551");
    CHECK(std::error_code(0, comoq::error_category()).message() == "success");
}

TEST_CASE("section 2 errors: application codes are 64 + n", "[error]") {
    for (const std::uint32_t n : {0u, 1u, 35u, 936u, 65'471u, 65'488u, 1'000'000u, 0x7fff'ffffu - 64}) {
        const auto ec = app_error(n);
        CAPTURE(n);
        CHECK(ec.category() == comoq::error_category());
        CHECK(ec.value() == static_cast<int>(64 + n));
        CHECK(wire_code(ec) == 64 + n);
        CHECK(error_from_wire(64 + n) == ec);
    }
    CHECK(app_error(0) != app_error(1));
}

TEST_CASE("section 2 errors: no application code is one of the local errors", "[error]") {
    for (std::uint32_t n = 0x10000 - 64 - 4; n < 0x10000 - 64 + 20; ++n) {
        const auto ec = app_error(n);
        CAPTURE(n);
        for (const auto &row : local) {
            CHECK(ec != row.error);
        }
        CHECK(ec.category() == comoq::error_category());
        CHECK(wire_code(ec) == 64 + n);
        CHECK(error_from_wire(64 + n) == ec);
        CHECK(ec != app_error(n + 1));
    }
}

TEST_CASE("section 2 errors: an application code that does not fit into 32 bits is the largest that does", "[error]") {
    CHECK(wire_code(app_error(max_code - 64)) == max_code);
    CHECK(app_error(max_code - 63) == app_error(max_code - 64));
    CHECK(app_error(max_code) == app_error(max_code - 64));
    CHECK(app_error(max_code - 65) != app_error(max_code - 64));
}

TEST_CASE("section 2 errors: wire codes survive decoding and encoding", "[error]") {
    std::size_t lost = 0;
    std::set<int> values;
    std::set<std::uint32_t> codes;
    for (const auto code : sample_of_codes()) {
        if (code >= 0x8001'0000 && code <= 0x8001'000f) {
            continue;
        }
        const auto ec = error_from_wire(code);
        lost += !ec || ec.category() != comoq::error_category() || wire_code(ec) != code;
        lost += code >= 64 && ec != app_error(code - 64);
        values.insert(ec.value());
        codes.insert(code);
    }
    CHECK(lost == 0);
    CHECK(values.size() == codes.size());
}

TEST_CASE("section 2 errors: the sixteen wire codes that made room for the local errors decode like their moved codes",
          "[error]") {
    for (std::uint32_t i = 0; i < 16; ++i) {
        CHECK(error_from_wire(0x8001'0000 + i) == error_from_wire(0x1'0000 + i));
    }
    CHECK(wire_code(error_from_wire(0x8000'ffff)) == 0x8000'ffff);
    CHECK(wire_code(error_from_wire(0x8001'0010)) == 0x8001'0010);
}

TEST_CASE("section 2 errors: an unknown code below 64 keeps its number", "[error]") {
    for (const std::uint32_t code : {7u, 8u, 22u, 23u, 28u, 32u, 63u}) {
        const auto ec = error_from_wire(code);
        CHECK(ec.category() == comoq::error_category());
        CHECK(ec.value() == static_cast<int>(code));
        CHECK(wire_code(ec) == code);
    }
}

TEST_CASE("section 2 errors: a foreign code travels as 4", "[error]") {
    CHECK(wire_code(std::make_error_code(std::errc::io_error)) == 4);
    CHECK(wire_code(std::error_code(13, std::system_category())) == 4);
    CHECK(wire_code(asio::error::operation_aborted) == 4);
    CHECK(wire_code(asio::error::eof) == 4);
    CHECK(wire_code(std::error_code(0x1000f, comoq::error_category())) == 4);
}

TEST_CASE("section 2 errors: a false code travels as Cancelled does", "[error]") {
    CHECK(wire_code(std::error_code()) == 0);
    CHECK(wire_code(std::error_code(0, comoq::error_category())) == 0);
    CHECK(wire_code(std::error_code(0, std::generic_category())) == 0);
}
