// PROBE: what a session tells its peer of the way to it.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "lite/scene.hpp"
#include "support/catch.hpp"

namespace session_probe_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("a session: a measured 0 is told as 1, and 0 is what is not known", "[lite][session][probe]") {
    struct Case {
        std::optional<std::uint64_t> bandwidth;
        std::chrono::microseconds round_trip;
        lite::Probe told;
    };
    const Speaking version(GENERATE(as<std::string>(), "moq-lite-05", "moq-lite-06"));
    const auto which = GENERATE(Case{0, 1500us, {1, 2}}, Case{0, 0us, {1, 0}}, Case{std::nullopt, 1us, {0, 1}},
                                Case{7, 2ms, {7, 2}}, Case{~std::uint64_t{0}, 0us, {comoq::detail::max_varint, 0}});
    auto link = spoken_link();
    link.stats.round_trip = which.round_trip;
    link.stats.bandwidth = which.bandwidth;
    LiteScene scene(link);
    scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
    auto config = scene.config_of(scene.here);
    config.probe = true;
    scene.client.emplace(scene.link.client(), config);
    scene.run();
    // Peers of moq-lite-05 may take an unknown bitrate for one of 0: they are told nothing.
    const bool is_told = which.told.bitrate != 0 || lite::layout_of(spoken()).unknown_rate;
    CHECK(scene.client->measured() == (is_told ? std::optional(which.told) : std::nullopt));
    scene.client.reset();
    scene.run();
}

}
