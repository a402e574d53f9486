#pragma once
#include "group_state.hpp"
#include "outcome.hpp"
#include "request_table.hpp"
#include "track_numbers.hpp"
#include "waiter.hpp"
#include "../error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

namespace comoq::detail {

/// How urgent a fetch is: as urgent as the most urgent of those who asked.
struct FetchUrgency {
    std::uint8_t priority = 0;
};

/// The groups of a track that are asked for and not there, and the handlers that wait for such requests. Guarded by the
/// track's lock.
class GroupRequests {
public:
    using Table = RequestTable<std::uint64_t, std::shared_ptr<GroupState>, FetchUrgency>;
    using EntryPtr = Table::EntryPtr;

    std::size_t size() const noexcept { return table_.size(); }
    Table &table() noexcept { return table_; }
    WaitList &handler_waits() noexcept { return handler_waits_; }

    bool queued() const noexcept { return !queue_.empty(); }
    /// Hands the oldest out. There must be one.
    EntryPtr take() noexcept { return table_.take(queue_); }

    /// One more who asks for what has been asked for; null if nobody has.
    EntryPtr join(std::uint64_t sequence, std::uint8_t priority) noexcept {
        auto pending = table_.find(sequence);
        if (pending != nullptr) {
            table_.join(*pending);
            pending->payload().priority = std::max(pending->payload().priority, priority);
        }
        return pending;
    }
    EntryPtr open(std::uint64_t sequence, std::uint8_t priority, WakeList &wake) {
        auto entry = table_.open(sequence, queue_, FetchUrgency{priority});
        wake.take(handler_waits_);
        return entry;
    }

    bool settle(Table::Entry &entry, Outcome<std::shared_ptr<GroupState>> &&outcome, WakeList &wake) noexcept {
        return table_.settle(entry, std::move(outcome), wake);
    }

    /// Here is a group: whoever asked for it gets it.
    void came(const std::shared_ptr<GroupState> &group, WakeList &wake) noexcept {
        if (const auto pending = table_.find(group->sequence()))
            table_.settle(*pending, Outcome<std::shared_ptr<GroupState>>(std::in_place, group), wake);
    }
    /// The groups that will never come are not found.
    void settle_past_final(const TrackNumbers &numbers, WakeList &wake) noexcept {
        table_.settle_if(make_error_code(Error::NotFound), wake,
                         [&numbers](const Table::Entry &entry) { return numbers.past_final(entry.key()); });
    }
    void settle_all(std::error_code code, WakeList &wake) noexcept { table_.settle_all(code, wake); }
    /// What nobody has taken; what was taken has an answer of its own to come.
    void settle_queued(std::error_code code, WakeList &wake) noexcept { table_.settle_queue(queue_, code, wake); }

    /// Everybody shall look again where they stand.
    void wake_all(WakeList &wake) noexcept {
        table_.for_each([&wake](const EntryPtr &entry) { wake.take(entry->requester_waits()); });
        wake.take(handler_waits_);
    }

private:
    Table table_;
    Table::Queue queue_;
    WaitList handler_waits_;  // requested_group
};

}  // namespace comoq::detail
