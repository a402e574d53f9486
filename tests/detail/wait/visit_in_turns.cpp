#include <comoq/detail/wait/visit_in_turns.hpp>

#include <cstddef>
#include <map>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "support/begun.hpp"
#include "support/catch.hpp"

namespace visit_in_turns_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::visit_in_turns;

TEST_CASE("visit_in_turns: each entry is visited once, in order, and others have their turn after sixty-four", "[wait]") {
    asio::io_context context;
    std::map<int, int> map;
    for (int i = 0; i != 200; ++i) map.emplace(10 * i, i);
    std::vector<int> visited;
    std::vector<std::size_t> seen_by_others;
    const auto visit = [&](int &value) {
        // Each visit gives another task its turn.
        if (visited.size() % 64 == 0) asio::post(context, [&] { seen_by_others.push_back(visited.size()); });
        visited.push_back(value);
    };
    Begun<void> visiting(context, visit_in_turns(map, visit));
    CHECK(visiting.done());
    REQUIRE(visited.size() == 200);
    for (int i = 0; i != 200; ++i) CHECK(visited[static_cast<std::size_t>(i)] == i);
    CHECK(seen_by_others == std::vector<std::size_t>{64, 128, 192, 200});
}

TEST_CASE("visit_in_turns: entries may come and go between the turns", "[wait]") {
    asio::io_context context;
    std::map<int, int> map;
    for (int i = 0; i != 100; ++i) map.emplace(10 * i, i);
    std::vector<int> visited;
    const auto visit = [&](int &value) {
        if (visited.empty()) {
            asio::post(context, [&] {
                // The last one that was visited goes, one behind it, and one ahead. One comes ahead, and one behind.
                map.erase(10 * 63);
                map.erase(10 * 3);
                map.erase(10 * 70);
                map.emplace(10 * 80 + 5, -1);
                map.emplace(5, -2);
            });
        }
        visited.push_back(value);
    };
    Begun<void> visiting(context, visit_in_turns(map, visit));
    CHECK(visiting.done());
    std::vector<int> expected;
    for (int i = 0; i != 100; ++i) {
        if (i != 70) expected.push_back(i);
        if (i == 80) expected.push_back(-1);
    }
    CHECK(visited == expected);
}

}  // namespace visit_in_turns_tests
