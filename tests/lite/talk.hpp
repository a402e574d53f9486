/// \file A relay whose publisher and viewer are the test, which says bytes that real peers said.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>
#include <comoq/transport_code.hpp>

#include "lite/raw_peer.hpp"
#include "lite/relay_scene.hpp"
#include "support/hex.hpp"
#include "support/run.hpp"

namespace comoq::test {

/// A stream between a session and the test, as the test has it.
class Line {
public:
    Line(asio::io_context &context, std::unique_ptr<SendStream> send, std::unique_ptr<ReceiveStream> receive)
        : context_(&context), send_(std::move(send)) {
        if (receive != nullptr) asio::co_spawn(context, read_answer(std::move(receive), spoken(), heard_), asio::detached);
        if (send_ != nullptr) asio::co_spawn(context, note_stop(send_, stopped_), asio::detached);
    }
    void say(std::string_view hex) {
        if (!hex.empty()) run_to_end(*context_, send_->write(Bytes(of_hex(hex))));
        settle_down(*context_);
    }
    void finish() {
        send_->finish();
        settle_down(*context_);
    }
    void reset(std::uint64_t number) {
        send_->reset(number);
        settle_down(*context_);
    }
    std::string heard() const {
        settle_down(*context_);
        return hex_of(heard_->octets);
    }
    /// How the session has ended its half, as "fin", "reset 51".
    std::string end() const {
        settle_down(*context_);
        return heard_->ended ? "fin" : heard_->number ? "reset " + std::to_string(*heard_->number) : "";
    }
    /// The number with which it has stopped the test's half.
    std::optional<std::uint64_t> stopped() const {
        settle_down(*context_);
        return *stopped_;
    }

private:
    using Number = std::shared_ptr<std::optional<std::uint64_t>>;
    static asio::awaitable<void> note_stop(std::shared_ptr<SendStream> send, Number to) {
        const auto code = co_await send->stopped();
        *to = stream_end_number(code);
    }

    asio::io_context *context_;
    std::shared_ptr<SendStream> send_;
    std::shared_ptr<Answer> heard_ = std::make_shared<Answer>();
    Number stopped_ = std::make_shared<std::optional<std::uint64_t>>();
};

/// A link that is measured, as those of the real peers were.
inline MemoryLinkConfig measured_link() {
    auto link = spoken_link();
    link.stats.bandwidth = std::uint64_t{1'000'000} << 16;
    link.stats.round_trip = std::chrono::milliseconds(9);
    return link;
}

/// The test's end of a session.
struct TalkingPeer {
    /// `is_client`: the test is the client.
    TalkingPeer(asio::io_context &of, lite::SessionConfig config, std::string_view setup, bool is_client = true)
        : context(of), link(of.get_executor(), of.get_executor(), measured_link()), transport(is_client ? link.client() : link.server()),
          session(is_client ? link.server() : link.client(), std::move(config)) {
        asio::co_spawn(context, accept_bidi(context, transport, asked), asio::detached);
        asio::co_spawn(context, accept_uni(context, transport, uni), asio::detached);
        auto line = open_uni(setup);
        line.finish();
    }
    /// A stream on which it says this.
    Line open(std::string_view hex) {
        auto stream = run_to_end(context, transport->open_bidi());
        Line line(context, std::move(stream.send), std::move(stream.receive));
        line.say(hex);
        return line;
    }
    Line open_uni(std::string_view hex) {
        Line line(context, run_to_end(context, transport->open_uni()), nullptr);
        line.say(hex);
        return line;
    }
    /// The number of bidirectional streams that the session has opened.
    std::size_t questions() const {
        settle_down(context);
        return asked->size();
    }
    Line &question(std::size_t number) const {
        settle_down(context);
        return asked->at(number);
    }
    /// The number with which the session was closed; nothing while it is open.
    std::optional<std::uint64_t> closed() {
        auto over = wait(session.closed());
        settle_down(context);
        if (!over.done()) return std::nullopt;
        return connection_end_number(run_to_end(context, transport->closed())).value_or(0);
    }

    asio::io_context &context;
    MemoryLink link;
    std::shared_ptr<Transport> transport;
    /// The streams that the session opens.
    std::shared_ptr<std::deque<Line>> asked = std::make_shared<std::deque<Line>>(), uni = std::make_shared<std::deque<Line>>();
    lite::Session session;

private:
    using Lines = std::shared_ptr<std::deque<Line>>;
    static asio::awaitable<void> accept_bidi(asio::io_context &context, std::shared_ptr<Transport> transport, Lines to) {
        while (true) {
            auto stream = co_await transport->accept_bidi();
            to->emplace_back(context, std::move(stream.send), std::move(stream.receive));
        }
    }
    static asio::awaitable<void> accept_uni(asio::io_context &context, std::shared_ptr<Transport> transport, Lines to) {
        while (true) {
            auto stream = co_await transport->accept_uni();
            to->emplace_back(context, nullptr, std::move(stream));
        }
    }
};

/// A relay with the hop id of the real one, its publisher and its viewer.
struct Talk : private Speaking, RelayScene {
    explicit Talk(std::string protocol = "moq-lite-06") : Speaking(std::move(protocol)) {}

    /// A peer of the relay's, with that SETUP: of the publisher, if none is given.
    TalkingPeer &peer(std::string_view setup = "050105025111") {
        auto &made = peers.emplace_back(context, config_of(relay), std::string("01") + std::string(setup));
        run();
        return made;
    }
    /// A peer that announces this, after AnnounceOk, on the stream on which the relay asks it.
    TalkingPeer &announcing(std::string_view hex) {
        auto &made = peer();
        made.question(0).say(std::string("03511100") + std::string(hex));
        return made;
    }

    Origin relay = origin_with_id(4242);
    std::deque<TalkingPeer> peers;
};

}  // namespace comoq::test
