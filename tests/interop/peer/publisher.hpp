// The publishing half of the peer: broadcasts with tracks of deterministic groups.
#pragma once

#include "events.hpp"
#include "settings.hpp"

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

class Publisher : public std::enable_shared_from_this<Publisher> {
public:
    Publisher(asio::any_io_executor executor, EventLog &log, const Settings &settings);

    // The broadcasts that the session shows its peer.
    comoq::OriginConsumer published() const { return origin_.consumer(); }
    // From now on the broadcasts of --on-demand are served.
    void serve_requests();

    // These throw std::runtime_error if that cannot be done.
    void announce(const std::string &path);
    void unannounce(const std::string &path);
    void finish(const std::string &path, const std::string &track, bool abort);

    void close();

private:
    using Self = std::shared_ptr<Publisher>;

    struct Broadcast {
        Broadcast(std::string at, comoq::BroadcastProducer made) : path(std::move(at)), producer(std::move(made)) {}
        const std::string path;
        comoq::BroadcastProducer producer;
        std::optional<comoq::OriginPublish> announced;
        std::map<std::string, comoq::TrackProducer> tracks;
        std::set<std::string> ended;
        std::vector<comoq::TrackRequest> ignored;
        bool is_stopped = false;

        bool is_over(const comoq::TrackProducer &track) const { return is_stopped || ended.contains(track.name()); }
    };
    using Held = std::shared_ptr<Broadcast>;

    Held make(const std::string &path);
    void begin(const Held &broadcast, const comoq::TrackProducer &track);
    std::error_code refusal() const;

    static asio::awaitable<void> serve_broadcasts(Self self, comoq::OriginDynamic handler);
    static asio::awaitable<void> serve_tracks(Self self, Held broadcast, comoq::BroadcastDynamic handler);
    static asio::awaitable<void> watch(Self self, Held broadcast, comoq::TrackProducer track);
    static asio::awaitable<void> produce(Self self, Held broadcast, comoq::TrackProducer track);
    static asio::awaitable<void> write_track(Self self, Held broadcast, comoq::TrackProducer track);
    static asio::awaitable<void> write_group(Self self, Held broadcast, comoq::TrackProducer track,
                                             std::uint64_t sequence);

    const asio::any_io_executor executor_;
    EventLog &log_;
    const Settings &settings_;
    comoq::Origin origin_;
    std::map<std::string, Held> broadcasts_;
};
