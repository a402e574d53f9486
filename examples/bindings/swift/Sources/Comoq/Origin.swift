// SPDX-License-Identifier: MIT
import CComoq

/// A collection of broadcasts by path, or a part of one. It is gone when all its handles are closed.
public final class Origin: Handle, @unchecked Sendable {
    public convenience init() throws {
        var out: comoq_origin = 0
        try check(comoq_origin_create(nil, &out))
        self.init(out)
    }

    /// The part below a prefix, which all paths then leave out.
    public func withRoot(_ prefix: String) throws -> Origin {
        Origin(try prefix.asText { text in try made { comoq_origin_with_root($0, text, $1) } })
    }

    /// Makes a broadcast and announces it until it is closed.
    public func publish(_ path: String) throws -> Broadcast {
        Broadcast(try path.asText { text in try made { comoq_origin_publish($0, text, nil, $1) } })
    }

    /// Makes a broadcast that is not announced: for a handler to serve.
    public func make() throws -> Broadcast { Broadcast(try made { comoq_origin_make($0, nil, $1) }) }

    /// The broadcast at a path, made on demand if necessary: `notFound` where nobody makes it, and the very code of a handler that
    /// refuses it.
    public func requestBroadcast(_ path: String) async throws -> Consumer {
        let value = try await ask { handle, queue, user, now, op in
            path.asText { comoq_origin_request(handle, $0, queue, user, now, op) }
        }
        return Consumer(value!)
    }

    /// Waits for an announcement of exactly this path. It asks no handler.
    public func announcedBroadcast(_ path: String) async throws -> Consumer {
        let value = try await ask { handle, queue, user, now, op in
            path.asText { comoq_origin_announced_broadcast(handle, $0, queue, user, now, op) }
        }
        return Consumer(value!)
    }

    /// Follows what is announced below a prefix, beginning with what is active.
    public func announced(_ prefix: String = "") throws -> Watch {
        Watch(try prefix.asText { text in try made { comoq_origin_announced($0, text, $1) } })
    }

    /// A handler for requests that no announcement answers.
    public func dynamic() throws -> Handler { Handler(try made { comoq_origin_dynamic($0, $1) }) }
}

/// A change at one path. It has the broadcast that it tells of.
public final class Announcement: Handle, @unchecked Sendable {
    public enum Event: UInt32, Sendable { case active, restart, ended }

    public let path: String
    public let event: Event

    override init(_ record: comoq_handle) {
        var event: UInt32 = 0
        var path = comoq_string()
        comoq_record_view(record, &event, &path)
        self.path = String(path)
        self.event = Event(rawValue: event) ?? .ended
        super.init(record)
    }

    /// The very broadcast that it tells of; `notFound` for an end.
    public func broadcast() throws -> Consumer { Consumer(try made { comoq_record_broadcast($0, $1) }) }
}

/// Follows announcements.
public final class Watch: Handle, @unchecked Sendable {
    /// The next change; nil when the origin is gone.
    public func next() async throws -> Announcement? {
        try await ask { comoq_watch_next($0, $1, $2, $3, $4) }.map { Announcement($0) }
    }
    public var all: Steps<Announcement> { Steps { try await self.next() } }
}

/// Serves broadcasts that nobody announced.
public final class Handler: Handle, @unchecked Sendable {
    /// The next request; nil when the origin is gone.
    public func next() async throws -> Request? { try await ask { comoq_handler_next($0, $1, $2, $3, $4) }.map { Request($0) } }
    public var requests: Steps<Request> { Steps { try await self.next() } }
}

/// A request for a broadcast that nobody announced. Closed without an answer, it answers `notFound`.
public final class Request: Handle, @unchecked Sendable {
    public let path: String

    override init(_ request: comoq_handle) {
        var path = comoq_string()
        comoq_request_path(request, &path, nil)
        self.path = String(path)
        super.init(request)
    }

    /// Answers all who wait. True if this call settled the request.
    @discardableResult public func accept(_ broadcast: Broadcast) throws -> Bool { try settle(broadcast) }
    @discardableResult public func accept(_ broadcast: Consumer) throws -> Bool { try settle(broadcast) }
    /// Refuses all who wait. True if this call settled the request.
    @discardableResult public func reject(_ reason: ComoqError) throws -> Bool { try call { comoq_request_reject($0, reason.code) } }
    /// Returns once nobody waits for the answer any more.
    public func abandoned() async throws { _ = try await ask { comoq_request_abandoned($0, $1, $2, $3, $4) } }

    private func settle(_ broadcast: Handle) throws -> Bool {
        try withExtendedLifetime(broadcast) { try call { comoq_request_accept($0, broadcast.raw) } }
    }
}
