// A camera of a C library calls back on a thread of its own, and a viewer reads what it gives.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fmt/core.h>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

// [camera]
extern "C" {
struct camera_frame {
    const unsigned char *data;
    size_t size;
    uint64_t ticks;   // 90,000 each second
    int is_key;
};
using camera_callback = void (*)(void *user, const camera_frame *frame);
}
// [camera]

// Stands in for the C library: three pictures of a key frame and a difference each.
static void run_camera(camera_callback call, void *user) {
    for (std::uint64_t i = 0; i < 6; ++i) {
        const std::array<unsigned char, 4> picture{static_cast<unsigned char>(i), 1, 2, 3};
        const camera_frame frame{picture.data(), picture.size(), i * 3'003, i % 2 == 0 ? 1 : 0};
        call(user, &frame);
    }
}

// [publisher]
class Publisher {
public:
    explicit Publisher(comoq::BroadcastProducer broadcast) {
        comoq::TrackInfo info;
        info.timescale = comoq::Timescale(90'000);
        track_.emplace(broadcast.create_track("video", info));
    }

    /// The callback: it lets no exception out.
    static void on_frame(void *user, const camera_frame *frame) noexcept {
        try {
            static_cast<Publisher *>(user)->write(*frame);
        } catch (const std::exception &error) {
            fmt::print(stderr, "a frame is lost: {}\n", error.what());
        }
    }

    void finish() {
        if (group_) group_->finish();
        track_->finish();
    }

private:
    void write(const camera_frame &frame) {
        if (frame.is_key != 0) {
            if (group_) group_->finish();
            group_.emplace(track_->append_group());
        }
        if (!group_) return;   // a viewer can do nothing with a difference before the first key frame
        const auto octets = std::as_bytes(std::span(frame.data, frame.size));
        group_->write_frame(comoq::Bytes::copy(octets), comoq::Timestamp(frame.ticks, comoq::Timescale(90'000)));
    }

    std::optional<comoq::TrackProducer> track_;
    std::optional<comoq::GroupProducer> group_;
};
// [publisher]

asio::awaitable<void> watch(comoq::BroadcastConsumer broadcast) {
    comoq::Subscription from_the_start;
    from_the_start.start = 0;
    auto video = co_await broadcast.track("video").subscribe(from_the_start);
    while (auto group = co_await video.next_group()) {
        while (auto frame = co_await group->read_frame()) {
            fmt::print("group {}, {} ms\n", group->sequence(), frame->timestamp.convert(comoq::Timescale(1'000)).value());
        }
    }
}

int main() {
    try {
        asio::io_context context;
        comoq::Origin origin;
        auto published = origin.producer().create_broadcast("camera");
        // [thread]
        Publisher publisher(published.producer());
        auto watched = asio::co_spawn(context, watch(published.producer().consume()), asio::use_future);
        std::thread camera([&] {
            run_camera(&Publisher::on_frame, &publisher);
            publisher.finish();
        });
        context.run();   // the viewer resumes here, whichever thread writes
        camera.join();
        // [thread]
        watched.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "2_from_a_callback: {}\n", error.what());
        return 1;
    }
    return 0;
}
