// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.ADDRESS
import java.lang.foreign.ValueLayout.JAVA_INT
import java.lang.foreign.ValueLayout.JAVA_LONG
import java.lang.invoke.MethodHandle
import java.lang.ref.Reference
import kotlinx.coroutines.flow.Flow

/** A collection of broadcasts by path, or a part of one. It is gone when all its handles are closed. */
class Origin private constructor(handle: Long) : Handle(handle) {
    constructor() : this(inArena {
        val out = allocate(JAVA_LONG)
        check(create.invokeExact(MemorySegment.NULL, out) as Int)
        out.get(JAVA_LONG, 0)
    })

    /** The part below a prefix, which all paths then leave out. */
    fun withRoot(prefix: String): Origin = Origin(named(withRoot, prefix))

    /** Makes a broadcast and announces it until it is closed. */
    fun publish(path: String): Broadcast = Broadcast(made { raw, out ->
        publish.invokeExact(raw, text(path), MemorySegment.NULL, out) as Int
    })

    /** Makes a broadcast that is not announced: for a handler to serve. */
    fun make(): Broadcast = Broadcast(made { raw, out -> make.invokeExact(raw, MemorySegment.NULL, out) as Int })

    /**
     * The broadcast at a path, made on demand if necessary: [ComoqException.notFound] where nobody makes it, and the very code of a
     * handler that refuses it.
     */
    suspend fun requestBroadcast(path: String): Consumer = Consumer(wait { raw, queue, user, now, op ->
        inArena { request.invokeExact(raw, text(path), queue, user, now, op) as Int }
    })

    /** Waits for an announcement of exactly this path. It asks no handler. */
    suspend fun announcedBroadcast(path: String): Consumer = Consumer(wait { raw, queue, user, now, op ->
        inArena { announcedBroadcast.invokeExact(raw, text(path), queue, user, now, op) as Int }
    })

    /** Follows what is announced below a prefix, beginning with what is active. */
    fun announced(prefix: String = ""): Watch = Watch(named(announced, prefix))

    /** A handler for requests that no announcement answers. */
    fun dynamic(): Handler = Handler(made(dynamic))

    private fun named(function: MethodHandle, name: String): Long = made { raw, out ->
        function.invokeExact(raw, text(name), out) as Int
    }

    private companion object {
        val create = function("origin_create", "PP")
        val withRoot = function("origin_with_root", "HSP")
        val publish = function("origin_publish", "HSPP")
        val make = function("origin_make", "HPP")
        val request = function("origin_request", "HS$WAITS")
        val announcedBroadcast = function("origin_announced_broadcast", "HS$WAITS")
        val announced = function("origin_announced", "HSP")
        val dynamic = function("origin_dynamic", "HP")
    }
}

/** What has happened at a path. */
enum class Event { ACTIVE, RESTART, ENDED }

/** A change at one path. It has the broadcast that it tells of. */
class Announcement internal constructor(record: Long) : Handle(record) {
    val path: String
    val event: Event

    init {
        val (what, where) = inArena {
            val what = allocate(JAVA_INT)
            val where = allocate(text)
            call { view.invokeExact(it, what, where) as Int }
            what.get(JAVA_INT, 0) to where.textAt(0)
        }
        event = Event.entries[what]
        path = where
    }

    /** The very broadcast that it tells of; [ComoqException.notFound] for an end. */
    fun broadcast(): Consumer = Consumer(made(broadcast))

    private companion object {
        val view = function("record_view", "HPP")
        val broadcast = function("record_broadcast", "HP")
    }
}

/** Follows announcements. */
class Watch internal constructor(handle: Long) : Handle(handle) {
    /** The next change; null when the origin is gone. */
    suspend fun next(): Announcement? = wait(next).ifMore(::Announcement)
    val all: Flow<Announcement> get() = steps(::next)

    private companion object {
        val next = function("watch_next", "H$WAITS")
    }
}

/** Serves broadcasts that nobody announced. */
class Handler internal constructor(handle: Long) : Handle(handle) {
    /** The next request; null when the origin is gone. */
    suspend fun next(): Request? = wait(next).ifMore(::Request)
    val requests: Flow<Request> get() = steps(::next)

    private companion object {
        val next = function("handler_next", "H$WAITS")
    }
}

/** A request for a broadcast that nobody announced. Closed without an answer, it answers [ComoqException.notFound]. */
class Request internal constructor(handle: Long) : Handle(handle) {
    val path: String = inArena {
        val out = allocate(text)
        call { getPath.invokeExact(it, out, MemorySegment.NULL) as Int }
        out.textAt(0)
    }

    /** Answers all who wait. True if this call settled the request. */
    fun accept(broadcast: Broadcast): Boolean = settle(broadcast)
    fun accept(broadcast: Consumer): Boolean = settle(broadcast)

    /** Refuses all who wait. True if this call settled the request. */
    fun reject(reason: ComoqException): Boolean = run(reject, reason)

    /** Returns once nobody waits for the answer any more. */
    suspend fun abandoned() = done(abandoned)

    private fun settle(broadcast: Handle): Boolean = try {
        call { accept.invokeExact(it, broadcast.raw) as Int }
    } finally {
        Reference.reachabilityFence(broadcast)
    }

    private companion object {
        val getPath = function("request_path", "HPP")
        val accept = function("request_accept", "HH")
        val reject = function("request_reject", "HI")
        val abandoned = function("request_abandoned", "H$WAITS")
    }
}
