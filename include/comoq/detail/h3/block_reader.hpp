// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/varint.hpp"
#include "codes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace comoq::h3 {

/// How the contents of a block reach whoever reads it.
enum class BlockForm {
    Whole,  ///< At once. It is kept until it is complete, so that its size must be bounded.
    Parts,  ///< As it comes.
    None,   ///< Not at all.
};

/// Reads blocks with a type and a size, however their bytes are divided: frames of HTTP/3 (RFC 9114, section 7.1), and capsules
/// (RFC 9297, section 3.2). It keeps one block at most, and no more of it than has come.
///
/// The sink decides: `Code begins(type, size, BlockForm &)`, then `Code whole(type, bytes)` or `Code part(bytes)`. The first
/// code that is not None ends the reading for good.
class BlockReader {
public:
    template <class Sink> Code read(std::span<const std::byte> input, Sink &sink) {
        while (code_ == Code::None && (!input.empty() || is_due_)) {
            if (!in_block_) {
                input = read_head(input, sink);
                continue;
            }
            const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
            const auto part = input.first(count);
            input = input.subspan(count);
            left_ -= count;
            is_due_ = false;
            if (form_ == BlockForm::Parts && !part.empty()) code_ = sink.part(part);
            if (form_ == BlockForm::Whole) take_whole(part, sink);
            if (left_ == 0) in_block_ = false;
        }
        return code_;
    }
    /// No block has begun and is not over.
    bool is_between() const noexcept { return !in_block_ && head_size_ == 0; }

private:
    template <class Sink> std::span<const std::byte> read_head(std::span<const std::byte> input, Sink &sink) {
        const std::size_t before = head_size_;
        const std::size_t count = std::min(input.size(), head_.size() - before);
        std::copy_n(input.begin(), count, head_.begin() + static_cast<std::ptrdiff_t>(before));
        head_size_ += count;
        const auto have = std::span(head_).first(head_size_);
        const auto type = comoq::detail::read_varint(have);
        const auto size = type ? comoq::detail::read_varint(have.subspan(type->size)) : std::nullopt;
        if (!size) return input.subspan(count);
        const std::size_t used = type->size + size->size - before;
        head_size_ = 0;
        type_ = type->value;
        left_ = size->value;
        form_ = BlockForm::None;
        code_ = sink.begins(type_, left_, form_);
        in_block_ = true;
        // An empty block is over without a byte more.
        is_due_ = left_ == 0;
        return input.subspan(used);
    }
    template <class Sink> void take_whole(std::span<const std::byte> part, Sink &sink) {
        if (whole_.empty() && left_ == 0) {
            code_ = sink.whole(type_, part);
            return;
        }
        whole_.insert(whole_.end(), part.begin(), part.end());
        if (left_ != 0) return;
        code_ = sink.whole(type_, std::span<const std::byte>(whole_));
        whole_.clear();
    }

    std::array<std::byte, 16> head_{};
    std::size_t head_size_ = 0;
    bool in_block_ = false;
    bool is_due_ = false;
    std::uint64_t type_ = 0;
    std::uint64_t left_ = 0;
    BlockForm form_ = BlockForm::None;
    Code code_ = Code::None;
    std::vector<std::byte> whole_;
};

/// Appends a block's type and size.
inline void begin_block(std::uint64_t type, std::uint64_t size, std::vector<std::byte> &to) {
    for (const std::uint64_t value : {type, size}) {
        const auto written = comoq::detail::write_varint(value);
        const auto bytes = written.span();
        to.insert(to.end(), bytes.begin(), bytes.end());
    }
}

}  // namespace comoq::h3
