/// \file A relay between peers that write raw bytes: what it makes of the routes that they announce.
#pragma once

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
    /// It says its hop id; 0 says nothing.
    RoutePeer(RelayScene &scene, lite::SessionConfig of_relay, std::uint64_t id = 0)
        : hop(id), link(scene.context.get_executor(), scene.context.get_executor()), session(link.server(), std::move(of_relay)),
          raw(scene.context, link.client()), context_(scene.context) {
        asio::co_spawn(context_, hold_what_comes(link.client(), asked), asio::detached);
        lite::Setup setup;
        if (id != 0) setup.origin = id;
        raw.say_setup(setup);
    }

    // As a publisher.

    void announce(std::string_view path, Hops hops = {}) { write(lite::Announce{true, std::string(path), std::move(hops)}); }
    void unannounce(std::string_view path) { write(lite::Announce{false, std::string(path), {}}); }
    /// Several announcements and ends at once.
    void say(const std::vector<lite::Announce> &messages) { write(messages); }
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
    }
    /// What the relay has said since the last call, as "2 active", "+a 7 8", "-a".
    std::vector<std::string> heard() {
        settle_down(context_);
        std::vector<std::string> all;
        std::error_code failure;
        while (const auto framed = lite::next_message(std::span(followed_->octets).subspan(read_), failure)) {
            if (read_ == 0)
                all.push_back(std::to_string(lite::decode<lite::AnnounceOk>(framed->body, spoken())->active_count) + " active");
            else
                all.push_back(text_of(*lite::decode<lite::Announce>(framed->body, spoken())));
            read_ += framed->size;
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
    static std::string text_of(const lite::Announce &message) {
        std::string text = (message.active ? "+" : "-") + message.suffix;
        for (const auto id : message.hops) text += " " + std::to_string(id);
        return text;
    }
    void write(const lite::Announce &message) { write(std::vector<lite::Announce>{message}); }
    void write(const std::vector<lite::Announce> &messages) {
        settle_down(context_);
        Octets octets;
        if (!std::exchange(answered_, true)) lite::encode(lite::AnnounceOk{hop, 0}, spoken(), octets);
        for (const auto &message : messages) lite::encode(message, spoken(), octets);
        asio::co_spawn(context_, asked->at(0).send->write(Bytes(std::move(octets))), asio::detached);
        settle_down(context_);
    }
    static asio::awaitable<void> hold_what_comes(std::shared_ptr<Transport> transport, std::shared_ptr<std::vector<BidiStream>> to) {
        while (true) {
            auto stream = co_await transport->accept_bidi();
            to->push_back(std::move(stream));
        }
    }

    asio::io_context &context_;
    bool answered_ = false;
    std::shared_ptr<Answer> followed_;
    std::size_t read_ = 0;
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

}  // namespace comoq::test
