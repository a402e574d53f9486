// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.ADDRESS
import java.lang.foreign.ValueLayout.JAVA_BYTE
import java.lang.foreign.ValueLayout.JAVA_LONG
import java.nio.ByteBuffer
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** Writes a group. Closed before [finish], it fails with [ComoqException.dropped], after its complete frames. */
class Group internal constructor(handle: Long) : Handle(handle) {
    val sequence: Long get() = made(getSequence)

    /** Appends a frame, whose payload is copied. */
    fun write(payload: ByteArray, timestamp: Long = 0): Unit = inArena {
        call { write.invokeExact(it, octets(payload), payload.size.toLong(), timestamp) as Int }
    }

    /** Begins a frame that is written in chunks. */
    fun open(size: Long, timestamp: Long = 0): FrameWriter = FrameWriter(made { raw, out ->
        open.invokeExact(raw, size, timestamp, out) as Int
    })

    /** A reader of it. */
    fun consume(): Reader = Reader(made(consume))

    /** No more frames will come. */
    fun finish() = run(finish)

    /** Fails the group with a code. */
    fun abort(reason: ComoqException) {
        run(abort, reason)
    }

    private companion object {
        val getSequence = function("group_sequence", "HP")
        val write = function("group_write", "HPHH")
        val open = function("group_open", "HHHP")
        val consume = function("group_consume", "HP")
        val finish = function("group_finish", "H")
        val abort = function("group_abort", "HI")
    }
}

/** Writes a frame in chunks. Closed before [finish], it fails its group. */
class FrameWriter internal constructor(handle: Long) : Handle(handle) {
    /** The next chunk, copied. */
    fun write(chunk: ByteArray): Unit = inArena {
        call { write.invokeExact(it, octets(chunk), chunk.size.toLong()) as Int }
    }

    /** Completes the frame. */
    fun finish() = run(finish)

    private companion object {
        val write = function("frame_writer_write", "HPH")
        val finish = function("frame_writer_finish", "H")
    }
}

/** A payload with its timestamp. The bytes lie where the library has them, until the batch is closed. [number] is a datagram's. */
class Frame internal constructor(private val batch: Batch, private val data: MemorySegment, val timestamp: Long, val number: Long) {
    val size: Long get() = data.byteSize()

    /** Gives the bytes to [body], which must not change them, nor keep the buffer. No copy. [ComoqException.closed] after the batch. */
    fun <R> use(body: (ByteBuffer) -> R): R = batch.whileOpen { body(data.asByteBuffer().asReadOnlyBuffer()) }

    /** A copy. */
    fun bytes(): ByteArray = batch.whileOpen { data.toArray(JAVA_BYTE) }
}

/** Frames that were read together. Close it: nothing tells the collector how much memory it keeps. */
class Batch internal constructor(private val handle: Long) : Handle(handle) {
    // Those who read its bytes, and one for the batch as long as it is open. Whoever leaves last closes the handle.
    private val users = java.util.concurrent.atomic.AtomicInteger(1)
    private val isOpen = java.util.concurrent.atomic.AtomicBoolean(true)

    val frames: List<Frame>

    init {
        val count = view.invokeExact(handle, MemorySegment.NULL, 0L) as Long
        frames = inArena {
            val out = allocate(frame, count)
            List((view.invokeExact(handle, out, count) as Long).toInt()) {
                val one = out.asSlice(it * frame.byteSize(), frame.byteSize())
                val data = one.get(ADDRESS, 0).reinterpret(one.get(JAVA_LONG, 8))
                Frame(this@Batch, data, one.get(JAVA_LONG, 16), one.get(JAVA_LONG, 24))
            }
        }
    }

    override fun close() {
        if (isOpen.getAndSet(false)) leave()
    }

    internal fun <R> whileOpen(body: () -> R): R {
        if (users.getAndUpdate { if (it == 0) 0 else it + 1 } == 0) throw ComoqException.closed
        return try {
            if (!isOpen.get()) throw ComoqException.closed
            body()
        } finally {
            leave()
        }
    }

    private fun leave() {
        if (users.decrementAndGet() == 0) super.close()
    }

    private companion object {
        val view = function("frames_view", "HPH", JAVA_LONG)
    }
}

/** Reads a group. */
class Reader internal constructor(handle: Long) : Handle(handle) {
    val sequence: Long get() = made(getSequence)

    /** All frames that are there, at least one and at most [most]; null at the group's end. */
    suspend fun read(most: Int = 64): Batch? = wait { raw, queue, user, now, op ->
        read.invokeExact(raw, most.toLong(), queue, user, now, op) as Int
    }.ifMore(::Batch)

    /** The group's frames, without a copy: the bytes of each are there until the next one is asked for. */
    val frames: Flow<Frame>
        get() = flow {
            while (true) {
                val batch = read() ?: break
                batch.use { for (one in it.frames) emit(one) }
            }
        }

    /** The next frame as soon as it is begun; null at the group's end. */
    suspend fun openFrame(): FrameReader? = wait(openFrame).ifMore(::FrameReader)

    private companion object {
        val getSequence = function("reader_sequence", "HP")
        val read = function("reader_read", "HH$WAITS")
        val openFrame = function("reader_frame", "H$WAITS")
    }
}

/** Reads a frame while it is being written. */
class FrameReader internal constructor(handle: Long) : Handle(handle) {
    /** What the writer has declared. */
    val size: Long
        get() = inArena {
            val out = allocate(JAVA_LONG)
            call { view.invokeExact(it, out, MemorySegment.NULL) as Int }
            out.get(JAVA_LONG, 0)
        }

    /** A copy of the next bytes as soon as they are written; null at the frame's end. */
    suspend fun chunk(): ByteArray? = wait(chunk).ifMore { bytes ->
        try {
            inArena {
                val data = allocate(ADDRESS)
                val size = allocate(JAVA_LONG)
                check(bytesData.invokeExact(bytes, data, size) as Int)
                data.get(ADDRESS, 0).reinterpret(size.get(JAVA_LONG, 0)).toArray(JAVA_BYTE)
            }
        } finally {
            discard(bytes)
        }
    }

    private companion object {
        val view = function("frame_reader_view", "HPP")
        val chunk = function("frame_reader_chunk", "H$WAITS")
        val bytesData = function("bytes_data", "HPP")
    }
}
