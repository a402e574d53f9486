// SPDX-License-Identifier: MIT
/// \file A session of MoQ Transport over qmux whose peer consists only of its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <comoq/detail/ietf/control_codec.hpp>
#include <comoq/detail/ietf/protocol.hpp>
#include <comoq/detail/ietf/uni_stream.hpp>
#include <comoq/ietf/session.hpp>

#include "support/session_scene.hpp"
#include "support/wire_peer_of.hpp"

namespace comoq::test {

struct MoqtWirePeer : WirePeerOf<ietf::Session> {
    explicit MoqtWirePeer(Origin of = origin_with_id(1), std::string protocol = "moqt-18")
        : WirePeerOf(std::move(of)), draft(*ietf::draft_of(protocol)), protocol_(std::move(protocol)) {}

    /// Begins the session; the peer sends its parameters, and its SETUP.
    void begin(const ietf::Setup &setup = {}, const qmux::TransportParameters &theirs = generous()) {
        begin_with(protocol_, theirs);
        Octets octets;
        ietf::encode(setup, draft, ietf::StreamKind::Control, octets);
        control_at_ = octets.size();
        control_ = open_uni(octets);
    }
    /// One more message on the control stream.
    template <class Message> void say(const Message &message) {
        Octets octets;
        ietf::encode(message, draft, ietf::StreamKind::Control, octets);
        send(qmux::Stream{control_, control_at_, octets, false});
        control_at_ += octets.size();
    }
    template <class Message> Octets encoded(const Message &message) const {
        Octets octets;
        ietf::encode(message, draft, ietf::StreamKind::Request, octets);
        return octets;
    }
    /// Makes a request of its own. Returns its stream.
    template <class Message> std::uint64_t ask(Message message) {
        message.request_id = 2 * requests_++;
        const auto octets = encoded(message);
        size_of_request = octets.size();
        return open_bidi(octets);
    }
    /// Answers the request for all namespaces, and says of each that it is there, or there no more.
    void tell(std::span<const std::byte> octets) {
        if (told_ == 0) {
            const auto ok = encoded(ietf::RequestOk());
            send(qmux::Stream{1, 0, ok, false});
            told_ = ok.size();
        }
        send(qmux::Stream{1, told_, octets, false});
        told_ += octets.size();
    }
    /// Pushes a track, which has a local subscriber then. Returns its alias.
    std::uint64_t be_read(const std::string &track = "video", const ietf::Pairs &properties = {}) {
        ietf::Publish publish;
        publish.track = {{"a"}, track};
        publish.alias = alias_++;
        publish.properties = properties;
        ask(publish);
        auto reading = wait(now(config.publish->announced_broadcast("a")).track(track).subscribe());
        run();
        readers.push_back(std::move(reading.value()));
        return publish.alias;
    }
    /// The beginning of a stream of a subgroup. With `has_properties` each object has its own.
    Octets subgroup(std::uint64_t alias, std::uint64_t group, std::uint64_t number = 0, bool has_properties = false) const {
        ietf::SubgroupHeader header;
        header.alias = alias;
        header.group = group;
        header.subgroup = number;
        header.has_properties = has_properties;
        header.first_object = true;
        Octets octets;
        ietf::encode(header, draft, octets);
        return octets;
    }

    ietf::Draft draft;
    std::vector<TrackSubscriber> readers;
    std::size_t size_of_request = 0;  // of the last one

private:
    std::string protocol_;
    std::uint64_t requests_ = 0, told_ = 0, alias_ = 1, control_ = 0, control_at_ = 0;
};

}  // namespace comoq::test
