// A peer that opens many streams at once does not keep the executor from the others on it.
#include <comoq/lite/session.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>

#include "lite/spoken.hpp"
#include "support/bystander.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"

namespace session_turns_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::size_t streams = 1'000;

MemoryLinkConfig many_streams() {
    auto config = spoken_link();
    config.max_streams = 2 * streams;
    return config;
}

/// The peer's streams are there before the session begins.
struct Scene {
    Scene() : link(context.get_executor(), context.get_executor(), many_streams()) {}
    ~Scene() {
        link.cut();
        settle_down(context);
    }
    void check_turns() {
        settle_down(context);
        const auto transport = std::make_shared<CountingTransport>(link.server());
        session.emplace(transport);
        Bystander bystander;
        // Each of the two loops asks for one that does not come.
        asio::co_spawn(context, bystander.watch(transport->accepted, streams + 2), asio::detached);
        settle_down(context);
        CHECK(transport->accepted == streams + 2);
        CHECK(bystander.steps >= streams / 4);
        // The loop for the other kind of streams may ask for its first one meanwhile.
        CHECK(bystander.longest_wait <= 4 + 1);
    }

    asio::io_context context;
    MemoryLink link;
    std::optional<lite::Session> session;
};

}  // namespace

TEST_CASE("a session: others on its executor have their turn after 4 of a peer's bidirectional streams", "[lite][session]") {
    Scene scene;
    std::vector<BidiStream> opened;
    for (std::size_t i = 0; i < streams; ++i) {
        opened.push_back(run_to_end(scene.context, scene.link.client()->open_bidi()));
        const auto written = opened.back().send->write(Bytes::copy("\x05"));
    }
    scene.check_turns();
}

TEST_CASE("a session: others on its executor have their turn after 4 of a peer's unidirectional streams", "[lite][session]") {
    Scene scene;
    std::vector<std::unique_ptr<SendStream>> opened;
    for (std::size_t i = 0; i < streams; ++i) {
        opened.push_back(run_to_end(scene.context, scene.link.client()->open_uni()));
        const auto written = opened.back()->write(Bytes::copy(std::string_view("\0", 1)));
    }
    scene.check_turns();
}

}
