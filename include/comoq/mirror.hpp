// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "origin.hpp"
#include "proxy_config.hpp"

#include <asio/awaitable.hpp>

namespace comoq {

/// Announces at `to` the broadcasts that are announced at `from`, another origin, at the same paths (below the roots of
/// both), for as long as they are announced there. Each is a broadcast of `to` that `proxy` serves: its holders keep it
/// after the announcement ends, and if it fails, it continues with the broadcast that `from` then gives for its path.
/// The id of `from` is added to its hops, unless `to` has the same id and so belongs to the same node: two mirrors that
/// face each other send nothing back. A broadcast that `to` refuses, because it lies outside of its view or came
/// through it, is left out.
///
/// When the origin of `from` ends, the announcements are withdrawn; the call returns when nobody has any of the
/// broadcasts. When cancelled, it ends all of them with Cancelled, and throws `operation_aborted`. Lifetime: while it
/// runs it keeps `to` alive. Threads: as for `proxy`.
COMOQ_DECLARE_IF_CALLED
asio::awaitable<void> mirror(OriginConsumer from, OriginProducer to, ProxyConfig config = {});

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/mirror.ipp"
#endif
