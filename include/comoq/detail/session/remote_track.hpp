// SPDX-License-Identifier: MIT
#pragma once
#include "../media/source_wishes.hpp"
#include "../wait/in_any_case.hpp"
#include "../wait/take_each.hpp"
#include "../wait/event.hpp"
#include "../wait/turn.hpp"
#include "../../broadcast.hpp"
#include "../../task_group.hpp"
#include "../../track.hpp"
#include "outcome_of.hpp"
#include "remote_track_life.hpp"
#include "track_questions.hpp"

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

namespace comoq::detail {

/// One track of a peer's broadcast, for as long as it is wanted here: the peer is asked for its info, and then for one
/// subscription however many subscribe here. `RemoteTrackLife` decides; this class reports events to it and carries out
/// its answers. What is said to the peer is the protocol's. Used on the session's executor.
template <class Core>
class RemoteTrackBase : public TrackQuestions<Core>, public std::enable_shared_from_this<RemoteTrackBase<Core>> {
    using Questions = TrackQuestions<Core>;

public:
    RemoteTrackBase(std::shared_ptr<Core> core, std::string path, std::shared_ptr<BroadcastState> broadcast,
                    TrackRequest request)
        : Questions(std::move(core), std::move(path), request.name()), broadcast_(std::move(broadcast)),
          request_(std::move(request)), tasks_(core_->transport->executor()) {}

    /// Runs until nobody can want the track any more. Then only groups that are still coming go on.
    static asio::awaitable<void> serve(std::shared_ptr<RemoteTrackBase> self) {
        // Made first: everything that has begun ends, however little memory there is then.
        auto idle = in_any_case([&self] { return self->tasks_.idle(); });
        auto turn = outcome_of(next_turn());
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

protected:
    using Self = std::shared_ptr<RemoteTrackBase>;
    using Life = RemoteTrackLife;
    using Act = Life::Act;
    using typename Questions::Newest;
    using Questions::asked_;
    using Questions::core_;
    using Questions::info_;
    using Questions::newest_;

    /// One subscription, from before it is requested until it is over.
    class Asking {
    public:
        Asking() = default;
        Asking(const Asking &) = delete;
        Asking &operator=(const Asking &) = delete;
        virtual ~Asking() = default;

        /// Groups that come from now on do not count as a part of it.
        void leave() {
            is_left = true;
            tell_leaving();
            left.set();
        }
        virtual bool groups_under_way() const noexcept = 0;

        bool is_left = false;
        detail::Event left, wishes_changed;
        std::uint64_t first_group = 0;
        TrackNumbers::Asked at_first;
        bool is_asked_for_more = false, has_begun = false;

    private:
        virtual void tell_leaving() noexcept = 0;
    };

    /// The subscription for `out_`, and `newest_`.
    virtual std::shared_ptr<Asking> make_asking() = 0;
    /// Asks for it, by the `wishes_` of the moment of the call, and runs until the peer has closed it. Throws its failure. The
    /// caller keeps this object.
    virtual asio::awaitable<void> follow(std::shared_ptr<Asking> asking) = 0;
    /// The subscription is over for the peer, for a reason of its own.
    virtual void closed(Asking &) noexcept {}
    /// Runs until every group of it has come, or never will. As a rule, `follow` has waited for that. The caller keeps this object.
    virtual asio::awaitable<void> until_complete(std::shared_ptr<Asking>) { co_return; }
    /// Runs before the track is live, and fills `info_`. A protocol without a question for that alone subscribes with it:
    /// `asking_` is set then.
    virtual asio::awaitable<void> ask_first() { return this->ask_info(); }
    /// The track is live.
    virtual void accepted() noexcept {}

    static asio::awaitable<void> begin(Self self) {
        self->begin_part(Questions::answer_fetches(self, self->request_.dynamic()));
        self->begin_part(ask(self));
        self->begin_part(watch_requesters(self));
        self->begin_part(keep_time(self));
        co_await self->over_.wait();
        if (self->failure_) throw_error(self->failure_);
    }
    /// Begins a part that the track cannot do without.
    void begin_part(asio::awaitable<void> part) {
        tasks_.spawn(std::move(part), [this](const std::exception_ptr &failure) {
            if (failure == nullptr || is_over_) return;
            failure_ = code_of(failure);
            over_.set();
        });
    }

    // Events, and the actions that they cause.

    void happens(Life::Event event, std::error_code code = {}) noexcept {
        const auto turn = life_.turn();
        try {
            act(life_.on(event, code));
        } catch (...) {
            failure_ = code_of(std::current_exception());
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
            newest_ = std::make_shared<Newest>(core_->newest_groups, out_->state(Passkey()));
            asked_.set({});
            accepted();
            begin_part(follow_wishes(this->shared_from_this()));
            begin_part(watch_broadcast(this->shared_from_this()));
            break;
        case Act::Refuse:
            asked_.set(life_.code());
            request_.reject(life_.code());
            break;
        case Act::Withdraw: happens(request_.withdraw() ? Life::Event::Gone : Life::Event::Kept); break;
        case Act::Subscribe:
            subscribe_now();
            break;
        case Act::Update:
            asking_->is_asked_for_more = note_asked() || asking_->is_asked_for_more;
            asking_->wishes_changed.set();
            break;
        case Act::Unsubscribe:
            std::exchange(asking_, nullptr)->leave();
            forget_asked(TrackNumbers::Asked());
            if (out_) out_->state(Passkey())->lose_edge();
            break;
        case Act::Retire: happens(retire() ? Life::Event::Gone : Life::Event::Kept); break;
        }
    }

    void subscribe_now() {
        if (asking_ != nullptr) {
            // That was the question for the info.
            note_asked();
            asking_->at_first = *asked_for_;
            happens(Life::Event::Taken);
            return;
        }
        asking_ = make_asking();
        note_asked();
        begin_part(subscribe(this->shared_from_this(), asking_));
    }

    /// True if nobody can want the track any more, from now on.
    bool retire() {
        if (is_fetched()) return false;
        return broadcast_->retire_track(out_->state(Passkey()));
    }
    /// True if a group of it is requested and has not come.
    bool is_fetched() const {
        const Lock lock(out_->state(Passkey())->mutex());
        return out_->state(Passkey())->requests().size() != 0;
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
            if (first.index() == 1 && self->life_.turn() == turn) self->happens(Life::Event::Late);
        }
    }

    static asio::awaitable<void> watch_requesters(Self self) {
        while (self->life_.state() == Life::State::Asking) {
            auto abandoned = self->request_.abandoned();
            co_await std::move(abandoned);
            self->happens(Life::Event::Abandoned);
        }
    }

    static asio::awaitable<void> watch_broadcast(Self self) {
        const BroadcastConsumer broadcast(Passkey(), self->broadcast_);
        auto closed = broadcast.closed();
        [[maybe_unused]] const auto code = co_await std::move(closed);
        self->happens(Life::Event::Closed);
    }

    struct Wishes {
        Self track;
        SourceWishes source;
        auto next() const { return source.next(); }
        void take(const std::optional<Subscription> &wishes) const noexcept {
            track->wishes_ = wishes;
            track->report_wishes();
        }
    };
    static asio::awaitable<void> follow_wishes(Self self) {
        SourceWishes source(self->out_->state(Passkey()));
        auto following = outcome_of(take_each(Wishes{self, std::move(source)}));
        const auto code = co_await std::move(following);
        if (code == std::errc::not_enough_memory) throw_error(code);
        // The track is over. A part that has found a fault of the peer's in a group may have ended it.
        if (code && !self->is_over_) self->happens(Life::Event::Failed, code);
    }
    void report_wishes() noexcept {
        if (wishes_)
            happens(Life::Event::Wanted);
        else
            happens(asking_ != nullptr && asking_->groups_under_way() ? Life::Event::CutOff : Life::Event::Unwanted);
        // It was subscribed to with the question for its info, and nobody has stayed.
        if (!wishes_ && asking_ != nullptr && life_.state() == Life::State::Unused) act(Act::Unsubscribe);
    }

    static asio::awaitable<void> ask(Self self) {
        const auto code = co_await outcome_of(self->ask_first());
        if (code)
            self->happens(Life::Event::Refused, self->core_->lost_code(code));
        else
            self->happens(Life::Event::Answered);
    }

    // The order of arriving groups.

    /// The groups that the peer has at hand, or the newest, may come first, and a reader by number would skip the rest:
    /// for a while after the peer was asked for more, a reader that has a start takes the groups in order. True if it is
    /// asked for more now.
    bool note_asked() {
        using Asked = TrackNumbers::Asked;
        const Asked asked{wishes_->start, wishes_->max_latency.count() <= 0 ? Asked::any_age : wishes_->max_latency};
        const auto before = std::exchange(asked_for_, asked);
        const bool is_more = asked.floor && !(before && before->covers(*asked.floor, asked.age));
        change_numbers([&](auto &numbers) {
            numbers.set_asked(asked);
            if (is_more) numbers.keep_order(asked.floor);
        });
        search_edge();
        orders_ += is_more ? 1 : 0;
        if (is_more && !std::exchange(is_order_kept_, true)) begin_part(end_order(this->shared_from_this()));
        return is_more;
    }
    /// The peer is not asked for anything any more. With `from_now`, the next reader waits until it is.
    void forget_asked(std::optional<TrackNumbers::Asked> from_now = {}) noexcept {
        asked_for_.reset();
        change_numbers([&from_now](auto &numbers) { numbers.set_asked(from_now); });
    }
    template <class Change> void change_numbers(Change change) const {
        if (out_) out_->state(Passkey())->change_numbers(change);
    }
    static asio::awaitable<void> end_order(Self self) {
        for (std::uint64_t order = 0; order != self->orders_;) {
            order = self->orders_;
            co_await self->core_->sleep(self->core_->config.catch_up);
        }
        self->is_order_kept_ = false;
        self->change_numbers([](auto &numbers) { numbers.keep_order({}); });
    }

    /// Subscribers that wait to know where the track is now (`LiveEdge`) do so for a while: a peer that sends nothing new, and
    /// has not said that the newest group is the one that is here, may have nothing else.
    void search_edge() {
        const auto &track = *out_->state(Passkey());
        if (Lock lock(track.mutex()); track.knows_edge()) return;
        // Its newest groups are not asked for.
        if (wishes_->start && *wishes_->start > out_->latest().value_or(0)) return;
        if (!std::exchange(is_searching_, true)) begin_part(end_search(this->shared_from_this()));
    }
    /// The time of a subscription is its own. Wishes that change do not prolong it.
    static asio::awaitable<void> end_search(Self self) {
        for (std::shared_ptr<Asking> asking; asking != self->asking_;) {
            asking = self->asking_;
            co_await self->core_->sleep(self->core_->config.catch_up);
        }
        self->is_searching_ = false;
        if (self->out_ && self->asking_ != nullptr) self->out_->state(Passkey())->find_edge(0);
    }

    static asio::awaitable<void> subscribe(Self self, std::shared_ptr<Asking> asking) {
        if (asking->is_left) co_return;
        if (self->asked_for_) asking->at_first = *self->asked_for_;
        auto following = self->follow(asking);
        auto leaving = asking->left.wait();
        auto outcome = outcome_of(std::move(following));
        const auto first = co_await comoq::first_of(std::move(outcome), std::move(leaving));
        if (asking->is_left || self->is_over_) co_return;
        self->closed(*asking);
        if (first.index() == 0 && std::get<0>(first)) {
            self->happens(Life::Event::Failed, std::get<0>(first));
            co_return;
        }
        self->forget_asked();
        self->happens(Life::Event::Ended);
        auto coming = self->until_complete(asking);
        co_await std::move(coming);
        self->happens(Life::Event::Complete);
    }

    void fetched() noexcept override {
        // The fetch may have been all that kept a track without subscribers.
        if (out_ && !wishes_ && asking_ != nullptr) report_wishes();
    }

    const std::shared_ptr<BroadcastState> broadcast_;
    TrackRequest request_;
    TaskGroup tasks_;

    Life life_;
    detail::Event new_turn_;
    detail::Event over_;
    std::error_code failure_;  // of this side, for want of memory
    bool is_over_ = false;     // nothing new is begun

    std::optional<TrackProducer> out_;    // while the track is live
    std::optional<Subscription> wishes_;  // the combined wishes of all subscribers
    std::shared_ptr<Asking> asking_;      // while it is subscribed to
    std::optional<TrackNumbers::Asked> asked_for_;  // while it is
    std::uint64_t orders_ = 0;                                     // how often it was asked for more
    bool is_order_kept_ = false;
    bool is_searching_ = false;  // for where the track is now
};

}  // namespace comoq::detail
