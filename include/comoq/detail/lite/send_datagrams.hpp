// SPDX-License-Identifier: MIT
#pragma once
#include "../../track_subscriber.hpp"
#include "datagram.hpp"
#include "session_core.hpp"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// Sends the datagrams of a track that the peer has subscribed to. One may get lost.
struct SubscribedDatagrams {
    std::shared_ptr<void> keeper;  // of the subscriber
    TrackSubscriber &from;
    std::shared_ptr<SessionCore> core;
    std::uint64_t subscription;

    auto next() { return from.recv_datagram(); }
    void take(const comoq::Datagram &datagram) {
        // The peer has no ids, and no objects without a payload of their own.
        if (datagram.object != 0 || datagram.extras.parts().status != ObjectStatus::Normal) return;
        std::vector<std::byte> bytes;
        const auto payload = datagram.payload.span();
        encode(Datagram{subscription, datagram.sequence, datagram.timestamp.value(), payload}, bytes);
        if (bytes.size() > longest_datagram) return;
        core->transport->send_datagram(Bytes(std::move(bytes)));
    }
};

}  // namespace comoq::lite::detail
