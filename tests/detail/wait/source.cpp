#include <comoq/detail/wait/source.hpp>

#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include <comoq/detail/wait/mapped_source.hpp>

#include "support/catch.hpp"
#include "support/gate.hpp"

namespace source_tests {

using namespace comoq;
using comoq::detail::AnySource;
using comoq::detail::Outcome;
using comoq::detail::Permit;
using comoq::detail::ReadySource;
using comoq::detail::Waiter;
using comoq::test::Gate;

namespace {

struct NoWaiter final : Waiter {
    void claimed() noexcept override {}
    Waiter *wake(std::size_t) noexcept override { return following(); }
};

/// Its outcome never finds enough memory, neither to take it nor to finish it.
struct Exhausted {
    using taken_type = int;
    bool ready() const noexcept { return true; }
    std::optional<Outcome<int>> take(Permit *) { throw std::bad_alloc(); }
    Outcome<int> finish(Outcome<int> &&) { throw std::bad_alloc(); }
    bool wait(Waiter &) noexcept { return false; }
    bool withdraw(Waiter &) noexcept { return false; }
};

struct Answer final : Permit {
    explicit Answer(bool yes) : answer(yes) {}
    bool grant() noexcept override {
        ++asked;
        return answer;
    }
    bool answer;
    int asked = 0;
};

}  // namespace

TEST_CASE("section 2: a source that was moved is withdrawn once, at the end of its new place", "[source]") {
    Gate<int> gate;
    {
        auto source = gate.source();
        CHECK(gate.steps() == 1);
        AnySource<int> moved(std::move(source));
        CHECK(gate.steps() == 1);
    }
    CHECK(gate.steps() == 0);
}

TEST_CASE("section 2: an empty source is an inert one", "[source]") {
    AnySource<int> source;
    NoWaiter waiter;
    CHECK(source.ready());
    CHECK_FALSE(source.wait(waiter));
    CHECK_FALSE(source.withdraw(waiter));
    const auto outcome = source.poll();
    REQUIRE(outcome);
    CHECK(outcome->ec == Error::Cancelled);
}

TEST_CASE("section 2: a source that became ready refuses a waiter", "[source]") {
    Gate<int> gate;
    auto source = gate.source();
    NoWaiter waiter;
    CHECK_FALSE(source.ready());
    CHECK_FALSE(source.poll());
    CHECK(source.wait(waiter));
    CHECK(gate.awaited());
    CHECK(source.withdraw(waiter));
    CHECK_FALSE(source.withdraw(waiter));
    gate.put(1);
    CHECK(source.ready());
    CHECK_FALSE(source.wait(waiter));
    CHECK_FALSE(gate.awaited());
    const auto outcome = source.poll();
    REQUIRE(outcome);
    CHECK(outcome->value == 1);
    CHECK_FALSE(source.ready());
}

TEST_CASE("section 2: an outcome for which memory does not suffice becomes an error", "[source]") {
    AnySource<int> source = Exhausted();
    const auto outcome = source.poll();
    REQUIRE(outcome);
    CHECK(outcome->ec == std::errc::not_enough_memory);

    Answer no(false), yes(true);
    AnySource<int>::Taken taken;
    CHECK_FALSE(taken.fill(source, no));
    CHECK(taken.fill(source, yes));
    CHECK(taken.finish(source).ec == std::errc::not_enough_memory);
}

TEST_CASE("section 2: a mapped source hands values on in another form, and errors as they are", "[source]") {
    Gate<int> gate;
    AnySource<std::unique_ptr<int>> source = detail::mapped<std::unique_ptr<int>>(
        gate.step(), [](int &&value) { return std::make_unique<int>(value * 2); });
    NoWaiter waiter;
    CHECK_FALSE(source.ready());
    CHECK_FALSE(source.poll());
    CHECK(source.wait(waiter));
    CHECK(source.withdraw(waiter));
    gate.put(4);
    gate.put_error(Error::Old);
    CHECK(source.ready());
    auto value = source.poll();
    REQUIRE((value && value->value));
    CHECK(*value->value == 8);
    auto failure = source.poll();
    REQUIRE(failure);
    CHECK(failure->ec == Error::Old);
}

TEST_CASE("section 2: a source that has its outcome from the start is ready", "[source]") {
    AnySource<int> source = ReadySource<int>(Outcome<int>(std::in_place, 3));
    CHECK(source.ready());
    auto outcome = source.poll();
    REQUIRE(outcome);
    CHECK(outcome->value == 3);
}

TEST_CASE("section 2: a step that may not be resumed any more takes nothing", "[source]") {
    Gate<int> gate;
    gate.put(5);
    auto source = gate.source();
    Answer no(false), yes(true);
    {
        AnySource<int>::Taken taken;
        CHECK_FALSE(taken.fill(source, no));
        CHECK(no.asked == 1);
        CHECK(gate.held() == 1);
        CHECK(taken.fill(source, yes));
        CHECK(gate.held() == 0);
        CHECK(taken.finish(source).value == 5);
    }
    {
        AnySource<int>::Taken nothing;
        CHECK_FALSE(nothing.fill(source, yes));
        // The permit is only asked when there is something to take.
        CHECK(yes.asked == 1);
    }
    AnySource<int> made = ReadySource<int>(Outcome<int>(std::in_place, 6));
    AnySource<int>::Taken taken;
    CHECK_FALSE(taken.fill(made, no));
    CHECK(taken.fill(made, yes));
    CHECK(taken.finish(made).value == 6);
}

TEST_CASE("section 2: a taken value that is no longer wanted is destroyed", "[source]") {
    Gate<std::shared_ptr<int>> gate;
    auto value = std::make_shared<int>(1);
    std::weak_ptr<int> alive = value;
    gate.put(std::move(value));
    auto source = gate.source();
    Answer yes(true);
    {
        AnySource<std::shared_ptr<int>>::Taken taken;
        CHECK(taken.fill(source, yes));
        CHECK_FALSE(alive.expired());
    }
    CHECK(alive.expired());
}

}
