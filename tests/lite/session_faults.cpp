// A session that is disturbed at every point, on either side.
#include <comoq/lite/session.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>

#include "lite/spoken.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/manual_sleep.hpp"
#include "support/media.hpp"

namespace session_faults_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A publisher on the server's side, and viewers on the client's: they read, fetch, and request broadcasts that nobody
/// serves. The test disturbs the session of one side, from its beginning to its end.
class World {
public:
    std::optional<asio::io_context> context{std::in_place};

    explicit World(bool serves) : serves_(serves) {
        publish();
        other_.emplace(serves_ ? link_->client() : link_->server(), config_of(serves_ ? *here_ : *there_));
        spawn(view(*here_, seen_));
        spawn(fetch(*here_, seen_));
        spawn(ask_in_vain());
    }
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    asio::awaitable<void> work() {
        auto transport = serves_ ? link_->server() : link_->client();
        return hold(std::move(transport), config_of(serves_ ? *there_ : *here_));
    }
    void leave() {
        link_->cut();
        other_.reset();
        published_.reset();
        track_.reset();
        tracks_.reset();
        handler_.reset();
    }
    void check_end() {
        if (context) {
            CHECK(time_.sleepers() == 0);
            CHECK(link_->open_streams() == 0);
            CHECK(here_->stats().announced == 0);
            CHECK(link_->client().use_count() == owners_);
            CHECK(link_->server().use_count() == owners_);
        }
        for (const auto *origin : {&*here_, &*there_}) {
            CHECK(origin->stats().handlers == 0);
            CHECK(origin->stats().pending == 0);
            CHECK(origin->stats().watchers == 0);
            CHECK(origin->stats().unsent_bytes == 0);
        }
        CHECK(waiting_ == 0);
    }

private:
    struct Waiting {
        explicit Waiting(int &of) noexcept : count(of) { ++count; }
        Waiting(const Waiting &) = delete;
        Waiting &operator=(const Waiting &) = delete;
        ~Waiting() { --count; }
        int &count;
    };

    lite::SessionConfig config_of(const Origin &origin) const {
        lite::SessionConfig config;
        config.publish = origin.consumer();
        config.subscribe = origin.producer();
        config.sleep = time_;
        return config;
    }
    void publish() {
        handler_.emplace(there_->producer().dynamic());
        published_.emplace(there_->producer().create_broadcast("live"));
        track_.emplace(published_->producer().create_track("video"));
        tracks_.emplace(track_->dynamic());
        auto group = track_->append_group();
        group.write_frame(payload("one"));
        group.finish();
        track_->append_group().write_frame(payload("two"));
    }
    void spawn(asio::awaitable<void> viewer) {
        asio::co_spawn(*context, wait_for(waiting_, std::move(viewer)), [](const std::exception_ptr &) {});
    }
    static asio::awaitable<void> wait_for(int &count, asio::awaitable<void> viewer) {
        const Waiting waiting(count);
        co_await std::move(viewer);
    }
    /// Runs until the session is over. A session that is still open when this ends is closed.
    static asio::awaitable<void> hold(std::shared_ptr<Transport> transport, lite::SessionConfig config) {
        const lite::Session session(std::move(transport), std::move(config));
        auto done = session.done();
        co_await std::move(done);
    }

    static asio::awaitable<BroadcastConsumer> find(const Origin &origin) {
        // Ends early once nothing is left.
        for (int i = 0; i < 60; ++i) {
            auto found = origin.consumer().announced_broadcast("live");
            if (found.ready()) co_return co_await std::move(found);
            co_await turns(1);
        }
        throw std::system_error(make_error_code(Error::NotFound));
    }
    static asio::awaitable<void> view(const Origin &origin, std::string &seen) {
        auto broadcast = co_await find(origin);
        auto subscriber = co_await broadcast.track("video").subscribe();
        while (auto group = co_await subscriber.next_group())
            while (auto frame = co_await group->read_frame()) seen += frame->payload.view();
    }
    static asio::awaitable<void> fetch(const Origin &origin, std::string &seen) {
        auto broadcast = co_await find(origin);
        auto cached = co_await broadcast.track("video").fetch_group(0);
        auto missing = co_await broadcast.track("video").fetch_group(99);
        seen += "fetched";
    }
    asio::awaitable<void> ask_in_vain() { return ask(there_->consumer().request_broadcast("silent")); }
    static asio::awaitable<void> ask(Pending<BroadcastConsumer> asked) { co_await std::move(asked); }

    const bool serves_;
    int waiting_ = 0;
    std::string seen_;
    ManualSleep time_;
    std::optional<Origin> there_{std::in_place}, here_{std::in_place};
    std::optional<OriginDynamic> handler_;
    std::optional<BroadcastPublish> published_;
    std::optional<TrackProducer> track_;
    std::optional<TrackDynamic> tracks_;
    std::optional<MemoryLink> link_{std::in_place, context->get_executor(), context->get_executor()};
    const long owners_ = link_->client().use_count();
    std::optional<lite::Session> other_;
};

}  // namespace

TEST_CASE("session faults: when the holder of a session is cancelled at any step, nothing of the session is left",
          "[lite][session][faults]") {
    CHECK(cancel_at_every_step<World>(false, false) > 50);
    CHECK(cancel_at_every_step<World>(false, true) > 50);
}

TEST_CASE("session faults: if any one allocation fails, nothing of a session is left in the end, and nobody waits",
          "[lite][session][faults]") {
    if (!allocations_can_fail()) return;
    // Those of the other side are included.
    CHECK(fail_every_allocation<World>(true) > 200);
}

TEST_CASE("session faults: its context may be destroyed at any point", "[lite][session][faults]") {
    CHECK(destroy_at_every_point<World>(false) > 50);
    CHECK(destroy_at_every_point<World>(true) > 50);
}

TEST_CASE("session faults: a session that finds no memory to begin does not exist, or is over and says so",
          "[lite][session][faults]") {
    if (!allocations_can_fail()) return;
    bool failed = true;
    for (std::size_t after = 0; failed; ++after) {
        INFO("after " << after << " allocations");
        asio::io_context context;
        MemoryLink link(context.get_executor(), context.get_executor(), spoken_link());
        std::optional<lite::Session> session;
        // On the executor: elsewhere asio ends the program if it cannot begin a coroutine.
        asio::post(context, [&] {
            try {
                session.emplace(link.client());
            } catch (const std::bad_alloc &) {
            }
        });
        {
            FailingAllocation failing(after);
            run_handlers(context);
            failed = failing.stop();
        }
        link.cut();
        run_handlers(context);
        if (session) {
            CHECK(session->closed().ready());
            CHECK(session->done().ready());
        }
    }
}

TEST_CASE("a session is done when all of its work is over, and then keeps neither transport nor origin", "[lite][session]") {
    asio::io_context context;
    MemoryLink link(context.get_executor(), context.get_executor(), spoken_link());
    const auto owners = link.client().use_count();
    std::optional<Origin> origin(std::in_place);
    auto watch = origin->consumer().announced();
    lite::SessionConfig config;
    config.publish = origin->consumer();
    config.subscribe = origin->producer();
    std::optional<lite::Session> session(std::in_place, link.client(), std::move(config));
    const lite::Session peer(link.server());
    auto done = session->done();
    run_handlers(context);
    CHECK_FALSE(done.ready());
    origin.reset();
    session.reset();
    while (!done.ready()) {
        REQUIRE(run_handlers(context, 1) == 1);
    }
    CHECK(link.client().use_count() == owners);
    CHECK(watch.next().ready());
}

}
