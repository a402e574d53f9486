// SPDX-License-Identifier: MIT
#pragma once

/// \file The library's functions, for the one source file of a program that is compiled with
/// COMOQ_SEPARATE_COMPILATION. The functions that need wslay and OpenSSL are in `comoq/websocket/src.hpp`. asio's own
/// are in `asio/impl/src.hpp`.

#include "config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "impl/announce.ipp"
#include "impl/broadcast.ipp"
#include "impl/bytes.ipp"
#include "impl/detail/containers/random_bits.ipp"
#include "impl/detail/media/group_state.ipp"
#include "impl/detail/media/track_state.ipp"
#include "impl/detail/qmux/connection.ipp"
#include "impl/detail/qmux/connection_frames.ipp"
#include "impl/frame.ipp"
#include "impl/group.ipp"
#include "impl/ietf/session.ipp"
#include "impl/lite/keep_connected.ipp"
#include "impl/lite/session.ipp"
#include "impl/log.ipp"
#include "impl/memory_transport.ipp"
#include "impl/mirror.ipp"
#include "impl/operation.ipp"
#include "impl/origin.ipp"
#include "impl/origin_dynamic.ipp"
#include "impl/proxy.ipp"
#include "impl/session_stats.ipp"
#include "impl/task_group.ipp"
#include "impl/time.ipp"
#include "impl/track_consumer.ipp"
#include "impl/track_dynamic.ipp"
#include "impl/track_producer.ipp"
#include "impl/track_subscriber.ipp"
#include "impl/transport.ipp"
#include "impl/with_timeout.ipp"
