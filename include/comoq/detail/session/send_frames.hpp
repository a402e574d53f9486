// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"
#include "../../transport.hpp"
#include "../../try_result.hpp"
#include "../wait/failure.hpp"
#include "group_outbox.hpp"
#include "quiet_octets.hpp"
#include "unless_stopped.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace comoq::detail {

/// Writes a group's frames on the stream of a group or of a fetch, from the reader's place to the group's end, or to a
/// number of frames. It takes ready frames together, as far as the outbox has room; a frame that is still being written
/// goes out chunk by chunk. Throws the failure of the group, or of the stream.
///
/// `Framing` is the protocol's: `header(frame, size)` gives what stands before a payload, as an object with `span()`. `frame` is
/// a `Frame` or a `FrameConsumer`. A framing that has an end of its own says when it is there with `is_over()`, and which frame
/// is behind it with `is_beyond(extras)`.
template <class Framing> class GroupSender {
public:
    using Item = GroupOutbox::Item;

    explicit GroupSender(Item &item, Framing framing = {}) noexcept
        : item_(item), stream_(item.stream()), framing_(std::move(framing)) {}

    /// As it is after what was sent.
    Framing &framing() noexcept { return framing_; }

    static constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();

    /// Does not wait for more than `left` frames, nor for a peer that has stopped the stream.
    asio::awaitable<void> send(GroupConsumer &group, std::uint64_t left = all) {
        // Writing notices that the stream is over. A wait for a frame ends then, too, if the transport tells.
        auto coming = send_coming(group, left);
        if (item_.is_told()) {
            co_await std::move(coming);
        } else {
            auto sending = unless_stopped(stream_, std::move(coming));
            co_await std::move(sending);
        }
        item_.settle(0);
    }

private:
    asio::awaitable<void> send_coming(GroupConsumer &group, std::uint64_t &left) {
        // The last look took all that was there: it is not worth another one before the wait.
        bool is_caught_up = false;
        while (left != 0) {
            bool is_there = !std::exchange(is_caught_up, false) && group.has_next(Passkey());
            if (!is_there) {
                {
                    const QuietOctets::Wait quiet(item_.quiet_octets(), item_.held());
                    if (quiet.is_allowed()) {
                        item_.be_quiet();
                        auto there = group.frame_there(Passkey(), item_.breaker());
                        co_await std::move(there);
                    }
                }
                item_.throw_if_over();
                if (item_.held() != 0) {
                    co_await item_.drained();
                    continue;
                }
                is_there = group.has_next(Passkey());
            }
            // Taken only when it is there: a frame that comes whole is taken when there is room for it.
            if (is_there) {
                if (!item_.has_room()) co_await item_.make_room();
                const auto together = static_cast<std::size_t>(std::min<std::uint64_t>(together_, left));
                auto taken = group.take_frames(Passkey(), together);
                if (!has_item(taken)) co_return;
                left -= taken->frames.size();
                has_waited_ = false;
                const bool is_all = taken->frames.size() < together;
                co_await write(*taken);
                if (is_over_) co_return;
                is_caught_up = is_all && !has_waited_;
                continue;
            }
            auto frame = co_await group.next_frame();
            if (!frame) co_return;
            --left;
            if (is_beyond(frame->extras())) co_return;
            co_await write(*frame, group);
            if (is_over()) co_return;
        }
    }

    bool is_over() const noexcept {
        if constexpr (requires { framing_.is_over(); })
            return framing_.is_over();
        else
            return false;
    }
    bool is_beyond(const ObjectExtras &extras) const noexcept {
        if constexpr (requires { framing_.is_beyond(extras); })
            return framing_.is_beyond(extras);
        else
            return false;
    }

    // Taken frames stay in memory while the peer does not read: about this many bytes, judged by the last ones.
    static constexpr std::size_t enough = 64 * 1024;
    static constexpr std::size_t most_together = 64;

    asio::awaitable<void> write(TakenFrames<Frame> &taken) {
        std::size_t total = 0;
        for (std::size_t place = 0, next = 0; place < taken.frames.size(); ++place)
            total += is_chunked(taken, place, next) ? static_cast<std::size_t>(taken.chunked[next++].second->size())
                                                    : taken.frames[place].payload.size();
        const std::size_t count = taken.frames.size();
        std::size_t left = total;
        item_.took(total);
        for (std::size_t place = 0, next = 0; place < count; ++place) {
            auto &frame = taken.frames[place];
            if (is_beyond(frame.extras)) {
                is_over_ = true;
                item_.settle(0);
                co_return;
            }
            const bool is_whole = !is_chunked(taken, place, next);
            const std::uint64_t size = is_whole ? frame.payload.size() : taken.chunked[next].second->size();
            const auto header = framing_.header(frame, size);
            item_.wrote(header.span().size() + frame.payload.size());
            if (!write_now(header.span(), frame.payload)) {
                has_waited_ = true;
                auto written = write(header.span(), std::move(frame.payload));
                co_await std::move(written);
            }
            left -= static_cast<std::size_t>(size);
            if (!is_whole) {
                // The pieces go out separately: joined, they would be in memory twice for as long as the group exists.
                for (std::uint64_t sent = 0; sent < size;) {
                    Bytes chunk = taken.chunked[next].second->read(sent);
                    sent += chunk.size();
                    item_.wrote(chunk.size());
                    if (write_now({}, chunk)) continue;
                    has_waited_ = true;
                    auto chunk_written = stream_.write(std::move(chunk));
                    co_await std::move(chunk_written);
                }
                taken.chunked[next++].second = nullptr;
            }
            item_.settle(left);
        }
        is_over_ = is_over();
        together_ = std::clamp<std::size_t>(enough * count / (total + 1), 1, most_together);
    }
    static bool is_chunked(const TakenFrames<Frame> &taken, std::size_t place, std::size_t next) noexcept {
        return next < taken.chunked.size() && taken.chunked[next].first == place;
    }

    asio::awaitable<void> write(FrameConsumer &frame, GroupConsumer &group) {
        const auto header = framing_.header(frame, frame.size());
        item_.wrote(header.span().size());
        Bytes nothing;
        if (!write_now(header.span(), nothing)) {
            auto begun = write(header.span(), Bytes());
            co_await std::move(begun);
        }
        for (std::uint64_t left = frame.size(); left != 0;) {
            if (!frame.has_chunk(Passkey())) {
                if (item_.held() != 0) {
                    co_await without(frame, group, item_.drained());
                    continue;
                }
                auto there = frame.chunk_there(Passkey(), item_.breaker());
                co_await std::move(there);
                item_.throw_if_over();
                continue;
            }
            if (!item_.has_room()) co_await without(frame, group, item_.make_room());
            auto chunk = frame.try_read_chunk();
            if (!has_item(chunk)) break;
            left -= chunk->size();
            item_.took(chunk->size());
            item_.wrote(chunk->size());
            if (!write_now({}, *chunk)) {
                auto written = stream_.write(*std::move(chunk));
                // All that is read of the frame is with the stream.
                if (left == 0 || stream_.unsent() == 0)
                    co_await std::move(written);
                else
                    co_await without(frame, group, std::move(written));
            }
            item_.settle(0);
        }
        item_.settle(0);
    }

    /// Waits for the peer. The frame is not kept meanwhile: the pool may take it, with its group.
    static asio::awaitable<void> without(FrameConsumer &frame, GroupConsumer &group, asio::awaitable<void> peer) {
        const auto place = frame.leave(Passkey());
        co_await std::move(peer);
        frame = group.frame_again(Passkey(), place);
        if (!frame.is_empty()) co_return;
        auto lost = group.next_frame();
        if (lost.ready()) co_await std::move(lost);
        throw_error(make_error_code(Error::Lagged));
    }

    /// False at the end. Throws the failure. What was there to be taken is there still: this reader alone takes it. If it were
    /// not, the group would fail, so that the peer does not take what it has for all of it.
    template <class T> static bool has_item(const TryResult<T> &taken) {
        assert(!taken.is_nothing_yet());
        if (taken.code()) throw_error(taken.code());
        if (taken.is_nothing_yet()) throw_error(make_error_code(Error::Internal));
        return taken.has_item();
    }

    /// Writes without a wait, and so without a coroutine, if the stream has room, and as long as others on the executor need not
    /// have their turn. If it returns false, nothing is taken.
    bool write_now(std::span<const std::byte> header, Bytes &payload) {
        if (header.size() > SendStream::max_head || !ReadyBudget::is_left()) return false;
        return stream_.write_now(Passkey(), header, payload) && ReadyBudget::spend();
    }

    /// A header that is too long to go with its payload goes before it.
    asio::awaitable<void> write(std::span<const std::byte> header, Bytes payload) {
        if (header.size() <= SendStream::max_head) return stream_.write(header, std::move(payload));
        return write_long(Bytes::copy(header), std::move(payload));
    }
    asio::awaitable<void> write_long(Bytes header, Bytes payload) {
        auto first = stream_.write(std::move(header));
        co_await std::move(first);
        auto written = stream_.write(std::move(payload));
        co_await std::move(written);
    }

    Item &item_;
    SendStream &stream_;
    Framing framing_;
    std::size_t together_ = 1;
    bool is_over_ = false;
    bool has_waited_ = false;  // to write what was taken last
};

}  // namespace comoq::detail
