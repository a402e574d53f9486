#include <comoq/version.hpp>

#include <string>

#include "support/catch.hpp"

namespace version_tests {

TEST_CASE("version: the text, the number and the constants are of the same version", "[version]") {
    const auto text = std::to_string(comoq::version_major) + "." + std::to_string(comoq::version_minor) + "." +
                      std::to_string(comoq::version_patch);
    CHECK(text == COMOQ_VERSION_STRING);
    CHECK(text == comoq::version_string);
    CHECK(COMOQ_VERSION == comoq::version_major * 10000 + comoq::version_minor * 100 + comoq::version_patch);
}

#if COMOQ_VERSION < 100
#error "the preprocessor cannot compare versions"
#endif

}  // namespace version_tests
