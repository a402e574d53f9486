#include "options.hpp"

// With --out each viewer has a file open, and a process may usually have 1,024 of them.
constexpr std::size_t max_viewers = 1000;

const std::string_view usage =
    "usage: media_relay [FILE.mp4] [--hang] [--viewers N] [--out DIR]\n"
    "\n"
    "Sends a fragmented MP4 through an upstream origin and an edge origin to N viewers at once,\n"
    "and checks that each of them gets every byte of it, or with --hang every frame.\n"
    "\n"
    "  FILE.mp4     a fragmented MP4; default: the clip of the examples\n"
    "  --hang       as a hang broadcast, as stock players read it: a viewer makes a movie of its frames\n"
    "  --viewers N  number of viewers, 1 to 1000; default: 8\n"
    "  --out DIR    write what viewer N gets to DIR/viewer-N.mp4\n"
    "  --help       print this\n";

CommandLine command_line(Options &options) {
#ifdef COMOQ_CLIP
    options.file = COMOQ_CLIP;
#endif
    CommandLine line;
    line.word([&](std::string_view text) { options.file = text; });
    line.flag("--hang", [&] { options.is_hang = true; });
    line.option("--viewers",
                [&](std::string_view text) { options.viewers = number_from("--viewers", text, 1, max_viewers); });
    line.option("--out", [&](std::string_view text) { options.out = text; });
    return line;
}
