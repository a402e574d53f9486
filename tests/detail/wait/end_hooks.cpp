#include <comoq/detail/wait/end_hooks.hpp>

#include <cstddef>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace end_hooks_tests {

using comoq::detail::EndHook;
using comoq::detail::EndHooks;

namespace {

struct Hook final : EndHook {
    void ended() noexcept override { ++ends; }
    int ends = 0;
};

}  // namespace

TEST_CASE("hooks stay until they are removed or taken, in any order", "[end_hooks]") {
    std::mt19937_64 random(comoq::test::seed("end_hooks"));
    for (int history = 0; history < 200; ++history) {
        EndHooks hooks;
        std::vector<std::shared_ptr<Hook>> all;
        std::set<Hook *> present;
        for (int step = 0; step < 30; ++step) {
            if (all.empty() || random() % 2 == 0) {
                all.push_back(std::make_shared<Hook>());
                present.insert(all.back().get());
                hooks.add(all.back());
            } else {
                auto &hook = *all[random() % all.size()];
                REQUIRE(hooks.remove(hook).get() == (present.erase(&hook) != 0 ? &hook : nullptr));
            }
        }
        auto taken = hooks.take();
        REQUIRE(taken.empty() == present.empty());
        REQUIRE(hooks.take().empty());
        for (const auto &hook : all) {
            REQUIRE(hooks.remove(*hook) == nullptr);
            REQUIRE(hook.use_count() == (present.count(hook.get()) != 0 ? 2 : 1));
        }
        // Hooks that were taken out and never called are released all the same.
        if (history % 2 == 0) taken.call();
        taken = {};
        for (const auto &hook : all) {
            REQUIRE(hook->ends == (history % 2 == 0 && present.count(hook.get()) != 0 ? 1 : 0));
            REQUIRE(hook.use_count() == 1);
        }
    }
}

TEST_CASE("hooks that are left in a list are released with it", "[end_hooks]") {
    const auto hook = std::make_shared<Hook>();
    {
        EndHooks hooks;
        hooks.add(hook);
        hooks.add(std::make_shared<Hook>());
        CHECK(hook.use_count() == 2);
    }
    CHECK(hook.use_count() == 1);
    CHECK(hook->ends == 0);
}

TEST_CASE("a hook that is taken out may take another off its own list", "[end_hooks]") {
    struct Remover final : EndHook {
        void ended() noexcept override { removed = from->remove(*other); }
        EndHooks *from = nullptr;
        EndHook *other = nullptr;
        std::shared_ptr<EndHook> removed;
    };
    EndHooks ending, living;
    const auto remover = std::make_shared<Remover>();
    const auto other = std::make_shared<Hook>();
    remover->from = &living;
    remover->other = other.get();
    ending.add(remover);
    living.add(other);
    ending.take().call();
    CHECK(remover->removed == other);
    CHECK(living.take().empty());
}

}
