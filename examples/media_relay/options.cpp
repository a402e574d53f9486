#include "options.hpp"

#include <charconv>
#include <fmt/format.h>
#include <string_view>
#include <system_error>

namespace {

// With --out each viewer has a file open, and a process may usually have 1,024 of those.
constexpr std::size_t max_viewers = 1000;

std::size_t viewers_from(std::string_view text) {
    std::size_t count = 0;
    const char *end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data(), end, count);
    if (failure != std::errc() || stopped != end || count == 0 || count > max_viewers) {
        throw UsageError(fmt::format("--viewers takes a number from 1 to {}, not {}", max_viewers, in_quotes(text)));
    }
    return count;
}

}  // namespace

Options parse_options(int argc, char **argv) {
    Options options;
    bool has_file = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--help" || argument == "-h") {
            options.help = true;
            return options;
        }
        if (argument == "--viewers" || argument == "--out") {
            if (++i == argc) {
                throw UsageError(fmt::format("{} needs a value", argument));
            }
            if (argument == "--viewers") {
                options.viewers = viewers_from(argv[i]);
            } else {
                options.out = argv[i];
            }
        } else if (argument.starts_with('-')) {
            throw UsageError(fmt::format("unknown option {} (--help lists them)", in_quotes(argument)));
        } else if (has_file) {
            throw UsageError(fmt::format("one file at a time: {} is one too many", in_quotes(argument)));
        } else {
            options.file = argument;
            has_file = true;
        }
    }
    if (!has_file) {
#ifdef COMOQ_CLIP
        options.file = COMOQ_CLIP;
#else
        throw UsageError("which file? (--help tells)");
#endif
    }
    return options;
}

std::string usage() {
    return fmt::format("usage: media_relay [FILE.mp4] [--viewers N] [--out DIR]\n"
                       "\n"
                       "Sends a fragmented MP4 through an upstream origin and an edge origin to N viewers at once,\n"
                       "and checks that each of them gets every byte of it.\n"
                       "\n"
                       "  FILE.mp4     a fragmented MP4; without it, the clip that comes with the examples\n"
                       "  --viewers N  how many viewers, 1 to {}; 8 if not given\n"
                       "  --out DIR    write what viewer N received to DIR/viewer-N.mp4\n"
                       "  --help       print this\n",
                       max_viewers);
}

std::string in_quotes(std::string_view typed) {
    std::string shown = "'";
    for (char c : typed) {
        const bool control = (c >= 0 && c < ' ') || c == '\x7f';
        shown += control ? '?' : c;
    }
    return shown + "'";
}
