// The subscribing half of the peer: announcements, subscriptions, fetches. All of it is printed.
#pragma once

#include "events.hpp"
#include "settings.hpp"
#include "task.hpp"

#include <comoq/broadcast.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

class Subscriber : public std::enable_shared_from_this<Subscriber> {
public:
    Subscriber(asio::any_io_executor executor, EventLog &log, const Settings &settings);

    // The session announces its peer's broadcasts here, narrowed by --scope. Throws UsageError if nothing is left.
    comoq::OriginProducer received() const;
    // From now on unannounced broadcasts are requested from the peer, as keep_connected does it.
    void ask(std::shared_ptr<std::optional<comoq::lite::Session>> session);

    void announced(const std::string &prefix);
    void unannounced(const std::string &prefix);
    void watch(const std::string &path);
    void unwatch(const std::string &path);
    void subscribe(const std::string &path, const std::string &track, const comoq::Subscription &wishes);
    // Throws std::runtime_error if there is none. Wishes that are not named stay as they are.
    void update(const std::string &path, const std::string &track, const std::vector<std::string> &words);
    void unsubscribe(const std::string &path, const std::string &track);
    asio::awaitable<void> info(std::string path, std::string track);
    asio::awaitable<void> fetch(std::string path, std::string track, std::uint64_t sequence, comoq::Fetch how);

    void close();

private:
    using Self = std::shared_ptr<Subscriber>;
    using Stop = std::shared_ptr<asio::cancellation_signal>;

    // A subscription from the moment in which it is asked for.
    struct Reading {
        Reading(asio::any_io_executor executor, std::string of, std::string name, const comoq::Subscription &asked)
            : path(std::move(of)), track(std::move(name)), wishes(asked), all_read(std::move(executor)) {}
        const std::string path, track;
        comoq::Subscription wishes;
        std::optional<comoq::TrackSubscriber> subscriber;
        std::size_t reads = 0;  // groups that are being read
        Condition all_read;
        bool is_left = false;
        Stop stop;

        Event event(std::string_view name) const { return Event(name).with("broadcast", path).with("track", track); }
    };
    using Held = std::shared_ptr<Reading>;

    static asio::awaitable<void> answer(Self self, comoq::OriginDynamic handler,
                                        std::shared_ptr<std::optional<comoq::lite::Session>> session);
    static asio::awaitable<void> follow(Self self, std::string prefix);
    static asio::awaitable<void> look_out(Self self, std::string path);
    static asio::awaitable<void> read(Self self, Held reading);
    static asio::awaitable<void> read_groups(Self self, Held reading, std::uint64_t &groups);
    static asio::awaitable<void> read_one(Self self, Held reading, comoq::GroupConsumer group);
    static asio::awaitable<void> read_group(Self self, std::string kind, std::string path, std::string track,
                                            comoq::GroupConsumer group);
    asio::awaitable<comoq::TrackConsumer> find(const std::string &path, const std::string &track) const;

    const asio::any_io_executor executor_;
    EventLog &log_;
    const Settings &settings_;
    comoq::Origin origin_;
    std::map<std::string, Stop> followed_, watched_;
    std::map<std::string, Held> readings_;
};
