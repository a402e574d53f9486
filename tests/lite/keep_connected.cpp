// A session that is kept connected, and its end.
#include <comoq/lite/keep_connected.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>
#include <comoq/origin_dynamic.hpp>

#include "lite/spoken.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace keep_connected_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A peer, and a session that is kept connected with it.
class World {
public:
    std::optional<asio::io_context> context{std::in_place};

    World() {
        lite::SessionConfig config;
        config.publish = there_.consumer();
        config.subscribe = there_.producer();
        config.sleep = time;
        published_.emplace(there_.producer().create_broadcast("live"));
        server_.emplace(link_->server(), std::move(config));
        asked_.emplace(wait(here_->consumer().request_broadcast("on/demand")));
    }
    asio::awaitable<void> work() {
        lite::ReconnectConfig config;
        config.session.publish = here_->consumer();
        config.session.subscribe = here_->producer();
        config.session.sleep = time;
        auto connect = [this] { return connect_now(*this); };
        return until_over(*this, lite::keep_connected(std::move(connect), std::move(config)));
    }
    void leave() {
        server_.reset();
        link_->cut();
        asked_.reset();
    }
    void check_end() {
        CHECK(here_->stats().handlers == 0);
        CHECK(here_->stats().pending == 0);
        if (context) CHECK(here_->stats().announced == 0);
        // Only this test keeps the origin.
        auto watch = here_->consumer().announced();
        here_.reset();
        CHECK(watch.next().ready());
    }

private:
    static asio::awaitable<std::shared_ptr<Transport>> connect_now(World &world) {
        co_await turns(1);
        co_return world.link_->client();
    }
    /// Looks at the remains at the moment of the end.
    static asio::awaitable<void> until_over(World &world, asio::awaitable<void> keeping) {
        const auto owners = world.link_->client().use_count();
        std::exception_ptr failure;
        try {
            auto work = std::move(keeping);
            co_await std::move(work);
        } catch (...) {
            failure = std::current_exception();
        }
        CHECK(world.link_->client().use_count() == owners);
        CHECK(world.here_->stats().handlers == 0);
        CHECK(world.here_->stats().announced == 0);
        std::rethrow_exception(failure);
    }

    ManualSleep time;
    Origin there_;
    std::optional<Origin> here_{std::in_place};
    std::optional<BroadcastPublish> published_;
    std::optional<MemoryLink> link_{std::in_place, context->get_executor(), context->get_executor()};
    std::optional<lite::Session> server_;
    std::optional<Waiting<BroadcastConsumer>> asked_;
};

}  // namespace

TEST_CASE("keep_connected: it ends when it is cancelled at any step, and keeps neither origin nor connection",
          "[lite][keep_connected][faults]") {
    CHECK(cancel_at_every_step<World>(false) > 20);
}

TEST_CASE("keep_connected: if any one allocation fails, nothing of it is left in the end, and nobody waits",
          "[lite][keep_connected][faults]") {
    if (!allocations_can_fail()) return;
    CHECK(fail_every_allocation<World>() > 50);
}

TEST_CASE("keep_connected: its context may be destroyed at any point", "[lite][keep_connected][faults]") {
    CHECK(destroy_at_every_point<World>() > 20);
}

namespace {

/// A session that is kept connected with a peer that a test makes.
struct Scene {
    explicit Scene(std::function<void(lite::ReconnectConfig &)> change = {}) {
        lite::ReconnectConfig config;
        config.session.subscribe = here.producer();
        config.session.sleep = time;
        config.on_retry = [this](std::error_code code, std::chrono::milliseconds delay) {
            retries.emplace_back(code, delay);
        };
        if (change) change(config);
        auto connect = [this]() -> asio::awaitable<std::shared_ptr<Transport>> { return connect_now(*this); };
        keeping.start(context, lite::keep_connected(std::move(connect), std::move(config)));
        run();
    }
    static asio::awaitable<std::shared_ptr<Transport>> connect_now(Scene &scene) {
        ++scene.attempts;
        if (scene.refuses) throw std::system_error(make_error_code(Error::Transport));
        scene.server.reset();
        scene.link.emplace(scene.context.get_executor(), scene.context.get_executor());
        if (scene.speaks) {
            lite::SessionConfig config;
            config.publish = scene.there.consumer();
            config.sleep = scene.time;
            scene.server.emplace(scene.link->server(), std::move(config));
        }
        if (scene.waits) co_await turns(3);
        co_return scene.link->client();
    }
    void run() { settle_down(context); }
    /// The peer drops each connection as soon as it exists.
    void flap_for(std::chrono::milliseconds how_long, std::chrono::milliseconds each = 0ms) {
        for (auto passed = 0ms; passed < how_long; passed += 50ms) {
            time.advance(50ms);
            run();
            lived = link ? lived + 50ms : 0ms;
            if (link && lived >= each) {
                link->cut();
                link.reset();
                server.reset();
                lived = 0ms;
                run();
            }
        }
    }

    asio::io_context context;
    ManualSleep time;
    Origin here, there;
    std::optional<MemoryLink> link;
    std::optional<lite::Session> server;
    bool speaks = true, refuses = false, waits = false;
    std::chrono::milliseconds lived{0};
    int attempts = 0;
    std::vector<std::pair<std::error_code, std::chrono::milliseconds>> retries;
    Disturbed keeping;
};

}  // namespace

TEST_CASE("keep_connected: a peer that drops each connection at once is asked at ever longer intervals", "[lite][keep_connected]") {
    for (const bool speaks : {false, true}) {
        Scene scene;
        scene.speaks = speaks;
        scene.flap_for(25s);
        // Half a second, then twice as long each time, a random half left out.
        CHECK(scene.attempts >= 5);
        CHECK(scene.attempts <= 9);
        // The observer is called each time.
        CHECK(scene.retries.size() + 1 >= static_cast<std::size_t>(scene.attempts));
        CHECK(scene.retries.back().first == Error::Transport);
        CHECK(scene.retries.back().second > 3s);
        scene.keeping.cancel();
        scene.run();
    }
}

TEST_CASE("keep_connected: a session that lasted makes the next wait a first one", "[lite][keep_connected]") {
    Scene scene;
    scene.flap_for(60s, 3s);
    CHECK(scene.attempts >= 15);
    for (const auto &[code, delay] : scene.retries) {
        CHECK(delay <= 500ms);
    }
    scene.keeping.cancel();
    scene.run();
    CHECK(scene.keeping.was_cancelled());
}

TEST_CASE("keep_connected: when it is cancelled, it refuses waiting requests with Cancelled", "[lite][keep_connected]") {
    Scene scene;
    scene.refuses = true;
    scene.link->cut();
    scene.run();
    scene.time.advance(1s);
    scene.run();
    auto asked = wait(scene.here.consumer().request_broadcast("x"));
    scene.run();
    CHECK_FALSE(asked.done());
    scene.keeping.cancel();
    scene.run();
    CHECK(asked.code() == Error::Cancelled);
    CHECK(scene.here.stats().handlers == 0);
    CHECK(scene.time.sleepers() == 0);
}

TEST_CASE("keep_connected: requests wait until it is decided what the peer may publish", "[lite][keep_connected]") {
    const auto decided = std::make_shared<detail::Event>();
    std::optional<OriginProducer> everywhere;
    Scene scene([&](lite::ReconnectConfig &config) {
        everywhere = config.session.subscribe;
        config.session.authorize = [&](const lite::Setup &, const Transport &) -> asio::awaitable<lite::SessionViews> {
            co_await decided->wait();
            co_return lite::SessionViews(std::nullopt, everywhere);
        };
    });
    auto asked = wait(scene.here.consumer().request_broadcast("x"));
    scene.run();
    CHECK_FALSE(asked.done());
    decided->set();
    scene.run();
    CHECK(asked.code() == std::error_code());
    scene.keeping.cancel();
    scene.run();
}

TEST_CASE("keep_connected: a connection that is made while it is cancelled is closed", "[lite][keep_connected]") {
    // It takes its time, and ignores cancellation.
    struct Stubborn {
        static asio::awaitable<std::shared_ptr<Transport>> connect(std::shared_ptr<Transport> transport) {
            try {
                co_await turns(5);
            } catch (const std::system_error &) {
            }
            co_return transport;
        }
    };
    asio::io_context context;
    MemoryLink link(context.get_executor(), context.get_executor(), spoken_link());
    lite::ReconnectConfig config;
    auto connect = [&]() { return Stubborn::connect(link.client()); };
    Disturbed keeping;
    keeping.start(context, lite::keep_connected(connect, std::move(config)));
    run_handlers(context, 3);
    keeping.cancel();
    run_handlers(context);
    CHECK(keeping.was_cancelled());
    Begun closed(context, link.server()->closed());
    CHECK(closed.done());
}

}
