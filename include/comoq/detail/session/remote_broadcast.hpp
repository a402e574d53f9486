// SPDX-License-Identifier: MIT
#pragma once
#include "../origin/prefix_source.hpp"
#include "../wait/take_each.hpp"
#include "outcome_of.hpp"
#include "requested_broadcasts.hpp"
#include "session_log.hpp"
#include "untold_cost.hpp"
#include "../../broadcast.hpp"
#include "../../first_of.hpp"
#include "../../origin.hpp"
#include "../../path.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Serves a peer's broadcast here, and asks the peer for its tracks when they are requested: until the broadcast ends,
/// or the session does, whose code it then ends with. A task of the session. `Core` is the session's state, and `RemoteTrack`
/// serves one track.
template <class Core, class RemoteTrack> class RemoteBroadcast {
public:
    using Made = RequestedBroadcasts::Made;

    /// Serves a broadcast that the peer has announced, until it is over.
    static asio::awaitable<void> serve(std::shared_ptr<Core> core, std::string path, Made made) {
        return take_each(WantedTracks(std::move(core), std::move(path), std::move(made)));
    }

    /// Serves a broadcast that was requested without an announcement: it ends with NotFound once nobody holds it or a
    /// track of it.
    static asio::awaitable<void> serve_while_held(std::shared_ptr<Core> core, std::string path, Made made) {
        auto serving = serve(core, path, made);
        auto held = until_let_go(core, path, made);
        auto either = comoq::first_of(std::move(serving), std::move(held));
        [[maybe_unused]] const auto code = co_await outcome_of(std::move(either));
        made.broadcast.abort(make_error_code(Error::NotFound));
    }

private:
    /// The requests for a broadcast's tracks. Where the memory for a request is missing, the request is refused with
    /// `not_enough_memory`; the broadcast goes on.
    class WantedTracks {
    public:
        WantedTracks(std::shared_ptr<Core> in, std::string at, Made of) noexcept
            : core_(std::move(in)), path_(std::move(at)), made_(std::move(of)) {}
        WantedTracks(WantedTracks &&) noexcept = default;
        WantedTracks &operator=(WantedTracks &&) = delete;
        ~WantedTracks() {
            if (core_ != nullptr) core_->requested.forget(path_, made_.broadcast);
        }
        auto next() { return made_.handler.requested_track(); }
        void take(TrackRequest &&request) { begin_track(core_, path_, made_, std::move(request)); }

    private:
        std::shared_ptr<Core> core_;
        std::string path_;
        Made made_;
    };

    /// One of the places that a session has for tracks.
    class TrackPlace {
    public:
        TrackPlace(std::shared_ptr<Core> core, Event let_go) noexcept
            : core_(std::move(core)), let_go_(std::move(let_go)) {
            ++core_->tracks;
        }
        TrackPlace(const TrackPlace &) = delete;
        TrackPlace &operator=(const TrackPlace &) = delete;
        ~TrackPlace() {
            --core_->tracks;
            let_go_.set();
        }

    private:
        const std::shared_ptr<Core> core_;
        Event let_go_;
    };

    static void begin_track(const std::shared_ptr<Core> &core, const std::string &path, const Made &made,
                            TrackRequest request) {
        if (core->ended.peek()) {
            request.reject(core->lost_code({}));
            return;
        }
        if (core->tracks.get() >= core->config.max_tracks) {
            core->log.at_limit(SessionLog::Limit::Tracks);
            request.reject(make_error_code(Error::LimitReached));
            return;
        }
        core->spawn(serve_track(core, path, made.broadcast.state(Passkey()), made.let_go, std::move(request)));
    }
    static asio::awaitable<void> serve_track(std::shared_ptr<Core> core, std::string path,
                                             std::shared_ptr<BroadcastState> broadcast,
                                             Event let_go, TrackRequest request) {
        const TrackPlace place(core, std::move(let_go));
        auto track = std::make_shared<RemoteTrack>(core, std::move(path), std::move(broadcast), std::move(request));
        co_await RemoteTrack::serve(std::move(track));
    }

    static asio::awaitable<void> until_let_go(std::shared_ptr<Core> core, std::string path, Made made) {
        do {
            co_await made.let_go.wait();
            made.let_go.clear();
        } while (!core->requested.retire(path, made));
    }
};

/// Broadcasts that were requested without an announcement, to be served.
template <class Core, class Broadcast> struct WantedBroadcasts {
    std::shared_ptr<Core> core;
    auto next() { return core->requested.next(); }
    void take(std::vector<RequestedBroadcasts::Asked> &&asked) {
        for (auto &one : asked) {
            auto broadcast = one.made.broadcast;
            try {
                core->spawn(Broadcast::serve_while_held(core, one.path, std::move(one.made)));
            } catch (const std::bad_alloc &) {
                core->requested.forget(one.path, broadcast);
                broadcast.abort(std::make_error_code(std::errc::not_enough_memory));
            }
        }
    }
};
/// Serves requests without an announcement until the session is over.
template <class Broadcast, class Core> asio::awaitable<void> serve_requested(std::shared_ptr<Core> core) {
    return take_each(WantedBroadcasts<Core, Broadcast>{std::move(core)});
}

/// The peer's broadcast at a path, announced or not: the same for all callers while it exists. Any thread.
template <class Core> BroadcastConsumer requested_broadcast(const std::shared_ptr<Core> &core, std::string_view text) {
    const Path path(text);
    return core->requested.find_or_make(path.view(), core->config.max_requested, [&core](const OriginProducer &view) {
        BroadcastInfo info;
        info.cost = untold_cost;
        info.via = core->via;
        if (const auto peer = core->peer_hop()) info.hops.push_back(*peer);
        return view.make_broadcast(std::move(info));
    });
}

/// The peer's paths below those that it announces. It does not keep the session.
template <class Core> class PeersPaths final : public PrefixSource {
public:
    explicit PeersPaths(const std::shared_ptr<Core> &core) noexcept : core_(core) {}
    std::shared_ptr<BroadcastState> broadcast_at(std::string_view path) override {
        const auto core = core_.lock();
        const auto below = core != nullptr ? core->requested.below_root(path) : std::nullopt;
        if (!below) throw_error(make_error_code(Error::NotFound));
        return requested_broadcast(core, *below).state(Passkey());
    }

private:
    const std::weak_ptr<Core> core_;
};

}  // namespace comoq::detail
