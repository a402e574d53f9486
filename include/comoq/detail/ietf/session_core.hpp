// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../ietf/peer_setup.hpp"
#include "../../ietf/session_config.hpp"
#include "../../transport.hpp"
#include "../session/open_question.hpp"
#include "../session/session_base.hpp"
#include "../wait/latch.hpp"
#include "alias_table.hpp"
#include "apart_request.hpp"
#include "codes.hpp"
#include "control_codec.hpp"
#include "early_datagrams.hpp"
#include "fetch_table.hpp"
#include "namespace_path.hpp"
#include "peer_habits.hpp"
#include "protocol.hpp"
#include "request_ids.hpp"
#include "shared_transport.hpp"
#include "stream_reader.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

using comoq::detail::its_own_affair;
using comoq::detail::outcome_of;
using comoq::detail::SessionLog;
using comoq::detail::told;

class SubscribeServer;
class Announcements;

/// The state that all parts of a session share. Used on the transport's executor, except where noted.
class SessionCore final : public comoq::detail::SessionBase<SessionConfig> {
public:
    using Views = lite::SessionViews;

    SessionCore(std::shared_ptr<Transport> connection, SessionConfig configuration)
        : SessionCore(Shown(std::move(connection)), std::move(configuration)) {}

    /// What sorts the messages of a draft whose requests share a stream; null for another one.
    const std::shared_ptr<SharedTransport> shared;

    RequestIds request_ids;
    /// This side's subscriptions and fetches.
    AliasTable aliases;
    FetchTable fetches;
    /// The datagrams that came before their alias was known, which a task drops after a while.
    EarlyDatagrams early_datagrams;
    bool ages_early_datagrams = false;
    /// The subscriptions of the peer's that are served, by the numbers of their requests; and their tracks.
    std::map<std::uint64_t, SubscribeServer *> served;
    std::set<std::pair<std::string, std::string>> served_tracks;
    /// Under which prefixes the peer asks for namespaces.
    std::vector<Namespace> asked_prefixes;
    /// The namespaces that the peer has announced. They keep this object.
    std::weak_ptr<Announcements> peers_namespaces;
    /// The stream on which this side sends SETUP and GOAWAY. Null before.
    std::unique_ptr<SendStream> control;
    /// The peer has a control stream, whatever has come of it.
    bool has_peers_control = false;
    /// The peer's SETUP.
    comoq::detail::Latch<std::shared_ptr<const PeerSetup>> setup;
    /// By that.
    PeerHabits habits;

    /// Known once the transport has agreed on it: before anything comes on a stream. A transport that has agreed on nothing
    /// that a session speaks is refused before.
    Draft draft() const noexcept { return draft_of(transport->protocol()).value_or(Draft::Draft18); }
    /// The transport has agreed on a draft, and is shown as the draft needs it.
    bool knows_draft() const noexcept {
        const auto draft = draft_of(transport->protocol());
        return draft && has_shared_stream(*draft) == (shared != nullptr);
    }
    Rules rules() const noexcept { return rules_of(draft()); }

    std::error_code meaning(std::error_code failure) const noexcept override { return meaning_of(failure, dialect_of(draft())); }
    std::uint64_t close_number(std::error_code code) const noexcept override { return session_number(code); }
    /// 0 if it does not tell hops. Any thread.
    std::optional<std::uint64_t> peer_hop() const override {
        const auto said = setup.peek();
        return said ? (*said)->hop_id.value_or(0) : 0;
    }
    /// The hops of what is announced are told, in both directions: an extension of SETUP that moq-net has, too. This side always
    /// offers it. Only when the peer's SETUP has come.
    bool tells_hops() const {
        const auto said = setup.peek();
        return said && (*said)->hop_id;
    }

    template <class Message> Bytes encoded(const Message &message, StreamKind kind = StreamKind::Request) const {
        std::vector<std::byte> bytes;
        encode(message, draft(), kind, bytes);
        return Bytes(std::move(bytes));
    }

    /// A stream has failed: if the peer has broken a rule there, that ends the session.
    void look_at(const StreamReader &reader, std::string_view where) {
        if (reader.fault()) close(reader.fault(), where);
    }
    void reset(SendStream &stream, std::error_code code) const { stream.reset(stream_number(meaning(code), dialect_of(draft()))); }

private:
    /// Each request has a stream of its own, in every draft.
    struct Shown {
        explicit Shown(std::shared_ptr<Transport> connection) : transport(std::move(connection)) {
            const auto draft = draft_of(transport->protocol());
            if (!draft || !has_shared_stream(*draft)) return;
            shared = std::make_shared<SharedTransport>(std::move(transport), *draft);
            transport = shared;
        }
        std::shared_ptr<Transport> transport;
        std::shared_ptr<SharedTransport> shared;
    };
    SessionCore(Shown shown, SessionConfig configuration)
        : SessionBase(std::move(shown.transport), std::move(configuration)), shared(std::move(shown.shared)),
          request_ids(transport->is_client()) {
        transport->abandon_with(stream_number(make_error_code(Error::Cancelled)));
    }

    void fail_waits(std::error_code code) override { setup.fail(code); }
};

/// Opens a stream and makes a request on it: `make(id)` gives the message, when the stream is open.
template <class Make> asio::awaitable<BidiStream> ask_with(const std::shared_ptr<SessionCore> &core, Make make) {
    return comoq::detail::open_question(core, [of = core.get(), make = std::move(make)]() mutable {
        const auto message = make(of->request_ids.next());
        return of->encoded(message);
    });
}

/// The same for a request whose number nobody here needs.
template <class Message> asio::awaitable<BidiStream> ask(const std::shared_ptr<SessionCore> &core, Message message) {
    return ask_with(core, [message = std::move(message)](std::uint64_t id) mutable {
        message.request_id = id;
        return std::move(message);
    });
}

/// What the first message on a request's stream answers: a `Yes`, or the code of a refusal. Anything else is a fault of the peer's.
template <class Yes> Yes yes_of(StreamReader &reader, std::optional<ControlMessage> message) {
    // It leaves without an answer.
    if (!message) comoq::detail::throw_error(make_error_code(Error::Cancelled));
    if (const auto *no = std::get_if<RequestError>(&*message)) comoq::detail::throw_error(request_error(no->code));
    auto *const yes = std::get_if<Yes>(&*message);
    if (yes == nullptr) reader.refuse(CloseCode::ProtocolViolation);
    return std::move(*yes);
}
/// The first answer to a request of this side.
template <class Yes> asio::awaitable<Yes> answer_of(StreamReader &reader) {
    auto coming = reader.message(StreamKind::Request);
    auto message = co_await std::move(coming);
    co_return yes_of<Yes>(reader, std::move(message));
}

}  // namespace comoq::ietf::detail
