// Frames that were compressed together.
#include <comoq/hang/deflate.hpp>

#include <comoq/error.hpp>
#include <comoq/hang/codec.hpp>

#include <string>
#include <system_error>

#include "support/catch.hpp"

namespace hang_deflate_tests {

using namespace comoq;
using namespace comoq::hang;

TEST_CASE("frames that were compressed together come out one by one", "[hang]") {
    Deflater out;
    Inflater in;
    const std::string frames[] = {"{\"group\":7,\"pts\":1234}", "", "{\"group\":8,\"pts\":2234}", std::string(100'000, 'x')};
    std::size_t sizes[4] = {};
    for (std::size_t i = 0; i != 4; ++i) {
        const auto compressed = out.next(std::as_bytes(std::span(frames[i])));
        sizes[i] = compressed.size();
        CHECK(in.next(compressed.span(), 100'000).view() == frames[i]);
    }
    // The window is the group's: what came before is not sent again.
    CHECK(sizes[2] < sizes[0] * 3 / 4);
}

TEST_CASE("a frame as the stock packages compress it", "[hang]") {
    // zlib.compressobj(wbits=-15) of Python, flushed by Z_SYNC_FLUSH, without the last four bytes.
    CHECK(Inflater().next(from_hex("aa562a51b2524a54aa0500")->span(), 100).view() == "{\"t\":\"a\"}");
}

TEST_CASE("a frame that is larger than allowed is refused, and nothing more is allocated for it", "[hang]") {
    const std::string large(10'000'000, 'x');
    const auto compressed = Deflater().next(std::as_bytes(std::span(large)));
    CHECK(compressed.size() < 20'000);
    Inflater in;
    try {
        in.next(compressed.span(), 1000);
        FAIL("it was taken");
    } catch (const std::system_error &error) {
        CHECK(error.code() == Error::BoundsExceeded);
    }
    // What follows cannot be understood without it.
    CHECK_THROWS_AS(in.next(compressed.span(), 1000), std::system_error);
}

TEST_CASE("what is not compressed is refused", "[hang]") {
    CHECK_THROWS_AS(Inflater().next(std::as_bytes(std::span(std::string_view("no, this is not it"))), 1000), std::system_error);
    CHECK(Inflater().next({}, 1000).empty());
}

}  // namespace hang_deflate_tests
