// SPDX-License-Identifier: MIT
import CComoq
import Foundation

/// Something of the library's that ends with `close()`, or with the last reference to it. Several threads may use it at a time.
public class Handle: @unchecked Sendable {
    private let lock = NSLock()
    private var handle: comoq_handle

    init(_ handle: comoq_handle) { self.handle = handle }

    deinit { comoq_close(handle) }

    /// Ends what the object stands for. The second time it does nothing.
    public func close() {
        let ended = lock.withLock {
            defer { handle = 0 }
            return handle
        }
        comoq_close(ended)
    }

    /// 0 once it is closed, which each call answers with `ComoqError.closed`.
    var raw: comoq_handle { lock.withLock { handle } }

    @discardableResult
    func call(_ body: (comoq_handle) -> Int32) throws -> Bool {
        try withExtendedLifetime(self) { try check(body(raw)) }
    }

    func made(_ body: (comoq_handle, UnsafeMutablePointer<comoq_handle>) -> Int32) throws -> comoq_handle {
        var out: comoq_handle = 0
        try call { body($0, &out) }
        return out
    }

    func ask(_ body: (comoq_handle, comoq_queue, UInt64, UnsafeMutablePointer<comoq_event>, UnsafeMutablePointer<comoq_op>) -> Int32)
        async throws -> UInt64? {
        defer { withExtendedLifetime(self) {} }
        return try await Waits.shared.ask { body(raw, $0, $1, $2, $3) }
    }

    func value(_ body: (comoq_handle, UnsafeMutablePointer<UInt64>) -> Int32) -> UInt64 {
        var out: UInt64 = 0
        _ = try? call { body($0, &out) }
        return out
    }
}

/// How many handles the process has, for tests.
public func liveHandles() -> UInt64 { comoq_live_handles() }

extension String {
    /// As an argument, which must not outlive the call.
    func asText<R>(_ body: (comoq_string) throws -> R) rethrows -> R {
        var copy = self
        return try copy.withUTF8 { octets in
            try octets.withMemoryRebound(to: CChar.self) { try body(comoq_string(data: $0.baseAddress, size: $0.count)) }
        }
    }

    init(_ text: comoq_string) {
        self = text.data.map { String(decoding: UnsafeRawBufferPointer(start: $0, count: text.size), as: UTF8.self) } ?? ""
    }
}

extension Optional where Wrapped == String {
    func asText<R>(_ body: (comoq_string) throws -> R) rethrows -> R { try (self ?? "").asText(body) }
}
