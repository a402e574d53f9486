// SPDX-License-Identifier: MIT
package comoq

import java.util.concurrent.TimeUnit
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.api.Test

/** The scenarios of ../scenarios.md. Each gives back its handles. */
class ScenariosTest {
    private fun scenario(run: suspend CoroutineScope.(Origin) -> Unit) {
        // The first session makes the thread of the library, and the first wait its queue.
        runBlocking { runCatching { Session.dial("no url", SessionConfig()) } }
        settle { true }
        val handles = liveHandles()
        runBlocking(Dispatchers.Default) { withTimeout(20.seconds) { Origin().use { origin -> supervisorScope { run(origin) } } } }
        settle { liveHandles() <= handles }
        assertTrue(liveHandles() <= handles) { "${liveHandles() - handles} handles stay" }
    }

    private fun settle(isSo: () -> Boolean) {
        for (i in 0 until 500) {
            System.gc()
            if (isSo()) return
            TimeUnit.MILLISECONDS.sleep(2)
        }
    }

    private inline fun fails(error: ComoqException, body: () -> Unit) {
        val thrown = try {
            body()
            null
        } catch (failure: ComoqException) {
            failure
        }
        assertEquals(error, thrown)
    }

    private suspend fun Subscriber.nextBytes(): String = readFrame()!!.use { it.frames.single().bytes().decodeToString() }

    @Test
    fun `announced`() = scenario { origin ->
        val later = async { origin.announcedBroadcast("live/two") }
        origin.publish("live/one").use { one ->
            origin.publish("live/two").use { two ->
                assertTrue(origin.requestBroadcast("live/one").isSame(one.consume()))
                assertTrue(later.await().isSame(two.consume()))
            }
        }
    }

    @Test
    fun `on demand, rejected, nobody, a handler that goes`() = scenario { origin ->
        fails(ComoqException.notFound) { origin.requestBroadcast("nobody") }
        fails(ComoqException.invalidPath) { origin.requestBroadcast("a\u0001") }
        val handler = origin.dynamic()
        val first = async { origin.requestBroadcast("vod/1") }
        val second = async { origin.requestBroadcast("vod/1") }
        val asked = handler.next()!!
        assertEquals("vod/1", asked.path)
        val broadcast = origin.make()
        assertTrue(asked.accept(broadcast))
        assertFalse(asked.accept(broadcast))
        assertTrue(first.await().isSame(second.await()))
        broadcast.close()

        val third = async { origin.requestBroadcast("vod/2") }
        handler.requests.first().reject(ComoqException.app(404))
        fails(ComoqException.app(404)) { third.await() }
        assertEquals(404, runCatching { third.await() }.exceptionOrNull().let { it as ComoqException }.number)

        val waiting = async { origin.requestBroadcast("vod/3") }
        handler.next()!!.close() // without an answer
        fails(ComoqException.notFound) { waiting.await() }
        handler.close()
        fails(ComoqException.notFound) { origin.requestBroadcast("vod/4") }
    }

    @Test
    fun `cancelled while it waits`() = scenario { origin ->
        val handler = origin.dynamic()
        val mine = async { origin.requestBroadcast("vod/1") }
        val other = async { origin.requestBroadcast("vod/2") }
        val requests = List(2) { handler.next()!! }.associateBy { it.path }
        mine.cancel()
        assertTrue(runCatching { mine.await() }.exceptionOrNull() is CancellationException)
        requests.getValue("vod/1").abandoned()
        requests.getValue("vod/2").reject(ComoqException.notFound)
        fails(ComoqException.notFound) { other.await() }
        handler.close()
    }

    @Test
    fun `announcements with ends`() = scenario { origin ->
        val watch = origin.announced("room")
        val broadcast = origin.publish("room/x")
        val active = watch.next()!!
        assertEquals("room/x" to Event.ACTIVE, active.path to active.event)
        broadcast.close()
        val ended = watch.next()!!
        assertEquals(Event.ENDED, ended.event)
        assertTrue(active.broadcast().isClosed)
        fails(ComoqException.notFound) { ended.broadcast() }
        origin.close()
        assertEquals(emptyList<Announcement>(), watch.all.toList())
    }

    @Test
    fun `groups and frames, and a view that outlives the reader`() = scenario { origin ->
        val broadcast = origin.publish("x")
        val track = broadcast.track("video")
        val subscriber = broadcast.consume().subscribe("video")
        val group = track.group()
        for ((i, payload) in listOf("key", "a", "bb").withIndex()) group.write(payload.encodeToByteArray(), 40L + i)
        group.finish()
        track.finish()
        val reader = subscriber.next()!!
        assertEquals(0, reader.sequence)
        val batch = reader.read()!!
        assertEquals(3, batch.frames.size)
        assertEquals(42, batch.frames[2].timestamp)
        assertNull(reader.read())
        assertNull(subscriber.next())
        for (one in listOf(reader, group, track, subscriber, broadcast, origin)) one.close()
        assertEquals("bb", batch.frames[2].use { buffer -> ByteArray(buffer.remaining()).also(buffer::get) }.decodeToString())
        batch.close()
        fails(ComoqException.closed) { batch.frames[2].bytes() }
    }

    @Test
    fun `chunks`() = scenario { origin ->
        val broadcast = origin.publish("x")
        val group = broadcast.track("video").group()
        val writer = group.open(8, 1)
        val frame = group.consume().openFrame()!!
        assertEquals(8, frame.size)
        writer.write("abcd".encodeToByteArray())
        assertEquals("abcd", frame.chunk()!!.decodeToString())
        fails(ComoqException.wrongSize) { writer.write("too long".encodeToByteArray()) }
        writer.write("efgh".encodeToByteArray())
        writer.finish()
        assertEquals("efgh", frame.chunk()!!.decodeToString())
        assertNull(frame.chunk())
        broadcast.close()
    }

    @Test
    fun `tracks and groups on demand`() = scenario { origin ->
        val broadcast = origin.publish("x")
        val tracks = broadcast.dynamic()
        val consumer = broadcast.consume()
        val subscribing = async { consumer.subscribe("audio", Subscription(priority = 9)) }
        val asked = tracks.next()!!
        assertEquals("audio", asked.name)
        val track = asked.accept(TrackInfo(timescale = 90_000))
        val subscriber = subscribing.await()
        val groups = track.dynamic()
        val fetched = async { consumer.fetch("audio", 40).frames.toListOf { it.bytes().decodeToString() } }
        val wanted = groups.next()!!
        assertEquals(40, wanted.sequence)
        wanted.accept().use {
            it.write("old".encodeToByteArray())
            it.finish()
        }
        assertEquals(listOf("old"), fetched.await())
        track.used()
        subscriber.close()
        track.unused()
        broadcast.close()
    }

    private suspend fun <T, R> kotlinx.coroutines.flow.Flow<T>.toListOf(make: (T) -> R): List<R> =
        buildList { collect { add(make(it)) } }

    @Test
    fun `datagrams`() = scenario { origin ->
        val broadcast = origin.publish("x")
        val track = broadcast.track("position")
        val subscriber = broadcast.consume().subscribe("position")
        track.datagram("here".encodeToByteArray(), 5)
        track.datagram("there".encodeToByteArray(), 6)
        subscriber.datagram()!!.close()
        subscriber.datagram()!!.use {
            assertEquals("there" to 1L, it.frames.single().bytes().decodeToString() to it.frames.single().number)
        }
        broadcast.close()
    }

    @Test
    fun `a session over TCP`() = scenario { hub ->
        val here = Origin()
        val there = Origin()
        val handler = hub.dynamic()
        val server = Server.listen("tcp://127.0.0.1:0", SessionConfig(publish = hub, subscribe = hub))
        val broadcast = there.publish("live/x")
        val track = broadcast.track("video")
        val session = Session.dial(server.url, SessionConfig(publish = there))
        val kept = launch { keepConnected(server.url, SessionConfig(subscribe = here)) }
        val consumer = here.announcedBroadcast("live/x")
        val subscriber = consumer.subscribe("video")
        track.write("over the wire".encodeToByteArray())
        assertEquals("over the wire", subscriber.nextBytes())
        val lazy = here.requestBroadcast("on/demand")
        val refused = async { lazy.subscribe("t") }
        handler.next()!!.reject(ComoqException.app(451))
        fails(ComoqException.app(451)) { refused.await() }
        kept.cancel()
        kept.join()
        for (one in listOf(subscriber, consumer, lazy, track, broadcast, session, server, handler, here, there)) one.close()
    }

    @Test
    fun `the relay`() {
        val relay = System.getenv("COMOQ_TEST_RELAY")
        assumeTrue(relay != null, "COMOQ_TEST_RELAY is not set")
        scenario { here ->
            val there = Origin()
            val broadcast = there.publish("kotlin/${Random.nextInt()}")
            val track = broadcast.track("t")
            val publishing = launch { keepConnected(relay, SessionConfig(publish = there)) }
            val watching = launch { keepConnected(relay, SessionConfig(subscribe = here)) }
            val subscriber = here.announced("kotlin").next()!!.broadcast().subscribe("t")
            track.write("through the relay".encodeToByteArray())
            assertEquals("through the relay", subscriber.nextBytes())
            publishing.cancel()
            watching.cancel()
            joinAll(publishing, watching)
            for (one in listOf(subscriber, track, broadcast, there)) one.close()
        }
    }

    @Test
    fun `a thousand requests at once`() = scenario { origin ->
        val handler = origin.dynamic()
        val serving = launch { handler.requests.collect { asked -> origin.make().use { asked.accept(it) } } }
        coroutineScope { repeat(1000) { launch { origin.requestBroadcast("many/${it % 500}").close() } } }
        serving.cancel()
        serving.join()
        handler.close()
    }

    @Test
    fun `a thousand waits withdrawn while they settle leave nothing`() = scenario { origin ->
        val handler = origin.dynamic()
        val serving = launch { handler.requests.collect { asked -> origin.make().use { asked.accept(it) } } }
        repeat(1000) {
            val asking = launch { origin.requestBroadcast("race/$it").close() }
            if (it % 3 == 0) yield()
            withContext(Dispatchers.Default) { asking.cancel() }
            asking.join()
        }
        serving.cancel()
        serving.join()
        handler.close()
    }

    @Test
    fun `objects that nothing refers to end`() = scenario { _ ->
        val handles = liveHandles()
        repeat(20) { Origin() }
        settle { liveHandles() <= handles }
        assertTrue(liveHandles() <= handles)
    }
}
