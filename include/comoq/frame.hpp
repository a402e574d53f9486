// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "bytes.hpp"
#include "detail/media/frame_state.hpp"
#include "detail/media/group_state.hpp"
#include "detail/wait/breaker.hpp"
#include "detail/wait/failure.hpp"
#include "detail/wait/mapped_source.hpp"
#include "object_extras.hpp"
#include "operation.hpp"
#include "time.hpp"
#include "try_result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace comoq {

/// The smallest unit of media: a payload, and the time to show it.
struct Frame {
    Frame() noexcept = default;
    Frame(Timestamp at, Bytes bytes) noexcept : timestamp(at), payload(std::move(bytes)) {}
    Frame(Timestamp at, Bytes bytes, ObjectExtras beside) noexcept
        : timestamp(at), payload(std::move(bytes)), extras(std::move(beside)) {}
    Frame(const Frame &) = default;
    Frame(Frame &&) noexcept = default;
    Frame &operator=(const Frame &) = default;
    Frame &operator=(Frame &&) noexcept = default;
    // A frame on its way to a reader ends several times: as a call, that took 60 instructions more.
    COMOQ_INLINED ~Frame() {}

    /// In the track's timescale.
    Timestamp timestamp;
    /// What the application says it is; comoq does not look into it.
    Bytes payload;
    /// What MoQ Transport has beside it: properties, and a gap in the object ids. Nothing, nearly always.
    ObjectExtras extras;
};

/// For `auto &[timestamp, payload] = frame`.
template <std::size_t I, class F>
    requires std::is_same_v<std::remove_cvref_t<F>, Frame>
auto &&get(F &&frame) noexcept {
    if constexpr (I == 0) return std::forward<F>(frame).timestamp;
    else return std::forward<F>(frame).payload;
}

}  // namespace comoq

template <> struct std::tuple_size<comoq::Frame> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I> struct std::tuple_element<I, comoq::Frame> {
    using type = std::conditional_t<I == 0, comoq::Timestamp, comoq::Bytes>;
};

namespace comoq {

namespace detail {

/// A frame for a reader, made outside the track's lock.
Frame frame_of(FrameSlot &&slot);

}  // namespace detail

/// Reads a frame, perhaps while it is still being written. Bytes arrive as they are written, not copied; small chunks
/// may be joined.
///
/// When a frame fails, readers that have not finished it get the group's error code. Data already read stays valid.
/// Threads: one handle is for one thread at a time. The handle keeps the frame's memory.
class FrameConsumer {
public:
    /// Empty: of size 0, and its steps fail with Closed.
    FrameConsumer() noexcept = default;
    explicit FrameConsumer(detail::Passkey, std::shared_ptr<detail::FrameReader> reader) noexcept : reader_(std::move(reader)) {}

    /// Lets go of the frame, and gives how much of it was read. This handle is empty then.
    std::uint64_t leave(detail::Passkey) noexcept {
        const auto reader = std::move(reader_);
        if (reader == nullptr) return 0;
        const detail::Lock lock(reader->shared->mutex);
        return reader->offset;
    }
    /// True for a handle without a frame.
    bool is_empty() const noexcept { return reader_ == nullptr; }

    /// In bytes, as declared by the writer.
    std::uint64_t size() const noexcept { return reader_ != nullptr ? reader_->size : 0; }
    /// When to show the frame, in the track's timescale.
    Timestamp timestamp() const noexcept { return reader_ != nullptr ? reader_->timestamp : Timestamp(); }
    /// What MoQ Transport has beside the payload. Nothing, nearly always.
    ObjectExtras extras() const noexcept { return reader_ != nullptr ? reader_->extras : ObjectExtras(); }

    /// The next bytes, as soon as they are written; empty at the frame's end.
    Operation<std::optional<Bytes>> read_chunk();
    /// The same without a wait.
    TryResult<Bytes> try_read_chunk() noexcept;
    /// True if `read_chunk` has something to give, be it the end or a failure.
    bool has_chunk(detail::Passkey) const noexcept;
    /// Completes when `read_chunk` has something to give, be it a failure, or when `breaker` ends. Nothing is taken.
    Operation<void> chunk_there(detail::Passkey, detail::Breaker &breaker);

    /// The rest of the frame that has not been read yet, in one piece, once it is complete: the whole frame at first,
    /// and nothing after that. A frame written in several chunks is joined once for all readers, and held once. Fails
    /// with the group's code if the frame does.
    Operation<Bytes> read_all();

private:
    std::shared_ptr<detail::FrameReader> reader_;
};

/// Writes a frame of a declared size in chunks; its group has no other open frame meanwhile.
///
/// If it is dropped before `finish()` it fails its group with Dropped, as `abort` does. It does not keep its group:
/// that fails with Dropped when its last producer goes. Calls on a group that has ended throw the group's code, or
/// Closed after a clean end. Threads: one handle is for one thread at a time.
class [[nodiscard]] FrameProducer {
public:
    /// Empty: its calls throw Closed.
    FrameProducer() noexcept = default;
    FrameProducer(detail::Passkey, std::shared_ptr<detail::GroupState> group, std::shared_ptr<detail::FrameState> frame) noexcept
        : group_(std::move(group)), frame_(std::move(frame)) {}
    FrameProducer(FrameProducer &&) noexcept = default;
    FrameProducer &operator=(FrameProducer &&other) noexcept;
    ~FrameProducer();

    /// Appends bytes without copying them. Throws WrongSize, without a change, if they exceed the declared size.
    void write(Bytes chunk) { group().write_chunk(*frame_, std::move(chunk)); }
    /// The same; takes the buffer over.
    template <class Buffer>
        requires(!std::is_lvalue_reference_v<Buffer> && std::is_constructible_v<Bytes, Buffer> && !std::is_same_v<Buffer, Bytes>)
    void write(Buffer &&chunk) {
        write(Bytes(std::move(chunk)));
    }
    /// The same with a copy of the bytes.
    void write(std::span<const std::byte> chunk) { write(Bytes::copy(chunk)); }
    void write(std::string_view chunk) { write(Bytes::copy(chunk)); }
    template <class T, std::size_t Extent>
        requires Octet<std::remove_const_t<T>>
    void write(std::span<T, Extent> octets) {
        write(Bytes::copy(octets));
    }

    /// Completes the frame. If bytes are missing, throws WrongSize and fails the group with it as `abort` does.
    void finish() { group().finish_frame(*frame_); }

    // The same without exceptions: `ec` gets the code, a false one after success, and `std::errc::not_enough_memory` for want of
    // memory.
    void write(Bytes chunk, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return write(std::move(chunk)); });
    }
    void finish(std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return finish(); });
    }

    /// Fails the frame and its group with `code` (a false one is Cancelled), and releases the group's contents. Does
    /// nothing if the frame is finished or failed.
    void abort(std::error_code code) { group().abort_frame(*frame_, detail::failure(code)); }

private:
    detail::GroupState &group() const {
        if (group_ == nullptr) detail::throw_error(make_error_code(Error::Closed));
        return *group_;
    }

    detail::LastAct last_act_;
    std::shared_ptr<detail::GroupState> group_;
    std::shared_ptr<detail::FrameState> frame_;
};

COMOQ_DECLARE_OPERATION(std::optional<Bytes>);

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/frame.ipp"
#endif
