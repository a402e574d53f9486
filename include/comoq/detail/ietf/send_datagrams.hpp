// SPDX-License-Identifier: MIT
#pragma once
#include "../../track_subscriber.hpp"
#include "../wait/take_each.hpp"
#include "asked_range.hpp"
#include "datagram.hpp"
#include "object_framing.hpp"
#include "session_core.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// Sends the datagrams of a track that the peer has subscribed to. One may get lost. `came(group)` is told of each.
template <class Came> struct SubscribedDatagrams {
    std::shared_ptr<void> keeper;  // of the subscriber
    TrackSubscriber &from;
    std::shared_ptr<SessionCore> core;
    std::uint64_t alias;
    const bool &forwards;
    const AskedRange &range;
    Came came;

    auto next() { return from.recv_datagram(); }
    void take(const comoq::Datagram &datagram) {
        came(datagram.sequence);
        if (!forwards || !range.has(datagram.sequence, datagram.object)) return;
        ObjectDatagram object;
        object.alias = alias;
        object.location = Location{datagram.sequence, datagram.object};
        const auto &parts = datagram.extras.parts();
        if (parts.priority) object.priority = turned(*parts.priority);
        object.end_of_group = parts.ends_group;
        if (parts.status == comoq::ObjectStatus::Normal) {
            const auto has_timestamps = from.track(comoq::detail::Passkey())->info().has_timestamps;
            object.properties = properties_of(datagram.extras, datagram.timestamp, has_timestamps);
            object.payload = datagram.payload.span();
        } else {
            object.status = static_cast<ObjectStatus>(parts.status);
            object.end_of_group = false;
        }
        std::vector<std::byte> bytes;
        encode(object, core->draft(), bytes);
        if (bytes.size() <= core->transport->max_datagram_size()) core->transport->send_datagram(Bytes(std::move(bytes)));
    }
};

}  // namespace comoq::ietf::detail
