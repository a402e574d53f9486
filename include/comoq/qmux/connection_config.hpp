// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/media/coarse_clock.hpp"
#include "../time.hpp"
#include "negotiation.hpp"
#include "../detail/qmux/transport_parameters.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace comoq::qmux {

/// This side's limits for its peer, by default. The windows and the idle time are those of the other implementations.
/// Those allow 100 streams, which is too few for a peer with 200 subscriptions: each is a stream for as long as it
/// lasts.
inline TransportParameters default_parameters() {
    TransportParameters parameters;
    parameters.idle_timeout = std::chrono::seconds(30);
    parameters.max_data = 1024 * 1024;
    parameters.max_stream_data_bidi_local = 256 * 1024;
    parameters.max_stream_data_bidi_remote = 256 * 1024;
    parameters.max_stream_data_uni = 256 * 1024;
    parameters.max_streams_bidi = 1024;
    parameters.max_streams_uni = 1024;
    // A datagram of moq-lite has at most 1,200 bytes; a frame adds three.
    parameters.max_datagram_frame_size = 1500;
    return parameters;
}

/// The steady clock; on Linux its value at the kernel's last tick, at most 1 to 10 ms ago.
inline Clock default_clock() { return comoq::detail::coarse_now; }

/// The protocols that the sessions of this library speak, the best first.
inline std::vector<std::string> default_protocols() { return {"moq-lite-06", "moq-lite-05"}; }

/// What one side of a connection over qmux brings: its limits, its protocols and its clock.
struct ConnectionConfig {
    // Not an aggregate: GCC 12 destroys an aggregate made inside a co_await expression twice.

    /// The newest draft and the default limits.
    ConnectionConfig() : ConnectionConfig(Version::Draft02) {}
    /// All members in their order.
    explicit ConnectionConfig(Version draft, TransportParameters of_this_side = default_parameters(),
                              std::string known_protocol = {}, std::vector<std::string> ours = default_protocols(),
                              Clock time = default_clock())
        : version(draft), parameters(std::move(of_this_side)), protocol(std::move(known_protocol)), protocols(std::move(ours)),
          clock(std::move(time)) {}

    /// The draft of qmux that both sides speak.
    Version version;
    /// This side's limits, which bound the memory that a peer can make the connection use: `max_data`, and about a
    /// kilobyte for each stream. The connection sets `protocols` and `reset_stream_at`.
    TransportParameters parameters;
    /// The protocol, if it is known already (WebSocket).
    std::string protocol;
    /// Otherwise the protocols of this side, the best first: the transport parameters decide (TCP). By default all that
    /// this library speaks.
    std::vector<std::string> protocols;
    /// For idle time and pings.
    Clock clock;
};

}  // namespace comoq::qmux
