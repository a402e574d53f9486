// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/hash_index.hpp"
#include "../containers/table_hash.hpp"
#include "../wait/outcome.hpp"
#include "../wait/waiter.hpp"
#include "../../error.hpp"
#include "../../path.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::detail {

/// Looks requests up by their key, a text without making a string.
template <class Key> struct RequestKey {
    using view = Key;
    static const Key &of(const Key &key) noexcept { return key; }
};
template <> struct RequestKey<std::string> {
    using view = std::string_view;
    static std::string_view of(const std::string &key) noexcept { return key; }
};
template <> struct RequestKey<Path> {
    using view = std::string_view;
    static std::string_view of(const Path &key) noexcept { return key.view(); }
};

/// Pending requests: one request for a key, shared by all callers.
///
/// Written once for the three levels (broadcasts by path, tracks by name, groups by sequence). It holds no lock: every
/// call is made under the lock of the object that contains the table, and waiters are collected for the caller to wake
/// after unlocking. An entry is in the table from the first requester until it is settled, or until the last requester
/// leaves while no handler has taken it.
template <class Key, class Value, class Payload = std::monostate> class RequestTable {
public:
    using KeyView = typename RequestKey<Key>::view;
    class Queue;

    /// One request. Read and changed under the owner's lock, except for the key, which never changes. The payload belongs to
    /// the level.
    class Entry : public HashLink<Entry> {
    public:
        Entry(Key key, std::size_t hash, std::uint64_t order, Payload payload)
            : HashLink<Entry>(hash), key_(std::move(key)), order_(order), payload_(std::move(payload)) {}

        const Key &key() const noexcept { return key_; }
        const Payload &payload() const noexcept { return payload_; }
        Payload &payload() noexcept { return payload_; }
        bool settled() const noexcept { return state_ == State::Settled; }
        bool queued() const noexcept { return state_ == State::Queued; }
        bool abandoned() const noexcept { return settled() || requesters_ == 0; }
        const Outcome<Value> &outcome() const noexcept { return outcome_; }

        WaitList &requester_waits() noexcept { return requester_waits_; }
        WaitList &abandoned_waits() noexcept { return abandoned_waits_; }

    private:
        friend class RequestTable;
        friend class Queue;
        // Queued: in the table and in `queue_`. Taken: in the table, held by one handler's request object. Settled: in
        // neither. Withdrawn: the last requester left before a handler took it.
        enum class State { Queued, Taken, Settled, Withdrawn };

        Key key_;
        std::uint64_t order_;
        [[no_unique_address]] Payload payload_;
        State state_ = State::Queued;
        std::size_t requesters_ = 1;
        std::shared_ptr<Entry> self_;  // while it is in the table
        Queue *queue_ = nullptr;
        Entry *prev_ = nullptr;
        Entry *next_ = nullptr;
        Outcome<Value> outcome_;
        WaitList requester_waits_;
        WaitList abandoned_waits_;
    };
    using EntryPtr = std::shared_ptr<Entry>;

    /// Requests that nobody has taken yet, oldest first.
    class Queue {
    public:
        Queue() = default;
        Queue(const Queue &) = delete;
        Queue &operator=(const Queue &) = delete;

        bool empty() const noexcept { return head_ == nullptr; }
        Entry *front() const noexcept { return head_; }
        /// The age of the oldest one: lower is older. The queue must not be empty.
        std::uint64_t oldest() const noexcept { return head_->order_; }

        /// Takes over all of `other`, each at the place given by its age.
        void merge(Queue &other) noexcept {
            Entry *at = head_;
            while (Entry *entry = other.head_) {
                other.unlink(*entry);
                while (at != nullptr && at->order_ < entry->order_) at = at->next_;
                link_before(at, *entry);
            }
        }

        /// Moves the requests whose key satisfies `predicate` to the end of `to`, in order.
        template <class Predicate> void move_if(Queue &to, Predicate predicate) {
            for (Entry *entry = head_; entry != nullptr;) {
                Entry *next = entry->next_;
                if (predicate(RequestKey<Key>::of(entry->key_))) {
                    unlink(*entry);
                    to.link_before(nullptr, *entry);
                }
                entry = next;
            }
        }

    private:
        friend class RequestTable;

        void link_before(Entry *at, Entry &entry) noexcept {
            entry.queue_ = this;
            entry.next_ = at;
            entry.prev_ = at != nullptr ? at->prev_ : tail_;
            (entry.prev_ != nullptr ? entry.prev_->next_ : head_) = &entry;
            (at != nullptr ? at->prev_ : tail_) = &entry;
        }
        void unlink(Entry &entry) noexcept {
            (entry.prev_ != nullptr ? entry.prev_->next_ : head_) = entry.next_;
            (entry.next_ != nullptr ? entry.next_->prev_ : tail_) = entry.prev_;
            entry.queue_ = nullptr;
            entry.prev_ = entry.next_ = nullptr;
        }

        Entry *head_ = nullptr;
        Entry *tail_ = nullptr;
    };

    /// A request that already has its outcome, and is in no table.
    static EntryPtr settled(Key key, Outcome<Value> &&outcome) {
        auto entry = std::make_shared<Entry>(std::move(key), 0, 0, Payload());
        entry->state_ = Entry::State::Settled;
        entry->outcome_ = std::move(outcome);
        return entry;
    }

    RequestTable() = default;
    RequestTable(const RequestTable &) = delete;
    RequestTable &operator=(const RequestTable &) = delete;
    ~RequestTable() {
        entries_.for_each([](Entry &entry) { const EntryPtr last = std::move(entry.self_); });
    }

    static std::size_t hash_of(const KeyView &key) noexcept { return table_hash(key); }

    std::size_t size() const noexcept { return entries_.size(); }

    template <class Visit> void for_each(Visit visit) const {
        entries_.for_each([&](Entry &entry) { visit(entry.self_); });
    }

    /// The pending request for `key`, or null.
    EntryPtr find(KeyView key) const noexcept { return entries_.empty() ? nullptr : find(key, hash_of(key)); }
    EntryPtr find(KeyView key, std::size_t hash) const noexcept {
        const Entry *found = entries_.find(hash, [&](const Entry &entry) { return RequestKey<Key>::of(entry.key_) == key; });
        return found != nullptr ? found->self_ : nullptr;
    }

    /// Adds a request with one requester at the end of `queue`, with the level's payload. The key must not have a
    /// request already.
    EntryPtr open(Key key, Queue &queue, Payload payload = {}) {
        const auto hash = hash_of(RequestKey<Key>::of(key));
        return open(std::move(key), hash, queue, std::move(payload));
    }
    EntryPtr open(Key key, std::size_t hash, Queue &queue, Payload payload = {}) {
        auto entry = std::make_shared<Entry>(std::move(key), hash, next_order_, std::move(payload));
        entry->self_ = entry;
        entries_.insert(*entry);
        ++next_order_;
        queue.link_before(nullptr, *entry);
        return entry;
    }

    void join(Entry &entry) noexcept { ++entry.requesters_; }

    /// One requester leaves. The last one takes a queued request with it, and the handler of a taken one is told. Returns
    /// what the last one has not collected, for the caller to drop after unlocking.
    [[nodiscard]] Outcome<Value> leave(Entry &entry, WakeList &wake) noexcept {
        if (entry.settled()) return collect(entry);
        if (--entry.requesters_ != 0) return {};
        if (entry.state_ == Entry::State::Taken)
            wake.take(entry.abandoned_waits_);
        else
            remove(entry, Entry::State::Withdrawn);
        return {};
    }

    /// Hands out the oldest request in `queue`; it stays in the table. The queue must not be empty.
    EntryPtr take(Queue &queue) noexcept {
        EntryPtr entry = queue.head_->self_;
        queue.unlink(*entry);
        entry->state_ = Entry::State::Taken;
        return entry;
    }

    /// A requester takes the outcome of a settled request and leaves it. The last one takes the table's own copy, which may
    /// be a share in something: nobody has to wait for the handler to drop its request.
    Outcome<Value> collect(Entry &entry) {
        if (--entry.requesters_ == 0) return std::exchange(entry.outcome_, Outcome<Value>(entry.outcome_.ec));
        return entry.outcome_;
    }

    /// Gives every waiter the outcome. False, without a change, if the request has already ended. A value for which nobody
    /// waits stays in `outcome`.
    bool settle(Entry &entry, Outcome<Value> &&outcome, WakeList &wake) noexcept {
        if (entry.state_ != Entry::State::Queued && entry.state_ != Entry::State::Taken) return false;
        if (entry.requesters_ != 0)
            entry.outcome_ = std::move(outcome);
        else
            entry.outcome_.ec = outcome.ec;
        wake.take(entry.requester_waits_);
        wake.take(entry.abandoned_waits_);
        remove(entry, Entry::State::Settled);
        return true;
    }

    /// Settles the requests that satisfy `predicate`.
    template <class Predicate> void settle_if(std::error_code code, WakeList &wake, Predicate predicate) noexcept {
        entries_.for_each([&](Entry &pending) {
            const EntryPtr entry = pending.self_;
            if (predicate(*entry)) settle(*entry, Outcome<Value>(code), wake);
        });
    }

    void settle_all(std::error_code code, WakeList &wake) noexcept {
        settle_all(code, wake, [](Entry &) {});
    }
    /// The same, with a callback for each.
    template <class Each> void settle_all(std::error_code code, WakeList &wake, Each each) noexcept {
        entries_.for_each([&](Entry &pending) {
            const EntryPtr entry = pending.self_;
            settle(*entry, Outcome<Value>(code), wake);
            each(*entry);
        });
    }

    /// Settles the queued requests in `queue`, but not taken ones.
    void settle_queue(Queue &queue, std::error_code code, WakeList &wake) noexcept {
        settle_queue(queue, code, wake, [](Entry &) {});
    }
    template <class Each> void settle_queue(Queue &queue, std::error_code code, WakeList &wake, Each each) noexcept {
        while (!queue.empty()) {
            const EntryPtr entry = queue.head_->self_;
            settle(*entry, Outcome<Value>(code), wake);
            each(*entry);
        }
    }

private:
    void remove(Entry &entry, typename Entry::State state) noexcept {
        if (entry.queue_ != nullptr) entry.queue_->unlink(entry);
        entry.state_ = state;
        entries_.erase(entry);
        const EntryPtr last = std::move(entry.self_);
    }

    HashIndex<Entry> entries_;
    std::uint64_t next_order_ = 0;
};

}  // namespace comoq::detail
