// SPDX-License-Identifier: MIT
// A request for a broadcast that nobody has announced, and the handler that serves it.
import Comoq

func serve(_ origin: Origin, _ handler: Handler) async throws {
    for try await request in handler.requests {
        guard request.path.hasPrefix("live/") else {
            try request.reject(.app(404))
            continue
        }
        let broadcast = try origin.make()
        let track = try broadcast.track("text")
        try track.write("hello from \(request.path)".utf8)
        try track.finish()
        try request.accept(broadcast)
        Task {
            try? await broadcast.unused()  // until nobody reads it any more
            track.close()
            broadcast.close()
        }
    }
}

let origin = try Origin()
let handler = try origin.dynamic()
let serving = Task { try await serve(origin, handler) }

let broadcast = try await origin.requestBroadcast("live/alice")
let track = try await broadcast.subscribe("text", Subscription(start: 0))
for try await group in track.groups {
    for try await frame in group.frames {
        print(String(decoding: frame.bytes, as: UTF8.self))
    }
}
do {
    _ = try await origin.requestBroadcast("vod/1")
} catch let error as ComoqError {
    print(error)
}
serving.cancel()
