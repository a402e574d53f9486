#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <fmt/format.h>

std::string second(const comoq::Path &path);

// Exists only where asio knows that the compiler has coroutines.
using Coroutine = asio::awaitable<void>;

int main() {
    comoq::Path path("a//b");
    fmt::print("{} {}\n", path.view(), second(path));
    return path.view() == second(path) ? 0 : 1;
}
