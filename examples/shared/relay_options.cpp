#include "relay_options.hpp"

#include <comoq/net/schemes.hpp>
#include <comoq/path.hpp>

#include <fmt/format.h>
#include <system_error>

comoq::net::Url relay_url(std::string_view text) {
    try {
        return comoq::net::known_url(text);
    } catch (const std::system_error &error) {
        throw UsageError(error.what());
    }
}

void check_path(std::string_view text) {
    try {
        const comoq::Path path(text);
    } catch (const std::system_error &error) {
        throw UsageError(fmt::format("{} is not a path of a broadcast: {}", in_quotes(text), error.code().message()));
    }
}

void RelayOptions::read_from(CommandLine &line) {
    line.word([this](std::string_view text) {
        static_cast<void>(relay_url(text));
        url = text;
    });
    line.option("--ca", [this](std::string_view text) { authorities = text; });
    line.option("--tries", [this](std::string_view text) { tries = number_from("--tries", text, 1, 1'000'000); });
    line.flag("--verbose", [this] { is_verbose = true; });
}
