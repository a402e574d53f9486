#include <comoq/detail/request/handler_lanes.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <comoq/detail/request/request_table.hpp>
#include <comoq/path.hpp>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace handler_lanes_tests {

using comoq::Error;
using comoq::Path;
using comoq::detail::HandlerLanes;
using comoq::detail::WakeList;

namespace {

using Requests = comoq::detail::RequestTable<std::string, int>;
using EntryPtr = Requests::EntryPtr;
using LaneHandler = comoq::detail::LaneHandler<Requests>;

/// The number of parts of the handler's longest prefix of `path`; nothing if none of its prefixes covers it.
std::optional<std::size_t> reach(const LaneHandler &handler, const std::string &path) {
    std::optional<std::size_t> longest;
    for (const Path &prefix : handler.prefixes) {
        if (Path(path).has_prefix(prefix)) {
            longest = std::max(longest.value_or(0), static_cast<std::size_t>(std::distance(prefix.begin(), prefix.end())));
        }
    }
    return longest;
}

/// Requests and handlers in lanes, compared with plain lists of them: requests oldest first.
class Checked {
public:
    explicit Checked(std::mt19937_64 &random) : random_(random) {}
    ~Checked() {
        WakeList wake;
        for (auto &handler : handlers_) {
            lanes_.remove(*handler, requests_, wake);
        }
    }

    void step() {
        WakeList wake;
        switch (random_() % 8) {
        case 0: add_handler(); break;
        case 1: remove_handler(wake); break;
        case 2: withdraw(wake); break;
        case 3: settle(wake); break;
        case 4:
        case 5: take(); break;
        default: ask(); break;
        }
    }

    /// Each handler finds the request that the rule gives it.
    void check() {
        REQUIRE(requests_.size() == queued_.size() + taken_);
        for (const auto &handler : handlers_) {
            const auto *queue = lanes_.oldest_for(*handler);
            const auto expected = due(*handler);
            REQUIRE((queue != nullptr) == (expected != nullptr));
            if (expected != nullptr) {
                REQUIRE(queue->front() == expected.get());
            }
        }
        for (const auto &path : paths()) {
            REQUIRE((lanes_.lane_of(path) != nullptr) == covered(path));
        }
        REQUIRE(lanes_.empty() == handlers_.empty());
    }

private:
    static const std::vector<std::string> &paths() {
        static const std::vector<std::string> all = {"", "a", "ab", "a/b", "a/b/c", "a/b/c/d", "a/bc", "a/c", "b", "b/c/d"};
        return all;
    }
    const std::string &any_path() { return paths()[random_() % paths().size()]; }

    bool covered(const std::string &path) const {
        return std::any_of(handlers_.begin(), handlers_.end(),
                           [&](const auto &handler) { return reach(*handler, path).has_value(); });
    }

    /// The oldest queued request that `handler` covers and no other one covers with a longer prefix.
    EntryPtr due(const LaneHandler &handler) const {
        for (const auto &entry : queued_) {
            const auto own = reach(handler, entry->key());
            const bool best = own && std::none_of(handlers_.begin(), handlers_.end(), [&](const auto &other) {
                                  return reach(*other, entry->key()) > own;
                              });
            if (best) {
                return entry;
            }
        }
        return nullptr;
    }

    void add_handler() {
        // As in a view, no prefix contains another.
        std::vector<Path> prefixes;
        for (auto count = 1 + random_() % 3; count != 0; --count) {
            const Path prefix = any_path();
            const bool apart = std::none_of(prefixes.begin(), prefixes.end(), [&](const Path &other) {
                return prefix.has_prefix(other) || other.has_prefix(prefix);
            });
            if (apart) {
                prefixes.push_back(prefix);
            }
        }
        handlers_.push_back(std::make_unique<LaneHandler>(prefixes));
        lanes_.add(*handlers_.back());
    }

    void remove_handler(WakeList &wake) {
        if (handlers_.empty()) {
            return;
        }
        const auto place = handlers_.begin() + static_cast<std::ptrdiff_t>(random_() % handlers_.size());
        const auto handler = std::move(*place);
        handlers_.erase(place);
        lanes_.remove(*handler, requests_, wake);
        std::erase_if(queued_, [&](const EntryPtr &entry) {
            REQUIRE(entry->settled() == !covered(entry->key()));
            if (entry->settled()) {
                REQUIRE(entry->outcome().ec == Error::NotFound);
            }
            return entry->settled();
        });
    }

    void ask() {
        const auto &path = any_path();
        auto *lane = lanes_.lane_of(path);
        if (lane != nullptr && requests_.find(path) == nullptr) {
            queued_.push_back(requests_.open(path, lane->queue));
        }
    }

    void withdraw(WakeList &wake) {
        if (!queued_.empty()) {
            const auto place = queued_.begin() + static_cast<std::ptrdiff_t>(random_() % queued_.size());
            static_cast<void>(requests_.leave(**place, wake));
            queued_.erase(place);
        }
    }

    void settle(WakeList &wake) {
        if (!queued_.empty()) {
            const auto place = queued_.begin() + static_cast<std::ptrdiff_t>(random_() % queued_.size());
            REQUIRE(requests_.settle(**place, comoq::detail::Outcome<int>(std::in_place, 1), wake));
            queued_.erase(place);
        }
    }

    void take() {
        if (handlers_.empty()) {
            return;
        }
        auto &handler = *handlers_[random_() % handlers_.size()];
        const auto expected = due(handler);
        if (auto *queue = lanes_.oldest_for(handler)) {
            REQUIRE(requests_.take(*queue) == expected);
            std::erase(queued_, expected);
            ++taken_;
        }
    }

    std::mt19937_64 &random_;
    Requests requests_;
    HandlerLanes<Requests> lanes_;
    std::vector<EntryPtr> queued_;
    std::size_t taken_ = 0;
    std::vector<std::unique_ptr<LaneHandler>> handlers_;
};

}  // namespace

TEST_CASE("section 5 rule 5: in any history of handlers each finds the request that the plain rule gives it", "[handler_lanes]") {
    std::mt19937_64 random(comoq::test::seed("handler_lanes"));
    for (int history = 0; history < 2000; ++history) {
        Checked checked(random);
        for (auto steps = random() % 40; steps != 0; --steps) {
            checked.step();
            checked.check();
        }
    }
}

TEST_CASE("section 5 rule 5: lanes leave nothing behind when their handlers are gone", "[handler_lanes]") {
    Requests requests;
    HandlerLanes<Requests> lanes;
    WakeList wake;
    LaneHandler first({"a", "b"}), second({"a/b", "b"});
    lanes.add(first);
    lanes.add(second);
    CHECK_FALSE(lanes.empty());
    lanes.remove(first, requests, wake);
    CHECK(lanes.lane_of("a") == nullptr);
    CHECK(lanes.lane_of("b/x") != nullptr);
    lanes.remove(second, requests, wake);
    CHECK(lanes.empty());
    lanes.remove(second, requests, wake);
    CHECK(lanes.copies() == 0);
}

}
