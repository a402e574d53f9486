#include <comoq/detail/lite/probe_reports.hpp>

#include <chrono>
#include <cstdint>

#include "support/catch.hpp"

namespace probe_reports_tests {

using namespace std::chrono_literals;
using comoq::lite::Probe;
using comoq::lite::detail::ProbeReports;

TEST_CASE("probe reports: the first is told, also if nothing is known yet", "[lite][probe]") {
    ProbeReports reports(true);
    CHECK(reports.is_due(Probe{0, 0}, 0ms));
    CHECK_FALSE(reports.is_due(Probe{0, 0}, 9'900ms));
    CHECK(reports.is_due(Probe{0, 0}, 10s));
}

TEST_CASE("probe reports: a quarter is told at once, less of it later, and anything after ten seconds", "[lite][probe]") {
    const bool up = GENERATE(true, false);
    const auto changed = [up](std::uint64_t by) { return Probe{up ? 1000 + by : 1000 - by, 20}; };
    const auto told = [] {
        ProbeReports reports(true);
        CHECK(reports.is_due(Probe{1000, 20}, 0ms));
        return reports;
    };
    CHECK(told().is_due(changed(250), 100ms));
    CHECK_FALSE(told().is_due(changed(240), 100ms));
    CHECK(told().is_due(changed(240), 500ms));
    CHECK_FALSE(told().is_due(changed(120), 5s));
    CHECK(told().is_due(changed(125), 5s));
    CHECK(told().is_due(changed(1), 9'970ms));
    CHECK_FALSE(told().is_due(changed(0), 9'990ms));
    CHECK(told().is_due(changed(0), 10s));
}

TEST_CASE("probe reports: either value counts, and the next change is one from what was told", "[lite][probe]") {
    ProbeReports reports(true);
    CHECK(reports.is_due(Probe{1000, 20}, 0ms));
    CHECK_FALSE(reports.is_due(Probe{1000, 23}, 100ms));
    CHECK(reports.is_due(Probe{1000, 25}, 200ms));
    CHECK_FALSE(reports.is_due(Probe{1000, 25}, 100ms));
    // Step by step is a change as well.
    CHECK_FALSE(reports.is_due(Probe{1200, 25}, 100ms));
    CHECK(reports.is_due(Probe{1250, 25}, 200ms));
}

TEST_CASE("probe reports: a value that becomes known or unknown is told at once", "[lite][probe]") {
    ProbeReports reports(true);
    CHECK(reports.is_due(Probe{0, 20}, 0ms));
    CHECK(reports.is_due(Probe{1, 20}, 100ms));
    CHECK(reports.is_due(Probe{0, 20}, 100ms));
    CHECK(reports.is_due(Probe{0, 0}, 100ms));
    CHECK(reports.is_due(Probe{comoq::detail::max_varint, 0}, 100ms));
    CHECK_FALSE(reports.is_due(Probe{comoq::detail::max_varint - 1, 0}, 100ms));
}

TEST_CASE("probe reports: a peer that reads 0 as a bitrate is told none while it is unknown", "[lite][probe]") {
    ProbeReports reports(false);
    CHECK_FALSE(reports.is_due(Probe{0, 0}, 0ms));
    CHECK_FALSE(reports.is_due(Probe{0, 20}, 10s));
    CHECK(reports.is_due(Probe{1000, 20}, 11s));
    CHECK_FALSE(reports.is_due(Probe{0, 20}, 10s));
    // The next one is a change of what was told.
    CHECK_FALSE(reports.is_due(Probe{1000, 20}, 100ms));
    CHECK(reports.is_due(Probe{1250, 20}, 100ms));
}

}
