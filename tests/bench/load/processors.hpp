// What the relay has taken of the processors and of memory.
#pragma once

#include "load/options.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace relay_load {

// The processor time of a process, and of all of them together, until now, in seconds.

inline double ticks_to_seconds(std::uint64_t ticks) {
    return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

inline double cpu_of(std::size_t pid) {
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

inline double own_cpu() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval &time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

inline double everybodys_cpu() {
    std::ifstream file("/proc/stat");
    std::string name;
    std::uint64_t user = 0, nice = 0, system = 0, idle = 0, io = 0, irq = 0, soft_irq = 0, stolen = 0;
    file >> name >> user >> nice >> system >> idle >> io >> irq >> soft_irq >> stolen;
    return ticks_to_seconds(user + nice + system + irq + soft_irq + stolen);
}

inline double peak_mib_of(std::size_t pid) {
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

}  // namespace relay_load
