// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"
#include "../wait/code_of.hpp"
#include "../wait/event.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The groups of one track in copying.
struct CopiesUnderWay {
    std::size_t count = 0;
    Event fewer;
};
/// One of them.
class CopyUnderWay {
public:
    explicit CopyUnderWay(std::shared_ptr<CopiesUnderWay> copies) noexcept : copies_(std::move(copies)) { ++copies_->count; }
    CopyUnderWay(CopyUnderWay &&) noexcept = default;
    CopyUnderWay &operator=(CopyUnderWay &&) = delete;
    ~CopyUnderWay() {
        if (copies_ == nullptr) return;
        --copies_->count;
        copies_->fewer.set();
    }

private:
    std::shared_ptr<CopiesUnderWay> copies_;
};

/// Finishes `to` as `from` was finished.
inline void finish_as(const GroupConsumer &from, GroupProducer &to) {
    if (const auto marker = from.end_marker())
        to.finish(*marker);
    else
        to.finish();
}

/// Copies `from` to `to` chunk by chunk as it arrives, and ends `to` as `from` ends. Shares the bytes. When cancelled,
/// it aborts `to` with Cancelled.
///
/// A dropped group leaves its complete part to its readers. The copy does the same, because it is dropped in turn.
COMOQ_IF_CALLED asio::awaitable<void> proxy_group(GroupConsumer from, GroupProducer to) {
    std::error_code code;
    try {
        while (auto frame = co_await from.next_frame()) {
            auto copy = to.create_frame(frame->size(), frame->timestamp(), frame->extras());
            try {
                while (auto chunk = co_await frame->read_chunk()) copy.write(std::move(*chunk));
            } catch (...) {
                // Before the frame is destroyed, which would end the group with another code.
                code = told_of(std::current_exception());
                if (code != Error::Dropped) copy.abort(code);
                co_return;
            }
            copy.finish();
        }
        finish_as(from, to);
        co_return;
    } catch (...) {
        code = told_of(std::current_exception());
    }
    if (code != Error::Dropped) to.abort(code);
}

}  // namespace comoq::detail
