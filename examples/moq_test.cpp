// moq_test: tracks that are defined by their name alone, made and checked.
#include "moq_test/check.hpp"
#include "moq_test/serve.hpp"
#include "moq_test/test_track.hpp"
#include "net/client.hpp"
#include "shared/command_line.hpp"
#include "shared/log_lines.hpp"
#include "shared/run_until_signal.hpp"

#include <comoq/origin.hpp>
#include <comoq/path.hpp>
#include <comoq/protocols.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char *usage =
    "usage: moq_test serve URL [PREFIX] [options]\n"
    "       moq_test check URL NAME [--track NAME] [--fetch] [--groups N] [options]\n"
    "\n"
    "The tracks of draft-afrind-moq-test. `serve` announces PREFIX at a relay and makes each of them while somebody watches it;\n"
    "`check` reads one and compares every object with its name. Exit code of `check`: 0 all is as it should be, 1 not.\n"
    "\n"
    "  URL           a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PREFIX        where to serve; default: moq-test-00\n"
    "  NAME          moq-test-00 and 15 numbers, with slashes between them, and perhaps something before: form (0 a subgroup for\n"
    "                each group, 1 for each object, 2 for odd and for even objects, 3 datagrams), first group, first object, last\n"
    "                group, last object, objects of a group, size of the first one, of the others, milliseconds between them,\n"
    "                steps of groups, of objects, 1 to mark the end of groups, a property with a number, one with bytes (-1:\n"
    "                none), delivery timeout: moq-test-00/0/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0 has three groups of five objects\n"
    "  --track NAME  the name of the track; default: test. The tracks of a name are all alike\n"
    "  --fetch       ask for each group by its number\n"
    "  --groups N    check that many groups, of a track without an end\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> role, name;
    std::string track = "test";
    TestCheck check;
    bool is_well = true;
};

void say(const comoq::Path &path, std::string_view what) {
    fmt::print("moq_test: {} {}\n", path, what);
    std::fflush(stdout);
}

asio::awaitable<void> serve(const Options &options) {
    Client client(options.relay);
    TestServing config;
    config.said = say;
    auto serving = serve_tests(client.published(), std::move(config));
    // The relay asks the client that has announced a path for everything below it.
    const auto announced = client.published().create_broadcast(options.name.value_or(std::string(moq_test_field)));
    co_await client.while_connected(std::move(serving));
}

asio::awaitable<void> check_one(const Client &client, Options &options) {
    auto broadcast = co_await client.received().request_broadcast(*options.name);
    auto checking = check_track(broadcast.track(options.track), *test_track(*options.name), options.check);
    const auto verdict = co_await std::move(checking);
    options.is_well = verdict.is_well();
    for (const auto &fault : verdict.faults) fmt::print(stderr, "moq_test: {}\n", fault);
    fmt::print("moq_test: {} groups, {} objects in {} lanes, {} datagrams lost: {}\n", verdict.groups, verdict.objects, verdict.lanes,
               verdict.lost, verdict.is_well() ? "as they should be" : "not as they should be");
}

asio::awaitable<void> check(Options &options) {
    Client client(options.relay, comoq::Path());
    const auto &protocols = options.relay.protocols;
    options.check.has_objects = !protocols.empty() && std::ranges::all_of(protocols, comoq::speaks_ietf);
    auto checking = check_one(client, options);
    co_await client.while_connected(std::move(checking));
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    line.word([&](std::string_view text) { options.role = text; });
    options.relay.read_from(line);
    line.word([&](std::string_view text) { options.name = text; });
    line.option("--track", [&](std::string_view text) { options.track = text; });
    line.flag("--fetch", [&] { options.check.fetches = true; });
    line.option("--groups", [&](std::string_view text) { options.check.groups = number_from("--groups", text, 1, 1'000'000); });
    return run_main("moq_test", std::string(usage) + RelayOptions::usage, line, argc, argv, [&options] {
        show_log("moq_test", options.relay.log_level());
        const bool serves = options.role == "serve";
        if (!serves && options.role != "check") throw UsageError("missing serve or check (see --help)");
        if (!options.relay.url) throw UsageError("missing URL (see --help)");
        if (options.name) check_path(*options.name);
        if (!serves && !options.name) throw UsageError("missing NAME (see --help)");
        if (!serves && !test_track(*options.name)) throw UsageError(in_quotes(*options.name) + " is not the name of a test track that this program knows");
        run_until_signal(serves ? serve(options) : check(options));
        return options.is_well;
    });
}
