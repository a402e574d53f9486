// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.JAVA_BYTE
import java.lang.foreign.ValueLayout.JAVA_INT
import java.lang.foreign.ValueLayout.JAVA_LONG
import java.lang.foreign.ValueLayout.JAVA_SHORT
import java.lang.ref.Reference
import kotlin.time.Duration
import kotlinx.coroutines.flow.Flow

/** A publisher's description of a track. 0 in a field is the usual value. [timescale] is in units a second. */
data class TrackInfo(
    val priority: Int = 0,
    val isOrdered: Boolean = false,
    val maxLatency: Duration = Duration.ZERO,
    val timescale: Long = 0,
) {
    internal fun argument(arena: Arena): MemorySegment = arena.allocate(trackInfo).apply {
        begin(priority, isOrdered, maxLatency)
        set(JAVA_LONG, 16, timescale)
    }
}

/** A subscriber's wishes. Without [start] it begins at the newest group. */
data class Subscription(
    val priority: Int = 0,
    val isOrdered: Boolean = false,
    val maxLatency: Duration = Duration.ZERO,
    val start: Long? = null,
    val end: Long? = null,
) {
    internal fun argument(arena: Arena): MemorySegment = arena.allocate(subscription).apply {
        begin(priority, isOrdered, maxLatency)
        set(JAVA_SHORT, 6, ((if (start != null) 1 else 0) or (if (end != null) 2 else 0)).toShort())
        set(JAVA_LONG, 16, start ?: 0)
        set(JAVA_LONG, 24, end ?: 0)
    }
}

private fun MemorySegment.begin(priority: Int, isOrdered: Boolean, maxLatency: Duration) {
    set(JAVA_INT, 0, byteSize().toInt())
    set(JAVA_BYTE, 4, priority.toByte())
    set(JAVA_BYTE, 5, if (isOrdered) 1 else 0)
    set(JAVA_LONG, 8, maxLatency.inWholeMilliseconds)
}

/** Writes a broadcast. Its [close] ends it, with its announcement: with [ComoqException.dropped], unless [finish] was called. */
class Broadcast internal constructor(handle: Long) : Handle(handle) {
    /** A new live track. */
    fun track(name: String, info: TrackInfo = TrackInfo()): Track = Track(made { raw, out ->
        track.invokeExact(raw, text(name), info.argument(this), out) as Int
    })

    /** A reader of it. */
    fun consume(): Consumer = Consumer(made(consume))

    /** A handler for tracks that are asked for and not there. */
    fun dynamic(): TrackHandler = TrackHandler(made(dynamic))

    /** Returns once somebody uses it. */
    suspend fun used() = done(used)

    /** Returns once nobody uses it. */
    suspend fun unused() = done(unused)

    /** Ends it well. */
    fun finish() = run(finish)

    /** Ends it with a code. */
    fun abort(reason: ComoqException) {
        run(abort, reason)
    }

    private companion object {
        val track = function("broadcast_track", "HSPP")
        val consume = function("broadcast_consume", "HP")
        val dynamic = function("broadcast_dynamic", "HP")
        val used = function("broadcast_used", "H$WAITS")
        val unused = function("broadcast_unused", "H$WAITS")
        val finish = function("broadcast_finish", "H")
        val abort = function("broadcast_abort", "HI")
    }
}

/** Reads a broadcast. */
class Consumer internal constructor(handle: Long) : Handle(handle) {
    /** True if both read one broadcast. */
    fun isSame(other: Consumer): Boolean = try {
        call { same.invokeExact(it, other.raw) as Int }
    } finally {
        Reference.reachabilityFence(other)
    }

    /** True once the broadcast has ended. */
    val isClosed: Boolean get() = call { hasClosed.invokeExact(it) as Int }

    /** Returns when the broadcast has ended; throws the reason if that was not a good one. */
    suspend fun closed() = done(closed)

    /** Subscribes to a track, which a handler may make. */
    suspend fun subscribe(name: String, wishes: Subscription = Subscription()): Subscriber = Subscriber(wait { raw, queue, user, now, op ->
        inArena { subscribe.invokeExact(raw, text(name), wishes.argument(this), queue, user, now, op) as Int }
    })

    /** A group by its number, from the cache or from a handler. */
    suspend fun fetch(name: String, sequence: Long, priority: Int = 0): Reader = Reader(wait { raw, queue, user, now, op ->
        inArena { fetch.invokeExact(raw, text(name), sequence, priority.toByte(), queue, user, now, op) as Int }
    })

    private companion object {
        val same = function("consumer_same", "HH")
        val hasClosed = function("consumer_is_closed", "H")
        val closed = function("consumer_closed", "H$WAITS")
        val subscribe = function("consumer_subscribe", "HSP$WAITS")
        val fetch = function("consumer_fetch", "HSHB$WAITS")
    }
}

/** Serves tracks that are asked for and not there. */
class TrackHandler internal constructor(handle: Long) : Handle(handle) {
    /** The next request; null when the broadcast has ended. */
    suspend fun next(): TrackRequest? = wait(next).ifMore(::TrackRequest)
    val requests: Flow<TrackRequest> get() = steps(::next)

    private companion object {
        val next = function("track_handler_next", "H$WAITS")
    }
}

/** A request for a track that is not there. Closed without an answer, it answers [ComoqException.notFound]. */
class TrackRequest internal constructor(handle: Long) : Handle(handle) {
    val name: String = inArena {
        val out = allocate(text)
        call { getName.invokeExact(it, out) as Int }
        out.textAt(0)
    }

    /** Makes the track live, for all who wait. */
    fun accept(info: TrackInfo = TrackInfo()): Track = Track(made { raw, out ->
        accept.invokeExact(raw, info.argument(this), out) as Int
    })

    /** Refuses with a code. True if this call settled the request. */
    fun reject(reason: ComoqException): Boolean = run(reject, reason)

    private companion object {
        val getName = function("track_request_name", "HP")
        val accept = function("track_request_accept", "HPP")
        val reject = function("track_request_reject", "HI")
    }
}
