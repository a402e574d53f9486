// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.JAVA_INT
import java.lang.foreign.ValueLayout.JAVA_LONG
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.suspendCancellableCoroutine

private val close = function("close", "H")

/** Closes a handle. True if it was a live one. */
internal fun end(handle: Long): Boolean = close.invokeExact(handle) as Int == 0

internal fun discard(handle: Long) {
    end(handle)
}

private const val END = 1
private const val NOTHING = 0L

/** The waits of the process: one queue of the library, and one thread that takes its events. */
private object Waits {
    val pending = ConcurrentHashMap<Long, CancellableContinuation<Long>>()
    val last = AtomicLong()
    val queue = inArena {
        val out = allocate(JAVA_LONG)
        check(function("queue_create", "P").invokeExact(out) as Int)
        out.get(JAVA_LONG, 0)
    }

    init {
        // A thread of its own: a call of the library would hold the carrier of a virtual one.
        Thread.ofPlatform().daemon().name("comoq").start(::take)
    }

    private fun take() {
        val next = function("queue_next", "HPHI")
        val most = 64L
        val events = Arena.global().allocate(event, most)
        while (true) {
            val count = next.invokeExact(queue, events, most, -1) as Int
            if (count < 0) return
            for (i in 0 until count) {
                val one = events.asSlice(i * event.byteSize(), event.byteSize())
                pending.remove(one.get(JAVA_LONG, 0))?.settle(one)
            }
        }
    }
}

/** The outcome, or what it has for nobody is closed: a wait may be cancelled until its coroutine goes on. */
private fun CancellableContinuation<Long>.settle(outcome: MemorySegment) {
    val value = outcome.get(JAVA_LONG, 8)
    val code = outcome.get(JAVA_INT, 16)
    when {
        code < 0 -> resumeWithException(if (code == -0x20000) ComoqException.closed else ComoqException(code))
        outcome.get(JAVA_INT, 20) and END != 0 -> resume(NOTHING) { _, _, _ -> }
        else -> resume(value) { _, lost, _ -> discard(lost) }
    }
}

internal typealias Call = (queue: Long, user: Long, now: MemorySegment, op: MemorySegment) -> Int

/** The value of a call that may wait; 0 at the end of a stream. A coroutine that is cancelled withdraws its own wait. */
internal suspend fun ask(call: Call): Long = suspendCancellableCoroutine { continuation ->
    inArena {
        val now = allocate(event)
        val op = allocate(JAVA_LONG)
        val user = Waits.last.incrementAndGet()
        Waits.pending[user] = continuation
        val code = try {
            call(Waits.queue, user, now, op)
        } catch (failure: Throwable) {
            Waits.pending.remove(user)
            throw failure
        }
        when {
            code == 0 -> {
                val wait = op.get(JAVA_LONG, 0)
                // Where it cannot be withdrawn any more, its event is on the way, and what that has is closed.
                continuation.invokeOnCancellation { if (end(wait)) Waits.pending.remove(user) }
            }
            code == READY -> Waits.pending.remove(user)?.settle(now)
            else -> {
                Waits.pending.remove(user)
                now.set(JAVA_INT, 16, code)
                continuation.settle(now)
            }
        }
    }
}

/** The steps of something, one after the other, up to its end. */
internal fun <T : Any> steps(next: suspend () -> T?): Flow<T> = flow { while (true) emit(next() ?: break) }
