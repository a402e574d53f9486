// The single header alone, as one of two source files, made by different compilers: a definition in it that is not inline
// would be in this program twice. The other file is built with -DSECOND.
#include "comoq.hpp"

#include <string>

std::string second(const comoq::Path &path);

#if defined(SECOND)

std::string second(const comoq::Path &path) { return std::string(path.view()); }

#else

int main() {
    comoq::Origin origin;
    auto broadcast = origin.producer().create_broadcast("a//b");
    if (!origin.consumer().request_broadcast("a/b").ready()) return 1;
    comoq::lite::SessionConfig config;
    config.publish = origin.consumer();
    return second(comoq::Path("a//b")) == "a/b" ? 0 : 1;
}

#endif
