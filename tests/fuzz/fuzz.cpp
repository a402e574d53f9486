// A fuzzer for one of the histories: each byte of its input is a choice. A difference from the model ends the program, with
// the history printed.
#include "histories/histories.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    comoq::test::Choices choices(std::span(data, size));
    const std::string trouble = comoq::test::COMOQ_HISTORY(choices);
    if (!trouble.empty()) {
        std::fprintf(stderr, "%s", trouble.c_str());
        std::abort();
    }
    return 0;
}
