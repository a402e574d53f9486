// The writing end of a stream, without a transport.
#include <comoq/detail/stream/send_half.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <comoq/error.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/recorder.hpp"

namespace send_half_tests {

using namespace comoq;
using comoq::test::AllocationCount;
using comoq::detail::Aftermath;
using comoq::detail::SendHalf;
using comoq::test::Recorder;
using comoq::detail::WakeList;

namespace {

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
bool push(SendHalf &half, std::string_view head, std::string_view payload) {
    return half.push(as_bytes(head), Bytes::copy(payload));
}
bool fill(SendHalf &half, std::size_t size) { return half.push({}, Bytes(std::vector<std::byte>(size))); }

struct Taken {
    std::string text;
    std::vector<std::string> parts;
    std::size_t count = 0;
};
Taken take(SendHalf &half, std::size_t most) {
    Taken taken;
    WakeList wake;
    const auto sink = [&](std::span<const std::byte> part, Bytes &&) {
        taken.parts.emplace_back(reinterpret_cast<const char *>(part.data()), part.size());
        taken.text += taken.parts.back();
    };
    taken.count = half.take(most, sink, wake);
    return taken;
}
template <class Call> void with_wakes(Call &&call) {
    Aftermath after;
    call(after);
}

const std::error_code old = make_error_code(Error::Old);
const std::error_code lagged = make_error_code(Error::Lagged);

}  // namespace

TEST_CASE("send half: heads and payloads are taken in the order in which they were pushed", "[send_half]") {
    SendHalf half;
    CHECK(push(half, "", "abc"));
    CHECK(push(half, "1", "def"));
    CHECK(push(half, "23", ""));
    CHECK(push(half, "", ""));
    CHECK(push(half, "4", "g"));
    CHECK(half.pending() == 11);
    const auto taken = take(half, 100);
    CHECK(taken.text == "abc1def234g");
    CHECK(taken.count == 11);
    CHECK(taken.parts == std::vector<std::string>{"abc", "1", "def", "23", "4", "g"});
    CHECK(half.pending() == 0);
    CHECK(take(half, 100).count == 0);
}

TEST_CASE("send half: it gives at most the requested bytes, even if that cuts a piece", "[send_half]") {
    const auto most = static_cast<std::size_t>(GENERATE(range(1, 13)));
    SendHalf half;
    push(half, "ab", "cde");
    push(half, "f", "");
    push(half, "", "gh");
    push(half, "0123456789abcdef", "i");
    std::string all;
    for (std::size_t before = half.pending(); before != 0; before = half.pending()) {
        const auto taken = take(half, most);
        CHECK(taken.count == std::min(most, before));
        CHECK(taken.text.size() == taken.count);
        CHECK(half.pending() == before - taken.count);
        all += taken.text;
    }
    CHECK(all == "abcdefgh0123456789abcdefi");
}

TEST_CASE("send half: a head has no owner, a payload is shared and released when it has been taken", "[send_half]") {
    SendHalf half;
    auto owner = std::make_shared<const std::string>("payload");
    const std::weak_ptr<const std::string> left = owner;
    const char *const where = owner->data();
    half.push(as_bytes("head"), Bytes(owner, as_bytes(*owner)));
    owner.reset();
    REQUIRE_FALSE(left.expired());
    std::vector<bool> owned;
    std::vector<const void *> places;
    WakeList wake;
    Bytes kept;
    const auto sink = [&](std::span<const std::byte> part, Bytes &&whole) {
        owned.push_back(!whole.empty());
        places.push_back(part.data());
        kept = std::move(whole);
    };
    CHECK(half.take(6, sink, wake) == 6);
    CHECK(half.take(100, sink, wake) == 5);
    CHECK(owned == std::vector<bool>{false, true, true});
    CHECK(places[1] == where);
    CHECK(places[2] == where + 2);
    // It ends when the sink decides.
    CHECK_FALSE(left.expired());
    kept = Bytes();
    CHECK(left.expired());
}

TEST_CASE("send half: it accepts data until enough is pending, and wakes the writer when there is room",
          "[send_half]") {
    SendHalf half;
    Recorder writer;
    fill(half, SendHalf::enough - 1);
    CHECK(half.can_take_more());
    fill(half, 11);
    CHECK_FALSE(half.can_take_more());
    half.write_waits().add(writer);
    take(half, 10);
    CHECK(writer.woken == 0);
    CHECK_FALSE(half.can_take_more());
    take(half, 1);
    CHECK(writer.woken == 1);
    CHECK(half.can_take_more());
}

TEST_CASE("send half: pieces without bytes leave nothing behind", "[send_half]") {
    SendHalf half;
    // They never make the writer wait, so there may be any number of them.
    const AllocationCount count;
    std::size_t accepted = 0;
    for (int i = 0; i < 1000; ++i) accepted += half.push({}, Bytes()) ? 1 : 0;
    CHECK(count.made() == 0);
    CHECK(accepted == 1000);
    CHECK(half.pending() == 0);
    CHECK(take(half, 10).count == 0);
}

TEST_CASE("send half: nothing is accepted after the end, and earlier data is still there", "[send_half]") {
    SendHalf half;
    Recorder writer, stopper;
    fill(half, SendHalf::enough);
    half.write_waits().add(writer);
    half.stop_waits().add(stopper);
    with_wakes([&](Aftermath &after) { half.finish(after.wake); });
    CHECK(half.finished());
    CHECK_FALSE(half.over());
    // No more data will come, so nothing is left to wait for.
    CHECK(writer.woken == 1);
    CHECK(stopper.woken == 0);
    CHECK_FALSE(push(half, "a", "b"));
    CHECK(take(half, 2 * SendHalf::enough).count == SendHalf::enough);
    CHECK(half.stop_waits().withdraw(stopper));
}

TEST_CASE("send half: a failure drops pending data and wakes all waiters, and the first one counts", "[send_half]") {
    SendHalf half;
    Recorder writer, stopper;
    auto owner = std::make_shared<const std::string>(SendHalf::enough, 'x');
    const std::weak_ptr<const std::string> left = owner;
    half.push({}, Bytes(owner, as_bytes(*owner)));
    owner.reset();
    take(half, 1);
    fill(half, 1);
    half.write_waits().add(writer);
    half.stop_waits().add(stopper);
    with_wakes([&](Aftermath &after) {
        CHECK(half.fail(old, after));
        CHECK(writer.woken == 0);
        // The lock may still be held.
        CHECK_FALSE(left.expired());
    });
    CHECK((writer.woken == 1 && stopper.woken == 1));
    CHECK(left.expired());
    CHECK(half.over());
    CHECK(half.pending() == 0);
    CHECK(half.can_take_more());
    with_wakes([&](Aftermath &after) { CHECK_FALSE(half.fail(lagged, after)); });
    CHECK(half.failure() == old);
    CHECK_FALSE(push(half, "a", "b"));
    CHECK(take(half, 10).count == 0);
}

TEST_CASE("send half: it can fail after finish(), and not after the end was sent", "[send_half]") {
    const bool sent = GENERATE(false, true);
    SendHalf half;
    Recorder stopper;
    half.stop_waits().add(stopper);
    with_wakes([&](Aftermath &after) { half.finish(after.wake); });
    CHECK(stopper.woken == 0);
    if (sent) with_wakes([&](Aftermath &after) { half.complete(after.wake); });
    with_wakes([&](Aftermath &after) { CHECK(half.fail(old, after) == !sent); });
    CHECK(stopper.woken == 1);
    CHECK(half.over() == !sent);
    CHECK(half.failure() == (sent ? std::error_code() : old));
    CHECK(half.finished());
}

TEST_CASE("send half: a part for which the sink throws is passed to it again, and earlier parts are not", "[send_half]") {
    SendHalf half;
    for (const auto *text : {"first", "second", "third"}) REQUIRE(push(half, "h", text));
    WakeList wake;
    std::string got;
    std::size_t calls = 0;
    const auto sink = [&](std::span<const std::byte> part, Bytes &&) {
        if (++calls % 2 == 0) throw std::bad_alloc();
        got.append(reinterpret_cast<const char *>(part.data()), part.size());
    };
    while (half.pending() != 0 && calls < 100) {
        try {
            half.take(4, sink, wake);
        } catch (const std::bad_alloc &) {
        }
    }
    CHECK(got == "hfirsthsecondhthird");
}

}
