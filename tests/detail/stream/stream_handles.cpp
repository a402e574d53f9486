// Streams that are opened without a wait.
#include <comoq/detail/stream/stream_handles.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"

namespace stream_handles_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    static MemoryLinkConfig allowing(std::size_t streams) {
        MemoryLinkConfig config;
        config.max_streams = streams;
        return config;
    }
    explicit Scene(std::size_t streams) : link(context.get_executor(), context.get_executor(), allowing(streams)) {}
    std::unique_ptr<SendStream> open() { return link.client()->open_uni_now(detail::Passkey()); }

    asio::io_context context;
    MemoryLink link;
};

}  // namespace

TEST_CASE("streams: one is opened at once if the peer allows it, and none otherwise, or behind the end", "[stream]") {
    Scene scene(2);
    std::vector<std::unique_ptr<SendStream>> streams;
    for (int i = 0; i < 2; ++i) {
        streams.push_back(scene.open());
        CHECK(streams.back() != nullptr);
    }
    CHECK(scene.open() == nullptr);
    Scene over(2);
    over.link.client()->close(0, "");
    settle_down(over.context);
    CHECK(over.open() == nullptr);
}

TEST_CASE("streams: without memory one that was to be opened at once is not left open", "[stream][faults]") {
    if (!allocations_can_fail()) return;
    std::size_t failures = 0;
    for (std::size_t point = 0;; ++point) {
        Scene scene(1);
        FailingAllocation failing(point);
        try {
            const auto stream = scene.open();
            CHECK(stream != nullptr);
            if (!failing.stop()) break;
        } catch (const std::bad_alloc &) {
            failing.stop();
            ++failures;
        }
        // The peer lets another come when it has seen the end of that one.
        settle_down(scene.context);
        INFO("after " << point << " allocations");
        CHECK(scene.link.open_streams() == 0);
        CHECK(scene.open() != nullptr);
    }
    CHECK(failures > 1);
}

}  // namespace stream_handles_tests
