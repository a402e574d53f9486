// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "../../track_producer.hpp"
#include "../session/track_questions.hpp"
#include "alias_table.hpp"
#include "announcements.hpp"
#include "receive_datagrams.hpp"
#include "remote_fetch.hpp"
#include "request_stream.hpp"
#include "subscription_end.hpp"
#include "track_facts.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

/// A track that the peer pushes: it is here as if this side had subscribed to it, until the peer says that it is over. Its
/// namespace is announced meanwhile. The peer sends objects only while somebody here subscribes, and answers for groups by their
/// numbers. It takes one of the session's places for tracks, and its namespace one of those for announcements.
class PublishServer final : public comoq::detail::TrackQuestions<SessionCore>,
                            public std::enable_shared_from_this<PublishServer> {
public:
    static asio::awaitable<void> serve(RequestStream::Self request, Publish message) {
        const auto core = request->core;
        auto path = asked_path(message.track.space);
        request->note(path, message.track.name);
        const auto peers = core->peers_namespaces.lock();
        if (peers == nullptr || !core->subscribe) comoq::detail::throw_error(make_error_code(Error::Unauthorized));
        if (core->tracks.get() >= core->config.max_tracks) {
            core->log.at_limit(SessionLog::Limit::Tracks);
            comoq::detail::throw_error(make_error_code(Error::LimitReached));
        }
        throw_unless_possible(message.parameters.largest_object);
        const auto guard = Announcements::begin(peers, path);
        const auto self = std::make_shared<PublishServer>(core, std::move(path), message.track.name);
        self->set_info(info_of(message.properties));
        message.properties = {};
        self->begin(guard, message);
        const End end(*self);
        auto serving = serve_to_the_end(self, request, std::move(message));
        const auto code = co_await outcome_of(std::move(serving));
        // What it was a part of ends with the session, and by its code.
        if (request->is_lost()) co_await core->ended.wait();
        if (!code) co_return;
        if (!core->ended.peek() && !request->is_lost()) self->lose(code);
        comoq::detail::throw_error(code);
    }

    using TrackQuestions::TrackQuestions;

private:
    using Self = std::shared_ptr<PublishServer>;

    /// Counts the track among those of the session. A track that is not over when this goes is lost with the session.
    struct End {
        explicit End(PublishServer &of) : server(of) { ++server.core_->tracks; }
        End(const End &) = delete;
        End &operator=(const End &) = delete;
        ~End() {
            --server.core_->tracks;
            server.ties_->left = true;
            server.alias_.reset();
            if (!server.is_over_) server.out_->abort(server.core_->lost_code(make_error_code(Error::Cancelled)));
        }
        PublishServer &server;
    };

    /// Throws what it is refused with.
    void begin(const Announcements::Guard &guard, const Publish &message) {
        try {
            out_.emplace(guard.broadcast().create_track(name_, info_));
        } catch (const std::system_error &error) {
            // It is subscribed to already. Later drafts have no number for that, and it is not wanted twice.
            if (error.code() != Error::Duplicate || core_->rules().single_subscriptions) throw;
            comoq::detail::throw_error(make_error_code(Error::Cancelled));
        }
        newest_ = std::make_shared<Newest>(core_->newest_groups, out_->state(comoq::detail::Passkey()));
        if (const auto &place = message.parameters.largest_object) out_->note_largest({place->group, place->object});
        asked_.set({});
    }

    static asio::awaitable<void> serve_to_the_end(Self self, RequestStream::Self request, Publish message) {
        auto &core = *self->core_;
        self->alias_ = core.aliases.add(message.alias, {*self->out_, self->newest_, self->ties_, nullptr});
        if (self->alias_ == nullptr) request->reader.refuse(make_code(SessionFault::DuplicateTrackAlias));
        give_early_datagrams(core, message.alias);
        self->forwards_ = message.parameters.forward.value_or(true);
        RequestOk ok;
        ok.of_publish = true;
        // In draft 18 the answer says whether objects are wanted now.
        const bool is_used = self->out_->used().ready();
        if (core.rules().single_subscriptions && is_used != self->forwards_) ok.parameters.forward = self->forwards_ = is_used;
        request->forget_question();
        auto answered = request->answer(ok);
        co_await std::move(answered);
        std::optional<PublishDone> done;
        auto messages = until_done(request->reader, done);
        auto forwarding = quietly(self, pass_forward(self, request));
        auto fetching = quietly(self, answer_fetches(self, self->out_->dynamic()));
        co_await comoq::first_of(std::move(messages), std::move(forwarding), std::move(fetching));
        if (!done) comoq::detail::throw_error(make_error_code(Error::Dropped));
        auto rest = streams_to_come(self->core_, self->ties_, done->streams);
        co_await std::move(rest);
        self->is_over_ = true;
        request->send->finish();
        if (const auto code = done_error(done->status)) {
            self->out_->abort(code);
        } else {
            std::error_code ended_before;
            self->out_->finish(ended_before);
        }
    }
    /// The groups of a track whose peer has left stay for its readers.
    void lose(std::error_code code) {
        is_over_ = true;
        if (code != Error::Dropped) out_->abort(code);
        out_.reset();
    }
    /// What ends early ends nothing else.
    static asio::awaitable<void> quietly(Self self, asio::awaitable<void> work) {
        auto outcome = outcome_of(std::move(work));
        co_await std::move(outcome);
        co_await self->core_->ended.wait();
    }
    /// Tells the peer whether anybody here wants objects, each time that it changes.
    static asio::awaitable<void> pass_forward(Self self, RequestStream::Self request) {
        while (true) {
            auto changed = self->forwards_ ? self->out_->unused() : self->out_->used();
            co_await std::move(changed);
            RequestUpdate update;
            update.request_id = self->core_->request_ids.next();
            update.parameters.forward = self->forwards_ = !self->forwards_;
            auto written = request->send->write(self->core_->encoded(update));
            co_await std::move(written);
        }
    }

    void fetched() noexcept override {}
    // The peer has told it by itself.
    asio::awaitable<void> ask_info() override { co_return; }
    asio::awaitable<std::unique_ptr<comoq::detail::FetchedGroup>> ask_group(std::uint64_t sequence, std::uint8_t priority) override {
        auto space = namespace_of(path_);
        if (!space) comoq::detail::throw_error(make_error_code(Error::NotFound));
        auto fetch = std::make_unique<RemoteFetch>(core_, info_);
        auto asking = fetch->ask(FullName{std::move(*space), name_}, sequence, priority);
        co_await std::move(asking);
        co_return fetch;
    }

    std::optional<TrackProducer> out_;
    const std::shared_ptr<SubscriptionTies> ties_ = std::make_shared<SubscriptionTies>();
    std::unique_ptr<AliasTable::Entry> alias_;
    bool forwards_ = true, is_over_ = false;
};

}  // namespace comoq::ietf::detail
