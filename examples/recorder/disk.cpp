#include "disk.hpp"

#include "shared/command_line.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>

#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace {

[[noreturn]] void cannot(const char *what, const std::string &path, const std::string &why) {
    throw std::runtime_error(fmt::format("{} cannot be {}: {}", in_quotes(path), what, why));
}
std::string last_error() { return std::generic_category().message(errno); }

}  // namespace

Disk::Disk(const std::string &directory, const std::vector<std::string> &names) {
    std::error_code failure;
    std::filesystem::create_directories(directory, failure);
    if (failure) cannot("created", directory, failure.message());
    for (const auto &name : names) {
        auto path = directory + "/" + name;
        std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "wb"));
        if (file == nullptr) cannot("created", path, last_error());
        files_.push_back({std::move(path), std::move(file)});
    }
}

asio::awaitable<void> Disk::write(std::size_t file, std::vector<comoq::Frame> frames) {
    auto writing = [](const File &to, std::vector<comoq::Frame> all) -> asio::awaitable<void> {
        for (const auto &frame : all) {
            const auto bytes = frame.payload.view();
            if (std::fwrite(bytes.data(), 1, bytes.size(), to.file.get()) != bytes.size())
                cannot("written", to.path, last_error());
        }
        co_return;
    };
    // Without the caller's cancellation: it would reach the coroutine from another thread, and drop frames that wait.
    constexpr auto uncancelled = [] { return asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable); };
    co_await asio::co_spawn(thread_, writing(files_[file], std::move(frames)), uncancelled());
}

void Disk::close() {
    thread_.join();
    for (auto &[path, file] : files_) {
        if (file != nullptr && std::fclose(file.release()) != 0) cannot("written", path, last_error());
    }
}
