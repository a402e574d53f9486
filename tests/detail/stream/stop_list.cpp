#include <comoq/detail/stream/stop_list.hpp>

#include <cstddef>
#include <optional>
#include <system_error>
#include <vector>

#include <comoq/detail/stream/send_half.hpp>
#include <comoq/error.hpp>

#include "support/catch.hpp"
#include "support/settle.hpp"

namespace stop_list_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::Aftermath;
using comoq::detail::SendHalf;
using comoq::detail::StopHook;
using comoq::detail::StopList;

namespace {

struct Hook : StopHook {
    using StopHook::StopHook;
};
void fail(SendHalf &half, Error code) {
    Aftermath after;
    half.fail(make_error_code(code), after);
}
void tell(SendHalf &half, StopHook *hook) {
    Aftermath after;
    half.tell(hook, after.wake);
}

}  // namespace

TEST_CASE("stop list: the streams that fail come in their order, each once, with their codes", "[stream]") {
    StopList list;
    SendHalf halves[3];
    Hook first(list), second(list), third(list);
    Hook *const hooks[] = {&first, &second, &third};
    for (std::size_t i = 0; i < 3; ++i) tell(halves[i], hooks[i]);
    Waiting<void> coming(list.coming());
    CHECK_FALSE(coming.done());
    CHECK(list.next() == nullptr);
    fail(halves[2], Error::Old);
    fail(halves[0], Error::Cancelled);
    // It is over already.
    fail(halves[2], Error::Lagged);
    CHECK(coming.done());
    CHECK(list.next() == &third);
    CHECK(third.code() == Error::Old);
    CHECK(list.next() == &first);
    CHECK(first.code() == Error::Cancelled);
    CHECK(list.next() == nullptr);
    CHECK_FALSE(list.coming().ready());
    // The second one is told of nothing when all of its stream is sent.
    {
        Aftermath after;
        halves[1].complete(after.wake);
    }
    fail(halves[1], Error::Old);
    CHECK(list.next() == nullptr);
}

TEST_CASE("stop list: a stream that has failed before tells at once, and one that was told to forget says nothing", "[stream]") {
    StopList list;
    SendHalf over, quiet;
    Hook late(list);
    fail(over, Error::Old);
    tell(over, &late);
    CHECK(list.next() == &late);
    CHECK(late.code() == Error::Old);
    Hook forgotten(list);
    tell(quiet, &forgotten);
    tell(quiet, nullptr);
    fail(quiet, Error::Old);
    CHECK_FALSE(list.coming().ready());
}

TEST_CASE("stop list: a hook that goes before it was taken leaves the list", "[stream]") {
    StopList list;
    SendHalf halves[2];
    std::optional<Hook> going(std::in_place, list);
    Hook staying(list);
    tell(halves[0], &*going);
    tell(halves[1], &staying);
    fail(halves[0], Error::Old);
    fail(halves[1], Error::Lagged);
    tell(halves[0], nullptr);
    going.reset();
    CHECK(list.next() == &staying);
    CHECK(list.next() == nullptr);
}

}  // namespace stop_list_tests
