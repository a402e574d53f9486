// The reading end of a stream, without a transport.
#include <comoq/detail/stream/receive_half.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <comoq/error.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/recorder.hpp"

namespace receive_half_tests {

using namespace comoq;
using comoq::detail::ReceiveHalf;
using comoq::test::AllocationCount;
using comoq::test::live_bytes;
using comoq::test::Recorder;
using comoq::detail::WakeList;

namespace {

/// A half with a reader that waits.
struct Read {
    Read() { half.read_waits().add(reader); }
    ~Read() { half.read_waits().withdraw(reader); }
    bool push(std::string_view text) {
        WakeList wake;
        return half.push(std::as_bytes(std::span(text)), wake);
    }
    void end() {
        WakeList wake;
        half.end(wake);
    }
    std::size_t reset(std::error_code code) {
        WakeList wake;
        return half.reset(code, wake);
    }
    std::size_t fail(std::error_code code) {
        WakeList wake;
        return half.fail(code, wake);
    }
    std::size_t stop() {
        WakeList wake;
        return half.stop(wake);
    }
    std::string text() {
        auto taken = half.take();
        CHECK_FALSE(taken.ec);
        return std::string(taken.value.view());
    }

    ReceiveHalf half;
    Recorder reader;
};

const std::error_code old = make_error_code(Error::Old);
const std::error_code lagged = make_error_code(Error::Lagged);
const std::error_code cancelled = make_error_code(Error::Cancelled);

}  // namespace

TEST_CASE("receive half: the data since the last read is one piece", "[receive_half]") {
    Read read;
    CHECK_FALSE(read.half.readable());
    CHECK(read.push("ab"));
    CHECK(read.push("c"));
    CHECK(read.half.readable());
    CHECK(read.half.buffered() == 3);
    CHECK(read.text() == "abc");
    CHECK_FALSE(read.half.readable());
    CHECK(read.half.buffered() == 0);
    CHECK(read.push("d"));
    CHECK(read.text() == "d");
}

TEST_CASE("receive half: bytes wake the reader, and an empty piece does not", "[receive_half]") {
    Read read;
    CHECK(read.push(""));
    CHECK(read.reader.woken == 0);
    CHECK_FALSE(read.half.readable());
    CHECK(read.push("a"));
    CHECK(read.reader.woken == 1);
}

TEST_CASE("receive half: data that was read does not change when more follows", "[receive_half]") {
    Read read;
    read.push("abc");
    const auto first = read.half.take();
    read.push("defghi");
    read.reset(old);
    CHECK(first.value.view() == "abc");
}

TEST_CASE("receive half: the end reads as empty, after all data before it, however often it is read", "[receive_half]") {
    Read read;
    read.push("ab");
    read.end();
    CHECK(read.reader.woken == 1);
    CHECK(read.half.ended());
    CHECK(read.text() == "ab");
    CHECK(read.half.readable());
    CHECK(read.text().empty());
    CHECK(read.text().empty());
}

TEST_CASE("receive half: an end without bytes wakes the reader", "[receive_half]") {
    Read read;
    read.end();
    CHECK(read.reader.woken == 1);
    CHECK(read.text().empty());
}

TEST_CASE("receive half: a reset drops unread data, and returns its size", "[receive_half]") {
    Read read;
    const bool with_bytes = GENERATE(false, true);
    if (with_bytes) read.push("abc");
    CHECK(read.reset(old) == (with_bytes ? 3 : 0));
    CHECK(read.reader.woken == 1);
    CHECK(read.half.ended());
    CHECK(read.half.readable());
    CHECK(read.half.buffered() == 0);
    CHECK(read.half.take().ec == old);
    CHECK(read.half.take().ec == old);
    CHECK_FALSE(read.push("d"));
    // The first one counts.
    CHECK(read.reset(lagged) == 0);
    CHECK(read.fail(lagged) == 0);
    read.end();
    CHECK(read.half.take().ec == old);
}

TEST_CASE("receive half: nothing fails after the end", "[receive_half]") {
    Read read;
    read.push("abc");
    read.end();
    const bool lost = GENERATE(false, true);
    CHECK((lost ? read.fail(old) : read.reset(old)) == 0);
    CHECK(read.text() == "abc");
    CHECK(read.text().empty());
}

TEST_CASE("receive half: when the connection is lost, a stream without its end is dropped", "[receive_half]") {
    Read read;
    read.push("abc");
    CHECK(read.fail(old) == 3);
    // The peer has not ended the stream.
    CHECK_FALSE(read.half.ended());
    CHECK(read.half.take().ec == old);
    CHECK_FALSE(read.push("d"));
}

TEST_CASE("receive half: a reader that has stopped reads no more, and nothing is kept for it", "[receive_half]") {
    Read read;
    const bool ended = GENERATE(false, true);
    if (ended) read.end();
    else read.push("abc");
    CHECK(read.stop() == (ended ? 0 : 3));
    CHECK(read.reader.woken == 1);
    CHECK(read.half.stopped());
    CHECK(read.half.readable());
    CHECK(read.half.take().ec == cancelled);
    CHECK_FALSE(read.push("d"));
    CHECK(read.half.buffered() == 0);
    CHECK(read.stop() == 0);
}

TEST_CASE("receive half: a reset after a stop ends the stream without a failure", "[receive_half]") {
    Read read;
    read.stop();
    CHECK_FALSE(read.half.ended());
    CHECK(read.reset(old) == 0);
    CHECK(read.half.ended());
}

TEST_CASE("a stream's reading end: data holds a quarter more memory than its size at most, however it came", "[stream]") {
    for (const std::size_t first : {std::size_t{1}, std::size_t{1'000}, std::size_t{16'384}, std::size_t{100'000}}) {
        for (const std::size_t more : {std::size_t{0}, std::size_t{1}, first / 2, first}) {
            CAPTURE(first, more);
            Read read;
            const std::string beginning(first, 'a'), rest(more, 'b');
            const auto before = live_bytes();
            read.push(beginning);
            if (more != 0) read.push(rest);
            const AllocationCount count;
            const auto taken = read.half.take();
            // What came at once is not copied: only its owner is made.
            if (more == 0) CHECK(count.made() == 1);
            const auto held = live_bytes() - before;
            CHECK(held <= (first + more) * 5 / 4 + 256);
            CHECK(taken.value.view() == beginning + rest);
        }
    }
}

}
