// SPDX-License-Identifier: MIT
#pragma once
#include "../session/remote_broadcast.hpp"
#include "remote_track.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <utility>

namespace comoq::lite::detail {

using RemoteBroadcast = comoq::detail::RemoteBroadcast<SessionCore, RemoteTrack>;
using PeersPaths = comoq::detail::PeersPaths<SessionCore>;
using comoq::detail::requested_broadcast;

inline asio::awaitable<void> serve_requested(std::shared_ptr<SessionCore> core) {
    return comoq::detail::serve_requested<RemoteBroadcast>(std::move(core));
}

}  // namespace comoq::lite::detail
