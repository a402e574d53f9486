#include <comoq/detail/origin/origin_view.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace origin_view_tests {

using comoq::Path;
using comoq::detail::OriginView;

namespace {

/// Every path of up to four parts, each of which is one of three.
const std::vector<Path> &universe() {
    static const auto all = [] {
        std::vector<Path> paths = {Path()};
        for (std::size_t i = 0; i < paths.size(); ++i) {
            if (std::distance(paths[i].begin(), paths[i].end()) < 4) {
                for (const char *part : {"a", "b", "ab"}) {
                    paths.push_back(paths[i].join(part));
                }
            }
        }
        return paths;
    }();
    return all;
}

std::set<Path> covered(const OriginView &view) {
    std::set<Path> paths;
    for (const auto &path : universe()) {
        if (view.covers(path.view())) {
            paths.insert(path);
        }
    }
    return paths;
}

std::set<Path> below(const std::set<Path> &paths, const std::vector<Path> &prefixes) {
    std::set<Path> found;
    for (const auto &path : paths) {
        if (std::any_of(prefixes.begin(), prefixes.end(), [&](const Path &prefix) { return path.has_prefix(prefix); })) {
            found.insert(path);
        }
    }
    return found;
}

}  // namespace

TEST_CASE("section 4: a view covers the common part of its own prefixes and those of the views before it", "[origin_view]") {
    std::mt19937_64 random(comoq::test::seed("origin_view"));
    const auto any = [&] { return universe()[random() % universe().size()]; };
    for (int history = 0; history < 300; ++history) {
        auto view = std::make_shared<const OriginView>();
        auto expected = covered(*view);
        REQUIRE(expected.size() == universe().size());
        for (int step = 0; step < 4; ++step) {
            std::shared_ptr<const OriginView> next;
            if (random() % 2 == 0) {
                std::vector<Path> prefixes, absolute;
                for (auto count = random() % 5; count != 0; --count) {
                    prefixes.push_back(random() % 2 == 0 ? any() : Path(random() % 2 == 0 ? "a" : "b"));
                    absolute.push_back(view->root().join(prefixes.back()));
                }
                next = view->scope(prefixes);
                expected = below(expected, absolute);
                if (next != nullptr) {
                    REQUIRE(next->root() == view->root());
                }
            } else {
                const Path root = view->root().join(random() % 2 == 0 ? any() : Path("a"));
                next = view->with_root(root.strip_prefix(view->root())->view());
                expected = below(expected, {root});
                if (next != nullptr) {
                    REQUIRE(next->root() == root);
                }
            }
            if (next == nullptr) {
                REQUIRE(expected.empty());
                break;
            }
            REQUIRE(covered(*next) == expected);
            for (const auto &one : next->allowed()) {
                REQUIRE(one.has_prefix(next->root()));
                REQUIRE(std::count_if(next->allowed().begin(), next->allowed().end(),
                                      [&](const Path &other) { return one.has_prefix(other); }) == 1);
            }
            const auto relative = next->relative_allowed();
            REQUIRE(relative.size() == next->allowed().size());
            for (std::size_t i = 0; i < relative.size(); ++i) {
                REQUIRE(next->root().join(relative[i]) == next->allowed()[i]);
            }
            view = next;
        }
    }
}

}
