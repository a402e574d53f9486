#include <comoq/comoq.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <asio/buffer.hpp>
#include <asio/buffers_iterator.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace bytes_buffers_tests {

using namespace comoq;
using namespace comoq::test;

static_assert(std::is_convertible_v<Bytes, asio::const_buffer>);
static_assert(!std::is_convertible_v<Bytes, asio::mutable_buffer>, "nobody may write into shared bytes");
static_assert(!std::is_convertible_v<Bytes, std::string_view> && !std::is_constructible_v<std::string, Bytes>);
static_assert(asio::is_const_buffer_sequence<std::vector<Bytes>>::value);
static_assert(asio::is_const_buffer_sequence<std::array<Bytes, 2>>::value);

TEST_CASE("buffers: bytes are an asio buffer, and containers of them a sequence of buffers", "[bytes]") {
    const auto bytes = payload("hello");
    const auto buffer = asio::buffer(bytes);
    CHECK(buffer.data() == bytes.data());
    CHECK(buffer.size() == 5);
    CHECK(asio::buffer(bytes, 2).size() == 2);
    CHECK(asio::buffer(Bytes()).size() == 0);

    const std::vector<Bytes> both = {payload("ab"), payload("cde")};
    CHECK(asio::buffer_size(both) == 5);
    std::string joined(5, ' ');
    CHECK(asio::buffer_copy(asio::buffer(joined), both) == 5);
    CHECK(joined == "abcde");
}

TEST_CASE("buffers: octets of any type, constant or not, are copied", "[bytes]") {
    const auto copies_of = [](auto value) {
        using T = decltype(value);
        std::array<T, 3> octets = {T('a'), T('b'), T('c')};
        std::vector<T> buffer(octets.begin(), octets.end());
        CHECK(Bytes::copy(std::span<T>(octets)) == payload("abc"));
        CHECK(Bytes::copy(std::span<const T>(octets)) == payload("abc"));
        CHECK(Bytes::copy(std::span<T, 3>(octets)) == payload("abc"));
        CHECK(Bytes(std::move(buffer)) == payload("abc"));

        BroadcastProducer broadcast;
        auto group = broadcast.create_track("x").append_group();
        auto frame = group.create_frame(6);
        frame.write(std::span<T>(octets));
        frame.write(std::span<const T>(octets));
        frame.finish();
        CHECK(group.consume().try_read_frame()->payload == payload("abcabc"));
    };
    copies_of('x');
    copies_of(static_cast<unsigned char>(0));
    copies_of(std::byte{0});
    CHECK(Bytes::copy("abc") == payload("abc"));
    CHECK(Bytes::copy(std::string("abc")) == payload("abc"));
}

TEST_CASE("buffers: bytes are read as std::byte, unsigned char and char, at one place", "[bytes]") {
    const auto bytes = payload("\xff" "z");
    CHECK(bytes.octets().size() == 2);
    CHECK(bytes.octets()[0] == 0xff);
    CHECK(static_cast<const void *>(bytes.octets().data()) == bytes.span().data());
    CHECK(static_cast<const void *>(bytes.view().data()) == bytes.span().data());
    CHECK(Bytes().octets().empty());
}

}  // namespace bytes_buffers_tests
