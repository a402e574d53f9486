// SPDX-License-Identifier: MIT
// The client of the interop runner (moq-interop-runner): plays its cases against a relay, and says in TAP 14 how they went.
#include "runner/cases.hpp"

#include "net/schemes.hpp"
#include "shared/command_line.hpp"
#include "shared/relay_options.hpp"
#include "shared/run_until_signal.hpp"

#include <comoq/protocols.hpp>
#include <comoq/version.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// What the interop runner takes for "not here".
constexpr int is_unsupported = 127;
// For the connection by which the relay's draft is seen.
constexpr std::chrono::seconds patience{10};

constexpr const char *usage =
    "usage: comoq_interop_runner [options]\n"
    "\n"
    "Plays the cases of the interop runner against a relay, and says in TAP 14 how they went.\n"
    "Exit code: 0 all went well, 1 not, 2 the command line is wrong, 127 the case, the role or the draft is unknown here.\n"
    "\n"
    "  -r, --relay URL         where the relay is: moqt:// for QUIC, https:// for WebTransport, ws:// or wss://HOST:PORT;\n"
    "                          default: RELAY_URL, or https://localhost:4443\n"
    "  -t, --test NAME         the one case to play; default: TESTCASE, or all\n"
    "  -l, --list              print the names of the cases\n"
    "      --draft N           the one draft to offer: 18, 20, 21 or 22; default: MOQT_DRAFT or DRAFT, or 22, 20 and 18\n"
    "      --slow N            give each case N times as long as the interop runner does; for a machine that is busy\n"
    "  -v, --verbose           say what came in each case; default: VERBOSE is 1\n"
    "      --tls-disable-verify  take any certificate; default: TLS_DISABLE_VERIFY is 1\n"
    "  --help                  print this\n";

// Something that this program does not do.
struct Unsupported : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::optional<std::string> variable(const char *name) {
    const char *const value = std::getenv(name);
    return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

struct Options {
    std::string url = variable("RELAY_URL").value_or("https://localhost:4443");
    std::optional<std::string> test = variable("TESTCASE");
    std::optional<std::string> draft = variable(variable("MOQT_DRAFT") ? "MOQT_DRAFT" : "DRAFT");
    bool is_verbose = variable("VERBOSE") == "1", takes_any = variable("TLS_DISABLE_VERIFY") == "1", lists = false;
    std::size_t slow = 1;
};

// A text of other people's, without what ends a line.
std::string on_one_line(std::string text) {
    std::ranges::replace_if(text, [](char letter) { return static_cast<unsigned char>(letter) < ' '; }, ' ');
    return text;
}
// The same in the quotes of YAML.
std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char letter : on_one_line(std::string(text))) {
        if (letter == '"' || letter == '\\') result += '\\';
        result += letter;
    }
    return result + '"';
}

std::vector<std::string> protocols_of(const std::optional<std::string> &draft) {
    // The newest first: the runner counts on it. Draft 21 is draft 20 on the wire.
    if (!draft) return {"moqt-22", "moqt-20", "moqt-18"};
    const auto number = draft->starts_with("draft-") ? draft->substr(6) : *draft;
    const auto name = "moqt-" + number;
    // The cases look at messages, each request on a stream of its own, as draft 16 does not have it.
    if (name == "moqt-16" || std::ranges::find(comoq::session_protocols, name) == comoq::session_protocols.end()) {
        throw Unsupported("the draft " + in_quotes(*draft));
    }
    return {name};
}

void check_url(const std::string &text) {
    const auto url = relay_url(text);
    if (url.scheme != "moqt" && url.scheme != "https" && url.scheme != "ws" && url.scheme != "wss") {
        throw UsageError(fmt::format("the relay is at a URL of moqt, https, ws or wss, and not at {}", in_quotes(text)));
    }
}

struct Outcome {
    bool is_well = false;
    // The members of the block of YAML, with a line each.
    std::string details;
};

asio::awaitable<Outcome> outcome_of(const Case &which, const Target &target, std::size_t slow) {
    Outcome outcome;
    const auto begin = std::chrono::steady_clock::now();
    try {
        auto playing = comoq::with_timeout(which.play(target), which.limit * static_cast<int>(slow));
        const auto message = co_await std::move(playing);
        outcome.is_well = true;
        outcome.details = "  message: " + quoted(message) + "\n";
    } catch (const Mismatch &mismatch) {
        outcome.details = fmt::format("  expected: {}\n  received: {}\n", quoted(mismatch.expected), quoted(mismatch.received));
    } catch (const std::exception &error) {
        outcome.details = fmt::format("  message: {}\n", quoted(error.what()));
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    outcome.details = fmt::format("  duration_ms: {}\n", took.count()) + outcome.details;
    co_return outcome;
}

// `is_well` becomes true if all cases went well; a signal ends them before that.
asio::awaitable<void> play(const std::vector<const Case *> &chosen, const Target &target, const Options &options, bool &is_well) {
    fmt::print("TAP version 14\n# comoq interop runner " COMOQ_VERSION_STRING "\n# Relay: {}\n", on_one_line(target.url));
    std::string draft, failure;
    try {
        auto asking = comoq::with_timeout(draft_at(target), patience * static_cast<int>(options.slow));
        draft = co_await std::move(asking);
    } catch (const std::exception &error) {
        failure = on_one_line(error.what());
    }
    if (draft.empty()) {
        fmt::print("1..{}\nBail out! No session with the relay: {}\n", chosen.size(), failure);
        co_return;
    }
    fmt::print("# Draft: {}\n1..{}\n", draft, chosen.size());
    std::size_t number = 0, well = 0;
    for (const Case *const which : chosen) {
        std::fflush(stdout);
        auto playing = outcome_of(*which, target, options.slow);
        const auto outcome = co_await std::move(playing);
        well += outcome.is_well ? 1 : 0;
        fmt::print("{}ok {} - {}\n", outcome.is_well ? "" : "not ", ++number, which->name);
        if (options.is_verbose || !outcome.is_well) fmt::print("  ---\n{}  ...\n", outcome.details);
    }
    is_well = well == chosen.size();
}

bool run(const Options &options) {
    if (const auto role = variable("MOQT_ROLE"); role && role != "client") throw Unsupported("the role " + in_quotes(*role));
    std::vector<const Case *> chosen;
    for (const Case &one : all_cases()) {
        if (!options.test || *options.test == one.name) chosen.push_back(&one);
    }
    if (chosen.empty()) throw Unsupported("the case " + in_quotes(*options.test));
    Target target;
    target.url = options.url;
    target.config.protocols = protocols_of(options.draft);
    target.config.tls.accept_any_certificate = options.takes_any;
    check_url(options.url);
    bool is_well = false;
    run_until_signal(play(chosen, target, options, is_well));
    return is_well;
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    for (const char *const name : {"-r", "--relay"}) line.option(name, [&](std::string_view text) { options.url = text; });
    for (const char *const name : {"-t", "--test"}) line.option(name, [&](std::string_view text) { options.test = text; });
    line.option("--draft", [&](std::string_view text) { options.draft = text; });
    line.option("--slow", [&](std::string_view text) { options.slow = number_from("--slow", text, 1, 1000); });
    for (const char *const name : {"-l", "--list"}) line.flag(name, [&] { options.lists = true; });
    for (const char *const name : {"-v", "--verbose"}) line.flag(name, [&] { options.is_verbose = true; });
    line.flag("--tls-disable-verify", [&] { options.takes_any = true; });
    bool is_known = true;
    const int code = run_main("comoq_interop_runner", usage, line, argc, argv, [&] {
        if (options.lists) {
            for (const Case &one : all_cases()) fmt::print("{}\n", one.name);
            return true;
        }
        try {
            return run(options);
        } catch (const Unsupported &what) {
            fmt::print(stderr, "comoq_interop_runner: {} is unknown here\n", what.what());
            is_known = false;
            return false;
        }
    });
    return is_known ? code : is_unsupported;
}
