#pragma once
#include "remote_track.hpp"
#include "session_core.hpp"
#include "../../broadcast.hpp"
#include "../../origin.hpp"
#include "../../path.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// Serves a peer's broadcast here, where its tracks are asked for when somebody asks for them: until it ends, or the session
/// does, with whose code it ends then. What is asked for from the call on is served.
///
/// Unless it was announced it also ends, with NotFound, when for a while nobody has had a handle of it.
class RemoteBroadcast {
public:
    /// `handler` is of the broadcast, and was made before anybody could ask it for a track.
    static void begin(const std::shared_ptr<SessionCore> &core, std::string_view path, BroadcastProducer broadcast,
                      BroadcastDynamic handler, bool announced) {
        auto serving = serve(core, std::string(path), std::move(broadcast), std::move(handler), announced);
        asio::co_spawn(core->transport->executor(), std::move(serving), asio::detached);
    }

private:
    static asio::awaitable<void> serve(std::shared_ptr<SessionCore> core, std::string path, BroadcastProducer broadcast,
                                       BroadcastDynamic handler, bool announced) {
        using comoq::detail::first_of;
        const auto made = broadcast.consume();
        while (true) {
            std::optional<TrackRequest> request;
            auto asked = next_request(handler, request);
            auto ended = completion_of(core->ended.wait());
            if (announced)
                [[maybe_unused]] const auto first = co_await first_of(std::move(asked), std::move(ended));
            else
                [[maybe_unused]] const auto first = co_await first_of(std::move(asked), std::move(ended), core->sleep(idle(*core)));
            if (core->ended.peek()) {
                core->requested.forget(path, made);
                broadcast.abort(core->lost_code({}));
                co_return;
            }
            if (request) {
                auto track = std::make_shared<RemoteTrack>(core, path, broadcast, request->name());
                core->tasks.spawn(RemoteTrack::serve(std::move(track), std::move(*request)));
            } else if (made.is_closed()) {
                core->requested.forget(path, made);
                co_return;
            } else if (!announced && !is_wanted(broadcast)) {
                core->requested.forget(path, made);
                broadcast.abort(make_error_code(Error::NotFound));
                co_return;
            }
        }
    }
    /// Not so short that looking is all that is done.
    static std::chrono::milliseconds idle(const SessionCore &core) {
        return std::max<std::chrono::milliseconds>(core.config.linger, std::chrono::seconds(1));
    }
    static asio::awaitable<void> next_request(BroadcastDynamic &handler, std::optional<TrackRequest> &request) {
        request = co_await handler.requested_track();
    }

    /// Whether anybody has a handle but this coroutine, which has four: the producer, a consumer, and the two that a handler is
    /// made of.
    /// Nobody is told of it: who comes at this very moment finds the broadcast closed.
    static bool is_wanted(const BroadcastProducer &broadcast) noexcept { return broadcast.state().use_count() > 4; }
};

/// The peer's broadcast at a path, whether it announced it or not: the same for all who ask while it is there. Any thread.
inline BroadcastConsumer requested_broadcast(const std::shared_ptr<SessionCore> &core, std::string_view text) {
    if (!core->config.subscribe) comoq::detail::throw_error(make_error_code(Error::Unauthorized));
    const Path path(text);
    std::optional<BroadcastProducer> made;
    std::optional<BroadcastDynamic> handler;
    auto found = core->requested.find_or_make(path.view(), core->config.max_requested, [&] {
        BroadcastInfo info;
        if (const auto peer = core->peer_hop()) info.hops.push_back(*peer);
        made = core->config.subscribe->make_broadcast(std::move(info));
        handler = made->dynamic();
        return made->consume();
    });
    if (made) RemoteBroadcast::begin(core, path.view(), std::move(*made), std::move(*handler), false);
    return found;
}

}  // namespace comoq::lite::detail
