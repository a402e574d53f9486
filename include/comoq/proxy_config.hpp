// SPDX-License-Identifier: MIT
#pragma once
#include "frame.hpp"
#include "path.hpp"
#include "with_timeout.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace comoq {

/// The place of a frame that a ProxyTransform gets.
struct ProxiedFrame {
    /// The path under which the broadcast was requested, from the root of its origin, or under which `mirror` announces
    /// it; empty for a `proxy` of one broadcast.
    std::string_view path;
    /// The name of the track.
    std::string_view track;
    /// The number of the group, or of the datagram.
    std::uint64_t group = 0;
    /// How many frames of the group have come before it.
    std::uint64_t frame = 0;
    /// Whether it is a datagram, and `frame` is 0.
    bool is_datagram = false;
};

/// Gives the frame to forward in the place of `frame`, or nothing to leave it out. What `place` refers to lives until the
/// coroutine has ended.
using ProxyTransform = std::function<asio::awaitable<std::optional<Frame>>(const ProxiedFrame &place, Frame frame)>;

/// How `proxy` and `mirror` serve: the times for which they wait, and what they make of the media.
struct ProxyConfig {
    ProxyConfig() {}

    /// How long a request for a track may wait upstream before the proxy checks whether it has come back: relays that
    /// are each other's upstreams in a ring would wait for one another. The check asks the same way for a track whose
    /// name nobody else has. If that question arrives here, the first one is refused with NotFound. Publishers refuse
    /// it too: they have no such track.
    std::chrono::milliseconds ring_check = std::chrono::milliseconds(250);
    /// How long to wait for a publisher's return once the lost upstream is there again.
    std::chrono::milliseconds absence = std::chrono::seconds(10);
    /// For tests, which have their own time.
    Sleep sleep;

    /// Changes the media on their way; unset, everything passes as it is. It gets each frame of every track once, however
    /// many read it. The tracks keep their names and their info.
    ///
    /// * Groups keep their numbers, also one whose frames are all left out. Frames of a group are transformed one after
    ///   the other and keep their order; groups are transformed side by side. Groups by number (`fetch_group`) are
    ///   transformed like the others. A group that was evicted here and is asked for again is transformed again.
    /// * A frame written in chunks is transformed, and forwarded, when it is complete. Its size and timestamp may change:
    ///   `GroupProducer::write_frame` has the limits. A frame beyond them fails its group.
    /// * A frame, or a datagram, has the `extras` that the transform gives it: pass them on with the rest of `frame`. Object
    ///   ids are not among them. Those of MoQ Transport stay as they are upstream: a frame that is left out leaves out its id.
    /// * Datagrams are transformed one after the other. One that exceeds the limits of `append_datagram`, or for which
    ///   the transform fails, is lost. So are those that still wait when the track ends or its last reader leaves; while
    ///   one is transformed, the latest 1,024 wait.
    /// * Errors: if it throws, readers of that group get the code of the `std::system_error`, or Internal for another
    ///   exception. The track and the proxy go on.
    /// * Cancellation: the transform is cancelled with the proxy, which waits for it. Nothing else cancels it for a group:
    ///   a group that has begun is transformed to its end, also when nobody reads it any more.
    /// * Threads: it is called, and its coroutine runs, on the executor of the proxy. Give work that takes long to
    ///   another executor, `co_await asio::co_spawn(pool, work(frame), token)`, with a token that keeps the cancellation of
    ///   this one away: `asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable)`. A cancellation
    ///   would reach that work on the wrong thread. Groups that wait for it too long expire upstream, and fail with Old
    ///   here.
    ProxyTransform transform;

    /// The path for which `proxy` asks upstream, given the one that was requested (from the root of its origin); nothing
    /// refuses the request with NotFound, an exception with its code, or Internal. Unset: the same path. For a broadcast
    /// that is made of another one, under a name of its own: upstream may then be the request's own origin, and the route
    /// begins here, without upstream's hops. It is called on the executor of the proxy, and for a single request by the
    /// call of `proxy`. With upstream the request's own origin, paths that come back to where they began are refused with
    /// NotFound: a from b, and b from a. `mirror` ignores it.
    std::function<std::optional<Path>(const Path &requested)> source_path;
};

}  // namespace comoq
