// Streams that are opened, and written, without a wait.
#include <comoq/detail/stream/stream_handles.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
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

TEST_CASE("streams: what is written without a wait is taken if the stream has room behind it, and else stays with the writer",
          "[stream]") {
    Scene scene(1);
    const auto stream = scene.open();
    const auto write = [&](Bytes &payload) { return stream->write_now(detail::Passkey(), {}, payload); };
    const std::size_t most = detail::SendHalf::enough - 1;
    Bytes much = payload(std::string(most + 1, 'x')), all = payload(std::string(most, 'x')), more = payload("x");
    CHECK_FALSE(write(much));
    CHECK(much.size() == most + 1);
    CHECK(write(all));
    CHECK(all.empty());
    CHECK(stream->unsent() == most);
    CHECK_FALSE(write(more));
    CHECK(more.size() == 1);
    // The peer reads, and there is room again.
    const auto receiving = run_to_end(scene.context, scene.link.server()->accept_uni());
    std::size_t size = 0;
    while (size < most) size += run_to_end(scene.context, receiving->read()).size();
    CHECK(write(more));
    SECTION("not behind the end") { stream->finish(); }
    SECTION("not when it was given up") { stream->reset(7); }
    SECTION("not when the peer has stopped it") { receiving->stop(7); }
    settle_down(scene.context);
    Bytes late = payload("x");
    // One of the sections, or none of them.
    const bool is_open = stream->unsent() == 0 && write(late);
    CHECK(late.empty() == is_open);
    CHECK_FALSE(is_open);
}

TEST_CASE("streams: without memory what was to be written without a wait is not taken, or comes as it is", "[stream][faults]") {
    if (!allocations_can_fail()) return;
    std::size_t failures = 0;
    for (std::size_t point = 0;; ++point) {
        INFO("after " << point << " allocations");
        Scene scene(1);
        const auto stream = scene.open();
        const Bytes head = payload("h");
        Bytes written = payload("x");
        std::string expected = "hx";
        bool has_failed = false;
        {
            FailingAllocation failing(point);
            try {
                const bool is_written = stream->write_now(detail::Passkey(), head.span(), written);
                CHECK(is_written);
            } catch (const std::bad_alloc &) {
                ++failures;
                // It stays with the writer as it was, or it is with the stream.
                CHECK(written.size() == (stream->unsent() == 0 ? 1 : 0));
                if (stream->unsent() == 0) expected.clear();
            }
            has_failed = failing.stop();
        }
        Bytes more = payload("more");
        CHECK(stream->write_now(detail::Passkey(), {}, more));
        stream->finish();
        const auto receiving = run_to_end(scene.context, scene.link.server()->accept_uni());
        std::string received;
        for (Bytes next = run_to_end(scene.context, receiving->read()); !next.empty();
             next = run_to_end(scene.context, receiving->read()))
            received.append(reinterpret_cast<const char *>(next.span().data()), next.size());
        CHECK(received == expected + "more");
        if (!has_failed) break;
    }
    CHECK(failures > 1);
}

}  // namespace stream_handles_tests
