// What every road must bring: the headers of the library, of asio and of fmt, coroutines, and what to link.
#include <comoq/operation.hpp>
#include <comoq/path.hpp>
#include <comoq/version.hpp>

#include <asio/awaitable.hpp>
#include <fmt/format.h>

// Exists only where asio knows that the compiler has coroutines.
using Coroutine = asio::awaitable<void>;

int main() {
    const comoq::Path path("a//b");
    fmt::print("comoq {}: {}\n", comoq::version_string, path.view());
    return path.view() == "a/b" ? 0 : 1;
}
