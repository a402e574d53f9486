// SPDX-License-Identifier: MIT
import CComoq
import Foundation

/// The waits of the process: one queue of the library, and one thread that takes its events.
final class Waits: @unchecked Sendable {
    static let shared = Waits()

    private enum Place {
        case empty
        case came(comoq_event)
        case waits(CheckedContinuation<comoq_event, Never>)
    }

    private let queue: comoq_queue
    private let lock = NSLock()
    private var places: [UInt64: Place] = [:]
    private var last: UInt64 = 0

    private init() {
        var queue: comoq_queue = 0
        let code = comoq_queue_create(&queue)
        precondition(code == COMOQ_OK, "comoq: no queue: \(ComoqError(code: code))")
        self.queue = queue
        Thread { [self] in take() }.start()
    }

    private func take() {
        var events = [comoq_event](repeating: comoq_event(), count: 64)
        while true {
            let count = comoq_queue_next(queue, &events, events.count, -1)
            if count < 0 { return }
            for event in events.prefix(Int(count)) { settle(event) }
        }
    }

    /// A wait has its event. It does nothing for one that is not there any more.
    private func settle(_ event: comoq_event) {
        let waiting: CheckedContinuation<comoq_event, Never>? = lock.withLock {
            switch places[event.user] {
            case .empty:
                places[event.user] = .came(event)
                return nil
            case .waits(let continuation):
                places[event.user] = nil
                return continuation
            case .came, nil:
                return nil
            }
        }
        waiting?.resume(returning: event)
    }

    private func wait(_ user: UInt64, _ continuation: CheckedContinuation<comoq_event, Never>) {
        let already: comoq_event? = lock.withLock {
            if case .came(let event) = places[user] {
                places[user] = nil
                return event
            }
            places[user] = .waits(continuation)
            return nil
        }
        if let already { continuation.resume(returning: already) }
    }

    typealias Call = (_ queue: comoq_queue, _ user: UInt64, _ now: UnsafeMutablePointer<comoq_event>, _ op: UnsafeMutablePointer<comoq_op>) throws -> Int32

    /// The value of a call that may wait; nil at the end of a stream. A task that is cancelled withdraws its own wait, and throws
    /// CancellationError, unless the outcome is there already: then it has that.
    func ask(_ call: Call) async throws -> UInt64? {
        try Task.checkCancellation()
        let user = lock.withLock {
            last += 1
            places[last] = .empty
            return last
        }
        var now = comoq_event()
        var op: comoq_op = 0
        let answer = Result { try check(try call(queue, user, &now, &op)) }
        if case .success(false) = answer {
            let withdrawn = op
            now = await withTaskCancellationHandler {
                await withCheckedContinuation { wait(user, $0) }
            } onCancel: {
                if comoq_close(withdrawn) == COMOQ_OK {
                    settle(comoq_event(user: user, value: 0, code: Waits.isWithdrawn, flags: 0))
                }
            }
        } else {
            lock.withLock { places[user] = nil }
            _ = try answer.get()
        }
        if now.code == Waits.isWithdrawn { throw CancellationError() }
        try check(now.code)
        return now.flags & COMOQ_END != 0 ? nil : now.value
    }

    // No code of the library.
    private static let isWithdrawn = Int32.min
}

/// The steps of something, one after the other, up to its end.
public struct Steps<Element>: AsyncSequence, AsyncIteratorProtocol {
    let step: () async throws -> Element?
    public mutating func next() async throws -> Element? { try await step() }
    public func makeAsyncIterator() -> Steps<Element> { self }
}
