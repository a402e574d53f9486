// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"
#include "stream_header.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

namespace comoq::qmux {

// The frames of qmux (wire.md, section 6, after draft-ietf-quic-qmux-01 and -02, and RFC 9000, section 19). `read`
// parses the bytes after the type. Its result counts only if the reader is still well afterwards, and payloads and
// texts point into the input. `write` also writes the type, and throws Encode for numbers of more than 62 bits.

enum class FrameType : std::uint64_t {
    Padding = 0x00,
    ResetStream = 0x04,
    StopSending = 0x05,
    Stream = 0x08,  // to 0x0f: see StreamFlags
    MaxData = 0x10,
    MaxStreamData = 0x11,
    MaxStreamsBidi = 0x12,
    MaxStreamsUni = 0x13,
    DataBlocked = 0x14,
    StreamDataBlocked = 0x15,
    StreamsBlockedBidi = 0x16,
    StreamsBlockedUni = 0x17,
    ConnectionClose = 0x1c,
    ApplicationClose = 0x1d,
    Datagram = 0x30,
    DatagramWithLength = 0x31,
    PingRequest = 0x348c67529ef8c7bd,
    PingResponse = 0x348c67529ef8c7be,
    TransportParameters = 0x3f5153300d0a0d0a
};

/// Of streams: both ways, or from the opener only.
enum class Direction : std::uint8_t { Bidi, Uni };

/// With more streams of a direction their ids would not fit on the wire (RFC 9000, section 4.6).
inline constexpr std::uint64_t max_stream_count = std::uint64_t{1} << 60;

namespace detail {

using comoq::detail::WireReader;
using comoq::detail::WireWriter;

template <class... Numbers> void write_numbers(WireWriter &to, FrameType type, Numbers... numbers) {
    to.varint(static_cast<std::uint64_t>(type));
    (to.varint(numbers), ...);
}

inline std::uint64_t read_stream_count(WireReader &from) noexcept {
    const std::uint64_t count = from.varint();
    if (count > max_stream_count) from.fail();
    return count;
}
inline void write_stream_count(WireWriter &to, FrameType type, std::uint64_t count) {
    if (count > max_stream_count) comoq::detail::throw_error(make_error_code(Error::Encode));
    write_numbers(to, type, count);
}

}  // namespace detail

/// A part of a stream's data.
struct Stream {
    std::uint64_t id = 0;
    /// Where in the stream the payload begins, in bytes.
    std::uint64_t offset = 0;
    std::span<const std::byte> payload;
    /// The stream ends with this payload.
    bool fin = false;

    friend bool operator==(const Stream &a, const Stream &b) noexcept {
        return a.id == b.id && a.offset == b.offset && a.fin == b.fin && std::ranges::equal(a.payload, b.payload);
    }
    void write(detail::WireWriter &to) const {
        StreamHeader{id, offset, payload.size(), fin}.write(to);
        to.bytes(payload);
    }
    /// `type` is from 0x08 to 0x0f. Without a length the payload extends to the end of the record.
    static Stream read(std::uint64_t type, detail::WireReader &from) noexcept {
        Stream frame;
        frame.id = from.varint();
        if ((type & StreamFlags::offset) != 0) frame.offset = from.varint();
        frame.payload = (type & StreamFlags::length) != 0 ? from.bytes(from.varint()) : from.rest();
        frame.fin = (type & StreamFlags::fin) != 0;
        return frame;
    }
};

/// The sender gives up its direction of a stream.
struct ResetStream {
    std::uint64_t id = 0;
    std::uint64_t code = 0;
    /// How much of the stream was sent, in bytes.
    std::uint64_t final_size = 0;

    friend bool operator==(const ResetStream &, const ResetStream &) = default;
    void write(detail::WireWriter &to) const {
        detail::write_numbers(to, FrameType::ResetStream, id, code, final_size);
    }
    static ResetStream read(detail::WireReader &from) noexcept {
        return ResetStream{from.varint(), from.varint(), from.varint()};
    }
};

/// The sender wants no more data of a stream.
struct StopSending {
    std::uint64_t id = 0;
    std::uint64_t code = 0;

    friend bool operator==(const StopSending &, const StopSending &) = default;
    void write(detail::WireWriter &to) const { detail::write_numbers(to, FrameType::StopSending, id, code); }
    static StopSending read(detail::WireReader &from) noexcept { return StopSending{from.varint(), from.varint()}; }
};

/// The limit for all streams together, in bytes since the beginning.
struct MaxData {
    std::uint64_t limit = 0;

    friend bool operator==(const MaxData &, const MaxData &) = default;
    void write(detail::WireWriter &to) const { detail::write_numbers(to, FrameType::MaxData, limit); }
    static MaxData read(detail::WireReader &from) noexcept { return MaxData{from.varint()}; }
};

/// The limit for a stream, in bytes since its beginning.
struct MaxStreamData {
    std::uint64_t id = 0;
    std::uint64_t limit = 0;

    friend bool operator==(const MaxStreamData &, const MaxStreamData &) = default;
    void write(detail::WireWriter &to) const { detail::write_numbers(to, FrameType::MaxStreamData, id, limit); }
    static MaxStreamData read(detail::WireReader &from) noexcept { return MaxStreamData{from.varint(), from.varint()}; }
};

/// How many streams of a direction may be opened, since the beginning. At most `max_stream_count`.
struct MaxStreams {
    Direction direction = Direction::Bidi;
    std::uint64_t limit = 0;

    friend bool operator==(const MaxStreams &, const MaxStreams &) = default;
    void write(detail::WireWriter &to) const {
        const bool bidi = direction == Direction::Bidi;
        detail::write_stream_count(to, bidi ? FrameType::MaxStreamsBidi : FrameType::MaxStreamsUni, limit);
    }
    static MaxStreams read(Direction direction, detail::WireReader &from) noexcept {
        return MaxStreams{direction, detail::read_stream_count(from)};
    }
};

/// The sender has more data than `MaxData` allows. It has no effect.
struct DataBlocked {
    std::uint64_t limit = 0;

    friend bool operator==(const DataBlocked &, const DataBlocked &) = default;
    void write(detail::WireWriter &to) const { detail::write_numbers(to, FrameType::DataBlocked, limit); }
    static DataBlocked read(detail::WireReader &from) noexcept { return DataBlocked{from.varint()}; }
};

/// The same for a stream and its `MaxStreamData`.
struct StreamDataBlocked {
    std::uint64_t id = 0;
    std::uint64_t limit = 0;

    friend bool operator==(const StreamDataBlocked &, const StreamDataBlocked &) = default;
    void write(detail::WireWriter &to) const { detail::write_numbers(to, FrameType::StreamDataBlocked, id, limit); }
    static StreamDataBlocked read(detail::WireReader &from) noexcept {
        return StreamDataBlocked{from.varint(), from.varint()};
    }
};

/// The same for streams that cannot be opened. At most `max_stream_count`.
struct StreamsBlocked {
    Direction direction = Direction::Bidi;
    std::uint64_t limit = 0;

    friend bool operator==(const StreamsBlocked &, const StreamsBlocked &) = default;
    void write(detail::WireWriter &to) const {
        const bool bidi = direction == Direction::Bidi;
        detail::write_stream_count(to, bidi ? FrameType::StreamsBlockedBidi : FrameType::StreamsBlockedUni, limit);
    }
    static StreamsBlocked read(Direction direction, detail::WireReader &from) noexcept {
        return StreamsBlocked{direction, detail::read_stream_count(from)};
    }
};

/// The connection ends because of an error: `frame_type` caused it, or 0.
struct ConnectionClose {
    std::uint64_t code = 0;
    std::uint64_t frame_type = 0;
    std::string_view reason;

    friend bool operator==(const ConnectionClose &, const ConnectionClose &) = default;
    void write(detail::WireWriter &to) const {
        detail::write_numbers(to, FrameType::ConnectionClose, code, frame_type);
        to.text(reason);
    }
    static ConnectionClose read(detail::WireReader &from) noexcept {
        return ConnectionClose{from.varint(), from.varint(), from.text()};
    }
};

/// The application ends the connection.
struct ApplicationClose {
    std::uint64_t code = 0;
    std::string_view reason;

    friend bool operator==(const ApplicationClose &, const ApplicationClose &) = default;
    void write(detail::WireWriter &to) const {
        detail::write_numbers(to, FrameType::ApplicationClose, code);
        to.text(reason);
    }
    static ApplicationClose read(detail::WireReader &from) noexcept {
        return ApplicationClose{from.varint(), from.text()};
    }
};

/// Written with its length, so that other frames can follow it.
struct Datagram {
    std::span<const std::byte> payload;

    friend bool operator==(const Datagram &a, const Datagram &b) noexcept {
        return std::ranges::equal(a.payload, b.payload);
    }
    void write(detail::WireWriter &to) const {
        detail::write_numbers(to, FrameType::DatagramWithLength, payload.size());
        to.bytes(payload);
    }
    static Datagram read(detail::WireReader &from) noexcept { return Datagram{from.bytes(from.varint())}; }
};

/// Asks for a `PingResponse` with the same number.
struct PingRequest {
    std::uint64_t sequence = 0;

    friend bool operator==(const PingRequest &, const PingRequest &) = default;
    void write(detail::WireWriter &to) const { detail::write_numbers(to, FrameType::PingRequest, sequence); }
    static PingRequest read(detail::WireReader &from) noexcept { return PingRequest{from.varint()}; }
};

struct PingResponse {
    std::uint64_t sequence = 0;

    friend bool operator==(const PingResponse &, const PingResponse &) = default;
    void write(detail::WireWriter &to) const { detail::write_numbers(to, FrameType::PingResponse, sequence); }
    static PingResponse read(detail::WireReader &from) noexcept { return PingResponse{from.varint()}; }
};

/// Each side's first frame, not parsed yet: `decode` in transport_parameters.hpp does that.
struct EncodedParameters {
    std::span<const std::byte> body;

    friend bool operator==(const EncodedParameters &a, const EncodedParameters &b) noexcept {
        return std::ranges::equal(a.body, b.body);
    }
    void write(detail::WireWriter &to) const {
        detail::write_numbers(to, FrameType::TransportParameters, body.size());
        to.bytes(body);
    }
    static EncodedParameters read(detail::WireReader &from) noexcept {
        return EncodedParameters{from.bytes(from.varint())};
    }
};

/// Any of them. Owns nothing.
using Frame = std::variant<Stream, ResetStream, StopSending, MaxData, MaxStreamData, MaxStreams, DataBlocked,
                           StreamDataBlocked, StreamsBlocked, ConnectionClose, ApplicationClose, Datagram, PingRequest,
                           PingResponse, EncodedParameters>;

}  // namespace comoq::qmux
