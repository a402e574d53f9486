// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The functions of `comoq/c.h`: one source file of a program, or of a library such as `comoq::c`, includes this. With
/// COMOQ_C_WEB defined, sessions know ws, wss and tls as well, and with COMOQ_C_QUIC https, moql and moqt; link `comoq::net_web` and
/// `comoq::net_quic` then, else `comoq::net`.

#include "../c.h"

#if defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/detail/c/queue.ipp"
#endif

// They are defined in a namespace, where g++ does not look at what the declarations say about visibility.
#define COMOQ_EXPORT extern "C" COMOQ_API

#include "../impl/c/base.ipp"
#include "../impl/c/broadcast.ipp"
#include "../impl/c/group.ipp"
#include "../impl/c/log.ipp"
#include "../impl/c/origin.ipp"
#include "../impl/c/session.ipp"
#include "../impl/c/track.ipp"

#undef COMOQ_EXPORT
