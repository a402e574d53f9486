/// \file A session of moq-lite over qmux whose peer consists only of its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/messages.hpp>
#include <comoq/detail/lite/stream_type.hpp>
#include <comoq/lite/session.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/wire_peer_of.hpp"

namespace comoq::test {

struct WirePeer : WirePeerOf<lite::Session> {
    explicit WirePeer(Origin of = origin_with_id(1)) : WirePeerOf(std::move(of)) {}

    /// Begins the session; the peer sends its parameters, and its SETUP.
    void begin(bool setup = true, const qmux::TransportParameters &theirs = generous()) {
        begin_with(spoken_protocol(), theirs);
        if (setup) say_setup();
    }
    void say_setup() { open_uni(opening(lite::UniStreamType::Setup, lite::Setup{}), true); }

    // The peer as a publisher.

    /// On the stream on which the session has asked for announcements.
    void announce(std::span<const std::byte> octets) {
        if (announced_ == 0) {
            Octets ok;
            lite::encode(lite::AnnounceOk{77, 0}, spoken(), ok);
            announced_ = ok.size();
            send(qmux::Stream{1, 0, ok, false});
        }
        send(qmux::Stream{1, announced_, octets, false});
        announced_ += octets.size();
    }
    void announce(bool active, std::string_view path) {
        announce(announcing.bytes(lite::Announce{active, std::string(path), {}}));
    }
    /// Makes a local subscriber of a track of the peer's, beside those of its other tracks. Returns the number that its
    /// groups carry.
    std::uint64_t be_subscribed(const TrackInfo &info = {}, std::string_view track = "video") {
        if (!std::exchange(publishes_, true)) announce(true, broadcast);
        auto found = now(config.publish->announced_broadcast(broadcast));
        listens = true;
        if (subscriber) others_.push_back(std::move(*subscriber));
        auto subscribing = wait(found.track(std::string(track)).subscribe());
        run();
        Octets answer;
        lite::encode(lite::TrackInfoMessage{info}, spoken(), answer);
        send(qmux::Stream{asked(lite::BidiStreamType::Track).first, 0, answer, true});
        run();
        const auto [id, body] = asked(lite::BidiStreamType::Subscribe);
        listens = false;
        answer.clear();
        lite::encode_typed(lite::SubscribeReply::Ok, lite::SubscribeOk{0}, spoken(), answer);
        send(qmux::Stream{id, 0, answer, false});
        subscriber.emplace(std::move(subscribing.value()));
        heard_.clear();
        return lite::decode<lite::Subscribe>(body, spoken())->id;
    }
    static Octets group(std::uint64_t subscription, std::uint64_t number, std::initializer_list<int> frames = {}) {
        auto octets = opening(lite::UniStreamType::Group, lite::Group{subscription, number});
        const auto more = octets_of(frames);
        octets.insert(octets.end(), more.begin(), more.end());
        return octets;
    }

    std::string broadcast = "a";  // the path of the peer's
    std::optional<TrackSubscriber> subscriber;
    Announcing announcing;

private:
    /// The stream on which the session asks, and the body of its message.
    std::pair<std::uint64_t, Octets> asked(lite::BidiStreamType type) const {
        for (const auto &[id, octets] : heard_) {
            if (id % 4 != 1 || octets.empty() || octets[0] != static_cast<std::byte>(type)) continue;
            std::error_code failure;
            if (const auto framed = lite::next_message(std::span(octets).subspan(1), failure))
                return {id, Octets(framed->body.begin(), framed->body.end())};
        }
        throw std::logic_error("the session has not asked");
    }

    std::uint64_t announced_ = 0;
    bool publishes_ = false;
    std::vector<TrackSubscriber> others_;
};

}  // namespace comoq::test
