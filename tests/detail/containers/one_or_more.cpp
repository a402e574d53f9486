#include <comoq/detail/containers/one_or_more.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace one_or_more_tests {

using comoq::detail::OneOrMore;
using Pointers = OneOrMore<std::shared_ptr<int>>;

TEST_CASE("section 5 one or more: it behaves like a vector in any history", "[one_or_more]") {
    std::mt19937_64 random(comoq::test::seed("one_or_more"));
    Pointers pointers;
    std::vector<std::shared_ptr<int>> plain;
    bool same = true;
    for (int step = 0; step < 5000; ++step) {
        if (plain.empty() || random() % 3 != 0) {
            if (plain.size() == 5) continue;
            const auto at = random() % (plain.size() + 1);
            auto added = std::make_shared<int>(step);
            const auto *const place = pointers.insert(pointers.begin() + at, std::shared_ptr<int>(added));
            same = same && *place == added;
            plain.insert(plain.begin() + static_cast<std::ptrdiff_t>(at), std::move(added));
        } else {
            const auto at = random() % plain.size();
            pointers.erase(pointers.begin() + at);
            plain.erase(plain.begin() + static_cast<std::ptrdiff_t>(at));
        }
        same = same && pointers.size() == plain.size() && pointers.empty() == plain.empty() &&
               std::equal(pointers.begin(), pointers.end(), plain.begin(), plain.end());
        // An erased one is let go of.
        for (const auto &one : plain) same = same && one.use_count() == 2;
    }
    CHECK(same);
}

TEST_CASE("section 5 one or more: one takes no memory, and a moved-from one is empty", "[one_or_more]") {
    auto first = std::make_shared<int>(1), second = std::make_shared<int>(2);
    const comoq::test::AllocationCount count;
    Pointers pointers;
    pointers.insert(pointers.end(), std::move(first));
    Pointers moved(std::move(pointers));
    CHECK(count.made() == 0);
    CHECK((pointers.empty() && moved.size() == 1));
    moved.insert(moved.begin(), std::move(second));
    pointers = std::move(moved);
    CHECK((moved.empty() && pointers.size() == 2 && *pointers.front() == 2 && *pointers[1] == 1));
}

}  // namespace one_or_more_tests
