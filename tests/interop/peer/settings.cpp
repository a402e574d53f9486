#include "settings.hpp"

#include "shared/command_line.hpp"
#include "shared/relay_options.hpp"

#include <comoq/net/web_schemes.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <map>

const char *const usage =
    "usage: comoq_interop_peer publish|subscribe URL [options]\n"
    "       comoq_interop_peer serve publish|subscribe [options]\n"
    "\n"
    "The other side of peer.mjs, made of this library: the same options, steps and events, as far as there are any "
    "here.\n"
    "\n"
    "session      --qmux any|qmux-01|qmux-02  --config NAME=N  --host ADDR  --port N  --tcp  --sessions N  --timeout "
    "MS\n"
    "             --duration MS  --stay  --stdin\n"
    "publishing   --broadcast PATH  --tracks N  --track NAME  --track-prefix TEXT  --groups N  --rate N  --frames N\n"
    "             --frame-gap MS  --size N[,N...]  --first-group N  --big-group SEQ  --big-size N  --big-frames N\n"
    "             --abort-group SEQ  --seed TEXT  --timescale N  --step N  --reorder  --info-priority N  "
    "--info-ordered\n"
    "             --latency MS  --begin now|demand  --finish clean|abort|never  --linger MS  --dynamic\n"
    "             --unknown reject|ignore  --keep-tracks  --no-announce\n"
    "subscribing  --announced PREFIX  --priority N  --ordered  --max-latency MS  --start N  --end N  --await  --expect "
    "N\n"
    "             --until-end  --detail frame|group  --next  --slow MS\n"
    "steps        --do COMMAND: announce unannounce finish abort announced unannounced watch unwatch subscribe update\n"
    "             unsubscribe info fetch wait await close quit\n"
    "\n"
    "Here only:\n"
    "  --tcp               serve: on TCP and not on a WebSocket\n"
    "  --on-demand PREFIX  broadcasts at or below it are made when they are asked for, and never announced\n"
    "  --refuse N          what is asked for and not known is refused with the application's code N, and not with "
    "NotFound\n"
    "  --scope PREFIX      asks the peer for announcements below these prefixes only, and not for all\n";

namespace {

constexpr std::size_t most = std::size_t{1} << 53;

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

template <class T>
T choice(std::string_view option, std::string_view text, const std::map<std::string_view, T> &choices) {
    const auto found = choices.find(text);
    if (found == choices.end()) {
        throw UsageError(fmt::format("{} does not take {}", option, in_quotes(text)));
    }
    return found->second;
}

void set_parameter(comoq::qmux::TransportParameters &parameters, std::string_view text) {
    const auto equals = std::min(text.find('='), text.size());
    const auto name = text.substr(0, equals);
    const std::uint64_t value = number_from("--config", text.substr(std::min(equals + 1, text.size())), 0, most);
    const std::map<std::string_view, std::uint64_t comoq::qmux::TransportParameters::*> known = {
        {"maxData", &comoq::qmux::TransportParameters::max_data},
        {"maxStreamDataBidiLocal", &comoq::qmux::TransportParameters::max_stream_data_bidi_local},
        {"maxStreamDataBidiRemote", &comoq::qmux::TransportParameters::max_stream_data_bidi_remote},
        {"maxStreamDataUni", &comoq::qmux::TransportParameters::max_stream_data_uni},
        {"maxStreamsBidi", &comoq::qmux::TransportParameters::max_streams_bidi},
        {"maxStreamsUni", &comoq::qmux::TransportParameters::max_streams_uni},
    };
    parameters.*choice("--config", name, known) = value;
}

// Takes the command line, and sets the parts that depend on all of it at the end.
class Parser {
public:
    explicit Parser(Settings &settings) : settings_(settings) {
        line.word([this](std::string_view text) { words_.emplace_back(text); });
        line.word([this](std::string_view text) { words_.emplace_back(text); });
        add_session();
        add_publishing();
        add_subscribing();
    }

    void finish() {
        auto &s = settings_;
        const std::map<std::string_view, Role> roles = {{"publish", Role::Publish}, {"subscribe", Role::Subscribe}};
        if (words_.size() != 2) {
            throw UsageError("which role, and where to? (--help tells)");
        }
        s.is_server = words_[0] == "serve";
        s.role = choice("the role", words_[s.is_server ? 1 : 0], roles);
        s.url = relay_url(s.is_server ? fmt::format("{}://{}:{}/", on_tcp_ ? "tcp" : "ws", host_, port_) : words_[1]);
        if (s.broadcasts.empty()) {
            s.broadcasts.emplace_back("test");
        }
        const bool one = s.role == Role::Publish && s.tracks.empty();
        for (std::size_t i = 0; i < tracks_.value_or(one ? 1 : 0); ++i) {
            s.tracks.push_back(track_prefix_ + std::to_string(i));
        }
        s.info.timescale = comoq::Timescale(s.timescale);
        s.stays = s.stays || s.reads_commands || (s.role == Role::Publish && !s.duration);
    }

    CommandLine line;

private:
    void number(const char *name, std::function<void(std::size_t)> take) {
        line.option(name,
                    [name, take = std::move(take)](std::string_view text) { take(number_from(name, text, 0, most)); });
    }
    template <class T> void number(const char *name, T &to) {
        number(name, [&to](std::size_t value) { to = static_cast<T>(value); });
    }
    void number(const char *name, std::optional<std::uint64_t> &to) {
        number(name, [&to](std::size_t value) { to = value; });
    }
    void time(const char *name, std::chrono::milliseconds &to) {
        number(name, [&to](std::size_t value) { to = std::chrono::milliseconds(value); });
    }
    void text(const char *name, std::string &to) {
        line.option(name, [&to](std::string_view value) { to = value; });
    }
    void texts(const char *name, std::vector<std::string> &to) {
        line.option(name, [&to](std::string_view value) { to.emplace_back(value); });
    }
    void flag(const char *name, bool &to) {
        line.flag(name, [&to] { to = true; });
    }
    template <class T> void one_of(const char *name, T &to, std::map<std::string_view, T> choices) {
        line.option(name, [name, &to, choices = std::move(choices)](std::string_view value) {
            to = choice(name, value, choices);
        });
    }

    void add_session() {
        auto &s = settings_;
        one_of("--qmux", s.qmux, {{"any", Qmux::Any}, {"qmux-01", Qmux::Draft01}, {"qmux-02", Qmux::Draft02}});
        line.option("--config", [&s](std::string_view value) { set_parameter(s.parameters, value); });
        text("--host", host_);
        number("--port", port_);
        flag("--tcp", on_tcp_);
        number("--sessions", s.sessions);
        time("--timeout", s.timeout);
        number("--duration", [&s](std::size_t value) { s.duration = std::chrono::milliseconds(value); });
        flag("--stay", s.stays);
        flag("--stdin", s.reads_commands);
        texts("--do", s.steps);
    }
    void add_publishing() {
        auto &s = settings_;
        texts("--broadcast", s.broadcasts);
        number("--tracks", [this](std::size_t value) { tracks_ = value; });
        text("--track-prefix", track_prefix_);
        texts("--track", s.tracks);
        number("--groups", s.groups);
        number("--rate", s.rate);
        number("--frames", s.frames);
        time("--frame-gap", s.frame_gap);
        line.option("--size", [&s](std::string_view value) {
            s.sizes.clear();
            for (const auto size : split(value, ',')) {
                s.sizes.push_back(number_from("--size", size, 0, most));
            }
        });
        number("--first-group", s.first_group);
        number("--big-group", s.big_group);
        number("--big-size", s.big_size);
        number("--big-frames", s.big_frames);
        number("--abort-group", s.abort_group);
        text("--seed", s.seed);
        number("--timescale", s.timescale);
        number("--step", s.step);
        flag("--reorder", s.reorders);
        number("--info-priority", s.info.priority);
        flag("--info-ordered", s.info.ordered);
        time("--latency", s.info.max_latency);
        one_of("--begin", s.begin, {{"now", Begin::Now}, {"demand", Begin::Demand}});
        one_of("--finish", s.finish, {{"clean", Finish::Clean}, {"abort", Finish::Abort}, {"never", Finish::Never}});
        time("--linger", s.linger);
        flag("--dynamic", s.is_dynamic);
        one_of("--unknown", s.ignores_unknown, {{"reject", false}, {"ignore", true}});
        flag("--keep-tracks", s.keeps_tracks);
        line.flag("--no-announce", [&s] { s.announces = false; });
        texts("--on-demand", s.on_demand);
        number("--refuse", [&s](std::size_t value) { s.refusal = static_cast<std::uint32_t>(value); });
    }
    void add_subscribing() {
        auto &s = settings_;
        texts("--announced", s.announced);
        texts("--scope", s.scopes);
        number("--priority", s.subscription.priority);
        flag("--ordered", s.subscription.ordered);
        time("--max-latency", s.subscription.max_latency);
        number("--start", s.subscription.start);
        number("--end", s.subscription.end);
        flag("--await", s.waits_for_announcement);
        number("--expect", s.expect);
        flag("--until-end", s.until_end);
        one_of("--detail", s.prints_frames, {{"frame", true}, {"group", false}});
        flag("--next", s.in_order);
        time("--slow", s.slow);
    }

    Settings &settings_;
    std::vector<std::string> words_;
    std::string host_ = "127.0.0.1", track_prefix_ = "t";
    std::uint16_t port_ = 0;
    bool on_tcp_ = false;
    std::optional<std::size_t> tracks_;
};

}  // namespace

void set_wish(comoq::Subscription &wishes, std::string_view word) {
    const auto equals = std::min(word.find('='), word.size());
    const auto name = word.substr(0, equals);
    const auto value = word.substr(std::min(equals + 1, word.size()));
    if (name == "ordered") {
        wishes.ordered = choice<bool>("ordered", value, {{"true", true}, {"false", false}});
        return;
    }
    const auto number = number_from(name, value, 0, most);
    if (name == "priority") {
        wishes.priority = static_cast<std::uint8_t>(number);
    } else if (name == "latencyMax") {
        wishes.max_latency = std::chrono::milliseconds(number);
    } else if (name == "startGroup") {
        wishes.start = number;
    } else if (name == "endGroup") {
        wishes.end = number;
    } else {
        throw UsageError(fmt::format("a subscription has no {}", in_quotes(name)));
    }
}

int with_settings(int argc, char **argv, bool (*run)(const Settings &)) {
    Settings settings;
    Parser parser(settings);
    return run_main("comoq_interop_peer", usage, parser.line, argc, argv, [&] {
        parser.finish();
        return run(settings);
    });
}
