#include <comoq/detail/end_hooks.hpp>

#include <cstddef>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

using comoq::detail::EndHook;
using comoq::detail::EndHooks;

namespace {

struct Hook final : EndHook {
    void ended() noexcept override { ++ends; }
    int ends = 0;
};

}  // namespace

TEST_CASE("hooks are there until they are removed or taken, whatever the order", "[end_hooks]") {
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
        const auto taken = hooks.take();
        REQUIRE(taken.size() == present.size());
        for (const auto &hook : taken) {
            hook->ended();
        }
        for (const auto &hook : all) {
            REQUIRE(hook->ends == (present.count(hook.get()) != 0 ? 1 : 0));
            REQUIRE(hooks.remove(*hook) == nullptr);
        }
        REQUIRE(hooks.take().empty());
    }
}
