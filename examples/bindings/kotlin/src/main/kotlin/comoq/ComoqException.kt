// SPDX-License-Identifier: MIT
package comoq

import java.lang.foreign.ValueLayout.JAVA_INT
import java.lang.foreign.ValueLayout.JAVA_LONG

/** The code of a failure. Two are equal if their codes are. */
class ComoqException(val code: Int) : Exception() {
    /** The application's number, if the error is one of an application. */
    val number: Int?
        get() = inArena {
            val out = allocate(JAVA_INT)
            if (appCode.invokeExact(code, out) as Int == READY) out.get(JAVA_INT, 0) else null
        }

    override val message: String
        get() = inArena {
            val out = allocate(200)
            val size = codeText.invokeExact(code, out, 200L) as Long
            out.getString(0).take(size.toInt())
        }

    override fun equals(other: Any?): Boolean = other is ComoqException && other.code == code
    override fun hashCode(): Int = code

    companion object {
        val notFound get() = ComoqException(-13)
        val unauthorized get() = ComoqException(-6)
        val duplicate get() = ComoqException(-12)
        val wrongSize get() = ComoqException(-14)
        val dropped get() = ComoqException(-24)
        val closed get() = ComoqException(-25)
        val lagged get() = ComoqException(-26)
        val cancelled get() = ComoqException(-0x10000)
        val invalidPath get() = ComoqException(-0x10001)

        /** An application's own error. The number, of at most 0x7effffff, arrives where it is sent to. */
        fun app(number: Int): ComoqException = ComoqException(-(number + if (number < 0xffc0) 64 else 0x1000000))

        private val appCode = function("app_code", "IP")
        private val codeText = function("code_text", "IPH", JAVA_LONG)
    }
}

internal const val READY = 1
private const val NO_HANDLE = -0x20000

/** Throws what a call has returned, unless that is 0 or READY. The latter gives true. */
internal fun check(code: Int): Boolean = when {
    code >= 0 -> code == READY
    code == NO_HANDLE -> throw ComoqException.closed
    else -> throw ComoqException(code)
}
