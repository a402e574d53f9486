#pragma once
#include "../detail/coarse_clock.hpp"
#include "../time.hpp"
#include "negotiation.hpp"
#include "transport_parameters.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace comoq::qmux {

/// What this side lets its peer do, if nobody says otherwise. The windows and the idle time are those of the other
/// implementations. They allow 100 streams, with which a peer with 200 subscriptions, each a stream for as long as it
/// lasts, does not get along.
inline TransportParameters default_parameters() {
    TransportParameters parameters;
    parameters.idle_timeout = std::chrono::seconds(30);
    parameters.max_data = 1024 * 1024;
    parameters.max_stream_data_bidi_local = 256 * 1024;
    parameters.max_stream_data_bidi_remote = 256 * 1024;
    parameters.max_stream_data_uni = 256 * 1024;
    parameters.max_streams_bidi = 1024;
    parameters.max_streams_uni = 1024;
    // A datagram of moq-lite has at most 1,224 bytes, and three before it.
    parameters.max_datagram_frame_size = 1500;
    return parameters;
}

struct ConnectionConfig {
    Version version = Version::Draft02;
    /// What the connection takes of the peer, which bounds the memory that a peer can make it use: `max_data`, and about a
    /// kilobyte for each stream. `protocols` and `reset_stream_at` are set by the connection.
    TransportParameters parameters = default_parameters();
    /// What is spoken, where that is known already (WebSocket).
    std::string protocol;
    /// Else what this side speaks, the best first: the transport parameters decide (TCP).
    std::vector<std::string> protocols;
    /// For idle time and pings.
    Clock clock = comoq::detail::coarse_now;
};

}  // namespace comoq::qmux
