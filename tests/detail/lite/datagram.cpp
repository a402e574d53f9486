#include <comoq/detail/lite/datagram.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace detail_lite_datagram_tests {

using namespace comoq;

TEST_CASE("wire 3 DATAGRAM: it is encoded as by the real peer, and has at most 1,200 bytes with its header", "[lite]") {
    std::vector<std::byte> octets;
    lite::encode(lite::Datagram{7, 42, 1000, std::as_bytes(std::span("hello", 5))}, octets);
    CHECK(octets == std::vector<std::byte>{std::byte{0x07}, std::byte{0x2a}, std::byte{0x43}, std::byte{0xe8}, std::byte{'h'},
                                           std::byte{'e'}, std::byte{'l'}, std::byte{'l'}, std::byte{'o'}});
    const auto read = lite::read_datagram(octets);
    REQUIRE(read);
    CHECK(read->subscribe_id == 7);
    CHECK(read->sequence == 42);
    CHECK(read->timestamp == 1000);
    CHECK(read->payload.size() == 5);
    CHECK_FALSE(lite::read_datagram(std::span(octets).first(3)));
    octets.resize(1200);
    CHECK(lite::read_datagram(octets)->payload.size() == 1196);
    octets.resize(1201);
    CHECK_FALSE(lite::read_datagram(octets));
}

}
