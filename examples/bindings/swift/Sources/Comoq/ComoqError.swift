// SPDX-License-Identifier: MIT
import CComoq

/// The code of a failure.
public struct ComoqError: Error, Hashable, Sendable, CustomStringConvertible {
    public let code: Int32

    public init(code: Int32) { self.code = code }

    public static let notFound = ComoqError(code: COMOQ_NOT_FOUND)
    public static let unauthorized = ComoqError(code: COMOQ_UNAUTHORIZED)
    public static let closed = ComoqError(code: COMOQ_CLOSED)
    public static let dropped = ComoqError(code: COMOQ_DROPPED)
    public static let cancelled = ComoqError(code: COMOQ_CANCELLED)
    public static let invalidPath = ComoqError(code: COMOQ_INVALID_PATH)
    public static let lagged = ComoqError(code: COMOQ_LAGGED)
    public static let duplicate = ComoqError(code: COMOQ_DUPLICATE)
    public static let wrongSize = ComoqError(code: COMOQ_WRONG_SIZE)

    /// An application's own error. The number, of at most 0x7effffff, arrives where it is sent to.
    public static func app(_ number: UInt32) -> ComoqError {
        let least = number < 0xffc0 ? UInt32(64) : 0x100_0000
        return ComoqError(code: -Int32(least + number))
    }

    /// The application's number, if the error is one of an application.
    public var number: UInt32? {
        var number: UInt32 = 0
        return comoq_app_code(code, &number) == COMOQ_READY ? number : nil
    }

    public var description: String {
        String(unsafeUninitializedCapacity: 200) { text in
            text.withMemoryRebound(to: CChar.self) { min(comoq_code_text(code, $0.baseAddress, $0.count), $0.count - 1) }
        }
    }
}

/// Throws what a call has returned, unless that is 0 or COMOQ_READY. The latter gives true.
@discardableResult
func check(_ code: Int32) throws -> Bool {
    if code >= 0 { return code == COMOQ_READY }
    throw code == COMOQ_ERROR_HANDLE ? ComoqError.closed : ComoqError(code: code)
}
