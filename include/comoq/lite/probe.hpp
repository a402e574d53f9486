// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/lite/version.hpp"
#include "../detail/wire/wire_reader.hpp"
#include "../detail/wire/wire_writer.hpp"

#include <cstdint>

namespace comoq::lite {

/// A side's measurements of the way from there to here, 0 for unknown values (`Session::measured`).
struct Probe {
    std::uint64_t bitrate = 0;  ///< In bits a second.
    std::uint64_t rtt = 0;      ///< The round trip in milliseconds.

    friend bool operator==(const Probe &, const Probe &) = default;
    void write(comoq::detail::WireWriter &to, const Layout &) const {
        to.varint(bitrate);
        to.varint(rtt);
    }
    static Probe read(comoq::detail::WireReader &from, const Layout &) {
        Probe message;
        message.bitrate = from.varint();
        message.rtt = from.varint();
        return message;
    }
};

}  // namespace comoq::lite
