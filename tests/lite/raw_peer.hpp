/// \file A peer of a session that writes raw bytes, and a scene with one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
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
#include <asio/io_context.hpp>

#include <comoq/detail/lite/announce_ids.hpp>
#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/codes.hpp>
#include <comoq/detail/lite/messages.hpp>
#include <comoq/detail/lite/stream_type.hpp>
#include <comoq/detail/lite/version.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/transport.hpp>
#include <comoq/transport_code.hpp>

#include "lite/scene.hpp"
#include "lite/spoken.hpp"
#include "support/settle.hpp"

namespace comoq::test {

using Octets = std::vector<std::byte>;

template <class Type, class Message> Octets opening(Type type, const Message &message) {
    Octets octets;
    detail::WireWriter(octets).varint(static_cast<std::uint64_t>(type));
    lite::encode(message, spoken(), octets);
    return octets;
}
/// What a raw peer announces on one stream.
class Announcing {
public:
    void write(const lite::Announce &change, Octets &to) { writer_.write(change, false, to); }
    Octets bytes(const lite::Announce &change) {
        Octets octets;
        write(change, octets);
        return octets;
    }

private:
    lite::detail::AnnouncePlaces places_{std::numeric_limits<std::size_t>::max()};
    lite::detail::AnnounceWriter writer_{spoken(), places_};
};
inline Octets octets_of(std::initializer_list<int> values) {
    Octets octets;
    for (const int value : values) {
        octets.push_back(static_cast<std::byte>(value));
    }
    return octets;
}

/// The bytes that came on a stream, and how it ended.
struct Answer {
    Octets octets;
    bool ended = false;
    /// The number of its reset.
    std::optional<std::uint64_t> number;
    /// The meaning of that, or how it was lost.
    std::error_code code;
    bool over() const { return ended || code; }
};

/// Notes what comes on a stream, to its end.
inline asio::awaitable<void> read_answer(std::unique_ptr<ReceiveStream> stream, lite::Version version, std::shared_ptr<Answer> to) {
    try {
        while (true) {
            const Bytes more = co_await stream->read();
            if (more.empty()) {
                break;
            }
            to->octets.insert(to->octets.end(), more.span().begin(), more.span().end());
        }
        to->ended = true;
    } catch (const std::system_error &error) {
        to->number = stream_end_number(error.code());
        to->code = lite::meaning_of(error.code(), version, lite::StreamUse::Request);
    }
}

/// Holds the streams that the other side opens, and reads none of them.
inline asio::awaitable<void> hold_what_comes(std::shared_ptr<Transport> transport, std::shared_ptr<std::vector<BidiStream>> to) {
    while (true) {
        auto stream = co_await transport->accept_bidi();
        to->push_back(std::move(stream));
    }
}

/// A session's peer that writes raw bytes.
class RawPeer {
public:
    RawPeer(asio::io_context &context, std::shared_ptr<Transport> transport)
        : context_(context), transport_(std::move(transport)) {}

    void say_setup(const lite::Setup &setup = {}) { send_uni(opening(lite::UniStreamType::Setup, setup)); }

    void send_uni(Octets octets, bool finish = true) {
        asio::co_spawn(context_, write_uni(transport_, std::move(octets), finish, held_), asio::detached);
        settle_down(context_);
    }
    /// The returned answer keeps growing while the peer answers.
    std::shared_ptr<Answer> ask(Octets octets, bool finish = true) {
        auto answer = std::make_shared<Answer>();
        asio::co_spawn(context_, write_bidi(transport_, std::move(octets), finish, held_, answer), asio::detached);
        settle_down(context_);
        return answer;
    }
    /// Resets, or stops, the streams that are still open.
    void let_go() {
        held_->clear();
        settle_down(context_);
    }
    Transport &transport() { return *transport_; }

private:
    using Held = std::shared_ptr<std::vector<std::unique_ptr<SendStream>>>;

    static asio::awaitable<void> write_uni(std::shared_ptr<Transport> transport, Octets octets, bool finish, Held held) {
        auto stream = co_await transport->open_uni();
        auto written = stream->write(Bytes(std::move(octets)));
        co_await std::move(written);
        if (finish) {
            stream->finish();
        } else {
            held->push_back(std::move(stream));
        }
    }
    static asio::awaitable<void> write_bidi(std::shared_ptr<Transport> transport, Octets octets, bool finish, Held held,
                                            std::shared_ptr<Answer> answer) {
        auto stream = co_await transport->open_bidi();
        auto written = stream.send->write(Bytes(std::move(octets)));
        co_await std::move(written);
        if (finish) {
            stream.send->finish();
        } else {
            held->push_back(std::move(stream.send));
        }
        auto reading = read_answer(std::move(stream.receive), lite::version_of(transport->protocol()), std::move(answer));
        co_await std::move(reading);
    }

    asio::io_context &context_;
    std::shared_ptr<Transport> transport_;
    Held held_ = std::make_shared<std::vector<std::unique_ptr<SendStream>>>();
};

/// A session on the server's side, whose client is a raw peer.
struct HostileScene : LiteScene {
    explicit HostileScene(MemoryLinkConfig link_config = spoken_link()) : LiteScene(std::move(link_config)) {}

    RawPeer &begin(lite::SessionConfig config) {
        server.emplace(link.server(), std::move(config));
        peer.emplace(context, link.client());
        return *peer;
    }
    RawPeer &begin() { return begin(config_of(there)); }
    bool open() { return !closed().done(); }
    Waiting<std::error_code> closed() { return wait(server->closed()); }

    std::optional<RawPeer> peer;
};

// The peer's questions, and the answers.

inline std::shared_ptr<Answer> announce(RawPeer &peer, std::string_view prefix, std::uint64_t exclude = 0) {
    return peer.ask(opening(lite::BidiStreamType::Announce, lite::AnnounceRequest{std::string(prefix), exclude}), false);
}
inline std::shared_ptr<Answer> subscribe(RawPeer &peer, std::uint64_t id, std::string_view path, Subscription wishes = {}) {
    return peer.ask(opening(lite::BidiStreamType::Subscribe, lite::Subscribe{id, std::string(path), "video", wishes}), false);
}
inline std::shared_ptr<Answer> info(RawPeer &peer, std::string_view path) {
    return peer.ask(opening(lite::BidiStreamType::Track, lite::Track{std::string(path), "video"}));
}

/// The replies on a Subscribe stream, as "ok 3", "end 4", "drop 1-2".
inline std::vector<std::string> replies(const Answer &answer) {
    std::vector<std::string> all;
    std::span<const std::byte> rest(answer.octets);
    while (const auto type = detail::read_varint(rest)) {
        std::error_code failure;
        const auto framed = lite::next_message(rest.subspan(type->size), failure);
        if (!framed) {
            break;
        }
        rest = rest.subspan(type->size + framed->size);
        switch (static_cast<lite::SubscribeReply>(type->value)) {
        case lite::SubscribeReply::Ok: all.push_back("ok " + std::to_string(lite::decode<lite::SubscribeOk>(framed->body, spoken())->group)); break;
        case lite::SubscribeReply::End: all.push_back("end " + std::to_string(lite::decode<lite::SubscribeEnd>(framed->body, spoken())->group)); break;
        case lite::SubscribeReply::Drop: {
            const auto drop = *lite::decode<lite::SubscribeDrop>(framed->body, spoken());
            all.push_back("drop " + std::to_string(drop.start) + "-" + std::to_string(drop.end));
            break;
        }
        }
    }
    return all;
}

inline asio::awaitable<void> read_to_the_end(std::unique_ptr<ReceiveStream> stream) {
    for (bool more = true; more;) {
        const Bytes bytes = co_await stream->read();
        more = !bytes.empty();
    }
}
/// Reads every arriving group, side by side.
inline asio::awaitable<void> read_groups(std::shared_ptr<Transport> transport) {
    while (true) {
        auto stream = co_await transport->accept_uni();
        asio::co_spawn(transport->executor(), read_to_the_end(std::move(stream)), asio::detached);
    }
}

}  // namespace comoq::test
