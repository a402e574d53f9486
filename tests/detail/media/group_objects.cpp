// SPDX-License-Identifier: MIT
#include <comoq/detail/media/group_objects.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <system_error>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace group_objects_tests {

using comoq::Error;
using comoq::GroupInfo;
using comoq::detail::GroupObjects;
using comoq::test::error_of;

TEST_CASE("group objects: ids are those of a plain list, in any history of gaps and of frames that go", "[group_objects]") {
    std::mt19937_64 random(comoq::test::seed("group_objects"));
    bool same = true;
    for (int history = 0; history < 200; ++history) {
        GroupInfo info;
        info.first_object = random() % 3 == 0 ? random() % 100 : 0;
        GroupObjects objects(info);
        std::vector<std::uint64_t> plain;
        std::uint64_t next = info.first_object;
        std::size_t first = 0;
        for (int step = 0; step < 100; ++step) {
            const std::uint64_t skipped = random() % 3 == 0 ? random() % 7 : 0;
            objects.prepare(plain.size(), skipped);
            objects.skip(plain.size(), skipped);
            plain.push_back(next + skipped);
            next += skipped + 1;
            if (random() % 5 == 0) {
                first += random() % (plain.size() - first);
                objects.forget_before(first);
            }
            for (std::size_t index = first == 0 ? 0 : first - 1; index < plain.size(); ++index)
                same = same && objects.id_of(index) == plain[index];
            same = same && objects.id_of(plain.size()) == next;
        }
    }
    CHECK(same);
}

TEST_CASE("group objects: an id beyond the highest is refused, and the highest is not", "[group_objects]") {
    GroupObjects objects(GroupInfo{.first_object = GroupObjects::highest - 5});
    CHECK(error_of([&] { objects.prepare(0, 6); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { objects.prepare(0, ~std::uint64_t{0}); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { objects.prepare(6, 0); }) == Error::BoundsExceeded);
    CHECK_FALSE(error_of([&] { objects.prepare(0, 5); }));
    objects.skip(0, 5);
    CHECK(objects.id_of(0) == GroupObjects::highest);
}

}
