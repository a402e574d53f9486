// Random histories: the library does what its models say.
#include "histories/histories.hpp"

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace histories_tests {

using namespace comoq::test;

namespace {

/// Runs 10,000 histories, or as many as COMOQ_TEST_HISTORIES says, each from a number of its own.
void run_histories(const char *name, std::string (*history)(Choices &)) {
    const auto first = seed(name);
    const char *more = std::getenv("COMOQ_TEST_HISTORIES");
    const std::uint64_t histories = more != nullptr ? std::strtoull(more, nullptr, 10) : 10'000;
    for (std::uint64_t number = 0; number < histories; ++number) {
        std::mt19937_64 random(first + number);
        Choices choices(random);
        const std::string trouble = history(choices);
        if (!trouble.empty()) {
            FAIL("history " << number << " (COMOQ_TEST_SEED=" << first + number << " begins with it):\n" << trouble);
        }
    }
}

}  // namespace

TEST_CASE("sections 4 and 5: any history of publishers, handlers, requesters and watchers behaves as the model says",
          "[origin]") {
    run_histories("history_of_origin", history_of_origin);
}

TEST_CASE("section 6: any history of writes, reads, ends, aborts and departures behaves as the model says", "[track]") {
    run_histories("history_of_track", history_of_track);
}

TEST_CASE("section 6 memory: any history of writes, fetches, evictions, aborts and departures behaves as the model says",
          "[memory]") {
    run_histories("history_of_memory", history_of_memory);
}

}
