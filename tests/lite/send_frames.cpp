// How the frames of a group go to the wire.
#include <comoq/detail/lite/send_frames.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <asio/io_context.hpp>

#include <comoq/memory_transport.hpp>
#include <comoq/track.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

using namespace comoq;
using namespace comoq::test;

namespace {

asio::awaitable<void> send(SendStream &stream, GroupConsumer group) {
    lite::detail::FrameSender sender(stream);
    co_await sender.send(group);
}

}  // namespace

TEST_CASE("sending frames: what was written in chunks is not put together, and stays in memory once", "[lite]") {
    asio::io_context context;
    MemoryLink link(context.get_executor(), context.get_executor());
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    const std::string half(10'000, 'x');
    for (const bool first : {true, false}) {
        auto group = track.append_group();
        auto frame = group.create_frame(2 * half.size(), {});
        frame.write(payload(half));
        frame.write(payload(half));
        frame.finish();
        group.finish();
        const auto client = link.client();
        auto stream = run_to_end(context, client->open_uni());
        const auto before = live_allocations();
        run_to_end(context, send(*stream, group.consume()));
        auto received = run_to_end(context, link.server()->accept_uni());
        std::size_t size = 0;
        while (size < 2 * half.size()) {
            size += run_to_end(context, received->read()).size();
        }
        received.reset();
        // What the transport and asio keep for the next time they have after the first.
        if (!first) {
            CHECK(live_allocations() <= before);
        }
    }
}
