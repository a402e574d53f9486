// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../../path.hpp"
#include "../text/path_text.hpp"
#include "../wait/sync.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The number of requests that the holders of one view may have pending, so that none of several that share an origin
/// has all the places.
struct RequestShare {
    explicit RequestShare(std::size_t limit) noexcept : most(limit) {}
    const std::size_t most;
    std::size_t used = 0;  // guarded by the origin's lock
};

/// The part of an origin that a handle sees: the root that is left out of all paths, and the allowed prefixes. Prefixes
/// are absolute, lie below the root, and none contains another. A view can only get narrower.
class OriginView {
public:
    /// Everything.
    OriginView() : allowed_{Path()} {}

    const Path &root() const noexcept { return root_; }
    const std::vector<Path> &allowed() const noexcept { return allowed_; }

    std::vector<Path> relative_allowed() const {
        std::vector<Path> relative;
        for (const Path &prefix : allowed_) relative.push_back(*prefix.strip_prefix(root_));
        return relative;
    }

    bool covers(std::string_view absolute) const noexcept {
        for (const Path &prefix : allowed_)
            if (has_prefix(absolute, prefix.view())) return true;
        return false;
    }

    /// Broadcasts that came through an origin with one of these hop ids are left out.
    const std::vector<std::uint64_t> &excluded_hops() const noexcept { return excluded_hops_; }
    bool shows(const BroadcastInfo &info) const noexcept { return !info.came_through(excluded_hops_); }

    /// The share that pending requests are counted in; null if only the origin's own limit holds.
    const std::shared_ptr<RequestShare> &request_share() const noexcept { return request_share_; }
    /// True if a request made through this view has to remember it.
    bool bounds_requests() const noexcept { return !excluded_hops_.empty() || request_share_ != nullptr; }

    /// The view of the paths below any of `prefixes`, which are relative to the root; null if nothing is left. A prefix
    /// that is too long or too deep below the root has nothing below it.
    std::shared_ptr<const OriginView> scope(std::span<const Path> prefixes) const {
        OriginView narrower(*this, root_);
        for (const Path &prefix : prefixes) {
            const AbsolutePath absolute(root_.view(), prefix.view());
            if (absolute.valid()) narrower.allow(PathAccess::make(absolute.view()), *this);
        }
        return shared(std::move(narrower));
    }

    /// The view whose root is `prefix` below this one's; null if nothing below it is allowed.
    std::shared_ptr<const OriginView> with_root(std::string_view prefix) const {
        OriginView narrower(*this, root_.join(Path(prefix)));
        narrower.allow(narrower.root_, *this);
        return shared(std::move(narrower));
    }

    /// The view without the broadcasts that came through the origin with that id. No origin has id 0.
    std::shared_ptr<const OriginView> without_hop(std::uint64_t hop) const {
        OriginView narrower(*this);
        if (hop != 0) narrower.excluded_hops_.push_back(hop);
        return shared(std::move(narrower));
    }

    /// The same view with a share of its own in the pending requests.
    std::shared_ptr<const OriginView> with_request_share(std::size_t most) const {
        OriginView bounded(*this);
        bounded.request_share_ = std::make_shared<RequestShare>(most);
        return shared(std::move(bounded));
    }

private:
    /// The same view with another root, and nothing allowed yet.
    OriginView(const OriginView &wider, Path root)
        : root_(std::move(root)), excluded_hops_(wider.excluded_hops_), request_share_(wider.request_share_) {}

    /// Adds the paths that `prefix` and `wider` have in common.
    void allow(const Path &prefix, const OriginView &wider) {
        for (const Path &other : wider.allowed_) {
            if (prefix.has_prefix(other))
                add(prefix);
            else if (other.has_prefix(prefix))
                add(other);
        }
    }

    void add(const Path &prefix) {
        for (const Path &other : allowed_)
            if (prefix.has_prefix(other)) return;
        std::erase_if(allowed_, [&](const Path &other) { return other.has_prefix(prefix); });
        allowed_.push_back(prefix);
    }

    static std::shared_ptr<const OriginView> shared(OriginView &&view) {
        if (view.allowed_.empty()) return nullptr;
        return std::make_shared<const OriginView>(std::move(view));
    }

    Path root_;
    std::vector<Path> allowed_;
    std::vector<std::uint64_t> excluded_hops_;
    std::shared_ptr<RequestShare> request_share_;
};

}  // namespace comoq::detail
