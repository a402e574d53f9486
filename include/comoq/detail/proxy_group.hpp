#pragma once
#include "../group.hpp"

#include <asio/awaitable.hpp>

#include <system_error>
#include <utility>

namespace comoq::detail {

/// Writes `to` as `from` comes, chunk by chunk, and ends it as that ends. Shares the bytes.
///
/// A group that was dropped leaves what is complete to its readers; so does the copy, when it is dropped in turn.
template <class Tag = void> asio::awaitable<void> proxy_group(GroupConsumer from, GroupProducer to) {
    std::error_code code;
    try {
        while (auto frame = co_await from.next_frame()) {
            auto copy = to.create_frame(frame->size(), frame->timestamp());
            try {
                while (auto chunk = co_await frame->read_chunk()) copy.write(std::move(*chunk));
            } catch (const std::system_error &error) {
                // Before the frame goes, which would be the end of the group with another code.
                if (error.code() != Error::Dropped) copy.abort(error.code());
                co_return;
            }
            copy.finish();
        }
        to.finish();
        co_return;
    } catch (const std::system_error &error) {
        code = error.code();
    }
    if (code != Error::Dropped) to.abort(code);
}

}  // namespace comoq::detail
