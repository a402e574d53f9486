// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/track.h"
#include "../../detail/c/objects.hpp"
#include "../../detail/c/structures.hpp"

namespace comoq::detail::c {

/// Runs `call(track)` for a call without a result of its own.
template <class Call> std::int32_t do_with_track(comoq_track track, Call &&call) noexcept {
    return with_locked<TrackObject>(track, [&](TrackProducer &held) {
        call(held);
        return COMOQ_OK;
    });
}

inline comoq_group give_group(GroupProducer producer, Timescale scale) {
    return give<GroupObject>(GroupWriter{std::move(producer), scale});
}

COMOQ_EXPORT std::int32_t comoq_track_group(comoq_track track, comoq_group *group) {
    if (group == nullptr) return COMOQ_ERROR_ARGUMENT;
    return do_with_track(track, [&](TrackProducer &held) { *group = give_group(held.append_group(), held.info().timescale); });
}

COMOQ_EXPORT std::int32_t comoq_track_group_at(comoq_track track, std::uint64_t sequence, comoq_group *group) {
    if (group == nullptr) return COMOQ_ERROR_ARGUMENT;
    return do_with_track(track, [&](TrackProducer &held) { *group = give_group(held.create_group(sequence), held.info().timescale); });
}

COMOQ_EXPORT std::int32_t comoq_track_write(comoq_track track, const std::uint8_t *data, std::size_t size, std::uint64_t timestamp,
                                            std::uint64_t *sequence) {
    return do_with_track(track, [&](TrackProducer &held) {
        set_if(sequence, held.write_frame(Bytes::copy(octets(data, size)), Timestamp(timestamp, held.info().timescale)));
    });
}

COMOQ_EXPORT std::int32_t comoq_track_datagram(comoq_track track, const std::uint8_t *data, std::size_t size, std::uint64_t timestamp,
                                               std::uint64_t *sequence) {
    return do_with_track(track, [&](TrackProducer &held) {
        set_if(sequence, held.append_datagram(Bytes::copy(octets(data, size)), Timestamp(timestamp, held.info().timescale)));
    });
}

COMOQ_EXPORT std::int32_t comoq_track_insert_datagram(comoq_track track, std::uint64_t sequence, const std::uint8_t *data,
                                                      std::size_t size, std::uint64_t timestamp) {
    return do_with_track(track, [&](TrackProducer &held) {
        held.insert_datagram(Datagram(sequence, Timestamp(timestamp, held.info().timescale), Bytes::copy(octets(data, size))));
    });
}

COMOQ_EXPORT std::int32_t comoq_track_finish(comoq_track track) {
    return do_with_track(track, [](TrackProducer &held) { held.finish(); });
}

COMOQ_EXPORT std::int32_t comoq_track_finish_at(comoq_track track, std::uint64_t sequence) {
    return do_with_track(track, [&](TrackProducer &held) { held.finish_at(sequence); });
}

COMOQ_EXPORT std::int32_t comoq_track_abort(comoq_track track, std::int32_t code) {
    return do_with_track(track, [&](TrackProducer &held) { held.abort(failure_of(code)); });
}

COMOQ_EXPORT std::int32_t comoq_track_latest(comoq_track track, std::uint64_t *sequence) {
    return with_locked<TrackObject>(track, [&](const TrackProducer &held) {
        const auto latest = held.latest();
        if (latest) set_if(sequence, *latest);
        return latest ? COMOQ_READY : COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_name(comoq_track track, comoq_string *name) {
    return with_locked<TrackObject>(track, [&](const TrackProducer &held) {
        return set(name, borrowed(held.name())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_get_stats(comoq_track track, comoq_track_stats *stats) {
    return with_locked<TrackObject>(track, [&](const TrackProducer &held) {
        return write_prefix(stats, track_stats_for(held.stats())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_used(comoq_track track, comoq_queue queue, std::uint64_t user, comoq_event *now, comoq_op *op) {
    return with_locked<TrackObject>(track, [&](TrackProducer &held) {
        return ask(Asked{queue, user, now, op}, held.used(), FillNothing());
    });
}

COMOQ_EXPORT std::int32_t comoq_track_unused(comoq_track track, comoq_queue queue, std::uint64_t user, comoq_event *now, comoq_op *op) {
    return with_locked<TrackObject>(track, [&](TrackProducer &held) {
        return ask(Asked{queue, user, now, op}, held.unused(), FillNothing());
    });
}

COMOQ_EXPORT std::int32_t comoq_track_subscription(comoq_track track, comoq_subscription *wishes) {
    return with_locked<TrackObject>(track, [&](const TrackProducer &held) -> std::int32_t {
        const auto wanted = held.subscription();
        if (!wanted) return COMOQ_OK;
        return write_prefix(wishes, subscription_for(*wanted)) ? COMOQ_READY : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_track_subscription_changed(comoq_track track, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                           comoq_op *op) {
    return with_locked<TrackObject>(track, [&](TrackProducer &held) {
        return ask(Asked{queue, user, now, op}, held.subscription_changed(),
                   [](comoq_event &event, std::optional<Subscription> &&wishes) { event.value = wishes ? 1 : 0; });
    });
}

COMOQ_EXPORT std::int32_t comoq_track_dynamic(comoq_track track, comoq_group_handler *handler) {
    if (handler == nullptr) return COMOQ_ERROR_ARGUMENT;
    return do_with_track(track, [&](const TrackProducer &held) { *handler = give<GroupHandlerObject>(held.dynamic()); });
}

COMOQ_EXPORT std::int32_t comoq_group_handler_next(comoq_group_handler handler, comoq_queue queue, std::uint64_t user,
                                                   comoq_event *now, comoq_op *op) {
    return with<GroupHandlerObject>(handler, [&](TrackDynamic &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_requested_group(); },
                        [&] { return held.requested_group(); }, FillHandle<GroupRequestObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_group_request_view(comoq_group_request request, std::uint64_t *sequence, std::uint8_t *priority) {
    return with_locked<GroupRequestObject>(request, [&](const GroupRequest &held) {
        set_if(sequence, held.sequence());
        set_if(priority, held.priority());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_request_accept(comoq_group_request request, const comoq_track_info *info, comoq_group *group) {
    if (group == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_locked<GroupRequestObject>(request, [&](GroupRequest &held) {
        auto producer = held.accept(track_info_of(info));
        const Timescale scale = producer.consume().track_info().timescale;
        *group = give_group(std::move(producer), scale);
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_request_reject(comoq_group_request request, std::int32_t code) {
    return with_locked<GroupRequestObject>(request, [&](GroupRequest &held) {
        return held.reject(failure_of(code)) ? COMOQ_READY : COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_request_abandoned(comoq_group_request request, comoq_queue queue, std::uint64_t user,
                                                        comoq_event *now, comoq_op *op) {
    return with_locked<GroupRequestObject>(request, [&](GroupRequest &held) {
        return ask(Asked{queue, user, now, op}, held.abandoned(), FillNothing());
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_next(comoq_subscriber subscriber, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                comoq_op *op) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_next_group(); }, [&] { return held.next_group(); },
                        FillHandle<ReaderObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_receive(comoq_subscriber subscriber, comoq_queue queue, std::uint64_t user,
                                                   comoq_event *now, comoq_op *op) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_recv_group(); }, [&] { return held.recv_group(); },
                        FillHandle<ReaderObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_read_frame(comoq_subscriber subscriber, comoq_queue queue, std::uint64_t user,
                                                      comoq_event *now, comoq_op *op) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_read_frame(); }, [&] { return held.read_frame(); },
                        FillFrames());
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_datagram(comoq_subscriber subscriber, comoq_queue queue, std::uint64_t user,
                                                    comoq_event *now, comoq_op *op) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_recv_datagram(); }, [&] { return held.recv_datagram(); },
                        FillFrames());
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_update(comoq_subscriber subscriber, const comoq_subscription *wishes) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        held.update(subscription_of(wishes));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_start_at(comoq_subscriber subscriber, std::uint64_t sequence) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        held.start_at(sequence);
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_end_at(comoq_subscriber subscriber, std::uint64_t sequence) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        held.end_at(sequence != UINT64_MAX ? std::optional(sequence) : std::nullopt);
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_finished(comoq_subscriber subscriber, comoq_queue queue, std::uint64_t user,
                                                    comoq_event *now, comoq_op *op) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        return ask(Asked{queue, user, now, op}, held.finished(), FillNumber());
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_closed(comoq_subscriber subscriber, comoq_queue queue, std::uint64_t user,
                                                  comoq_event *now, comoq_op *op) {
    return with<SubscriberObject>(subscriber, [&](TrackSubscriber &held) {
        return ask(Asked{queue, user, now, op}, held.closed(), FillCode());
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_get_group(comoq_subscriber subscriber, std::uint64_t sequence, comoq_reader *reader) {
    if (reader == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<SubscriberObject>(subscriber, [&](const TrackSubscriber &held) -> std::int32_t {
        auto group = held.get_group(sequence);
        if (!group) return COMOQ_NOT_FOUND;
        *reader = give<ReaderObject>(*std::move(group));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_subscriber_get_stats(comoq_subscriber subscriber, comoq_subscriber_stats *stats) {
    return with<SubscriberObject>(subscriber, [&](const TrackSubscriber &held) {
        return write_prefix(stats, subscriber_stats_for(held.stats())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

}  // namespace comoq::detail::c
