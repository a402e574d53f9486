/// \file A relay between peers that write raw bytes: what it makes of the routes that they announce.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <comoq/memory_transport.hpp>

#include "lite/raw_peer.hpp"
#include "lite/relay_scene.hpp"

namespace comoq::test {

using Hops = std::vector<std::uint64_t>;

/// A peer of the relay's.
struct RoutePeer {
    /// It says its hop id; 0 says nothing. And the price of the link, if there is one.
    RoutePeer(RelayScene &scene, lite::SessionConfig of_relay, std::uint64_t id = 0, std::optional<std::uint64_t> price = {})
        : hop(id), link(scene.context.get_executor(), scene.context.get_executor(), spoken_link()), session(link.server(), std::move(of_relay)),
          raw(scene.context, link.client()), context_(scene.context) {
        asio::co_spawn(context_, hold_what_comes(link.client(), asked), asio::detached);
        lite::Setup setup;
        if (id != 0) setup.origin = id;
        setup.cost = price;
        raw.say_setup(setup);
    }

    // As a publisher.

    void announce(std::string_view path, Hops hops = {}, Cost cost = {}) { write(lite::Announce{true, std::string(path), std::move(hops), cost}); }
    void unannounce(std::string_view path) { write(lite::Announce{false, std::string(path), {}}); }
    /// Several announcements and ends at once.
    void say(const std::vector<lite::Announce> &messages) { write(messages); }
    /// On the stream of its announcements, after its AnnounceOk.
    void say_octets(Octets octets) {
        if (!std::exchange(answered_, true)) {
            Octets ok;
            lite::encode(lite::AnnounceOk{hop, 0}, spoken(), ok);
            octets.insert(octets.begin(), ok.begin(), ok.end());
        }
        asio::co_spawn(context_, asked->at(0).send->write(Bytes(std::move(octets))), asio::detached);
        settle_down(context_);
    }
    /// How many questions the relay has for it, beyond the one for announcements.
    std::size_t questions() {
        settle_down(context_);
        return asked->size() - 1;
    }

    // As a subscriber.

    /// Follows the announcements, all of them or below a path.
    void follow(std::string_view below = "", std::uint64_t exclude = 0) {
        followed_ = comoq::test::announce(raw, below, exclude);
        read_ = 0;
        ids_.emplace(std::size_t{1000}, forgotten_);
    }
    /// The cost of what the relay has announced last; nothing on moq-lite-05.
    Cost heard_cost() const { return heard_cost_; }
    /// What the relay has said since the last call, as "2 active", "+a 7 8", "-a".
    std::vector<std::string> heard() {
        settle_down(context_);
        std::vector<std::string> all;
        std::error_code failure;
        const std::span<const std::byte> octets(followed_->octets);
        const bool has_ids = lite::layout_of(spoken()).announce_ids;
        while (true) {
            std::optional<detail::Varint> type;
            if (read_ != 0 && has_ids && !(type = detail::read_varint(octets.subspan(read_)))) break;
            const std::size_t before = type ? type->size : 0;
            const auto framed = lite::next_message(octets.subspan(read_ + before), failure);
            if (!framed) break;
            if (read_ == 0)
                all.push_back(std::to_string(lite::decode<lite::AnnounceOk>(framed->body, spoken())->active_count) + " active");
            else if (type)
                all.push_back(text_of(static_cast<lite::AnnounceType>(type->value), framed->body));
            else
                all.push_back(text_of(*lite::decode<lite::Announce>(framed->body, spoken())));
            read_ += before + framed->size;
        }
        return all;
    }
    bool open() { return !wait(session.closed()).done(); }
    asio::io_context &context() noexcept { return context_; }

    const std::uint64_t hop;
    MemoryLink link;
    lite::Session session;
    RawPeer raw;
    std::shared_ptr<std::vector<BidiStream>> asked = std::make_shared<std::vector<BidiStream>>();

private:
    std::string text_of(lite::AnnounceType type, std::span<const std::byte> body) {
        const auto version = spoken();
        std::optional<lite::Announce> change;
        switch (type) {
        case lite::AnnounceType::Start: change = ids_->start(*lite::decode<lite::AnnounceStart>(body, version)); break;
        case lite::AnnounceType::Restart: change = ids_->restart(*lite::decode<lite::AnnounceRestart>(body, version)); break;
        case lite::AnnounceType::End: change = ids_->end(*lite::decode<lite::AnnounceEnd>(body, version)); break;
        }
        if (change->active) heard_cost_ = change->cost;
        return text_of(*change);
    }
    static std::string text_of(const lite::Announce &message) {
        std::string text = (message.active ? "+" : "-") + message.suffix;
        for (const auto id : message.hops) text += " " + std::to_string(id);
        return text;
    }
    void write(const lite::Announce &message) { write(std::vector<lite::Announce>{message}); }
    void write(const std::vector<lite::Announce> &messages) {
        settle_down(context_);
        Octets octets;
        for (const auto &message : messages) announcing_.write(message, octets);
        say_octets(std::move(octets));
    }
    asio::io_context &context_;
    bool answered_ = false;
    Announcing announcing_;
    std::shared_ptr<Answer> followed_;
    std::size_t read_ = 0;
    std::atomic<std::size_t> forgotten_{0};
    std::optional<lite::detail::AnnouncedIds> ids_;
    Cost heard_cost_;
};

/// A relay, and its peers.
struct RouteScene : RelayScene {
    RoutePeer &peer(std::uint64_t hop = 0) {
        peers.push_back(std::make_unique<RoutePeer>(*this, config_of(relay), hop));
        return *peers.back();
    }

    Origin relay = origin_with_id(100);
    std::vector<std::unique_ptr<RoutePeer>> peers;
};

/// A relay, and a peer that follows all of its announcements, and has heard that there are none yet.
struct WatchedScene : RouteScene {
    explicit WatchedScene(std::uint64_t id = 100, std::uint64_t watching = 200) : watcher(follower(id, watching)) {}

    RoutePeer &watcher;

private:
    RoutePeer &follower(std::uint64_t id, std::uint64_t watching) {
        relay = origin_with_id(id);
        auto &made = peer(watching);
        made.follow();
        made.heard();
        return made;
    }
};

}  // namespace comoq::test
