#include "support/cost_table.hpp"

#include "support/catch.hpp"
#include "support/heap.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace comoq::test {

namespace {

std::string trimmed(std::string text) {
    const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
    text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
    text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
    return text;
}

std::vector<std::string> cells_of(const std::string &line) {
    std::vector<std::string> cells;
    for (std::size_t begin = 1; begin < line.size();) {
        const auto end = std::min(line.find('|', begin), line.size());
        cells.push_back(trimmed(line.substr(begin, end - begin)));
        begin = end + 1;
    }
    return cells;
}

/// "16,384", "1 MiB", "0.5": the leading number, and its unit.
double number_of(const std::string &cell) {
    std::string digits;
    std::size_t at = 0;
    for (; at < cell.size() && (std::isdigit(static_cast<unsigned char>(cell[at])) || cell[at] == ',' || cell[at] == '.'); ++at) {
        if (cell[at] != ',') digits += cell[at];
    }
    if (digits.empty()) throw std::runtime_error("no number in the cost table: " + cell);
    const double value = std::strtod(digits.c_str(), nullptr);
    const auto unit = trimmed(cell.substr(at));
    if (unit.starts_with("KiB")) return value * 1024;
    if (unit.starts_with("MiB")) return value * 1024 * 1024;
    if (unit.starts_with("GiB")) return value * 1024 * 1024 * 1024;
    return value;
}

std::vector<CostRow> read_table() {
    std::ifstream file(std::string(COMOQ_TESTS_DIRECTORY) + "/README.md");
    std::vector<CostRow> rows;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| what a peer sends |")) {
            inside = true;
        } else if (!line.starts_with("|")) {
            inside = false;
        } else if (inside && !line.starts_with("|-")) {
            const auto cells = cells_of(line);
            if (cells.size() != 7) throw std::runtime_error("not seven cells in the cost table: " + line);
            rows.push_back({cells[0], number_of(cells[1]), number_of(cells[2]), number_of(cells[3]), cells[4],
                            static_cast<std::uint64_t>(number_of(cells[5])), cells[6]});
        }
    }
    if (rows.empty()) throw std::runtime_error("there is no cost table in tests/README.md");
    return rows;
}

constexpr double margin = 1.25;

}  // namespace

const std::vector<CostRow> &cost_table() {
    static const auto rows = read_table();
    return rows;
}

const CostRow &cost_row(std::string_view thing) {
    const auto &rows = cost_table();
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const CostRow &row) { return row.thing == thing; });
    if (found == rows.end()) throw std::runtime_error("no row in the cost table: " + std::string(thing));
    return *found;
}

void check_cost(std::string_view thing, std::uint64_t limit, std::size_t count, const std::function<Taken(std::size_t)> &with) {
    const auto once = with(count);
    auto more = with(2 * count);
    more -= once;
    const double sent = more.sent / static_cast<double>(count), held = more.held / static_cast<double>(count);
    // For updates of the table.
    if (std::getenv("COMOQ_TEST_COSTS") != nullptr)
        std::printf("| %s | %.1f | %.0f | %.2f | limit %llu\n", std::string(thing).c_str(), sent, held, held / sent,
                    static_cast<unsigned long long>(limit));
    const auto &row = cost_row(thing);
    INFO(thing << ": " << sent << " bytes sent, " << held << " held");
    CHECK(sent <= margin * row.sent);
    CHECK(row.sent <= margin * sent);
    CHECK(held <= margin * row.held);
    CHECK(held / sent <= margin * row.held_for_each);
    CHECK(row.held / row.sent <= margin * row.held_for_each);
    CHECK(row.held_for_each <= margin * row.held / row.sent);
    CHECK_FALSE(row.bound.empty());
    CHECK_FALSE(row.at_the_bound.empty());
    CHECK(row.limit == limit);
}

void check_flat(std::string_view thing, double at_the_bound, double growth) {
    if (std::getenv("COMOQ_TEST_COSTS") != nullptr)
        std::printf("  %s: %.0f at the bound, %.0f more beyond it\n", std::string(thing).c_str(), at_the_bound, growth);
    INFO(thing << ": " << at_the_bound << " bytes at the bound, " << growth << " more beyond it");
    CHECK(growth <= std::max(at_the_bound / 100, 16.0 * 1024));
}

}  // namespace comoq::test
