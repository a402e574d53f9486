// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "announce_tree.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A publication's change to another route, while its broadcast goes on. All under the origin's lock.
class RouteUpdate {
public:
    using Publication = AnnounceTree::Publication;

    /// The publication must be in the tree. A route that is the same in all respects changes nothing, and nobody is told.
    /// Throws std::bad_alloc, and then nothing has changed.
    static void apply(AnnounceTree &tree, Publication &publication, std::shared_ptr<const BroadcastInfo> route, WakeList &wake) {
        if (*route == *publication.info()) return;
        AnnounceTree::Node &node = *publication.node_;
        const Before before(publication, node);
        tree.reserve(node);
        PublicationRoute now(*publication.path_, std::move(route));
        now.rank.arrived(publication.route_.rank.arrival());
        publication.broadcast->route().change(HeldInfo(now.info), wake);
        publication.route_ = std::move(now);
        sort(node.publications, publication);
        settle_awaits(tree, node, publication, wake);
        AnnounceTree::tell(node, wake, [&](const AnnounceTree::Watch &watch, WatchQueue &queue) {
            const Publication *was = before.first_shown(watch);
            const Publication *is = AnnounceTree::first_shown(node, 0, node.publications.size(), watch);
            if (was == is && is != &publication) return false;
            if (is == nullptr)
                queue.unannounced(publication.path_);
            else if (was == nullptr)
                queue.announced(publication.path_, is->broadcast);
            else
                queue.restarted(publication.path_, is->broadcast, {before.told(*was), is->route_.told, was == is});
            return true;
        });
    }

private:
    /// The publications of the path in their order, and the route of the changing one.
    class Before {
    public:
        Before(const Publication &changing, const AnnounceTree::Node &node)
            : changing_(changing), route_(changing.route_) {
            order_.reserve(node.publications.size());
            for (const auto &each : node.publications) order_.push_back(each.get());
        }
        const Publication *first_shown(const AnnounceTree::Watch &watch) const noexcept {
            const auto shown = [&](const Publication *one) {
                return (one == &changing_ ? route_ : one->route_).shown_without(watch.excluded_hops);
            };
            const auto found = std::find_if(order_.begin(), order_.end(), shown);
            return found != order_.end() ? *found : nullptr;
        }
        const ToldRoute &told(const Publication &of) const noexcept { return (&of == &changing_ ? route_ : of.route_).told; }

    private:
        const Publication &changing_;
        const PublicationRoute route_;
        std::vector<const Publication *> order_;
    };

    /// Brings the one whose rank has changed to its place.
    static void sort(AnnounceTree::Publications &all, const Publication &changed) noexcept {
        const auto at = std::find_if(all.begin(), all.end(), [&](const auto &each) { return each.get() == &changed; });
        const auto comes_after = [&](const auto &each) { return changed.route_.rank < each->route_.rank; };
        if (const auto before = std::find_if(all.begin(), at, comes_after); before != at) {
            std::rotate(before, at, at + 1);
        } else {
            const auto after = std::find_if(at + 1, all.end(), comes_after);
            std::rotate(at, at + 1, after);
        }
    }

    /// Those that may see it by the new route.
    static void settle_awaits(AnnounceTree &tree, AnnounceTree::Node &node, const Publication &changed, WakeList &wake) noexcept {
        if (!changed.broadcast->closed()) tree.settle_awaits(node, changed, wake);
    }
};

}  // namespace comoq::detail
