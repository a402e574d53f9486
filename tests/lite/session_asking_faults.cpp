// A session that asks, which ends or has no memory at any moment.
#include <comoq/detail/lite/codec.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>

#include <asio/io_context.hpp>

#include "lite/scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace session_asking_faults_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("a session asks: its end at any moment leaves nothing behind, and nobody waits", "[lite][session]") {
    const auto end = GENERATE(as<std::string>(), "cut", "client", "server", "close");
    bool was_over = false;
    int handlers = 0;
    for (; !was_over; ++handlers) {
        INFO(handlers << " handlers, " << end);
        std::weak_ptr<Transport> transport;
        {
            LiteScene scene;
            auto track = scene.publish("a");
            auto group = track.append_group();
            group.write_frame(payload("x"));
            scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
            scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
            transport = scene.link.client();
            auto subscribing = wait(scene.client->broadcast("a").track("video").subscribe());
            auto info = wait(scene.client->broadcast("b").track("video").info());
            auto fetching = wait(scene.client->broadcast("a").track("video").fetch_group(9));
            scene.context.restart();
            int done = 0;
            while (done < handlers && scene.context.poll_one() != 0) {
                ++done;
            }
            was_over = done < handlers;
            if (end == "cut") {
                scene.link.cut();
            } else if (end == "client") {
                scene.client.reset();
            } else if (end == "server") {
                scene.server.reset();
            } else {
                scene.client->close(Error::Cancelled, "at any moment");
            }
            scene.run();
            CHECK(info.done());
            CHECK(fetching.done());
            CHECK(subscribing.done());
            if (!subscribing.code()) {
                auto all = wait(subscribing.value().closed());
                scene.run();
                CHECK(all.done());
            }
            scene.client.reset();
            scene.server.reset();
            scene.run();
            CHECK(scene.time.sleepers() == 0);
            CHECK(scene.link.open_streams() == 0);
        }
        CHECK(transport.expired());
    }
    CHECK(handlers > 50);
}

TEST_CASE("a session asks: when memory runs out at any moment, every waiter is told", "[lite][session]") {
    if (!allocations_can_fail()) {
        return;
    }
    bool failed = true;
    std::size_t after = 0;
    for (; failed; ++after) {
        INFO("after " << after << " allocations");
        std::weak_ptr<Transport> transport;
        {
            LiteScene scene;
            auto track = scene.publish("a");
            auto handler = track.dynamic();
            auto group = track.append_group();
            group.write_frame(payload("x"));
            scene.connect();
            transport = scene.link.client();
            const auto announced = scene.announced("a");
            std::optional<Waiting<TrackSubscriber>> subscribing;
            std::optional<Waiting<TrackInfo>> info;
            std::optional<Waiting<GroupConsumer>> fetching;
            {
                FailingAllocation failing(after);
                const auto attempt = [](auto &&work) {
                    try {
                        work();
                    } catch (const std::bad_alloc &) {
                    } catch (const std::system_error &) {
                    }
                };
                attempt([&] { subscribing.emplace(wait(announced.track("video").subscribe())); });
                attempt([&] { info.emplace(wait(scene.client->broadcast("b").track("video").info())); });
                attempt([&] { fetching.emplace(wait(announced.track("video").fetch_group(9))); });
                // The context throws where asio has no memory.
                for (int i = 0; i < 3; ++i) {
                    attempt([&] { scene.run(); });
                }
                failed = failing.stop();
            }
            scene.run();
            scene.link.cut();
            scene.run();
            CHECK((!info || info->done()));
            CHECK((!fetching || fetching->done()));
            CHECK((!subscribing || subscribing->done()));
            if (subscribing && !subscribing->code()) {
                auto closed = wait(subscribing->value().closed());
                scene.run();
                CHECK(closed.done());
            }
        }
        CHECK(transport.expired());
    }
    CHECK(after > 300);
}

}
