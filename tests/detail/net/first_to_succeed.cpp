// Attempts side by side, of which one wins.
#include <comoq/detail/net/first_to_succeed.hpp>
#include <comoq/error.hpp>
#include <comoq/with_timeout.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <asio/io_context.hpp>

#include "support/begun.hpp"
#include "support/catch.hpp"

namespace first_to_succeed_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

struct Fake {
    explicit Fake(std::size_t number) : index(number) {}
    void close(std::uint64_t, std::string_view) { is_closed = true; }
    const std::size_t index;
    bool is_closed = false;
};
using FakePtr = std::shared_ptr<Fake>;

/// Attempts that succeed or fail when the test says so.
struct Scene {
    struct Attempt {
        detail::Event over;
        std::error_code failure;
        bool is_begun = false, is_ended = false;
    };
    explicit Scene(std::size_t count) : attempts(count) {}
    asio::awaitable<FakePtr> run(std::chrono::milliseconds lead = 1h) {
        const net::detail::MakeAttempt<FakePtr> make = [this](std::size_t index) { return attempt(*this, index); };
        return net::detail::first_to_succeed(attempts.size(), make, lead, Sleep());
    }
    static asio::awaitable<FakePtr> attempt(Scene &scene, std::size_t index) {
        auto &mine = scene.attempts[index];
        mine.is_begun = true;
        co_await mine.over.wait();
        mine.is_ended = true;
        if (mine.failure) throw std::system_error(mine.failure);
        auto made = std::make_shared<Fake>(index);
        scene.made.push_back(made);
        co_return made;
    }
    void settle() {
        context.restart();
        context.poll();
    }
    void fail(std::size_t index, Error why) {
        attempts[index].failure = make_error_code(why);
        attempts[index].over.set();
        settle();
    }

    asio::io_context context;
    std::vector<Attempt> attempts;
    std::vector<FakePtr> made;
};

}  // namespace

TEST_CASE("the next attempt begins when the one before has failed, and all failures together are the first one's", "[net]") {
    Scene scene(2);
    Begun<FakePtr> begun(scene.context, scene.run());
    scene.settle();
    CHECK(scene.attempts[0].is_begun);
    CHECK_FALSE(scene.attempts[1].is_begun);
    scene.fail(0, Error::NotFound);
    CHECK(scene.attempts[1].is_begun);
    CHECK_FALSE(begun.done());
    scene.fail(1, Error::Unauthorized);
    REQUIRE(begun.done());
    CHECK(begun.code() == make_error_code(Error::NotFound));
}

TEST_CASE("of two attempts that succeed in the same moment the later one is closed", "[net]") {
    Scene scene(2);
    Begun<FakePtr> begun(scene.context, scene.run(0ms));
    while (!scene.attempts[1].is_begun) scene.context.run_one();
    for (auto &each : scene.attempts) each.over.set();
    scene.settle();
    REQUIRE(begun.done());
    REQUIRE(scene.made.size() == 2);
    for (const auto &each : scene.made) CHECK(each->is_closed == (each != begun.value()));
}

TEST_CASE("what an attempt has reached is closed if nobody takes it", "[net]") {
    const auto made = std::make_shared<Fake>(0);
    {
        net::detail::Attempts<FakePtr> attempts(1, {});
        attempts.winner = made;
    }
    CHECK(made->is_closed);
    const auto taken = std::make_shared<Fake>(0);
    {
        net::detail::Attempts<FakePtr> attempts(1, {});
        attempts.winner = taken;
        const auto by_caller = std::move(*attempts.winner);
        CHECK(by_caller == taken);
    }
    CHECK_FALSE(taken->is_closed);
}

}  // namespace first_to_succeed_tests
