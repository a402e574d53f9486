// SPDX-License-Identifier: MIT
/// \file
/// How the library fails: by throwing in a synchronous call, or by settling something with a code.
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <comoq/error.hpp>

namespace comoq::detail {

/// Throws `std::system_error`. Takes an `Error` as well.
[[noreturn]] inline void throw_error(std::error_code ec) { throw std::system_error(ec); }

/// Foreign text, quoted for a message: it can forge neither a line nor the end of the quotation, it has no controls of a
/// terminal (also not those of two bytes), and its length is bounded.
inline std::string quoted(std::string_view text) {
    constexpr std::size_t most = 200;
    const auto shown = text.substr(0, most);
    const auto byte = [&shown](std::size_t i) { return i < shown.size() ? static_cast<unsigned char>(shown[i]) : 0u; };
    std::string quoted = "'";
    int rest = 0;  // bytes of a character that are still to come
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const unsigned c = byte(i);
        const bool continues = c >= 0x80 && c < 0xc0 && rest > 0;
        const bool begins = c >= 0xc2 && c < 0xf5 && !(c == 0xc2 && byte(i + 1) < 0xa0);
        const bool is_plain = c >= 0x20 && c < 0x7f && c != '\'';
        rest = continues ? rest - 1 : !begins ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        quoted += continues || begins || is_plain ? shown[i] : '?';
    }
    return quoted += text.size() > most ? "...'" : "'";
}

/// The subject of a synchronous call: `what()` of the `std::system_error` that the call throws begins with it. It costs
/// nothing unless the call throws.
struct About {
    const char *kind;
    std::string_view name;
    std::uint64_t sequence = no_sequence;

    static constexpr std::uint64_t no_sequence = ~std::uint64_t{0};
    std::string text() const {
        const std::string group = sequence != no_sequence ? "group " + std::to_string(sequence) : std::string();
        if (name.data() == nullptr) return group;
        return (group.empty() ? group : group + " of ") + kind + ' ' + quoted(name);
    }
};

/// Calls, and names the subject if the call throws a `std::system_error`.
template <class Call> decltype(auto) naming(const About &about, Call &&call) {
    try {
        return call();
    } catch (const std::system_error &error) {
        throw std::system_error(error.code(), about.text());
    }
}

/// Calls, and puts the code of a failure into `ec`, a false one if there is none. The result of a call that fails is an empty
/// one. It is how a call that throws gets its form with a code: the form that throws is the only implementation.
template <class Call> std::invoke_result_t<Call &> with_code(std::error_code &ec, Call &&call) noexcept {
    ec.clear();
    try {
        return call();
    } catch (const std::system_error &error) {
        ec = error.code();
    } catch (const std::bad_alloc &) {
        ec = std::make_error_code(std::errc::not_enough_memory);
    }
    return std::invoke_result_t<Call &>();
}

/// The code to settle with when the caller gave `ec`: a false one cannot stand for a failure, and becomes `Cancelled`.
inline std::error_code failure(std::error_code ec) noexcept { return ec ? ec : make_error_code(Error::Cancelled); }

}  // namespace comoq::detail
