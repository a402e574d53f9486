// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"
#include "frames.hpp"
#include "stream_header.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <variant>
#include <vector>

namespace comoq::qmux {

// Converts frames to bytes and back, without I/O. Reading allocates nothing.

/// Appends a frame, or the header of a STREAM frame whose payload is sent from its own place. Throws Encode for values
/// that the wire cannot carry, and has then appended nothing.
template <class Part> void encode(const Part &part, std::vector<std::byte> &to) {
    const std::size_t before = to.size();
    try {
        comoq::detail::WireWriter writer(to);
        part.write(writer);
    } catch (...) {
        to.resize(before);
        throw;
    }
}

/// The same for any frame.
inline void encode(const Frame &frame, std::vector<std::byte> &to) {
    std::visit([&to](const auto &one) { encode(one, to); }, frame);
}

namespace detail {

/// Nothing for a type that has no place in qmux.
inline std::optional<Frame> read_frame(std::uint64_t type, WireReader &from) noexcept {
    constexpr auto first_stream = static_cast<std::uint64_t>(FrameType::Stream);
    if ((type & ~StreamFlags::all) == first_stream) return Stream::read(type, from);
    switch (static_cast<FrameType>(type)) {
    case FrameType::ResetStream: return ResetStream::read(from);
    case FrameType::StopSending: return StopSending::read(from);
    case FrameType::MaxData: return MaxData::read(from);
    case FrameType::MaxStreamData: return MaxStreamData::read(from);
    case FrameType::MaxStreamsBidi: return MaxStreams::read(Direction::Bidi, from);
    case FrameType::MaxStreamsUni: return MaxStreams::read(Direction::Uni, from);
    case FrameType::DataBlocked: return DataBlocked::read(from);
    case FrameType::StreamDataBlocked: return StreamDataBlocked::read(from);
    case FrameType::StreamsBlockedBidi: return StreamsBlocked::read(Direction::Bidi, from);
    case FrameType::StreamsBlockedUni: return StreamsBlocked::read(Direction::Uni, from);
    case FrameType::ConnectionClose: return ConnectionClose::read(from);
    case FrameType::ApplicationClose: return ApplicationClose::read(from);
    case FrameType::Datagram: return Datagram{from.rest()};
    case FrameType::DatagramWithLength: return Datagram::read(from);
    case FrameType::PingRequest: return PingRequest::read(from);
    case FrameType::PingResponse: return PingResponse::read(from);
    case FrameType::TransportParameters: return EncodedParameters::read(from);
    default: return std::nullopt;
    }
}

inline bool fits_stream(const Frame &frame) noexcept {
    const auto *stream = std::get_if<Stream>(&frame);
    return stream == nullptr || qmux::fits_stream(stream->offset, stream->payload.size());
}

}  // namespace detail

struct ReadFrame {
    Frame frame;
    std::size_t size;  // in bytes, with the PADDING before it
};

/// The first frame of the rest of a record; nothing at its end. PADDING is skipped. Sets `failure` for a frame that
/// cannot be read: Decode if it is malformed or extends beyond the record, ProtocolViolation if its type has no place
/// here, or if a stream would be longer than a stream can be.
inline std::optional<ReadFrame> next_frame(std::span<const std::byte> record, std::error_code &failure) noexcept {
    constexpr auto padding = static_cast<std::uint64_t>(FrameType::Padding);
    comoq::detail::WireReader reader(record);
    std::uint64_t type = padding;
    while (type == padding && reader.ok()) {
        if (reader.complete()) return std::nullopt;
        type = reader.varint();
    }
    const auto frame = detail::read_frame(type, reader);
    if (!reader.ok()) {
        failure = make_error_code(Error::Decode);
        return std::nullopt;
    }
    if (!frame || !detail::fits_stream(*frame)) {
        failure = make_error_code(Error::ProtocolViolation);
        return std::nullopt;
    }
    return ReadFrame{*frame, record.size() - reader.rest().size()};
}

}  // namespace comoq::qmux
