// SPDX-License-Identifier: MIT
import CComoq

/// A publisher's description of a track. 0 in a field is the usual value.
public struct TrackInfo: Sendable {
    public var priority: UInt8 = 0
    public var isOrdered = false
    public var maxLatencyMilliseconds: UInt64 = 0
    /// Units a second of the timestamps.
    public var timescale: UInt64 = 0

    public init(priority: UInt8 = 0, isOrdered: Bool = false, maxLatencyMilliseconds: UInt64 = 0, timescale: UInt64 = 0) {
        self.priority = priority
        self.isOrdered = isOrdered
        self.maxLatencyMilliseconds = maxLatencyMilliseconds
        self.timescale = timescale
    }

    func asArgument<R>(_ body: (UnsafePointer<comoq_track_info>) throws -> R) rethrows -> R {
        var info = comoq_track_info()
        info.struct_size = UInt32(MemoryLayout<comoq_track_info>.size)
        info.priority = priority
        info.ordered = isOrdered ? 1 : 0
        info.max_latency_ms = maxLatencyMilliseconds
        info.timescale = timescale
        return try withUnsafePointer(to: info, body)
    }
}

/// A subscriber's wishes. Without `start` it begins at the newest group.
public struct Subscription: Sendable {
    public var priority: UInt8 = 0
    public var isOrdered = false
    public var maxLatencyMilliseconds: UInt64 = 0
    public var start: UInt64?
    public var end: UInt64?

    public init(priority: UInt8 = 0, isOrdered: Bool = false, maxLatencyMilliseconds: UInt64 = 0, start: UInt64? = nil, end: UInt64? = nil) {
        self.priority = priority
        self.isOrdered = isOrdered
        self.maxLatencyMilliseconds = maxLatencyMilliseconds
        self.start = start
        self.end = end
    }

    func asArgument<R>(_ body: (UnsafePointer<comoq_subscription>) throws -> R) rethrows -> R {
        var wishes = comoq_subscription()
        wishes.struct_size = UInt32(MemoryLayout<comoq_subscription>.size)
        wishes.priority = priority
        wishes.ordered = isOrdered ? 1 : 0
        wishes.max_latency_ms = maxLatencyMilliseconds
        wishes.flags = UInt16((start != nil ? COMOQ_HAS_START : 0) | (end != nil ? COMOQ_HAS_END : 0))
        wishes.start = start ?? 0
        wishes.end = end ?? 0
        return try withUnsafePointer(to: wishes, body)
    }
}

/// Writes a broadcast. Its `close()` ends it, with its announcement: with `dropped`, unless `finish()` was called.
public final class Broadcast: Handle, @unchecked Sendable {
    /// A new live track.
    public func track(_ name: String, _ info: TrackInfo = TrackInfo()) throws -> Track {
        Track(try name.asText { text in try info.asArgument { info in try made { comoq_broadcast_track($0, text, info, $1) } } })
    }

    /// A reader of it.
    public func consume() throws -> Consumer { Consumer(try made { comoq_broadcast_consume($0, $1) }) }
    /// A handler for tracks that are asked for and not there.
    public func dynamic() throws -> TrackHandler { TrackHandler(try made { comoq_broadcast_dynamic($0, $1) }) }
    /// Returns once somebody uses it.
    public func used() async throws { _ = try await ask { comoq_broadcast_used($0, $1, $2, $3, $4) } }
    /// Returns once nobody uses it.
    public func unused() async throws { _ = try await ask { comoq_broadcast_unused($0, $1, $2, $3, $4) } }
    /// Ends it well.
    public func finish() throws { try call { comoq_broadcast_finish($0) } }
    /// Ends it with a code.
    public func abort(_ reason: ComoqError) throws { try call { comoq_broadcast_abort($0, reason.code) } }
}

/// Reads a broadcast.
public final class Consumer: Handle, @unchecked Sendable {
    /// True if both read one broadcast.
    public func isSame(as other: Consumer) -> Bool {
        withExtendedLifetime(other) { (try? call { comoq_consumer_same($0, other.raw) }) ?? false }
    }
    /// True once the broadcast has ended.
    public var isClosed: Bool { (try? call { comoq_consumer_is_closed($0) }) ?? true }
    /// Returns when the broadcast has ended; throws the reason if that was not a good one.
    public func closed() async throws { _ = try await ask { comoq_consumer_closed($0, $1, $2, $3, $4) } }

    /// Subscribes to a track, which a handler may make.
    public func subscribe(_ name: String, _ wishes: Subscription = Subscription()) async throws -> Subscriber {
        let value = try await ask { handle, queue, user, now, op in
            name.asText { text in wishes.asArgument { comoq_consumer_subscribe(handle, text, $0, queue, user, now, op) } }
        }
        return Subscriber(value!)
    }

    /// A group by its number, from the cache or from a handler.
    public func fetch(_ name: String, _ sequence: UInt64, priority: UInt8 = 0) async throws -> Reader {
        let value = try await ask { handle, queue, user, now, op in
            name.asText { comoq_consumer_fetch(handle, $0, sequence, priority, queue, user, now, op) }
        }
        return Reader(value!)
    }
}

/// Serves tracks that are asked for and not there.
public final class TrackHandler: Handle, @unchecked Sendable {
    /// The next request; nil when the broadcast has ended.
    public func next() async throws -> TrackRequest? {
        try await ask { comoq_track_handler_next($0, $1, $2, $3, $4) }.map { TrackRequest($0) }
    }
    public var requests: Steps<TrackRequest> { Steps { try await self.next() } }
}

/// A request for a track that is not there. Closed without an answer, it answers `notFound`.
public final class TrackRequest: Handle, @unchecked Sendable {
    public let name: String

    override init(_ request: comoq_handle) {
        var name = comoq_string()
        comoq_track_request_name(request, &name)
        self.name = String(name)
        super.init(request)
    }

    /// Makes the track live, for all who wait.
    public func accept(_ info: TrackInfo = TrackInfo()) throws -> Track {
        Track(try info.asArgument { info in try made { comoq_track_request_accept($0, info, $1) } })
    }
    /// Refuses with a code. True if this call settled the request.
    @discardableResult public func reject(_ reason: ComoqError) throws -> Bool {
        try call { comoq_track_request_reject($0, reason.code) }
    }
}
