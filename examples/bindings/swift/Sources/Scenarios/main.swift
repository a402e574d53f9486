// SPDX-License-Identifier: MIT
// The scenarios of ../../../scenarios.md. Each gives back its handles.
import Comoq
import Foundation

struct NotSo: Error, CustomStringConvertible { let description: String }

func check(_ is: Bool, _ what: String) throws {
    if !`is` { throw NotSo(description: what) }
}

func fails<T>(_ error: ComoqError, _ what: String, _ body: () async throws -> T) async throws {
    do {
        _ = try await body()
    } catch let thrown as ComoqError where thrown == error {
        return
    }
    throw NotSo(description: what)
}

nonisolated(unsafe) var failures = 0

func scenario(_ name: String, _ run: @escaping @Sendable (Origin) async throws -> Void) async {
    let handles = liveHandles()
    do {
        let origin = try Origin()
        let running = Task { try await run(origin) }
        let patience = Task {
            try await Task.sleep(nanoseconds: 20_000_000_000)
            print("FAIL \(name): it hangs")
            exit(1)
        }
        let result = await running.result
        patience.cancel()
        try result.get()
    } catch {
        print("FAIL \(name): \(error)")
        failures += 1
        return
    }
    for _ in 0..<500 where liveHandles() > handles { try? await Task.sleep(nanoseconds: 2_000_000) }
    if liveHandles() > handles {
        print("FAIL \(name): \(liveHandles() - handles) handles stay")
        failures += 1
    } else {
        print("ok   \(name)")
    }
}

// The first session makes the thread of the library.
_ = try? await Session.dial("no url", SessionConfig())

await scenario("announced") { origin in
    async let later = origin.announcedBroadcast("live/two")
    let one = try origin.publish("live/one"), two = try origin.publish("live/two")
    try check(try await origin.requestBroadcast("live/one").isSame(as: try one.consume()), "the request has the announced broadcast")
    try check(try await later.isSame(as: try two.consume()), "the one that comes later")
}

await scenario("on demand, rejected, nobody, a handler that goes") { origin in
    try await fails(.notFound, "nobody") { try await origin.requestBroadcast("nobody") }
    try await fails(.invalidPath, "an invalid path") { try await origin.requestBroadcast("a\u{1}") }
    let handler = try origin.dynamic()
    async let first = origin.requestBroadcast("vod/1")
    async let second = origin.requestBroadcast("vod/1")
    let asked = try await handler.next()!
    try check(asked.path == "vod/1", "the path")
    let broadcast = try origin.make()
    try check(try asked.accept(broadcast) && !(try asked.accept(broadcast)), "settled once")
    let (one, two) = (try await first, try await second)
    try check(one.isSame(as: two), "both get the same broadcast")

    let third = Task { try await origin.requestBroadcast("vod/2") }
    for try await refused in handler.requests {
        try refused.reject(.app(404))
        break
    }
    do {
        _ = try await third.value
        throw NotSo(description: "it is refused")
    } catch let error as ComoqError {
        try check(error == .app(404) && error.number == 404, "the handler's number")
    }

    let waiting = Task { try await origin.requestBroadcast("vod/3") }
    try await handler.next()!.close()
    try await fails(.notFound, "a request that was dropped") { try await waiting.value }
    let last = Task { try await origin.requestBroadcast("vod/4") }
    let held = try await handler.next()
    handler.close()
    held?.close()
    try await fails(.notFound, "a handler that went") { try await last.value }
    try await fails(.notFound, "after the handler") { try await origin.requestBroadcast("vod/5") }
}

await scenario("cancelled while it waits") { origin in
    let handler = try origin.dynamic()
    let mine = Task { try await origin.requestBroadcast("vod/1") }
    let other = Task { try await origin.requestBroadcast("vod/2") }
    var requests: [String: Request] = [:]
    for _ in 0..<2 {
        let asked = try await handler.next()!
        requests[asked.path] = asked
    }
    mine.cancel()
    do {
        _ = try await mine.value
        throw NotSo(description: "it is cancelled")
    } catch is CancellationError {}
    try await requests["vod/1"]!.abandoned()
    try requests["vod/2"]!.reject(.notFound)
    try await fails(.notFound, "the other one goes on") { try await other.value }
    let over = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await origin.requestBroadcast("vod/3")
    }
    do {
        _ = try await over.value
        throw NotSo(description: "a task that is over asks nobody")
    } catch is CancellationError {}
}

await scenario("announcements with ends") { origin in
    let watch = try origin.announced("room")
    let broadcast = try origin.publish("room/x")
    let active = try await watch.next()!
    try check(active.path == "room/x" && active.event == .active, "active")
    broadcast.close()
    let ended = try await watch.next()!
    try check(ended.event == .ended, "ended")
    try check(try active.broadcast().isClosed, "the record has its broadcast")
    try await fails(.notFound, "an end has none") { try ended.broadcast() }
    origin.close()
    for try await _ in watch.all { throw NotSo(description: "nothing comes any more") }
}

await scenario("groups and frames, and a view that outlives the reader") { origin in
    var kept: Frame?
    do {
        let broadcast = try origin.publish("x")
        let track = try broadcast.track("video")
        let subscriber = try await broadcast.consume().subscribe("video")
        let group = try track.group()
        for (i, payload) in ["key", "a", "bb"].enumerated() { try group.write(payload.utf8, at: UInt64(40 + i)) }
        try group.finish()
        try track.finish()
        let reader = try await subscriber.next()!
        try check(reader.sequence == 0, "the number")
        let frames = try await reader.read()!
        try check(frames.count == 3 && frames[2].timestamp == 42, "three frames")
        try check(try await reader.read() == nil, "the end of the group")
        try check(try await subscriber.next() == nil, "the end of the track")
        kept = frames[2]
    }
    origin.close()
    try check(kept!.bytes == Array("bb".utf8), "the payload")
}

await scenario("chunks") { origin in
    let broadcast = try origin.publish("x")
    let group = try broadcast.track("video").group()
    let writer = try group.open(size: 8, at: 1)
    let frame = try await group.consume().openFrame()!
    try check(frame.size == 8, "the declared size")
    try writer.write("abcd".utf8)
    try check(try await frame.chunk()!.bytes == Array("abcd".utf8), "the first chunk")
    try await fails(.wrongSize, "too many bytes") { try writer.write("too long".utf8) }
    try writer.write("efgh".utf8)
    try writer.finish()
    try check(try await frame.chunk()!.bytes == Array("efgh".utf8), "the second chunk")
    try check(try await frame.chunk() == nil, "the end of the frame")
}

await scenario("tracks and groups on demand") { origin in
    let broadcast = try origin.publish("x")
    let tracks = try broadcast.dynamic()
    let consumer = try broadcast.consume()
    async let subscribing = consumer.subscribe("audio", Subscription(priority: 9))
    let asked = try await tracks.next()!
    try check(asked.name == "audio", "the name")
    let track = try asked.accept(TrackInfo(timescale: 90_000))
    let subscriber = try await subscribing
    let groups = try track.dynamic()
    let fetching = Task {
        var all: [[UInt8]] = []
        for try await frame in try await consumer.fetch("audio", 40).frames { all.append(frame.bytes) }
        return all
    }
    let wanted = try await groups.next()!
    try check(wanted.sequence == 40, "the number")
    let group = try wanted.accept()
    try group.write("old".utf8)
    try group.finish()
    try check(try await fetching.value == [Array("old".utf8)], "fetched")
    try await track.used()
    subscriber.close()
    try await track.unused()
}

await scenario("datagrams") { origin in
    let broadcast = try origin.publish("x")
    let track = try broadcast.track("position")
    let subscriber = try await broadcast.consume().subscribe("position")
    try track.datagram("here".utf8, at: 5)
    try track.datagram("there".utf8, at: 6)
    _ = try await subscriber.datagram()
    let second = try await subscriber.datagram()!
    try check(second.bytes == Array("there".utf8) && second.number == 1, "payload and number")
}

await scenario("a session over TCP") { hub in
    let here = try Origin(), there = try Origin()
    let handler = try hub.dynamic()
    let server = try Server.listen("tcp://127.0.0.1:0", SessionConfig(publish: hub, subscribe: hub))
    let broadcast = try there.publish("live/x")
    let track = try broadcast.track("video")
    let session = try await Session.dial(server.url, SessionConfig(publish: there))
    let kept = Task { try await keepConnected(server.url, SessionConfig(subscribe: here)) }
    let consumer = try await here.announcedBroadcast("live/x")
    let subscriber = try await consumer.subscribe("video")
    try track.write("over the wire".utf8)
    try check(try await subscriber.readFrame()!.bytes == Array("over the wire".utf8), "the frame")
    let lazy = try await here.requestBroadcast("on/demand")
    let refused = Task { try await lazy.subscribe("t") }
    try await handler.next()!.reject(.app(451))
    try await fails(.app(451), "the handler's code, through the session") { try await refused.value }
    kept.cancel()
    _ = await kept.result
    for object in [subscriber, consumer, track, broadcast, session, server, handler] as [Handle] { object.close() }
}

if let relay = ProcessInfo.processInfo.environment["COMOQ_TEST_RELAY"] {
    await scenario("the relay") { here in
        let there = try Origin()
        let broadcast = try there.publish("swift/\(UInt32.random(in: 0...UInt32.max))")
        let track = try broadcast.track("t")
        let publishing = Task { try await keepConnected(relay, SessionConfig(publish: there)) }
        let watching = Task { try await keepConnected(relay, SessionConfig(subscribe: here)) }
        let watch = try here.announced("swift")
        let found = try await watch.next()!
        let subscriber = try await found.broadcast().subscribe("t")
        try track.write("through the relay".utf8)
        try check(try await subscriber.readFrame()!.bytes == Array("through the relay".utf8), "the frame")
        for task in [publishing, watching] {
            task.cancel()
            _ = await task.result
        }
    }
} else {
    print("WITHOUT the relay: COMOQ_TEST_RELAY is not set")
}

await scenario("a thousand requests at once") { origin in
    let handler = try origin.dynamic()
    let serving = Task {
        for try await asked in handler.requests {
            let broadcast = try origin.make()
            try asked.accept(broadcast)
        }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
        for i in 0..<1000 { group.addTask { try await origin.requestBroadcast("many/\(i % 500)").close() } }
        try await group.waitForAll()
    }
    serving.cancel()
    _ = await serving.result
}

await scenario("a thousand waits withdrawn while they settle") { origin in
    let handler = try origin.dynamic()
    let serving = Task { for try await asked in handler.requests { try asked.reject(.app(1)) } }
    for i in 0..<1000 {
        let asking = Task { try await origin.requestBroadcast("race/\(i)") }
        if i % 3 == 0 { await Task.yield() }
        asking.cancel()
        _ = await asking.result
    }
    serving.cancel()
    _ = await serving.result
}

print(failures == 0 ? "all went well" : "\(failures) failed")
exit(failures == 0 ? 0 : 1)
