// The contents of records, their order, and what makes a record due.
#include <comoq/detail/qmux/connection.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include <asio/awaitable.hpp>

#include <comoq/error.hpp>
#include <comoq/detail/qmux/codec.hpp>

#include "detail/qmux/connection_scene.hpp"
#include "detail/qmux/octets.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/numbered.hpp"
#include "support/transport_scene.hpp"

namespace connection_records_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// Takes the next record. Returns the stream that it begins with.
std::uint64_t next_stream(Solo &solo, OutgoingRecord &record) {
    REQUIRE(solo.own->output(record));
    const Octets all = flat(record);
    std::error_code failure;
    return std::get<qmux::Stream>(qmux::next_frame(all, failure)->frame).id;
}

}  // namespace

TEST_CASE("qmux connection: the more urgent stream goes first", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    std::vector<SendPtr> streams;
    const auto with = [&](SendOrder order) {
        streams.push_back(solo.now(solo.own->open_uni()));
        streams.back()->set_order(order);
        solo.write(*streams.back(), "x");
    };
    with({1, 9, 0, 0});  // 0
    with({2, 0, 1, 5});  // 1
    with({2, 1, 2, 0});  // 2
    with({2, 0, 1, 4});  // 3
    with({3, 0, 3, 7});  // 4
    with({2, 0, 4, 9});  // 5
    // Within that urgency flow 1 came first, its lower rank before the higher, and flow 4 takes its turn between them.
    std::vector<std::uint64_t> order;
    for (const auto &frame : solo.frames_of<qmux::Stream>()) order.push_back(frame.id / 4);
    CHECK(order == std::vector<std::uint64_t>{4, 2, 3, 5, 1, 0});
}

TEST_CASE("qmux connection: a stream without an order is control, which goes before all media", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto media = solo.now(solo.own->open_uni());
    media->set_order({255, 255, 0, 0});
    static_cast<void>(media->write(numbered(0, 0, 100'000)));
    OutgoingRecord record;
    CHECK(next_stream(solo, record) == client_uni(0));
    auto answer = solo.now(solo.own->open_bidi());
    static_cast<void>(answer.send->write(numbered(1, 0, 20'000)));
    // It fills more than a record, and nothing comes between.
    CHECK(next_stream(solo, record) == 0);
    CHECK(next_stream(solo, record) == 0);
    CHECK(next_stream(solo, record) == client_uni(0));
}

TEST_CASE("qmux connection: flows of one urgency take turns, record by record", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    std::vector<SendPtr> streams;
    for (const std::uint64_t flow : {7u, 7u, 8u, 9u}) {
        streams.push_back(solo.now(solo.own->open_uni()));
        streams.back()->set_order({5, 5, flow, streams.size()});
        static_cast<void>(streams.back()->write(numbered(0, 0, 40'000)));
    }
    std::vector<std::uint64_t> order;
    OutgoingRecord record;
    for (int i = 0; i < 6; ++i) {
        order.push_back(next_stream(solo, record) / 4);
        // A ping may be at its end.
        CHECK(record.size() > OutgoingRecord::most - qmux::detail::longest_control_frame);
    }
    // The second stream of flow 7 waits for the first.
    CHECK(order == std::vector<std::uint64_t>{0, 2, 3, 0, 2, 3});
}

TEST_CASE("qmux connection: streams that are equal in everything take turns, too", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    std::vector<SendPtr> streams;
    for (int i = 0; i < 3; ++i) {
        streams.push_back(solo.now(solo.own->open_uni()));
        static_cast<void>(streams.back()->write(numbered(0, 0, 60'000)));
    }
    std::vector<std::uint64_t> order;
    OutgoingRecord record;
    for (int i = 0; i < 6; ++i) order.push_back(next_stream(solo, record) / 4);
    CHECK(order == std::vector<std::uint64_t>{0, 1, 2, 0, 1, 2});
}

TEST_CASE("qmux connection: an order counts from the moment it is set", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto slow = solo.now(solo.own->open_uni());
    auto fast = solo.now(solo.own->open_uni());
    slow->set_order({});
    fast->set_order({});
    static_cast<void>(slow->write(numbered(0, 0, 100'000)));
    OutgoingRecord record;
    REQUIRE(solo.own->output(record));
    static_cast<void>(fast->write(numbered(1, 0, 100)));
    fast->set_order({9, 0, 0, 0});
    CHECK(next_stream(solo, record) == client_uni(1));
}

TEST_CASE("qmux connection: a stream without credit does not hold up others", "[qmux]") {
    Solo solo(true);
    auto theirs = Solo::generous();
    theirs.max_stream_data_uni = 3;
    solo.greeted(theirs);
    auto blocked = solo.now(solo.own->open_uni());
    blocked->set_order({9, 0, 0, 0});
    solo.write(*blocked, "abcd");
    CHECK(solo.frames().size() == 1);
    auto other = solo.now(solo.own->open_uni());
    solo.write(*other, "x");
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_uni(1), 0, as_span("x"), false}});
    solo.send(qmux::MaxStreamData{client_uni(0), 4});
    CHECK(solo.frames() == std::vector<AnyFrame>{qmux::Stream{client_uni(0), 3, as_span("d"), false}});
}

TEST_CASE("qmux connection: a large payload is shared and a small one is copied", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    const Bytes payload = numbered(0, 0, 1000);
    std::string head = "head";
    solo.now(stream->write(as_span(head), payload));
    solo.now(stream->write(as_span(head), bytes("small")));
    head = "gone";
    OutgoingRecord record;
    REQUIRE(solo.own->output(record));
    REQUIRE(record.buffers().size() == 3);
    CHECK(record.buffers()[1].data() == payload.data());
    CHECK(record.buffers()[1].size() == payload.size());
    const Octets all = flat(record);
    std::error_code failure;
    const auto frame = std::get<qmux::Stream>(qmux::next_frame(all, failure)->frame);
    CHECK(text_of(frame.payload) == "head" + std::string(payload.view()) + "headsmall");
}

TEST_CASE("qmux connection: a shared payload lives until its record is written", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    auto stream = solo.now(solo.own->open_uni());
    auto owner = std::make_shared<const std::string>(1000, 'x');
    const std::weak_ptr<const std::string> left = owner;
    solo.now(stream->write(Bytes(owner, as_span(*owner))));
    owner.reset();
    OutgoingRecord record;
    REQUIRE(solo.own->output(record));
    CHECK_FALSE(left.expired());
    record.clear();
    CHECK(left.expired());
}

TEST_CASE("qmux connection: many small pieces make few records without an allocation", "[qmux]") {
    Pair pair;
    auto send = pair.finish(pair.client->open_uni());
    auto receive_later = pair.begin(pair.server->accept_uni());
    const auto fill = [&] {
        for (int i = 0; i < 1000; ++i) static_cast<void>(send->write(bytes("12345678")));
    };
    fill();
    OutgoingRecord record;
    REQUIRE(pair.client->output(record));
    CHECK(record.buffers().size() == 1);
    CHECK(record.size() > 8000);
    pair.server->input(flat(record));
    fill();
    const AllocationCount count;
    REQUIRE(pair.client->output(record));
    CHECK(count.made() == 0);
}

TEST_CASE("qmux connection: bytes that are not a record or not a frame end it", "[qmux]") {
    Solo solo;
    solo.greeted();
    SECTION("too large") {
        solo.own->input(Octets(16'383));
        solo.check_fault(TransportError::FrameEncoding, make_error_code(Error::Decode));
    }
    SECTION("as large as possible") {
        solo.own->input(Octets(16'382));
        solo.check_alive();
    }
    SECTION("every truncation of a frame") {
        Octets whole;
        qmux::encode(qmux::Stream{client_bidi(300), 70'000, as_span("abc"), true}, whole);
        for (std::size_t size = 1; size < whole.size(); ++size) {
            Solo each;
            each.greeted();
            each.own->input(std::span(whole).first(size));
            each.check_fault(TransportError::FrameEncoding, make_error_code(Error::Decode));
        }
    }
    SECTION("a frame of QUIC that has no place here") {
        solo.own->input(of_hex("1e"));
        solo.check_fault(TransportError::FrameEncoding, make_error_code(Error::Decode));
    }
    SECTION("a fault that the channel finds") {
        solo.own->malformed();
        solo.check_fault(TransportError::FrameEncoding, make_error_code(Error::Decode));
    }
    SECTION("frames before the fault count") {
        Octets record;
        qmux::encode(qmux::ApplicationClose{0, ""}, record);
        record.push_back(std::byte{0x1e});
        solo.own->input(record);
        CHECK(solo.closed(*solo.own) == none);
        CHECK(solo.is_quiet());
        CHECK_FALSE(solo.own->ends_here());
    }
}

TEST_CASE("qmux connection: a record without frames does nothing", "[qmux]") {
    // An empty message of WebSocket is permitted, at any time.
    Solo solo;
    solo.own->input({});
    solo.greeted();
    solo.own->input({});
    CHECK(solo.is_quiet());
    solo.check_alive();
}

TEST_CASE("qmux connection: a wait for output ends with everything that makes output due", "[qmux]") {
    Solo solo(true);
    solo.greeted();
    const auto due = [&] {
        return [](std::shared_ptr<Connection> own) -> asio::awaitable<void> { co_await own->output_due(); }(solo.own);
    };
    auto waiting = solo.begin(due());
    CHECK_FALSE(waiting.done());
    auto stream = solo.now(solo.own->open_uni());
    CHECK_FALSE(waiting.done());
    SECTION("a write") { solo.write(*stream, "x"); }
    SECTION("an end") { stream->finish(); }
    SECTION("a reset") { stream->reset(end_number); }
    SECTION("a handle that is gone") { stream.reset(); }
    SECTION("a ping") { solo.send(qmux::PingRequest{1}); }
    SECTION("a stop") { solo.send(qmux::StopSending{client_uni(0), 1}); }
    SECTION("a datagram") { solo.own->send_datagram(bytes("x")); }
    SECTION("time") {
        solo.clock.advance(10s);
        solo.own->tick();
    }
    SECTION("a close") { solo.own->close(0, ""); }
    SECTION("a fault") { solo.own->malformed(); }
    SECTION("the peer's close") { solo.send(qmux::ApplicationClose{0, ""}); }
    SECTION("a loss") { solo.own->lost({}); }
    SECTION("data that was dropped") {
        solo.stream(server_uni(0), 0, std::string(10'000, 'x'));
        auto other = solo.now(solo.own->accept_uni());
        CHECK_FALSE(waiting.done());
        other->stop(end_number);
    }
    CHECK(waiting.done());
}

TEST_CASE("qmux connection: a record is taken in parts, and what a part makes of the connection holds for the rest", "[qmux]") {
    Solo solo(false);
    solo.greeted();
    Octets record;
    for (const std::uint64_t sequence : {1U, 2U, 3U}) encode(qmux::PingRequest{sequence}, record);
    SECTION("frames beyond the bound are left") {
        const auto rest = solo.own->input(record, 2);
        CHECK(solo.frames_of<qmux::PingResponse>().back().sequence == 2);
        CHECK(rest.size() * 3 == record.size());
        CHECK(solo.own->input(rest, 2).empty());
        CHECK(solo.frames_of<qmux::PingResponse>().back().sequence == 3);
    }
    SECTION("nothing is left after a fault") {
        Octets broken;
        encode(qmux::MaxStreams{}, broken);
        broken.resize(1);
        record.insert(record.begin(), broken.begin(), broken.end());
        CHECK(solo.own->input(record, 1).empty());
        CHECK(solo.own->input(record, 1).empty());
    }
    SECTION("PADDING at the end is not left") {
        record.resize(record.size() + 5);
        CHECK(solo.own->input(record, 3).size() == 5);
        CHECK(solo.own->input(Octets(5), 3).empty());
    }
    SECTION("nothing is left after the end") {
        solo.own->close(0, "");
        CHECK(solo.own->input(record, 1).empty());
    }
}

}
