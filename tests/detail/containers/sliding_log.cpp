#include <comoq/detail/containers/sliding_log.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace sliding_log_tests {

using comoq::detail::SlidingLog;

TEST_CASE("a sliding log behaves like a plain queue in any history, and its indices count on", "[sliding_log]") {
    std::mt19937_64 random(comoq::test::seed("sliding_log"));
    bool same = true;
    for (int history = 0; history < 200; ++history) {
        SlidingLog<std::size_t> log;
        std::deque<std::size_t> plain;
        std::size_t first = 0;
        const auto bias = random() % 4;
        for (std::size_t step = 0; step < 200; ++step) {
            if (random() % 4 <= bias || plain.empty()) {
                same = same && log.push(step) == step;
                plain.push_back(step);
            } else {
                same = same && log.pop_front() == plain.front();
                plain.pop_front();
                ++first;
            }
            same = same && log.first() == first && log.size() == plain.size() && log.end() == first + plain.size();
            if (!plain.empty()) {
                const auto at = random() % plain.size();
                same = same && log[first + at] == plain[at];
            }
        }
        same = same && std::equal(log.begin_items(), log.end_items(), plain.begin(), plain.end());
        const auto released = log.release();
        same = same && std::equal(plain.rbegin(), plain.rend(), released.rbegin());
        same = same && log.first() == first + plain.size() && log.size() == 0;
        same = same && log.push(7u) == 7 && log[first + plain.size()] == 7;
    }
    CHECK(same);
}

TEST_CASE("a sliding log's memory is in proportion to its items", "[sliding_log]") {
    SlidingLog<std::shared_ptr<int>> log;
    const auto item = std::make_shared<int>(0);
    for (int i = 0; i < 3; ++i) log.push(item);
    for (int i = 0; i < 10'000; ++i) {
        log.push(item);
        log.pop_front();
    }
    CHECK(item.use_count() == 4);
    CHECK(log.release().size() <= 2 * 4);
}

}
