// Standard input in pieces, as it comes.
#pragma once

#include <comoq/bytes.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>

// asio makes a descriptor non-blocking, and a terminal's descriptor is shared with the shell.
class InputFlags {
public:
    InputFlags();
    InputFlags(const InputFlags &) = delete;
    InputFlags &operator=(const InputFlags &) = delete;
    ~InputFlags();

private:
    int flags_;
};

class Input {
public:
    explicit Input(const asio::any_io_executor &executor);

    // The next piece; empty at the end. Throws std::runtime_error.
    asio::awaitable<comoq::Bytes> next();
    // Whether it begins with the first box of an MP4. It reads as many bytes as that takes, which `next` gives. A terminal has no movie,
    // and is not read.
    asio::awaitable<bool> begins_a_movie();

    asio::posix::stream_descriptor &descriptor() { return descriptor_; }

private:
    asio::awaitable<comoq::Bytes> read();

    const InputFlags flags_;
    asio::posix::stream_descriptor descriptor_;
    comoq::Bytes begin_;  // read, and not given
};
