// SPDX-License-Identifier: MIT
/// \file
/// Payloads that are shared instead of copied.
#pragma once
#include "config.hpp"
#include "detail/text/printed.hpp"
#include "error.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace comoq {

namespace detail {

/// What a buffer type such as `asio::const_buffer` is like: this header knows no asio.
template <class T>
concept ConstBuffer = requires(const T buffer) {
    // First: an incomplete class has none of it, and the next question is an error for one.
    { buffer.data() } -> std::same_as<const void *>;
    { buffer.size() } -> std::same_as<std::size_t>;
} && std::constructible_from<T, const void *, std::size_t>;

}  // namespace detail

/// A type of one octet.
template <class T>
concept Octet = std::same_as<T, std::byte> || std::same_as<T, unsigned char> || std::same_as<T, char>;

/// An immutable slice of a reference-counted buffer. Copies and slices share the buffer and keep the whole of it alive.
///
/// The bytes never change and never move, so any number of threads may read them through handles of their own. An empty
/// `Bytes` has no buffer, and keeps none alive.
class Bytes {
public:
    /// No bytes, and no buffer.
    Bytes() noexcept = default;

    /// Takes the buffer over: the payload is not copied and stays in place (except for a string that is short enough to
    /// lie within the string object itself). One allocation, for the reference count.
    Bytes(std::vector<std::byte> &&buffer) : Bytes(adopt(std::move(buffer))) {}
    Bytes(std::vector<std::uint8_t> &&buffer) : Bytes(adopt(std::move(buffer))) {}
    Bytes(std::vector<char> &&buffer) : Bytes(adopt(std::move(buffer))) {}
    Bytes(std::string &&buffer) : Bytes(adopt(std::move(buffer))) {}

    /// A view into any object, which `owner` keeps alive. Without an owner the bytes must outlive all handles on them.
    explicit Bytes(std::shared_ptr<const void> owner, std::span<const std::byte> view) {
        if (!view.empty()) {
            owner_ = std::move(owner);
            data_ = view.data();
            size_ = view.size();
        }
    }

    Bytes(const Bytes &) = default;
    Bytes(Bytes &&other) noexcept
        : owner_(std::move(other.owner_)), data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    Bytes &operator=(Bytes other) noexcept {
        owner_.swap(other.owner_);
        data_ = other.data_;
        size_ = other.size_;
        return *this;
    }
    ~Bytes() = default;

    /// A buffer of its own, made with a single allocation.
    static Bytes copy(std::span<const std::byte> bytes) {
        if (bytes.empty()) {
            return {};
        }
        auto buffer = std::make_shared_for_overwrite<std::byte[]>(bytes.size());
        std::memcpy(buffer.get(), bytes.data(), bytes.size());
        const std::span<const std::byte> view(buffer.get(), bytes.size());
        return Bytes(std::move(buffer), view);
    }
    static Bytes copy(std::span<const std::uint8_t> octets) { return copy(std::as_bytes(octets)); }
    static Bytes copy(std::string_view bytes) { return copy(std::as_bytes(std::span(bytes))); }
    /// Of any other span of octets.
    template <class T, std::size_t Extent>
        requires Octet<std::remove_const_t<T>>
    static Bytes copy(std::span<T, Extent> octets) {
        return copy(std::span<const std::byte>(std::as_bytes(octets)));
    }

    /// The first byte, which stays where it is as long as any handle on the buffer. Null when empty.
    const std::byte *data() const noexcept { return data_; }
    /// How many bytes there are.
    std::size_t size() const noexcept { return size_; }
    /// True if there are none.
    bool empty() const noexcept { return size_ == 0; }

    /// The bytes. Valid as long as any handle on the buffer, as the two that follow.
    std::span<const std::byte> span() const noexcept { return {data_, size_}; }
    /// The bytes as numbers.
    std::span<const unsigned char> octets() const noexcept {
        return {reinterpret_cast<const unsigned char *>(data_), size_};
    }
    /// The bytes as text, whatever they are.
    std::string_view view() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }

    /// For `asio::buffer(bytes)`, and for a sequence of buffers that is a container of `Bytes`. The buffer does not keep the
    /// bytes alive.
    template <detail::ConstBuffer Buffer> operator Buffer() const noexcept { return Buffer(data_, size_); }

    /// `count` bytes from `offset` on, or as many of them as there are, in the same buffer.
    /// Throws BoundsExceeded if `offset` is beyond the end.
    Bytes slice(std::size_t offset, std::size_t count = std::numeric_limits<std::size_t>::max()) const {
        if (offset > size_) {
            throw std::system_error(make_error_code(Error::BoundsExceeded), "comoq::Bytes::slice");
        }
        return Bytes(owner_, span().subspan(offset, count < size_ - offset ? count : size_ - offset));
    }

    /// The same without exceptions: `ec` gets the code, a false one after success, and the result is empty after a failure.
    Bytes slice(std::size_t offset, std::size_t count, std::error_code &ec) const noexcept {
        ec.clear();
        if (offset <= size_) return slice(offset, count);
        ec = make_error_code(Error::BoundsExceeded);
        return {};
    }

    /// By content.
    friend bool operator==(const Bytes &left, const Bytes &right) noexcept { return left.view() == right.view(); }

private:
    template <class Buffer> static Bytes adopt(Buffer &&buffer) {
        if (buffer.empty()) {
            return {};
        }
        const auto owner = std::make_shared<const Buffer>(std::move(buffer));
        return Bytes(owner, std::as_bytes(std::span(*owner)));
    }

    std::shared_ptr<const void> owner_;
    const std::byte *data_ = nullptr;
    std::size_t size_ = 0;
};

/// The size, and the first 16 bytes in hexadecimal: "3 bytes: 66 6f 6f". It is what fmt and streams print.
std::string to_string(const Bytes &bytes);

}  // namespace comoq

COMOQ_PRINTED(comoq::Bytes);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/bytes.ipp"
#endif
