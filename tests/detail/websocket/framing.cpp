#include <comoq/detail/websocket/framing.hpp>

#include <asio/error.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "websocket/raw.hpp"

namespace framing_tests {

using namespace comoq;
using namespace comoq::test;
using websocket::Framing;
using websocket::Role;

namespace {

std::span<const std::byte> bytes_in(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string answers_of(Framing &framing) {
    std::vector<std::byte> answers;
    framing.take_answers(answers);
    return {reinterpret_cast<const char *>(answers.data()), answers.size()};
}

}  // namespace

TEST_CASE("websocket framing: it holds only some kilobytes behind a record that is not taken", "[websocket]") {
    Framing framing(Role::Client, 1000);
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += unmasked(Binary, "record");
    std::size_t taken = 0, records = 0;
    while (taken < many.size()) {
        const auto size = framing.input(bytes_in(many).subspan(taken));
        CHECK(size <= 4096);
        REQUIRE(size != 0);
        taken += size;
        CHECK(framing.input(bytes_in(many).subspan(taken)) == 0);
        while (framing.has_record()) {
            framing.take_record();
            ++records;
        }
    }
    CHECK(records == 10'000);
}

TEST_CASE("websocket framing: it holds only some kilobytes of unanswered pings", "[websocket]") {
    Framing framing(Role::Client, 1000);
    std::string many;
    for (int i = 0; i < 10'000; ++i) many += unmasked(Ping, "");
    std::size_t taken = 0, pongs = 0;
    while (taken < many.size()) {
        const auto size = framing.input(bytes_in(many).subspan(taken));
        CHECK(size <= 4096);
        REQUIRE(size != 0);
        taken += size;
        if (framing.is_clogged()) CHECK(framing.input(bytes_in(many).subspan(taken)) == 0);
        pongs += frames_in(answers_of(framing)).size();
        CHECK_FALSE(framing.is_clogged());
    }
    CHECK(pongs == 10'000);
}

TEST_CASE("websocket framing: a server's payload is not copied", "[websocket]") {
    Framing framing(Role::Server, 1000);
    const std::string first = "first", second = "second";
    const std::vector<asio::const_buffer> record = {asio::buffer(first), {}, asio::buffer(second)};
    std::vector<asio::const_buffer> frame;
    framing.frame(record, frame);
    REQUIRE(frame.size() == 3);
    CHECK(frame[0].size() == 2);
    CHECK(frame[1].data() == first.data());
    CHECK(frame[2].data() == second.data());
    CHECK(frame[2].size() == second.size());
}

TEST_CASE("websocket framing: it sends one close frame, and nothing after that", "[websocket]") {
    Framing framing(Role::Server, 1000);
    CHECK_FALSE(framing.has_answers());
    framing.input(bytes_in(masked(Ping, "p")));
    framing.queue_close(1000);
    framing.queue_close(1001);
    CHECK(framing.has_answers());
    CHECK(frames_in(answers_of(framing)) == std::vector<RawFrame>{{Close, close_code(1000)}});
    CHECK_FALSE(framing.has_answers());
    CHECK(framing.is_closing());
    CHECK_FALSE(framing.ends());
    // Frames that the peer sent before it learnt of that still count.
    framing.input(bytes_in(masked(Ping, "q") + masked(Binary, "x") + masked(Close, close_code(1000))));
    CHECK(framing.has_record());
    framing.take_record();
    CHECK(framing.end() == asio::error::eof);
    CHECK_FALSE(framing.has_answers());
}

}
