// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.Arena
import java.lang.foreign.FunctionDescriptor
import java.lang.foreign.Linker
import java.lang.foreign.MemoryLayout
import java.lang.foreign.MemorySegment
import java.lang.foreign.SymbolLookup
import java.lang.foreign.ValueLayout.ADDRESS
import java.lang.foreign.ValueLayout.JAVA_BYTE
import java.lang.foreign.ValueLayout.JAVA_INT
import java.lang.foreign.ValueLayout.JAVA_LONG
import java.lang.foreign.ValueLayout.JAVA_SHORT
import java.lang.invoke.MethodHandle

/** The library, by the property `comoq.library`, or else where the system looks. */
private val library: SymbolLookup = System.getProperty("comoq.library").let { file ->
    if (file.isNullOrEmpty()) SymbolLookup.libraryLookup(System.mapLibraryName("comoq_c"), Arena.global())
    else SymbolLookup.libraryLookup(java.nio.file.Path.of(file), Arena.global())
}

/** A comoq_string, which goes by value. */
internal val text: MemoryLayout = MemoryLayout.structLayout(ADDRESS.withName("data"), JAVA_LONG.withName("size"))

internal val event: MemoryLayout = MemoryLayout.structLayout(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT)
internal val frame: MemoryLayout = MemoryLayout.structLayout(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG)

/** comoq_track_info, and comoq_subscription, which has two numbers more. */
internal val trackInfo: MemoryLayout =
    MemoryLayout.structLayout(JAVA_INT, JAVA_BYTE, JAVA_BYTE, JAVA_SHORT, JAVA_LONG, JAVA_LONG)
internal val subscription: MemoryLayout =
    MemoryLayout.structLayout(JAVA_INT, JAVA_BYTE, JAVA_BYTE, JAVA_SHORT, JAVA_LONG, JAVA_LONG, JAVA_LONG)
internal val sessionConfig: MemoryLayout =
    MemoryLayout.structLayout(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, text, text, text, text, JAVA_LONG)

/** What a parameter is: H a handle or another number of 64 bits, I one of 32 bits, B one of 8 bits, P a pointer, S a text. */
private fun layout(kind: Char): MemoryLayout = when (kind) {
    'H' -> JAVA_LONG
    'I' -> JAVA_INT
    'B' -> JAVA_BYTE
    'P' -> ADDRESS
    else -> text
}

internal fun function(name: String, parameters: String, result: MemoryLayout = JAVA_INT): MethodHandle = Linker.nativeLinker().downcallHandle(
    library.find("comoq_$name").orElseThrow { UnsatisfiedLinkError("comoq_$name is not in the library") },
    FunctionDescriptor.of(result, *parameters.map(::layout).toTypedArray()),
)

/** The end of the parameters of a call that waits: queue, user, now, op. */
internal const val WAITS = "HHPP"

internal fun Arena.text(value: String?): MemorySegment {
    val octets = (value ?: "").encodeToByteArray()
    val all = allocate(text)
    val data = if (octets.isEmpty()) MemorySegment.NULL else allocate(octets.size.toLong()).also { it.copyFrom(MemorySegment.ofArray(octets)) }
    all.set(ADDRESS, 0, data)
    all.set(JAVA_LONG, 8, octets.size.toLong())
    return all
}

/** The text at that place, which the library keeps. */
internal fun MemorySegment.textAt(offset: Long): String =
    get(ADDRESS, offset).reinterpret(get(JAVA_LONG, offset + 8)).toArray(JAVA_BYTE).decodeToString()

internal fun Arena.octets(data: ByteArray): MemorySegment =
    if (data.isEmpty()) MemorySegment.NULL else allocate(data.size.toLong()).also { it.copyFrom(MemorySegment.ofArray(data)) }

internal inline fun <R> inArena(body: Arena.() -> R): R = Arena.ofConfined().use { it.body() }
