// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.JAVA_LONG
import java.lang.invoke.MethodHandle
import java.lang.ref.Cleaner
import java.lang.ref.Reference
import java.util.concurrent.atomic.AtomicLong

private val cleaner: Cleaner = Cleaner.create()

/**
 * Something of the library's that ends with [close], or some time after nothing refers to it any more. Several threads may use it at a
 * time.
 */
abstract class Handle internal constructor(handle: Long) : AutoCloseable {
    private val held = Held(handle)
    private val cleanable = cleaner.register(this, held)

    /** Ends what the object stands for. The second time it does nothing. */
    override fun close() = cleanable.clean()

    /** 0 once it is closed, which each call answers with [ComoqException.closed]. */
    internal val raw: Long get() = held.get()

    // The collector may find an object whose method is still running: the fence is behind the call.
    internal inline fun <R> kept(body: (Long) -> R): R = try {
        body(raw)
    } finally {
        Reference.reachabilityFence(this)
    }

    internal inline fun call(body: (Long) -> Int): Boolean = check(kept(body))

    /** For a call that takes nothing else. */
    internal fun run(function: MethodHandle) {
        call { function.invokeExact(it) as Int }
    }

    /** Ends something with a code. */
    internal fun run(function: MethodHandle, reason: ComoqException): Boolean =
        call { function.invokeExact(it, reason.code) as Int }

    /** The number, most often a handle, that a call leaves behind. */
    internal inline fun made(body: Arena.(raw: Long, out: MemorySegment) -> Int): Long = inArena {
        val out = allocate(JAVA_LONG)
        call { body(it, out) }
        out.get(JAVA_LONG, 0)
    }

    internal fun made(function: MethodHandle): Long = made { raw, out -> function.invokeExact(raw, out) as Int }

    /** For a wait without a value. */
    internal suspend fun done(function: MethodHandle) {
        wait(function)
    }

    internal suspend fun wait(function: MethodHandle): Long = try {
        ask { queue, user, now, op -> function.invokeExact(raw, queue, user, now, op) as Int }
    } finally {
        Reference.reachabilityFence(this)
    }

    internal suspend fun wait(body: (raw: Long, queue: Long, user: Long, now: MemorySegment, op: MemorySegment) -> Int): Long = try {
        ask { queue, user, now, op -> body(raw, queue, user, now, op) }
    } finally {
        Reference.reachabilityFence(this)
    }

    // It must not refer to the object.
    private class Held(handle: Long) : Runnable {
        private val handle = AtomicLong(handle)
        fun get() = handle.get()
        override fun run() = discard(handle.getAndSet(0))
    }
}

private val live = function("live_handles", "", JAVA_LONG)

/** How many handles the process has, for tests. */
fun liveHandles(): Long = live.invokeExact() as Long

/** What [make] makes of a value, or null at the end of a stream. */
internal inline fun <T> Long.ifMore(make: (Long) -> T): T? = if (this == 0L) null else make(this)
