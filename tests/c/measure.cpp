// SPDX-License-Identifier: MIT
// What the calls of C cost beside those of C++, in processor time, in one run: the best of five rounds of each.
#include <comoq/c.h>
#include <comoq/comoq.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace {

constexpr int groups = 60, frames = 8192, batch = 64, requests = 20'000;

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <class Work> double best_of(Work &&work) {
    double best = 1e9;
    for (int i = 0; i < 5; ++i) best = std::min(best, work());
    return best;
}

struct Media {
    double write, read, write_many = 0;
};

Media media_of_cpp(std::size_t size) {
    comoq::Origin origin;
    auto broadcast = origin.producer().create_broadcast("x");
    auto track = broadcast.create_track("t");
    const std::vector<std::byte> payload(size);
    double write = 0, read = 0;
    std::size_t bytes = 0;
    for (int i = 0; i < groups; ++i) {
        auto group = track.append_group();
        const double begin = seconds();
        for (std::uint64_t at = 0; at < frames; ++at)
            group.write_frame(comoq::Bytes::copy(std::span<const std::byte>(payload)), comoq::Timestamp(at, comoq::Timescale(1000)));
        const double middle = seconds();
        group.finish();
        auto reader = group.consume();
        while (auto many = reader.try_read_frames(batch))
            for (const auto &frame : *many) bytes += frame.payload.size();
        write += middle - begin;
        read += seconds() - middle;
    }
    if (bytes != size * groups * frames) std::puts("wrong");
    return {write / groups / frames, read / groups / frames};
}

Media media_of_c(std::size_t size) {
    comoq_origin origin = 0;
    comoq_broadcast broadcast = 0;
    comoq_track track = 0;
    comoq_origin_create(nullptr, &origin);
    comoq_origin_publish(origin, comoq_text("x"), nullptr, &broadcast);
    comoq_broadcast_track(broadcast, comoq_text("t"), nullptr, &track);
    const std::vector<std::uint8_t> payload(size);
    double write = 0, read = 0, many = 0;
    std::size_t bytes = 0;
    for (int i = 0; i < groups; ++i) {
        comoq_group group = 0;
        comoq_reader reader = 0;
        comoq_event now{};
        comoq_frame view[batch];
        comoq_track_group(track, &group);
        const double begin = seconds();
        for (std::uint64_t at = 0; at < frames; ++at) comoq_group_write(group, payload.data(), size, at);
        const double middle = seconds();
        comoq_group_finish(group);
        comoq_group_consume(group, &reader);
        while (comoq_reader_read(reader, batch, 0, 0, &now, nullptr) == COMOQ_READY && now.value != 0) {
            const auto count = comoq_frames_view(now.value, view, batch);
            for (std::int64_t each = 0; each < count; ++each) bytes += view[each].size;
            comoq_close(now.value);
        }
        write += middle - begin;
        read += seconds() - middle;
        comoq_close(reader);
        comoq_close(group);

        std::fill(std::begin(view), std::end(view), comoq_frame{payload.data(), size, 0, 0});
        comoq_track_group(track, &group);
        const double last = seconds();
        for (int at = 0; at < frames; at += batch) comoq_group_write_many(group, view, batch);
        many += seconds() - last;
        comoq_group_finish(group);
        comoq_close(group);
    }
    if (bytes != size * groups * frames) std::puts("wrong");
    for (const comoq_handle handle : {track, broadcast, origin}) comoq_close(handle);
    return {write / groups / frames, read / groups / frames, many / groups / frames};
}

asio::awaitable<void> serve(comoq::OriginDynamic handler, comoq::BroadcastConsumer served) {
    while (auto request = co_await handler.requested_broadcast()) request->accept(served);
}

asio::awaitable<void> ask(comoq::OriginConsumer origin, asio::io_context &context) {
    for (int i = 0; i < requests; ++i) {
        const std::string path = "d/" + std::to_string(i);
        auto found = co_await origin.request_broadcast(path);
        if (found.is_closed()) std::puts("wrong");
    }
    context.stop();
}

double request_of_cpp() {
    comoq::Origin origin;
    auto broadcast = origin.producer().make_broadcast();
    asio::io_context context(1);
    asio::co_spawn(context, serve(origin.producer().dynamic(), broadcast.consume()), asio::detached);
    asio::co_spawn(context, ask(origin.consumer(), context), asio::detached);
    const double begin = seconds();
    context.run();
    return (seconds() - begin) / requests;
}

/// The handler's step waits in the queue, and so does the request; both come out of it, with its descriptor raised.
double request_of_c() {
    comoq_origin origin = 0;
    comoq_handler handler = 0;
    comoq_broadcast broadcast = 0;
    comoq_queue queue = 0;
    int descriptor = 0;
    comoq_origin_create(nullptr, &origin);
    comoq_origin_dynamic(origin, &handler);
    comoq_origin_make(origin, nullptr, &broadcast);
    comoq_queue_create(&queue);
    comoq_queue_fd(queue, &descriptor);
    const double begin = seconds();
    comoq_handler_next(handler, queue, 1, nullptr, nullptr);
    for (int i = 0; i < requests; ++i) {
        const std::string path = "d/" + std::to_string(i);
        comoq_origin_request(origin, comoq_text(path.c_str()), queue, 2, nullptr, nullptr);
        for (bool is_answered = false; !is_answered;) {
            comoq_event event{};
            if (comoq_queue_next(queue, &event, 1, -1) != 1) std::puts("wrong");
            is_answered = event.user == 2;
            if (!is_answered) {
                comoq_request_accept(event.value, broadcast);
                comoq_handler_next(handler, queue, 1, nullptr, nullptr);
            }
            comoq_close(event.value);
        }
    }
    const double spent = (seconds() - begin) / requests;
    for (const comoq_handle handle : {queue, handler, broadcast, origin}) comoq_close(handle);
    return spent;
}

void print(const char *what, double cpp, double c, double most) {
    std::printf("%-32s C++ %7.1f ns   C %7.1f ns   %.2f times (at most %.2f)\n", what, cpp * 1e9, c * 1e9, c / cpp, most);
}

}  // namespace

int main() {
    for (const std::size_t size : {std::size_t{64}, std::size_t{1200}}) {
        Media cpp{1e9, 1e9}, c{1e9, 1e9, 1e9};
        for (int i = 0; i < 5; ++i) {
            const Media one = media_of_cpp(size), other = media_of_c(size);
            cpp = {std::min(cpp.write, one.write), std::min(cpp.read, one.read)};
            c = {std::min(c.write, other.write), std::min(c.read, other.read), std::min(c.write_many, other.write_many)};
        }
        const std::string of = " of " + std::to_string(size) + " B";
        print(("a frame written" + of).c_str(), cpp.write, c.write, 1.25);
        print(("a frame written by 64" + of).c_str(), cpp.write, c.write_many, 1.25);
        print(("a frame read" + of).c_str(), cpp.read, c.read, 1.5);
    }
    print("a request and its answer", best_of(request_of_cpp), best_of(request_of_c), 5);
}
