// SPDX-License-Identifier: MIT
#pragma once
#include "../session/link_price.hpp"
#include "../session/open_question.hpp"
#include "../session/session_base.hpp"
#include "subscribe_ids.hpp"
#include "subscription_table.hpp"
#include "../wait/latch.hpp"
#include "../wait/sync.hpp"
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "announce_ids.hpp"
#include "announce_messages.hpp"
#include "codec.hpp"
#include "codes.hpp"
#include "../../lite/session_config.hpp"
#include "stream_type.hpp"
#include "version.hpp"
#include "../../pending.hpp"
#include "../../transport.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

using comoq::detail::its_own_affair;
using comoq::detail::outcome_of;
using comoq::detail::RequestedBroadcasts;
using comoq::detail::SessionLog;
using comoq::detail::told;

/// The last value that was set, if any. Any thread.
template <class T> class LastWord {
public:
    void set(const T &value) {
        comoq::detail::Lock lock(mutex_);
        value_ = value;
    }
    std::optional<T> get() const {
        comoq::detail::Lock lock(mutex_);
        return value_;
    }

private:
    mutable comoq::detail::Mutex mutex_;
    std::optional<T> value_;
};

/// The state that all parts of a session share. Used on the transport's executor, except where noted.
class SessionCore final : public comoq::detail::SessionBase<SessionConfig> {
public:
    using Views = SessionViews;

    SessionCore(std::shared_ptr<Transport> connection, SessionConfig configuration)
        : SessionBase(std::move(connection), std::move(configuration)) {
        transport->abandon_with(stream_code(make_error_code(Error::Cancelled), StreamUse::Request));
    }

    SubscribeIds subscribe_ids;
    /// True if this side has said that it can measure.
    bool measures = false;
    SubscriptionTable subscriptions;
    /// The places for what the peer's announce streams tell.
    AnnouncePlaces told_places{config.max_told};
    /// The peer's SETUP.
    comoq::detail::Latch<std::shared_ptr<const Setup>> setup;
    /// Called when the peer sends this side away.
    std::vector<std::function<void()>> when_told_to_go;
    /// The peer's last measurement. Any thread.
    LastWord<Probe> probed;

    /// Known once the transport has agreed on it: before anything comes on a stream.
    Version version() const noexcept { return version_of(transport->protocol()); }

    Layout layout() const noexcept { return layout_of(version()); }

    /// What a route costs more here than at the peer. A peer that does not tell costs has none to add to.
    std::uint64_t link_price() const {
        if (!layout().route_cost) return 0;
        const auto said = setup.peek();
        return comoq::detail::link_price(config.link_cost, said ? (*said)->cost : std::nullopt);
    }

    std::error_code meaning(std::error_code failure) const noexcept override {
        return meaning_of(failure, version(), StreamUse::Request);
    }
    std::uint64_t close_number(std::error_code code) const noexcept override { return session_code(code); }

    std::optional<std::uint64_t> peer_hop() const override {
        const auto said = setup.peek();
        return said ? (*said)->origin : std::nullopt;
    }

    /// Ends a stream of this side's early.
    void reset(SendStream &stream, std::error_code code, StreamUse use) const {
        stream.reset(stream_code(meaning_of(code, version(), use), use));
    }

    /// The transport's measurements, in the form that the peer is told: 0 for what is unknown, and never for what was
    /// measured.
    Probe measured() const {
        transport->measure();
        const auto stats = transport->stats();
        Probe probe;
        if (stats.bandwidth) probe.bitrate = std::clamp<std::uint64_t>(*stats.bandwidth, 1, comoq::detail::max_varint);
        using std::chrono::milliseconds;
        // Whole milliseconds, rounded up.
        const auto rtt = std::chrono::ceil<milliseconds>(stats.round_trip.value_or(std::chrono::microseconds(0)));
        probe.rtt = static_cast<std::uint64_t>(rtt.count());
        return probe;
    }

private:
    void fail_waits(std::error_code code) override { setup.fail(code); }
};

/// The first bytes of a stream: its type, and the first message on it.
template <class Type, class Message> Bytes opening(Version version, Type type, const Message &message) {
    std::vector<std::byte> bytes;
    encode_typed(type, message, version, bytes);
    return Bytes(std::move(bytes));
}
/// Opens a stream and asks a question on it. The question is encoded when the stream is open: without a handshake that names
/// the protocol, the sides agree on the version before that.
template <class Message>
asio::awaitable<BidiStream> ask_with(const std::shared_ptr<SessionCore> &core, BidiStreamType type, Message message) {
    return comoq::detail::open_question(core, [of = core.get(), type, message = std::move(message)] {
        return opening(of->version(), type, message);
    });
}
template <class Message> Bytes encoded(Version version, const Message &message) {
    std::vector<std::byte> bytes;
    encode(message, version, bytes);
    return Bytes(std::move(bytes));
}
template <class Message> Bytes encoded_reply(Version version, SubscribeReply type, const Message &message) {
    std::vector<std::byte> bytes;
    encode_typed(type, message, version, bytes);
    return Bytes(std::move(bytes));
}

}  // namespace comoq::lite::detail
