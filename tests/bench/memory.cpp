// W9: the heap memory of objects, each measured over many of them.
#include "workload.hpp"

#include <comoq/comoq.hpp>

#include <asio/bind_executor.hpp>

#include <memory>

namespace comoq::bench {

namespace {

constexpr std::size_t count = 10000;

/// Bytes of heap for each of the `things` that `make` makes and keeps.
template <class Make> double heap_of(std::size_t things, Make make) {
    const auto before = heap_in_use();
    for (std::size_t i = 0; i < things; ++i) make(i);
    return static_cast<double>(heap_in_use() - before) / static_cast<double>(things);
}

Figure figure(const char *name, double bytes, std::size_t content, const char *what) {
    Figure result{"W9", name, "bytes", bytes, static_cast<double>(content), {}, {}};
    result.yardstick_name = what;
    return result;
}

std::vector<Figure> heap() {
    std::vector<Figure> figures;
    {
        Origin origin;
        std::vector<BroadcastPublish> published;
        published.reserve(count);
        const double bytes = heap_of(count, [&](std::size_t i) { published.push_back(origin.producer().create_broadcast(path_of(i))); });
        figures.push_back(figure("announced broadcast", bytes, sizeof(std::string) + sizeof(BroadcastPublish), "path, guard"));
    }
    {
        asio::io_context context;
        BroadcastProducer broadcast;
        std::vector<TrackProducer> tracks;
        std::vector<TrackSubscriber> subscribers;
        tracks.reserve(count);
        subscribers.reserve(count);
        const double bytes = heap_of(count, [&](std::size_t i) {
            tracks.push_back(broadcast.create_track("track" + std::to_string(i)));
            tracks.back().consume().subscribe().async_wait(asio::bind_executor(
                context, [&](std::error_code, TrackSubscriber subscriber) { subscribers.push_back(std::move(subscriber)); }));
            context.restart();
            context.run();
        });
        figures.push_back(figure("idle track with a subscriber", bytes,
                                 sizeof(std::string) + sizeof(TrackInfo) + sizeof(Subscription), "name, info, subscription"));
    }
    {
        // A request whose waiter is an asio handler, as the peer's is a future that was polled once.
        asio::io_context context;
        Origin origin;
        auto handler = origin.producer().dynamic();
        auto consumer = origin.consumer();
        const double bytes = heap_of(count, [&](std::size_t i) {
            consumer.request_broadcast(path_of(i)).async_wait(asio::bind_executor(context, [](std::error_code, BroadcastConsumer) {}));
        });
        figures.push_back(figure("pending request", bytes, sizeof(std::string) + sizeof(std::error_code) + sizeof(BroadcastConsumer),
                                 "path, outcome"));
        origin = Origin();
        context.run();
    }
    {
        constexpr std::size_t frames = 32768;
        BroadcastProducer broadcast;
        auto track = broadcast.create_track("video");
        std::unique_ptr<GroupProducer> group;
        const std::vector<std::byte> content(64);
        const double bytes = heap_of(frames, [&](std::size_t i) {
            if (i == 0) group = std::make_unique<GroupProducer>(track.append_group());
            group->write_frame(Bytes::copy(content));
        });
        figures.push_back(figure("cached 64 B frame", bytes, sizeof(Frame) + 64, "frame, payload"));
    }
    return figures;
}

}  // namespace

Workload memory() { return {"W9", "bytes of memory", {}, heap}; }

}  // namespace comoq::bench
