// The command line of the peer.
#pragma once

#include <comoq/net/url.hpp>
#include <comoq/qmux/connection_config.hpp>
#include <comoq/subscription.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

enum class Qmux { Any, Draft01, Draft02 };
enum class Role { Publish, Subscribe };
enum class Begin { Now, Demand };
enum class Finish { Clean, Abort, Never };

struct Settings {
    Role role = Role::Publish;
    bool is_server = false;
    comoq::net::Url url;  // where to, or where to listen
    bool is_websocket() const { return url.scheme == "ws"; }
    Qmux qmux = Qmux::Any;
    comoq::qmux::TransportParameters parameters = comoq::qmux::default_parameters();
    std::size_t sessions = 1;
    std::chrono::milliseconds timeout{30'000};
    std::optional<std::chrono::milliseconds> duration;
    bool stays = false, reads_commands = false;

    std::vector<std::string> broadcasts;
    std::vector<std::string> tracks;

    std::uint64_t groups = 10, frames = 3, first_group = 0;
    std::uint64_t rate = 0;
    std::chrono::milliseconds frame_gap{0};
    std::vector<std::size_t> sizes = {100};
    std::optional<std::uint64_t> big_group, abort_group;
    std::uint64_t big_size = 5'000'000, big_frames = 1;
    std::string seed = "comoq";
    std::uint64_t timescale = 1000, step = 20;
    bool reorders = false;
    comoq::TrackInfo info;
    Begin begin = Begin::Demand;
    Finish finish = Finish::Clean;
    std::chrono::milliseconds linger{1000};
    bool is_dynamic = false, ignores_unknown = false, keeps_tracks = false, announces = true;
    std::vector<std::string> on_demand;
    std::optional<std::uint32_t> refusal;

    std::vector<std::string> announced, scopes;
    comoq::Subscription subscription;
    bool waits_for_announcement = false, until_end = false, prints_frames = true, in_order = false;
    std::size_t expect = 0;
    std::chrono::milliseconds slow{0};
    std::vector<std::string> steps;
};

extern const char *const usage;

// A NAME=VALUE word of a subscription, as the JavaScript peer has them. Throws UsageError.
void set_wish(comoq::Subscription &wishes, std::string_view word);

// Runs `run` with the settings of the command line. Returns the exit code of the program.
int with_settings(int argc, char **argv, bool (*run)(const Settings &));
