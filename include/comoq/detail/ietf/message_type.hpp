// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace comoq::ietf {

/// What stands before a control message.
enum class MessageType : std::uint64_t {
    RequestUpdate = 0x02,
    Subscribe = 0x03,
    SubscribeOk = 0x04,
    RequestError = 0x05,
    PublishNamespace = 0x06,
    RequestOk = 0x07,
    NamespaceFound = 0x08,
    PublishNamespaceDone = 0x09,
    Unsubscribe = 0x0a,
    PublishDone = 0x0b,
    PublishNamespaceCancel = 0x0c,
    TrackStatus = 0x0d,
    NamespaceDone = 0x0e,
    PublishBlocked = 0x0f,
    Goaway = 0x10,
    OldSubscribeNamespace = 0x11,
    MaxRequestId = 0x15,
    Fetch = 0x16,
    FetchCancel = 0x17,
    FetchOk = 0x18,
    RequestsBlocked = 0x1a,
    Publish = 0x1d,
    PublishOk = 0x1e,
    ClientSetup = 0x20,
    ServerSetup = 0x21,
    PublishStateNotify = 0x22,
    SubscribeNamespace = 0x50,
    SubscribeTracks = 0x51,
    Setup = 0x2f00,
};

/// Where a control message stands: a GOAWAY on the control stream is about the whole session.
enum class StreamKind : std::uint8_t { Control, Request };

}  // namespace comoq::ietf
