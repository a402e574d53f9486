/// \file
/// The code with which a call fails.
#pragma once

#include <system_error>
#include <utility>

namespace comoq::test {

/// Calls `call` and returns the code of the `std::system_error` that it throws, or a false one if it throws none.
template <class Call> std::error_code error_of(Call &&call) {
    try {
        static_cast<void>(std::forward<Call>(call)());
    } catch (const std::system_error &error) {
        return error.code();
    }
    return {};
}

}  // namespace comoq::test
