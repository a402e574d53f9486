// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <utility>

namespace comoq::detail {

/// One of the places that a session, and all sessions together, have for announcements of the peer's; or none, if none was left.
/// `Core` is the session's state, which it keeps. Used on the session's executor.
template <class Core> class AnnouncementPlace {
public:
    explicit AnnouncementPlace(std::shared_ptr<Core> core) {
        if (core->announced.get() >= core->config.max_announced) return;
        const auto &left = core->config.announcements_left;
        if (left != nullptr && left->fetch_sub(1) <= 0) {
            left->fetch_add(1);
            return;
        }
        ++core->announced;
        core_ = std::move(core);
    }
    AnnouncementPlace(AnnouncementPlace &&) noexcept = default;
    AnnouncementPlace &operator=(AnnouncementPlace &&) = delete;
    ~AnnouncementPlace() {
        if (core_ == nullptr) return;
        --core_->announced;
        if (const auto &left = core_->config.announcements_left) left->fetch_add(1);
    }

    explicit operator bool() const noexcept { return core_ != nullptr; }
    /// Of a place that is there.
    const Core &core() const noexcept { return *core_; }

private:
    std::shared_ptr<Core> core_;
};

}  // namespace comoq::detail
