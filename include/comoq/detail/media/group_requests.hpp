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
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// One requester's wish: how urgent it is, and the asker (`Fetch::asker`). Less urgent wishes come first.
struct FetchWish {
    std::uint8_t priority = 0;
    std::uint64_t asker = 0;
    friend auto operator<=>(const FetchWish &, const FetchWish &) = default;
};

/// The wishes of those who wait for a group now.
class FetchUrgency {
public:
    explicit FetchUrgency(const FetchWish &first) : waiting_{{first, 1}} {}
    FetchUrgency() = default;

    /// The most urgent one; a default wish without any.
    FetchWish most_urgent() const noexcept { return waiting_.empty() ? FetchWish() : waiting_.back().wish; }
    /// The askers that wait, each perhaps more than once, the most urgent last.
    std::vector<std::uint64_t> askers() const {
        std::vector<std::uint64_t> all;
        all.reserve(waiting_.size());
        for (const Waiting &one : waiting_) all.push_back(one.wish.asker);
        return all;
    }
    /// How often the answers of these functions may have changed.
    std::uint64_t changes() const noexcept { return changes_; }

    /// Makes sure that `add` finds memory.
    void reserve() { reserve_one(waiting_); }
    /// These two are true if the answers of the others may have changed.
    [[nodiscard]] bool add(const FetchWish &wish) noexcept {
        const auto at = place_of(wish);
        if (at != waiting_.end() && at->wish == wish) {
            ++at->count;
            return false;
        }
        waiting_.insert(at, Waiting{wish, 1});
        ++changes_;
        return true;
    }
    [[nodiscard]] bool remove(const FetchWish &wish) noexcept {
        const auto at = place_of(wish);
        if (at == waiting_.end() || at->wish != wish || --at->count != 0) return false;
        waiting_.erase(at);
        ++changes_;
        return true;
    }

private:
    struct Waiting {
        FetchWish wish;
        std::uint32_t count;
    };
    std::vector<Waiting>::iterator place_of(const FetchWish &wish) noexcept {
        return std::lower_bound(waiting_.begin(), waiting_.end(), wish,
                                [](const Waiting &one, const FetchWish &wanted) { return one.wish < wanted; });
    }

    std::vector<Waiting> waiting_;  // least urgent first
    std::uint64_t changes_ = 0;
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
    EntryPtr join(std::uint64_t sequence, const FetchWish &wish, WakeList &wake) {
        auto pending = table_.find(sequence);
        if (pending != nullptr) {
            pending->payload().reserve();
            table_.join(*pending);
            // The handler that looks for the end of the interest in a request also looks for a change of it.
            if (pending->payload().add(wish)) wake.take(pending->abandoned_waits());
        }
        return pending;
    }
    [[nodiscard]] Outcome<std::shared_ptr<GroupState>> leave(Table::Entry &entry, const FetchWish &wish,
                                                             WakeList &wake) noexcept {
        if (entry.payload().remove(wish)) wake.take(entry.abandoned_waits());
        return table_.leave(entry, wake);
    }
    EntryPtr open(std::uint64_t sequence, const FetchWish &wish, WakeList &wake) {
        auto entry = table_.open(sequence, queue_, FetchUrgency(wish));
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
    GroupRequester(std::shared_ptr<Track> track, GroupRequests::EntryPtr entry, const FetchWish &wish) noexcept
        : track_(std::move(track)), entry_(std::move(entry)), wish_(wish) {}
    GroupRequester(GroupRequester &&) noexcept = default;
    GroupRequester &operator=(GroupRequester &&) = delete;
    ~GroupRequester() {
        if (entry_ != nullptr) track_->leave_request(*entry_, wish_);
    }

    const FetchWish &wish() const noexcept { return wish_; }
    std::pair<std::shared_ptr<Track>, GroupRequests::EntryPtr> release() noexcept {
        return {std::move(track_), std::move(entry_)};
    }

private:
    std::shared_ptr<Track> track_;
    GroupRequests::EntryPtr entry_;
    FetchWish wish_;
};

}  // namespace comoq::detail
