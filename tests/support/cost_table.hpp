/// \file The cost table of tests/README.md, and the measurements for it: only the table has the figures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::test {

struct CostRow {
    std::string thing;
    // Bytes for one of them.
    double sent = 0, held = 0;
    double held_for_each = 0;  // byte that is sent
    std::string bound;
    std::uint64_t limit = 0;
    std::string at_the_bound;
};

const std::vector<CostRow> &cost_table();
/// Throws if the table has no such row.
const CostRow &cost_row(std::string_view thing);

/// The cost of `count` more of a thing, all together.
struct Taken {
    double sent = 0, held = 0;
    Taken &operator-=(const Taken &other) {
        sent -= other.sent;
        held -= other.held;
        return *this;
    }
};
/// Measures a thing: `with(count)` makes a scene of its own, has a peer send that many, and returns their cost. The
/// table speaks of the difference between `count` and twice that many. Checks that it is at most a quarter more than
/// the row says, and that the limit there is `limit`.
void check_cost(std::string_view thing, std::uint64_t limit, std::size_t count, const std::function<Taken(std::size_t)> &with);

/// Checks that nothing more is held beyond a bound: `growth` bytes are noise, at most a hundredth of the memory at the
/// bound, or 16 KiB.
void check_flat(std::string_view thing, double at_the_bound, double growth);

}  // namespace comoq::test
