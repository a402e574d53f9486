#include "input.hpp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

using asio::awaitable;

namespace {

// Four bytes of size, the first of which is 0 in every file that there is, and the type. True if `begin` is less than that, too.
bool may_begin_a_movie(std::string_view begin) {
    constexpr std::string_view type = "ftyp";
    if (begin.empty() || begin.front() != '\0') {
        return begin.empty();
    }
    const auto name = begin.substr(std::min<std::size_t>(begin.size(), 4));
    const auto count = std::min(name.size(), type.size());
    return name.substr(0, count) == type.substr(0, count);
}

}  // namespace

InputFlags::InputFlags() : flags_(::fcntl(STDIN_FILENO, F_GETFL)) {}
InputFlags::~InputFlags() { ::fcntl(STDIN_FILENO, F_SETFL, flags_); }

Input::Input(const asio::any_io_executor &executor) : descriptor_(executor, ::dup(STDIN_FILENO)) {}

awaitable<comoq::Bytes> Input::read() {
    std::vector<std::byte> piece(64 * 1024);
    std::error_code failure;
    const std::size_t count =
        co_await descriptor_.async_read_some(asio::buffer(piece), asio::redirect_error(asio::use_awaitable, failure));
    piece.resize(count);
    if (failure && failure != asio::error::eof) {
        throw std::runtime_error("standard input cannot be read: " + failure.message());
    }
    co_return comoq::Bytes(std::move(piece));
}

awaitable<comoq::Bytes> Input::next() {
    if (!begin_.empty()) {
        co_return std::exchange(begin_, comoq::Bytes());
    }
    co_return co_await read();
}

awaitable<bool> Input::begins_a_movie() {
    if (::isatty(STDIN_FILENO) == 1) {
        co_return false;
    }
    constexpr std::size_t enough = 8;
    while (begin_.size() < enough && may_begin_a_movie(begin_.view())) {
        const auto piece = co_await read();
        if (piece.empty()) {
            co_return false;
        }
        std::string both(begin_.view());
        both += piece.view();
        begin_ = comoq::Bytes(std::move(both));
    }
    co_return begin_.size() >= enough && may_begin_a_movie(begin_.view());
}
