#pragma once
#include "../../error.hpp"
#include "../../transport.hpp"
#include "../media/media_bounds.hpp"
#include "../stream/send_schedule.hpp"
#include "../wait/event.hpp"
#include "../wait/failure.hpp"
#include "../wait/turn.hpp"
#include "../wait/turn_after.hpp"
#include "send_budget.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Sends a session's groups: opens their streams, and lets them take frames. When the peer allows no more streams for a
/// while, or takes nothing, the most urgent group gets the next stream, and the next room in the budget, however late
/// it came.
///
/// It is used on the transport's executor, and outlives its items.
class GroupOutbox {
public:
    /// `bounds`, if set, count the bytes that are held here.
    GroupOutbox(Transport &transport, SendBudget::Limits limits, std::shared_ptr<MediaBounds> bounds)
        : transport_(transport), budget_(limits), bounds_(std::move(bounds)) {}
    GroupOutbox(const GroupOutbox &) = delete;
    GroupOutbox &operator=(const GroupOutbox &) = delete;

    using Account = SendBudget::Account;

    /// A group in flight, or a fetched one.
    class Item {
    public:
        Item(GroupOutbox &outbox, Account &account, const SendOrder &order)
            : outbox_(outbox), share_(outbox.budget_, account, order.priority), order_(order),
              place_(outbox.items_.insert(outbox.items_.end(), this)) {}
        Item(const Item &) = delete;
        Item &operator=(const Item &) = delete;
        ~Item() {
            if (sent() > seen_sent_) outbox_.moved_ = true;
            outbox_.items_.erase(place_);
            hold(0);
            share_.leave();
            // The next item of its subscription is the oldest now.
            outbox_.let_take();
            // A stream that it was given and did not use goes to another item.
            if (stream_ == nullptr && own_stream_ != nullptr) outbox_.offer(std::move(own_stream_));
        }

        const SendOrder &order() const noexcept { return order_; }
        void set_order(const SendOrder &order) {
            order_ = order;
            share_.set_priority(order.priority);
            if (stream_ != nullptr) stream_->set_order(order);
        }

        /// Waits for a stream of its own. Throws the code with which it was given up, or the transport's.
        asio::awaitable<void> open() {
            if (!outbox_.spare_.empty()) {
                own_stream_ = std::move(outbox_.spare_.back());
                outbox_.spare_.pop_back();
            } else {
                co_await wait(Want::Stream);
            }
            outbox_.moved_ = true;
            use(*own_stream_);
        }
        /// Sends on an existing stream, which outlives this object.
        void use(SendStream &stream) {
            stream_ = &stream;
            stream.set_order(order_);
        }
        bool is_open() const noexcept { return stream_ != nullptr; }
        SendStream &stream() const noexcept { return *stream_; }

        /// True if it may take more. If not, it lets its stream drain and waits with `room()`.
        bool has_room() {
            if (given_up_) throw_error(given_up_);
            if (outbox_.anybody_wants(Want::Room) || !share_.has_room()) return false;
            reserve();
            return true;
        }
        asio::awaitable<void> room() { return wait(Want::Room); }

        /// Accounts for its bytes: `taken` octets that are not written yet, and the unsent bytes of the stream, unless
        /// those are next to nothing. An item that waits for anything but the stream holds nothing: nothing would
        /// report when that has been sent.
        void settle(std::size_t taken) {
            const std::size_t unsent = stream_->unsent();
            hold(taken + (unsent > negligible ? unsent : 0));
        }
        void took(std::size_t octets) {
            outbox_.look_at_link(octets);
            share_.took(octets);
            settle(octets);
        }
        void wrote(std::size_t octets) noexcept { written_ += octets; }
        std::size_t held() const noexcept { return share_.held(); }

        /// Ends the item with `code`, wherever it is; `number` tells the peer. Does nothing if all of it is sent.
        void give_up(std::error_code code, std::uint64_t number) {
            if (given_up_) return;
            given_up_ = code;
            if (stream_ != nullptr) stream_->reset(number);
            turn_.set();
        }
        /// True if it waits for the peer, and not for frames to send.
        bool is_behind() const { return wants_ != Want::Nothing || (stream_ != nullptr && stream_->unsent() != 0); }

    private:
        friend class GroupOutbox;
        enum class Want { Nothing, Stream, Room };

        struct Waiting {
            Waiting(Item &of, Want what) noexcept : item(of) {
                item.turn_.clear();
                item.wants_ = what;
                ++item.outbox_.wanting_[what == Want::Room];
            }
            Waiting(const Waiting &) = delete;
            Waiting &operator=(const Waiting &) = delete;
            ~Waiting() { item.stop_wanting(); }
            Item &item;
        };
        asio::awaitable<void> wait(Want what) {
            const Waiting waiting(*this, what);
            if (!given_up_) {
                outbox_.behind_.set();
                if (what == Want::Stream)
                    outbox_.asked_.set();
                else
                    outbox_.let_take();
                co_await turn_.wait();
            }
            if (given_up_) throw_error(given_up_);
        }
        void stop_wanting() noexcept {
            if (wants_ == Want::Nothing) return;
            --outbox_.wanting_[wants_ == Want::Room];
            wants_ = Want::Nothing;
        }
        void grant() {
            stop_wanting();
            turn_.set();
        }
        void hold(std::size_t octets) {
            const std::size_t before = share_.held();
            if (octets == before) return;
            share_.hold(octets);
            count(octets - before);
            if (octets < before) outbox_.let_take();
        }
        void reserve() noexcept {
            const std::size_t before = share_.held();
            share_.reserve();
            count(share_.held() - before);
        }
        void count(std::size_t more) noexcept {
            if (outbox_.bounds_ != nullptr) outbox_.bounds_->unsent_bytes += more;
        }

        /// Octets that have left the stream; 0 for a stream that was given up.
        std::size_t sent() const noexcept {
            return stream_ != nullptr && !given_up_ ? written_ - std::min(written_, stream_->unsent()) : 0;
        }

        GroupOutbox &outbox_;
        SendBudget::Share share_;
        SendOrder order_;
        Event turn_;
        // Behind the members that may find no memory: an item that is not made has no place.
        const std::list<Item *>::iterator place_;
        std::unique_ptr<SendStream> own_stream_;
        SendStream *stream_ = nullptr;
        Want wants_ = Want::Nothing;
        std::error_code given_up_;
        std::size_t written_ = 0, seen_sent_ = 0;
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

    /// Completes when an item waits for the peer to take something. `is_behind` stays true until `stands_still` finds
    /// no such item.
    Operation<void> behind() const { return behind_.wait(); }
    bool is_behind() const { return behind().ready(); }
    /// True if an item waits for the peer, and the peer has taken nothing since the last call.
    bool stands_still() {
        bool any = false, moved = std::exchange(moved_, false);
        for (Item *item : items_) {
            const std::size_t sent = item->sent();
            if (sent > std::exchange(item->seen_sent_, sent)) moved = true;
            if (item->is_behind()) any = true;
        }
        if (!any) behind_.clear();
        return any && !moved;
    }

private:
    static constexpr std::size_t negligible = 4 * 1024;
    static constexpr std::size_t look_each = 64 * 1024;

    /// Some more is on its way: now and then the budget learns how fast that is.
    void look_at_link(std::size_t octets) {
        if ((unseen_ += octets) < look_each) return;
        unseen_ = 0;
        budget_.follow(transport_.stats().bandwidth);
    }

    bool anybody_wants(Item::Want what) const noexcept { return wanting_[what == Item::Want::Room] != 0; }

    /// The most urgent item that wants this, and may have it; null if there is none.
    Item *most_urgent(Item::Want what) const noexcept {
        Item *best = nullptr;
        for (Item *item : items_) {
            if (item->wants_ != what || (what == Item::Want::Room && !item->share_.has_room())) continue;
            if (best == nullptr || goes_before(item->order_, best->order_)) best = item;
        }
        return best;
    }
    void offer(std::unique_ptr<SendStream> stream) noexcept {
        Item *const item = most_urgent(Item::Want::Stream);
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
        while (anybody_wants(Item::Want::Room)) {
            Item *const item = most_urgent(Item::Want::Room);
            if (item == nullptr) return;
            item->reserve();
            item->grant();
        }
    }

    Transport &transport_;
    SendBudget budget_;
    std::size_t unseen_ = 0;  // octets since the last look at the link
    const std::shared_ptr<MediaBounds> bounds_;
    std::list<Item *> items_;
    std::size_t wanting_[2] = {0, 0};  // a stream, room
    // Streams opened for items that left.
    std::vector<std::unique_ptr<SendStream>> spare_;
    Event asked_;
    Event behind_;
    bool moved_ = false;
};

}  // namespace comoq::detail
