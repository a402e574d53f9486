#include <comoq/detail/containers/config_member.hpp>

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/plain_task.hpp"

namespace config_member_tests {

using comoq::detail::ConfigMember;
using comoq::test::PlainTask;

namespace {

using Owner = std::shared_ptr<int>;

struct Inner {
    ConfigMember<Owner> owner = {};
    int number = 3;
    ConfigMember<std::function<long()>> function = {};
};
struct Config {
    Inner inner = {};
    ConfigMember<std::optional<Owner>> perhaps = {};
    ConfigMember<std::string> text = "a text that is too long to be kept in place";
    ConfigMember<std::vector<Owner>> several = {};
};

struct Done {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 1; }
};
Done by_value(Config config) {
    CHECK((config.text.size() > 3 || config.text.empty()));
    return {};
}
Done by_reference(const Config &) { return {}; }
Done by_moving(Config &&config) {
    const Config moved = std::move(config);
    CHECK(moved.inner.number == 3);
    return {};
}
struct Made {
    Made(int, Config given) : config(std::move(given)) {}
    Config config;
};

PlainTask value(Owner &owner) { co_await by_value(Config{.inner = {.owner = owner}, .perhaps = owner}); }
PlainTask braces(Owner &owner) { co_await by_value({.inner = {.owner = owner}, .text = "short"}); }
PlainTask reference(Owner &owner) { co_await by_reference(Config{.perhaps = owner, .text = std::string(99, 'x')}); }
PlainTask moved(Owner &owner) { co_await by_moving(Config{.inner = {.owner = owner}, .perhaps = owner}); }
PlainTask argument(Owner &owner) { Made made(co_await Done(), {.inner = {.owner = owner}, .perhaps = owner}); }
PlainTask named(Owner &owner) {
    Config config{.inner = {.owner = owner}, .perhaps = owner};
    co_await by_value(std::move(config));
}

}  // namespace

TEST_CASE("D13: the members of a config that is made inside a co_await expression are destroyed once", "[config]") {
    for (const auto make : {&value, &braces, &reference, &moved, &argument, &named}) {
        auto owner = std::make_shared<int>(1);
        // With these, one destruction too many shows before it frees anything.
        const std::vector<Owner> others(8, owner);
        CHECK(make(owner).done());
        CHECK(owner.use_count() == 9);
    }
}

TEST_CASE("D13: a member of a config is used like its type", "[config]") {
    Config config;
    config.inner.owner = std::make_shared<int>(7);
    config.inner.function = [owner = config.inner.owner] { return owner.use_count(); };
    config.perhaps = config.inner.owner;
    config.several.push_back(config.inner.owner);
    config.text = "x";
    const std::function<long()> function = config.inner.function;
    CHECK(function() == 5);
    CHECK_FALSE(std::function<long()>(Config().inner.function));
    Config copy = config;
    CHECK(config.inner.owner.use_count() == 9);
    const Config moved = std::move(copy);
    CHECK(config.inner.owner.use_count() == 9);
    copy = moved;
    copy.perhaps = std::nullopt;
    copy.inner.owner = nullptr;
    copy.inner.function = nullptr;
    copy.several = {};
    CHECK(config.inner.owner.use_count() == 9);
    const Owner taken = std::move(config.inner.owner);
    CHECK_FALSE(config.inner.owner);
    CHECK((moved.text == "x" && moved.text + "y" == "xy"));
}

}
