// SPDX-License-Identifier: MIT
#pragma once
#include "../../path.hpp"
#include "announce_tree.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Another way to look at a tree, or to watch it, for a watcher that must not hold a copy of it. It walks through the announcements in
/// the order of paths, a few steps at a time, and its watch tells of changes only, below prefixes that may change. All
/// under the origin's lock.
class AnnounceWalk {
public:
    using Watch = AnnounceTree::Watch;
    using Node = AnnounceTree::Node;

    /// `watch` is told of changes below these prefixes, none of which contains another, and below no others; existing
    /// announcements are not replayed. Without prefixes it stops watching the tree. Throws std::bad_alloc, and then
    /// nothing has changed.
    static void set_prefixes(AnnounceTree &tree, Watch &watch, std::span<const Path> prefixes) {
        if (prefixes.empty()) return tree.unwatch(watch);
        if (!tree.in_order_.has_begun()) begin_order(tree);
        const auto wanted = [&](const auto &point) {
            return std::any_of(prefixes.begin(), prefixes.end(), [&](const Path &one) { return one.view() == point->node->path; });
        };
        auto &points = watch.points_;
        points.reserve(points.size() + prefixes.size());
        const bool is_new = points.empty();
        const auto before = static_cast<std::ptrdiff_t>(points.size());
        try {
            for (const Path &prefix : prefixes) add(tree, watch, prefix.view(), static_cast<std::size_t>(before));
        } catch (...) {
            remove(tree, watch, points.begin() + before, points.end());
            throw;
        }
        if (is_new) {
            ++tree.watchers_;
            tree.watches_.push_back(watch);
        }
        const auto left = std::partition(points.begin(), points.begin() + before, wanted);
        remove(tree, watch, left, points.begin() + before);
    }

    /// Visits the announcements below `prefix` that `watch` may see, in the order of paths, from `from` on, or from the
    /// one after it if `after`. Calls `visit(first, shown)` with the first publication of each path, and the first that
    /// the watch may see, or null, until it returns false. True if that was all.
    template <class Visit>
    static bool walk(const AnnounceTree &tree, const Watch &watch, std::string_view prefix, std::string_view from, bool after,
                     Visit visit) {
        bool all = true;
        tree.in_order_.walk(from, after, [&](const Node &node) {
            if (!has_prefix(node.path, prefix)) return false;
            const auto &there = node.publications;
            all = visit(std::as_const(*there.front()), AnnounceTree::first_shown(node, 0, there.size(), watch));
            return all;
        });
        return all;
    }

    /// Whether any publisher answers for the paths below its own.
    static bool has_sources(const AnnounceTree &tree) noexcept { return tree.prefix_sources_ != 0; }

    /// Finds the publisher of the longest announced path above this one; it answers for the paths below its own. Null if no path
    /// above this one is announced, or none of at least `shortest` bytes.
    static std::shared_ptr<PrefixSource> source_above(const AnnounceTree &tree, std::string_view path, std::size_t shortest,
                                                      std::span<const std::uint64_t> excluded_hops) noexcept {
        if (!has_sources(tree)) return nullptr;
        while (!path.empty()) {
            path = parent(path);
            if (path.size() < shortest) break;
            const Node *node = tree.find(HashedText(path));
            if (node == nullptr) continue;
            for (const auto &each : node->publications)
                if (each->shown_without(excluded_hops) && !each->broadcast->closed())
                    if (auto source = each->below.lock()) return source;
        }
        return nullptr;
    }

private:
    using Points = std::vector<std::unique_ptr<AnnounceTree::WatchPoint>>;

    static void begin_order(AnnounceTree &tree) {
        tree.in_order_.begin([&](auto add) {
            const auto announced = [&](const Node &node) {
                if (!node.publications.empty()) add(node);
            };
            announced(tree.root_);
            tree.nodes_.for_each(announced);
        });
    }
    static void add(AnnounceTree &tree, Watch &watch, std::string_view prefix, std::size_t before) {
        auto &points = watch.points_;
        for (std::size_t i = 0; i < before; ++i)
            if (points[i]->node->path == prefix) return;
        auto point = std::make_unique<AnnounceTree::WatchPoint>(watch);
        Node &node = tree.reach(prefix);
        point->node = &node;
        node.watches.push_back(*point);
        points.push_back(std::move(point));  // for which there is room
    }
    static void remove(AnnounceTree &tree, Watch &watch, Points::iterator begin, Points::iterator end) noexcept {
        for (auto point = begin; point != end; ++point) {
            (*point)->node->watches.remove(**point);
            tree.prune((*point)->node);
        }
        watch.points_.erase(begin, end);
    }
};

}  // namespace comoq::detail
