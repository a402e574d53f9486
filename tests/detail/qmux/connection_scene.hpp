/// \file
/// Connections as state machines: two of them joined by a loop that moves records, and one against a peer that the test
/// plays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <asio/awaitable.hpp>

#include <comoq/error.hpp>
#include <comoq/detail/qmux/codec.hpp>
#include <comoq/detail/qmux/connection.hpp>

#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/transport_scene.hpp"

namespace comoq::test {

using qmux::Connection;
using qmux::ConnectionConfig;
using qmux::OutgoingRecord;
using qmux::TransportParameters;
using qmux::detail::TransportError;
using AnyFrame = qmux::Frame;

inline const std::error_code violation = make_error_code(Error::ProtocolViolation);

inline std::string text_of(std::span<const std::byte> octets) {
    return std::string(reinterpret_cast<const char *>(octets.data()), octets.size());
}

inline ConnectionConfig config_with(const std::function<void(ConnectionConfig &)> &change) {
    ConnectionConfig config;
    config.protocol = "moq-lite-05";
    change(config);
    return config;
}
inline ConnectionConfig usual() {
    return config_with([](ConnectionConfig &) {});
}
inline ConnectionConfig with_parameters(const std::function<void(TransportParameters &)> &change) {
    return config_with([&](ConnectionConfig &config) { change(config.parameters); });
}

/// The frames of a record, in one piece.
inline Octets flat(const OutgoingRecord &record) {
    Octets all;
    for (const auto &each : record.buffers()) {
        const auto *begin = static_cast<const std::byte *>(each.data());
        all.insert(all.end(), begin, begin + each.size());
    }
    CHECK(all.size() == record.size());
    CHECK(all.size() <= OutgoingRecord::most);
    return all;
}

/// The common part of both kinds of scene.
struct ConnectionScene : TransportScene {
    std::shared_ptr<Connection> make(bool client, ConnectionConfig config) {
        config.clock = clock.clock();
        return std::make_shared<Connection>(context.get_executor(), client, std::move(config));
    }
    /// Nothing unless it is over.
    std::optional<std::error_code> closed(Connection &connection) {
        auto end = begin(connection.closed());
        if (!end.done()) return std::nullopt;
        return end.value();
    }

    ManualClock clock;
};

/// Two connections that are each other's peer. Records move when the test says so.
struct Pair : ConnectionScene {
    explicit Pair(ConnectionConfig of_client = usual(), ConnectionConfig of_server = usual())
        : client(make(true, std::move(of_client))), server(make(false, std::move(of_server))) {
        move();
    }

    bool move_one(Connection &from, Connection &to) {
        OutgoingRecord record;
        if (!from.output(record)) return false;
        to.input(flat(record));
        return true;
    }
    void move() {
        bool moved = true;
        while (moved) {
            settle_down(context);
            moved = move_one(*client, *server);
            moved = move_one(*server, *client) || moved;
        }
    }
    /// Moves records that are due until the coroutine has ended.
    template <class T> T finish(asio::awaitable<T> coroutine) {
        auto begun = begin(std::move(coroutine));
        move();
        if constexpr (std::is_void_v<T>)
            begun.value();
        else
            return std::move(begun.value());
    }

    std::shared_ptr<Connection> client, server;
};

/// One connection, and a peer that the test plays.
struct Solo : ConnectionScene {
    explicit Solo(bool client = false, ConnectionConfig config = usual()) : own(make(client, std::move(config))) {}

    /// After both sides' parameters.
    static TransportParameters generous() {
        auto parameters = qmux::default_parameters();
        parameters.max_streams_bidi = parameters.max_streams_uni = 1 << 20;
        parameters.max_data = parameters.max_stream_data_bidi_local = 1 << 30;
        parameters.max_stream_data_bidi_remote = parameters.max_stream_data_uni = 1 << 30;
        return parameters;
    }
    Solo &greeted(const TransportParameters &theirs = generous()) {
        frames();
        Octets record;
        qmux::encode(theirs, record);
        own->input(record);
        return *this;
    }

    void send(const AnyFrame &frame) {
        Octets record;
        qmux::encode(frame, record);
        own->input(record);
    }
    void send(std::initializer_list<AnyFrame> all) {
        Octets record;
        for (const auto &frame : all) qmux::encode(frame, record);
        own->input(record);
    }
    void stream(std::uint64_t id, std::uint64_t offset, std::string_view text, bool fin = false) {
        send(qmux::Stream{id, offset, as_span(text), fin});
    }
    /// All the frames that it sends.
    std::vector<AnyFrame> frames() {
        std::vector<AnyFrame> all;
        OutgoingRecord record;
        while (own->output(record)) {
            kept.push_back(flat(record));
            std::span<const std::byte> rest = kept.back();
            std::error_code failure;
            while (const auto read = qmux::next_frame(rest, failure)) {
                all.push_back(read->frame);
                rest = rest.subspan(read->size);
            }
            CHECK_FALSE(failure);
        }
        return all;
    }
    template <class T> std::vector<T> frames_of() {
        std::vector<T> some;
        for (const auto &frame : frames())
            if (const auto *one = std::get_if<T>(&frame)) some.push_back(*one);
        return some;
    }
    bool is_quiet() { return frames().empty(); }

    /// It has closed the connection with this error, and sends nothing after it.
    void check_fault(TransportError error, std::error_code code = violation) {
        const auto all = frames();
        REQUIRE_FALSE(all.empty());
        const auto *close = std::get_if<qmux::ConnectionClose>(&all.back());
        REQUIRE(close != nullptr);
        CHECK(close->code == static_cast<std::uint64_t>(error));
        CHECK_FALSE(close->reason.empty());
        CHECK(closed(*own) == code);
        CHECK(own->is_silent());
        CHECK(own->ends_here());
        CHECK(own->open_streams() == 0);
    }
    void check_alive() {
        CHECK_FALSE(closed(*own));
        send(qmux::PingRequest{++last_ping});
        CHECK(frames_of<qmux::PingResponse>() == std::vector{qmux::PingResponse{last_ping}});
    }

    std::shared_ptr<Connection> own;
    std::deque<Octets> kept;
    // Above the numbers that tests use themselves.
    std::uint64_t last_ping = 1 << 20;
};

// Streams that a client opens, and streams of a server.
constexpr std::uint64_t client_bidi(std::uint64_t index) { return 4 * index; }
constexpr std::uint64_t server_bidi(std::uint64_t index) { return 4 * index + 1; }
constexpr std::uint64_t client_uni(std::uint64_t index) { return 4 * index + 2; }
constexpr std::uint64_t server_uni(std::uint64_t index) { return 4 * index + 3; }

}  // namespace comoq::test
