// SPDX-License-Identifier: MIT
#pragma once
#include "asked_start.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "subscription_table.hpp"
#include "track_questions.hpp"
#include "../media/source_wishes.hpp"
#include "../session/remote_track_life.hpp"
#include "../wait/in_any_case.hpp"
#include "../wait/take_each.hpp"
#include "../wait/turn.hpp"
#include "../../broadcast.hpp"
#include "../../task_group.hpp"
#include "../../track.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::lite::detail {

/// One track of a peer's broadcast, for as long as it is wanted here: the peer is asked for its info, and then for one
/// subscription however many subscribe here. `RemoteTrackLife` decides; this class reports events to it and carries out
/// its answers. Used on the session's executor.
class RemoteTrack final : public TrackQuestions, public std::enable_shared_from_this<RemoteTrack> {
public:
    RemoteTrack(std::shared_ptr<SessionCore> core, std::string path, std::shared_ptr<comoq::detail::BroadcastState> broadcast,
                TrackRequest request)
        : TrackQuestions(std::move(core), std::move(path), request.name()), broadcast_(std::move(broadcast)),
          request_(std::move(request)), tasks_(core_->transport->executor()) {}

    /// Runs until nobody can want the track any more. Then only groups that are still coming go on.
    static asio::awaitable<void> serve(std::shared_ptr<RemoteTrack> self) {
        // Made first: everything that has begun ends, however little memory there is then.
        auto idle = comoq::detail::in_any_case([&self] { return self->tasks_.idle(); });
        auto turn = outcome_of(comoq::detail::next_turn());
        const auto code = co_await outcome_of(begin(self));
        self->is_over_ = true;
        self->new_turn_.set();
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        self->tasks_.cancel();
        co_await std::move(idle);
        // If the connection failed, the session hears of it in this same turn, and ends the broadcast first.
        if (self->life_.code()) co_await std::move(turn);
        self->end(code);
    }

private:
    using Self = std::shared_ptr<RemoteTrack>;
    using Life = comoq::detail::RemoteTrackLife;
    using Event = Life::Event;
    using Act = Life::Act;

    static asio::awaitable<void> begin(Self self) {
        self->begin_part(answer_fetches(self, self->request_.dynamic()));
        self->begin_part(ask(self));
        self->begin_part(watch_requesters(self));
        self->begin_part(keep_time(self));
        co_await self->over_.wait();
        if (self->failure_) comoq::detail::throw_error(self->failure_);
    }
    /// Begins a part that the track cannot do without.
    void begin_part(asio::awaitable<void> part) {
        tasks_.spawn(std::move(part), [this](const std::exception_ptr &failure) {
            if (failure == nullptr || is_over_) return;
            failure_ = comoq::detail::code_of(failure);
            over_.set();
        });
    }

    // Events, and the actions that they cause.

    void happens(Event event, std::error_code code = {}) noexcept {
        const auto turn = life_.turn();
        try {
            act(life_.on(event, code));
        } catch (...) {
            failure_ = comoq::detail::code_of(std::current_exception());
        }
        if (life_.turn() != turn) new_turn_.set();
        if (failure_ || life_.state() == Life::State::Over) over_.set();
    }

    void act(Act what) {
        switch (what) {
        case Act::None:
        case Act::Fail: break;
        case Act::Accept:
            out_.emplace(request_.accept(info_));
            newest_ = std::make_shared<Newest>(core_->newest_groups, out_->state(comoq::detail::Passkey()));
            asked_.set({});
            begin_part(follow_wishes(shared_from_this()));
            begin_part(watch_broadcast(shared_from_this()));
            break;
        case Act::Refuse:
            asked_.set(life_.code());
            request_.reject(life_.code());
            break;
        case Act::Withdraw: happens(request_.withdraw() ? Event::Gone : Event::Kept); break;
        case Act::Subscribe:
            asking_ = std::make_shared<Asking>(core_->subscriptions, *out_, newest_);
            note_asked();
            begin_part(subscribe(shared_from_this(), asking_));
            break;
        case Act::Update:
            asking_->is_asked_for_more = note_asked() || asking_->is_asked_for_more;
            asking_->wishes_changed.set();
            break;
        case Act::Unsubscribe:
            std::exchange(asking_, nullptr)->leave();
            forget_asked(comoq::detail::TrackNumbers::Asked());
            break;
        case Act::Retire: happens(retire() ? Event::Gone : Event::Kept); break;
        }
    }

    /// True if nobody can want the track any more, from now on.
    bool retire() {
        if (is_fetched()) return false;
        return broadcast_->retire_track(out_->state(comoq::detail::Passkey()));
    }
    /// True if a group of it is requested and has not come.
    bool is_fetched() const {
        const comoq::detail::Lock lock(out_->state(comoq::detail::Passkey())->mutex());
        return out_->state(comoq::detail::Passkey())->requests().size() != 0;
    }

    void end(std::error_code cancelled) {
        request_.reject(core_->lost_code(make_error_code(Error::Cancelled)));
        asked_.set(core_->lost_code(make_error_code(Error::Cancelled)));
        asking_.reset();
        const auto code = cancelled ? cancelled : life_.code();
        // A track that has ended has nothing left to fail; the groups of a dropped one stay for its readers.
        if (out_ && code && code != Error::Dropped) out_->abort(core_->lost_code(code));
        out_.reset();
    }

    // The waits.

    static asio::awaitable<void> keep_time(Self self) {
        const auto &config = self->core_->config;
        while (!self->is_over_) {
            const auto turn = self->life_.turn();
            const auto limit = self->life_.limit();
            self->new_turn_.clear();
            auto other_turn = self->new_turn_.wait();
            if (limit == Life::Limit::None) {
                co_await std::move(other_turn);
                continue;
            }
            auto passing = self->core_->sleep(limit == Life::Limit::Patience ? config.patience : config.linger);
            const auto first = co_await comoq::first_of(std::move(other_turn), std::move(passing));
            if (first.index() == 1 && self->life_.turn() == turn) self->happens(Event::Late);
        }
    }

    static asio::awaitable<void> watch_requesters(Self self) {
        while (self->life_.state() == Life::State::Asking) {
            auto abandoned = self->request_.abandoned();
            co_await std::move(abandoned);
            self->happens(Event::Abandoned);
        }
    }

    static asio::awaitable<void> watch_broadcast(Self self) {
        const BroadcastConsumer broadcast(comoq::detail::Passkey(), self->broadcast_);
        auto closed = broadcast.closed();
        [[maybe_unused]] const auto code = co_await std::move(closed);
        self->happens(Event::Closed);
    }

    struct Wishes {
        Self track;
        comoq::detail::SourceWishes source;
        auto next() const { return source.next(); }
        void take(const std::optional<Subscription> &wishes) const noexcept {
            track->wishes_ = wishes;
            track->report_wishes();
        }
    };
    static asio::awaitable<void> follow_wishes(Self self) {
        comoq::detail::SourceWishes source(self->out_->state(comoq::detail::Passkey()));
        auto following = outcome_of(comoq::detail::take_each(Wishes{self, std::move(source)}));
        const auto code = co_await std::move(following);
        if (code == std::errc::not_enough_memory) comoq::detail::throw_error(code);
        // The track is over. A part that has found a fault of the peer's in a group may have ended it.
        if (code && !self->is_over_) self->happens(Event::Failed, code);
    }
    void report_wishes() noexcept {
        if (wishes_)
            happens(Event::Wanted);
        else
            happens(asking_ != nullptr && asking_->entry->groups_under_way() ? Event::CutOff : Event::Unwanted);
    }

    static asio::awaitable<void> ask(Self self) {
        const auto code = co_await outcome_of(ask_info(self));
        if (code)
            self->happens(Event::Refused, self->core_->lost_code(code));
        else
            self->happens(Event::Answered);
    }

    // The order of arriving groups.

    /// The groups that the peer has at hand, or the newest, may come first, and a reader by number would skip the rest:
    /// for a while after the peer was asked for more, a reader that has a start takes the groups in order. True if it is
    /// asked for more now.
    bool note_asked() {
        using Asked = comoq::detail::TrackNumbers::Asked;
        const Asked asked{wishes_->start, wishes_->max_latency.count() <= 0 ? Asked::any_age : wishes_->max_latency};
        const auto before = std::exchange(asked_for_, asked);
        const bool is_more = asked.floor && !(before && before->covers(*asked.floor, asked.age));
        change_numbers([&](auto &numbers) {
            numbers.set_asked(asked);
            if (is_more) numbers.keep_order(asked.floor);
        });
        orders_ += is_more ? 1 : 0;
        if (is_more && !std::exchange(is_order_kept_, true)) begin_part(end_order(shared_from_this()));
        return is_more;
    }
    /// The peer is not asked for anything any more. With `from_now`, the next reader waits until it is.
    void forget_asked(std::optional<comoq::detail::TrackNumbers::Asked> from_now = {}) noexcept {
        asked_for_.reset();
        change_numbers([&from_now](auto &numbers) { numbers.set_asked(from_now); });
    }
    template <class Change> void change_numbers(Change change) const {
        if (out_) out_->state(comoq::detail::Passkey())->change_numbers(change);
    }
    static asio::awaitable<void> end_order(Self self) {
        for (std::uint64_t order = 0; order != self->orders_;) {
            order = self->orders_;
            co_await self->core_->sleep(self->core_->config.catch_up);
        }
        self->is_order_kept_ = false;
        self->change_numbers([](auto &numbers) { numbers.keep_order({}); });
    }

    // SUBSCRIBE.

    /// One subscription, from before it is requested until it is over.
    struct Asking {
        Asking(SubscriptionTable &table, const TrackProducer &to, const std::shared_ptr<Newest> &newest)
            : entry(std::in_place, table, to, newest) {}
        /// Groups that come from now on do not count as a part of it.
        void leave() {
            entry->leave();
            entry.reset();
            if (stream != nullptr) stream->finish();
            left.set();
        }
        // Empty when this side has left. Kept when the peer ends the subscription: the end may overtake groups.
        std::optional<SubscriptionTable::Entry> entry;
        std::unique_ptr<SendStream> stream;  // once it is open
        comoq::detail::Event left, wishes_changed;
        std::uint64_t first_group = 0;
        comoq::detail::TrackNumbers::Asked at_first;
        bool is_asked_for_more = false, has_begun = false;
    };

    static asio::awaitable<void> subscribe(Self self, std::shared_ptr<Asking> asking) {
        if (!asking->entry) co_return;
        const auto told = told_wishes(*self->wishes_, self->layout().raw_start, false);
        if (self->asked_for_) asking->at_first = *self->asked_for_;
        auto following = follow(self, asking, Subscribe{asking->entry->id(), self->path_, self->name_, told});
        auto leaving = asking->left.wait();
        auto outcome = outcome_of(std::move(following));
        const auto first = co_await comoq::first_of(std::move(outcome), std::move(leaving));
        if (!asking->entry || self->is_over_) co_return;
        if (asking->stream != nullptr) asking->stream->finish();
        if (first.index() == 0 && std::get<0>(first)) {
            self->happens(Event::Failed, std::get<0>(first));
            co_return;
        }
        self->forget_asked();
        self->happens(Event::Ended);
        while (!SubscriptionTable::Entry::is_complete(*self->out_, asking->first_group)) {
            auto next = asking->entry->next_group();
            co_await std::move(next);
        }
        self->happens(Event::Complete);
    }

    /// Runs until the peer has closed the subscription. Throws its failure.
    static asio::awaitable<void> follow(Self self, std::shared_ptr<Asking> asking, Subscribe message) {
        auto asked = ask_with(self->core_, BidiStreamType::Subscribe, message);
        auto stream = co_await std::move(asked);
        if (!asking->entry) co_return;
        asking->stream = std::move(stream.send);
        self->happens(Event::Taken);
        StreamReader reader(std::move(stream.receive), self->core_->version(), StreamUse::Subscription);
        auto replies = follow_replies(self, asking, reader);
        auto updates = pass_wishes(self, asking, message.wishes);
        co_await comoq::first_of(std::move(replies), std::move(updates));
    }

    static asio::awaitable<void> follow_replies(Self self, std::shared_ptr<Asking> asking, StreamReader &reader) {
        bool final_is_known = false;
        while (auto type = co_await reader.varint()) {
            switch (static_cast<SubscribeReply>(*type)) {
            case SubscribeReply::Ok: {
                const auto ok = co_await reader.expect<SubscribeOk>();
                self->begins(*asking, ok.group);
                break;
            }
            case SubscribeReply::End: {
                const auto end = co_await reader.expect<SubscribeEnd>();
                declare_final(*self->out_, end.group, self->core_->layout());
                final_is_known = true;
                break;
            }
            case SubscribeReply::Drop: {
                const auto drop = co_await reader.expect<SubscribeDrop>();
                self->change_numbers([&drop](auto &numbers) { numbers.skip(drop.start, drop.end); });
                break;
            }
            default: comoq::detail::throw_error(make_error_code(Error::UnexpectedMessage));
            }
        }
        if (final_is_known) co_return;
        if (self->core_->layout().strict_end) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        declare_final(*self->out_, 0, self->core_->layout());
    }
    /// The peer has chosen its first group.
    void begins(Asking &asking, std::uint64_t first) {
        asking.first_group = first;
        asking.has_begun = true;
        asking.wishes_changed.set();
        change_numbers([&](auto &numbers) {
            numbers.set_source_start(first, asking.at_first);
            // Older groups were not young enough: readers do not wait for them.
            const bool is_known = layout().raw_start && !asking.is_asked_for_more && asking.at_first.floor;
            if (is_known && is_order_kept_ && *asking.at_first.floor < first) numbers.keep_order(first);
        });
    }
    static void declare_final(TrackProducer &out, std::uint64_t first_never, const Layout &layout) {
        try {
            if (first_never == 0 && !layout.strict_end)
                out.finish();
            else
                out.finish_at(first_never);
        } catch (const std::system_error &error) {
            // An end was declared before.
            if (error.code() != Error::Closed) throw;
        }
    }

    static asio::awaitable<void> pass_wishes(Self self, std::shared_ptr<Asking> asking, Subscription told) {
        const bool raw_start = self->layout().raw_start;
        while (true) {
            asking->wishes_changed.clear();
            const auto next = self->wishes_ ? next_told(*self->wishes_, told, raw_start, asking->has_begun) : told;
            if (next != told) {
                told = next;
                auto written = asking->stream->write(encoded(self->core_->version(), SubscribeUpdate{told, {}}));
                const auto code = co_await outcome_of(std::move(written));
                // A peer that listens no more may still answer.
                if (code) break;
                continue;
            }
            co_await asking->wishes_changed.wait();
        }
        co_await asking->left.wait();
    }

    Layout layout() const noexcept { return core_->layout(); }
    void fetched() noexcept override {
        // The fetch may have been all that kept a track without subscribers.
        if (out_ && !wishes_ && asking_ != nullptr) report_wishes();
    }

    const std::shared_ptr<comoq::detail::BroadcastState> broadcast_;
    TrackRequest request_;
    TaskGroup tasks_;

    Life life_;
    comoq::detail::Event new_turn_;
    comoq::detail::Event over_;
    std::error_code failure_;  // of this side, for want of memory
    bool is_over_ = false;     // nothing new is begun

    std::optional<TrackProducer> out_;    // while the track is live
    std::optional<Subscription> wishes_;  // the combined wishes of all subscribers
    std::shared_ptr<Asking> asking_;      // while it is subscribed to
    std::optional<comoq::detail::TrackNumbers::Asked> asked_for_;  // while it is
    std::uint64_t orders_ = 0;                                     // how often it was asked for more
    bool is_order_kept_ = false;
};

}  // namespace comoq::lite::detail
