// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "../session/remote_track.hpp"
#include "alias_table.hpp"
#include "asked_range.hpp"
#include "brought_groups.hpp"
#include "joined_group.hpp"
#include "receive_datagrams.hpp"
#include "remote_fetch.hpp"
#include "session_core.hpp"
#include "subscription_end.hpp"
#include "track_facts.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::ietf::detail {

/// A track of the peer's. The question for its info is the subscription itself, if somebody wants to subscribe: many peers
/// answer no other one.
class RemoteTrack final : public comoq::detail::RemoteTrackBase<SessionCore> {
public:
    using RemoteTrackBase::RemoteTrackBase;

private:
    using Self = std::shared_ptr<RemoteTrack>;

    struct Subscribed final : Asking {
        bool groups_under_way() const noexcept override { return ties->under_way != 0; }
        void tell_leaving() noexcept override {
            ties->left = true;
            end();
            // The reader goes with its coroutine, which stops the other half.
            if (stream != nullptr) stream->reset(stream_number({}));
        }
        /// No stream of it is known any more, and what waits for one ends.
        void end() noexcept {
            alias.reset();
            over.set();
        }
        comoq::detail::Event over;
        /// Its range is over, and another one may be wanted.
        void begin_again() {
            brought.add(told.start.value_or(*told.end), *told.end);
            // What waits for more of the joined group ends.
            ties->begun.set();
            ties = std::make_shared<SubscriptionTies>();
            alias.reset();
            joined.reset();
            stream.reset();
        }
        std::shared_ptr<SubscriptionTies> ties = std::make_shared<SubscriptionTies>();
        std::shared_ptr<JoinedGroup> joined;
        std::unique_ptr<AliasTable::Entry> alias;  // once the peer has said it
        std::unique_ptr<SendStream> stream;        // once it is open
        std::uint64_t request = 0;
        // The wishes of which the peer knows, and the ranges before.
        Subscription told;
        BroughtGroups brought;
        bool is_range_over = false;
        /// The peer's answer: a false code if it is yes.
        comoq::detail::Latch<std::error_code> answer;
    };
    std::shared_ptr<Asking> make_asking() override { return std::make_shared<Subscribed>(); }
    void closed(Asking &asking) noexcept override {
        if (const auto &stream = static_cast<Subscribed &>(asking).stream) stream->finish();
    }
    void accepted() noexcept override {
        // Before anybody here has the track.
        if (largest_) out_->note_largest({largest_->group, largest_->object});
        live_.set();
    }

    void note_largest(const Location &place) {
        out_->note_largest({place.group, place.object});
        out_->state(comoq::detail::Passkey())->find_edge(place.group);
    }

    FullName name() const {
        auto space = namespace_of(path_);
        if (!space) comoq::detail::throw_error(make_error_code(Error::NotFound));
        return FullName{std::move(*space), name_};
    }

    asio::awaitable<void> ask_first() override {
        const auto self = std::static_pointer_cast<RemoteTrack>(shared_from_this());
        const auto wanted = request_.subscription();
        if (!wanted) {
            auto asking = ask_info();
            co_await std::move(asking);
            co_return;
        }
        wishes_ = wanted;
        const auto asking = std::make_shared<Subscribed>();
        asking_ = asking;
        begin_part(subscribe(self, asking));
        const auto code = co_await asking->answer.wait();
        if (code) comoq::detail::throw_error(code);
    }
    /// A peer that cannot tell has a track like any other.
    asio::awaitable<void> ask_info() override {
        TrackStatus message;
        message.track = name();
        auto asked = detail::ask(core_, std::move(message));
        auto stream = co_await std::move(asked);
        StreamReader reader(std::move(stream.receive), core_->draft());
        std::error_code code;
        try {
            auto answering = answer_of<RequestOk>(reader);
            const auto ok = co_await std::move(answering);
            stream.send->finish();
            set_info(info_of(ok.properties));
            co_return;
        } catch (const std::system_error &error) {
            code = error.code();
        }
        core_->look_at(reader, "TRACK_STATUS");
        if (code != Error::Unsupported) comoq::detail::throw_error(code);
        set_info(info_of(Pairs()));
    }

    asio::awaitable<std::unique_ptr<comoq::detail::FetchedGroup>> ask_group(std::uint64_t sequence, std::uint8_t priority) override {
        auto fetch = std::make_unique<RemoteFetch>(core_, out_ ? std::optional<TrackInfo>(out_->info()) : std::nullopt);
        auto asking = fetch->ask(name(), sequence, priority);
        co_await std::move(asking);
        co_return fetch;
    }

    asio::awaitable<void> follow(std::shared_ptr<Asking> of) override {
        return follow(std::static_pointer_cast<RemoteTrack>(shared_from_this()), std::static_pointer_cast<Subscribed>(std::move(of)),
                      wishes_.value_or(Subscription()));
    }
    static asio::awaitable<void> follow(Self self, std::shared_ptr<Subscribed> asking, Subscription wishes) {
        struct End {
            ~End() { asking.end(); }
            Subscribed &asking;
        };
        const End end{*asking};
        auto following = follow_all(self, asking, std::move(wishes));
        const auto code = co_await outcome_of(std::move(following));
        asking->answer.set(code ? self->core_->lost_code(code) : make_error_code(Error::Cancelled));
        end_joined(*asking, code);
        if (code) comoq::detail::throw_error(code);
    }
    /// The track goes on after a range that is over: what else is wanted is subscribed to anew.
    static asio::awaitable<void> follow_all(Self self, std::shared_ptr<Subscribed> asking, Subscription wishes) {
        for (int tries = 1;; ++tries) {
            asking->told = std::move(wishes);
            asking->is_range_over = false;
            auto following = follow_to_the_end(self, asking);
            const auto code = co_await outcome_of(std::move(following));
            // One that was left may still be there for the peer: the word that ends it is on another stream.
            if (code == Error::Duplicate && !asking->has_begun && tries != most_tries) {
                if (asking->stream != nullptr) std::exchange(asking->stream, nullptr)->finish();
                co_await self->core_->sleep(std::chrono::milliseconds(10) * (1 << tries));
                if (asking->is_left) co_return;
                wishes = self->still_wanted(*asking).value_or(asking->told);
                continue;
            }
            // Of a later range: all of it has passed.
            const bool is_past = asking->has_begun && asking->told.end && code == Error::BoundsExceeded;
            if (code && !is_past) comoq::detail::throw_error(code);
            if (asking->is_left || !(asking->is_range_over || is_past)) co_return;
            asking->begin_again();
            self->out_->state(comoq::detail::Passkey())->lose_edge();
            auto wanting = until_more_wanted(self, asking);
            co_await std::move(wanting);
            self->search_edge();
            wishes = self->still_wanted(*asking).value_or(asking->told);
        }
    }
    /// The waits between them take 1.26 s.
    static constexpr int most_tries = 7;
    std::optional<Subscription> still_wanted(const Subscribed &asking) const noexcept {
        return wishes_ ? asking.brought.rest_of(*wishes_) : std::nullopt;
    }
    static asio::awaitable<void> until_more_wanted(Self self, std::shared_ptr<Subscribed> asking) {
        while (true) {
            asking->wishes_changed.clear();
            auto changed = asking->wishes_changed.wait();
            if (self->still_wanted(*asking)) co_return;
            co_await std::move(changed);
        }
    }
    static asio::awaitable<void> follow_to_the_end(Self self, std::shared_ptr<Subscribed> asking) {
        auto &core = *self->core_;
        Subscribe message;
        message.track = self->name();
        message.parameters = parameters_of(asking->told, core.rules());
        const auto make = [&message, &asking](std::uint64_t id) {
            message.request_id = asking->request = id;
            return message;
        };
        auto asked = ask_with(self->core_, make);
        auto stream = co_await std::move(asked);
        if (asking->is_left) co_return;
        asking->stream = std::move(stream.send);
        self->happens(Life::Event::Taken);
        StreamReader reader(std::move(stream.receive), core.draft());
        auto answers = follow_answers(self, asking, reader);
        const auto code = co_await outcome_of(std::move(answers));
        core.look_at(reader, "SUBSCRIBE");
        if (code) comoq::detail::throw_error(code);
    }
    static asio::awaitable<void> follow_answers(Self self, std::shared_ptr<Asking> of, StreamReader &reader) {
        const auto asking = std::static_pointer_cast<Subscribed>(std::move(of));
        auto answering = answer_of<SubscribeOk>(reader);
        const auto ok = co_await std::move(answering);
        throw_unless_possible(ok.parameters.largest_object);
        if (!self->out_) self->set_info(info_of(ok.properties));
        self->largest_ = ok.parameters.largest_object;
        asking->answer.set({});
        // The track goes live with the answer, and its groups have a place then.
        auto live = self->live_.wait();
        co_await std::move(live);
        if (asking->is_left || !self->out_) co_return;
        asking->has_begun = true;
        const auto &largest = ok.parameters.largest_object;
        if (largest) self->note_largest(*largest);
        if (largest && filter_of(asking->told, self->core_->rules()).kind == Filter::Kind::NextObject) {
            asking->joined = std::make_shared<JoinedGroup>(*largest);
            self->core_->spawn(join(self, asking, asking->joined));
        }
        asking->alias = self->core_->aliases.add(ok.alias, {*self->out_, self->newest_, asking->ties, asking->joined});
        if (asking->alias == nullptr) reader.refuse(make_code(SessionFault::DuplicateTrackAlias));
        give_early_datagrams(*self->core_, ok.alias);
        std::optional<PublishDone> done;
        auto messages = until_done(reader, done);
        auto updates = pass_wishes(self, asking);
        co_await comoq::first_of(std::move(messages), std::move(updates));
        // It leaves without a word.
        if (!done) comoq::detail::throw_error(make_error_code(Error::Dropped));
        auto rest = streams_to_come(self->core_, asking->ties, done->streams);
        co_await std::move(rest);
        // And so it may overtake the fetch, which has its own time limit.
        if (asking->joined != nullptr) co_await asking->joined->fetched.wait();
        const auto code = done_error(done->status);
        if (code) comoq::detail::throw_error(code);
        end_joined(*asking, {});
        asking->is_range_over = self->is_range_over(*asking, done->status);
        if (!asking->is_range_over)
            self->finish();
        else if (!self->has_from(*asking->told.end))
            self->give_up(*asking->told.end);
    }
    /// That group will not come: readers that wait for the end of their range see that.
    void give_up(std::uint64_t sequence) {
        try {
            comoq::detail::given_group(*out_, sequence).abort(make_error_code(Error::NotFound));
        } catch (const std::system_error &) {
            // It is not to come, by another word of the peer's.
        }
    }
    /// In some drafts the same number ends a range and a track.
    bool is_range_over(const Subscribed &asking, std::uint64_t status) const {
        if (!out_ || !asking.told.start || !asking.told.end) return false;
        return status == range_end_number || (!core_->rules().has_range_end && has_from(*asking.told.end));
    }
    void finish() {
        std::error_code ended_before;
        out_->finish(ended_before);
    }

    static asio::awaitable<void> pass_wishes(Self self, std::shared_ptr<Subscribed> asking) {
        Subscription &told = asking->told;
        while (true) {
            asking->wishes_changed.clear();
            const auto wishes = self->still_wanted(*asking).value_or(told);
            const bool has_range = wishes.start != told.start || wishes.end != told.end;
            const bool tells_range = has_range && wishes.start && !self->core_->habits.updates_priority_alone;
            if (wishes.priority != told.priority || tells_range) {
                RequestUpdate update;
                update.request_id = self->core_->request_ids.next();
                update.parameters.subscriber_priority = turned(wishes.priority);
                if (tells_range) update.parameters.filter = filter_of(wishes, self->core_->rules());
                told.priority = wishes.priority;
                if (tells_range) told = wishes;
                auto written = asking->stream->write(self->core_->encoded(update));
                const auto code = co_await outcome_of(std::move(written));
                // A peer that listens no more may still answer.
                if (code) break;
                continue;
            }
            co_await asking->wishes_changed.wait();
        }
        co_await asking->left.wait();
    }

    // The group in which the subscription has begun.

    static constexpr std::chrono::milliseconds grace = std::chrono::milliseconds(500);

    /// Brings what was there of it, while the subscription lives. A group that cannot be had begins with the next one.
    static asio::awaitable<void> join(Self self, std::shared_ptr<Subscribed> asking, std::shared_ptr<JoinedGroup> joined) {
        auto joining = join_to_the_end(self, asking, std::move(joined));
        auto ending = asking->over.wait();
        auto outcome = outcome_of(std::move(joining));
        co_await comoq::first_of(std::move(outcome), std::move(ending));
    }
    static asio::awaitable<void> join_to_the_end(Self self, std::shared_ptr<Subscribed> asking, std::shared_ptr<JoinedGroup> joined) {
        const auto ties = asking->ties;
        auto bringing = bring(self, asking, joined);
        co_await std::move(bringing);
        // If no stream goes on with it, it is over when a newer one has begun, or with its range.
        while (asking->joined == joined && !joined->is_continued && !asking->is_left && self->out_) {
            ties->begun.clear();
            auto next = ties->begun.wait();
            if (self->has_from(joined->sequence + 1)) {
                co_await self->core_->sleep(grace);
                if (asking->joined == joined) end_joined(*asking, {});
                co_return;
            }
            co_await std::move(next);
        }
    }
    /// Runs until the fetch is over, well or not. What it has brought of a group that it does not complete is given up.
    static asio::awaitable<void> bring(Self self, std::shared_ptr<Subscribed> asking, std::shared_ptr<JoinedGroup> joined) {
        struct Fetched {
            ~Fetched() { joined.fetched.set(); }
            JoinedGroup &joined;
        };
        const Fetched fetched{*joined};
        auto fetching = join_by_fetch(self, asking->request, joined);
        auto outcome = outcome_of(std::move(fetching));
        auto stalling = until_stalled(self, joined);
        const auto first = co_await comoq::first_of(std::move(outcome), std::move(stalling));
        const auto code = first.index() == 0 ? std::get<0>(first) : make_error_code(Error::Timeout);
        if (!code) co_return;
        if (auto group = std::exchange(joined->group, std::nullopt)) group->abort(self->core_->lost_code(code));
        joined->objects = joined->fetched_to = 0;
    }
    /// Runs until no object has come for the time of the config's patience.
    static asio::awaitable<void> until_stalled(Self self, std::shared_ptr<JoinedGroup> joined) {
        for (std::optional<std::uint64_t> before; before != joined->fetched_to;) {
            before = joined->fetched_to;
            co_await self->core_->sleep(self->core_->config.patience);
        }
    }
    bool has_from(std::uint64_t sequence) const {
        const auto &state = out_->state(comoq::detail::Passkey());
        const comoq::detail::Lock lock(state->mutex());
        const auto latest = state->numbers().latest();
        return latest && *latest >= sequence;
    }
    static asio::awaitable<void> join_by_fetch(Self self, std::uint64_t request, std::shared_ptr<JoinedGroup> joined) {
        if (!self->out_) co_return;
        RemoteFetch fetch(self->core_, self->out_->info());
        auto asked = fetch.join(request);
        co_await std::move(asked);
        const auto group_of = [&self, &joined](const FetchedObject &object, std::uint64_t &next) -> GroupProducer * {
            if (object.location.group != joined->sequence || joined->is_continued || !self->out_) return nullptr;
            joined->fetched_to = std::max(joined->fetched_to, object.location.object + 1);
            // Lanes have no place here.
            if (object.subgroup.value_or(0) != 0 || object.location.object < joined->objects) return nullptr;
            if (!joined->group) joined->group = comoq::detail::given_group(*self->out_, joined->sequence);
            next = std::exchange(joined->objects, object.location.object + 1);
            return &*joined->group;
        };
        auto receiving = fetch.receive(group_of);
        const auto code = co_await std::move(receiving);
        if (code) comoq::detail::throw_error(code);
        fetch.finish();
    }
    /// No stream ends it.
    static void end_joined(Subscribed &asking, std::error_code code) {
        if (asking.joined == nullptr || asking.joined->is_continued || asking.joined->is_awaited || !asking.joined->group) return;
        auto group = std::exchange(asking.joined->group, std::nullopt);
        if (asking.is_left)
            group->abort(make_error_code(Error::Cancelled));
        else if (code)
            group->abort(code);
        else
            group->finish();
    }

    // As the peer has said with its last answer.
    std::optional<Location> largest_;
    comoq::detail::Event live_;
};

}  // namespace comoq::ietf::detail
