// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"

/// \file
/// The library's names without their contents, for headers that only mention them. It includes no other header.

namespace comoq {

enum class Error : int;

template <class T> class Operation;
template <class T> class Pending;
template <class T> class TryResult;

class Bytes;
class Path;
class Timescale;
class Timestamp;
class ObjectExtras;
class TrackProperties;
struct Datagram;
struct EndMarker;
struct Frame;
struct GroupInfo;
struct Location;

struct Fetch;
struct Subscription;
struct TrackInfo;
class BroadcastInfo;
struct Cost;

class FrameConsumer;
class FrameProducer;
class GroupConsumer;
class GroupProducer;
class GroupRequest;
class TrackConsumer;
class TrackDynamic;
class TrackProducer;
class TrackRequest;
class TrackSubscriber;
class BroadcastConsumer;
class BroadcastDynamic;
class BroadcastProducer;
class BroadcastPublish;
class BroadcastRequest;

class AnnounceConsumer;
class Announcement;
class Origin;
class OriginConsumer;
class OriginDynamic;
class OriginProducer;
class OriginPublish;
struct OriginConfig;
struct ProxyConfig;

struct BroadcastStats;
struct OriginStats;
struct SessionStats;
struct SubscriberStats;
struct TrackStats;

class TaskGroup;

class MemoryLink;
class ReceiveStream;
class SendStream;
class Transport;
struct BidiStream;
struct SendOrder;
struct TransportStats;

namespace lite {
class Session;
struct ReconnectConfig;
struct SessionConfig;
struct SessionEvent;
struct SessionViews;
}  // namespace lite

namespace qmux {
class Connection;
struct ConnectionConfig;
}  // namespace qmux

}  // namespace comoq
