// SPDX-License-Identifier: MIT
import CComoq

/// Writes a group. Closed before `finish()`, it fails with `dropped`, after its complete frames.
public final class Group: Handle, @unchecked Sendable {
    public var sequence: UInt64 { value { comoq_group_sequence($0, $1) } }
    /// Appends a frame, whose payload is copied.
    public func write<D: Sequence<UInt8>>(_ payload: D, at timestamp: UInt64 = 0) throws {
        try payload.asOctets { data in try call { comoq_group_write($0, data.baseAddress, data.count, timestamp) } }
    }
    /// Begins a frame that is written in chunks.
    public func open(size: UInt64, at timestamp: UInt64 = 0) throws -> FrameWriter {
        FrameWriter(try made { comoq_group_open($0, size, timestamp, $1) })
    }
    /// A reader of it.
    public func consume() throws -> Reader { Reader(try made { comoq_group_consume($0, $1) }) }
    /// No more frames will come.
    public func finish() throws { try call { comoq_group_finish($0) } }
    /// Fails the group with a code.
    public func abort(_ reason: ComoqError) throws { try call { comoq_group_abort($0, reason.code) } }
}

/// Writes a frame in chunks. Closed before `finish()`, it fails its group.
public final class FrameWriter: Handle, @unchecked Sendable {
    /// The next chunk, copied.
    public func write<D: Sequence<UInt8>>(_ chunk: D) throws {
        try chunk.asOctets { data in try call { comoq_frame_writer_write($0, data.baseAddress, data.count) } }
    }
    /// Completes the frame.
    public func finish() throws { try call { comoq_frame_writer_finish($0) } }
}

/// Bytes where the library has them.
public final class Payload: Handle, @unchecked Sendable {
    /// No copy. The memory is valid in the closure.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) {
            var data: UnsafePointer<UInt8>?
            var size = 0
            comoq_bytes_data(raw, &data, &size)
            return try body(UnsafeRawBufferPointer(start: data, count: size))
        }
    }
    /// A copy.
    public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

/// A payload with its timestamp. It keeps the bytes where the library has them, also when everything else is gone.
public struct Frame: Sendable {
    public let timestamp: UInt64
    /// Of a datagram.
    public let number: UInt64

    private let batch: Handle
    private let data: UInt
    private let size: Int

    static func all(of batch: comoq_frames) -> [Frame] {
        let owner = Handle(batch)
        let count = Int(comoq_frames_view(batch, nil, 0))
        let views = [comoq_frame](unsafeUninitializedCapacity: max(0, count)) { views, filled in
            filled = max(0, Int(comoq_frames_view(batch, views.baseAddress, count)))
        }
        return views.map {
            Frame(timestamp: $0.timestamp, number: $0.number, batch: owner, data: UInt(bitPattern: $0.data), size: Int($0.size))
        }
    }

    /// No copy. The memory is valid in the closure.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(batch) {
            try body(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: data), count: size))
        }
    }
    /// A copy.
    public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

/// Reads a group.
public final class Reader: Handle, @unchecked Sendable {
    public var sequence: UInt64 { value { comoq_reader_sequence($0, $1) } }
    /// All frames that are there, at least one and at most `most`; nil at the group's end.
    public func read(most: Int = 64) async throws -> [Frame]? {
        try await ask { comoq_reader_read($0, most, $1, $2, $3, $4) }.map { Frame.all(of: $0) }
    }
    /// The group's frames, one by one.
    public var frames: Steps<Frame> {
        var ready: ArraySlice<Frame> = []
        return Steps {
            if ready.isEmpty { ready = try await self.read()?[...] ?? [] }
            return ready.popFirst()
        }
    }
    /// The next frame as soon as it is begun; nil at the group's end.
    public func openFrame() async throws -> FrameReader? {
        try await ask { comoq_reader_frame($0, $1, $2, $3, $4) }.map { FrameReader($0) }
    }
}

/// Reads a frame while it is being written.
public final class FrameReader: Handle, @unchecked Sendable {
    /// What the writer has declared.
    public var size: UInt64 { value { comoq_frame_reader_view($0, $1, nil) } }
    /// The next bytes as soon as they are written; nil at the frame's end.
    public func chunk() async throws -> Payload? {
        try await ask { comoq_frame_reader_chunk($0, $1, $2, $3, $4) }.map { Payload($0) }
    }
}

extension Sequence<UInt8> {
    /// Without a copy where the bytes are contiguous.
    @discardableResult
    func asOctets<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        if let result = try withContiguousStorageIfAvailable(body) { return result }
        return try [UInt8](self).withUnsafeBufferPointer(body)
    }
}
