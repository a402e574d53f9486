// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/config_member.hpp"
#include "../wait/failure.hpp"
#include "../wire/varint.hpp"
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"
#include "codec.hpp"
#include "frames.hpp"
#include "record.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace comoq::qmux {

/// The limits that one side gives the other at the beginning. A missing parameter means no credit. (RFC 9000, section
/// 18.2, and the drafts of qmux.)
struct TransportParameters {
    /// The connection ends after this time without a frame; 0 for never.
    std::chrono::milliseconds idle_timeout{0};
    /// In bytes, on all streams together.
    std::uint64_t max_data = 0;
    /// In bytes, on each bidirectional stream that the sender of these parameters opens.
    std::uint64_t max_stream_data_bidi_local = 0;
    /// In bytes, on each bidirectional stream that their receiver opens.
    std::uint64_t max_stream_data_bidi_remote = 0;
    /// In bytes, on each unidirectional stream that their receiver opens.
    std::uint64_t max_stream_data_uni = 0;
    /// How many streams their receiver may open. At most `max_stream_count`.
    std::uint64_t max_streams_bidi = 0;
    /// The same for unidirectional streams.
    std::uint64_t max_streams_uni = 0;
    /// In bytes, of a whole DATAGRAM frame (RFC 9221, section 3); 0 for none.
    std::uint64_t max_datagram_frame_size = 0;
    /// In bytes of frames; never less than the default.
    std::uint64_t max_record_size = default_max_record_size;
    /// The sender accepts RESET_STREAM_AT. In -02 only.
    bool reset_stream_at = false;
    /// The sender's protocols, the best first, for TCP, where nothing else selects one.
    comoq::detail::ConfigMember<std::vector<std::string>> protocols = {};

    friend bool operator==(const TransportParameters &, const TransportParameters &) = default;

    /// How many are read, and written: eleven have a meaning, and peers invent a few to see whether they are ignored.
    static constexpr std::size_t max_parameters = 64;
    /// The most protocols.
    static constexpr std::size_t max_protocols = 64;

    /// Throws Encode for numbers of more than 62 bits, for too many parameters, and for records below the minimum.
    void write(comoq::detail::WireWriter &to) const {
        if (max_record_size < default_max_record_size || std::max(max_streams_bidi, max_streams_uni) > max_stream_count ||
            protocols.size() > max_protocols) {
            comoq::detail::throw_error(make_error_code(Error::Encode));
        }
        const auto number = [&to](Parameter id, std::uint64_t value) {
            if (value == 0) return;
            to.varint(static_cast<std::uint64_t>(id));
            to.varint(comoq::detail::varint_size(value));
            to.varint(value);
        };
        if (idle_timeout.count() > 0) number(Parameter::IdleTimeout, static_cast<std::uint64_t>(idle_timeout.count()));
        number(Parameter::MaxData, max_data);
        number(Parameter::MaxStreamDataBidiLocal, max_stream_data_bidi_local);
        number(Parameter::MaxStreamDataBidiRemote, max_stream_data_bidi_remote);
        number(Parameter::MaxStreamDataUni, max_stream_data_uni);
        number(Parameter::MaxStreamsBidi, max_streams_bidi);
        number(Parameter::MaxStreamsUni, max_streams_uni);
        number(Parameter::MaxDatagramFrameSize, max_datagram_frame_size);
        number(Parameter::MaxRecordSize, max_record_size);
        if (reset_stream_at) {
            to.varint(static_cast<std::uint64_t>(Parameter::ResetStreamAt));
            to.varint(0);
        }
        if (!protocols.empty()) write_protocols(to);
    }

    /// Reads parameters to the end of the input. The result counts only if the reader is complete afterwards.
    static TransportParameters read(comoq::detail::WireReader &from) {
        TransportParameters parameters;
        std::array<std::uint64_t, max_parameters> seen{};
        std::size_t count = 0;
        while (from.ok() && !from.complete()) {
            const std::uint64_t id = from.varint();
            comoq::detail::WireReader value(from.bytes(from.varint()));
            const auto seen_end = seen.begin() + count;
            if (count == max_parameters || std::find(seen.begin(), seen_end, id) != seen_end) {
                from.fail();
                break;
            }
            seen[count++] = id;
            parameters.read_parameter(static_cast<Parameter>(id), value);
            if (!value.complete()) from.fail();
        }
        return parameters;
    }

private:
    enum class Parameter : std::uint64_t {
        IdleTimeout = 0x01,
        MaxData = 0x04,
        MaxStreamDataBidiLocal = 0x05,
        MaxStreamDataBidiRemote = 0x06,
        MaxStreamDataUni = 0x07,
        MaxStreamsBidi = 0x08,
        MaxStreamsUni = 0x09,
        ResetStreamAt = 0x1d,
        MaxDatagramFrameSize = 0x20,
        MaxRecordSize = 0x0571c59429cd0845,
        Protocols = 0x3d4f9c2a8b1e6075
    };

    /// The parameters of RFC 9000 that make no sense without packets and connection ids.
    static constexpr bool is_forbidden(Parameter id) noexcept {
        const auto number = static_cast<std::uint64_t>(id);
        return number == 0x00 || number == 0x02 || number == 0x03 || (number >= 0x0a && number <= 0x10);
    }

    /// Ignores an unknown parameter.
    void read_parameter(Parameter id, comoq::detail::WireReader &value) {
        if (is_forbidden(id)) return value.fail();
        switch (id) {
        case Parameter::IdleTimeout:
            idle_timeout = std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(value.varint()));
            return;
        case Parameter::MaxData: max_data = value.varint(); return;
        case Parameter::MaxStreamDataBidiLocal: max_stream_data_bidi_local = value.varint(); return;
        case Parameter::MaxStreamDataBidiRemote: max_stream_data_bidi_remote = value.varint(); return;
        case Parameter::MaxStreamDataUni: max_stream_data_uni = value.varint(); return;
        case Parameter::MaxStreamsBidi: max_streams_bidi = detail::read_stream_count(value); return;
        case Parameter::MaxStreamsUni: max_streams_uni = detail::read_stream_count(value); return;
        case Parameter::MaxDatagramFrameSize: max_datagram_frame_size = value.varint(); return;
        case Parameter::ResetStreamAt: reset_stream_at = true; return;
        case Parameter::MaxRecordSize:
            max_record_size = value.varint();
            if (max_record_size < default_max_record_size) value.fail();
            return;
        case Parameter::Protocols: return read_protocols(value);
        }
        value.rest();
    }

    /// At least one: a sender without protocols omits the parameter.
    void read_protocols(comoq::detail::WireReader &value) {
        do {
            protocols.emplace_back(value.text());
        } while (value.ok() && !value.complete() && protocols.size() < max_protocols);
    }
    void write_protocols(comoq::detail::WireWriter &to) const {
        std::vector<std::byte> list;
        comoq::detail::WireWriter names(list);
        for (const auto &protocol : protocols) names.text(protocol);
        to.varint(static_cast<std::uint64_t>(Parameter::Protocols));
        to.varint(list.size());
        to.bytes(list);
    }
};

/// Appends the whole frame, or nothing: throws Encode for values that `write` refuses.
inline void encode(const TransportParameters &parameters, std::vector<std::byte> &to) {
    std::vector<std::byte> body;
    comoq::detail::WireWriter writer(body);
    parameters.write(writer);
    encode(EncodedParameters{body}, to);
}

/// Nothing if a parameter is malformed, forbidden or repeated, or if there are more than `max_parameters` (Decode).
inline std::optional<TransportParameters> decode(const EncodedParameters &frame) {
    comoq::detail::WireReader reader(frame.body);
    auto parameters = TransportParameters::read(reader);
    if (!reader.complete()) return std::nullopt;
    return parameters;
}

}  // namespace comoq::qmux
