// SPDX-License-Identifier: MIT
import CComoq

/// Writes a track. Closed before `finish()`, it ends with `dropped`.
public final class Track: Handle, @unchecked Sendable {
    /// A group with the next number.
    public func group() throws -> Group { Group(try made { comoq_track_group($0, $1) }) }
    /// A group with that number.
    public func group(at sequence: UInt64) throws -> Group { Group(try made { comoq_track_group_at($0, sequence, $1) }) }
    /// Makes a finished group of one frame, whose payload is copied, and returns its number.
    @discardableResult public func write<D: Sequence<UInt8>>(_ payload: D, at timestamp: UInt64 = 0) throws -> UInt64 {
        var sequence: UInt64 = 0
        try payload.asOctets { data in try call { comoq_track_write($0, data.baseAddress, data.count, timestamp, &sequence) } }
        return sequence
    }
    /// Sends a datagram of at most 1,200 bytes to those who subscribe now, and returns its number.
    @discardableResult public func datagram<D: Sequence<UInt8>>(_ payload: D, at timestamp: UInt64 = 0) throws -> UInt64 {
        var sequence: UInt64 = 0
        try payload.asOctets { data in try call { comoq_track_datagram($0, data.baseAddress, data.count, timestamp, &sequence) } }
        return sequence
    }
    /// A handler for groups that are fetched and not there.
    public func dynamic() throws -> GroupHandler { GroupHandler(try made { comoq_track_dynamic($0, $1) }) }
    /// Returns once somebody subscribes.
    public func used() async throws { _ = try await ask { comoq_track_used($0, $1, $2, $3, $4) } }
    /// Returns once nobody subscribes.
    public func unused() async throws { _ = try await ask { comoq_track_unused($0, $1, $2, $3, $4) } }
    /// No number after the latest will come.
    public func finish() throws { try call { comoq_track_finish($0) } }
    /// Ends the track with a code.
    public func abort(_ reason: ComoqError) throws { try call { comoq_track_abort($0, reason.code) } }
}

/// Serves groups that are fetched and not there.
public final class GroupHandler: Handle, @unchecked Sendable {
    /// The next request; nil when the track has ended.
    public func next() async throws -> GroupRequest? {
        try await ask { comoq_group_handler_next($0, $1, $2, $3, $4) }.map { GroupRequest($0) }
    }
    public var requests: Steps<GroupRequest> { Steps { try await self.next() } }
}

/// A request for a group that is not there. Closed without an answer, it answers `notFound`.
public final class GroupRequest: Handle, @unchecked Sendable {
    public var sequence: UInt64 { value { comoq_group_request_view($0, $1, nil) } }
    /// A group for all who wait, to be written now.
    public func accept(_ info: TrackInfo = TrackInfo()) throws -> Group {
        Group(try info.asArgument { info in try made { comoq_group_request_accept($0, info, $1) } })
    }
    /// Refuses with a code. True if this call settled the request.
    @discardableResult public func reject(_ reason: ComoqError) throws -> Bool {
        try call { comoq_group_request_reject($0, reason.code) }
    }
}

/// Reads a track. It counts as a subscriber until it is closed.
public final class Subscriber: Handle, @unchecked Sendable {
    /// The group with the lowest number above the last one; nil at the track's end.
    public func next() async throws -> Reader? { try await ask { comoq_subscriber_next($0, $1, $2, $3, $4) }.map { Reader($0) } }
    /// The next group in the order of arrival; nil at the track's end.
    public func receive() async throws -> Reader? {
        try await ask { comoq_subscriber_receive($0, $1, $2, $3, $4) }.map { Reader($0) }
    }
    public var groups: Steps<Reader> { Steps { try await self.next() } }
    /// The next frame of the track, group after group; nil at the track's end.
    public func readFrame() async throws -> Frame? {
        try await ask { comoq_subscriber_read_frame($0, $1, $2, $3, $4) }.flatMap { Frame.all(of: $0).first }
    }
    /// The next datagram, whose `number` is set; nil at the track's end.
    public func datagram() async throws -> Frame? {
        try await ask { comoq_subscriber_datagram($0, $1, $2, $3, $4) }.flatMap { Frame.all(of: $0).first }
    }
}
