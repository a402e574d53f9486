/// \file
/// A session of MoQ Transport whose peer writes messages by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <comoq/detail/ietf/apart_request.hpp>
#include <comoq/detail/ietf/control_codec.hpp>
#include <comoq/detail/ietf/protocol.hpp>
#include <comoq/detail/ietf/shared_run.hpp>
#include <comoq/detail/ietf/uni_stream.hpp>
#include <comoq/ietf/session.hpp>
#include <comoq/memory_transport.hpp>

#include "ietf/scene.hpp"
#include "support/catch.hpp"
#include "support/transport_scene.hpp"

namespace comoq::test {

using Octets = std::vector<std::byte>;

/// What has come on a stream, and how it ended.
struct RawAnswer {
    Octets octets;
    bool ended = false;
    /// The number of its reset.
    std::optional<std::uint64_t> reset;
};
/// All messages that have come on a stream of that kind.
inline std::vector<ietf::ControlMessage> messages_of(const RawAnswer &answer, ietf::Draft draft, ietf::StreamKind kind) {
    std::vector<ietf::ControlMessage> all;
    std::span<const std::byte> rest(answer.octets);
    while (const auto framed = ietf::next_message(rest, draft)) {
        auto decoded = ietf::decode(*framed, draft, kind);
        REQUIRE(decoded.message);
        all.push_back(std::move(*decoded.message));
        rest = rest.subspan(framed->size);
    }
    CHECK(rest.empty());
    return all;
}
inline asio::awaitable<void> read_raw(ReceiveStream &stream, RawAnswer &to) {
    try {
        while (true) {
            const Bytes more = co_await stream.read();
            if (more.empty()) break;
            to.octets.insert(to.octets.end(), more.span().begin(), more.span().end());
        }
        to.ended = true;
    } catch (const std::system_error &error) {
        to.reset = stream_end_number(error.code());
    }
}

/// A part of a track. Without an end, all that follows the start.
inline ietf::Filter range_filter(ietf::Location start, std::optional<ietf::RangeEnd> end = {}) {
    ietf::Filter filter;
    filter.kind = ietf::Filter::Kind::Absolute;
    filter.start = start;
    filter.end = end;
    return filter;
}

/// One request of the raw peer's.
struct RawRequest {
    BidiStream stream;
    std::shared_ptr<RawAnswer> answer = std::make_shared<RawAnswer>();
};
/// A stream that the session has opened.
struct RawUni {
    ReceivePtr stream;
    RawAnswer answer;
};

/// The session is the server unless it is told otherwise.
struct RawScene : TransportScene {
    explicit RawScene(std::string name = "moqt-18", bool is_server = true)
        : draft(*ietf::draft_of(name)), link(context.get_executor(), context.get_executor(), link_of(std::move(name))),
          raw(shown(is_server ? link.client() : link.server())), own(is_server ? link.server() : link.client()) {}

    void connect(SessionConfig config) {
        config.sleep = time;
        if (shared != nullptr) asio::co_spawn(context, ietf::detail::SharedRun::run(shared), asio::detached);
        session.emplace(own, std::move(config));
        asio::co_spawn(context, accept_all(), asio::detached);
        run();
    }
    void connect() {
        SessionConfig config;
        config.publish = origin.consumer();
        config.subscribe = origin.producer();
        connect(std::move(config));
    }
    void greet(std::string_view implementation = "raw") {
        ietf::Setup setup;
        setup.options.add(7, std::as_bytes(std::span(implementation)));
        control = now(raw->open_uni());
        say(setup);
    }
    /// On the control stream.
    template <class Message> void say(const Message &message) {
        Octets octets;
        ietf::encode(message, draft, ietf::StreamKind::Control, octets);
        now(control->write(Bytes(std::move(octets))));
        run();
    }
    template <class Message> Octets encoded(const Message &message) const {
        Octets octets;
        ietf::encode(message, draft, ietf::StreamKind::Request, octets);
        return octets;
    }
    std::uint64_t next_id() { return std::exchange(id, id + 2); }

    /// With the message's own number.
    template <class Message> RawRequest &ask(const Message &message) {
        auto &request = requests.emplace_back();
        request.stream = now(raw->open_bidi());
        now(request.stream.send->write(Bytes(encoded(message))));
        asio::co_spawn(context, read_raw(*request.stream.receive, *request.answer), asio::detached);
        run();
        return request;
    }
    /// One more message on a request's stream.
    template <class Message> void reply(RawRequest &to, const Message &message) {
        now(to.stream.send->write(Bytes(encoded(message))));
        run();
    }
    void update(RawRequest &request, const ietf::Parameters &parameters) {
        ietf::RequestUpdate update;
        update.request_id = next_id();
        update.parameters = parameters;
        reply(request, update);
    }
    /// The peer pauses its subscription, or goes on with it.
    void set_forward(RawRequest &request, bool forwards) {
        ietf::Parameters parameters;
        parameters.forward = forwards;
        update(request, parameters);
    }
    /// The subscription of the session's ends.
    void finish_with(RawRequest &request, std::uint64_t status, std::optional<std::uint64_t> streams) {
        ietf::PublishDone done;
        done.status = status;
        done.streams = streams;
        reply(request, done);
        request.stream.send->finish();
        run();
    }
    RawRequest &announce(ietf::Namespace space) {
        ietf::PublishNamespace message;
        message.request_id = next_id();
        message.space = std::move(space);
        return ask(message);
    }
    ietf::Subscribe subscribe_to(std::string_view space, std::string_view name = "video") {
        ietf::Subscribe message;
        message.request_id = next_id();
        message.track = {{std::string(space)}, std::string(name)};
        return message;
    }
    /// All messages that have come on a stream.
    std::vector<ietf::ControlMessage> messages(const RawAnswer &answer) const {
        return messages_of(answer, draft, ietf::StreamKind::Request);
    }
    /// The one answer to a request, of that kind.
    template <class Message> Message answer(const RawRequest &request) const {
        const auto all = messages(*request.answer);
        REQUIRE(all.size() == 1);
        REQUIRE(std::holds_alternative<Message>(all.front()));
        return std::get<Message>(all.front());
    }
    /// The number with which a request was refused, by its one answer.
    std::uint64_t refusal(const RawRequest &request) const { return answer<ietf::RequestError>(request).code; }

    /// A stream of the raw peer's.
    SendStream &send_uni(Octets octets, bool finishes = false) {
        auto &stream = sent.emplace_back(now(raw->open_uni()));
        now(stream->write(Bytes(std::move(octets))));
        if (finishes) stream->finish();
        run();
        return *stream;
    }
    /// The bytes of a group: objects of these texts, from a number on.
    Octets group(std::uint64_t alias, std::uint64_t sequence, const std::vector<std::string> &texts, std::uint64_t first = 0,
                 bool ends = true) const {
        ietf::SubgroupHeader header;
        header.alias = alias;
        header.group = sequence;
        header.end_of_group = ends;
        header.first_object = first == 0;
        Octets octets;
        ietf::encode(header, draft, octets);
        ietf::SubgroupObjects objects(header, draft);
        for (const auto &text : texts) {
            ietf::ObjectHeader object;
            object.id = first++;
            object.payload_size = text.size();
            objects.write(object, octets);
            const auto span = std::as_bytes(std::span(text));
            octets.insert(octets.end(), span.begin(), span.end());
        }
        return octets;
    }
    void read(RawUni &uni) { asio::co_spawn(context, read_raw(*uni.stream, uni.answer), asio::detached); }
    /// The code with which the session has ended; nothing while it lives.
    std::optional<std::error_code> end() {
        run();
        auto closed = session->closed();
        if (!closed.ready()) return std::nullopt;
        return test::now(std::move(closed));
    }
    bool is_alive() { return !end(); }
    /// The number with which the session has closed the connection.
    std::optional<std::uint64_t> close_number() {
        run();
        auto closed = begin(raw->closed());
        return closed.done() ? connection_end_number(closed.value()) : std::nullopt;
    }
    void pass(std::chrono::milliseconds how_long) {
        time.advance(how_long);
        run();
    }

    /// The raw peer's requests have streams of their own, in every draft.
    std::shared_ptr<Transport> shown(std::shared_ptr<Transport> transport) {
        if (!ietf::has_shared_stream(draft)) return transport;
        shared = std::make_shared<ietf::detail::SharedTransport>(std::move(transport), draft);
        return shared;
    }

    /// By the rules of draft 18 and those before it.
    bool is_older() const { return ietf::rules_of(draft).single_subscriptions; }

    ietf::Draft draft;
    MemoryLink link;
    std::shared_ptr<ietf::detail::SharedTransport> shared;
    std::shared_ptr<Transport> raw, own;
    ManualSleep time;
    Origin origin = origin_with_id(1);
    std::optional<ietf::Session> session;
    SendPtr control;
    std::uint64_t id = raw->is_client() ? 0 : 1;
    std::list<RawRequest> requests;
    bool reads_unis = true;
    /// What the session has opened: the first uni is its control stream.
    std::list<RawUni> unis;
    std::list<RawRequest> asked;
    std::vector<SendPtr> sent;

private:
    asio::awaitable<void> accept_all() {
        asio::co_spawn(context, accept_bidis(), asio::detached);
        try {
            while (true) {
                auto stream = co_await raw->accept_uni();
                auto &uni = unis.emplace_back();
                uni.stream = std::move(stream);
                if (reads_unis) read(uni);
            }
        } catch (const std::system_error &) {
        }
    }
    asio::awaitable<void> accept_bidis() {
        try {
            while (true) {
                auto stream = co_await raw->accept_bidi();
                auto &request = asked.emplace_back();
                request.stream = std::move(stream);
                asio::co_spawn(context, read_raw(*request.stream.receive, *request.answer), asio::detached);
            }
        } catch (const std::system_error &) {
        }
    }
};

}  // namespace comoq::test
