// How a group's frames are written to the wire.
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

asio::awaitable<void> send(detail::GroupOutbox &outbox, SendStream &stream, GroupConsumer group) {
    detail::GroupOutbox::Account account;
    detail::GroupOutbox::Item item(outbox, account, SendOrder());
    item.use(stream);
    lite::detail::FrameSender sender(item);
    co_await sender.send(group);
}

}  // namespace

TEST_CASE("sending frames: a frame that was written in chunks is not joined, and stays in memory once", "[lite]") {
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
        detail::GroupOutbox outbox(*client, {}, nullptr);
        const auto before = live_bytes();
        run_to_end(context, send(outbox, *stream, group.consume()));
        auto received = run_to_end(context, link.server()->accept_uni());
        std::size_t size = 0;
        while (size < 2 * half.size()) {
            size += run_to_end(context, received->read()).size();
        }
        received.reset();
        // The transport and asio keep some memory for the next time, from the first call on.
        if (!first) {
            CHECK(live_bytes() < before + half.size());
        }
    }
}
