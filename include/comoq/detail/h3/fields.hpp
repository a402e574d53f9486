// SPDX-License-Identifier: MIT
#pragma once
#include "codes.hpp"
#include "nghttp3.hpp"
#include "settings.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::h3 {

struct Field {
    std::string name, value;
};

/// The most fields of a head that are read.
inline constexpr std::size_t most_fields = 256;

/// Packs and unpacks fields (QPACK, RFC 9204), without a dynamic table: neither side has to remember anything.
class FieldCoder {
public:
    FieldCoder() {
        const nghttp3_mem *memory = nghttp3_mem_default();
        nghttp3_qpack_encoder *encoder = nullptr;
        if (nghttp3_qpack_encoder_new(&encoder, 0, memory) != 0) throw std::bad_alloc();
        encoder_.reset(encoder);
        nghttp3_qpack_decoder *decoder = nullptr;
        if (nghttp3_qpack_decoder_new(&decoder, 0, 0, memory) != 0) throw std::bad_alloc();
        decoder_.reset(decoder);
    }

    /// Appends the frame of the fields.
    void write(const std::vector<Field> &fields, std::vector<std::byte> &to) {
        std::vector<nghttp3_nv> all;
        for (const auto &each : fields) all.push_back(detail::field_of(each.name, each.value));
        Buffer prefix, block, stream;
        const int result = nghttp3_qpack_encoder_encode(encoder_.get(), &prefix.of, &block.of, &stream.of, 0, all.data(), all.size());
        if (result != 0) throw std::bad_alloc();
        begin_block(headers_frame, prefix.bytes().size() + block.bytes().size(), to);
        for (const Buffer *part : {&prefix, &block}) to.insert(to.end(), part->bytes().begin(), part->bytes().end());
    }
    /// Reads the contents of such a frame. Unpacked, they may have `largest_head` bytes, with 32 more for each field.
    Code read(std::span<const std::byte> block, std::vector<Field> &to) {
        nghttp3_qpack_stream_context *made = nullptr;
        if (nghttp3_qpack_stream_context_new(&made, 0, nghttp3_mem_default()) != 0) throw std::bad_alloc();
        const std::unique_ptr<nghttp3_qpack_stream_context, Deleter> context(made);
        std::size_t size = 0;
        for (;;) {
            nghttp3_qpack_nv field{};
            std::uint8_t flags = NGHTTP3_QPACK_DECODE_FLAG_NONE;
            const auto used = nghttp3_qpack_decoder_read_request(decoder_.get(), made, &field, &flags, octets_of(block), block.size(), 1);
            if (used == NGHTTP3_ERR_NOMEM) throw std::bad_alloc();
            if (used < 0) return Code::QpackDecompressionFailed;
            block = block.subspan(static_cast<std::size_t>(used));
            if ((flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0) {
                const Reference name(field.name), value(field.value);
                size += name.text().size() + value.text().size() + 32;
                if (size > largest_head || to.size() == most_fields) return Code::ExcessiveLoad;
                to.push_back({std::string(name.text()), std::string(value.text())});
            }
            if ((flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0) return Code::None;
            // It waits for a table that this side does not have.
            if ((flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0) return Code::QpackDecompressionFailed;
            if (used == 0 && (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) == 0) return Code::QpackDecompressionFailed;
        }
    }
    /// What comes on the peer's two streams of QPACK: no more than that it does not use a table.
    Code read_encoder(std::span<const std::byte> input) {
        const auto used = nghttp3_qpack_decoder_read_encoder(decoder_.get(), octets_of(input), input.size());
        if (used == NGHTTP3_ERR_NOMEM) throw std::bad_alloc();
        return used < 0 ? Code::QpackEncoderStreamError : Code::None;
    }
    Code read_decoder(std::span<const std::byte> input) {
        const auto used = nghttp3_qpack_encoder_read_decoder(encoder_.get(), octets_of(input), input.size());
        if (used == NGHTTP3_ERR_NOMEM) throw std::bad_alloc();
        return used < 0 ? Code::QpackDecoderStreamError : Code::None;
    }

private:
    static const std::uint8_t *octets_of(std::span<const std::byte> bytes) noexcept {
        return reinterpret_cast<const std::uint8_t *>(bytes.data());
    }
    struct Buffer {
        Buffer() noexcept { nghttp3_buf_init(&of); }
        Buffer(const Buffer &) = delete;
        Buffer &operator=(const Buffer &) = delete;
        ~Buffer() { nghttp3_buf_free(&of, nghttp3_mem_default()); }
        std::span<const std::byte> bytes() const noexcept {
            return {reinterpret_cast<const std::byte *>(of.pos), nghttp3_buf_len(&of)};
        }
        nghttp3_buf of;
    };
    class Reference {
    public:
        explicit Reference(nghttp3_rcbuf *to) noexcept : to_(to) {}
        Reference(const Reference &) = delete;
        Reference &operator=(const Reference &) = delete;
        ~Reference() { nghttp3_rcbuf_decref(to_); }
        std::string_view text() const noexcept {
            const nghttp3_vec octets = nghttp3_rcbuf_get_buf(to_);
            return {reinterpret_cast<const char *>(octets.base), octets.len};
        }

    private:
        nghttp3_rcbuf *to_;
    };
    struct Deleter {
        void operator()(nghttp3_qpack_encoder *coder) const noexcept { nghttp3_qpack_encoder_del(coder); }
        void operator()(nghttp3_qpack_decoder *coder) const noexcept { nghttp3_qpack_decoder_del(coder); }
        void operator()(nghttp3_qpack_stream_context *context) const noexcept { nghttp3_qpack_stream_context_del(context); }
    };

    std::unique_ptr<nghttp3_qpack_encoder, Deleter> encoder_;
    std::unique_ptr<nghttp3_qpack_decoder, Deleter> decoder_;
};

}  // namespace comoq::h3
