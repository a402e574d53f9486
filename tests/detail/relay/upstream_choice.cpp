#include <comoq/detail/relay/upstream_choice.hpp>

#include <chrono>

#include "support/catch.hpp"

namespace upstream_choice_tests {

using comoq::detail::UpstreamChoice;
using namespace std::chrono_literals;

namespace {
const UpstreamChoice::Time start{};
}

TEST_CASE("upstream choice: a lost upstream is the first to be asked again", "[proxy]") {
    UpstreamChoice choice(3);
    choice.took(1, false, start);
    CHECK(choice.may_ask_again(true, start + 5s));
    CHECK(choice.first_to_ask() == 1);
}

TEST_CASE("upstream choice: if an upstream does not know a track the next is asked, until one knows a track", "[proxy]") {
    UpstreamChoice choice(3);
    choice.took(1, false, start);
    CHECK(choice.may_ask_again(false, start));
    CHECK(choice.first_to_ask() == 2);
    choice.settle();
    CHECK_FALSE(choice.may_ask_again(false, start));
    UpstreamChoice only(1);
    only.took(0, false, start);
    CHECK_FALSE(only.may_ask_again(false, start));
    UpstreamChoice none(0);
    CHECK_FALSE(none.may_ask_again(true, start));
}

TEST_CASE("upstream choice: it gives up after three upstreams in a row that are lost at once and deliver nothing", "[proxy]") {
    UpstreamChoice choice(1);
    auto time = start;
    choice.took(0, false, time);
    int asked = 0;
    while (asked < 100 && choice.may_ask_again(true, time += 10ms)) {
        // Each track of a lost broadcast reports the loss.
        CHECK(choice.may_ask_again(true, time));
        choice.took(0, true, time += 10ms);
        ++asked;
    }
    CHECK(asked == 3);
}

TEST_CASE("upstream choice: an upstream that delivered something, or lasted for a while, is not a failed try", "[proxy]") {
    for (const bool quiet : {false, true}) {
        UpstreamChoice choice(1);
        auto time = start;
        choice.took(0, false, time);
        for (int i = 0; i < 50; ++i) {
            if (!quiet) {
                choice.gave();
            }
            time += quiet ? 5000ms : 10ms;
            CHECK(choice.may_ask_again(true, time));
            choice.took(0, true, time);
            CHECK(choice.is_replacement());
        }
    }
}

}
