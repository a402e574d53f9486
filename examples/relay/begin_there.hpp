// Begins work on another thread, also when memory runs out.
#pragma once

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <exception>
#include <utility>

// Calls `begin()` on the context's thread. If `begin` throws, or if the post finds no memory, this calls `refused()` on
// one of the two threads. The objects that `begin` holds, such as a socket, are then destroyed, and the caller goes on.
// `refused` does not throw.
template <class Begin, class Refused> void begin_there(asio::io_context &context, Begin begin, Refused refused) noexcept {
    try {
        auto there = [begin = std::move(begin), refused]() mutable noexcept {
            try {
                begin();
            } catch (const std::exception &) {
                refused();
            }
        };
        asio::post(context, std::move(there));
    } catch (const std::exception &) {
        refused();
    }
}
