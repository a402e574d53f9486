// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// How the library is compiled: header-only, or once.
///
/// Header-only is the default: everything is inline. With COMOQ_SEPARATE_COMPILATION defined for a whole program,
/// headers only declare the functions, their coroutines and the operations' instantiations. Then one source file
/// includes `comoq/src.hpp`, or the program links the CMake target `comoq::compiled`, which does both.

// What the compiler must have. An unmet need is one sentence: the include after it has no file, and ends the compilation.
#define COMOQ_STOP <the error before this one is the reason>
#if defined(__cplusplus) && __cplusplus < 202002L && (!defined(_MSVC_LANG) || _MSVC_LANG < 202002L)
#error "comoq needs C++20: compile with -std=c++20 or newer (the CMake target comoq::comoq asks for it)"
#include COMOQ_STOP
#endif
#if !defined(__cpp_impl_coroutine)
#error "comoq needs a compiler with coroutines: g++ 12, clang 16 or newer"
#include COMOQ_STOP
#endif
#if !defined(__cpp_exceptions)
#error "comoq needs exceptions: compile without -fno-exceptions"
#include COMOQ_STOP
#endif
#if !defined(__cpp_rtti)
#error "comoq needs run-time type information, as asio does: compile without -fno-rtti"
#include COMOQ_STOP
#endif

/// COMOQ_DECL stands in front of every function that is declared in a header and defined in its `.ipp` file. COMOQ_FORM is the
/// form as text, for the end of this file.
#if defined(COMOQ_SEPARATE_COMPILATION)
#define COMOQ_DECL
#define COMOQ_FORM "2"
#else
#define COMOQ_DECL inline
#define COMOQ_FORM "1"
#endif

/// g++ emits every coroutine that it sees, called or not, and whatever that one calls, unless it is a template. COMOQ_IF_CALLED
/// makes it one, for coroutines that many programs do not call, and for functions that call those. With `proxy` and `mirror`
/// made so, g++ 12 takes half of the time and two thirds of the memory for `comoq.hpp` header-only: 11.5 s and 21.8 s of a
/// processor, 696 and 1,088 MB.
#define COMOQ_IF_CALLED template <int = 0>
#if !defined(COMOQ_SEPARATE_COMPILATION)
/// The same for a public one, in its header.
#define COMOQ_DECLARE_IF_CALLED template <int = 0>
/// The same for a public one, in its `.ipp` file.
#define COMOQ_DEFINE_IF_CALLED template <int>
#else
#define COMOQ_DECLARE_IF_CALLED
#define COMOQ_DEFINE_IF_CALLED
#endif

/// COMOQ_INLINED is for small functions in the path of every call, COMOQ_SELDOM for the rare part of such a function, and
/// COMOQ_APART for its large part: as a function of its own it does not keep the compiler from inlining the rest.
#if defined(__GNUC__)
#define COMOQ_INLINED __attribute__((always_inline))
#define COMOQ_SELDOM __attribute__((cold, noinline))
#define COMOQ_APART __attribute__((noinline))
#else
#define COMOQ_INLINED
#define COMOQ_SELDOM
#define COMOQ_APART
#endif

/// For objects of which a process has one, also if modules are compiled with -fvisibility=hidden.
#if defined(__GNUC__) && !defined(_WIN32)
#define COMOQ_VISIBLE __attribute__((visibility("default")))
#else
#define COMOQ_VISIBLE
#endif

/// The returned view is a part of the object, and must not outlive it: clang warns where it does.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define COMOQ_LIFETIMEBOUND [[clang::lifetimebound]]
#endif
#endif
#if !defined(COMOQ_LIFETIMEBOUND)
#define COMOQ_LIFETIMEBOUND
#endif

// A program whose files disagree about the form would have two definitions of the same functions. Each object file
// records its form as the value of one absolute symbol: linkers accept the symbol many times with one value, and refuse
// two values. (Tried with GNU ld 2.40, gold and lld 19. Other object formats go without the check.)
#if defined(__ELF__) && (defined(__GNUC__) || defined(__clang__))
__asm__(".globl comoq_compiled_and_header_only_are_mixed\n"
        ".set comoq_compiled_and_header_only_are_mixed, " COMOQ_FORM "\n");
#endif
#undef COMOQ_FORM
