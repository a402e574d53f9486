// SPDX-License-Identifier: MIT
#pragma once
#include "../announce.hpp"

namespace comoq {

COMOQ_DECL Operation<std::optional<Announcement>> AnnounceConsumer::next() {
    using Next = std::optional<Announcement>;
    if (watch_ == nullptr) return detail::closed_operation<Next>();
    return Operation<Next>(detail::Passkey(), source());
}

COMOQ_DECL TryResult<Announcement> AnnounceConsumer::try_next() noexcept {
    if (watch_ == nullptr) return detail::try_closed<Announcement>();
    return detail::try_take<Announcement>(source());
}

COMOQ_DECL Announcement::Event AnnounceConsumer::event_of(detail::WatchQueue::Event event) noexcept {
    switch (event) {
    case detail::WatchQueue::Event::Active:
        return Announcement::Event::Active;
    case detail::WatchQueue::Event::Restart:
        return Announcement::Event::Restart;
    case detail::WatchQueue::Event::Ended:
        break;
    }
    return Announcement::Event::Ended;
}

COMOQ_DECL std::string to_string(Announcement::Event event) {
    switch (event) {
    case Announcement::Event::Active:
        return "active";
    case Announcement::Event::Restart:
        return "restart";
    case Announcement::Event::Ended:
        break;
    }
    return "ended";
}

COMOQ_DEFINE_OPERATION(std::optional<Announcement>);

}  // namespace comoq
