// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/broadcast.h"
#include "../../c/group.h"
#include "../../origin.hpp"
#include "handle_table.hpp"
#include "source_wait.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::detail::c {

/// A part of an origin. What a call of C makes of it are copies: handles may be used by several threads.
struct OriginHalves {
    OriginProducer producer;
    OriginConsumer consumer;
    // For the counters, which are the origin's; shared by all parts.
    std::shared_ptr<const Origin> whole;
};

/// A broadcast, and its announcement if it has one.
struct BroadcastWriter {
    BroadcastProducer producer;
    // First to go: it withdraws the announcement.
    OriginPublish guard;
};

/// An object of which one thread at a time may use a part.
template <class T> struct Guarded {
    explicit Guarded(T &&object) : value(std::move(object)) {}
    Mutex mutex;
    T value;
};

struct GroupWriter {
    GroupProducer producer;
    Timescale scale;
};

using OriginObject = Holder<COMOQ_KIND_ORIGIN, OriginHalves>;
using GuardObject = Holder<COMOQ_KIND_GUARD, Guarded<OriginPublish>>;
using WatchObject = Holder<COMOQ_KIND_WATCH, AnnounceConsumer>;
using RecordObject = Holder<COMOQ_KIND_RECORD, Announcement>;
using HandlerObject = Holder<COMOQ_KIND_HANDLER, OriginDynamic>;
using RequestObject = Holder<COMOQ_KIND_REQUEST, Guarded<BroadcastRequest>>;
using BroadcastObject = Holder<COMOQ_KIND_BROADCAST, Guarded<BroadcastWriter>>;
using ConsumerObject = Holder<COMOQ_KIND_CONSUMER, BroadcastConsumer>;
using TrackHandlerObject = Holder<COMOQ_KIND_TRACK_HANDLER, BroadcastDynamic>;
using TrackRequestObject = Holder<COMOQ_KIND_TRACK_REQUEST, Guarded<TrackRequest>>;
using TrackObject = Holder<COMOQ_KIND_TRACK, Guarded<TrackProducer>>;
using SubscriberObject = Holder<COMOQ_KIND_SUBSCRIBER, TrackSubscriber>;
using GroupHandlerObject = Holder<COMOQ_KIND_GROUP_HANDLER, TrackDynamic>;
using GroupRequestObject = Holder<COMOQ_KIND_GROUP_REQUEST, Guarded<GroupRequest>>;
using InfoObject = Holder<COMOQ_KIND_INFO, TrackInfo>;
using GroupObject = Holder<COMOQ_KIND_GROUP, GroupWriter>;
using FrameWriterObject = Holder<COMOQ_KIND_FRAME_WRITER, Guarded<FrameProducer>>;
using ReaderObject = Holder<COMOQ_KIND_READER, GroupConsumer>;
using FrameReaderObject = Holder<COMOQ_KIND_FRAME_READER, FrameConsumer>;
/// The frames, and the number of a datagram.
using FramesObject = Holder<COMOQ_KIND_FRAMES, std::pair<std::vector<Frame>, std::uint64_t>>;
using BytesObject = Holder<COMOQ_KIND_BYTES, Bytes>;

/// A new handle on an object of that type, made of `args`.
template <class ObjectType, class... Args> comoq_handle give(Args &&...args) {
    return HandleTable::instance().insert(make<ObjectType>(std::forward<Args>(args)...));
}

/// Runs `call(object)` with what the handle stands for. No exception leaves it.
template <class ObjectType, class Call> std::int32_t with(comoq_handle handle, Call &&call) noexcept {
    std::int32_t code = COMOQ_OK;
    const auto object = HandleTable::instance().find<ObjectType>(handle, code);
    if (!object) return code;
    return guarded([&]() -> std::int32_t { return call(object->value); });
}

/// The same for an object that one thread at a time may use.
template <class ObjectType, class Call> std::int32_t with_locked(comoq_handle handle, Call &&call) noexcept {
    return with<ObjectType>(handle, [&](auto &guarded_object) -> std::int32_t {
        // What the call completes runs when the lock is open again.
        const ResumeScope scope;
        const Lock lock(guarded_object.mutex);
        return call(guarded_object.value);
    });
}

/// An event's value that is a handle of that type, made of the outcome.
template <class ObjectType> struct FillHandle {
    template <class T> void operator()(comoq_event &event, T &&value) const {
        event.value = give<ObjectType>(std::forward<T>(value));
    }
    template <class T> void operator()(comoq_event &event, std::optional<T> &&value) const {
        if (value)
            event.value = give<ObjectType>(*std::move(value));
        else
            event.flags = COMOQ_END;
    }
};
struct FillNothing {
    void operator()(comoq_event &) const noexcept {}
};
struct FillNumber {
    void operator()(comoq_event &event, std::uint64_t value) const noexcept { event.value = value; }
};
/// The outcome is why something has ended.
struct FillCode {
    void operator()(comoq_event &event, const std::error_code &code) const noexcept { event.code = number_of(code); }
};
/// Frames, a frame, or a datagram.
struct FillFrames {
    void operator()(comoq_event &event, std::optional<std::vector<Frame>> &&frames) const {
        if (frames) return batch(event, *std::move(frames), 0);
        event.flags = COMOQ_END;
    }
    void operator()(comoq_event &event, std::optional<Frame> &&frame) const {
        if (frame) return one(event, *std::move(frame), 0);
        event.flags = COMOQ_END;
    }
    void operator()(comoq_event &event, std::optional<Datagram> &&datagram) const {
        if (datagram) return one(event, Frame(datagram->timestamp, std::move(datagram->payload)), datagram->sequence);
        event.flags = COMOQ_END;
    }

private:
    static void one(comoq_event &event, Frame &&frame, std::uint64_t number) {
        std::vector<Frame> frames;
        frames.push_back(std::move(frame));
        batch(event, std::move(frames), number);
    }
    static void batch(comoq_event &event, std::vector<Frame> &&frames, std::uint64_t number) {
        event.value = give<FramesObject>(std::move(frames), number);
    }
};

/// The broadcast behind a comoq_broadcast or a comoq_consumer; empty and a code for anything else.
inline BroadcastConsumer consumer_of(comoq_handle handle, std::int32_t &code) {
    BroadcastConsumer consumer;
    const auto written = [&](BroadcastWriter &broadcast) {
        consumer = broadcast.producer.consume();
        return COMOQ_OK;
    };
    code = with<ConsumerObject>(handle, [&](const BroadcastConsumer &read) {
        consumer = read;
        return COMOQ_OK;
    });
    if (code == COMOQ_ERROR_KIND) code = with_locked<BroadcastObject>(handle, written);
    return consumer;
}

/// What an out-argument of C gets, which must not be null.
template <class T> bool set(T *out, const T &value) noexcept {
    if (out == nullptr) return false;
    *out = value;
    return true;
}
template <class T> void set_if(T *out, const T &value) noexcept {
    if (out != nullptr) *out = value;
}

inline std::string_view view(comoq_string text) {
    if (text.data == nullptr && text.size != 0) throw BadArgument();
    return text.size != 0 ? std::string_view(text.data, text.size) : std::string_view("");
}
inline comoq_string borrowed(std::string_view text) noexcept { return comoq_string{text.data(), text.size()}; }

inline std::span<const std::byte> octets(const std::uint8_t *data, std::uint64_t size) {
    if (data == nullptr && size != 0) throw BadArgument();
    return {reinterpret_cast<const std::byte *>(data), static_cast<std::size_t>(size)};
}
/// The code of a refusal or an abort.
inline std::error_code failure_of(std::int32_t number) {
    if (number >= 0) throw BadArgument();
    return code_of_number(number);
}

}  // namespace comoq::detail::c
