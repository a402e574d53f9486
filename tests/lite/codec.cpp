// The header that programs from before include: the codec without a version.
#include <comoq/lite/codec.hpp>

#include <cstddef>
#include <optional>
#include <system_error>
#include <vector>

#include "support/catch.hpp"

namespace lite_codec_tests {

using namespace comoq;

TEST_CASE("lite codec: a call without a version writes and reads the messages of moq-lite-05", "[lite][codec]") {
    lite::Setup setup;
    setup.path = "/room";
    setup.cost = 7;
    std::vector<std::byte> bytes, of_05;
    lite::encode(setup, bytes);
    lite::encode(setup, lite::Version::Draft05, of_05);
    CHECK(bytes == of_05);
    std::error_code failure;
    const auto framed = lite::next_message(bytes, failure);
    REQUIRE(framed.has_value());
    const auto read = lite::decode<lite::Setup>(framed->body);
    REQUIRE(read.has_value());
    CHECK(read->path == "/room");
    // That version knows no costs.
    CHECK_FALSE(read->cost.has_value());
}

}  // namespace lite_codec_tests
