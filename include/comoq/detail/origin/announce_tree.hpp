// SPDX-License-Identifier: MIT
#pragma once
#include "../media/broadcast_state.hpp"
#include "../wait/end_hooks.hpp"
#include "../containers/hash_index.hpp"
#include "../containers/intrusive_list.hpp"
#include "../containers/one_or_more.hpp"
#include "../text/path_text.hpp"
#include "path_order.hpp"
#include "prefix_source.hpp"
#include "publication_route.hpp"
#include "watch_queue.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The publishers and the watchers of each path. It holds no lock and wakes nobody: the origin does, around its calls.
///
/// One hash table finds every node by its whole path, so that a look-up costs the same however deep or full the tree
/// is. A node knows its parent, for the watchers above it, and its children, for a new watcher's replay. A node exists
/// while it has something of its own or a child.
class AnnounceTree {
public:
    friend class AnnounceWalk;
    friend class RouteUpdate;
    struct Node;
    using ExcludedHops = std::span<const std::uint64_t>;

    /// One broadcast at one path.
    class Publication : public EndHook {
    public:
        Publication(std::string_view path, std::shared_ptr<BroadcastState> published)
            : broadcast(std::move(published)),
              path_(std::make_shared<const std::string>(path)),
              route_(path, broadcast->info()) {}

        std::uint32_t guards = 1;
        const std::shared_ptr<BroadcastState> broadcast;
        std::weak_ptr<PrefixSource> below;  // what answers for the paths below; set before it is added
        const WatchQueue::PathText &path() const noexcept { return path_; }
        const std::shared_ptr<const BroadcastInfo> &info() const noexcept { return route_.info; }
        bool in_tree() const noexcept { return node_ != nullptr; }
        bool shown_without(ExcludedHops excluded_hops) const noexcept { return route_.shown_without(excluded_hops); }

    private:
        friend class AnnounceTree;
        friend class RouteUpdate;
        const WatchQueue::PathText path_;
        PublicationRoute route_;
        Node *node_ = nullptr;
    };
    using PublicationPtr = std::shared_ptr<Publication>;
    using Publications = OneOrMore<PublicationPtr>;
    class Watch;
    struct AtNode;
    /// A watch's place at one node: it sees that node and all below it.
    class WatchPoint : public ListNode<AtNode> {
    public:
        explicit WatchPoint(Watch &owner) noexcept : watch(owner) {}
        Watch &watch;
        Node *node = nullptr;
    };

    /// One watcher: its unseen changes, and where it watches. It must be unwatched before it dies.
    class Watch : public ListNode<Watch> {
    public:
        WatchQueue queue;
        WaitList waits;
        bool ended = false;
        /// A broadcast that came through an origin with one of these ids is hidden from it.
        std::vector<std::uint64_t> excluded_hops;

    private:
        friend class AnnounceTree;
        friend class AnnounceWalk;
        std::vector<std::unique_ptr<WatchPoint>> points_;
    };

    /// A wait for exactly one path. It must be forgotten before it dies.
    class Await : public ListNode<AtNode> {
    public:
        bool settled = false;
        std::error_code refusal;
        std::shared_ptr<BroadcastState> broadcast;
        WaitList waits;
        std::vector<std::uint64_t> excluded_hops;  // as of a Watch

    private:
        friend class AnnounceTree;
        Node *node_ = nullptr;
    };

    struct Node : HashLink<Node> {
        Node(const HashedText &own_path, Node *above)
            : HashLink<Node>(own_path.hash), path(own_path.text), parent(above) {}

        const std::string path;
        Publications publications;  // by rank: the first is active
        Node *const parent;
        Node *first_child = nullptr, *prev_sibling = nullptr, *next_sibling = nullptr;
        IntrusiveList<WatchPoint, AtNode> watches;
        IntrusiveList<Await, AtNode> awaits;

        bool idle() const noexcept {
            return publications.empty() && first_child == nullptr && watches.empty() && awaits.empty();
        }
    };

    AnnounceTree() = default;
    AnnounceTree(const AnnounceTree &) = delete;
    AnnounceTree &operator=(const AnnounceTree &) = delete;
    ~AnnounceTree() { free(nodes_); }

    std::size_t announced() const noexcept { return announced_; }
    std::size_t nodes() const noexcept { return nodes_.size(); }
    std::size_t watchers() const noexcept { return watchers_; }

    /// The active broadcast at a path, or null; broadcasts that came through any of `excluded_hops` do not count. A
    /// broadcast that is closing at this moment has already lost its place.
    const std::shared_ptr<BroadcastState> &active(std::string_view path, ExcludedHops excluded_hops = {}) const noexcept {
        return active(HashedText(path), excluded_hops);
    }
    COMOQ_INLINED const std::shared_ptr<BroadcastState> &active(const HashedText &path,
                                                                ExcludedHops excluded_hops = {}) const noexcept {
        const Node *node = find(path);
        if (node == nullptr) return none_;
        for (const auto &publication : node->publications)
            if (publication->shown_without(excluded_hops) && !publication->broadcast->closed())
                return publication->broadcast;
        return none_;
    }

    /// The publication of this broadcast at this path, or null.
    PublicationPtr published(std::string_view path, const BroadcastState &broadcast) const noexcept {
        const Node *node = find(HashedText(path));
        if (node == nullptr) return nullptr;
        for (const auto &publication : node->publications)
            if (publication->broadcast.get() == &broadcast) return publication;
        return nullptr;
    }

    void add(PublicationPtr publication, WakeList &wake) {
        const auto path = publication->path_;
        Node &node = reach(*path);
        Publication &added = *publication;
        added.route_.rank.arrived(next_arrival_++);
        auto &all = node.publications;
        auto place = std::find_if(all.begin(), all.end(),
                                  [&](const PublicationPtr &other) { return added.route_.rank < other->route_.rank; });
        try {
            reserve(node);
            if (all.empty()) in_order_.insert(node);
            place = all.insert(place, std::move(publication));
        } catch (...) {
            if (all.empty()) in_order_.erase(node);
            prune(&node);
            throw;
        }
        added.node_ = &node;
        if (is_set(added.below)) ++prefix_sources_;
        // An await of the path has found nothing open here: a publication that ranks before this one is closing at this
        // moment.
        settle_awaits(node, added, wake);
        if (all.size() == 1) ++announced_;
        const auto index = static_cast<std::size_t>(place - all.begin());
        tell(node, wake, [&](const Watch &watch, WatchQueue &queue) {
            if (!added.shown_without(watch.excluded_hops)) return false;
            if (first_shown(node, 0, index, watch) != nullptr) return false;
            if (const Publication *before = first_shown(node, index + 1, all.size(), watch))
                queue.restarted(path, added.broadcast, {before->route_.told, added.route_.told});
            else
                queue.announced(path, added.broadcast);
            return true;
        });
    }

    /// Takes a publication off; the next one in rank takes its place. The caller holds a reference to it.
    void remove(Publication &publication, WakeList &wake) {
        Node *node = std::exchange(publication.node_, nullptr);
        if (node == nullptr) return;
        if (is_set(publication.below)) --prefix_sources_;
        auto &all = node->publications;
        auto place = std::find_if(all.begin(), all.end(),
                                  [&](const PublicationPtr &other) { return other.get() == &publication; });
        const auto index = static_cast<std::size_t>(place - all.begin());
        all.erase(place);
        if (all.empty()) {
            --announced_;
            in_order_.erase(*node);
        }
        const auto &path = publication.path_;
        tell(*node, wake, [&](const Watch &watch, WatchQueue &queue) {
            if (!publication.shown_without(watch.excluded_hops)) return false;
            if (first_shown(*node, 0, index, watch) != nullptr) return false;
            if (const Publication *next = first_shown(*node, index, all.size(), watch))
                queue.restarted(path, next->broadcast, {publication.route_.told, next->route_.told});
            else
                queue.unannounced(path);
            return true;
        });
        prune(node);
    }

    /// Watches everything below `prefix`, and replays the active broadcasts there. A watch has several prefixes, none
    /// of which contains another.
    void watch(Watch &watch, std::string_view prefix) {
        watch.points_.push_back(std::make_unique<WatchPoint>(watch));
        if (watch.points_.size() == 1) {
            ++watchers_;
            watches_.push_back(watch);
        }
        WatchPoint &added = *watch.points_.back();
        Node &node = reach(prefix);
        added.node = &node;
        node.watches.push_back(added);
        for (Node *at = &node; at != nullptr; at = following(*at, node)) {
            const Publication *active = first_shown(*at, 0, at->publications.size(), watch);
            if (active == nullptr) continue;
            watch.queue.reserve();
            watch.queue.announced(active->path_, active->broadcast);
        }
    }
    void unwatch(Watch &watch) noexcept {
        if (watch.points_.empty()) return;
        --watchers_;
        watches_.remove(watch);
        for (auto &point : watch.points_) {
            if (point->node == nullptr) continue;
            point->node->watches.remove(*point);
            prune(point->node);
        }
        watch.points_.clear();
    }

    void await(Await &await, std::string_view path) {
        Node &node = reach(path);
        await.node_ = &node;
        node.awaits.push_back(await);
        ++watchers_;
    }
    void forget(Await &await) noexcept {
        if (Node *node = await.node_) {
            take(await);
            prune(node);
        }
    }

    /// All publications, taken out of the tree at once.
    class Remains {
    public:
        Remains(Publications &&at_root, HashIndex<Node> &&nodes) noexcept
            : at_root_(std::move(at_root)), nodes_(std::move(nodes)) {}
        Remains(Remains &&) noexcept = default;
        ~Remains() { free(nodes_); }

        template <class Function> void for_each(Function function) {
            for (auto &publication : at_root_) function(*publication);
            nodes_.for_each([&](Node &node) {
                for (auto &publication : node.publications) function(*publication);
            });
        }

    private:
        Publications at_root_;
        HashIndex<Node> nodes_;
    };

    /// The end of the origin: every watch ends at once, and every await is refused with `code`. The caller gets the
    /// publications, to free them after unlocking.
    Remains clear(std::error_code code, WakeList &wake) noexcept {
        while (Watch *watch = watches_.front()) {
            watch->ended = true;
            wake.take(watch->waits);
            unwatch(*watch);
        }
        const auto leave = [&](Node &node) {
            while (Await *await = node.awaits.front()) {
                await->refusal = code;
                settle(*await, wake);
            }
            for (auto &publication : node.publications) publication->node_ = nullptr;
        };
        leave(root_);
        nodes_.for_each(leave);
        announced_ = prefix_sources_ = 0;
        in_order_.clear();
        root_.first_child = nullptr;
        return Remains(std::exchange(root_.publications, {}), std::move(nodes_));
    }

private:
    static void free(HashIndex<Node> &nodes) noexcept {
        nodes.for_each([](Node &node) { delete &node; });
    }

    const Node *find(const HashedText &path) const noexcept {
        return path.text.empty() ? &root_ : find_below(path);
    }
    Node *find_below(const HashedText &path) const noexcept {
        return nodes_.find(path.hash, [&](const Node &node) { return same_text(node.path, path.text); });
    }

    Node &reach(std::string_view text) {
        if (text.empty()) return root_;
        const HashedText path(text);
        if (Node *found = find_below(path)) return *found;
        Node &parent_node = reach(parent(text));
        Node *node = nullptr;
        try {
            node = new Node(path, &parent_node);
        } catch (...) {
            prune(&parent_node);
            throw;
        }
        nodes_.insert(*node);
        node->next_sibling = parent_node.first_child;
        if (parent_node.first_child != nullptr) parent_node.first_child->prev_sibling = node;
        parent_node.first_child = node;
        return *node;
    }

    /// Removes a node that has become empty, and every node above it that this leaves idle.
    void prune(Node *node) noexcept {
        while (node != &root_ && node->idle()) {
            Node *above = node->parent;
            (node->prev_sibling != nullptr ? node->prev_sibling->next_sibling : above->first_child) = node->next_sibling;
            if (node->next_sibling != nullptr) node->next_sibling->prev_sibling = node->prev_sibling;
            nodes_.erase(*node);
            delete std::exchange(node, above);
        }
    }

    /// The node after `at` in the subtree below `top`, parents first.
    static Node *following(Node &at, Node &top) noexcept {
        if (at.first_child != nullptr) return at.first_child;
        for (Node *node = &at; node != &top; node = node->parent)
            if (node->next_sibling != nullptr) return node->next_sibling;
        return nullptr;
    }

    template <class Visit> static void for_each_watch_of(Node &changed, Visit visit) {
        for (Node *node = &changed; node != nullptr; node = node->parent)
            for (WatchPoint *point = node->watches.front(); point != nullptr; point = node->watches.after(*point))
                visit(point->watch);
    }
    /// Reserves room in the queue of every watcher concerned, so that a change reaches all of them or none.
    static void reserve(Node &changed) {
        for_each_watch_of(changed, [](Watch &watch) { watch.queue.reserve(); });
    }
    /// `tell` returns whether there was something to tell.
    template <class Tell> static void tell(Node &changed, WakeList &wake, Tell tell) noexcept {
        for_each_watch_of(changed, [&](Watch &watch) {
            if (tell(watch, watch.queue)) wake.take(watch.waits);
        });
    }
    /// The first of a node's publications from `begin` to before `end` that a watcher may see, or null.
    static const Publication *first_shown(const Node &node, std::size_t begin, std::size_t end, const Watch &watch) noexcept {
        for (; begin != end; ++begin)
            if (node.publications[begin]->shown_without(watch.excluded_hops)) return node.publications[begin].get();
        return nullptr;
    }

    void take(Await &await) noexcept {
        std::exchange(await.node_, nullptr)->awaits.remove(await);
        --watchers_;
    }
    /// Those that may see the publication.
    void settle_awaits(Node &node, const Publication &shown, WakeList &wake) noexcept {
        for (Await *next = node.awaits.front(); next != nullptr;) {
            Await &await = *std::exchange(next, node.awaits.after(*next));
            if (!shown.shown_without(await.excluded_hops)) continue;
            await.broadcast = shown.broadcast;
            settle(await, wake);
        }
    }
    void settle(Await &await, WakeList &wake) noexcept {
        take(await);
        await.settled = true;
        wake.take(await.waits);
    }

    HashIndex<Node> nodes_;
    Node root_{HashedText({}), nullptr};
    PathOrder<Node> in_order_;  // those that have publications
    IntrusiveList<Watch> watches_;
    const std::shared_ptr<BroadcastState> none_;
    std::size_t announced_ = 0, watchers_ = 0, prefix_sources_ = 0;  // those: publications that answer for the paths below
    std::uint64_t next_arrival_ = 0;
};

}  // namespace comoq::detail
