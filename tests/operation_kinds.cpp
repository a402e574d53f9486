// Every operation of the public interface, awaited in every possible way. The meaning of each is tested in its own
// file; these tests check that all of them keep the promises of section 2.
#include <comoq/comoq.hpp>

#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "operation_places.hpp"
#include "support/catch.hpp"
#include "support/plain_task.hpp"
#include "support/received.hpp"
#include "support/run.hpp"

namespace operation_kinds_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// An operation of some kind, and its result. The tests below see no types: each of them is compiled once.
class Attempt {
public:
    Attempt() = default;
    Attempt(const Attempt &) = delete;
    Attempt &operator=(const Attempt &) = delete;
    virtual ~Attempt() = default;

    virtual bool ready() const = 0;
    virtual asio::awaitable<void> await(bool as_tuple) = 0;
    virtual PlainTask await_plainly(bool as_tuple) = 0;
    virtual void wait(asio::io_context &context, asio::cancellation_slot slot = {}) = 0;

    virtual int times() const = 0;
    virtual bool failed(std::error_code code) const = 0;
    virtual bool is_right() const = 0;
};

template <class Kind> class AttemptOf final : public Attempt {
    using Op = decltype(std::declval<Kind &>().operation());
    using Value = ValueOf<Op>;

public:
    explicit AttemptOf(Kind &kind) : kind_(kind), operation_(kind.operation()) {}

    bool ready() const override { return operation_.ready(); }
    asio::awaitable<void> await(bool as_tuple) override {
        return as_tuple ? receive_tuple(std::move(operation_), received_) : receive(std::move(operation_), received_);
    }
    PlainTask await_plainly(bool as_tuple) override {
        return as_tuple ? receive_tuple_plainly(std::move(operation_), received_)
                        : receive_plainly(std::move(operation_), received_);
    }
    void wait(asio::io_context &context, asio::cancellation_slot slot) override {
        operation_.async_wait(asio::bind_cancellation_slot(slot, asio::bind_executor(context, keep(received_))));
    }

    int times() const override { return received_.times; }
    bool failed(std::error_code code) const override { return received_.failed(code); }
    bool is_right() const override {
        if (!received_.ok()) {
            return false;
        }
        if constexpr (std::is_void_v<Value>) {
            return true;
        } else {
            static_assert(std::is_default_constructible_v<Value>);
            return kind_.is_right(received_.value);
        }
    }

private:
    Kind &kind_;
    Op operation_;
    Received<Value> received_;
};

class Place {
public:
    Place() = default;
    Place(const Place &) = delete;
    Place &operator=(const Place &) = delete;
    virtual ~Place() = default;
    virtual std::unique_ptr<Attempt> attempt() = 0;
    virtual void complete() = 0;
};

template <class Kind> class PlaceOf final : public Place {
public:
    std::unique_ptr<Attempt> attempt() override { return std::make_unique<AttemptOf<Kind>>(kind_); }
    void complete() override { kind_.complete(); }

private:
    Kind kind_;
};

struct KindEntry {
    const char *name;
    std::unique_ptr<Place> (*make)();
};

template <class Kind> KindEntry entry(const char *name) {
    return {name, []() -> std::unique_ptr<Place> { return std::make_unique<PlaceOf<Kind>>(); }};
}

const KindEntry all_kinds[] = {
    entry<AnnouncedNext>("AnnounceConsumer::next"),
    entry<AnnouncedBroadcast>("OriginConsumer::announced_broadcast"),
    entry<RequestBroadcast>("OriginConsumer::request_broadcast"),
    entry<RequestedBroadcast>("OriginDynamic::requested_broadcast"),
    entry<BroadcastAbandoned>("BroadcastRequest::abandoned"),
    entry<BroadcastClosed>("BroadcastConsumer::closed"),
    entry<RequestedTrack>("BroadcastDynamic::requested_track"),
    entry<TrackAbandoned>("TrackRequest::abandoned"),
    entry<Info>("TrackConsumer::info"),
    entry<Subscribe>("TrackConsumer::subscribe"),
    entry<SubscriptionChanged>("TrackProducer::subscription_changed"),
    entry<Unused>("TrackProducer::unused"),
    entry<Used>("TrackProducer::used"),
    entry<ReceiveGroup>("TrackSubscriber::recv_group"),
    entry<NextGroup>("TrackSubscriber::next_group"),
    entry<ReadFirstFrame>("TrackSubscriber::read_frame"),
    entry<TrackFinished>("TrackSubscriber::finished"),
    entry<TrackClosed>("TrackSubscriber::closed"),
    entry<ReceiveDatagram>("TrackSubscriber::recv_datagram"),
    entry<FetchGroup>("TrackConsumer::fetch_group"),
    entry<FetchGroupOfMovedTrack>("TrackConsumer::fetch_group of a track that moved"),
    entry<RequestedGroup>("TrackDynamic::requested_group"),
    entry<GroupAbandoned>("GroupRequest::abandoned"),
    entry<ReadFrame>("GroupConsumer::read_frame"),
    entry<GetFrame>("GroupConsumer::get_frame"),
    entry<ReadFrames>("GroupConsumer::read_frames"),
    entry<NextFrame>("GroupConsumer::next_frame"),
    entry<GroupFinished>("GroupConsumer::finished"),
    entry<ReadChunk>("FrameConsumer::read_chunk"),
    entry<ReadAll>("FrameConsumer::read_all"),
};

/// Calls `test` with a new place of every kind.
template <class Test> void for_all_kinds(Test test) {
    for (const KindEntry &kind : all_kinds) {
        INFO(kind.name);
        const auto place = kind.make();
        test(*place);
    }
}

/// Completes from inside a handler on the same context, and returns whether `attempt` was told before the call
/// returned.
bool completes_inside(asio::io_context &context, Place &place, const Attempt &attempt) {
    int inside = -1;
    run_inside(context, [&] {
        place.complete();
        inside = attempt.times();
    });
    return inside != 0;
}

}  // namespace

TEST_CASE("section 2: every operation can be waited for in asio::awaitable, and ends after the completing call",
          "[operation][kinds]") {
    const bool as_tuple = GENERATE(false, true);
    for_all_kinds([&](Place &place) {
        asio::io_context context;
        const auto attempt = place.attempt();
        CHECK_FALSE(attempt->ready());
        asio::co_spawn(context, attempt->await(as_tuple), asio::detached);
        CHECK(settle_down(context));
        CHECK_FALSE(completes_inside(context, place, *attempt));
        CHECK_FALSE(settle_down(context));
        CHECK(attempt->is_right());
    });
}

TEST_CASE("section 2: every operation can be waited for by async_wait, and ends after the completing call",
          "[operation][kinds]") {
    for_all_kinds([](Place &place) {
        asio::io_context context;
        const auto attempt = place.attempt();
        attempt->wait(context);
        CHECK(settle_down(context));
        CHECK_FALSE(completes_inside(context, place, *attempt));
        CHECK_FALSE(settle_down(context));
        CHECK(attempt->is_right());
    });
}

TEST_CASE("section 2: every operation can be waited for in a plain coroutine", "[operation][kinds]") {
    const bool as_tuple = GENERATE(false, true);
    for_all_kinds([&](Place &place) {
        const auto attempt = place.attempt();
        const auto task = attempt->await_plainly(as_tuple);
        CHECK_FALSE(task.done());
        place.complete();
        CHECK(task.done());
        CHECK(attempt->is_right());
    });
}

TEST_CASE("section 2: every operation that is ready is delivered on the spot", "[operation][kinds]") {
    const bool as_tuple = GENERATE(false, true);
    for_all_kinds([&](Place &place) {
        asio::io_context context;
        const auto attempt = place.attempt();
        place.complete();
        CHECK(attempt->ready());
        asio::co_spawn(context, attempt->await(as_tuple), asio::detached);
        CHECK_FALSE(settle_down(context));
        CHECK(attempt->is_right());
    });
    for_all_kinds([&](Place &place) {
        const auto attempt = place.attempt();
        place.complete();
        const auto task = attempt->await_plainly(as_tuple);
        CHECK(task.done());
        CHECK(attempt->is_right());
    });
}

TEST_CASE("section 2: the handler of an operation that is ready is posted", "[operation][kinds]") {
    for_all_kinds([](Place &place) {
        asio::io_context context;
        const auto attempt = place.attempt();
        place.complete();
        int inside = -1;
        run_inside(context, [&] {
            attempt->wait(context);
            inside = attempt->times();
        });
        CHECK(inside == 0);
        CHECK_FALSE(settle_down(context));
        CHECK(attempt->is_right());
    });
}

TEST_CASE("section 2: every operation can be cancelled, ready or not, takes nothing then, and leaves the others alone",
          "[operation][kinds][cancellation]") {
    const bool ready = GENERATE(false, true);
    for_all_kinds([&](Place &place) {
        asio::io_context context;
        asio::cancellation_signal signal;
        const auto cancelled = place.attempt();
        const auto other = place.attempt();
        cancelled->wait(context, signal.slot());
        other->wait(context);
        settle_down(context);
        if (ready) {
            place.complete();
        }
        signal.emit(asio::cancellation_type::partial);
        if (!ready) {
            settle_down(context);
            CHECK(other->times() == 0);
            place.complete();
        }
        CHECK_FALSE(settle_down(context));
        CHECK(cancelled->failed(asio::error::operation_aborted));
        CHECK(other->is_right());
    });
}

TEST_CASE("section 2: every operation can be destroyed, waiting or ready, takes nothing then, and leaves the others alone",
          "[operation][kinds]") {
    const bool ready = GENERATE(false, true);
    for_all_kinds([&](Place &place) {
        asio::io_context context;
        const auto other = place.attempt();
        other->wait(context);
        {
            auto gone = std::make_unique<asio::io_context>();
            const auto unstarted = place.attempt();
            const auto started = place.attempt();
            const auto spawned = place.attempt();
            const auto suspended = place.attempt();
            started->wait(*gone);
            asio::co_spawn(*gone, spawned->await(false), asio::detached);
            settle_down(*gone);
            if (ready) {
                place.complete();
            } else {
                const auto task = suspended->await_plainly(false);
                CHECK_FALSE(task.done());
            }
            gone.reset();
            CHECK(started->times() + spawned->times() + suspended->times() == 0);
        }
        if (!ready) {
            place.complete();
        }
        CHECK_FALSE(settle_down(context));
        CHECK(other->is_right());
    });
}

}
