/// \file
/// A session of a draft whose requests share a stream, whose peer writes that stream by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ietf/raw_scene.hpp"
#include "support/catch.hpp"

namespace comoq::test {

/// The session is the server unless it is told otherwise.
struct SharedScene : TransportScene {
    explicit SharedScene(bool is_server = true)
        : link(context.get_executor(), context.get_executor(), link_of("moqt-16")), is_client(!is_server),
          raw(is_server ? link.client() : link.server()), own(is_server ? link.server() : link.client()) {}

    SessionConfig config() {
        SessionConfig config;
        config.publish = origin.consumer();
        config.subscribe = origin.producer();
        config.sleep = time;
        return config;
    }
    void connect() { connect(config()); }
    void connect(SessionConfig config) {
        session.emplace(own, std::move(config));
        asio::co_spawn(context, accept_unis(), asio::detached);
        run();
        if (is_client) adopt(shared, now(raw->accept_bidi()));
    }
    /// What the peer does with a stream of both directions.
    void adopt(RawRequest &to, BidiStream stream) {
        to.stream = std::move(stream);
        asio::co_spawn(context, read_raw(*to.stream.receive, *to.answer), asio::detached);
        run();
    }
    RawRequest &open() {
        auto &request = streams.emplace_back();
        adopt(request, now(raw->open_bidi()));
        return request;
    }
    /// With room for as many requests of the session's.
    void greet(std::uint64_t allowed = 2'000) {
        if (!is_client) adopt(shared, now(raw->open_bidi()));
        ietf::Setup setup;
        setup.of_server = is_client;
        setup.options.add(2, allowed);
        say(setup);
    }
    template <class Message> static Octets encoded(const Message &message) {
        Octets octets;
        ietf::encode(message, draft, ietf::StreamKind::Control, octets);
        return octets;
    }
    template <class Message> void say(const Message &message) { say_on(shared, encoded(message)); }
    void say_on(RawRequest &to, Octets octets) {
        now(to.stream.send->write(Bytes(std::move(octets))));
        run();
    }
    /// All messages that have come on a stream.
    static std::vector<ietf::ControlMessage> messages(const RawRequest &of) {
        return messages_of(*of.answer, draft, ietf::StreamKind::Control);
    }
    template <class Message> std::vector<Message> all_of() const {
        std::vector<Message> found;
        for (const auto &message : messages(shared))
            if (const auto *one = std::get_if<Message>(&message)) found.push_back(*one);
        return found;
    }
    ietf::Subscribe subscribe_to(std::string_view space, std::string_view name = "video") {
        ietf::Subscribe message;
        message.request_id = std::exchange(id, id + 2);
        message.track = {{std::string(space)}, std::string(name)};
        return message;
    }
    /// The number with which the session has closed the connection.
    std::optional<std::uint64_t> close_number() {
        run();
        auto closed = begin(raw->closed());
        return closed.done() ? connection_end_number(closed.value()) : std::nullopt;
    }

    static constexpr ietf::Draft draft = ietf::Draft::Draft16;
    MemoryLink link;
    const bool is_client;
    std::shared_ptr<Transport> raw, own;
    ManualSleep time;
    Origin origin = origin_with_id(1);
    std::optional<ietf::Session> session;
    RawRequest shared;
    std::list<RawRequest> streams;
    std::list<RawUni> unis;
    std::uint64_t id = is_client ? 1 : 0;

private:
    asio::awaitable<void> accept_unis() {
        try {
            while (true) {
                auto stream = co_await raw->accept_uni();
                auto &uni = unis.emplace_back();
                uni.stream = std::move(stream);
                asio::co_spawn(context, read_raw(*uni.stream, uni.answer), asio::detached);
            }
        } catch (const std::system_error &) {
        }
    }
};

}  // namespace comoq::test
