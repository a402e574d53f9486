#pragma once
#include "../announce.hpp"

namespace comoq {

COMOQ_DECL Operation<std::optional<Announcement>> AnnounceConsumer::next() {
    using Next = std::optional<Announcement>;
    if (watch_ == nullptr) return detail::closed_operation<Next>();
    const auto next = [](std::optional<detail::SeenChange> &&change) {
        if (!change) return Next();
        return Next(std::in_place, std::move(change->path), event_of(change->event),
                    BroadcastConsumer(detail::Passkey(), std::move(change->broadcast)));
    };
    return Operation<Next>(detail::Passkey(), detail::mapped<Next>(detail::Step(detail::NextChangeRule(watch_)), next));
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

COMOQ_DEFINE_OPERATION(std::optional<Announcement>);

}  // namespace comoq
