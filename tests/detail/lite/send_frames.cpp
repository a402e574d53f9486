// How a group's frames are written to the wire.
#include <comoq/detail/lite/send_frames.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <comoq/memory_transport.hpp>
#include <comoq/track.hpp>

#include "support/allocations.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace send_frames_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr auto all = lite::detail::FrameSender::all;

asio::awaitable<void> send(detail::GroupOutbox &outbox, SendStream &stream, GroupConsumer group, std::uint64_t most = all) {
    detail::GroupOutbox::Account account;
    detail::GroupOutbox::Item item(outbox, account, SendOrder());
    item.use(stream);
    lite::detail::FrameSender sender(item);
    co_await sender.send(group, most);
}

/// A stream that tells nobody that it is over, as one of a program's own transport.
struct Untold final : SendStream {
    explicit Untold(SendStream &stream) : to(stream) {}
    asio::awaitable<void> write(std::span<const std::byte> head, Bytes payload) override {
        return to.write(head, std::move(payload));
    }
    void finish() override { to.finish(); }
    asio::awaitable<void> sent() override { return to.sent(); }
    void reset(std::uint64_t number) override { to.reset(number); }
    asio::awaitable<std::error_code> stopped() override { return to.stopped(); }
    void set_order(const SendOrder &order) override { to.set_order(order); }
    SendStream &to;
};

/// A group of "f0", "f1" and so on, 10 ms apart from 1 s on, and a stream on which a part of it is sent.
struct PartScene {
    explicit PartScene(std::size_t frames) {
        for (std::size_t i = 0; i < frames; ++i) {
            write(i);
        }
        stream = run_to_end(context, link.client()->open_uni());
    }
    void write(std::size_t index) {
        group.write_frame(payload("f" + std::to_string(index)), Timestamp(1000 + 10 * index, Timescale(1000)));
    }
    /// Sends `most` frames from `first` on. True if it is done.
    bool begin(std::size_t first, std::uint64_t most) {
        auto reader = group.consume();
        REQUIRE(reader.skip_to(detail::Passkey(), first));
        SendStream &on = untold ? static_cast<SendStream &>(*untold) : *stream;
        sending.emplace(context, send(outbox, on, std::move(reader), most));
        settle_down(context);
        return sending->done();
    }
    /// Sends `most` frames. How that ends is in `end`: a null one stands for an end without a failure. asio may destroy it, if it finds
    /// no memory for going on: then only `is_over` tells.
    asio::awaitable<void> send_and_tell(std::uint64_t most, std::optional<std::exception_ptr> &end, bool &is_over) {
        struct Over {
            ~Over() { is_over = true; }
            bool &is_over;
        };
        const Over over{is_over};
        try {
            co_await send(outbox, *stream, group.consume(), most);
            end.emplace();
        } catch (...) {
            end = std::current_exception();
        }
    }
    /// Ends the stream, and keeps what has come.
    void receive() {
        stream->finish();
        receiving = run_to_end(context, link.server()->accept_uni());
        for (Bytes more = run_to_end(context, receiving->read()); !more.empty(); more = run_to_end(context, receiving->read())) {
            octets.insert(octets.end(), more.span().begin(), more.span().end());
        }
    }
    /// What has come, as "1010 f1", with the sums of the differences.
    std::vector<std::string> received() {
        receive();
        std::vector<std::string> frames;
        std::int64_t time = 0;
        for (std::span<const std::byte> rest(octets); !rest.empty();) {
            const auto read = lite::read_frame_header(rest);
            REQUIRE(read);
            time += read->header.delta;
            const auto text = rest.subspan(read->size, static_cast<std::size_t>(read->header.size));
            frames.push_back(std::to_string(time) + " " + std::string(reinterpret_cast<const char *>(text.data()), text.size()));
            rest = rest.subspan(read->size + text.size());
        }
        return frames;
    }

    asio::io_context context;
    MemoryLink link{context.get_executor(), context.get_executor()};
    detail::GroupOutbox outbox{*link.client(), {}, nullptr};
    Begun<void> watching{context, outbox.watch()};
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    GroupProducer group = track.append_group();
    std::unique_ptr<SendStream> stream;
    std::optional<Untold> untold;
    std::unique_ptr<ReceiveStream> receiving;
    std::vector<std::byte> octets;
    std::optional<Begun<void>> sending;
};

/// One whose headers are longer than what goes with a payload.
struct LongFraming {
    struct Header {
        std::span<const std::byte> span() const noexcept { return text.span(); }
        Bytes text;
    };
    template <class Any> Header header(const Any &, std::uint64_t size) const {
        return {payload(std::string(2 * SendStream::max_head, 'h') + std::to_string(size))};
    }
};

using Frames = std::vector<std::string>;

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

TEST_CASE("sending frames: a part of a finished group is exactly the frames asked for, as far as there are any", "[lite][bounds]") {
    PartScene scene(4);
    scene.group.finish();
    struct Part {
        std::size_t first;
        std::uint64_t most;
        Frames frames;
    };
    const Part part = GENERATE(Part{0, 1, {"1000 f0"}}, Part{1, 2, {"1010 f1", "1020 f2"}}, Part{3, 1, {"1030 f3"}},
                               Part{2, 5, {"1020 f2", "1030 f3"}}, Part{2, all, {"1020 f2", "1030 f3"}}, Part{4, all, {}},
                               Part{4, 1, {}}, Part{90, 3, {}}, Part{1, 0, {}});
    CAPTURE(part.first, part.most);
    CHECK(scene.begin(part.first, part.most));
    CHECK(scene.received() == part.frames);
}

TEST_CASE("sending frames: a part of an open group is over with its last frame, and frames to come are waited for",
          "[lite][bounds]") {
    PartScene scene(2);
    SECTION("the last frame is there") {
        CHECK(scene.begin(1, 1));
        CHECK(scene.received() == Frames{"1010 f1"});
    }
    SECTION("the last frame is to come") {
        CHECK_FALSE(scene.begin(1, 2));
        scene.write(2);
        settle_down(scene.context);
        CHECK(scene.sending->done());
        CHECK(scene.received() == Frames{"1010 f1", "1020 f2"});
    }
    SECTION("all is to come, the last frame in pieces") {
        CHECK_FALSE(scene.begin(3, 1));
        scene.write(2);
        settle_down(scene.context);
        auto frame = scene.group.create_frame(2, Timestamp(1030, Timescale(1000)));
        frame.write(payload("f"));
        settle_down(scene.context);
        CHECK_FALSE(scene.sending->done());
        frame.write(payload("3"));
        frame.finish();
        settle_down(scene.context);
        CHECK(scene.sending->done());
        CHECK(scene.received() == Frames{"1030 f3"});
    }
    SECTION("the group ends before it begins") {
        CHECK_FALSE(scene.begin(3, 1));
        scene.group.finish();
        settle_down(scene.context);
        CHECK(scene.sending->done());
        CHECK(scene.received() == Frames{});
    }
    SECTION("the group fails before it begins") {
        CHECK_FALSE(scene.begin(3, 1));
        scene.group.abort(make_error_code(Error::Old));
        settle_down(scene.context);
        CHECK(error_of([&] { scene.sending->value(); }) == Error::Old);
    }
}

TEST_CASE("sending frames: a group that the peer has stopped leaves at once, also while it waits for a frame or for the rest of one",
          "[lite]") {
    const bool in_frame = GENERATE(false, true), is_told = GENERATE(true, false);
    CAPTURE(in_frame, is_told);
    PartScene scene(2);
    if (!is_told) scene.untold.emplace(*scene.stream);
    std::optional<FrameProducer> begun;
    if (in_frame) begun.emplace(scene.group.create_frame(10, {}));
    REQUIRE_FALSE(scene.begin(0, all));
    auto receiving = run_to_end(scene.context, scene.link.server()->accept_uni());
    receiving->stop(7);
    settle_down(scene.context);
    REQUIRE(scene.sending->done());
    CHECK(scene.sending->code());
    if (begun) begun->write(payload("0123456789"));
}

TEST_CASE("sending frames: a group that fails while its next frame waits for room fails at its sender, and does not seem complete",
          "[lite]") {
    const bool is_whole = GENERATE(true, false);
    CAPTURE(is_whole);
    PartScene scene(0);
    // Another group has room, and has not said yet what it takes.
    auto other = run_to_end(scene.context, scene.link.client()->open_uni());
    detail::GroupOutbox::Account account;
    detail::GroupOutbox::Item holder(scene.outbox, account, SendOrder());
    holder.use(*other);
    REQUIRE(holder.has_room());
    std::optional<FrameProducer> begun;
    if (is_whole) {
        scene.write(0);
    } else {
        begun.emplace(scene.group.create_frame(2, {}));
        begun->write(payload("f"));
    }
    REQUIRE_FALSE(scene.begin(0, all));
    CHECK(scene.outbox.is_behind());
    SECTION("it fails") {
        scene.group.abort(make_error_code(Error::Timeout));
        holder.settle(0);
        settle_down(scene.context);
        REQUIRE(scene.sending->done());
        CHECK(error_of([&] { scene.sending->value(); }) == Error::Timeout);
    }
    SECTION("nothing happens to it") {
        holder.settle(0);
        if (begun) {
            begun->write(payload("0"));
            begun->finish();
        }
        scene.group.finish();
        settle_down(scene.context);
        REQUIRE(scene.sending->done());
        scene.sending->value();
    }
}

TEST_CASE("sending frames: others on the executor have their turn while many frames, or chunks, are sent, though no write waits",
          "[lite]") {
    constexpr std::size_t frames = 1000;
    const bool in_chunks = GENERATE(false, true);
    CAPTURE(in_chunks);
    PartScene scene(in_chunks ? 0 : frames);
    for (std::size_t i = 0; in_chunks && i < frames; ++i) {
        auto frame = scene.group.create_frame(4, Timestamp(i, Timescale(1000)));
        for (const char *const chunk : {"ab", "cd"}) frame.write(payload(chunk));
        frame.finish();
    }
    scene.group.finish();
    // What is written from one turn of the others to the next.
    std::size_t before = 0, most = 0;
    int looks = 0;
    const std::function<void()> look = [&] {
        const std::size_t unsent = scene.stream->unsent();
        most = std::max(most, unsent - std::min(unsent, std::exchange(before, unsent)));
        if (++looks < 100) asio::post(scene.context, look);
    };
    look();
    scene.sending.emplace(scene.context, send(scene.outbox, *scene.stream, scene.group.consume()));
    REQUIRE(scene.sending->done());
    CHECK(scene.received().size() == frames);
    // Each of them takes some seven bytes.
    CHECK(most > 0);
    CHECK(most < 2 * frames);
}

TEST_CASE("sending frames: if an allocation fails, what is written of a group is right up to there, and the sender fails",
          "[lite][memory]") {
    if (!allocations_can_fail()) return;
    enum class Kind { Whole, InChunks, BeingWritten };
    const Kind kind = GENERATE(Kind::Whole, Kind::InChunks, Kind::BeingWritten);
    CAPTURE(static_cast<int>(kind));
    // More than a block of the stream's queue takes.
    constexpr std::size_t frames = 20;
    std::vector<std::byte> all_of_them;
    std::size_t cut = 0;
    // The first time none fails.
    for (std::size_t turn = 0;; ++turn) {
        INFO("after " << turn << " allocations");
        PartScene scene(0);
        scene.link.pause();
        std::optional<std::exception_ptr> end;
        bool is_over = false;
        const Begun<void> sending(scene.context, scene.send_and_tell(kind == Kind::BeingWritten ? 1 : frames, end, is_over));
        std::optional<FrameProducer> frame;
        for (std::size_t i = 0; i < frames; ++i) {
            switch (kind) {
            case Kind::Whole: scene.write(i); break;
            case Kind::InChunks:
                frame.emplace(scene.group.create_frame(4, Timestamp(i, Timescale(1000))));
                for (const char *const chunk : {"ab", "cd"}) frame->write(payload(chunk));
                std::exchange(frame, std::nullopt)->finish();
                break;
            case Kind::BeingWritten:
                if (!frame) frame.emplace(scene.group.create_frame(2 * frames, {}));
                frame->write(payload("ab"));
            }
        }
        bool has_failed = false;
        if (turn != 0) {
            FailingAllocation failing(turn - 1);
            run_handlers(scene.context);
            has_failed = failing.stop();
        }
        run_handlers(scene.context);
        REQUIRE(is_over);
        const bool is_whole = end && *end == nullptr;
        scene.link.resume();
        scene.receive();
        if (turn == 0) all_of_them = scene.octets;
        REQUIRE(scene.octets.size() <= all_of_them.size());
        CHECK(std::equal(scene.octets.begin(), scene.octets.end(), all_of_them.begin()));
        if (is_whole) CHECK(scene.octets.size() == all_of_them.size());
        if (!scene.octets.empty() && !is_whole) ++cut;
        if (turn != 0 && !has_failed) break;
    }
    CHECK(cut > 1);
}

TEST_CASE("sending frames: a header that is longer than what goes with a payload goes before it", "[lite]") {
    struct Send {
        static asio::awaitable<void> run(detail::GroupOutbox &outbox, SendStream &stream, GroupConsumer group) {
            detail::GroupOutbox::Account account;
            detail::GroupOutbox::Item item(outbox, account, SendOrder());
            item.use(stream);
            detail::GroupSender<LongFraming> sender(item);
            co_await sender.send(group, 2);
        }
    };
    PartScene scene(1);
    auto frame = scene.group.create_frame(10, {});
    frame.write(payload("0123456789"));
    run_to_end(scene.context, Send::run(scene.outbox, *scene.stream, scene.group.consume()));
    scene.receive();
    const std::string head(2 * SendStream::max_head, 'h');
    CHECK(std::string(reinterpret_cast<const char *>(scene.octets.data()), scene.octets.size()) ==
          head + "2" + "f0" + head + "10" + "0123456789");
}

}
