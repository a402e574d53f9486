// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/base.h"
#include "../../connect_error.hpp"
#include "../../error.hpp"

#include <asio/error.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq::detail::c {

// An application's number n is 64 + n for the library. Here it is -(64 + n) if that is above the values of Cancelled and after,
// and else far below everything else.
inline constexpr std::uint32_t first_shifted = 0x1'0000 - first_app_code;
inline constexpr std::uint32_t shift = 0x100'0000;
inline constexpr std::uint32_t most_shifted = 0x7eff'ffff;

/// The number of a code in this interface. An application's number that does not fit is the largest.
inline std::int32_t number_of(const std::error_code &code) noexcept {
    if (!code) return COMOQ_OK;
    const auto value = static_cast<std::uint32_t>(code.value());
    const std::string_view category = code.category().name();
    if (category == ErrorCategory::category_name) {
        if (value < first_app_code || is_local_value(value)) return -static_cast<std::int32_t>(value);
        const std::uint32_t n = app_code_of_value(value) - first_app_code;
        return n < first_shifted ? -static_cast<std::int32_t>(first_app_code + n)
                                 : -static_cast<std::int32_t>(shift + (n < most_shifted ? n : most_shifted));
    }
    if (code == std::errc::not_enough_memory) return COMOQ_ERROR_MEMORY;
    if (code == asio::error::operation_aborted) return COMOQ_CANCELLED;
    if (category == ConnectCategory::category_name) return COMOQ_ERROR_CONNECT - code.value();
    if (category == certificate_category_name && value < 0x1000) return COMOQ_ERROR_CERTIFICATE - code.value();
    if ((code.category() == std::system_category() || code.category() == std::generic_category()) && value < 0x1'0000)
        return COMOQ_ERROR_SYSTEM - code.value();
    if (category == std::string_view("asio.misc")) return COMOQ_TRANSPORT;
    return COMOQ_ERROR_OTHER;
}

/// The application's number, if the code is one of an application.
inline bool app_number_of(std::int32_t number, std::uint32_t &n) noexcept {
    if (number >= 0) return false;
    const std::uint32_t value = 0u - static_cast<std::uint32_t>(number);
    if (value >= first_app_code && value < 0x1'0000) {
        n = value - first_app_code;
        return true;
    }
    if (value < shift + first_shifted || value - shift > most_shifted) return false;
    n = value - shift;
    return true;
}

/// The library's code for a number that a caller gives. Not for the interface's own numbers: those are Internal for a peer.
inline std::error_code code_of_number(std::int32_t number) noexcept {
    std::uint32_t n = 0;
    if (number >= 0) return make_error_code(Error::Cancelled);
    if (app_number_of(number, n)) return app_error(n);
    if (number == COMOQ_ERROR_MEMORY) return std::make_error_code(std::errc::not_enough_memory);
    const std::uint32_t value = 0u - static_cast<std::uint32_t>(number);
    if (value < first_app_code || is_local_value(value)) return std::error_code(static_cast<int>(value), error_category());
    return make_error_code(Error::Internal);
}

inline std::string text_of_number(std::int32_t number) {
    if (number == COMOQ_OK) return "success";
    if (number > 0) return "ready";
    switch (number) {
    case COMOQ_ERROR_HANDLE: return "not a live handle";
    case COMOQ_ERROR_KIND: return "a handle of another kind";
    case COMOQ_ERROR_ARGUMENT: return "an argument that cannot be";
    case COMOQ_ERROR_MEMORY: return "out of memory";
    case COMOQ_ERROR_INTERNAL: return "a fault of the library";
    case COMOQ_WOULD_WAIT: return "not there yet";
    case COMOQ_ERROR_OTHER: return "a failure without a number";
    default: break;
    }
    if (std::uint32_t n = 0; number > COMOQ_ERROR_HANDLE || app_number_of(number, n)) return code_of_number(number).message();
    if (number < COMOQ_ERROR_SYSTEM && number > COMOQ_ERROR_SYSTEM - 0x1'0000)
        return std::system_category().message(COMOQ_ERROR_SYSTEM - number);
    if (number < COMOQ_ERROR_CERTIFICATE && number > COMOQ_ERROR_CERTIFICATE - 0x1000)
        return "the server's certificate was refused (" + std::to_string(COMOQ_ERROR_CERTIFICATE - number) + ")";
    if (number < COMOQ_ERROR_CONNECT && number > COMOQ_ERROR_CERTIFICATE) return connect_category().message(COMOQ_ERROR_CONNECT - number);
    return "unknown code " + std::to_string(number);
}

/// An argument of a caller's cannot be.
struct BadArgument {};
/// A handle in a structure is not what it should be.
struct BadHandle {
    std::int32_t code;
};

/// Runs the body of a call: no exception leaves it.
template <class Call> auto guarded(Call &&call) noexcept -> decltype(call()) {
    try {
        return call();
    } catch (const std::system_error &error) {
        return number_of(error.code());
    } catch (const std::bad_alloc &) {
        return COMOQ_ERROR_MEMORY;
    } catch (const BadArgument &) {
        return COMOQ_ERROR_ARGUMENT;
    } catch (const BadHandle &bad) {
        return bad.code;
    } catch (...) {
        return COMOQ_ERROR_INTERNAL;
    }
}

}  // namespace comoq::detail::c
