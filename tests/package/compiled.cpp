// With COMOQ_SEPARATE_COMPILATION: what this program calls is in the library that its own project has compiled.
#include <comoq/comoq.hpp>

int main() {
    comoq::Origin origin;
    auto broadcast = origin.producer().create_broadcast("a//b");
    return origin.consumer().request_broadcast("a/b").ready() ? 0 : 1;
}
