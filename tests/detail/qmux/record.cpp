#include <comoq/detail/qmux/record.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <vector>

#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace record_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr auto usual = qmux::default_max_record_size;

/// For the first record; a false code if it is not complete yet.
std::error_code failure_of(const Octets &input, std::uint64_t most = usual) {
    std::error_code failure;
    CHECK_FALSE(qmux::next_record(input, most, failure));
    return failure;
}

}  // namespace

TEST_CASE("wire 6 on TCP: a record is its size and that many bytes, and the next one follows", "[qmux]") {
    const auto input = of_hex("0305042a" "40021005" "01");
    std::error_code failure;
    const auto first = qmux::next_record(input, usual, failure);
    REQUIRE(first);
    CHECK(first->size == 4);
    CHECK(first->frames.data() == input.data() + 1);
    CHECK(first->frames.size() == 3);
    const auto rest = std::span(input).subspan(first->size);
    const auto second = qmux::next_record(rest, usual, failure);
    REQUIRE(second);
    // A size may be encoded longer than necessary.
    CHECK(second->size == 4);
    CHECK(second->frames.size() == 2);
    CHECK_FALSE(qmux::next_record(rest.subspan(second->size), usual, failure));
    CHECK_FALSE(failure);
}

TEST_CASE("wire 6 on TCP: a record is complete with its last byte", "[qmux]") {
    for (const std::size_t length : {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{300}}) {
        Octets whole;
        qmux::encode_record_size(length, whole);
        whole.resize(whole.size() + length);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            CHECK_FALSE(failure_of(part));
        }
        std::error_code failure;
        const auto record = qmux::next_record(whole, usual, failure);
        REQUIRE(record);
        CHECK(record->frames.size() == length);
        CHECK(record->size == whole.size());
    }
}

TEST_CASE("wire 6 on TCP: a record that would be too long is refused before its bytes arrive", "[qmux]") {
    CHECK_FALSE(failure_of(of_varints({usual})));
    CHECK(failure_of(of_varints({usual + 1})) == Error::Decode);
    CHECK_FALSE(failure_of(of_varints({usual + 1}), usual + 1));
    CHECK(failure_of(of_varints({comoq::detail::max_varint})) == Error::Decode);
    CHECK_FALSE(failure_of(of_varints({comoq::detail::max_varint}), comoq::detail::max_varint));
    Octets whole = of_varints({usual});
    // This makes the longest usual record 16 KiB.
    CHECK(whole.size() == 2);
    whole.resize(2 + usual);
    std::error_code failure;
    CHECK(qmux::next_record(whole, usual, failure));
}

TEST_CASE("wire 6 on TCP: a record has at least one frame", "[qmux]") {
    CHECK(failure_of(of_hex("00")) == Error::Decode);
    CHECK(failure_of(of_hex("4000")) == Error::Decode);
    Octets to;
    CHECK(error_of([&] { qmux::encode_record_size(0, to); }) == Error::Encode);
    CHECK(error_of([&] { qmux::encode_record_size(comoq::detail::max_varint + 1, to); }) == Error::Encode);
    CHECK(to.empty());
    qmux::encode_record_size(usual, to);
    CHECK(to == of_hex("7ffe"));
}

}
