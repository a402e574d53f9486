#include <comoq/detail/wait/take_each.hpp>

#include <algorithm>
#include <functional>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/gate.hpp"

namespace take_each_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::take_each;

namespace {

struct Scene {
    /// Items from the gate. `before_next` and `before_take` are called first, and may throw.
    struct Numbers {
        Scene *scene;
        auto next() {
            ++scene->attempts;
            if (scene->before_next) scene->before_next();
            return scene->gate.next();
        }
        void take(int number) {
            if (scene->before_take) scene->before_take(number);
            scene->taken.push_back(number);
        }
    };
    void start() { loop.start(context, take_each<16>(Numbers{this})); }
    void run() { run_handlers(context); }

    asio::io_context context;
    Gate<int> gate;
    std::function<void()> before_next;
    std::function<void(int)> before_take;
    int attempts = 0;
    std::vector<int> taken;
    Disturbed loop;
};

}  // namespace

TEST_CASE("take_each: without memory for a wait it goes on, and others have their turn between two attempts",
          "[wait][faults]") {
    Scene scene;
    int steps = 0, longest = 0;
    scene.before_next = [&] {
        // The attempts from the second to the hundredth.
        if (scene.attempts > 1 && scene.attempts < 100) throw std::bad_alloc();
    };
    auto watch = [&]() -> asio::awaitable<void> {
        for (int seen = scene.attempts; scene.attempts < 100 && steps < 1'000; ++steps) {
            co_await turns(1);
            longest = std::max(longest, scene.attempts - seen);
            seen = scene.attempts;
        }
    };
    scene.start();
    scene.run();
    scene.gate.put(1);
    Disturbed watching;
    watching.start(scene.context, watch());
    scene.run();
    CHECK(scene.attempts == 100);
    CHECK(longest <= 2);
    scene.gate.put(2);
    scene.run();
    CHECK(scene.taken == std::vector<int>{1, 2});
    CHECK_FALSE(scene.loop.is_over());
    scene.loop.cancel();
    scene.run();
    CHECK(scene.loop.was_cancelled());
}

TEST_CASE("take_each: an item that finds no memory is lost, and the next one is taken", "[wait][faults]") {
    Scene scene;
    scene.before_take = [](int number) {
        if (number == 2) throw std::bad_alloc();
    };
    scene.start();
    for (int i = 1; i < 5; ++i) scene.gate.put(int(i));
    scene.run();
    CHECK(scene.taken == std::vector<int>{1, 3, 4});
    scene.loop.cancel();
    scene.run();
    CHECK(scene.loop.is_over());
}

TEST_CASE("take_each: items that are there in any number, and find no memory, do not end it", "[wait][faults]") {
    Scene scene;
    constexpr int all = 3'000;
    scene.before_take = [](int number) {
        if (number < all) throw std::bad_alloc();
    };
    for (int i = 1; i <= all; ++i) scene.gate.put(int(i));
    scene.start();
    scene.run();
    CHECK(scene.taken == std::vector<int>{all});
    CHECK_FALSE(scene.loop.is_over());
    scene.loop.cancel();
    scene.run();
    CHECK(scene.loop.was_cancelled());
}

TEST_CASE("take_each: while it finds no memory, it can be cancelled", "[wait][faults]") {
    Scene scene;
    scene.before_next = [&] {
        // A loop that is never cancelled ends here.
        if (scene.attempts < 10'000) throw std::bad_alloc();
    };
    scene.start();
    run_handlers(scene.context, 20);
    CHECK_FALSE(scene.loop.is_over());
    scene.loop.cancel();
    run_handlers(scene.context, 20);
    CHECK(scene.loop.was_cancelled());
    CHECK(scene.attempts < 50);
}

TEST_CASE("take_each: any other failure ends it, and so does a source that says again and again that it found no memory",
          "[wait][faults]") {
    for (const bool is_memory : {false, true}) {
        asio::io_context context;
        int attempts = 0;
        std::error_code code;
        struct Failing {
            int *attempts;
            std::error_code with;
            auto next() {
                ++*attempts;
                return Operation<std::optional<int>>(detail::Passkey(), detail::FailedSource<std::optional<int>>(with));
            }
            void take(int) {}
        };
        const auto with = is_memory ? std::make_error_code(std::errc::not_enough_memory) : make_error_code(Error::Closed);
        auto work = [&]() -> asio::awaitable<void> {
            auto loop = take_each(Failing{&attempts, with});
            try {
                co_await std::move(loop);
            } catch (const std::system_error &error) {
                code = error.code();
            }
        };
        Disturbed loop;
        loop.start(context, work());
        run_handlers(context);
        CHECK(loop.is_over());
        CHECK(code == with);
        CHECK((attempts == 1) == !is_memory);
        CHECK(attempts < 2'000);
    }
}

TEST_CASE("take_each: an empty optional ends it, unless the loop takes those", "[wait]") {
    asio::io_context context;
    struct Taken {
        std::vector<int> all;
        int next_one = 0;
    } taken;
    struct Some {
        Taken *to;
        auto next() {
            const int number = to->next_one++;
            const auto value = number == 3 ? std::nullopt : std::optional<int>(number);
            return Operation<std::optional<int>>(detail::Passkey(), detail::ReadySource<std::optional<int>>(
                                                                        detail::Outcome<std::optional<int>>(std::in_place, value)));
        }
        void take(int number) { to->all.push_back(number); }
    };
    struct All : Some {
        void take(const std::optional<int> &number) {
            if (to->next_one > 5) throw std::system_error(make_error_code(Error::Closed));
            to->all.push_back(number.value_or(-1));
        }
    };
    SECTION("a number") {
        Disturbed loop;
        loop.start(context, take_each(Some{&taken}));
        run_handlers(context);
        CHECK(loop.is_over());
        CHECK(taken.all == std::vector<int>{0, 1, 2});
    }
    SECTION("or nothing") {
        Disturbed loop;
        loop.start(context, take_each(All{{&taken}}));
        run_handlers(context);
        CHECK(loop.is_over());
        CHECK(taken.all == std::vector<int>{0, 1, 2, -1, 4});
    }
}

}
