// comoq_bench: measures the workloads, each beside its yardstick, and prints the ratios.
#include "results.hpp"
#include "workload.hpp"

#include <asio/version.hpp>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

namespace comoq::bench {

namespace {

struct Options {
    std::vector<std::string> workloads;
    std::string json, svg, peer;
    int repetitions = 9;
    int rounds = 1;
    double seconds = 0.03;
    bool help = false;
};

constexpr const char *usage =
    "comoq_bench [OPTION]... [WORKLOAD]...    measures the workloads named (W0 to W11), or all\n"
    "  --json FILE        also writes the results there\n"
    "  --svg FILE         also draws the curves there\n"
    "  --peer PROGRAM     has the peer measure the same, after each workload\n"
    "  --rounds N         does everything N times and takes the medians (1; with a peer 3)\n"
    "  --repetitions N    samples of a case a round (9)\n"
    "  --seconds S        what a sample takes at least (0.03)\n"
    "  --quick            as little as shows that everything runs\n";

Options parse(int count, char **arguments) {
    Options options;
    bool rounds_given = false;
    const auto number = [](const std::string &text) {
        int value = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (ec != std::errc() || end != text.data() + text.size() || value < 1)
            throw std::invalid_argument("not a number above 0: " + text);
        return value;
    };
    for (int i = 1; i < count; ++i) {
        const std::string option = arguments[i];
        const auto value = [&] {
            if (++i == count) throw std::invalid_argument(option + " needs a value");
            return std::string(arguments[i]);
        };
        if (option == "--help") {
            options.help = true;
        } else if (option == "--json") {
            options.json = value();
        } else if (option == "--svg") {
            options.svg = value();
        } else if (option == "--peer") {
            options.peer = value();
        } else if (option == "--rounds") {
            options.rounds = number(value());
            rounds_given = true;
        } else if (option == "--repetitions") {
            options.repetitions = number(value());
        } else if (option == "--seconds") {
            const std::string text = value();
            char *end = nullptr;
            options.seconds = std::strtod(text.c_str(), &end);
            if (*end != '\0' || !(options.seconds > 0)) throw std::invalid_argument("not a time: " + text);
        } else if (option == "--quick") {
            options.repetitions = 1;
            options.seconds = 0.0001;
            quick = true;
        } else if (option.starts_with("-")) {
            throw std::invalid_argument("unknown option: " + option);
        } else {
            options.workloads.push_back(option);
        }
    }
    if (!options.peer.empty() && !rounds_given) options.rounds = 3;
    return options;
}

/// Keeps the counts of one workload's benchmarks.
class Collector final : public benchmark::BenchmarkReporter {
public:
    struct Measured {
        std::vector<double> nanoseconds;
        double allocations = 0;
    };

    bool ReportContext(const Context &) override { return true; }
    void ReportRuns(const std::vector<Run> &runs) override {
        for (const Run &one : runs) {
            if (one.run_type != Run::RT_Iteration) continue;
            Measured &measured = measured_[one.run_name.function_name];
            measured.nanoseconds.push_back(one.counters.at("nanoseconds"));
            measured.allocations = one.counters.at("allocations");
        }
    }
    const Measured &of(const std::string &name) const { return measured_.at(name); }

private:
    std::map<std::string, Measured> measured_;
};

void take_samples(benchmark::State &state, const Body &body) {
    Sample sum;
    for (auto _ : state) {
        const Sample sample = body();
        if (sample.operations == 0) throw std::runtime_error("a sample in which nothing was done");
        state.SetIterationTime(std::chrono::duration<double>(sample.time).count());
        sum.time += sample.time;
        sum.operations += sample.operations;
        sum.allocations += sample.allocations;
    }
    const auto operations = static_cast<double>(sum.operations);
    state.counters["nanoseconds"] = static_cast<double>(sum.time.count()) / operations;
    state.counters["allocations"] = static_cast<double>(sum.allocations) / operations;
}

void enlist(const std::string &name, const Setup &setup, const Options &options) {
    // The objects of a case are set up when it first runs, and go with the workload.
    auto body = std::make_shared<Body>();
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State &state) {
        if (!*body) {
            *body = setup();
            (*body)();
        }
        take_samples(state, *body);
    })->UseManualTime()->MinTime(options.seconds)->Repetitions(options.repetitions);
}

void measure(const Workload &workload, const Options &options, Results &results) {
    for (const Timed &timed : workload.timed) {
        enlist(timed.name + "/subject", timed.setup, options);
        if (timed.yardstick) enlist(timed.name + "/yardstick", timed.yardstick->setup, options);
    }
    if (!workload.timed.empty()) {
        Collector collector;
        benchmark::RunSpecifiedBenchmarks(&collector, ".*");
        benchmark::ClearRegisteredBenchmarks();
        for (const Timed &timed : workload.timed) {
            const auto &subject = collector.of(timed.name + "/subject");
            Figure figure{timed.workload, timed.name, "ns", Result::median(subject.nanoseconds), {}, timed.target,
                          subject.allocations};
            if (timed.yardstick) {
                figure.yardstick = Result::median(collector.of(timed.name + "/yardstick").nanoseconds);
                figure.yardstick_name = timed.yardstick->name;
            }
            results.add(figure);
        }
    }
    if (workload.report)
        for (const Figure &figure : workload.report()) results.add(figure);
}

std::vector<std::string> split(const std::string &line) {
    std::vector<std::string> columns;
    for (std::size_t begin = 0;;) {
        const auto tab = line.find('\t', begin);
        columns.push_back(line.substr(begin, tab - begin));
        if (tab == std::string::npos) return columns;
        begin = tab + 1;
    }
}

/// Runs the peer, and adds its output: workload, case, unit and value, or the reason for no value, with tabs between them.
void ask_peer(const std::string &program, const std::string &workload, Results &results) {
    std::unique_ptr<std::FILE, int (*)(std::FILE *)> pipe(popen(('"' + program + "\" " + workload).c_str(), "r"), pclose);
    if (pipe == nullptr) throw std::runtime_error("cannot run " + program);
    std::array<char, 1024> buffer;
    std::size_t lines = 0;
    while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe.get()) != nullptr) {
        std::string line = buffer.data();
        if (line.ends_with('\n')) line.pop_back();
        const auto columns = split(line);
        if (columns.size() == 3 && columns[0] == "version") results.version(columns[1], columns[2]);
        if (columns.size() < 4) continue;
        ++lines;
        Result *result = results.find(columns[0], columns[1]);
        if (result == nullptr) continue;
        if (columns[3] == "unsupported")
            result->peer_cannot(columns.size() > 4 ? columns[4] : "not said");
        else
            result->add_peer(std::strtod(columns[3].c_str(), nullptr));
    }
    if (pclose(pipe.release()) != 0 || lines == 0) throw std::runtime_error(program + " failed");
}

void write_file(const std::string &path, const std::string &content) {
    std::ofstream file(path);
    file << content;
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

/// Once a thread has existed, shared pointers and glibc lock as in every program with threads.
void be_multithreaded() { std::thread([] {}).join(); }

int run(const Options &options) {
    be_multithreaded();
    std::string name = "comoq_bench", interleave = "--benchmark_enable_random_interleaving=true";
    std::array<char *, 3> arguments{name.data(), interleave.data(), nullptr};
    int count = 2;
    benchmark::Initialize(&count, arguments.data());

    const std::vector<Workload> all{awaiting(),  announced_lookup(), on_demand(), requesters(), nobody(),   announcing(),
                                    group(),     fan_out(),          latency(),   memory(),     compiling(), crowds()};
    for (const std::string &wanted : options.workloads)
        if (std::none_of(all.begin(), all.end(), [&](const Workload &one) { return one.id == wanted; }))
            throw std::invalid_argument("no such workload: " + wanted);
    Results results;
    results.version("compiler", __VERSION__);
    results.version("asio", fmt::format("{}.{}.{}", ASIO_VERSION / 100000, ASIO_VERSION / 100 % 1000, ASIO_VERSION % 100));
    for (int round = 0; round < options.rounds; ++round) {
        for (const Workload &workload : all) {
            const auto &chosen = options.workloads;
            if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), workload.id) == chosen.end()) continue;
            fmt::print(stderr, "{} {}\n", workload.id, workload.title);
            measure(workload, options, results);
            if (!options.peer.empty() && workload.id != "W0" && workload.id != "W10" && workload.id != "W11")
                ask_peer(options.peer, workload.id, results);
        }
    }
    fmt::print("{}", results.table());
    if (!options.json.empty()) write_file(options.json, results.json());
    if (!options.svg.empty()) write_file(options.svg, results.svg());
    return 0;
}

}  // namespace

}  // namespace comoq::bench

int main(int count, char **arguments) {
    using namespace comoq::bench;
    try {
        const Options options = parse(count, arguments);
        if (options.help) {
            fmt::print("{}", usage);
            return 0;
        }
        return run(options);
    } catch (const std::invalid_argument &wrong) {
        fmt::print(stderr, "comoq_bench: {}\n{}", wrong.what(), usage);
        return 2;
    } catch (const std::exception &failure) {
        fmt::print(stderr, "comoq_bench: {}\n", failure.what());
        return 1;
    }
}
