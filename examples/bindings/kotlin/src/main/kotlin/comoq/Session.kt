// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.JAVA_INT
import java.lang.foreign.ValueLayout.JAVA_LONG
import java.lang.ref.Reference

/**
 * How a session is made. [publish] is what the peer may see and ask for. [subscribe] is where the peer's broadcasts are announced, and
 * whose requests it is asked for. The files are PEM: the authorities that a client trusts, in place of the system's; this side's chain
 * and key. [acceptsAnyCertificate] is for tests.
 */
data class SessionConfig(
    val publish: Origin? = null,
    val subscribe: Origin? = null,
    val authorities: String? = null,
    val certificate: String? = null,
    val key: String? = null,
    val acceptsAnyCertificate: Boolean = false,
) {
    internal fun argument(arena: Arena): MemorySegment = arena.allocate(sessionConfig).apply {
        set(JAVA_INT, 0, byteSize().toInt())
        set(JAVA_INT, 4, if (acceptsAnyCertificate) 1 else 0)
        set(JAVA_LONG, 8, publish?.raw ?: 0)
        set(JAVA_LONG, 16, subscribe?.raw ?: 0)
        for ((i, file) in listOf(authorities, certificate, key, null).withIndex()) {
            asSlice(24 + i * text.byteSize(), text.byteSize()).copyFrom(arena.text(file))
        }
    }

    // For after a call, which has the numbers of the origins and not the objects.
    internal fun fence() {
        Reference.reachabilityFence(publish)
        Reference.reachabilityFence(subscribe)
    }
}

/** The thread of the library on which sessions run. It ends with the process. */
private val runtime: Long by lazy {
    inArena {
        val out = allocate(JAVA_LONG)
        check(function("runtime_create", "P").invokeExact(out) as Int)
        out.get(JAVA_LONG, 0)
    }
}

private val connect = function("connect", "HSP$WAITS")
private val keepConnected = function("keep_connected", "HSPHHP")
private val proxy = function("proxy", "HHHHHHP")
private val mirror = function("mirror", "HHHHHP")

/** A connection with a peer. Its [close] ends it in peace. */
class Session private constructor(handle: Long) : Handle(handle) {
    /** Returns when the session has ended; throws the reason if that was not a good one. */
    suspend fun closed() = done(closed)

    companion object {
        private val closed = function("session_closed", "H$WAITS")

        /** Makes one session with a relay, up to its answer: tcp, and ws, wss, tls, https, moql and moqt if the library knows them. */
        suspend fun dial(url: String, config: SessionConfig): Session = try {
            Session(ask { queue, user, now, op ->
                inArena { connect.invokeExact(runtime, text(url), config.argument(this), queue, user, now, op) as Int }
            })
        } finally {
            config.fence()
        }
    }
}

/** Connects, and again whenever the connection is lost, until it is cancelled. Requests at `config.subscribe` go to the relay. */
suspend fun keepConnected(url: String, config: SessionConfig) {
    try {
        ask { queue, user, _, op -> inArena { keepConnected.invokeExact(runtime, text(url), config.argument(this), queue, user, op) as Int } }
    } finally {
        config.fence()
    }
}

/** Answers all requests of [handler], of the origin [to], from the same paths at the origin [from], until it is cancelled. */
suspend fun proxy(from: Origin, to: Origin, handler: Handler) {
    try {
        ask { queue, user, _, op -> proxy.invokeExact(runtime, from.raw, to.raw, handler.raw, queue, user, op) as Int }
    } finally {
        for (one in listOf(from, to, handler)) Reference.reachabilityFence(one)
    }
}

/** Announces at [to] the broadcasts that are announced at [from], until it is cancelled. */
suspend fun mirror(from: Origin, to: Origin) {
    try {
        ask { queue, user, _, op -> mirror.invokeExact(runtime, from.raw, to.raw, queue, user, op) as Int }
    } finally {
        for (one in listOf(from, to)) Reference.reachabilityFence(one)
    }
}

/** Serves everyone who connects, until it is closed. */
class Server private constructor(handle: Long) : Handle(handle) {
    /** With the port that is used. */
    val url: String = inArena {
        val out = allocate(text)
        call { usedUrl.invokeExact(it, out) as Int }
        out.textAt(0)
    }

    companion object {
        private val usedUrl = function("listener_url", "HP")
        private val listen = function("listen", "HSPP")

        /** Listens at once, and serves each client by a session of its own. */
        fun listen(url: String, config: SessionConfig): Server = try {
            inArena {
                val out = allocate(JAVA_LONG)
                check(listen.invokeExact(runtime, text(url), config.argument(this), out) as Int)
                Server(out.get(JAVA_LONG, 0))
            }
        } finally {
            config.fence()
        }
    }
}
