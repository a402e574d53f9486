// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace comoq::detail {

/// The order of a walk through a tree of paths: a path comes before the paths below it, and those follow it without a
/// break.
constexpr bool path_before(std::string_view left, std::string_view right) noexcept {
    const auto [at_left, at_right] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
    if (at_right == right.end()) return false;
    if (at_left == left.end()) return true;
    if (*at_left == '/' || *at_right == '/') return *at_left == '/';
    return static_cast<unsigned char>(*at_left) < static_cast<unsigned char>(*at_right);
}

/// Nodes, which it does not own, in the order of their paths. An origin without sessions does not need it: it is empty,
/// and costs nothing, until `begin` is called once.
template <class Node> class PathOrder {
    struct Before {
        using is_transparent = void;
        bool operator()(const Node *left, const Node *right) const noexcept { return path_before(left->path, right->path); }
        bool operator()(const Node *left, std::string_view right) const noexcept { return path_before(left->path, right); }
        bool operator()(std::string_view left, const Node *right) const noexcept { return path_before(left, right->path); }
    };
    using Nodes = std::set<const Node *, Before>;

public:
    bool has_begun() const noexcept { return nodes_.has_value(); }
    /// `fill(add)` adds the existing nodes. Throws std::bad_alloc, and then it has not begun.
    template <class Fill> void begin(Fill fill) {
        Nodes nodes;
        fill([&nodes](const Node &node) { nodes.insert(&node); });
        nodes_.emplace(std::move(nodes));
    }

    void insert(const Node &node) {
        if (nodes_) nodes_->insert(&node);
    }
    void erase(const Node &node) noexcept {
        if (nodes_) nodes_->erase(&node);
    }
    void clear() noexcept { nodes_.reset(); }

    /// Visits the nodes from `path` on, without that one if `after`, until `visit` returns false.
    template <class Visit> void walk(std::string_view path, bool after, Visit visit) const {
        if (!nodes_) return;
        for (auto at = after ? nodes_->upper_bound(path) : nodes_->lower_bound(path); at != nodes_->end(); ++at)
            if (!visit(**at)) return;
    }

private:
    std::optional<Nodes> nodes_;
};

}  // namespace comoq::detail
