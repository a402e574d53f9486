// SPDX-License-Identifier: MIT
package comoq.example

import comoq.Origin
import kotlin.time.measureTime
import kotlinx.coroutines.runBlocking

/** What frames of 64 bytes cost, one call each where they are written, and 64 a call where they are read. */
fun main() = runBlocking {
    val payload = ByteArray(64)
    val track = Origin().publish("x").track("t")
    repeat(5) {
        val group = track.group()
        val frames = 8192
        val writing = measureTime { repeat(frames) { group.write(payload, it.toLong()) } }
        group.finish()
        var seen = 0
        val reading = measureTime { repeat(20) { group.consume().use { reader -> reader.frames.collect { one -> one.use { seen++ } } } } }
        println("write ${writing.inWholeNanoseconds / frames} ns, read ${reading.inWholeNanoseconds / seen} ns a frame")
    }
}
