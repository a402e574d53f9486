// relay_load: one publisher and many viewers at a relay, each with a connection of its own, and the cost of that for the
// relay's process. It works with any relay; relay.sh compares two.
#include "shared/command_line.hpp"
#include "shared/relay_options.hpp"

#include <comoq/net/connect.hpp>
#if defined(COMOQ_EXAMPLES_QUIC)
#include <comoq/net/quic_schemes.hpp>
#endif
#include <comoq/net/web_schemes.hpp>
#include <comoq/origin.hpp>
#include <comoq/session.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <fmt/format.h>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using asio::awaitable;
using Clock = std::chrono::steady_clock;

constexpr const char *usage =
    "usage: relay_load --publish URL --subscribe URL --pid RELAY [options]\n"
    "\n"
    "Publishes a track at a relay, reads it there as often as there are viewers, and prints what came, how late, and what\n"
    "that took of the relay's CPU and memory.\n"
    "\n"
    "  --publish URL    where the broadcast is announced: HOST:PORT after ws://, wss://, tcp://, moql:// (QUIC) or https://\n"
    "                   (WebTransport); any certificate will do\n"
    "  --subscribe URL  where it is read\n"
    "  --pid RELAY      the relay's process\n"
    "  --path PATH      the broadcast; load if not given\n"
    "  --protocol NAME  what the clients speak: moqt-18, say; moq-lite if not given\n"
    "  --viewers N      1 if not given\n"
    "  --rate N         groups a second, their frames evenly spaced; 2 if not given; 0: as fast as the slowest viewer gets\n"
    "                   them\n"
    "  --frames N       in a group; 30 if not given\n"
    "  --size N         bytes in a frame, at least 16; 5000 if not given\n"
    "  --seconds N      that are measured; 10 if not given\n"
    "  --warmup N       seconds before them; 2 if not given\n"
    "  --window N       with --rate 0: groups on their way that some viewer has not whole; 4 if not given\n"
    "  --keep N         seconds that the track may be kept; 10 if not given, as long as viewers say that frames may be late\n"
    "  --threads N      of this program, 1 if not given\n"
    "  --json           print one line of JSON\n"
    "  --help           print this\n"
    "\n"
    "The exit code is 1 if frames were lost or the rate was not reached.\n";

struct Options {
    std::optional<std::string> publish, subscribe, protocol;
    std::string path = "load";
    std::size_t pid = 0, viewers = 1, rate = 2, frames = 30, size = 5000, seconds = 10, warmup = 2, window = 4, threads = 1;
    std::size_t keep = 10;
    bool json = false;
};

constexpr const char *track_name = "video";
constexpr auto max_latency = 10s;
// Time limits of the parts that are not measured: until all viewers are there, until a group comes, until the last frames come.
constexpr auto longest_start = 30s;
constexpr auto longest_stall = 15s;
constexpr auto longest_rest = max_latency + 2s;

std::int64_t now() { return Clock::now().time_since_epoch().count(); }
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
double in_seconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-9; }

// A frame begins with these; the rest is the same in all.
struct Header {
    std::uint64_t number;
    std::int64_t sent;
};

// The processor time of a process, and of all of them together, until now, in seconds.

double ticks_to_seconds(std::uint64_t ticks) {
    return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double cpu_of(std::size_t pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string line;
    std::getline(file, line);
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) throw std::runtime_error(fmt::format("there is no process {}", pid));
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    std::uint64_t user = 0, system = 0;
    fields >> user >> system;
    return ticks_to_seconds(user + system);
}

double own_cpu() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval &time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double everybodys_cpu() {
    std::ifstream file("/proc/stat");
    std::string name;
    std::uint64_t user = 0, nice = 0, system = 0, idle = 0, io = 0, irq = 0, soft_irq = 0, stolen = 0;
    file >> name >> user >> nice >> system >> idle >> io >> irq >> soft_irq >> stolen;
    return ticks_to_seconds(user + nice + system + irq + soft_irq + stolen);
}

double peak_mib_of(std::size_t pid) {
    std::ifstream file(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
    return 0;
}

struct Sample {
    explicit Sample(std::size_t pid)
        : relay(cpu_of(pid)), own(own_cpu()), everybody(everybodys_cpu()), time(now()) {}
    double relay, own, everybody;
    std::int64_t time;
};

// The groups that some viewer does not have whole: the publisher waits for the slowest viewer. Only `got` may be called off
// the publisher's context.
class Window {
public:
    Window(asio::io_context &context, std::size_t size, std::size_t viewers)
        : context_(context), timer_(context), missing_(size), viewers_(viewers) {}

    // All groups from this one on are counted; call it before the first is made.
    void begin(std::uint64_t first) {
        oldest_ = next_ = first;
        first_ = first;
    }
    bool counts(std::uint64_t group) const { return group >= first_; }

    // Before the next group is made. False if nothing has come for a long time.
    awaitable<bool> room() {
        while (true) {
            while (oldest_ < next_ && place(oldest_) == 0) ++oldest_;
            if (next_ - oldest_ < missing_.size()) break;
            timer_.expires_after(longest_stall);
            std::error_code woken;
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            if (!woken && place(oldest_) != 0) co_return false;
        }
        place(next_++) = viewers_;
        co_return true;
    }

    // On any thread: a viewer has read that group to its end.
    void got(std::uint64_t group) {
        if (place(group).fetch_sub(1) == 1) asio::post(context_, [this] { timer_.cancel(); });
    }

private:
    std::atomic<std::size_t> &place(std::uint64_t group) { return missing_[group % missing_.size()]; }

    asio::io_context &context_;
    asio::steady_timer timer_;
    std::vector<std::atomic<std::size_t>> missing_;
    const std::size_t viewers_;
    std::uint64_t oldest_ = 0, next_ = 0;
    std::atomic<std::uint64_t> first_{std::numeric_limits<std::uint64_t>::max()};
};

// No viewer comes late to this program's own origins: they hold little more than the groups in flight.
comoq::OriginConfig origin_config(const Options &options) {
    comoq::OriginConfig config;
    config.max_cached_bytes = std::max(std::size_t{2} << 20, 2 * options.window * options.frames * options.size);
    return config;
}

// The common state of all parts of a run.
struct Run {
    Run(const Options &given, asio::io_context &context)
        : options(given), window(context, options.window, options.viewers) {}

    void fail(const std::exception_ptr &thrown) {
        std::lock_guard lock(mutex_);
        if (thrown != nullptr && failure_ == nullptr) failure_ = thrown;
    }
    void rethrow() {
        std::lock_guard lock(mutex_);
        if (failure_ != nullptr) std::rethrow_exception(failure_);
    }

    const Options &options;
    Window window;
    std::atomic<std::size_t> viewers_ready{0};
    std::atomic<std::int64_t> measured_from{never}, measured_to{never};
    std::atomic<bool> over{false};

private:
    std::mutex mutex_;
    std::exception_ptr failure_;
};

comoq::ConnectConfig connect_config(const Options &options) {
    comoq::ConnectConfig config;
    if (options.protocol) config.protocols = {*options.protocol};
    config.tls.accept_any_certificate = true;
    // Nothing in place of what is measured.
    config.websocket_after = 1h;
    return config;
}

// Reads the track on a context of one thread.
class Viewer {
public:
    Viewer(Run &run, asio::io_context &context) : run_(run), context_(context), origin_(origin_config(run.options)) {
        // A few more than can come, so that no time is lost with reallocation.
        late_.reserve((run.options.seconds + 1) * std::max<std::size_t>(run.options.rate * run.options.frames, 1000));
    }

    awaitable<void> watch() {
        auto connecting = comoq::connect_transport(*run_.options.subscribe, connect_config(run_.options));
        auto transport = co_await std::move(connecting);
        comoq::SessionConfig config;
        config.subscribe = origin_.producer();
        session_.emplace(std::move(transport), std::move(config));
        auto finding = origin_.consumer().announced_broadcast(run_.options.path);
        auto broadcast = co_await std::move(finding);
        comoq::Subscription wishes;
        wishes.max_latency = max_latency;
        wishes.ordered = true;
        auto subscribing = broadcast.track(track_name).subscribe(wishes);
        auto track = co_await std::move(subscribing);
        while (true) {
            auto next = track.recv_group();
            auto group = co_await std::move(next);
            if (!group) throw std::runtime_error("the track ended");
            auto reading = read(std::move(*group));
            asio::co_spawn(context_, std::move(reading), [this](const std::exception_ptr &thrown) { run_.fail(thrown); });
        }
    }

    // Frames that were sent since the measurement began.
    std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }
    // The frames that came while it lasted: their number, and the delay of each in microseconds.
    const std::vector<std::uint32_t> &late() const { return late_; }
    std::uint64_t failed_groups() const { return failed_groups_; }

private:
    awaitable<void> read(comoq::GroupConsumer group) {
        const bool counts = run_.window.counts(group.sequence());
        std::optional<std::uint64_t> last;
        while (true) {
            auto next = group.read_frames(64);
            auto [failure, frames] = co_await std::move(next).as_tuple();
            if (failure && counts) ++failed_groups_;
            if (failure || !frames) break;
            const auto time = now();
            for (const auto &frame : *frames) {
                Header header{};
                if (frame.payload.size() != run_.options.size) throw std::runtime_error("a frame has another size");
                std::memcpy(&header, frame.payload.span().data(), sizeof header);
                if (last && header.number != *last + 1) throw std::runtime_error("a frame is not the next one of its group");
                last = header.number;
                take(header, time);
            }
        }
        if (counts)
            run_.window.got(group.sequence());
        else if (!std::exchange(is_ready_, true))
            ++run_.viewers_ready;
    }

    void take(const Header &header, std::int64_t time) {
        const auto from = run_.measured_from.load(std::memory_order_relaxed);
        if (header.sent >= from) received_.store(received() + 1, std::memory_order_relaxed);
        if (time >= from && time < run_.measured_to.load(std::memory_order_relaxed))
            late_.push_back(static_cast<std::uint32_t>((time - header.sent) / 1000));
    }

    Run &run_;
    asio::io_context &context_;
    comoq::Origin origin_;
    std::optional<comoq::Session> session_;
    bool is_ready_ = false;
    std::atomic<std::uint64_t> received_{0};
    std::vector<std::uint32_t> late_;
    std::uint64_t failed_groups_ = 0;
};

// Writes the track and says when it is measured, on the first context.
class Publisher {
public:
    Publisher(Run &run, asio::io_context &context, std::deque<Viewer> &viewers)
        : run_(run), viewers_(viewers), timer_(context), origin_(origin_config(run.options)),
          broadcast_(origin_.producer().create_broadcast(run.options.path)),
          track_(broadcast_.producer().create_track(track_name, info(run.options))), template_(run.options.size) {
        // Bytes that do not compress.
        std::uint32_t noise = 1;
        for (auto &byte : template_) byte = static_cast<std::byte>((noise = noise * 1664525 + 1013904223) >> 24);
    }

    awaitable<void> connect() {
        auto connecting = comoq::connect_transport(*run_.options.publish, connect_config(run_.options));
        auto transport = co_await std::move(connecting);
        comoq::SessionConfig config;
        config.publish = origin_.consumer();
        session_.emplace(std::move(transport), std::move(config));
    }

    awaitable<void> publish() {
        co_await until_all_watch();
        measuring_.emplace(timer_.get_executor());
        asio::co_spawn(timer_.get_executor(), measure(), [this](const std::exception_ptr &thrown) {
            run_.fail(thrown);
            run_.over = true;
        });
        run_.window.begin(*track_.latest() + 1);
        if (run_.options.rate == 0)
            co_await as_fast_as_possible();
        else
            co_await at_the_rate();
        while (!run_.over) co_await sleep(20ms);
        for (auto end = now() + std::chrono::nanoseconds(longest_rest).count(); now() < end && missing() != 0;)
            co_await sleep(20ms);
    }

    std::uint64_t sent() const { return sent_; }
    bool stalled() const { return stalled_; }
    const Sample &before() const { return *before_; }
    const Sample &after() const { return *after_; }
    std::int64_t missing() const {
        auto missing = static_cast<std::int64_t>(sent_ * viewers_.size());
        for (const auto &viewer : viewers_) missing -= static_cast<std::int64_t>(viewer.received());
        return missing;
    }

private:
    static comoq::TrackInfo info(const Options &options) {
        comoq::TrackInfo info;
        info.max_latency = std::chrono::seconds(options.keep);
        info.ordered = true;
        return info;
    }

    awaitable<void> sleep(std::chrono::nanoseconds time) {
        timer_.expires_after(time);
        co_await timer_.async_wait(asio::use_awaitable);
    }

    comoq::Bytes frame() {
        auto payload = template_;
        const Header header{number_++, now()};
        std::memcpy(payload.data(), &header, sizeof header);
        if (header.sent >= run_.measured_from) ++sent_;
        return comoq::Bytes(std::move(payload));
    }

    // Writes a group now and then until each viewer has had one. Viewers see no difference between these and later ones.
    awaitable<void> until_all_watch() {
        const auto end = Clock::now() + longest_start;
        while (run_.viewers_ready != run_.options.viewers) {
            run_.rethrow();
            if (Clock::now() > end)
                throw std::runtime_error(
                    fmt::format("only {} of {} viewers got something", run_.viewers_ready.load(), run_.options.viewers));
            track_.write_frame(frame());
            co_await sleep(200ms);
        }
    }

    awaitable<void> measure() {
        measuring_->expires_after(std::chrono::seconds(run_.options.warmup));
        co_await measuring_->async_wait(asio::use_awaitable);
        before_.emplace(run_.options.pid);
        run_.measured_from = before_->time;
        measuring_->expires_after(std::chrono::seconds(run_.options.seconds));
        co_await measuring_->async_wait(asio::use_awaitable);
        after_.emplace(run_.options.pid);
        run_.measured_to = after_->time;
    }

    awaitable<void> at_the_rate() {
        const auto begin = Clock::now();
        const auto per_second = run_.options.rate * run_.options.frames;
        for (std::size_t due = 0; !run_.over;) {
            auto group = track_.append_group();
            for (std::size_t i = 0; i < run_.options.frames; ++i, ++due) {
                timer_.expires_at(begin + std::chrono::nanoseconds(1'000'000'000 * due / per_second));
                co_await timer_.async_wait(asio::use_awaitable);
                group.write_frame(frame());
            }
            group.finish();
        }
    }

    awaitable<void> as_fast_as_possible() {
        while (!run_.over) {
            const bool has_room = co_await run_.window.room();
            if (!has_room) {
                stalled_ = true;
                co_return;
            }
            auto group = track_.append_group();
            for (std::size_t i = 0; i < run_.options.frames; ++i) group.write_frame(frame());
            group.finish();
        }
    }

    Run &run_;
    std::deque<Viewer> &viewers_;
    asio::steady_timer timer_;
    std::optional<asio::steady_timer> measuring_;
    comoq::Origin origin_;
    comoq::BroadcastPublish broadcast_;
    comoq::TrackProducer track_;
    std::optional<comoq::Session> session_;
    std::vector<std::byte> template_;
    std::uint64_t number_ = 0, sent_ = 0;
    std::optional<Sample> before_, after_;
    bool stalled_ = false;
};

double at(const std::vector<std::uint32_t> &sorted, double part) {
    return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))] * 1e-3;
}

// Prints the results. False if the run did not go as it should.
bool report(const Options &options, const Publisher &publisher, const std::deque<Viewer> &viewers) {
    std::vector<std::uint32_t> late;
    std::uint64_t failed_groups = 0;
    for (const auto &viewer : viewers) {
        late.insert(late.end(), viewer.late().begin(), viewer.late().end());
        failed_groups += viewer.failed_groups();
    }
    std::sort(late.begin(), late.end());
    const Sample &before = publisher.before(), &after = publisher.after();
    const double seconds = in_seconds(after.time - before.time);
    const double relay = after.relay - before.relay;
    const double own = after.own - before.own;
    const double others = std::max(0.0, after.everybody - before.everybody - relay - own);
    const auto frames = static_cast<double>(late.size());
    const double megabytes = frames * static_cast<double>(options.size) * 1e-6;
    const auto lost = publisher.missing();
    const auto wanted = static_cast<double>(options.rate * options.frames * options.viewers) * seconds;
    // At the ends of the measured time a few may be missing: frames that are late come after it.
    const bool reached = frames >= 0.97 * wanted && !publisher.stalled();
    const bool good = lost == 0 && reached;
    const double per_cpu = relay > 0 ? megabytes / relay : 0;
    const double per_million = frames > 0 ? relay * 1e6 / frames : 0;
    const double peak = peak_mib_of(options.pid);
    if (options.json) {
        fmt::print("{{\"viewers\": {}, \"rate\": {}, \"frames\": {}, \"size\": {}, \"seconds\": {:.3f}, ", options.viewers,
                   options.rate, options.frames, options.size, seconds);
        fmt::print("\"frames_per_s\": {:.1f}, \"mb_per_s\": {:.3f}, \"lost\": {}, \"failed_groups\": {}, ", frames / seconds,
                   megabytes / seconds, lost, failed_groups);
        fmt::print("\"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, \"max_ms\": {:.3f}, ", at(late, 0.5), at(late, 0.99), at(late, 1));
        fmt::print("\"relay_cpu_s\": {:.2f}, \"relay_cpu_percent\": {:.1f}, \"mb_per_cpu_s\": {:.2f}, ", relay,
                   100 * relay / seconds, per_cpu);
        fmt::print("\"cpu_s_per_million_frames\": {:.2f}, \"relay_peak_mib\": {:.1f}, ", per_million, peak);
        fmt::print("\"load_cpu_percent\": {:.1f}, \"others_cpu_percent\": {:.1f}, ", 100 * own / seconds,
                   100 * others / seconds);
        fmt::print("\"rate_reached\": {}, \"good\": {}}}\n", reached, good);
        return good;
    }
    fmt::print("delivered   {:.1f} frames/s, {:.3f} MB/s to {} viewers in {:.1f} s\n", frames / seconds, megabytes / seconds,
               options.viewers, seconds);
    fmt::print("lost        {} frames; {} groups failed\n", lost, failed_groups);
    fmt::print("latency     p50 {:.3f} ms, p99 {:.3f} ms, longest {:.3f} ms\n", at(late, 0.5), at(late, 0.99), at(late, 1));
    fmt::print("relay       {:.1f} % CPU: {:.2f} MB a CPU second, {:.2f} CPU seconds a million frames; peak {:.1f} MiB\n",
               100 * relay / seconds, per_cpu, per_million, peak);
    fmt::print("beside it   {:.1f} % CPU this program, {:.1f} % all others\n", 100 * own / seconds, 100 * others / seconds);
    if (lost != 0) fmt::print("FRAMES WERE LOST\n");
    if (!reached) fmt::print("{}\n", publisher.stalled() ? "STALLED: a group never came" : "THE RATE WAS NOT REACHED");
    return good;
}

bool run(const Options &options) {
    std::deque<asio::io_context> contexts;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work;
    for (std::size_t i = 0; i < options.threads; ++i) work.emplace_back(contexts.emplace_back(1).get_executor());
    Run shared(options, contexts.front());
    std::deque<Viewer> viewers;
    for (std::size_t i = 0; i < options.viewers; ++i) viewers.emplace_back(shared, contexts[i % contexts.size()]);
    Publisher publisher(shared, contexts.front(), viewers);

    const auto stop = [&contexts] {
        for (auto &context : contexts) context.stop();
    };
    const auto start = [&](awaitable<void> connecting, awaitable<void> publishing) -> awaitable<void> {
        co_await std::move(connecting);
        for (std::size_t i = 0; i < viewers.size(); ++i)
            asio::co_spawn(contexts[i % contexts.size()], viewers[i].watch(), [&](const std::exception_ptr &thrown) {
                shared.fail(thrown);
            });
        co_await std::move(publishing);
    };
    asio::co_spawn(contexts.front(), start(publisher.connect(), publisher.publish()), [&](const std::exception_ptr &thrown) {
        shared.fail(thrown);
        stop();
    });
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < contexts.size(); ++i) threads.emplace_back([&context = contexts[i]] { context.run(); });
    contexts.front().run();
    for (auto &thread : threads) thread.join();
    shared.rethrow();
    const bool good = report(options, publisher, viewers);
    std::fflush(stdout);
    // The process ends here: closing the sessions and freeing the memory would only take time.
    std::_Exit(good ? 0 : 1);
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    CommandLine line;
    line.option("--publish", [&](std::string_view text) { options.publish = text; });
    line.option("--subscribe", [&](std::string_view text) { options.subscribe = text; });
    line.option("--path", [&](std::string_view text) { options.path = text; });
    line.option("--protocol", [&](std::string_view text) { options.protocol = text; });
    const auto number = [&line](std::string name, std::size_t &value, std::size_t least, std::size_t most) {
        line.option(name, [=, &value](std::string_view text) { value = number_from(name, text, least, most); });
    };
    number("--pid", options.pid, 1, 1 << 30);
    number("--viewers", options.viewers, 1, 10'000);
    number("--rate", options.rate, 0, 100'000);
    number("--frames", options.frames, 1, 30'000);
    number("--size", options.size, sizeof(Header), 16 << 20);
    number("--seconds", options.seconds, 1, 3600);
    number("--warmup", options.warmup, 0, 3600);
    number("--window", options.window, 1, 1000);
    number("--keep", options.keep, 1, 3600);
    number("--threads", options.threads, 1, 256);
    line.flag("--json", [&] { options.json = true; });
    return run_main("relay_load", usage, line, argc, argv, [&options] {
        if (!options.publish || !options.subscribe || options.pid == 0)
            throw UsageError("which relay? --publish, --subscribe and --pid (--help tells)");
        for (const auto &url : {*options.publish, *options.subscribe}) static_cast<void>(relay_url(url));
        return run(options);
    });
}
