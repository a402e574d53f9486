// A place for each operation of the public interface: what it needs to be asked for, what completes it, and whether its value
// is right.
#pragma once

#include <comoq/comoq.hpp>

#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "support/origin_fixture.hpp"

namespace operation_kinds_tests {

using namespace comoq;
using namespace comoq::test;

// One class for each operation: a place where it waits. `operation()` makes one; `complete()` is the call that ends the
// wait; `is_right(value)` judges the result.
struct InOrigin {
    Origin origin;
    OriginProducer producer = origin.producer();
    OriginConsumer consumer = origin.consumer();
};

struct AnnouncedNext : InOrigin {
    AnnounceConsumer watcher = consumer.announced();
    std::optional<BroadcastPublish> published;

    auto operation() { return watcher.next(); }
    void complete() { published.emplace(producer.create_broadcast("a")); }
    bool is_right(const std::optional<Announcement> &value) {
        return value && value->path == Path("a") && value->event == Announcement::Event::Active &&
               value->broadcast == published->producer().consume();
    }
};

struct AnnouncedBroadcast : InOrigin {
    BroadcastProducer broadcast;
    std::optional<OriginPublish> published;

    auto operation() { return consumer.announced_broadcast("a"); }
    void complete() { published.emplace(producer.publish_broadcast("a", broadcast.consume())); }
    bool is_right(const BroadcastConsumer &value) { return value == broadcast.consume(); }
};

struct RequestBroadcast : InOrigin {
    OriginDynamic handler = producer.dynamic();
    BroadcastProducer broadcast;

    auto operation() { return consumer.request_broadcast("a"); }
    void complete() {
        auto request = take_request(handler);
        request->accept(broadcast.consume());
    }
    bool is_right(const BroadcastConsumer &value) { return value == broadcast.consume(); }
};

struct RequestedBroadcast : InOrigin {
    OriginDynamic handler = producer.dynamic();
    std::optional<Pending<BroadcastConsumer>> asked;

    auto operation() { return handler.requested_broadcast(); }
    void complete() { asked.emplace(consumer.request_broadcast("a")); }
    bool is_right(const std::optional<BroadcastRequest> &value) { return value && value->path() == Path("a"); }
};

struct BroadcastAbandoned : InOrigin {
    OriginDynamic handler = producer.dynamic();
    std::optional<Pending<BroadcastConsumer>> asked = consumer.request_broadcast("a");
    std::optional<BroadcastRequest> request = take_request(handler);

    auto operation() { return request->abandoned(); }
    void complete() { asked.reset(); }
};

struct InBroadcast {
    BroadcastProducer broadcast;
    BroadcastConsumer consumer = broadcast.consume();
};

struct BroadcastClosed : InBroadcast {
    auto operation() { return consumer.closed(); }
    void complete() { broadcast.abort(app_error(3)); }
    bool is_right(std::error_code value) { return value == app_error(3); }
};

struct InPendingTrack : InBroadcast {
    BroadcastDynamic handler = broadcast.dynamic();
    std::optional<TrackProducer> track;

    void complete() {
        auto request = now(handler.requested_track());
        TrackInfo info;
        info.priority = 7;
        track.emplace(request->accept(info));
    }
};

struct RequestedTrack : InPendingTrack {
    std::optional<Pending<TrackInfo>> asked;

    auto operation() { return handler.requested_track(); }
    void complete() { asked.emplace(consumer.track("t").info()); }
    bool is_right(const std::optional<TrackRequest> &value) { return value && value->name() == "t"; }
};

struct TrackAbandoned : InPendingTrack {
    std::optional<Pending<TrackInfo>> asked = consumer.track("t").info();
    std::optional<TrackRequest> request = now(handler.requested_track());

    auto operation() { return request->abandoned(); }
    void complete() { asked.reset(); }
};

struct Info : InPendingTrack {
    auto operation() { return consumer.track("t").info(); }
    bool is_right(const TrackInfo &value) { return value.priority == 7; }
};

struct Subscribe : InPendingTrack {
    auto operation() { return consumer.track("t").subscribe(); }
    bool is_right(const TrackSubscriber &) { return track->subscription().has_value(); }
};

struct InTrack : InBroadcast {
    TrackProducer track = broadcast.create_track("t");
    TrackSubscriber subscriber = now(consumer.track("t").subscribe());
};

struct SubscriptionChanged : InTrack {
    std::optional<Subscription> before = now(track.subscription_changed());

    auto operation() { return track.subscription_changed(); }
    void complete() {
        Subscription wishes;
        wishes.priority = 9;
        subscriber.update(wishes);
    }
    bool is_right(const std::optional<Subscription> &value) { return value && value->priority == 9; }
};

struct Unused : InTrack {
    auto operation() { return track.unused(); }
    void complete() { subscriber = TrackSubscriber(); }
};

struct Used : InTrack {
    Used() { subscriber = TrackSubscriber(); }
    auto operation() { return track.used(); }
    void complete() { subscriber = now(consumer.track("t").subscribe()); }
};

struct ReceiveGroup : InTrack {
    auto operation() { return subscriber.recv_group(); }
    void complete() { static_cast<void>(track.create_group(4)); }
    bool is_right(const std::optional<GroupConsumer> &value) { return value && value->sequence() == 4; }
};

struct NextGroup : ReceiveGroup {
    auto operation() { return subscriber.next_group(); }
};

struct ReadFirstFrame : InTrack {
    auto operation() { return subscriber.read_frame(); }
    void complete() { track.write_frame(Bytes::copy("x")); }
    bool is_right(const std::optional<Frame> &value) { return value && value->payload.view() == "x"; }
};

struct TrackFinished : InTrack {
    auto operation() { return subscriber.finished(); }
    void complete() { track.finish_at(12); }
    bool is_right(std::uint64_t value) { return value == 12; }
};

struct TrackClosed : InTrack {
    auto operation() { return subscriber.closed(); }
    void complete() { track.abort(app_error(4)); }
    bool is_right(std::error_code value) { return value == app_error(4); }
};

struct ReceiveDatagram : InTrack {
    auto operation() { return subscriber.recv_datagram(); }
    void complete() { track.append_datagram(Bytes::copy("x")); }
    bool is_right(const std::optional<Datagram> &value) { return value && value->payload.view() == "x"; }
};

struct InDynamicTrack : InTrack {
    TrackDynamic handler = track.dynamic();
};

struct FetchGroup : InDynamicTrack {
    std::optional<GroupProducer> group;

    auto operation() { return consumer.track("t").fetch_group(6); }
    void complete() {
        auto request = now(handler.requested_group());
        group.emplace(request->accept());
    }
    bool is_right(const GroupConsumer &value) { return value.sequence() == 6; }
};

/// The track itself is only requested first, and then another takes its place.
struct FetchGroupOfMovedTrack : InPendingTrack {
    BroadcastProducer elsewhere;
    TrackProducer live = elsewhere.create_track("t");
    GroupProducer group = live.create_group(6);

    auto operation() { return consumer.track("t").fetch_group(6); }
    void complete() { broadcast.insert_track(live.consume()); }
    bool is_right(const GroupConsumer &value) { return value.sequence() == 6; }
};

struct RequestedGroup : InDynamicTrack {
    std::optional<Pending<GroupConsumer>> asked;

    auto operation() { return handler.requested_group(); }
    void complete() { asked.emplace(consumer.track("t").fetch_group(6)); }
    bool is_right(const std::optional<GroupRequest> &value) { return value && value->sequence() == 6; }
};

struct GroupAbandoned : InDynamicTrack {
    std::optional<Pending<GroupConsumer>> asked = consumer.track("t").fetch_group(6);
    std::optional<GroupRequest> request = now(handler.requested_group());

    auto operation() { return request->abandoned(); }
    void complete() { asked.reset(); }
};

struct InGroup : InTrack {
    GroupProducer writer = track.append_group();
    GroupConsumer reader = writer.consume();

    void complete() { writer.write_frame(Bytes::copy("x")); }
    bool is_right(const std::optional<Frame> &value) { return value && value->payload.view() == "x"; }
};

struct ReadFrame : InGroup {
    auto operation() { return reader.read_frame(); }
};

struct GetFrame : InGroup {
    auto operation() { return reader.get_frame(0); }
};

struct ReadFrames : InGroup {
    auto operation() { return reader.read_frames(5); }
    bool is_right(const std::optional<std::vector<Frame>> &value) {
        return value && value->size() == 1 && value->front().payload.view() == "x";
    }
};

struct NextFrame : InGroup {
    std::optional<FrameProducer> open;

    auto operation() { return reader.next_frame(); }
    void complete() { open.emplace(writer.create_frame(3)); }
    bool is_right(const std::optional<FrameConsumer> &value) { return value && value->size() == 3; }
};

struct GroupFinished : InGroup {
    auto operation() { return reader.finished(); }
    void complete() { writer.finish(); }
    bool is_right(std::uint64_t value) { return value == 0; }
};

struct InFrame : InGroup {
    FrameProducer open = writer.create_frame(3);
    std::optional<FrameConsumer> frame = now(reader.next_frame());
};

struct ReadChunk : InFrame {
    auto operation() { return frame->read_chunk(); }
    void complete() { open.write(Bytes::copy("ab")); }
    bool is_right(const std::optional<Bytes> &value) { return value && value->view() == "ab"; }
};

struct ReadAll : InFrame {
    auto operation() { return frame->read_all(); }
    void complete() {
        open.write(Bytes::copy("abc"));
        open.finish();
    }
    bool is_right(const Bytes &value) { return value.view() == "abc"; }
};

}  // namespace operation_kinds_tests
