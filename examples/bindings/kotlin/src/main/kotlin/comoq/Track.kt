// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.JAVA_LONG
import kotlinx.coroutines.flow.Flow

/** Writes a track. Closed before [finish], it ends with [ComoqException.dropped]. */
class Track internal constructor(handle: Long) : Handle(handle) {
    /** A group with the next number. */
    fun group(): Group = Group(made(group))

    /** A group with that number. */
    fun groupAt(sequence: Long): Group = Group(made { raw, out -> groupAt.invokeExact(raw, sequence, out) as Int })

    /** Makes a finished group of one frame, whose payload is copied, and returns its number. */
    fun write(payload: ByteArray, timestamp: Long = 0): Long = made { raw, out ->
        write.invokeExact(raw, octets(payload), payload.size.toLong(), timestamp, out) as Int
    }

    /** Sends a datagram of at most 1,200 bytes to those who subscribe now, and returns its number. */
    fun datagram(payload: ByteArray, timestamp: Long = 0): Long = made { raw, out ->
        datagram.invokeExact(raw, octets(payload), payload.size.toLong(), timestamp, out) as Int
    }

    /** A handler for groups that are fetched and not there. */
    fun dynamic(): GroupHandler = GroupHandler(made(dynamic))

    /** Returns once somebody subscribes. */
    suspend fun used() = done(used)

    /** Returns once nobody subscribes. */
    suspend fun unused() = done(unused)

    /** No number after the latest will come. */
    fun finish() = run(finish)

    /** Ends the track with a code. */
    fun abort(reason: ComoqException) {
        run(abort, reason)
    }

    private companion object {
        val group = function("track_group", "HP")
        val groupAt = function("track_group_at", "HHP")
        val write = function("track_write", "HPHHP")
        val datagram = function("track_datagram", "HPHHP")
        val dynamic = function("track_dynamic", "HP")
        val used = function("track_used", "H$WAITS")
        val unused = function("track_unused", "H$WAITS")
        val finish = function("track_finish", "H")
        val abort = function("track_abort", "HI")
    }
}

/** Serves groups that are fetched and not there. */
class GroupHandler internal constructor(handle: Long) : Handle(handle) {
    /** The next request; null when the track has ended. */
    suspend fun next(): GroupRequest? = wait(next).ifMore(::GroupRequest)
    val requests: Flow<GroupRequest> get() = steps(::next)

    private companion object {
        val next = function("group_handler_next", "H$WAITS")
    }
}

/** A request for a group that is not there. Closed without an answer, it answers [ComoqException.notFound]. */
class GroupRequest internal constructor(handle: Long) : Handle(handle) {
    val sequence: Long = inArena {
        val out = allocate(JAVA_LONG)
        call { view.invokeExact(it, out, MemorySegment.NULL) as Int }
        out.get(JAVA_LONG, 0)
    }

    /** A group for all who wait, to be written now. */
    fun accept(info: TrackInfo = TrackInfo()): Group = Group(made { raw, out ->
        accept.invokeExact(raw, info.argument(this), out) as Int
    })

    /** Refuses with a code. True if this call settled the request. */
    fun reject(reason: ComoqException): Boolean = run(reject, reason)

    private companion object {
        val view = function("group_request_view", "HPP")
        val accept = function("group_request_accept", "HPP")
        val reject = function("group_request_reject", "HI")
    }
}

/** Reads a track. It counts as a subscriber until it is closed. */
class Subscriber internal constructor(handle: Long) : Handle(handle) {
    /** The group with the lowest number above the last one; null at the track's end. */
    suspend fun next(): Reader? = wait(next).ifMore(::Reader)

    /** The next group in the order of arrival; null at the track's end. */
    suspend fun receive(): Reader? = wait(receive).ifMore(::Reader)
    val groups: Flow<Reader> get() = steps(::next)

    /** The next frame of the track, group after group, alone in its batch; null at the track's end. */
    suspend fun readFrame(): Batch? = wait(readFrame).ifMore(::Batch)

    /** The next datagram, whose [Frame.number] is set, alone in its batch; null at the track's end. */
    suspend fun datagram(): Batch? = wait(datagram).ifMore(::Batch)

    private companion object {
        val next = function("subscriber_next", "H$WAITS")
        val receive = function("subscriber_receive", "H$WAITS")
        val readFrame = function("subscriber_read_frame", "H$WAITS")
        val datagram = function("subscriber_datagram", "H$WAITS")
    }
}
