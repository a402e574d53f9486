/// \file
/// The two ends of a link in memory.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include <comoq/memory_transport.hpp>

#include "support/catch.hpp"
#include "support/transport_scene.hpp"

namespace comoq::test {

/// A writer waits when this much is neither read nor in flight.
inline constexpr std::size_t enough = comoq::detail::SendHalf::enough;

inline MemoryLinkConfig config_with(const std::function<void(MemoryLinkConfig &)> &change) {
    MemoryLinkConfig config;
    change(config);
    return config;
}

/// Both on one context.
struct MemoryScene : TransportScene {
    explicit MemoryScene(MemoryLinkConfig config = {})
        : link(context.get_executor(), context.get_executor(), std::move(config)) {}

    void advance(std::chrono::nanoseconds time) {
        link.advance(time);
        run();
    }
    bool nothing_to_read(ReceiveStream &stream) { return !begin(stream.read()).done(); }

    /// A unidirectional stream with both ends in hand; one byte of it has been read.
    std::pair<SendPtr, ReceivePtr> uni() {
        auto send = now(client->open_uni());
        write(*send, "!");
        auto receive = now(server->accept_uni());
        CHECK(now(receive->read()).view() == "!");
        return {std::move(send), std::move(receive)};
    }
    std::pair<BidiStream, BidiStream> bidi() {
        auto here = now(client->open_bidi());
        write(*here.send, "!");
        auto there = now(server->accept_bidi());
        CHECK(now(there.receive->read()).view() == "!");
        return {std::move(here), std::move(there)};
    }

    /// The client's sides of a stream of each kind. "u", "b" and the datagram "d" are there for the server, which has
    /// not accepted anything.
    struct OneOfEach {
        SendPtr uni;
        BidiStream bidi;
    };
    OneOfEach send_one_of_each() {
        OneOfEach sent{now(client->open_uni()), now(client->open_bidi())};
        write(*sent.uni, "u");
        write(*sent.bidi.send, "b");
        client->send_datagram(bytes("d"));
        run();
        return sent;
    }

    MemoryLink link;
    std::shared_ptr<Transport> client = link.client(), server = link.server();
};

}  // namespace comoq::test
