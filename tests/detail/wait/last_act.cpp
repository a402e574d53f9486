// A coroutine without an executor is resumed as the last act of the outermost call that completes its wait: it may
// destroy the very object that the call was made on, and it finds that call's work done. Address sanitizers see where a
// call touches its object again.
#include <comoq/comoq.hpp>

#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "support/catch.hpp"
#include "support/origin_fixture.hpp"
#include "support/plain_task.hpp"

namespace last_act_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Runs `then` when `operation` is over, whatever its outcome.
template <class Op, class Then> PlainTask after(Op operation, Then then) {
    auto outcome = co_await std::move(operation).as_tuple();
    static_cast<void>(outcome);
    then();
}

/// An object in memory of its own, which can be freed separately.
template <class T> class Placed {
public:
    explicit Placed(T &&from) : memory_(::operator new(sizeof(T))), object_(::new (memory_) T(std::move(from))) {}
    Placed(const Placed &) = delete;
    Placed &operator=(const Placed &) = delete;
    ~Placed() {
        if (object_ != nullptr) {
            object_->~T();
        }
        free();
    }

    T *operator->() { return object_; }
    T &operator*() { return *object_; }
    void destroy() { std::exchange(object_, nullptr)->~T(); }
    /// For calls while `destroy()` runs, or after.
    void free() { ::operator delete(std::exchange(memory_, nullptr)); }

private:
    void *memory_;
    T *object_;
};

/// Makes `call`, which completes `operation`, on an object; the coroutine that this resumes destroys the object.
template <class T, class Op, class Call> void destroyed_by_its_call(T &&object, Op operation, Call call) {
    auto placed = std::make_unique<std::remove_reference_t<T>>(std::forward<T>(object));
    const auto task = after(std::move(operation), [&] { placed.reset(); });
    CHECK_FALSE(task.done());
    call(*placed);
    CHECK(task.done());
    CHECK(placed == nullptr);
}

/// Destroys `object`, which completes `operation`, and lets the resumed coroutine free the object's memory.
template <class T, class Op> void freed_by_its_destructor(T &&object, Op operation) {
    Placed<std::remove_reference_t<T>> placed(std::move(object));
    const auto task = after(std::move(operation), [&] { placed.free(); });
    CHECK_FALSE(task.done());
    placed.destroy();
    CHECK(task.done());
}

struct Fixture {
    Origin origin;
    OriginProducer producer = origin.producer();
    OriginConsumer consumer = origin.consumer();
    OriginDynamic handler = producer.dynamic();
    BroadcastProducer broadcast;
    AnnounceConsumer watcher = consumer.announced();

    BroadcastRequest requested(Pending<BroadcastConsumer> &) { return std::move(*take_request(handler)); }
};

struct TrackFixture {
    BroadcastProducer broadcast;
    BroadcastConsumer consumer = broadcast.consume();
    BroadcastDynamic handler = broadcast.dynamic();
    TrackProducer track = broadcast.create_track("t");
    TrackSubscriber subscriber = now(consumer.track("t").subscribe());
};

}  // namespace

TEST_CASE("section 2: calls of a request for a broadcast touch nothing afterwards", "[last_act]") {
    Fixture f;
    auto asked = f.consumer.request_broadcast("a");
    auto request = f.requested(asked);
    SECTION("accept") {
        destroyed_by_its_call(std::move(request), std::move(asked),
                              [&](BroadcastRequest &r) { r.accept(f.broadcast.consume()); });
    }
    SECTION("reject") {
        destroyed_by_its_call(std::move(request), std::move(asked),
                              [&](BroadcastRequest &r) { r.reject(Error::Timeout); });
    }
    SECTION("assigned over") {
        destroyed_by_its_call(std::move(request), std::move(asked),
                              [&](BroadcastRequest &r) { r = BroadcastRequest(); });
    }
    SECTION("destroyed") { freed_by_its_destructor(std::move(request), std::move(asked)); }
}

TEST_CASE("section 2: calls that announce touch nothing afterwards", "[last_act]") {
    Fixture f;
    SECTION("publish_broadcast") {
        auto next = f.watcher.next();
        destroyed_by_its_call(OriginProducer(f.producer), std::move(next), [&](OriginProducer &p) {
            const auto guard = p.publish_broadcast("a", f.broadcast.consume());
            CHECK(f.origin.stats().announced == 1);
        });
    }
    SECTION("create_broadcast") {
        auto next = f.watcher.next();
        destroyed_by_its_call(OriginProducer(f.producer), std::move(next), [&](OriginProducer &p) {
            auto made = p.create_broadcast("a");
            CHECK_NOTHROW(made.producer().create_track("t"));
        });
    }
    auto guard = f.producer.publish_broadcast("x", f.broadcast.consume());
    CHECK(changes(f.watcher).size() >= 1);
    SECTION("unannounce") {
        auto next = f.watcher.next();
        destroyed_by_its_call(std::move(guard), std::move(next), [](OriginPublish &g) { g.unannounce(); });
    }
    SECTION("a guard destroyed") {
        auto next = f.watcher.next();
        freed_by_its_destructor(std::move(guard), std::move(next));
    }
    SECTION("a guard assigned over") {
        auto other = f.producer.publish_broadcast("y", f.broadcast.consume());
        other.unannounce();
        changes(f.watcher);
        auto next = f.watcher.next();
        destroyed_by_its_call(std::move(guard), std::move(next), [&](OriginPublish &g) { g = std::move(other); });
    }
    SECTION("a broadcast with its announcement destroyed") {
        auto made = f.producer.create_broadcast("z");
        changes(f.watcher);
        auto next = f.watcher.next();
        freed_by_its_destructor(std::move(made), std::move(next));
    }
    SECTION("a broadcast with its announcement assigned over") {
        auto made = f.producer.create_broadcast("z");
        auto other = f.producer.create_broadcast("y");
        changes(f.watcher);
        auto next = f.watcher.next();
        destroyed_by_its_call(std::move(made), std::move(next), [&](BroadcastPublish &b) { b = std::move(other); });
    }
}

TEST_CASE("section 2: the ends of an origin and of a handler touch nothing afterwards", "[last_act]") {
    SECTION("the origin's last owner") {
        std::optional<Origin> origin(std::in_place);
        auto watcher = origin->consumer().announced();
        auto producer = origin->producer();
        origin.reset();
        freed_by_its_destructor(std::move(producer), watcher.next());
    }
    SECTION("the origin itself") {
        Origin origin;
        auto watcher = origin.consumer().announced();
        freed_by_its_destructor(std::move(origin), watcher.next());
    }
    SECTION("the last handler of an origin") {
        Origin origin;
        auto handler = origin.producer().dynamic();
        auto asked = origin.consumer().request_broadcast("a");
        freed_by_its_destructor(std::move(handler), std::move(asked));
    }
    SECTION("the last handler of a broadcast") {
        BroadcastProducer broadcast;
        auto handler = broadcast.dynamic();
        auto asked = broadcast.consume().track("t").info();
        freed_by_its_destructor(std::move(handler), std::move(asked));
    }
    SECTION("the last handler of a broadcast assigned over") {
        BroadcastProducer broadcast, other;
        auto handler = broadcast.dynamic();
        auto asked = broadcast.consume().track("t").info();
        destroyed_by_its_call(std::move(handler), std::move(asked),
                              [&](BroadcastDynamic &h) { h = other.dynamic(); });
    }
}

TEST_CASE("section 2: calls that write touch nothing afterwards, and their work is done", "[last_act]") {
    TrackFixture f;
    auto group = f.track.append_group();
    auto reader = group.consume();
    const auto skip_group = now(f.subscriber.next_group());
    SECTION("append_group") {
        destroyed_by_its_call(TrackProducer(f.track), f.subscriber.next_group(),
                              [](TrackProducer &t) { t.append_group().finish(); });
    }
    SECTION("write_frame of a track") {
        bool whole = false;
        auto track = std::make_unique<TrackProducer>(f.track);
        const auto task = after(f.subscriber.next_group(), [&] {
            auto written = f.subscriber.get_group(1);
            whole = written && written->read_frame().ready() && written->finished().ready();
            track.reset();
        });
        CHECK(track->write_frame(Bytes::copy("x")) == 1);
        CHECK(task.done());
        CHECK(whole);
    }
    SECTION("finish of a track") {
        destroyed_by_its_call(TrackProducer(f.track), f.subscriber.finished(), [](TrackProducer &t) { t.finish(); });
    }
    SECTION("abort of a track") {
        destroyed_by_its_call(TrackProducer(f.track), f.subscriber.closed(),
                              [](TrackProducer &t) { t.abort(Error::Timeout); });
    }
    SECTION("a track's last producer destroyed") { freed_by_its_destructor(std::move(f.track), f.subscriber.closed()); }
    SECTION("write_frame") {
        destroyed_by_its_call(GroupProducer(group), reader.read_frame(),
                              [](GroupProducer &g) { g.write_frame(Bytes::copy("x")); });
    }
    SECTION("finish of a group") {
        destroyed_by_its_call(GroupProducer(group), reader.finished(), [](GroupProducer &g) { g.finish(); });
    }
    SECTION("abort of a group") {
        destroyed_by_its_call(GroupProducer(group), reader.finished(),
                              [](GroupProducer &g) { g.abort(Error::Timeout); });
    }
    SECTION("a group's last producer destroyed") { freed_by_its_destructor(std::move(group), reader.finished()); }
    SECTION("create_frame") {
        destroyed_by_its_call(GroupProducer(group), reader.next_frame(),
                              [](GroupProducer &g) { auto open = g.create_frame(2); });
    }
    SECTION("a frame written in chunks") {
        auto open = group.create_frame(2);
        auto frame = now(reader.next_frame());
        SECTION("write") {
            destroyed_by_its_call(std::move(open), frame->read_chunk(),
                                  [](FrameProducer &p) { p.write(Bytes::copy("a")); });
        }
        SECTION("finish") {
            open.write(Bytes::copy("ab"));
            destroyed_by_its_call(std::move(open), frame->read_all(), [](FrameProducer &p) { p.finish(); });
        }
        SECTION("abort") {
            destroyed_by_its_call(std::move(open), frame->read_all(),
                                  [](FrameProducer &p) { p.abort(Error::Timeout); });
        }
        SECTION("destroyed") { freed_by_its_destructor(std::move(open), frame->read_all()); }
    }
}

TEST_CASE("section 2: calls of a broadcast touch nothing afterwards", "[last_act]") {
    TrackFixture f;
    SECTION("create_track settles a request") {
        destroyed_by_its_call(BroadcastProducer(f.broadcast), f.consumer.track("u").info(), [](BroadcastProducer &b) {
            auto track = b.create_track("u");
            CHECK_FALSE(track.latest());
        });
    }
    SECTION("insert_track settles a request") {
        destroyed_by_its_call(BroadcastProducer(f.broadcast), f.consumer.track("u").info(), [](BroadcastProducer &b) {
            BroadcastProducer elsewhere;
            auto track = elsewhere.create_track("u");
            b.insert_track(track.consume());
        });
    }
    SECTION("finish") {
        destroyed_by_its_call(BroadcastProducer(f.broadcast), f.consumer.closed(),
                              [](BroadcastProducer &b) { b.finish(); });
    }
    SECTION("abort") {
        destroyed_by_its_call(BroadcastProducer(f.broadcast), f.consumer.closed(),
                              [](BroadcastProducer &b) { b.abort(Error::Timeout); });
    }
    SECTION("its last producer destroyed") {
        BroadcastProducer alone;
        auto closed = alone.consume().closed();
        freed_by_its_destructor(std::move(alone), std::move(closed));
    }
    auto asked = f.consumer.track("v").info();
    auto request = now(f.handler.requested_track());
    SECTION("accept of a track") {
        destroyed_by_its_call(std::move(*request), std::move(asked), [](TrackRequest &r) {
            auto track = r.accept();
            CHECK(track.name() == "v");
        });
    }
    SECTION("reject of a track") {
        destroyed_by_its_call(std::move(*request), std::move(asked),
                              [](TrackRequest &r) { r.reject(Error::Timeout); });
    }
    SECTION("a request for a track destroyed") { freed_by_its_destructor(std::move(*request), std::move(asked)); }
}

TEST_CASE("section 2: calls of readers touch nothing afterwards", "[last_act]") {
    TrackFixture f;
    SECTION("a subscriber destroyed") { freed_by_its_destructor(std::move(f.subscriber), f.track.unused()); }
    SECTION("a subscriber assigned over") {
        destroyed_by_its_call(std::move(f.subscriber), f.track.unused(),
                              [](TrackSubscriber &s) { s = TrackSubscriber(); });
    }
    SECTION("update") {
        now(f.track.subscription_changed());
        destroyed_by_its_call(std::move(f.subscriber), f.track.subscription_changed(), [](TrackSubscriber &s) {
            Subscription wishes;
            wishes.priority = 5;
            s.update(wishes);
        });
    }
    SECTION("end_at") {
        static_cast<void>(f.track.append_group());
        now(f.subscriber.next_group());
        f.subscriber.end_at(0);
        static_cast<void>(f.track.append_group());
        auto next = f.subscriber.next_group();
        destroyed_by_its_call(std::move(f.subscriber), std::move(next), [](TrackSubscriber &s) { s.end_at(1); });
    }
    SECTION("an operation destroyed") {
        auto asked = f.consumer.track("u").info();
        auto request = now(f.handler.requested_track());
        freed_by_its_destructor(std::move(asked), request->abandoned());
    }
    SECTION("an operation's tuple form destroyed") {
        auto asked = f.consumer.track("u").info().as_tuple();
        auto request = now(f.handler.requested_track());
        freed_by_its_destructor(std::move(asked), request->abandoned());
    }
    SECTION("an operation assigned over") {
        auto asked = f.consumer.track("u").info();
        auto request = now(f.handler.requested_track());
        destroyed_by_its_call(std::move(asked), request->abandoned(),
                              [&](Pending<TrackInfo> &one) { one = f.consumer.track("t").info(); });
    }
    SECTION("subscribe") {
        Origin origin;
        BroadcastProducer broadcast;
        auto track = broadcast.create_track("t");
        destroyed_by_its_call(broadcast.consume().track("t"), track.used(),
                              [](TrackConsumer &t) { auto subscriber = t.subscribe(); });
    }
    SECTION("asking for a broadcast") {
        Origin origin;
        auto handler = origin.producer().dynamic();
        destroyed_by_its_call(origin.consumer(), handler.requested_broadcast(),
                              [](OriginConsumer &c) { auto asked = c.request_broadcast("a"); });
    }
    SECTION("asking for a track") {
        destroyed_by_its_call(f.consumer.track("u"), f.handler.requested_track(),
                              [](TrackConsumer &t) { auto asked = t.info(); });
    }
}

}
