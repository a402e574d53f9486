// W10: the cost of including the headers.
#include "compile_command.hpp"
#include "workload.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace comoq::bench {

namespace {

double cpu_of_children() {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    const auto seconds = [](const timeval &time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Seconds of processor time to compile a file that includes `header` and nothing else; the least of three.
double seconds_for(const std::filesystem::path &directory, const std::string &header) {
    const auto source = directory / "include.cpp";
    std::ofstream(source) << "#include <" << header << ">\n";
    const std::string command =
        std::string(compile_command) + " -c \"" + source.string() + "\" -o \"" + (directory / "include.o").string() + '"';
    double least = 0;
    for (int i = 0; i < 3; ++i) {
        const double before = cpu_of_children();
        if (std::system(command.c_str()) != 0) throw std::runtime_error("could not be compiled: " + command);
        const double taken = cpu_of_children() - before;
        if (i == 0 || taken < least) least = taken;
    }
    return least;
}

std::vector<Figure> compile() {
    const auto directory = std::filesystem::temp_directory_path() / ("comoq_bench." + std::to_string(getpid()));
    std::filesystem::create_directories(directory);
    const double asio = seconds_for(directory, "asio.hpp");
    const double comoq = seconds_for(directory, "comoq/comoq.hpp");
    std::filesystem::remove_all(directory);
    Figure figure{"W10", "comoq/comoq.hpp", "s", comoq, asio, 1.5, {}};
    figure.yardstick_name = "asio.hpp";
    return {figure};
}

}  // namespace

Workload compiling() { return {"W10", "compiling a file that includes the library", {}, compile}; }

}  // namespace comoq::bench
