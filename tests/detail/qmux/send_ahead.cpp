#include <comoq/detail/qmux/send_ahead.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "support/catch.hpp"

namespace send_ahead_tests {

using comoq::qmux::detail::SendAhead;

namespace {

SendAhead following(std::optional<std::uint64_t> bits_per_second) {
    SendAhead ahead;
    ahead.follow(bits_per_second);
    return ahead;
}

}  // namespace

TEST_CASE("send ahead: nothing is limited as long as the link is not known to be slow", "[qmux][rate]") {
    const auto rate = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(20'000'000),
                               std::optional<std::uint64_t>(~std::uint64_t{0}));
    CHECK(SendAhead().queue() == SendAhead::no_limit);
    CHECK(following(rate).queue() == SendAhead::no_limit);
    CHECK(following(rate).record() == comoq::qmux::default_max_record_size);
    // Also when it was slow before.
    SendAhead ahead = following(500'000);
    ahead.follow(rate);
    CHECK(ahead.queue() == SendAhead::no_limit);
    CHECK(ahead.record() == comoq::qmux::default_max_record_size);
}

TEST_CASE("send ahead: a slow link gets what it carries soon, and not less than is worth a packet", "[qmux][rate]") {
    // 30 ms of it, half of that in a record.
    CHECK(following(8'000'000).queue() == 30'000);
    CHECK(following(8'000'000).record() == 15'000);
    CHECK(following(2'000'000).queue() == 7'500);
    CHECK(following(2'000'000).record() == 3'750);
    for (const std::uint64_t slow : {1'000'000u, 100'000u, 1u}) {
        CHECK(following(slow).queue() == 4096);
        CHECK(following(slow).record() == 2048);
    }
    CHECK(following(17'000'000).record() == comoq::qmux::default_max_record_size);
}

TEST_CASE("send ahead: small changes of the link change nothing", "[qmux][rate]") {
    SendAhead ahead = following(4'000'000);
    CHECK(ahead.queue() == 15'000);
    for (const std::uint64_t near : {3'100'000u, 4'900'000u}) {
        ahead.follow(near);
        CHECK(ahead.queue() == 15'000);
    }
    ahead.follow(5'100'000);
    CHECK(ahead.queue() == 19'125);
    ahead.follow(3'800'000);
    CHECK(ahead.queue() == 14'250);
}

}
