// A relay and a mirror that are disturbed at every point.
#include <comoq/mirror.hpp>
#include <comoq/proxy.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"

namespace proxy_faults_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

enum class Kind { Relay, Transforming, Mirror };

/// An origin upstream with a broadcast, and one whose viewers read it, fetch, and request broadcasts that nobody
/// serves. The test disturbs the relay or mirror between them.
class World {
public:
    std::optional<asio::io_context> context{std::in_place};

    explicit World(Kind kind) : kind_(kind) {
        spawn(publish());
        spawn(view("video", 0));
        spawn(view("audio", 3));
        spawn(fetch());
        spawn(ask_in_vain());
    }
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    asio::awaitable<void> work() {
        if (kind_ == Kind::Mirror) return mirror(upstream_->consumer(), edge_->producer());
        ProxyConfig config;
        if (kind_ == Kind::Transforming) config.transform = change;
        return proxy(upstream_->consumer(), edge_->producer(), edge_->producer().dynamic(), config);
    }
    /// No publisher, handler or watcher is left.
    void leave() {
        published_.reset();
        track_.reset();
        tracks_.reset();
        handler_.reset();
    }
    void check_end() {
        CHECK(edge_->stats().handlers == 0);
        CHECK(edge_->stats().announced == 0);
        CHECK(edge_->stats().pending == 0);
        CHECK(edge_->stats().served == 0);
        CHECK(upstream_->stats().pending == 0);
        CHECK(upstream_->stats().watchers == 0);
        // Only this test keeps the origins.
        CHECK(upstream_->stats().announced == 0);
    }

private:
    static asio::awaitable<std::optional<Frame>> change(ProxiedFrame place, Frame frame) {
        co_await turns(1);
        if (place.group == 1) co_return std::nullopt;
        co_return Frame(frame.timestamp, payload("changed"));
    }
    void spawn(asio::awaitable<void> coroutine) {
        asio::co_spawn(*context, std::move(coroutine), [](const std::exception_ptr &) {});
    }
    asio::awaitable<BroadcastConsumer> find(std::string path) {
        if (kind_ == Kind::Mirror) {
            // Ends early once nothing is left.
            for (int i = 0; i < 20; ++i) {
                auto found = edge_->consumer().announced_broadcast(path);
                if (found.ready()) co_return co_await std::move(found);
                co_await turns(1);
            }
            throw std::system_error(make_error_code(Error::NotFound));
        }
        auto found = co_await edge_->consumer().request_broadcast(path);
        co_return found;
    }
    asio::awaitable<void> publish() {
        handler_.emplace(upstream_->producer().dynamic());
        published_.emplace(upstream_->producer().create_broadcast("live"));
        tracks_.emplace(published_->producer().dynamic());
        track_.emplace(published_->producer().create_track("video"));
        for (int i = 0; i < 4; ++i) {
            co_await turns(3);
            if (!track_) co_return;
            auto group = track_->append_group();
            group.write_frame(payload("one"));
            co_await turns(1);
            group.write_frame(payload("two"));
            if (!track_) co_return;
            track_->append_datagram(payload("d"));
            // The last one stays half done.
            if (i == 3) {
                co_await turns(3);
                group.abort(Error::Cancelled);
            }
            group.finish();
        }
    }
    asio::awaitable<void> view(std::string track, std::size_t after) {
        co_await turns(after);
        auto broadcast = co_await find("live");
        auto subscriber = co_await broadcast.track(track).subscribe();
        while (auto group = co_await subscriber.next_group()) {
            while (auto frame = co_await group->read_frame()) {
                seen_ += frame->payload.view();
            }
        }
    }
    asio::awaitable<void> fetch() {
        co_await turns(4);
        auto broadcast = co_await find("live");
        auto group = co_await broadcast.track("video").fetch_group(99);
        seen_ += "fetched";
    }
    asio::awaitable<void> ask_in_vain() {
        if (kind_ != Kind::Mirror) co_await edge_->consumer().request_broadcast("silent");
    }

    const Kind kind_;
    std::optional<Origin> upstream_{std::in_place};
    std::optional<Origin> edge_{std::in_place};
    std::optional<OriginDynamic> handler_;
    std::optional<BroadcastPublish> published_;
    std::optional<BroadcastDynamic> tracks_;
    std::optional<TrackProducer> track_;
    std::string seen_;
};

}  // namespace

TEST_CASE("relay faults: a proxy or mirror that is cancelled at any step ends, and nothing of it is left", "[proxy][mirror][faults]") {
    for (const auto kind : {Kind::Relay, Kind::Transforming, Kind::Mirror})
        CHECK(cancel_at_every_step<World>(false, kind) > 20);
}

TEST_CASE("relay faults: if any one allocation fails, nothing of a proxy or mirror is left and nobody waits",
          "[proxy][mirror][faults]") {
    if (!allocations_can_fail()) return;
    for (const auto kind : {Kind::Relay, Kind::Transforming, Kind::Mirror}) CHECK(fail_every_allocation<World>(kind) > 50);
}

TEST_CASE("relay faults: the context of a proxy or mirror may be destroyed at any point", "[proxy][mirror][faults]") {
    for (const auto kind : {Kind::Relay, Kind::Transforming, Kind::Mirror}) CHECK(destroy_at_every_point<World>(kind) > 20);
}

}
