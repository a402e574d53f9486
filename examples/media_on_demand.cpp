// media_on_demand: the movies of a folder, each read while somebody watches it.
#include "media_on_demand/serve.hpp"
#include "net/client.hpp"
#include "shared/command_line.hpp"
#include "shared/log_lines.hpp"
#include "shared/run_until_signal.hpp"

#include <comoq/origin.hpp>
#include <comoq/path.hpp>

#include <asio/awaitable.hpp>

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char *usage =
    "usage: media_on_demand URL PREFIX DIRECTORY [options]\n"
    "\n"
    "Announces PREFIX at a relay, and nothing else: whoever asks for PREFIX/NAME gets the fragmented MP4 of that name in the\n"
    "directory as a hang broadcast, from its beginning, or with PREFIX/NAME?t=SECONDS from there. A file that nobody watches costs\n"
    "nothing; the last viewer's leaving ends the reading.\n"
    "\n"
    "  URL         a relay: ws://HOST:PORT, wss://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT\n"
    "  PREFIX      where to serve, such as vod\n"
    "  DIRECTORY   the movies\n";

struct Options {
    RelayOptions relay;
    std::optional<std::string> prefix, directory;
};

void say(const comoq::Path &path, std::string_view what) {
    fmt::print("media_on_demand: {} {}\n", path, what);
    std::fflush(stdout);
}

asio::awaitable<void> run(const Options &options) {
    Client client(options.relay);
    OnDemandConfig config;
    config.folder = *options.directory;
    config.prefix = comoq::Path(*options.prefix);
    config.said = say;
    auto serving = serve_folder(client.published(), std::move(config));
    // The relay asks the client that has announced a path for everything below it.
    const auto announced = client.published().create_broadcast(*options.prefix);
    co_await client.while_connected(std::move(serving));
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    options.relay.read_from(line);
    line.word([&](std::string_view text) { options.prefix = text; });
    line.word([&](std::string_view text) { options.directory = text; });
    return run_main("media_on_demand", std::string(usage) + RelayOptions::usage, line, argc, argv, [&options] {
        show_log("media_on_demand", options.relay.log_level());
        if (!options.relay.url || !options.prefix || !options.directory) throw UsageError("missing URL, PREFIX or DIRECTORY (see --help)");
        check_path(*options.prefix);
        if (!std::filesystem::is_directory(*options.directory)) {
            throw std::runtime_error(fmt::format("{} is not a directory", in_quotes(*options.directory)));
        }
        run_until_signal(run(options));
        return true;
    });
}
