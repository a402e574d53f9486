// narrow_link: a viewer at a relay, behind a link that is slower than what it watches, and how late urgent data comes there.
#include "shared/command_line.hpp"
#include "shared/relay_options.hpp"

#include <comoq/lite/session.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/web_schemes.hpp>
#include <comoq/origin.hpp>

#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr const char *usage =
    "usage: narrow_link --relay URL [options]\n"
    "\n"
    "Publishes sound and pictures at a relay, watches them through a link of its own making, and prints how late they came,\n"
    "how much of the link they took, and what the relay said about it (PROBE). A second is not measured at the beginning.\n"
    "\n"
    "  --relay URL     ws://HOST:PORT or tcp://HOST:PORT\n"
    "  --links LIST    bytes a second, one after the other: 145000 if not given; 0 is a free link\n"
    "  --seconds N     of each link; 20 if not given\n"
    "  --audio N       bytes a second, in 50 groups of a frame; 8000 if not given; the viewer's priority is 80\n"
    "  --video N       bytes a second, in a group of 25 frames; 200000 if not given; the priority is 60\n"
    "  --latency N     milliseconds that the viewer wants data to be late at most; 500 if not given\n"
    "  --buffer N      bytes of the link's receive buffer; 16384 if not given\n"
    "  --most-late N   milliseconds: the exit code is 1 if a twentieth of the sound is later on some link\n"
    "  --goodput N     percent: the exit code is 1 if less of some link is used\n"
    "  --help          print this\n";

struct Options {
    std::optional<std::string> relay;
    std::vector<std::size_t> links{145'000};
    std::size_t seconds = 20, audio = 8'000, video = 200'000, latency = 500, buffer = 16 * 1024;
    std::size_t most_late = 3'600'000, goodput = 0;
};

std::int64_t now() { return Clock::now().time_since_epoch().count(); }

// Between the viewer and the relay. Only what the relay sends is limited, to what the link carries in a second.
class NarrowLink {
public:
    NarrowLink(asio::io_context &context, const Options &options, std::size_t bytes_per_second)
        : context_(context), options_(options), rate_(bytes_per_second),
          acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    void set_rate(std::size_t bytes_per_second) { rate_ = bytes_per_second; }

    awaitable<void> run() {
        tcp::socket viewer = co_await acceptor_.async_accept(use_awaitable);
        const auto url = relay_url(*options_.relay);
        tcp::resolver resolver(context_);
        const auto found = co_await resolver.async_resolve(url.host, std::to_string(*url.port), use_awaitable);
        tcp::socket relay(context_);
        relay.open(tcp::v4());
        // Before it connects: the window is agreed on there.
        relay.set_option(asio::socket_base::receive_buffer_size(static_cast<int>(options_.buffer)));
        viewer.set_option(asio::socket_base::send_buffer_size(static_cast<int>(options_.buffer)));
        viewer.set_option(tcp::no_delay(true));
        const auto endpoint = found.begin()->endpoint();
        co_await relay.async_connect(endpoint, use_awaitable);
        relay.set_option(tcp::no_delay(true));
        viewer_.emplace(std::move(viewer));
        relay_.emplace(std::move(relay));
        auto up = carry(*viewer_, *relay_, false);
        asio::co_spawn(context_, std::move(up), [](const std::exception_ptr &) {});
        co_await carry(*relay_, *viewer_, true);
    }

private:
    awaitable<void> carry(tcp::socket &from, tcp::socket &to, bool is_narrow) {
        std::array<std::byte, 1460> bytes;
        asio::steady_timer timer(context_);
        auto free_at = Clock::now();
        while (true) {
            const std::size_t count = co_await from.async_read_some(asio::buffer(bytes), use_awaitable);
            if (is_narrow && rate_ != 0) {
                // It does not save up what it did not carry, except for the time that a timer is late.
                free_at = std::max(free_at, Clock::now() - 5ms) + std::chrono::nanoseconds(1'000'000'000 * count / rate_);
                timer.expires_at(free_at);
                co_await timer.async_wait(use_awaitable);
            }
            const auto part = asio::buffer(bytes, count);
            co_await asio::async_write(to, part, use_awaitable);
        }
    }

    asio::io_context &context_;
    const Options &options_;
    std::size_t rate_;
    tcp::acceptor acceptor_;
    std::optional<tcp::socket> viewer_, relay_;
};

struct Seen {
    std::vector<double> late;  // in milliseconds
    std::size_t bytes = 0, groups_cut = 0;
};

double at(std::vector<double> &values, double part) {
    if (values.empty()) return -1;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

class Run {
public:
    explicit Run(const Options &options)
        : options_(options), link_(context_, options, options.links.front()),
          broadcast_(there_.producer().create_broadcast("narrow")) {}

    bool run() {
        std::exception_ptr failure;
        const auto keep = [&](const std::exception_ptr &thrown) {
            if (thrown != nullptr && failure == nullptr) failure = thrown;
            if (thrown != nullptr) context_.stop();
        };
        asio::co_spawn(context_, link_.run(), keep);
        asio::co_spawn(context_, whole(), [&](const std::exception_ptr &thrown) {
            keep(thrown);
            context_.stop();
        });
        context_.run();
        if (failure != nullptr) std::rethrow_exception(failure);
        std::fflush(stdout);
        // Closing the sessions would only take time.
        std::_Exit(is_good_ ? 0 : 1);
    }

private:
    awaitable<void> sleep(std::chrono::nanoseconds time) {
        asio::steady_timer timer(context_, time);
        co_await timer.async_wait(use_awaitable);
    }

    awaitable<void> whole() {
        auto url = relay_url(*options_.relay);
        auto connecting = comoq::connect_transport(url.text());
        auto publishing = co_await std::move(connecting);
        comoq::lite::SessionConfig of_publisher;
        of_publisher.publish = there_.consumer();
        publisher_.emplace(std::move(publishing), std::move(of_publisher));
        start(publish("audio", 50, options_.audio, 1));
        start(publish("video", 25, options_.video, 25));

        url.host = "127.0.0.1";
        url.port = link_.port();
        connecting = comoq::connect_transport(url.text());
        auto watching = co_await std::move(connecting);
        comoq::lite::SessionConfig of_viewer;
        of_viewer.subscribe = here_.producer();
        of_viewer.probe = true;
        viewer_.emplace(std::move(watching), std::move(of_viewer));
        auto finding = here_.consumer().announced_broadcast("narrow");
        auto broadcast = co_await std::move(finding);
        start(watch(broadcast, "audio", 80, audio_));
        start(watch(broadcast, "video", 60, video_));
        start(log_probes());

        for (const std::size_t rate : options_.links) {
            link_.set_rate(rate);
            co_await sleep(1s);
            audio_ = video_ = Seen();
            probes_.clear();
            co_await sleep(std::chrono::seconds(options_.seconds));
            report(rate);
        }
    }

    void start(awaitable<void> task) {
        asio::co_spawn(context_, std::move(task), [](const std::exception_ptr &thrown) {
            if (thrown != nullptr) std::rethrow_exception(thrown);
        });
    }

    awaitable<void> publish(std::string name, std::size_t per_second, std::size_t bytes, std::size_t frames) {
        auto track = broadcast_.producer().create_track(name, comoq::TrackInfo());
        asio::steady_timer timer(context_, Clock::now());
        while (true) {
            auto group = track.append_group();
            for (std::size_t i = 0; i < frames; ++i) {
                std::vector<std::byte> payload(std::max<std::size_t>(bytes / per_second, 16));
                const std::int64_t sent = now();
                std::memcpy(payload.data(), &sent, sizeof sent);
                group.write_frame(comoq::Bytes(std::move(payload)));
                timer.expires_at(timer.expiry() + std::chrono::nanoseconds(1'000'000'000 / per_second));
                co_await timer.async_wait(use_awaitable);
            }
            group.finish();
        }
    }

    awaitable<void> watch(comoq::BroadcastConsumer broadcast, std::string name, std::uint8_t priority, Seen &seen) {
        comoq::Subscription wishes;
        wishes.priority = priority;
        wishes.max_latency = std::chrono::milliseconds(options_.latency);
        auto subscribing = broadcast.track(name).subscribe(wishes);
        auto track = co_await std::move(subscribing);
        while (true) {
            auto next = track.recv_group();
            auto group = co_await std::move(next);
            if (!group) throw std::runtime_error("the track ended");
            start(read(std::move(*group), seen));
        }
    }
    awaitable<void> read(comoq::GroupConsumer group, Seen &seen) {
        while (true) {
            auto next = group.read_frames(1);
            auto [failure, frames] = co_await std::move(next).as_tuple();
            if (failure) ++seen.groups_cut;
            if (failure || !frames) co_return;
            for (const auto &frame : *frames) {
                std::int64_t sent = 0;
                std::memcpy(&sent, frame.payload.span().data(), sizeof sent);
                seen.late.push_back(static_cast<double>(now() - sent) * 1e-6);
                seen.bytes += frame.payload.size();
            }
        }
    }

    awaitable<void> log_probes() {
        while (true) {
            co_await sleep(1s);
            const auto probe = viewer_->measured();
            probes_.push_back(probe ? probe->bitrate / 1000 : 0);
        }
    }

    void report(std::size_t rate) {
        const double seconds = static_cast<double>(options_.seconds);
        const double all = static_cast<double>(audio_.bytes + video_.bytes) / seconds;
        const double wanted = static_cast<double>(options_.audio + options_.video);
        const double most = rate == 0 ? wanted : std::min(wanted, static_cast<double>(rate));
        const double late = at(audio_.late, 0.95), used = 100 * all / most;
        const bool is_late = audio_.late.empty() || late > static_cast<double>(options_.most_late);
        is_good_ = is_good_ && !is_late && used >= static_cast<double>(options_.goodput);
        fmt::print("link {:7} B/s: audio p50 {:.0f} ms, p95 {:.0f} ms, {} of {} frames; ", rate, at(audio_.late, 0.5), late,
                   audio_.late.size(), 50 * options_.seconds);
        fmt::print("video p50 {:.0f} ms, p95 {:.0f} ms, {} groups cut; goodput {:.1f} %; ", at(video_.late, 0.5),
                   at(video_.late, 0.95), video_.groups_cut, used);
        fmt::print("kbit/s told:");
        for (const auto each : probes_) fmt::print(" {}", each);
        fmt::print("\n");
        std::fflush(stdout);
    }

    const Options &options_;
    asio::io_context context_{1};
    NarrowLink link_;
    comoq::Origin there_, here_;
    comoq::BroadcastPublish broadcast_;
    std::optional<comoq::lite::Session> publisher_, viewer_;
    Seen audio_, video_;
    std::vector<std::uint64_t> probes_;
    bool is_good_ = true;
};

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    line.option("--relay", [&](std::string_view text) { options.relay = text; });
    line.option("--links", [&](std::string_view text) {
        options.links.clear();
        while (true) {
            const auto comma = text.find(',');
            options.links.push_back(number_from("--links", text.substr(0, comma), 0, 1'000'000'000));
            if (comma == text.npos) break;
            text.remove_prefix(comma + 1);
        }
    });
    const auto number = [&line](std::string name, std::size_t &value, std::size_t least, std::size_t most) {
        line.option(name, [=, &value](std::string_view text) { value = number_from(name, text, least, most); });
    };
    number("--seconds", options.seconds, 1, 3600);
    number("--audio", options.audio, 1, 1'000'000);
    number("--video", options.video, 1, 100'000'000);
    number("--latency", options.latency, 0, 60'000);
    number("--buffer", options.buffer, 2048, 1 << 20);
    number("--most-late", options.most_late, 0, 3'600'000);
    number("--goodput", options.goodput, 0, 100);
    return run_main("narrow_link", usage, line, argc, argv, [&options] {
        if (!options.relay) throw UsageError("which relay? --relay (--help tells)");
        const auto scheme = relay_url(*options.relay).scheme;
        if (scheme != "ws" && scheme != "tcp") throw UsageError("ws:// and tcp:// alone");
        return Run(options).run();
    });
}
