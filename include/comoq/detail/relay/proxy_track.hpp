// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "../../track.hpp"
#include "../media/given_group.hpp"
#include "../media/source_wishes.hpp"
#include "../media/usage.hpp"
#include "../wait/code_of.hpp"
#include "passed_edge.hpp"
#include "proxy_fetch.hpp"
#include "proxy_group.hpp"
#include "proxy_transform.hpp"
#include "proxy_upstream.hpp"
#include "track_life.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// One track of a proxied broadcast: carries out the decisions of TrackLife. Its coroutines run on one strand, in the
/// task group of the broadcast; when cancelled, they settle everything unfinished with Cancelled.
class ProxyTrack : public ProxyOfTrack {
public:
    using Self = std::shared_ptr<ProxyTrack>;
    using ProxyOfTrack::ProxyOfTrack;

    /// Answers a request for the track and serves it until it ends, or until nobody can ask for it any more.
    COMOQ_IF_CALLED static asio::awaitable<void> serve(Self self, TrackRequest request) {
        // From now on, so that no request for a group is refused when the track goes live.
        auto groups = request.dynamic();
        auto fetched = serve_groups(self, std::move(groups));
        auto lived = live(self, std::move(request));
        co_await comoq::first_of(std::move(fetched), std::move(lived));
    }

private:
    using State = TrackLife::State;
    using Event = TrackLife::Event;

    COMOQ_IF_CALLED static asio::awaitable<void> live(Self self, TrackRequest request) {
        // A caller that waits for the track may have let go of the broadcast.
        auto given = self->given_.lock();
        const ProxyUpstream::Answered answered(*self->upstream_);
        std::exception_ptr failure;
        try {
            co_await ask(self, request);
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure != nullptr) {
            request.reject(told_of(failure));
            std::rethrow_exception(failure);
        }
        if (self->life_.state() == State::Refused) request.reject(self->refusal_);
        if (self->life_.is_over()) co_return;
        std::optional<TrackProducer> out;
        try {
            out = request.accept(self->info_);
        } catch (const std::system_error &) {
            co_return;
        }
        self->note_largest(*out);
        self->upstream_->answered().set();
        given.reset();
        co_await relay(self, std::move(*out));
    }

    /// Runs until the track can go live, or never will.
    COMOQ_IF_CALLED static asio::awaitable<void> ask(Self self, TrackRequest &request) {
        while (!self->life_.is_live() && !self->life_.is_over()) {
            auto stretch = self->life_.state() == State::Asking ? ask_for_info(self, request) : choose(self, request);
            const auto event = co_await std::move(stretch);
            self->life_.on(event);
        }
        if (self->life_.is_live()) self->upstream_->chosen();
    }

    COMOQ_IF_CALLED static asio::awaitable<Event> ask_for_info(Self self, TrackRequest &request) {
        for (;;) {
            const auto source = self->upstream_->current();
            auto asked = source.track(self->name_).accepted_info(Passkey()).as_tuple();
            auto ring = self->upstream_->comes_back(source, self->name_);
            auto first = co_await comoq::first_of(std::move(asked), request.abandoned(), std::move(ring));
            if (first.index() == 1) {
                // A requester may have come since the last one left.
                if (request.abandoned().ready()) co_return Event::Abandoned;
                continue;
            }
            self->refusal_ = make_error_code(Error::NotFound);
            if (first.index() == 0) {
                const auto &[code, answer] = std::get<0>(first);
                if (!code) {
                    self->info_ = answer;
                    co_return self->upstream_->current() == source ? Event::Answered : Event::Moved;
                }
                self->refusal_ = code;
            }
            self->denied_by_ = source;
            // Each is asked once, unless one was lost.
            self->tried_ = ProxyUpstream::takes_nothing(source) ? 0 : self->tried_ + 1;
            co_return Event::Denied;
        }
    }

    COMOQ_IF_CALLED static asio::awaitable<Event> choose(Self self, TrackRequest &request) {
        if (self->tried_ >= std::max<std::size_t>(2, self->upstream_->choices())) co_return Event::NothingFound;
        for (;;) {
            auto choosing = self->upstream_->another_than(self->denied_by_);
            auto first = co_await comoq::first_of(std::move(choosing), request.abandoned());
            if (first.index() == 0) co_return std::get<0>(first) ? Event::Found : Event::NothingFound;
            if (request.abandoned().ready()) co_return Event::Abandoned;
        }
    }

    COMOQ_IF_CALLED static asio::awaitable<void> relay(Self self, TrackProducer out) {
        std::exception_ptr failure;
        try {
            while (!self->life_.is_over()) {
                const auto event = co_await next_stretch(self, out);
                // After a failure, continue with the first group that is still missing.
                if (event == Event::Lost) self->rest_ = out.latest() ? *out.latest() + 1 : 0;
                if (event == Event::Unwanted) self->rest_.reset();
                self->life_.on(event);
            }
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure != nullptr) {
            out.abort(told_of(failure));
            std::rethrow_exception(failure);
        }
        self->kept_.reset();
        if (self->life_.state() == State::Failed) out.abort(self->code_);
    }

    COMOQ_IF_CALLED static asio::awaitable<Event> next_stretch(Self self, TrackProducer out) {
        if (self->life_.state() != State::Recovering) self->source_ = self->upstream_->current();
        switch (self->life_.state()) {
        case State::Unused: return wait_for_interest(self, std::move(out));
        case State::Subscribing: return subscribe(self, std::move(out));
        case State::Passing: return pass(self, std::move(out));
        default: return recover(self);
        }
    }

    /// The end of the track upstream ends it here even while nobody reads it.
    COMOQ_IF_CALLED static asio::awaitable<Event> wait_for_interest(Self self, TrackProducer out) {
        // A subscriber that comes from now on waits until it is followed again.
        out.state(Passkey())->lose_edge();
        if (out.subscription()) co_return Event::Wanted;
        self->kept_.reset();
        // Nobody can ask for it any more.
        if (self->to_.is_closed()) co_return Event::Abandoned;
        const auto source = self->source_;
        const auto track = source.track(self->name_).live(Passkey());
        if (track == nullptr) {
            self->code_ = make_error_code(Error::Dropped);
            if (source.is_closed()) self->code_ = co_await source.closed();
            co_return at_end_while_unused(*self, out, source);
        }
        auto used = out.used().as_tuple();
        auto ended = Operation<std::error_code>(Passkey(), Step(TrackEndRule(track)));
        auto first = co_await comoq::first_of(std::move(used), std::move(ended), source.closed(), self->to_.closed());
        if (first.index() == 1) {
            self->code_ = std::get<1>(first);
            std::optional<std::uint64_t> final;
            {
                Lock lock(track->mutex());
                final = track->numbers().final();
            }
            if (!self->code_ && final) declare_final(out, *final);
        } else if (first.index() == 2) {
            self->code_ = std::get<2>(first);
        } else {
            co_return first.index() == 0 ? Event::Wanted : Event::Unwanted;
        }
        co_return at_end_while_unused(*self, out, source);
    }
    /// A subscriber that came as the track ended upstream is not failed: the track is asked for again. Upstream lets go of a
    /// track that nobody wants. This side does so too, in one decision: a later subscriber finds another track.
    static Event at_end_while_unused(ProxyTrack &self, const TrackProducer &out, const BroadcastConsumer &source) {
        if (!self.code_) return Event::Finished;
        if (source.is_closed()) return Event::Lost;
        if (self.code_ != Error::Dropped) return out.subscription() ? Event::Wanted : Event::Lost;
        return self.to_.state(Passkey())->retire_track(out.state(Passkey())) ? Event::Abandoned : Event::Wanted;
    }

    COMOQ_IF_CALLED static asio::awaitable<Event> subscribe(Self self, TrackProducer out) {
        self->kept_ = self->given_.lock();
        const auto wishes = self->wanted(out);
        if (!wishes) co_return Event::Unwanted;
        for (bool again = false;; again = true) {
            auto subscribing = self->source_.track(self->name_).subscribe(*wishes).as_tuple();
            auto unused = out.unused().as_tuple();
            auto first = co_await comoq::first_of(std::move(subscribing), std::move(unused));
            if (first.index() != 0) co_return self->unwanted();
            auto &[code, subscriber] = std::get<0>(first);
            self->code_ = code;
            if (!code) {
                self->from_.emplace(std::move(subscriber));
                self->has_given_ = false;
                note_start(out);
                self->note_largest(out);
                co_return Event::Subscribed;
            }
            // The track that was joined may have been ending; the next one is another.
            if (again || code != Error::Dropped || self->source_.is_closed()) co_return Event::Lost;
        }
    }

    /// Passes everything on until nobody subscribes here, or the track upstream ends.
    COMOQ_IF_CALLED static asio::awaitable<Event> pass(Self self, TrackProducer out) {
        auto first = co_await comoq::first_of(pass_end(self, out), pass_final(self, out), pass_wishes(self, out),
                                              pass_groups(self, out), pass_datagrams(self, out));
        self->from_.reset();
        if (first.index() != 0) co_return self->unwanted();
        self->code_ = std::get<0>(first);
        // The same if the proxy joined a track that was ending, and got nothing: once.
        const bool was_joined_late = self->code_ == Error::Dropped && !self->has_given_ && !self->source_.is_closed();
        if (was_joined_late && !std::exchange(self->asked_again_, true)) co_return Event::Unwanted;
        co_return self->code_ ? Event::Lost : Event::Finished;
    }

    COMOQ_IF_CALLED static asio::awaitable<Event> recover(Self self) {
        const auto next = co_await self->upstream_->one_that_knows(self->source_);
        co_return next ? Event::Found : Event::NothingFound;
    }

    void gave() noexcept {
        upstream_->gave();
        has_given_ = true;
        asked_again_ = false;
    }
    Event unwanted() noexcept {
        kept_.reset();
        return Event::Unwanted;
    }

    /// The subscription for upstream, without groups that have already arrived; nothing if nobody subscribes.
    std::optional<Subscription> wanted(const TrackProducer &out) const {
        auto wishes = SourceWishes::of(*out.state(Passkey()));
        if (wishes && rest_) wishes->start = std::max(wishes->start.value_or(0), *rest_);
        return wishes;
    }

    /// Waits for the end of the track upstream, and returns its code.
    COMOQ_IF_CALLED static asio::awaitable<std::error_code> pass_end(Self self, TrackProducer out) {
        auto [gone, code] = co_await self->from_->closed().as_tuple();
        pass_what_is_there(*self, out);
        if (!code) {
            auto [unfinished, final] = co_await self->from_->finished().as_tuple();
            if (!unfinished) code = declare_final(out, final);
        }
        // The last groups may still be in flight, and upstream may cut off a track without subscribers.
        while (!gone && !code && self->copies_->count != 0) {
            self->copies_->fewer.clear();
            auto fewer = self->copies_->fewer.wait();
            co_await std::move(fewer);
        }
        co_return gone ? gone : code;
    }

    /// Tells upstream of the wishes here, until nobody wants anything.
    COMOQ_IF_CALLED static asio::awaitable<void> pass_wishes(Self self, TrackProducer out) {
        const SourceWishes source_wishes(out.state(Passkey()));
        for (;;) {
            auto [code, wishes] = co_await source_wishes.next().as_tuple();
            if (code || !wishes) co_return;
            const auto now_wanted = self->wanted(out);
            if (!now_wanted) co_return;
            self->from_->update(*now_wanted);
            // An earlier start brings groups of a track that may be finished, and for which nobody waits.
            pass_groups_that_are_there(*self, out);
        }
    }

    /// Passes groups on as they arrive. The end of the groups is not the end of the track: a finished track may stay
    /// open for a long time, for late readers.
    COMOQ_IF_CALLED static asio::awaitable<void> pass_groups(Self self, TrackProducer out) {
        struct Groups {
            Self track;
            TrackProducer to;
            auto next() { return track->from_->recv_group(); }
            void take(GroupConsumer &&group) { pass_group(*track, std::move(group), to); }
        };
        return pass_all(take_each(Groups{std::move(self), out}), out);
    }

    COMOQ_IF_CALLED static asio::awaitable<void> pass_datagrams(Self self, TrackProducer out) {
        struct Datagrams {
            Self of;
            TrackProducer to;
            auto next() { return of->from_->recv_datagram(); }
            void take(Datagram &&datagram) { pass_datagram(*of, std::move(datagram), to); }
        };
        struct Transformed : Datagrams {
            auto next() { return transformed_datagram(*this->of->upstream_->transform(), this->of->place(), *this->of->from_); }
        };
        if (self->upstream_->transform() != nullptr) return pass_all(take_each(Transformed{{std::move(self), out}}), out);
        return pass_all(take_each(Datagrams{std::move(self), out}), out);
    }

    COMOQ_IF_CALLED static asio::awaitable<void> pass_all(asio::awaitable<void> items, TrackProducer out) {
        try {
            co_await std::move(items);
        } catch (const std::system_error &error) {
            if (error.code() == std::errc::not_enough_memory) throw;
            // `pass_end` has the track's code.
        }
        co_await until_unused(std::move(out));
    }

    /// Passes on where the track is, and the first group that will never come while earlier ones may still come.
    COMOQ_IF_CALLED static asio::awaitable<void> pass_final(Self self, TrackProducer out) {
        co_await pass_edge(*self->from_, out);
        auto [code, final] = co_await self->from_->finished().as_tuple();
        if (!code) declare_final(out, final);
        co_await until_unused(out);
    }

    COMOQ_IF_CALLED static asio::awaitable<void> until_unused(TrackProducer out) {
        [[maybe_unused]] const auto over = co_await out.unused().as_tuple();
    }

    /// The end of the track must not overtake the groups before it.
    COMOQ_IF_CALLED static void pass_what_is_there(ProxyTrack &self, TrackProducer &out) {
        pass_groups_that_are_there(self, out);
        if (self.upstream_->transform() != nullptr) return;
        while (auto datagram = taken(self.from_->recv_datagram())) pass_datagram(self, std::move(*datagram), out);
    }
    COMOQ_IF_CALLED static void pass_groups_that_are_there(ProxyTrack &self, TrackProducer &out) {
        while (auto group = taken(self.from_->recv_group())) pass_group(self, std::move(*group), out);
    }
    /// The result of a step, if it is ready.
    template <class T> static std::optional<T> taken(Operation<std::optional<T>> step) {
        auto awaiter = std::move(step).as_tuple().operator co_await();
        if (!awaiter.await_ready()) return std::nullopt;
        auto [code, value] = awaiter.await_resume();
        return code ? std::nullopt : std::move(value);
    }

    /// The copy of a group continues when nobody subscribes any more: the next reader finds it whole.
    COMOQ_IF_CALLED static void pass_group(ProxyTrack &self, GroupConsumer group, TrackProducer &out) {
        self.gave();
        std::optional<GroupProducer> copy;
        try {
            copy = given_group(out, group.sequence(), group.info_of_rest(Passkey()));
        } catch (const std::system_error &) {
            // The group arrived before, from this source or another, or its place is gone.
            return;
        }
        self.spawn([&] { return counted(CopyUnderWay(self.copies_), self.copying(std::move(group), std::move(*copy))); });
    }
    COMOQ_IF_CALLED static asio::awaitable<void> counted([[maybe_unused]] CopyUnderWay one, asio::awaitable<void> copying) {
        co_await std::move(copying);
    }
    COMOQ_IF_CALLED static void pass_datagram(ProxyTrack &self, Datagram datagram, TrackProducer &out) {
        self.gave();
        try {
            out.insert_datagram(std::move(datagram));
        } catch (const std::system_error &) {
            // A datagram may get lost.
        }
    }
    /// Whoever serves the track on does not take a group for the first one because it has come first: the groups come in
    /// any order, and it is not known here with which one upstream begins.
    static void note_start(const TrackProducer &out) { out.state(Passkey())->set_source_start(0, {}); }

    TrackLife life_;
    TrackInfo info_;             // once it was answered
    std::error_code refusal_;    // the last one
    BroadcastConsumer denied_by_;
    std::size_t tried_ = 0;      // upstreams that did not know the track, since one was lost
    BroadcastConsumer source_;   // where the track comes from, or came from before it was lost
    std::error_code code_;       // the code of the track's end upstream
    std::optional<std::uint64_t> rest_;  // after a loss: the first group still missing
    std::shared_ptr<BroadcastState> kept_;  // of `given_`, while somebody subscribes
    std::optional<TrackSubscriber> from_;
    const std::shared_ptr<CopiesUnderWay> copies_ = std::make_shared<CopiesUnderWay>();
    bool has_given_ = false;    // since the last subscription upstream
    bool asked_again_ = false;  // after one that gave nothing
};

}  // namespace comoq::detail
