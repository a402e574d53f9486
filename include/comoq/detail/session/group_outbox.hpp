// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../transport.hpp"
#include "../containers/intrusive_list.hpp"
#include "../media/media_bounds.hpp"
#include "../stream/send_schedule.hpp"
#include "../stream/stop_list.hpp"
#include "../wait/breaker.hpp"
#include "../wait/event.hpp"
#include "../wait/failure.hpp"
#include "../wait/turn.hpp"
#include "../wait/turn_after.hpp"
#include "quiet_octets.hpp"
#include "send_budget.hpp"
#include "turn_queue.hpp"
#include "unless_stopped.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Sends a session's groups: opens their streams, and lets them take frames. When the peer allows no more streams for a while, or
/// takes nothing, the most urgent group gets the next stream, and the next room in the budget, however late it came.
///
/// It is used on the transport's executor, and outlives its items.
class GroupOutbox {
public:
    /// `bounds`, if set, count the bytes that are held here.
    GroupOutbox(Transport &transport, SendBudget::Limits limits, std::shared_ptr<MediaBounds> bounds)
        : transport_(transport), budget_(limits), bounds_(std::move(bounds)) {}
    GroupOutbox(const GroupOutbox &) = delete;
    GroupOutbox &operator=(const GroupOutbox &) = delete;

    /// What its items hold, all together.
    const SendBudget &budget() const noexcept { return budget_; }

    /// What a subscription's items share: the bytes that they hold, and the lanes in which they wait.
    class Account : public SendBudget::Account {
        friend class GroupOutbox;
        TurnQueue::Lane of_streams_, of_room_, of_oldest_;
    };

    /// A group in flight, or a fetched one.
    class Item : private TurnQueue::Entry, private ListNode<Item>, private StopHook {
    public:
        Item(GroupOutbox &outbox, Account &account, const SendOrder &order)
            : Entry(order), StopHook(outbox.stopped_), outbox_(outbox), account_(account), share_(*this, order.priority) {
            outbox_.items_.push_back(*this);
        }
        Item(const Item &) = delete;
        Item &operator=(const Item &) = delete;
        ~Item() {
            if (is_told_) stream_->tell(Passkey(), nullptr);
            if (sent() > seen_sent_) outbox_.moved_ = true;
            outbox_.items_.remove(*this);
            stop_taking();
            hold(0);
            share_.leave();
            // The next item of its subscription is the oldest now.
            if (auto *oldest = account_.shares.front()) static_cast<OwnShare *>(oldest)->item.find_place();
            outbox_.let_take();
            // A stream that it was given and did not use goes to another item.
            if (stream_ == nullptr && own_stream_ != nullptr) outbox_.offer(std::move(own_stream_));
        }

        using Entry::order;
        void set_order(const SendOrder &order) {
            place_.queue != nullptr ? place_.queue->set_order(*place_.lane, *this, order) : Entry::set_order(order);
            share_.set_priority(order.priority);
            if (stream_ != nullptr) stream_->set_order(order);
        }

        /// Waits for a stream of its own. Throws the code with which it was given up, or the transport's.
        asio::awaitable<void> open() {
            throw_if_over();
            if (!outbox_.spare_.empty()) {
                own_stream_ = std::move(outbox_.spare_.back());
                outbox_.spare_.pop_back();
            } else if (!outbox_.anybody_wants(Want::Stream) && !outbox_.opened_at_once_.is_due()) {
                own_stream_ = outbox_.transport_.open_uni_now(Passkey());
            }
            if (own_stream_ == nullptr) co_await wait(Want::Stream);
            outbox_.moved_ = true;
            use(*own_stream_);
        }
        /// Sends on an existing stream, which outlives this object.
        void use(SendStream &stream) {
            stream_ = &stream;
            stream.set_order(order());
            is_told_ = stream.tell(Passkey(), this);
        }
        /// False for a transport that does not tell when a stream is over: it has to be asked, by `stopped()`.
        bool is_told() const noexcept { return is_told_; }
        /// Ends when the stream is over, if this item is told.
        Breaker &breaker() noexcept { return breaker_; }
        /// Throws the code with which the stream has ended, if this item is told.
        void throw_if_over() const {
            if (given_up_) throw_error(given_up_);
            if (over_) throw_error(over_);
        }
        bool is_open() const noexcept { return stream_ != nullptr; }
        SendStream &stream() const noexcept { return *stream_; }

        /// True if the item may take more without a wait: it must take then, and say so with `took`. If not, it waits with
        /// `make_room()`.
        bool has_room() {
            if (given_up_) throw_error(given_up_);
            // What a frame that is taken costs is known when it is there. One at a time is taken, so that all that is held exceeds
            // the budget by one frame, and not by one for each stream.
            const bool another_takes = outbox_.taking_ != nullptr && outbox_.taking_ != this;
            if (another_takes || outbox_.anybody_wants(Want::Room) || !share_.has_room()) return false;
            take_turn();
            return true;
        }
        /// Runs until it may take more. Throws when the peer has stopped the stream, with the code of that.
        asio::awaitable<void> room() { return wait(Want::Room); }
        /// Runs until its stream has sent what it holds.
        asio::awaitable<void> drained() {
            settle(0);
            if (held() == 0) co_return;
            auto all_sent = stream_->drained();
            co_await std::move(all_sent);
            settle(0);
        }
        /// The same, and then until it may take more.
        asio::awaitable<void> make_room() {
            co_await drained();
            co_await room();
        }

        /// Accounts for its bytes: `taken` octets that are not written yet, and the unsent bytes of the stream, unless
        /// those are next to nothing. An item that waits for anything but the stream holds nothing: nothing would
        /// report when that has been sent.
        void settle(std::size_t taken) {
            unsent_ = stream_->unsent();
            hold_all(taken);
        }
        void took(std::size_t octets) {
            share_.took(octets);
            // Now and then the budget learns how fast the link is.
            if (outbox_.budget_.is_look_due()) outbox_.budget_.follow(outbox_.transport_.stats().bandwidth);
            // The stream holds less by now, if anything.
            hold_all(octets);
        }
        void wrote(std::size_t octets) noexcept { written_ += octets; }
        std::size_t held() const noexcept { return share_.held(); }

        /// Counts for nothing, while a QuietOctets::Wait counts what it holds.
        void be_quiet() { hold(0); }
        QuietOctets &quiet_octets() const noexcept { return outbox_.quiet_; }

        /// Ends the item with `code`, wherever it is; `number` tells the peer. Does nothing if all of it is sent.
        void give_up(std::error_code code, std::uint64_t number) {
            if (given_up_) return;
            given_up_ = code;
            turn_.set();
            breaker_.end();
            try {
                if (stream_ != nullptr) stream_->reset(number);
            } catch (const std::bad_alloc &) {
                // The peer learns of it at the end of the connection.
            }
        }
        /// True if it waits for the peer, and not for frames to send.
        bool is_behind() const { return wants_ != Want::Nothing || (stream_ != nullptr && stream_->unsent() != 0); }
        /// True if the peer lacks some of what it was to have by now.
        bool is_owed() const { return is_behind() || (stream_ != nullptr && stream_->seems_lost()); }

    private:
        friend class GroupOutbox;
        friend class IntrusiveList<Item>;
        enum class Want { Nothing, Stream, Room };

        struct OwnShare : SendBudget::Share {
            OwnShare(Item &of, std::uint8_t priority) noexcept
                : Share(of.outbox_.budget_, of.account_, priority), item(of) {}
            Item &item;
        };
        struct Waiting {
            Waiting(Item &of, Want what) noexcept : item(of) {
                item.turn_.clear();
                item.wants_ = what;
                ++item.outbox_.wanting_[what == Want::Room];
                item.find_place();
            }
            Waiting(const Waiting &) = delete;
            Waiting &operator=(const Waiting &) = delete;
            ~Waiting() { item.stop_wanting(false); }
            Item &item;
        };
        asio::awaitable<void> wait(Want what) {
            const Waiting waiting(*this, what);
            throw_if_over();
            outbox_.behind_.set();
            if (what == Want::Stream)
                outbox_.asked_.set();
            else
                outbox_.let_take();
            std::error_code ended;
            if (stream_ == nullptr || is_told_)
                co_await turn_.wait();
            else
                ended = co_await end_before(*stream_, turn_.wait());
            throw_if_over();
            if (ended) throw_error(ended);
        }
        /// What waits ends, whatever it waits for.
        void stream_is_over() noexcept {
            over_ = code();
            turn_.set();
            breaker_.end();
        }
        void stop_wanting(bool had_turn) noexcept {
            if (wants_ == Want::Nothing) return;
            --outbox_.wanting_[wants_ == Want::Room];
            wants_ = Want::Nothing;
            place_.leave(*this, had_turn);
        }
        void grant() {
            stop_wanting(true);
            turn_.set();
        }
        TurnQueue::Place wanted_place() const noexcept {
            if (wants_ == Want::Nothing) return {};
            if (wants_ == Want::Stream) return {&outbox_.for_streams_, &account_.of_streams_};
            if (share_.goes_on()) return {&outbox_.oldest_for_room_, &account_.of_oldest_};
            return {&outbox_.for_room_, &account_.of_room_};
        }
        /// Waits where it belongs from now on.
        void find_place() noexcept {
            const auto wanted = wanted_place();
            if (wanted == place_) return;
            place_.leave(*this, false);
            place_ = wanted;
            place_.enter(*this);
        }

        void hold_all(std::size_t taken) {
            const bool was_taking = stop_taking();
            hold(taken + (unsent_ > negligible ? unsent_ : 0));
            if (was_taking) outbox_.let_take();
        }
        void hold(std::size_t octets) {
            const std::size_t before = share_.held();
            if (octets == before) return;
            share_.hold(octets);
            held_changed(before);
            if (octets < before) outbox_.let_take();
        }
        /// It may take: what it is about to take counts as much as the last time, and nobody else takes until it is known.
        void take_turn() noexcept {
            outbox_.taking_ = this;
            const std::size_t before = share_.held();
            share_.reserve();
            held_changed(before);
        }
        bool stop_taking() noexcept {
            if (outbox_.taking_ != this) return false;
            outbox_.taking_ = nullptr;
            return true;
        }
        void held_changed(std::size_t before) noexcept {
            if (outbox_.bounds_ != nullptr) outbox_.bounds_->unsent_bytes += share_.held() - before;
            outbox_.for_room_.hold(account_.of_room_, outbox_.budget_.is_full(account_));
            if (wants_ == Want::Room) find_place();
        }

        /// Octets that have left the stream; 0 for a stream that was given up.
        std::size_t sent() const noexcept {
            return stream_ != nullptr && !given_up_ ? written_ - std::min(written_, stream_->unsent()) : 0;
        }

        GroupOutbox &outbox_;
        Account &account_;
        Event turn_;
        // Behind the member that may find no memory: an item that is not made has no share.
        OwnShare share_;
        TurnQueue::Place place_;
        std::unique_ptr<SendStream> own_stream_;
        SendStream *stream_ = nullptr;
        Want wants_ = Want::Nothing;
        std::error_code given_up_, over_;
        bool is_told_ = false;
        Breaker breaker_;
        std::size_t written_ = 0, seen_sent_ = 0, unsent_ = 0;  // the last two as of the last look
    };

    /// Opens streams for the items that wait for one. It ends when the transport does, with its code.
    asio::awaitable<void> run() {
        while (true) {
            co_await asked_.wait();
            asked_.clear();
            // A peer may allow thousands at once: after some, others on the executor have their turn.
            TurnAfter<16> streams;
            while (anybody_wants(Item::Want::Stream)) {
                offer(co_await transport_.open_uni());
                if (streams.is_due()) co_await next_turn();
            }
        }
    }

    /// Ends the items whose streams are over, for a transport that tells. It runs as long as there are items.
    asio::awaitable<void> watch() {
        TurnAfter<64> items;
        while (true) {
            co_await stopped_.coming();
            while (auto *const hook = stopped_.next()) {
                static_cast<Item *>(hook)->stream_is_over();
                if (items.is_due()) co_await next_turn();
            }
        }
    }

    /// Completes when an item waits for the peer to take something. `is_behind` stays true until `stands_still` finds
    /// no such item.
    Operation<void> behind() const { return behind_.wait(); }
    bool is_behind() const { return behind().ready(); }
    /// True if an item waits for the peer, and the peer has taken nothing since the last call.
    bool stands_still() {
        bool any = false, moved = std::exchange(moved_, false);
        for (Item *item = items_.front(); item != nullptr; item = items_.after(*item)) {
            const std::size_t sent = item->sent();
            if (sent > std::exchange(item->seen_sent_, sent)) moved = true;
            if (item->is_behind()) any = true;
        }
        if (!any) behind_.clear();
        return any && !moved;
    }

private:
    static constexpr std::size_t negligible = 4 * 1024;

    bool anybody_wants(Item::Want what) const noexcept { return wanting_[what == Item::Want::Room] != 0; }

    /// The next item that may have room; null if there is none.
    Item *next_for_room() const noexcept {
        const auto item_of = [](TurnQueue::Entry *entry) { return static_cast<Item *>(entry); };
        Item *const oldest = item_of(oldest_for_room_.next()), *const other = item_of(for_room_.next());
        // What the most urgent of them may not have, none of them may.
        const bool oldest_may = oldest != nullptr && oldest->share_.has_room();
        const bool other_may = other != nullptr && other->share_.has_room();
        if (oldest_may && other_may) return goes_before(other->order(), oldest->order()) ? other : oldest;
        return oldest_may ? oldest : other_may ? other : nullptr;
    }
    void offer(std::unique_ptr<SendStream> stream) noexcept {
        Item *const item = static_cast<Item *>(for_streams_.next());
        if (item == nullptr) {
            try {
                spare_.push_back(std::move(stream));
            } catch (const std::bad_alloc &) {
                // The stream is reset: the next item opens another.
            }
            return;
        }
        item->own_stream_ = std::move(stream);
        item->grant();
    }
    void let_take() {
        if (taking_ != nullptr || !anybody_wants(Item::Want::Room)) return;
        Item *const item = next_for_room();
        if (item == nullptr) return;
        item->grant();
        item->take_turn();
    }

    Transport &transport_;
    SendBudget budget_;
    QuietOctets quiet_;
    const std::shared_ptr<MediaBounds> bounds_;
    IntrusiveList<Item> items_;
    StopList stopped_;
    // The oldest item of each subscription waits for room apart from the others: it may have more.
    TurnQueue for_streams_, for_room_, oldest_for_room_;
    std::size_t wanting_[2] = {0, 0};  // a stream, room
    TurnAfter<16> opened_at_once_;  // without a wait, in which others have their turn
    // Streams opened for items that left.
    std::vector<std::unique_ptr<SendStream>> spare_;
    Event asked_;
    Event behind_;
    bool moved_ = false;
    Item *taking_ = nullptr;  // has room, and has not said yet what it takes
};

}  // namespace comoq::detail
