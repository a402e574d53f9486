#include "movie.hpp"
#include "recording.hpp"
#include "shared/movie_on_disk.hpp"

#include <comoq/hang/mp4_pieces.hpp>

#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using asio::awaitable;

namespace {

class Boxes : public Movie {
public:
    explicit Boxes(const std::filesystem::path &file) : cut_(comoq::hang::cut_mp4(read_whole_movie(file))) {
        // An index behind the last fragment is right there.
        if (!cut_.rest.empty()) cut_.pieces.back().boxes.push_back(cut_.rest);
        bytes_ = cut_.init.size();
        for (const auto &piece : cut_.pieces) {
            for (const auto &box : piece.boxes) bytes_ += box.size();
        }
    }

    std::size_t groups() const override { return cut_.pieces.size(); }
    std::size_t bytes() const override { return bytes_; }

    void create_tracks(comoq::BroadcastProducer &live) override {
        comoq::TrackInfo info;
        info.max_latency = 1min;
        init_ = live.create_track("init", info);
        video_ = live.create_track("video", info);
    }

    awaitable<void> publish(RelayProgress &progress) override {
        init_->write_frame(cut_.init);
        init_->finish();
        co_await video_->used();
        asio::steady_timer clock(co_await asio::this_coro::executor);
        for (const auto &piece : cut_.pieces) {
            auto group = video_->append_group();
            for (const auto &box : piece.boxes) {
                group.write_frame(box);
            }
            group.finish();
            progress.group_published();
            clock.expires_after(30ms);
            co_await clock.async_wait(asio::use_awaitable);
        }
        video_->finish();
    }

    awaitable<void> view(comoq::BroadcastConsumer broadcast, Recording &recording, RelayProgress &progress) const override {
        comoq::Subscription whole;
        whole.start = 0;
        const auto all = boxes();
        auto expected = all.begin();
        bool is_equal = true;
        for (const char *name : {"init", "video"}) {
            auto track = co_await broadcast.track(name).subscribe(whole);
            while (auto group = co_await track.next_group()) {
                recording.add_group();
                while (auto frame = co_await group->read_frame()) {
                    is_equal = is_equal && expected != all.end() && *expected++ == frame->payload;
                    recording.add_frames(1);
                    recording.write(frame->payload.span());
                    progress.bytes_delivered(frame->payload.size());
                }
            }
        }
        recording.finish(is_equal && expected == all.end());
    }

private:
    // All of them, in the order in which they are sent.
    std::vector<comoq::Bytes> boxes() const {
        std::vector<comoq::Bytes> all{cut_.init};
        for (const auto &piece : cut_.pieces) {
            all.insert(all.end(), piece.boxes.begin(), piece.boxes.end());
        }
        return all;
    }

    comoq::hang::Mp4Pieces cut_;
    std::size_t bytes_ = 0;
    std::optional<comoq::TrackProducer> init_, video_;
};

}  // namespace

std::unique_ptr<Movie> movie_of_boxes(const std::filesystem::path &file) { return std::make_unique<Boxes>(file); }
