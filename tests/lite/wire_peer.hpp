/// \file A session over qmux whose peer consists only of the bytes that it sends: everything else on the heap is held
/// for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/messages.hpp>
#include <comoq/detail/lite/stream_type.hpp>
#include <comoq/detail/qmux/codec.hpp>
#include <comoq/detail/qmux/connection.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/origin.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/heap.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace comoq::test {

struct WirePeer {
    /// The limits that the peer sets for the session.
    static qmux::TransportParameters generous() {
        auto parameters = qmux::default_parameters();
        parameters.max_streams_bidi = parameters.max_streams_uni = 1 << 20;
        parameters.max_data = parameters.max_stream_data_bidi_local = 1 << 30;
        parameters.max_stream_data_bidi_remote = parameters.max_stream_data_uni = 1 << 30;
        return parameters;
    }

    explicit WirePeer(Origin of = origin_with_id(1)) : origin(std::move(of)) {
        config.publish = origin.consumer();
        config.subscribe = origin.producer();
        config.sleep = time;
        record_.reserve(64 * 1024);
    }
    ~WirePeer() {
        session.reset();
        run();
    }

    /// Begins the session; the peer sends its parameters, and its SETUP.
    void begin(bool setup = true, const qmux::TransportParameters &theirs = generous()) {
        qmux::ConnectionConfig of_connection;
        of_connection.protocol = spoken_protocol();
        of_connection.version = qmux::Version::Draft02;
        connection = std::make_shared<qmux::Connection>(context.get_executor(), false, std::move(of_connection));
        session.emplace(connection, config);
        run();
        auto parameters = theirs;
        parameters.protocols = {spoken_protocol()};
        record_.clear();
        qmux::encode(parameters, record_);
        deliver();
        if (setup) say_setup();
    }
    void say_setup() { open_uni(opening(lite::UniStreamType::Setup, lite::Setup{}), true); }

    /// Runs everything that is due, and takes the session's bytes, unless the peer reads nothing.
    void run() {
        settle_down(context);
        if (deaf || connection == nullptr) return;
        qmux::OutgoingRecord record;
        while (connection->output(record)) {
            if (listens) listen(record);
            settle_down(context);
        }
    }

    void send(const qmux::Frame &frame) {
        record_.clear();
        qmux::encode(frame, record_);
        deliver();
    }
    std::uint64_t open_bidi(std::span<const std::byte> octets, bool fin = false) {
        const auto id = 4 * bidi_++;
        send(qmux::Stream{id, 0, octets, fin});
        return id;
    }
    std::uint64_t open_uni(std::span<const std::byte> octets, bool fin = false) {
        const auto id = 4 * uni_++ + 2;
        send(qmux::Stream{id, 0, octets, fin});
        return id;
    }
    /// True if the session goes on.
    bool open() { return !wait(session->closed()).done(); }

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

    asio::io_context context;
    Origin origin;
    ManualSleep time;
    lite::SessionConfig config;
    std::string broadcast = "a";  // the path of the peer's
    std::shared_ptr<qmux::Connection> connection;
    std::optional<lite::Session> session;
    std::optional<TrackSubscriber> subscriber;
    /// Bytes of frames, without the length of their record: an attacker puts many into one.
    std::size_t sent = 0;
    /// Streams that the session has stopped, while the peer `listens`.
    std::size_t refused = 0;
    bool deaf = false, listens = false;
    Announcing announcing;

private:
    void deliver() {
        sent += record_.size();
        connection->input(record_);
        run();
    }
    void listen(const qmux::OutgoingRecord &record) {
        Octets octets;
        for (const auto &buffer : record.buffers()) {
            const auto *begin = static_cast<const std::byte *>(buffer.data());
            octets.insert(octets.end(), begin, begin + buffer.size());
        }
        std::span<const std::byte> rest(octets);
        std::error_code failure;
        while (const auto read = qmux::next_frame(rest, failure)) {
            if (const auto *stream = std::get_if<qmux::Stream>(&read->frame)) {
                auto &heard = heard_[stream->id];
                heard.insert(heard.end(), stream->payload.begin(), stream->payload.end());
            }
            if (std::get_if<qmux::StopSending>(&read->frame) != nullptr) ++refused;
            rest = rest.subspan(read->size);
        }
    }
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

    Octets record_;
    std::uint64_t bidi_ = 0, uni_ = 0, announced_ = 0;
    bool publishes_ = false;
    std::vector<TrackSubscriber> others_;
    std::map<std::uint64_t, Octets> heard_;
};

}  // namespace comoq::test
