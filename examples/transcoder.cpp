// transcoder: serves what a relay has in another form, while somebody watches it.
#include "net/client.hpp"
#include "shared/command_line.hpp"
#include "shared/log_lines.hpp"
#include "shared/run_until_signal.hpp"
#include "transcoder/transcode.hpp"

#include <comoq/origin.hpp>
#include <comoq/path.hpp>

#include <asio/awaitable.hpp>

#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char *usage =
    "usage: transcoder URL PREFIX [options]\n"
    "\n"
    "Announces PREFIX at a relay, and answers requests for PREFIX/PATH with the broadcast PATH of the relay, transformed. It\n"
    "reads a track of PATH once for all viewers of PREFIX/PATH, and not at all while nobody watches.\n"
    "\n"
    "  URL         a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PREFIX      where to serve, such as small\n"
    "  --each N    pass the first frame of a group and each N-th one after it; default: 2\n"
    "  --upper     turn a to z into A to Z\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> prefix;
    std::uint64_t each = 2;
    bool is_upper = false;
};

void say(const comoq::Path &path, bool is_watched) {
    fmt::print("transcoder: {} {}\n", path, is_watched ? "is requested" : "has no viewer any more");
    std::fflush(stdout);
}

asio::awaitable<void> run(const Options &options) {
    // It may be asked for anything that the relay has.
    Client client(options.relay, comoq::Path());
    const comoq::Path prefix(*options.prefix);
    auto transform = thinned(options.each);
    if (options.is_upper) transform = in_upper_case(std::move(transform));
    auto to = client.published();
    auto serving = transcode(client.received(), to, prefix, std::move(transform), say);
    // The relay asks the client that has announced a path for everything below it.
    const auto announced = to.create_broadcast(*options.prefix);
    co_await client.while_connected(std::move(serving));
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    options.relay.read_from(line);
    line.word([&](std::string_view text) { options.prefix = text; });
    line.option("--each", [&](std::string_view text) { options.each = number_from("--each", text, 1, 1'000'000); });
    line.flag("--upper", [&] { options.is_upper = true; });
    return run_main("transcoder", std::string(usage) + RelayOptions::usage, line, argc, argv, [&options] {
        show_log("transcoder", options.relay.log_level());
        if (!options.relay.url || !options.prefix) throw UsageError("missing URL or PREFIX (see --help)");
        run_until_signal(run(options));
        return true;
    });
}
