#pragma once
#include "../broadcast_info.hpp"
#include "../path.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::detail {

/// What part of an origin a handle sees: the root that is left out of all paths, and the prefixes it may touch, which are
/// absolute, lie below the root, and have none that contains another. A view can only get narrower.
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

    /// The view of what lies below any of `prefixes`, which are relative to the root; null if that is nothing.
    std::shared_ptr<const OriginView> scope(std::span<const Path> prefixes) const {
        OriginView narrower(root_, excluded_hops_);
        for (const Path &prefix : prefixes) narrower.allow(root_.join(prefix), *this);
        return shared(std::move(narrower));
    }

    /// The view whose root is `prefix` below this one's; null if nothing below it is allowed.
    std::shared_ptr<const OriginView> with_root(std::string_view prefix) const {
        OriginView narrower(root_.join(Path(prefix)), excluded_hops_);
        narrower.allow(narrower.root_, *this);
        return shared(std::move(narrower));
    }

    /// The view without what came through the origin with that id.
    std::shared_ptr<const OriginView> without_hop(std::uint64_t hop) const {
        OriginView narrower(*this);
        narrower.excluded_hops_.push_back(hop);
        return shared(std::move(narrower));
    }

private:
    OriginView(Path root, std::vector<std::uint64_t> excluded_hops)
        : root_(std::move(root)), excluded_hops_(std::move(excluded_hops)) {}

    /// Adds what `prefix` and `wider` have in common.
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
};

}  // namespace comoq::detail
