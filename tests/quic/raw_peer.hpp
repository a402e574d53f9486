/// \file
/// A peer of HTTP/3 that writes the bytes that a test wants, with one of ours on the other side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <comoq/detail/h3/connect_head.hpp>
#include <comoq/detail/h3/fields.hpp>
#include <comoq/detail/h3/settings.hpp>
#include <comoq/webtransport/accept.hpp>
#include <comoq/webtransport/connect.hpp>

#include "quic/octets.hpp"
#include "quic/web_scene.hpp"

namespace comoq::test {

struct RawPeerScene : QuicScene {
    explicit RawPeerScene(bool peer_is_client, quic::ConnectionConfig of_client = {}, quic::ConnectionConfig of_server = {})
        : QuicScene({}, 1, speaking_h3(peer_is_client, std::move(of_client)), speaking_h3(!peer_is_client, std::move(of_server))) {
        if (!passes_until([&] { return server != nullptr && !server->protocol().empty() && !client->protocol().empty(); }))
            throw std::logic_error("no connection");
        peer = peer_is_client ? client : server;
        ours = peer_is_client ? server : client;
        peer_closed.emplace(begin(peer->closed()));
    }

    /// A stream of the peer's with these bytes.
    SendStream &uni(const Octets &input, bool is_end = false) {
        unis.push_back(finish(peer->open_uni()));
        send(*unis.back(), input, is_end);
        return *unis.back();
    }
    BidiStream &bidi(const Octets &input, bool is_end = false) {
        bidis.push_back(std::make_unique<BidiStream>(finish(peer->open_bidi())));
        send(*bidis.back()->send, input, is_end);
        return *bidis.back();
    }
    void send(SendStream &to, const Octets &input, bool is_end = false) {
        finish(to.write(Bytes::copy(input)));
        if (is_end) to.finish();
    }
    /// The number with which ours has ended the connection.
    std::uint64_t number_of_end() {
        if (!passes_until([&] { return peer_closed->done(); }, 20s)) return 0;
        return connection_end_number(peer_closed->value()).value_or(1);
    }
    /// The number with which ours has ended a stream.
    std::uint64_t number_of_end(ReceiveStream &stream) {
        auto reading = begin(all_of(stream));
        if (!passes_until([&] { return reading.done(); }, 20s)) return 0;
        return stream_end_number(reading.code()).value_or(1);
    }
    std::uint64_t number_of_stop(SendStream &stream) {
        auto stopped = begin(stream.stopped());
        if (!passes_until([&] { return stopped.done(); }, 20s)) return 0;
        return stream_end_number(stopped.value()).value_or(1);
    }

    Octets settings() const {
        Octets frame = octets("00");
        h3::write_settings({}, frame);
        return frame;
    }
    Octets fields(const std::vector<h3::Field> &all) {
        Octets frame;
        coder.write(all, frame);
        return frame;
    }
    Octets connect_request() { return fields(h3::connect_fields("test", "/", {}, {"a"})); }
    Octets response(unsigned status, std::string_view protocol = {}) { return fields(h3::response_fields(status, protocol, false)); }

    /// Of a peer that is a client: a session, with its stream as the first of `bidis`.
    void begin_session() {
        uni(settings());
        auto accepting = begin(webtransport::accept(ours, patient()));
        bidi(connect_request());
        if (!passes_until([&] { return accepting.done(); })) throw std::logic_error("no request");
        session = accepting.value().accept("a");
    }

    h3::FieldCoder coder;
    std::shared_ptr<quic::Connection> peer, ours;
    std::vector<std::unique_ptr<SendStream>> unis;
    std::vector<std::unique_ptr<BidiStream>> bidis;
    std::optional<Begun<std::error_code>> peer_closed;
    std::shared_ptr<webtransport::Session> session;
};

}  // namespace comoq::test
