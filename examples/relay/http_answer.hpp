// An answer of HTTP/1.1 that a client reads.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

// The longest body that is read, in bytes. A head may have `max_head_size`, and what is between chunks as much as a body.
inline constexpr std::size_t longest_http_body = 64 * 1024;

// From all that has come so far; nothing if more is needed. `is_end`: no more comes. Sets `failure` for what is not an answer, for one
// that ends too early, and for one that is too long.
std::optional<HttpAnswer> read_http_answer(std::string_view input, bool is_end, std::error_code &failure);
