// What keep_connected tells of its attempts, and when it gives up.
#include <comoq/lite/keep_connected.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <fmt/format.h>

#include <comoq/connect_error.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/origin.hpp>

#include "lite/spoken.hpp"
#include "support/catch.hpp"
#include "support/logged.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace connection_events_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

namespace {

std::string text_of(const lite::ConnectionEvent &event) {
    using Kind = lite::ConnectionEvent::Kind;
    const auto why = (event.code ? event.code.message() : "in peace") + (event.reason.empty() ? "" : ", " + std::string(event.reason));
    switch (event.kind) {
    case Kind::Connecting: return fmt::format("connecting {}", event.attempt);
    case Kind::Connected: return fmt::format("connected {} {}", event.attempt, event.protocol);
    case Kind::Lost: return fmt::format("lost {}: {}; {}", event.attempt, why, event.next_try > 0ms ? "again" : "at once");
    case Kind::SentAway: return fmt::format("sent away {}{}{}; {}", event.attempt, event.reason.empty() ? "" : " to ", event.reason,
                                            event.next_try > 0ms ? "again" : "at once");
    case Kind::GivingUp: return fmt::format("giving up {}: {}", event.attempt, why);
    }
    return "?";
}

/// A session that is kept connected with a server that a test makes.
struct Scene {
    explicit Scene(const std::function<void(Scene &, lite::ReconnectConfig &)> &change = {}) {
        lite::ReconnectConfig config;
        config.session.subscribe = here.producer();
        config.session.sleep = time;
        config.session.name = "relay";
        config.on_change = [this](const lite::ConnectionEvent &event) { news.push_back(text_of(event)); };
        if (change) change(*this, config);
        auto connect = [this]() -> asio::awaitable<std::shared_ptr<Transport>> { return connect_now(*this); };
        asio::co_spawn(context, lite::keep_connected(std::move(connect), std::move(config)),
                       [this](const std::exception_ptr &thrown) { failure = thrown; });
        run();
    }
    static asio::awaitable<std::shared_ptr<Transport>> connect_now(Scene &scene) {
        if (scene.refuses) scene.refuses();
        if (scene.gives_nothing) co_return nullptr;
        scene.server.reset();
        scene.link.emplace(scene.context.get_executor(), scene.context.get_executor(), spoken_link());
        lite::SessionConfig config;
        config.publish = scene.there.consumer();
        config.sleep = scene.time;
        scene.server.emplace(scene.link->server(), std::move(config));
        co_return scene.link->client();
    }
    void run() { settle_down(context); }
    void pass(std::chrono::milliseconds how_long) {
        time.advance(how_long);
        run();
    }
    Lines take() { return std::exchange(news, {}); }
    /// With what it ended, if it has.
    std::string what() const {
        if (failure == nullptr) return "it goes on";
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception &error) {
            return error.what();
        }
    }

    asio::io_context context;
    ManualSleep time;
    Origin here, there;
    std::optional<MemoryLink> link;
    std::optional<lite::Session> server;
    std::function<void()> refuses;
    bool gives_nothing = false;
    Lines news;
    std::exception_ptr failure;
};

const std::string connected = "connected 1 ";

asio::awaitable<std::shared_ptr<Transport>> null_connection() { co_return nullptr; }

}  // namespace

TEST_CASE("keep_connected tells each step: connecting, connected, lost with code and reason", "[lite][keep_connected]") {
    Scene scene;
    CHECK(scene.take() == Lines{"connecting 1", connected + spoken_protocol()});
    SECTION("closed by the peer with a reason") {
        scene.server->close(Error::Unauthorized, "the token is too old");
        scene.run();
        CHECK(scene.take() == Lines{"lost 1: not authorized, the token is too old; again"});
        scene.pass(1s);
        CHECK(scene.take() == Lines{"connecting 2", "connected 2 " + spoken_protocol()});
    }
    SECTION("closed by the peer in peace") {
        scene.server->close();
        scene.run();
        CHECK(scene.take() == Lines{"lost 1: in peace; again"});
    }
    SECTION("lost after a while, so that the next attempt is a first one") {
        scene.pass(5s);
        scene.link->cut();
        scene.run();
        CHECK(scene.take() == Lines{"lost 1: the transport failed; again"});
        scene.pass(1s);
        CHECK(scene.take() == Lines{"connecting 1", connected + spoken_protocol()});
    }
    SECTION("sent away after a while") {
        scene.pass(5s);
        scene.server->goaway("");
        scene.run();
        CHECK(scene.take() == Lines{"sent away 1; at once", "connecting 1", connected + spoken_protocol()});
    }
    SECTION("sent away soon") {
        scene.server->goaway("");
        scene.run();
        CHECK(scene.take() == Lines{"sent away 1; again"});
    }
    CHECK(scene.what() == "it goes on");
}

TEST_CASE("keep_connected tells why an attempt failed, whatever it threw", "[lite][keep_connected]") {
    std::function<void()> refuses;
    std::string why;
    SECTION("a code") {
        refuses = [] { throw std::system_error(make_error_code(Error::Transport)); };
        why = "the transport failed";
    }
    SECTION("a code and a text") {
        refuses = [] { throw std::system_error(make_error_code(Error::Transport), "no such host: x"); };
        why = "the transport failed, no such host: x";
    }
    SECTION("a text") {
        refuses = [] { throw std::runtime_error("no such host: x"); };
        why = "cancelled, no such host: x";
    }
    Scene scene([&](Scene &self, lite::ReconnectConfig &) { self.refuses = refuses; });
    CHECK(scene.take() == Lines{"connecting 1", "lost 1: " + why + "; again"});
}

TEST_CASE("keep_connected gives up after its last attempt, and says why", "[lite][keep_connected]") {
    Scene scene([](Scene &self, lite::ReconnectConfig &config) {
        self.refuses = [] { throw std::system_error(make_error_code(Error::Transport), "no such host"); };
        config.tries = 2;
    });
    CHECK(scene.take() == Lines{"connecting 1", "lost 1: the transport failed, no such host; again"});
    auto asked = wait(scene.here.consumer().request_broadcast("x"));
    scene.pass(1s);
    CHECK(scene.take() == Lines{"connecting 2", "giving up 2: the transport failed, no such host"});
    CHECK(scene.what() == "relay: no such host: the transport failed");
    // Nothing of it is left.
    CHECK(asked.code() == Error::Transport);
    CHECK(scene.here.stats().handlers == 0);
}

TEST_CASE("keep_connected refuses waiting requests with the code for which it gives up", "[lite][keep_connected]") {
    Scene scene([](Scene &, lite::ReconnectConfig &config) { config.gives_up_on = lite::cannot_get_better; });
    scene.link->cut();
    scene.run();
    auto asked = wait(scene.here.consumer().request_broadcast("x"));
    auto also = wait(scene.here.consumer().request_broadcast("y"));
    scene.run();
    const auto why = GENERATE(make_error_code(Error::Unauthorized), std::error_code(make_error_code(ConnectError::ServerSpeaksTls)));
    scene.refuses = [why] { throw std::system_error(why, "no entry"); };
    scene.pass(1s);
    CHECK(asked.code() == why);
    CHECK(also.code() == why);
    CHECK(scene.what() == "relay: no entry: " + why.message());
    CHECK(scene.here.stats().pending == 0);
}

TEST_CASE("keep_connected refuses requests that come while it ends, and that nobody has taken, with the same code",
          "[lite][keep_connected]") {
    Scene scene([](Scene &, lite::ReconnectConfig &config) { config.gives_up_on = lite::cannot_get_better; });
    scene.link->cut();
    scene.run();
    std::vector<decltype(wait(scene.here.consumer().request_broadcast("x")))> asked;
    scene.refuses = [&] {
        for (const char *path : {"x", "y", "z"}) asked.push_back(wait(scene.here.consumer().request_broadcast(path)));
        throw std::system_error(make_error_code(Error::Unauthorized), "no entry");
    };
    scene.pass(1s);
    REQUIRE(asked.size() == 3);
    for (auto &each : asked) CHECK(each.code() == Error::Unauthorized);
    CHECK(scene.here.stats().pending == 0);
}

TEST_CASE("keep_connected refuses waiting requests with Closed when its last session has ended in peace", "[lite][keep_connected]") {
    Scene scene([](Scene &self, lite::ReconnectConfig &config) {
        config.tries = 1;
        config.session.authorize = [&self](const lite::Setup &, const Transport &) -> asio::awaitable<lite::SessionViews> {
            // It never decides: requests wait.
            co_await self.time(1h);
            co_return lite::SessionViews();
        };
    });
    auto asked = wait(scene.here.consumer().request_broadcast("x"));
    scene.run();
    CHECK_FALSE(asked.done());
    scene.server->close();
    scene.run();
    CHECK(asked.code() == Error::Closed);
    CHECK(scene.what() == "relay: closed");
}

TEST_CASE("keep_connected counts only attempts in a row", "[lite][keep_connected]") {
    Scene scene([](Scene &, lite::ReconnectConfig &config) { config.tries = 1; });
    for (int i = 0; i < 3; ++i) {
        scene.pass(3s);
        scene.link->cut();
        scene.run();
        scene.pass(1s);
        CHECK(scene.what() == "it goes on");
    }
    scene.server->close();
    scene.run();
    CHECK(scene.take().back() == "giving up 1: in peace");
    CHECK(scene.what() == "relay: closed");
}

TEST_CASE("keep_connected gives up on what cannot get better, if it should", "[lite][keep_connected]") {
    Scene scene([](Scene &, lite::ReconnectConfig &config) { config.gives_up_on = lite::cannot_get_better; });
    scene.take();
    scene.link->cut();
    scene.run();
    CHECK(scene.take() == Lines{"lost 1: the transport failed; again"});
    scene.pass(1s);
    scene.server->close(Error::Unauthorized, "the token is too old");
    scene.run();
    CHECK(scene.take().back() == "giving up 2: not authorized, the token is too old");
    CHECK(scene.what() == "relay: 'the token is too old': not authorized");
}

TEST_CASE("keep_connected gives up on a peer that sends each session away", "[lite][keep_connected]") {
    Scene scene([](Scene &, lite::ReconnectConfig &config) {
        config.tries = 2;
        // Not asked for these.
        config.gives_up_on = [](std::error_code) { return true; };
    });
    scene.take();
    scene.server->goaway("");
    scene.run();
    CHECK(scene.take() == Lines{"sent away 1; again"});
    scene.pass(1s);
    scene.server->goaway("");
    scene.run();
    CHECK(scene.take().back() == "giving up 2: in peace");
    CHECK(scene.what() == "relay: closed");
}

TEST_CASE("keep_connected comes home at once from an address without a connection, and does not count it", "[lite][keep_connected]") {
    std::vector<std::string> asked;
    const bool is_refused = GENERATE(true, false);
    Scene scene([&](Scene &, lite::ReconnectConfig &config) {
        config.tries = 1;
        config.gives_up_on = [](std::error_code code) { return static_cast<bool>(code); };
        config.connect_to = [&](std::string uri) -> asio::awaitable<std::shared_ptr<Transport>> {
            asked.push_back(std::move(uri));
            if (is_refused) throw std::system_error(make_error_code(ConnectError::RedirectRefused), "not there");
            return null_connection();
        };
        config.on_retry = [](std::error_code, std::chrono::milliseconds) { FAIL("it waits"); };
    });
    const std::string why = is_refused ? make_error_code(ConnectError::RedirectRefused).message() + ", not there"
                                       : "the transport failed, there is no connection";
    scene.take();
    for (int i = 0; i < 2; ++i) {
        scene.pass(5s);
        scene.server->goaway("tcp://u:p@there:1/room?jwt=SECRET");
        scene.run();
        CHECK(scene.take() == Lines{"sent away 1 to 'tcp://...@there:1/room'; at once", "connecting 1", "lost 1: " + why + "; at once",
                                    "connecting 1", connected + spoken_protocol()});
    }
    CHECK(asked == std::vector<std::string>(2, "tcp://u:p@there:1/room?jwt=SECRET"));
    CHECK(scene.what() == "it goes on");
}

TEST_CASE("keep_connected waits between sessions that are sent to an address without a connection", "[lite][keep_connected]") {
    Scene scene([&](Scene &, lite::ReconnectConfig &config) {
        config.connect_to = [](std::string) -> asio::awaitable<std::shared_ptr<Transport>> { return null_connection(); };
    });
    scene.take();
    scene.server->goaway("nowhere");
    scene.run();
    CHECK(scene.take() == Lines{"sent away 1 to 'nowhere'; again"});
    scene.pass(1s);
    CHECK(scene.take() == Lines{"connecting 2", "lost 2: the transport failed, there is no connection; at once", "connecting 2",
                                "connected 2 " + spoken_protocol()});
}

TEST_CASE("keep_connected takes a connection that is null for a failed attempt", "[lite][keep_connected]") {
    Scene scene([](Scene &self, lite::ReconnectConfig &) { self.gives_nothing = true; });
    CHECK(scene.take() == Lines{"connecting 1", "lost 1: the transport failed, there is no connection; again"});
    scene.gives_nothing = false;
    scene.pass(1s);
    CHECK(scene.take() == Lines{"connecting 2", "connected 2 " + spoken_protocol()});
}

TEST_CASE("keep_connected quotes a peer's words in its failure", "[lite][keep_connected]") {
    Scene scene([](Scene &, lite::ReconnectConfig &config) { config.tries = 1; });
    scene.server->close(Error::Unauthorized, "no\n\x1b[2J'");
    scene.run();
    CHECK(scene.what() == "relay: 'no??[2J?': not authorized");
}

TEST_CASE("what cannot get better: no protocol in common, a refusal, a certificate", "[lite][keep_connected]") {
    class Category final : public std::error_category {
        const char *name() const noexcept override { return "asio.ssl"; }
        std::string message(int value) const override { return value == 1 ? "certificate verify failed (SSL routines)" : "eof"; }
    };
    const Category ssl;
    CHECK(lite::cannot_get_better({1, ssl}));
    CHECK_FALSE(lite::cannot_get_better({2, ssl}));
    CHECK(lite::cannot_get_better(make_error_code(Error::Unauthorized)));
    CHECK(lite::cannot_get_better(make_error_code(Error::UnknownAlpn)));
    CHECK(lite::cannot_get_better(make_error_code(Error::Version)));
    CHECK(lite::cannot_get_better(make_error_code(ConnectError::ServerSpeaksHttp)));
    CHECK_FALSE(lite::cannot_get_better(make_error_code(ConnectError::ConnectTimeout)));
    CHECK_FALSE(lite::cannot_get_better(make_error_code(Error::Transport)));
    CHECK_FALSE(lite::cannot_get_better(std::make_error_code(std::errc::connection_refused)));
    CHECK_FALSE(lite::cannot_get_better({}));
}

TEST_CASE("log of keep_connected: where a peer sends it, without the secrets of the address", "[lite][keep_connected][log]") {
    Logged logged(LogLevel::Info);
    Scene scene;
    scene.pass(5s);
    logged.take();
    scene.server->goaway("tcp://there:1/room?jwt=SECRET");
    scene.run();
    Lines found;
    for (auto &line : logged.take())
        if (line.find("sent_away") != std::string::npos) found.push_back(std::move(line));
    CHECK(found == Lines{"info sent_away name='relay' reason='tcp://there:1/room' attempt=1"});
}

TEST_CASE("log of keep_connected: the same steps, with the name of the session", "[lite][keep_connected][log]") {
    Logged logged(LogLevel::Info);
    std::vector<std::chrono::milliseconds> pauses;
    Scene scene([&](Scene &, lite::ReconnectConfig &config) {
        config.tries = 2;
        config.on_change = {};
        config.on_retry = [&pauses](std::error_code, std::chrono::milliseconds pause) { pauses.push_back(pause); };
    });
    const auto reconnecting = [&logged] {
        Lines found;
        for (auto &line : logged.take())
            if (line.find("session_") == std::string::npos) found.push_back(std::move(line));
        return found;
    };
    CHECK(reconnecting() == Lines{"info connected name='relay' protocol='" + spoken_protocol() + "' attempt=1"});
    scene.link->cut();
    scene.run();
    REQUIRE(pauses.size() == 1);
    CHECK(reconnecting() == Lines{fmt::format("warning connection_lost name='relay' code='the transport failed' attempt=1 next_try={}ms",
                                              pauses.front().count())});
    scene.pass(1s);
    scene.server->close(Error::Unauthorized, "no");
    scene.run();
    CHECK(reconnecting() == Lines{"info connected name='relay' protocol='" + spoken_protocol() + "' attempt=2",
                                  "error giving_up name='relay' code='not authorized' reason='no' attempt=2"});
}

}
