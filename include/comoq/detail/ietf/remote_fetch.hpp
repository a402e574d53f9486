// SPDX-License-Identifier: MIT
#pragma once
#include "../media/given_group.hpp"
#include "../session/track_questions.hpp"
#include "fetched_lanes.hpp"
#include "joined_group.hpp"
#include "receive_objects.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

/// A fetch of this side's: its request, and the stream on which the objects come.
class RemoteFetch final : public comoq::detail::FetchedGroup {
public:
    /// With the info of the track, if that is known: otherwise the answer tells it.
    explicit RemoteFetch(std::shared_ptr<SessionCore> core, std::optional<TrackInfo> info = {}) noexcept
        : core_(std::move(core)), info_(std::move(info)) {}

    /// Asks for a whole group. Completes when the peer has said yes.
    asio::awaitable<void> ask(FullName track, std::uint64_t sequence, std::uint8_t priority) {
        Fetch message;
        message.track = std::move(track);
        if (core_->rules().joining_fetch) {
            message.start = Location{sequence, 0};
            message.end = RangeEnd{sequence, {}};
        } else {
            message.parameters.filter = Filter{Filter::Kind::Absolute, 0, Location{sequence, 0}, RangeEnd{sequence, {}}};
        }
        if (turned(priority) != usual_priority) message.parameters.subscriber_priority = turned(priority);
        return ask(std::move(message));
    }
    /// Asks for what is there of the group in which a subscription has begun.
    asio::awaitable<void> join(std::uint64_t request) {
        Fetch message;
        message.kind = Fetch::Kind::RelativeJoining;
        message.joining_request = request;
        return ask(std::move(message));
    }

    asio::awaitable<std::error_code> receive(GroupProducer &group) override {
        const auto sequence = group.sequence();
        FetchedLanes lanes;
        const auto write = [&group, &lanes, sequence](const FetchedObject &object, std::uint64_t &next) -> GroupProducer * {
            if (object.location.group != sequence || object.location.object < next)
                comoq::detail::throw_error(make_error_code(Error::MalformedTrack));
            return &lanes.of(group, object, next);
        };
        auto receiving = receive(write);
        const auto code = co_await std::move(receiving);
        lanes.end(code ? core_->lost_code(code) : code);
        co_return code;
    }
    /// Receives all objects. `group_of(object, next)` gives the group to which an object goes; null if it goes nowhere. `next` is
    /// the object's number if the fetch leaves out none before it: `group_of` changes that to what the group expects. Returns the
    /// code that ended the fetch early.
    template <class GroupOf> asio::awaitable<std::error_code> receive(GroupOf group_of) {
        std::error_code code;
        try {
            auto coming = entry_->came();
            auto in_time = with_timeout(std::move(coming), core_->config.patience, core_->config.sleep);
            co_await std::move(in_time);
            reader_ = entry_->take();
            auto all = receive_all(group_of);
            co_await std::move(all);
            co_return code;
        } catch (const std::system_error &error) {
            code = error.code();
        }
        if (reader_) {
            core_->look_at(*reader_, "FETCH");
            reader_->stop(code);
        }
        co_return code;
    }
    void finish() override {
        if (question_ != nullptr) question_->finish();
    }

private:
    asio::awaitable<void> ask(Fetch message) {
        const auto make = [this, &message](std::uint64_t id) {
            entry_.emplace(core_->fetches, id);
            message.request_id = id;
            return message;
        };
        auto asked = ask_with(core_, make);
        auto stream = co_await std::move(asked);
        question_ = std::move(stream.send);
        answers_.emplace(std::move(stream.receive), core_->draft());
        std::optional<ControlMessage> answer;
        auto coming = first_message(answer);
        auto code = co_await outcome_of(std::move(coming));
        const bool is_reset = code && code != asio::error::operation_aborted && !answers_->fault() && !answers_->is_lost();
        if (is_reset && core_->habits.resets_answered_fetches) {
            auto objects = objects_come();
            const auto failure = co_await outcome_of(std::move(objects));
            if (!failure) co_return;
        }
        try {
            if (!code) {
                properties_ = yes_of<FetchOk>(*answers_, std::move(answer)).properties;
                co_return;
            }
        } catch (const std::system_error &error) {
            code = error.code();
        }
        core_->look_at(*answers_, "FETCH");
        comoq::detail::throw_error(code);
    }
    asio::awaitable<void> first_message(std::optional<ControlMessage> &message) {
        auto coming = answers_->message(StreamKind::Request);
        message = co_await std::move(coming);
    }
    /// They were on their way with the answer.
    asio::awaitable<void> objects_come() {
        auto coming = entry_->came();
        auto in_time = with_timeout(std::move(coming), std::chrono::seconds(1), core_->config.sleep);
        co_await std::move(in_time);
    }
    template <class GroupOf> asio::awaitable<void> receive_all(GroupOf &group_of) {
        FetchObjects objects(GroupOrder::Ascending, core_->draft());
        const TrackInfo info = info_ ? *info_ : info_of(properties_);
        ObjectTimes times(info);
        std::uint64_t next = 0;
        const comoq::detail::Uncounted grown;
        while (true) {
            auto coming = next_object(*reader_, objects);
            const auto object = co_await std::move(coming);
            if (!object) break;
            if (!objects.is_ordered()) comoq::detail::throw_error(make_error_code(Error::MalformedTrack));
            if (object->kind != FetchedObject::Kind::Object) {
                // What is not there at its beginning is not there at all.
                if (next == 0) comoq::detail::throw_error(make_error_code(Error::NotFound));
                continue;
            }
            std::uint64_t from = next;
            GroupProducer *const group = group_of(*object, from);
            if (group == nullptr) {
                auto passing = pass_over(*reader_, object->payload_size);
                co_await std::move(passing);
            } else {
                auto extras = extras_of(object->properties, object->location.object - from, info);
                auto rest = comoq::detail::receive_frame(*reader_, *group, object->payload_size, times.of(object->properties), grown,
                                                         std::move(extras));
                if (rest) co_await std::move(*rest);
            }
            next = object->location.object + 1;
        }
    }

    const std::shared_ptr<SessionCore> core_;
    const std::optional<TrackInfo> info_;
    std::optional<FetchTable::Entry> entry_;
    std::unique_ptr<SendStream> question_;
    std::optional<StreamReader> answers_, reader_;
    Pairs properties_;
};

}  // namespace comoq::ietf::detail
