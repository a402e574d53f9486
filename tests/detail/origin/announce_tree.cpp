#include <comoq/detail/origin/announce_tree.hpp>
#include <comoq/detail/origin/route_update.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/path.hpp>

#include "support/catch.hpp"
#include "support/origin_fixture.hpp"
#include "support/seed.hpp"

namespace announce_tree_tests {

using namespace comoq;
using namespace comoq::test;
using detail::AnnounceTree;
using detail::WakeList;

namespace {

/// The test publishes it, and takes it off the tree itself.
class Publication final : public AnnounceTree::Publication {
public:
    using AnnounceTree::Publication::Publication;
    void ended() noexcept override {}
};

std::shared_ptr<Publication> publication(std::string_view path, const BroadcastProducer &broadcast) {
    return std::make_shared<Publication>(path, broadcast.consume().state(detail::Passkey()));
}

using BroadcastPtr = std::shared_ptr<detail::BroadcastState>;

/// A watcher that records its changes, and rejects impossible ones.
struct Watcher {
    explicit Watcher(std::set<std::string> watched) : prefixes(std::move(watched)) {}

    bool sees(const std::string &path) const {
        return std::any_of(prefixes.begin(), prefixes.end(),
                           [&](const std::string &prefix) { return Path(path).has_prefix(prefix); });
    }
    void drain(std::size_t most) {
        for (; most != 0 && !watch.queue.empty(); --most) {
            const auto change = watch.queue.pop();
            const auto known = told.find(*change.path);
            const bool active = change.event == detail::WatchQueue::Event::Active;
            REQUIRE((known == told.end()) == active);
            if (change.event == detail::WatchQueue::Event::Ended) {
                told.erase(known);
            } else {
                told[*change.path] = change.broadcast;
            }
        }
    }

    const std::set<std::string> prefixes;
    AnnounceTree::Watch watch;
    std::map<std::string, BroadcastPtr> told;
};

struct Awaiting {
    std::string path;
    AnnounceTree::Await await;
    BroadcastPtr expected;
};

/// A tree beside plain lists of everything in it.
class Checked {
public:
    explicit Checked(std::mt19937_64 &random) : random_(random) {}

    void step() {
        WakeList wake;
        switch (random_() % 9) {
        case 0:
        case 1:
        case 2: publish(wake); break;
        case 3:
        case 4: unpublish(wake); break;
        case 5: watch(); break;
        case 6: await(); break;
        case 7: leave(); break;
        case 8: change_route(wake); break;
        }
    }

    void check() {
        std::set<std::string> paths, nodes;
        std::map<std::string, BroadcastPtr> active;
        const auto add_nodes = [&](std::string_view path) {
            for (; !path.empty(); path = path.substr(0, path.rfind('/') == path.npos ? 0 : path.rfind('/'))) {
                nodes.emplace(path);
            }
        };
        for (const auto &[path, one] : published_) {
            paths.insert(path);
            add_nodes(path);
            const auto best = std::min_element(published_.begin(), published_.end(), [&](const auto &a, const auto &b) {
                return std::tuple(a.first != path, hops(a)) < std::tuple(b.first != path, hops(b));
            });
            active[path] = best->second->broadcast;
            REQUIRE(tree_.published(path, *one->broadcast) == one);
        }
        std::size_t waiting = 0;
        for (const auto &watcher : watchers_) {
            std::for_each(watcher->prefixes.begin(), watcher->prefixes.end(), add_nodes);
        }
        for (const auto &one : awaiting_) {
            REQUIRE(one->await.settled == (one->expected != nullptr));
            REQUIRE(one->await.broadcast == one->expected);
            if (!one->expected) {
                ++waiting;
                add_nodes(one->path);
            }
        }
        REQUIRE(tree_.announced() == paths.size());
        REQUIRE(tree_.nodes() == nodes.size());
        REQUIRE(tree_.watchers() == watchers_.size() + waiting);
        for (const auto &path : all_paths()) {
            const auto found = active.find(path);
            REQUIRE(tree_.active(path) == (found != active.end() ? found->second : nullptr));
        }
        for (const auto &watcher : watchers_) {
            if (random_() % 3 != 0) {
                watcher->drain(random_() % 3);
                continue;
            }
            watcher->drain(1000);
            auto seen = active;
            std::erase_if(seen, [&](const auto &one) { return !watcher->sees(one.first); });
            REQUIRE(watcher->told == seen);
        }
    }

    void remove_everything() {
        WakeList wake;
        while (!published_.empty()) {
            unpublish(wake);
        }
        while (!watchers_.empty() || !awaiting_.empty()) {
            leave();
        }
        REQUIRE(tree_.nodes() == 0);
        REQUIRE(tree_.announced() == 0);
        REQUIRE(tree_.watchers() == 0);
    }

private:
    using Published = std::pair<std::string, std::shared_ptr<Publication>>;

    static std::size_t hops(const Published &one) { return one.second->info()->hops.size(); }

    static const std::vector<std::string> &all_paths() {
        static const std::vector<std::string> paths = {"",    "a",     "ab",    "a/b",   "a/b/c",   "a/b/d",
                                                       "a/c", "a/b-c", "b/c/d", "b/c/e", "b/c/e/f", "c/d/e/f/g"};
        return paths;
    }
    const std::string &any_path() { return all_paths()[random_() % all_paths().size()]; }

    // No two of one path have the same number of hops, so that the active one is obvious.
    std::size_t free_count(const std::string &path) {
        const auto taken = [&](std::size_t count) {
            return std::any_of(published_.begin(), published_.end(),
                               [&](const Published &one) { return one.first == path && hops(one) == count; });
        };
        auto count = static_cast<std::size_t>(random_() % 4);
        while (taken(count)) {
            ++count;
        }
        return count;
    }
    void change_route(WakeList &wake) {
        if (published_.empty()) {
            return;
        }
        const auto &[path, one] = published_[random_() % published_.size()];
        const std::vector<std::uint64_t> hops(free_count(path));
        detail::RouteUpdate::apply(tree_, *one, std::make_shared<const BroadcastInfo>(hops), wake);
    }
    void publish(WakeList &wake) {
        const auto &path = any_path();
        const auto count = free_count(path);
        broadcasts_.push_back(broadcast_with_hops(std::vector<std::uint64_t>(count)));
        auto one = publication(path, broadcasts_.back());
        tree_.add(one, wake);
        published_.emplace_back(path, one);
        for (auto &waiting : awaiting_) {
            if (waiting->path == path && !waiting->expected) {
                waiting->expected = one->broadcast;
            }
        }
    }

    void unpublish(WakeList &wake) {
        if (published_.empty()) {
            return;
        }
        const auto place = published_.begin() + static_cast<std::ptrdiff_t>(random_() % published_.size());
        const auto one = place->second;
        published_.erase(place);
        REQUIRE(one->in_tree());
        tree_.remove(*one, wake);
        REQUIRE_FALSE(one->in_tree());
        tree_.remove(*one, wake);
    }

    void watch() {
        std::set<std::string> prefixes = {any_path()};
        if (const auto &other = any_path();
            !Path(other).has_prefix(*prefixes.begin()) && !Path(*prefixes.begin()).has_prefix(other)) {
            prefixes.insert(other);
        }
        auto watcher = std::make_unique<Watcher>(prefixes);
        for (const auto &prefix : prefixes) {
            tree_.watch(watcher->watch, prefix);
        }
        watchers_.push_back(std::move(watcher));
    }

    void await() {
        const auto &path = any_path();
        if (tree_.active(path) != nullptr) {
            return;
        }
        auto waiting = std::make_unique<Awaiting>();
        waiting->path = path;
        tree_.await(waiting->await, path);
        awaiting_.push_back(std::move(waiting));
    }

    void leave() {
        if (!watchers_.empty()) {
            const auto place = watchers_.begin() + static_cast<std::ptrdiff_t>(random_() % watchers_.size());
            tree_.unwatch((*place)->watch);
            watchers_.erase(place);
        }
        if (!awaiting_.empty()) {
            const auto place = awaiting_.begin() + static_cast<std::ptrdiff_t>(random_() % awaiting_.size());
            tree_.forget((*place)->await);
            awaiting_.erase(place);
        }
    }

    std::mt19937_64 &random_;
    AnnounceTree tree_;
    std::vector<BroadcastProducer> broadcasts_;
    std::vector<Published> published_;
    std::vector<std::unique_ptr<Watcher>> watchers_;
    std::vector<std::unique_ptr<Awaiting>> awaiting_;
};

}  // namespace

TEST_CASE("section 4: the announce tree behaves like plain lists of its contents", "[announce_tree]") {
    std::mt19937_64 random(seed("announce_tree"));
    for (int history = 0; history < 400; ++history) {
        Checked checked(random);
        for (auto steps = random() % 60; steps != 0; --steps) {
            checked.step();
            checked.check();
        }
        checked.remove_everything();
    }
}

TEST_CASE("section 4: the end of the tree ends watches, refuses awaited announcements, and leaves no node", "[announce_tree]") {
    AnnounceTree tree;
    const auto one = broadcast_with_hops(), backup = broadcast_with_hops({1});
    const std::vector<std::shared_ptr<Publication>> published = {publication("a/b", one), publication("a/b", backup),
                                                                 publication("", one), publication("c", one)};
    WakeList wake;
    for (const auto &publication : published) {
        tree.add(publication, wake);
    }
    AnnounceTree::Watch watch;
    tree.watch(watch, "a");
    tree.watch(watch, "d/e");
    AnnounceTree::Await await, root;
    tree.await(await, "c/d");
    {
        auto remains = tree.clear(make_error_code(Error::Dropped), wake);
        std::size_t count = 0;
        remains.for_each([&](AnnounceTree::Publication &) { ++count; });
        CHECK(count == 4);
    }
    CHECK(watch.ended);
    CHECK(await.settled);
    CHECK(await.refusal == Error::Dropped);
    CHECK(tree.nodes() == 0);
    CHECK(tree.announced() == 0);
    CHECK(tree.watchers() == 0);
    for (const auto &publication : published) {
        CHECK_FALSE(publication->in_tree());
        tree.remove(*publication, wake);
    }
    tree.unwatch(watch);
    tree.forget(await);
    CHECK(tree.active("") == nullptr);
}

TEST_CASE("section 4: a broadcast that is closing at this moment has lost its place to the best backup",
          "[announce_tree]") {
    AnnounceTree tree;
    auto closing = broadcast_with_hops(), next = broadcast_with_hops({1});
    const auto first = publication("a", closing), second = publication("a", next);
    WakeList wake;
    tree.add(first, wake);
    tree.add(second, wake);
    closing.finish();
    CHECK(tree.active("a") == next.consume().state(detail::Passkey()));
    next.finish();
    CHECK(tree.active("a") == nullptr);
    tree.remove(*first, wake);
    tree.remove(*second, wake);
}

TEST_CASE("section 4: announced_broadcast passes over a broadcast that is just closing, and gives the next in rank",
          "[announce_tree]") {
    AnnounceTree tree;
    auto closing = broadcast_with_hops();
    const auto next = broadcast_with_hops({1});
    const auto first = publication("a", closing), second = publication("a", next);
    WakeList wake;
    tree.add(first, wake);
    closing.finish();
    AnnounceTree::Await await;
    tree.await(await, "a");
    tree.add(second, wake);
    CHECK(await.settled);
    CHECK(await.broadcast == next.consume().state(detail::Passkey()));
    tree.remove(*first, wake);
    tree.remove(*second, wake);
    tree.forget(await);
    CHECK(tree.nodes() == 0);
}

}
