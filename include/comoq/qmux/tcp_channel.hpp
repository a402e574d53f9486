// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/wait/failure.hpp"
#include "../error.hpp"
#include "../detail/wire/varint.hpp"
#include "../detail/qmux/record.hpp"
#include "../detail/qmux/unsent_limit.hpp"
#include "../detail/qmux/write_now.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::qmux {

/// Records over a byte stream of asio: a TCP socket, or TLS over one (`Stream` has `async_read_some`,
/// `async_write_some` and `lowest_layer()`). Each record follows its size.
///
/// The stream must be connected, and TLS must have completed its handshake. Set TCP_NODELAY for small records. Urgent
/// records cannot overtake bytes that the system holds: on a slow link `limit_unsent` keeps these few, where the system
/// has TCP_NOTSENT_LOWAT; set one of your own for the time before that is known. Threads: as for the stream.
template <class Stream> class TcpChannel {
public:
    /// `max_record_size`, in bytes: this side's limit in the connection's parameters.
    explicit TcpChannel(Stream stream, std::uint64_t max_record_size = default_max_record_size)
        : stream_(std::move(stream)), max_record_size_(max_record_size),
          input_(std::max<std::size_t>(read_at_once, static_cast<std::size_t>(max_record_size) + longest_size)) {}

    /// The executor of the stream.
    asio::any_io_executor get_executor() { return stream_.get_executor(); }

    /// Returns the frames of the next record, which stay until the next call. Throws Decode for bytes that are not a
    /// record, and the stream's errors, which is `asio::error::eof` at its end.
    asio::awaitable<std::span<const std::byte>> read_record() {
        while (true) {
            std::error_code failure;
            if (!has_read_ && speaks_http()) comoq::detail::throw_error(make_error_code(Error::Decode));
            const auto record = next_record(unread(), max_record_size_, failure);
            if (failure) comoq::detail::throw_error(failure);
            if (record) {
                has_read_ = true;
                begin_ += record->size;
                co_return record->frames;
            }
            // The rest of the input is less than a record, and the buffer has room for all of that record.
            if (begin_ != 0) std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
            end_ -= std::exchange(begin_, 0);
            const asio::mutable_buffer room(input_.data() + end_, input_.size() - end_);
            const std::size_t count = co_await stream_.async_read_some(room, asio::use_awaitable);
            end_ += count;
        }
    }

    /// The received bytes that are not a record yet, or were not one. They tell what a peer speaks that speaks something
    /// else.
    std::span<const std::byte> unread() const noexcept { return std::span(input_).subspan(begin_, end_ - begin_); }

    /// Writes one record. The frames must stay in place until it completes. Throws the stream's errors.
    asio::awaitable<void> write_record(std::span<const asio::const_buffer> frames) {
        if (!std::exchange(is_begun_, false)) frame(frames);
        const std::span<const asio::const_buffer> all(output_);
        co_await asio::async_write(stream_, all, asio::use_awaitable);
    }

    /// Writes as much of a record as the socket takes without a wait. If that is not all of it, returns false:
    /// `write_record` with the same frames writes the rest, and nothing else may be written before. Not over TLS.
    bool write_now(std::span<const asio::const_buffer> frames)
        requires detail::WritesNow<Stream>
    {
        frame(frames);
        detail::drop_front(output_, detail::write_now(stream_, output_));
        is_begun_ = !output_.empty();
        return !is_begun_;
    }

    /// The most bytes that the system should hold ahead of what it has sent, if it can be told that; never more than the
    /// socket's own limit when this is called first.
    void limit_unsent(std::size_t bytes) noexcept { unsent_limit_.set(stream_.lowest_layer(), bytes); }

    /// Immediate. Waiting reads and writes fail.
    void close() noexcept {
        std::error_code ignored;
        stream_.lowest_layer().close(ignored);
    }

private:
    // In bytes. One read takes several records if they arrive faster than they are read one by one.
    static constexpr std::size_t read_at_once = 64 * 1024;
    static constexpr std::size_t longest_size = 8;

    /// No peer's first record begins like that, and a web server may keep the connection open after it.
    bool speaks_http() const noexcept {
        static constexpr std::string_view http = "HTTP/";
        const auto first = unread();
        return first.size() >= http.size() && std::memcmp(first.data(), http.data(), http.size()) == 0;
    }

    void frame(std::span<const asio::const_buffer> frames) {
        size_ = comoq::detail::write_varint(asio::buffer_size(frames));
        output_.assign(1, asio::const_buffer(size_.bytes.data(), size_.size));
        output_.insert(output_.end(), frames.begin(), frames.end());
    }

    Stream stream_;
    const std::uint64_t max_record_size_;
    std::vector<std::byte> input_;
    bool has_read_ = false;  // a record
    std::size_t begin_ = 0, end_ = 0;  // the received bytes that nobody has taken
    comoq::detail::WrittenVarint size_{};
    std::vector<asio::const_buffer> output_;
    bool is_begun_ = false;  // a part of a record is written, and the rest is in `output_`
    detail::UnsentLimit unsent_limit_;
};

}  // namespace comoq::qmux
