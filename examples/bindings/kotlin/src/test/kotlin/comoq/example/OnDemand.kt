// SPDX-License-Identifier: MIT
package comoq.example

import comoq.ComoqException
import comoq.Handler
import comoq.Origin
import comoq.Subscription
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

// A request for a broadcast that nobody has announced, and the handler that serves it.

suspend fun serve(origin: Origin, handler: Handler) = coroutineScope {
    handler.requests.collect { request ->
        if (!request.path.startsWith("live/")) {
            request.reject(ComoqException.app(404))
            return@collect
        }
        val broadcast = origin.make()
        val track = broadcast.track("text")
        track.write("hello from ${request.path}".encodeToByteArray())
        track.finish()
        request.accept(broadcast)
        launch {
            broadcast.unused() // until nobody reads it any more
            track.close()
            broadcast.close()
        }
    }
}

fun main() = runBlocking {
    val origin = Origin()
    val handler = origin.dynamic()
    val serving = launch { serve(origin, handler) }

    val broadcast = origin.requestBroadcast("live/alice")
    broadcast.subscribe("text", Subscription(start = 0)).use { track ->
        track.groups.collect { group -> group.frames.collect { println(it.bytes().decodeToString()) } }
    }
    try {
        origin.requestBroadcast("vod/1")
    } catch (refusal: ComoqException) {
        println(refusal.message)
    }
    serving.cancel()
}
