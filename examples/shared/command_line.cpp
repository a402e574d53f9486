#include "command_line.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <system_error>

std::string in_quotes(std::string_view typed) {
    std::string shown = "'";
    for (std::size_t i = 0; i < typed.size(); ++i) {
        const auto c = static_cast<unsigned char>(typed[i]);
        const auto next = i + 1 < typed.size() ? static_cast<unsigned char>(typed[i + 1]) : 0U;
        // Also the controls of two bytes.
        const bool control = c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0);
        shown += control ? '?' : typed[i];
        i += control && c == 0xc2 && next >= 0x80 ? 1 : 0;
    }
    return shown + '\'';
}

std::size_t number_from(std::string_view option, std::string_view text, std::size_t least, std::size_t most) {
    std::size_t number = 0;
    const char *end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data(), end, number);
    if (failure != std::errc() || stopped != end || number < least || number > most) {
        throw UsageError(
            fmt::format("{} takes a number from {} to {}, not {}", option, least, most, in_quotes(text)));
    }
    return number;
}

bool CommandLine::take(std::string_view name, std::string_view value) const {
    const auto found = std::ranges::find(options_, name, &Option::name);
    if (found == options_.end() || !found->has_value) {
        return false;
    }
    found->take(value);
    return true;
}

bool CommandLine::parse(int argc, char **argv) const {
    std::size_t words = 0;
    bool only_words = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (only_words || !argument.starts_with('-') || argument == "-") {
            if (words == words_.size()) {
                throw UsageError(fmt::format("unexpected argument {} (see --help)", in_quotes(argument)));
            }
            words_[words++](argument);
            continue;
        }
        if (argument == "--") {
            only_words = true;
            continue;
        }
        if (argument == "--help" || argument == "-h") {
            return false;
        }
        const auto equals = std::min(argument.find('='), argument.size());
        const auto name = argument.substr(0, equals);
        const auto found = std::ranges::find(options_, name, &Option::name);
        if (found == options_.end()) {
            throw UsageError(fmt::format("unknown option {} (--help lists them)", in_quotes(name)));
        }
        if (equals != argument.size()) {
            if (!found->has_value) {
                throw UsageError(fmt::format("{} takes no value", name));
            }
            found->take(argument.substr(equals + 1));
        } else if (!found->has_value) {
            found->take({});
        } else if (++i == argc) {
            throw UsageError(fmt::format("{} needs a value", name));
        } else {
            found->take(argv[i]);
        }
    }
    return true;
}

int run_main(std::string_view program, std::string_view usage, const CommandLine &line, int argc, char **argv,
             const std::function<bool()> &run) {
    try {
        if (!line.parse(argc, argv)) {
            fmt::print("{}", usage);
            return 0;
        }
        return run() ? 0 : 1;
    } catch (const UsageError &error) {
        fmt::print(stderr, "{}: {}\n", program, error.what());
        return 2;
    } catch (const std::exception &error) {
        fmt::print(stderr, "{}: {}\n", program, error.what());
        return 1;
    }
}
