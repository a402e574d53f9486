// SPDX-License-Identifier: MIT
#pragma once
#include "broadcast.hpp"
#include "config.hpp"
#include "origin.hpp"
#include "origin_dynamic.hpp"
#include "proxy_config.hpp"

#include <asio/awaitable.hpp>

#include <vector>

namespace comoq {

/// \file
/// One broadcast served by another: the building block of a relay. A request here for a track, group, datagram or group
/// by number becomes one request upstream, however many callers ask, and the answer keeps numbers, infos and codes.
/// Subscribers' wishes are passed up as they change; when the last subscriber leaves a track, so does the proxy. A group
/// that has begun is still copied to its end, and payloads are shared, not copied. If a track has no other reader, a new
/// subscriber begins at upstream's position at the time when the proxy's executor handles it.
///
/// If the upstream broadcast fails (it closes with a code) and there is an origin to ask again, the tracks continue with
/// the answer's broadcast, at the group after the latest; readers see only that the groups in flight fail. If there is
/// no replacement, readers get the error code. They also get it when a single track fails while its broadcast stays
/// open. A clean end is passed on as such. The proxy gives up after three broadcasts in a row that each fail within a
/// second and deliver nothing.
///
/// `ProxyConfig::transform` changes frames on their way, and `ProxyConfig::source_path` serves a broadcast under another path
/// than upstream's.
///
/// Each of these functions returns when there is nothing left to answer. The tracks that were read have then ended,
/// upstream's way or with their last subscriber. Nothing keeps running afterwards.
///
/// Cancellation ends everything, completely, before `operation_aborted` is thrown: pending requests are refused with
/// Cancelled, tracks in use and groups in flight end with Cancelled, and no origin is kept alive any more. Other
/// exceptions are only `std::bad_alloc` and `std::errc::not_enough_memory`, and then everything has ended in the same
/// way.
///
/// Relays that are each other's upstreams in a ring answer NotFound if none of them has the broadcast. Origins of one
/// process notice at once that a request would wait for itself, and ask the others that they have. Where sessions are in
/// between, a question without an answer for `ProxyConfig::ring_check` is checked, and refused if it has come back.
///
/// Threads: the functions and their tasks run on the executor of the awaiting coroutine, which must be a strand if
/// several threads run its context. Lifetime: while one runs, it keeps its arguments alive.

/// Serves `to` from `from`, and ends it when `from` ends. It also serves requests made between the call and the first
/// await. When cancelled, it leaves `to` open. Wishes, failures, cancellation and threads: proxy.hpp.
COMOQ_DECLARE_IF_CALLED
asio::awaitable<void> proxy(BroadcastConsumer from, BroadcastProducer to, ProxyConfig config = {});

/// Answers a request with a broadcast of `to`, served from the same (absolute) path at `from`, which is asked again
/// when its broadcast fails. A refusal there refuses the request with the same code. Returns when nobody has the
/// broadcast any more. Its route is the one that the broadcast at `from` has, also when that changes. The
/// request's own origin is left out of `from`, because it would wait for its own answer, unless `source_path` names another path. If no other
/// origin is left, the request is refused with RoutingLoop.
///
/// With several origins, the first one that has a broadcast is asked for the tracks. If it has none of the requested
/// tracks, the next origin is asked. The first origin that has one serves the broadcast from then on.
/// Wishes, failures, cancellation and threads: proxy.hpp.
COMOQ_DECLARE_IF_CALLED
asio::awaitable<void> proxy(std::vector<OriginConsumer> from, OriginProducer to, BroadcastRequest request, ProxyConfig config = {});
COMOQ_DECLARE_IF_CALLED
asio::awaitable<void> proxy(OriginConsumer from, OriginProducer to, BroadcastRequest request, ProxyConfig config = {});

/// A relay: answers all requests of `handler` with broadcasts of `to`, served from the same paths at `from`, another
/// origin, or several. Ends with the origin of `handler`. If `to` belongs to that same origin, it keeps the origin
/// alive: cancel it to end it. Wishes, failures, cancellation and threads: proxy.hpp.
COMOQ_DECLARE_IF_CALLED
asio::awaitable<void> proxy(std::vector<OriginConsumer> from, OriginProducer to, OriginDynamic handler, ProxyConfig config = {});
COMOQ_DECLARE_IF_CALLED
asio::awaitable<void> proxy(OriginConsumer from, OriginProducer to, OriginDynamic handler, ProxyConfig config = {});

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/proxy.ipp"
#endif
