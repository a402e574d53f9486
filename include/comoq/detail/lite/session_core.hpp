#pragma once
#include "requested_broadcasts.hpp"
#include "stream_opener.hpp"
#include "subscription_table.hpp"
#include "told.hpp"
#include "../event.hpp"
#include "../first_of.hpp"
#include "../latch.hpp"
#include "../sync.hpp"
#include "../task_group.hpp"
#include "../../error.hpp"
#include "../../lite/codec.hpp"
#include "../../lite/session_config.hpp"
#include "../../lite/stream_type.hpp"
#include "../../pending.hpp"
#include "../../transport.hpp"

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// What a coroutine fails with, as a value.
inline asio::awaitable<std::error_code> outcome_of(asio::awaitable<void> work) {
    std::exception_ptr failure;
    try {
        co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    co_return comoq::detail::code_of(failure);
}

/// An operation whose value nobody wants.
template <class Operation> asio::awaitable<void> completion_of(Operation operation) {
    [[maybe_unused]] const auto value = co_await std::move(operation).as_tuple();
}

/// The time passes, as the config has it.
inline asio::awaitable<void> pass(const SessionConfig &config, std::chrono::milliseconds time) {
    if (config.sleep) {
        co_await config.sleep(time);
        co_return;
    }
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

/// What was said last, if anything was. Any thread.
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

/// What everything in a session shares. Used on the transport's executor, but for what says otherwise.
class SessionCore {
public:
    SessionCore(std::shared_ptr<Transport> connection, SessionConfig configuration)
        : transport(std::move(connection)), config(std::move(configuration)), tasks(transport->executor()),
          opener(*transport) {}

    const std::shared_ptr<Transport> transport;
    const SessionConfig config;
    /// Everything that goes on, but for the coroutine that ends it.
    comoq::detail::TaskGroup tasks;
    StreamOpener opener;
    SubscriptionTable subscriptions;
    /// How many broadcasts the peer has announced.
    std::size_t announced = 0;
    /// Any thread.
    RequestedBroadcasts requested;
    /// How many groups are on their way to the peer.
    std::size_t sending_groups = 0;
    /// How many groups it is being asked for, by FETCH.
    std::size_t fetching = 0;
    comoq::detail::Event one_fetch_less;
    /// What the peer said first.
    comoq::detail::Latch<std::shared_ptr<const Setup>> setup;
    /// Where the peer wants this side to go.
    comoq::detail::Latch<std::string> goaway;
    /// What the peer measures; its last word. Any thread.
    LastWord<Probe> probed;
    /// Tells what the peer fetches apart, where it is sent together with groups of subscriptions.
    std::uint64_t next_flow = std::uint64_t{1} << 63;
    /// How the session ended.
    comoq::detail::Latch<std::error_code> ended;

    std::uint64_t hop_id() const noexcept {
        return config.subscribe ? config.subscribe->id() : config.publish ? config.publish->id() : 0;
    }

    /// What is left unfinished by a coroutine that fails with `code` fails with this: with the code of the session if that is
    /// over.
    std::error_code lost_code(std::error_code code) const {
        const auto over = ended.peek();
        if (!over) return told(code);
        return *over ? *over : make_error_code(Error::Closed);
    }

    /// The hop id of the peer's origin, if it has said it.
    std::optional<std::uint64_t> peer_hop() const {
        const auto said = setup.peek();
        return said ? (*said)->origin : std::nullopt;
    }

    /// Closes the session. Any thread.
    void close(std::error_code code, std::string_view reason) { transport->close(code, reason); }

    /// What is asked for by the peer: looked up without what came through the peer itself. Only after its SETUP.
    asio::awaitable<BroadcastConsumer> request(std::string_view path) {
        if (!config.publish) comoq::detail::throw_error(make_error_code(Error::NotFound));
        auto view = *config.publish;
        const auto peer = peer_hop();
        if (peer) view = view.without_hop(*peer);
        auto broadcast = co_await view.request_broadcast(path);
        // A request that others had made already may come to a route that leads back there.
        if ((peer && broadcast.info().came_through(*peer)) || requested.has(path, broadcast))
            comoq::detail::throw_error(make_error_code(Error::NotFound));
        co_return broadcast;
    }

    /// What the transport measures, as it is told to the peer.
    Probe measured() const {
        transport->measure();
        const auto stats = transport->stats();
        Probe probe;
        probe.bitrate = stats.bandwidth.value_or(0);
        using std::chrono::milliseconds;
        // Whole milliseconds, rounded up because 0 says that it is not known.
        const auto rtt = std::chrono::ceil<milliseconds>(stats.round_trip.value_or(std::chrono::microseconds(0)));
        probe.rtt = static_cast<std::uint64_t>(rtt.count());
        return probe;
    }

    asio::awaitable<void> sleep(std::chrono::milliseconds time) { return pass(config, time); }
};

/// The first bytes of a stream: what it is for, and the first message on it.
template <class Type, class Message> Bytes opening(Type type, const Message &message) {
    std::vector<std::byte> bytes;
    WireWriter(bytes).varint(static_cast<std::uint64_t>(type));
    encode(message, bytes);
    return Bytes(std::move(bytes));
}
/// A stream of this side's, and the first bytes on it.
inline asio::awaitable<BidiStream> open_with(std::shared_ptr<Transport> transport, Bytes first) {
    auto stream = co_await transport->open_bidi();
    auto written = stream.send->write(std::move(first));
    co_await std::move(written);
    co_return stream;
}
template <class Message> Bytes encoded(const Message &message) {
    std::vector<std::byte> bytes;
    encode(message, bytes);
    return Bytes(std::move(bytes));
}
template <class Message> Bytes encoded_reply(SubscribeReply type, const Message &message) {
    std::vector<std::byte> bytes;
    encode_reply(type, message, bytes);
    return Bytes(std::move(bytes));
}

}  // namespace comoq::lite::detail
