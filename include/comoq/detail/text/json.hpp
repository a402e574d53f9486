// SPDX-License-Identifier: MIT
/// \file
/// Counters as text that a program can read.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

namespace comoq::detail {

struct JsonField {
    const char *name;  // needs no escapes
    std::optional<std::uint64_t> value;
};

/// One object, in one line. A field without a value is null.
inline std::string json_object(std::initializer_list<JsonField> fields) {
    std::string text;
    for (const JsonField &field : fields) {
        text += text.empty() ? "{\"" : ",\"";
        text += field.name;
        text += "\":";
        text += field.value ? std::to_string(*field.value) : "null";
    }
    return text += '}';
}

}  // namespace comoq::detail
