// SPDX-License-Identifier: MIT
#pragma once
#include "../media/given_group.hpp"
#include "../wait/take_each.hpp"
#include "receive_frames.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "datagram.hpp"
#include "../../lite/request_target.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// Takes one unidirectional stream that the peer has opened: its SETUP, or a group of a track that this side has
/// subscribed to. A stream of another kind is stopped, and nothing else.
class UniServer {
public:
    static asio::awaitable<void> serve(std::shared_ptr<SessionCore> core, std::unique_ptr<ReceiveStream> stream) {
        const comoq::detail::Counted counted(core->streams);
        StreamReader reader(std::move(stream), core->version(), StreamUse::Group);
        const auto code = co_await outcome_of(take(core, reader));
        if (code) reader.stop(code);
    }

private:
    static asio::awaitable<void> take(std::shared_ptr<SessionCore> core, StreamReader &reader) {
        const auto type = co_await reader.varint();
        if (!type) co_return;
        switch (static_cast<UniStreamType>(*type)) {
        case UniStreamType::Setup: {
            const auto code = co_await outcome_of(take_setup(core, reader));
            if (code) core->close(told(code), "SETUP");
            break;
        }
        case UniStreamType::Group: co_await take_group(std::move(core), reader); break;
        default: comoq::detail::throw_error(make_error_code(Error::UnexpectedStream));
        }
    }

    /// Any fault in it ends the session.
    static asio::awaitable<void> take_setup(std::shared_ptr<SessionCore> core, StreamReader &reader) {
        auto setup = co_await reader.expect<Setup>();
        co_await reader.expect_end();
        if (core->setup.peek()) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        // Only a client has a path and a role.
        if (core->transport->is_client() && (setup.path || setup.role))
            comoq::detail::throw_error(make_error_code(Error::InvalidRole));
        const auto &in_url = core->url_target;
        if (in_url && !is_as_in_url(setup.path.value_or(""), *in_url))
            comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        core->setup.set(std::make_shared<const Setup>(std::move(setup)));
        core->greeted.set();
    }

    static asio::awaitable<void> take_group(std::shared_ptr<SessionCore> core, StreamReader &reader) {
        const auto message = co_await reader.expect<Group>();
        auto *const target = core->subscriptions.find(message.subscribe_id);
        // It belongs to a subscription that was given up, with groups in flight.
        if (target == nullptr) comoq::detail::throw_error(make_error_code(Error::Cancelled));
        const auto timescale = target->track.info().timescale;
        const auto ties = target->ties;
        if (ties->under_way >= core->config.max_open_groups) {
            core->log.at_limit(SessionLog::Limit::OpenGroups);
            comoq::detail::throw_error(make_error_code(Error::LimitReached));
        }
        if (core->layout().strict_end && target->has_ended_before(message.sequence)) {
            target->track.abort(make_error_code(Error::ProtocolViolation));
            comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        }
        auto group = comoq::detail::given_group(target->track, message.sequence);
        if (message.first_frame != 0) {
            // Nobody has asked for a part of a group.
            group.abort(make_error_code(Error::Lagged));
            comoq::detail::throw_error(make_error_code(Error::Lagged));
        }
        const SubscriptionTable::Receiving receiving(ties);
        comoq::detail::NewestGroups::Growth grown(target->newest);
        FrameReceiver receiver(reader, timescale);
        const auto code = co_await receiver.receive(group, grown);
        if (code)
            group.abort(core->lost_code(code));
        else if (receiving.left())
            group.abort(make_error_code(Error::Cancelled));
        else
            group.finish();
    }
};

/// The peer's datagrams. Some get lost on the way anyway; datagrams that nobody wants are dropped.
struct PeersDatagrams {
    std::shared_ptr<SessionCore> core;
    asio::awaitable<Bytes> next() { return core->transport->receive_datagram(); }
    void take(const Bytes &bytes) {
        const auto datagram = read_datagram(bytes.span());
        auto *const target = datagram ? core->subscriptions.find(datagram->subscribe_id) : nullptr;
        if (target == nullptr) return;
        try {
            const Timestamp timestamp(datagram->timestamp, target->track.info().timescale);
            target->track.insert_datagram({datagram->sequence, timestamp, Bytes::copy(datagram->payload)});
        } catch (const std::system_error &) {
        }
    }
};
inline asio::awaitable<void> take_datagrams(std::shared_ptr<SessionCore> core) {
    return comoq::detail::take_each(PeersDatagrams{std::move(core)});
}

}  // namespace comoq::lite::detail
