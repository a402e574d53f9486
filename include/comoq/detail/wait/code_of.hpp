// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"

#include <asio/error.hpp>

#include <exception>
#include <new>
#include <system_error>

namespace comoq::detail {

/// The code with which a coroutine failed; false if it did not fail.
inline std::error_code code_of(const std::exception_ptr &failure) {
    if (failure == nullptr) return {};
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error &error) {
        return error.code();
    } catch (const std::bad_alloc &) {
        return std::make_error_code(std::errc::not_enough_memory);
    } catch (...) {
        return make_error_code(Error::Cancelled);
    }
}

/// True if it failed for want of memory.
inline bool is_want_of_memory(const std::exception_ptr &failure) {
    return code_of(failure) == std::errc::not_enough_memory;
}

/// The code for waits on work that a coroutine leaves unfinished: Cancelled, if the coroutine was cancelled.
inline std::error_code told_of(const std::exception_ptr &failure) {
    const auto code = code_of(failure);
    return code == asio::error::operation_aborted ? make_error_code(Error::Cancelled) : code;
}

}  // namespace comoq::detail
