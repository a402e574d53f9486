#include "config_file.hpp"

#if COMOQ_RELAY_CONFIG
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>
#endif

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

namespace {

[[noreturn]] void config_is_wrong(std::string_view file, std::size_t line, std::string_view why) {
    throw UsageError(fmt::format("{}:{}: {}", file, line, why));
}

}  // namespace

#if COMOQ_RELAY_CONFIG

bool has_config_files() noexcept { return true; }

namespace {

std::optional<std::string> config_value(const toml::node &node) {
    if (const auto *text = node.as_string()) {
        return text->get();
    }
    const auto *number = node.as_integer();
    return number != nullptr ? std::optional(std::to_string(number->get())) : std::nullopt;
}

}  // namespace

std::vector<ConfigEntry> read_config(std::string_view toml, std::string_view file) {
    std::vector<ConfigEntry> entries;
    try {
        const auto table = toml::parse(toml, file);
        for (const auto &[key, node] : table) {
            const auto name = "--" + std::string(key.str());
            const auto add = [&](const toml::node &one) {
                auto value = config_value(one);
                if (!value) {
                    config_is_wrong(file, one.source().begin.line, fmt::format("{} takes a text or a number", in_quotes(key.str())));
                }
                entries.push_back({name, std::move(*value), one.source().begin.line, one.source().begin.column});
            };
            if (const auto *all = node.as_array()) {
                for (const auto &one : *all) {
                    add(one);
                }
            } else {
                add(node);
            }
        }
    } catch (const toml::parse_error &error) {
        config_is_wrong(file, error.source().begin.line, error.description());
    }
    // A table has its keys by their names. Where several are wrong, the first is named.
    std::ranges::sort(entries, {}, [](const ConfigEntry &entry) { return std::pair(entry.line, entry.column); });
    return entries;
}

#else

bool has_config_files() noexcept { return false; }

std::vector<ConfigEntry> read_config(std::string_view, std::string_view file) {
    config_is_wrong(file, 1, "this program was built without files of options, which need toml++");
}

#endif

void take_config(const std::string &file, const CommandLine &line, const std::set<std::string, std::less<>> &said) {
    if (!has_config_files()) {
        throw UsageError("--config: this program was built without files of options, which need toml++");
    }
    // Far more than anybody writes.
    constexpr std::size_t longest = std::size_t{1} << 20;
    std::ifstream stream(file, std::ios::binary);
    std::string text(longest + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad() || (!stream.eof() && stream.fail())) {
        throw UsageError(fmt::format("{}: {}", in_quotes(file), std::system_category().message(errno)));
    }
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > longest) {
        throw UsageError(fmt::format("{} is too long for a file of options", in_quotes(file)));
    }
    for (const auto &entry : read_config(text, file)) {
        if (said.contains(entry.name)) {
            continue;
        }
        try {
            if (entry.name == "--config" || !line.take(entry.name, entry.value)) {
                throw UsageError(fmt::format("there is no option {}", in_quotes(entry.name.substr(2))));
            }
        } catch (const UsageError &error) {
            config_is_wrong(file, entry.line, error.what());
        }
    }
}
