// SPDX-License-Identifier: MIT
#pragma once
#include "group_state.hpp"
#include "../containers/reserve_one.hpp"
#include "../wait/outcome.hpp"
#include "../request/request_table.hpp"
#include "track_numbers.hpp"
#include "../wait/waiter.hpp"
#include "../../error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The urgency of a fetch: that of the most urgent requester that waits for it now.
class FetchUrgency {
public:
    explicit FetchUrgency(std::uint8_t first) : waiting_{{first, 1}} {}
    FetchUrgency() = default;

    std::uint8_t priority() const noexcept { return waiting_.empty() ? 0 : waiting_.back().priority; }
    /// Makes sure that `add` finds memory.
    void reserve() { reserve_one(waiting_); }
    void add(std::uint8_t priority) noexcept {
        const auto at = place_of(priority);
        if (at != waiting_.end() && at->priority == priority)
            ++at->count;
        else
            waiting_.insert(at, Waiting{priority, 1});
    }
    void remove(std::uint8_t priority) noexcept {
        const auto at = place_of(priority);
        if (at != waiting_.end() && at->priority == priority && --at->count == 0) waiting_.erase(at);
    }

private:
    struct Waiting {
        std::uint8_t priority;
        std::uint32_t count;
    };
    std::vector<Waiting>::iterator place_of(std::uint8_t priority) noexcept {
        return std::lower_bound(waiting_.begin(), waiting_.end(), priority,
                                [](const Waiting &one, std::uint8_t wanted) { return one.priority < wanted; });
    }
    std::vector<Waiting> waiting_;  // least urgent first
};

/// The requested groups of a track that are not there yet, and the handlers that wait for such requests. Guarded by the
/// track's lock.
class GroupRequests {
public:
    using Table = RequestTable<std::uint64_t, std::shared_ptr<GroupState>, FetchUrgency>;
    using EntryPtr = Table::EntryPtr;

    std::size_t size() const noexcept { return table_.size(); }
    Table &table() noexcept { return table_; }
    WaitList &handler_waits() noexcept { return handler_waits_; }

    bool queued() const noexcept { return !queue_.empty(); }
    /// Returns the oldest. There must be one.
    EntryPtr take() noexcept { return table_.take(queue_); }

    /// Adds a requester to an existing request; null if there is none.
    EntryPtr join(std::uint64_t sequence, std::uint8_t priority) {
        auto pending = table_.find(sequence);
        if (pending != nullptr) {
            pending->payload().reserve();
            table_.join(*pending);
            pending->payload().add(priority);
        }
        return pending;
    }
    [[nodiscard]] Outcome<std::shared_ptr<GroupState>> leave(Table::Entry &entry, std::uint8_t priority,
                                                             WakeList &wake) noexcept {
        entry.payload().remove(priority);
        return table_.leave(entry, wake);
    }
    EntryPtr open(std::uint64_t sequence, std::uint8_t priority, WakeList &wake) {
        auto entry = table_.open(sequence, queue_, FetchUrgency{priority});
        wake.take_one(handler_waits_);
        return entry;
    }

    bool settle(Table::Entry &entry, Outcome<std::shared_ptr<GroupState>> &&outcome, WakeList &wake) noexcept {
        return table_.settle(entry, std::move(outcome), wake);
    }

    /// A group has come: its requesters get it.
    void came(const std::shared_ptr<GroupState> &group, WakeList &wake) noexcept {
        if (const auto pending = table_.find(group->sequence()))
            table_.settle(*pending, Outcome<std::shared_ptr<GroupState>>(std::in_place, group), wake);
    }
    /// Refuses the requests for groups that will never come with NotFound.
    void settle_past_final(const TrackNumbers &numbers, WakeList &wake) noexcept {
        table_.settle_if(make_error_code(Error::NotFound), wake,
                         [&numbers](const Table::Entry &entry) { return numbers.past_final(entry.key()); });
    }
    void settle_all(std::error_code code, WakeList &wake) noexcept { table_.settle_all(code, wake); }
    /// Settles the requests that nobody has taken; a taken request still gets its own answer.
    void settle_queued(std::error_code code, WakeList &wake) noexcept { table_.settle_queue(queue_, code, wake); }

    /// Wakes every waiter to look again.
    void wake_all(WakeList &wake) noexcept {
        table_.for_each([&wake](const EntryPtr &entry) { wake.take(entry->requester_waits()); });
        wake.take(handler_waits_);
    }

private:
    Table table_;
    Table::Queue queue_;
    WaitList handler_waits_;  // requested_group
};

/// A requester of a track's group, until another object has to leave the request.
template <class Track> class GroupRequester {
public:
    GroupRequester(std::shared_ptr<Track> track, GroupRequests::EntryPtr entry, std::uint8_t priority) noexcept
        : track_(std::move(track)), entry_(std::move(entry)), priority_(priority) {}
    GroupRequester(GroupRequester &&) noexcept = default;
    GroupRequester &operator=(GroupRequester &&) = delete;
    ~GroupRequester() {
        if (entry_ != nullptr) track_->leave_request(*entry_, priority_);
    }

    std::uint8_t priority() const noexcept { return priority_; }
    std::pair<std::shared_ptr<Track>, GroupRequests::EntryPtr> release() noexcept {
        return {std::move(track_), std::move(entry_)};
    }

private:
    std::shared_ptr<Track> track_;
    GroupRequests::EntryPtr entry_;
    std::uint8_t priority_;
};

}  // namespace comoq::detail
