// SPDX-License-Identifier: MIT
// The memory that a client of HTTP can make the relay hold for an answer that it does not take: for the table of tests/README.md.
#include "relay/web_media.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/heap.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace web_costs_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Takes the head of an answer, and one piece after it.
class StuckSink : public WebSink {
public:
    explicit StuckSink(asio::io_context &context) : never_(context, asio::steady_timer::time_point::max()) {}
    asio::awaitable<void> write(std::string_view) override {
        if (++pieces <= 2) co_return;
        co_await never_.async_wait(asio::use_awaitable);
    }
    void leave() { never_.cancel(); }
    int pieces = 0;

private:
    asio::steady_timer never_;
};

/// A client that has asked for something, and takes no more than the beginning.
struct Client {
    explicit Client(asio::io_context &context) : sink(context), body(sink, true) {}
    StuckSink sink;
    WebBody body;
    std::optional<TrackSubscriber> held;
};

asio::awaitable<void> answer(Client &client, asio::awaitable<void> what) {
    try {
        auto beginning = client.body.begin(comoq::websocket::ResponseHead(), true);
        co_await std::move(beginning);
        co_await std::move(what);
    } catch (const std::system_error &) {
    }
}
asio::awaitable<void> fetched(Client &client, OriginConsumer origin, WebRoute route, WebBudget &budget) {
    auto asking = group_of(std::move(origin), route, client.held);
    auto group = co_await std::move(asking);
    co_await send_group(std::move(group), client.body, budget);
}

constexpr std::string_view question = "GET /fetch/a/video?group=0 HTTP/1.1\r\nHost: a\r\n\r\n";

struct Relay {
    explicit Relay(std::size_t cache) {
        OriginConfig of;
        of.id = 1;
        of.max_cached_bytes = cache;
        origin.emplace(std::move(of));
        published.emplace(origin->producer().create_broadcast("a"));
        track.emplace(published->producer().create_track("video"));
    }
    ~Relay() {
        for (auto &client : clients) client.sink.leave();
        settle_down(context);
    }
    /// A group of one frame, in pieces as they come over a network.
    void append(std::size_t pieces) {
        auto group = track->append_group();
        auto frame = group.create_frame(pieces * 16'000);
        for (std::size_t i = 0; i < pieces; ++i) frame.write(payload(16'000));
        frame.finish();
        group.finish();
    }
    void ask(std::uint64_t group) {
        auto &client = clients.emplace_back(context);
        WebRoute route;
        route.kind = WebRoute::Kind::Fetch;
        route.path = "a";
        route.track = "video";
        route.group = group;
        asio::co_spawn(context, answer(client, fetched(client, origin->consumer(), std::move(route), budget)), asio::detached);
        settle_down(context);
    }
    asio::io_context context;
    WebBudget budget{std::size_t{64} << 20};
    std::optional<Origin> origin;
    std::optional<BroadcastPublish> published;
    std::optional<TrackProducer> track;
    std::deque<Client> clients;
};

}  // namespace

TEST_CASE("peer costs: an answer by HTTP that is not taken", "[examples][peer_costs]") {
    // The bound is what the relay allows of one address before it has a session.
    check_cost("answer by HTTP that is not taken", 1'024, 50, [](std::size_t count) {
        Relay relay(64 << 20);
        relay.append(3);
        const auto before = heap_in_use();
        for (std::size_t i = 0; i < count; ++i) relay.ask(0);
        CHECK(relay.clients.back().sink.pieces == 3);
        return Taken{static_cast<double>(question.size() * count), static_cast<double>(heap_in_use()) - static_cast<double>(before)};
    });
    // Each of another group, of which the relay keeps none for long: whoever reads one keeps its frame, within their budget.
    constexpr std::size_t clients = 100, pieces = 64;
    Relay relay(4 << 20);
    const auto before = heap_in_use();
    std::size_t served = 0;
    for (std::size_t i = 0; i < clients; ++i) {
        relay.append(pieces);
        relay.ask(i);
        served += relay.clients.back().sink.pieces == 3 ? 1 : 0;
    }
    CHECK(served == (std::size_t{64} << 20) / (pieces * 16'000));
    const auto held = static_cast<double>(heap_in_use()) - static_cast<double>(before);
    CHECK(held <= 1.25 * (68 << 20) + clients * 1.25 * cost_row("answer by HTTP that is not taken").held);
    // What they have taken comes back.
    for (auto &client : relay.clients) client.sink.leave();
    settle_down(relay.context);
    relay.append(pieces);
    relay.ask(clients);
    CHECK(relay.clients.back().sink.pieces == 3);
}

TEST_CASE("a list of names by HTTP that is not taken costs no more than its share of the budget", "[examples][peer_costs]") {
    constexpr std::size_t names = 8'000;
    Relay relay(1 << 20);
    std::deque<BroadcastPublish> guards;
    for (std::size_t i = 0; i < names; ++i)
        guards.push_back(relay.origin->producer().create_broadcast("name/" + std::to_string(10'000 + i)));
    const auto ask = [&] {
        auto &client = relay.clients.emplace_back(relay.context);
        asio::co_spawn(relay.context, answer(client, send_announced(relay.origin->consumer().announced(), "", client.body)),
                       asio::detached);
        settle_down(relay.context);
        CHECK(client.sink.pieces == 3);
    };
    // The first one brings the order of the names, which all share.
    ask();
    const auto before = heap_in_use();
    for (int i = 0; i < 10; ++i) ask();
    const auto held = static_cast<double>(heap_in_use()) - static_cast<double>(before);
    CHECK(held / 10 <= static_cast<double>(share_of_list) * names / 65'536);
}

}  // namespace web_costs_tests
