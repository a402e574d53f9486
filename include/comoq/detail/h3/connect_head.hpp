// SPDX-License-Identifier: MIT
#pragma once
#include "codes.hpp"
#include "fields.hpp"
#include "protocol_list.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::h3 {

/// The head of a request, as far as a session needs it.
struct RequestHead {
    std::string method, protocol, scheme, authority, path, origin;
    /// The application protocols that the client has, the best first.
    std::vector<std::string> protocols;
    /// It wants the answer to name the draft, as its second version said.
    bool names_draft = false;

    /// It asks for a session (draft-ietf-webtrans-http3, section 3.2). The second name is of draft 15 and later.
    bool asks_for_session() const noexcept {
        return method == "CONNECT" && (protocol == "webtransport" || protocol == "webtransport-h3");
    }
};
/// The head of a response.
struct ResponseHead {
    unsigned status = 0;
    /// What the server has chosen.
    std::optional<std::string> protocol;
};

namespace detail {

/// The rules for fields of any message (RFC 9114, section 4.2). Passes each pseudo-header to `pseudo(name, value)`, which is
/// false for one that has no place there or was there before.
template <class Pseudo> bool are_well_formed(const std::vector<Field> &fields, Pseudo &&pseudo) {
    bool regular = false;
    constexpr std::array<std::string_view, 5> of_connections = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                                                "upgrade"};
    for (const auto &[name, value] : fields) {
        if (name.empty()) return false;
        const auto is_bad = [](char each) { return (each >= 'A' && each <= 'Z') || each <= ' ' || each == 0x7f; };
        if (std::any_of(name.begin(), name.end(), is_bad)) return false;
        const auto ends_field = [](char each) { return each == '\0' || each == '\r' || each == '\n'; };
        if (std::any_of(value.begin(), value.end(), ends_field)) return false;
        if (name.front() == ':') {
            if (regular || !pseudo(name, value)) return false;
            continue;
        }
        regular = true;
        if (std::find(of_connections.begin(), of_connections.end(), name) != of_connections.end()) return false;
    }
    return true;
}

}  // namespace detail

inline Code read_head(const std::vector<Field> &fields, RequestHead &to) {
    std::array<bool, 5> seen{};
    const auto pseudo = [&](std::string_view name, const std::string &value) {
        constexpr std::array<std::string_view, 5> names = {":method", ":protocol", ":scheme", ":authority", ":path"};
        const std::array<std::string *, 5> places = {&to.method, &to.protocol, &to.scheme, &to.authority, &to.path};
        const auto which = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
        if (which == names.size() || std::exchange(seen[which], true)) return false;
        *places[which] = value;
        return true;
    };
    if (!detail::are_well_formed(fields, pseudo) || to.method.empty()) return Code::MessageError;
    const auto [method, protocol, scheme, authority, path] = seen;
    const bool is_plain_connect = to.method == "CONNECT" && !protocol;
    // Without a protocol CONNECT has an authority only; everything else has the whole URL (RFC 9114, section 4.3.1).
    if (is_plain_connect ? scheme || path || to.authority.empty() : to.scheme.empty() || to.path.empty()) return Code::MessageError;
    if (protocol && (to.method != "CONNECT" || to.authority.empty())) return Code::MessageError;
    std::string list;
    for (const auto &[name, value] : fields) {
        if (name == "origin") to.origin = value;
        if (name == "sec-webtransport-http3-draft02") to.names_draft = true;
        if (name == "wt-available-protocols") list += (list.empty() ? "" : ", ") + value;
    }
    to.protocols = read_protocols(list);
    return Code::None;
}
inline Code read_head(const std::vector<Field> &fields, ResponseHead &to) {
    std::string status;
    const auto pseudo = [&](std::string_view name, const std::string &value) {
        if (name != ":status" || !status.empty()) return false;
        status = value;
        return true;
    };
    const auto is_digit = [](char each) { return each >= '0' && each <= '9'; };
    if (!detail::are_well_formed(fields, pseudo) || status.size() != 3 || !std::all_of(status.begin(), status.end(), is_digit))
        return Code::MessageError;
    for (const char each : status) to.status = to.status * 10 + static_cast<unsigned>(each - '0');
    for (const auto &[name, value] : fields)
        if (name == "wt-protocol") to.protocol = read_protocol(value);
    return to.status < 100 ? Code::MessageError : Code::None;
}

/// The fields of a request for a session. Protocols whose names no field can carry are left out.
inline std::vector<Field> connect_fields(const std::string &authority, const std::string &path, const std::string &origin,
                                         const std::vector<std::string> &protocols) {
    std::vector<Field> fields = {{":method", "CONNECT"}, {":protocol", "webtransport"}, {":scheme", "https"}, {":authority", authority},
                                 {":path", path}, {"sec-webtransport-http3-draft02", "1"}};
    if (!origin.empty()) fields.push_back({"origin", origin});
    std::string list;
    for (const auto &each : protocols)
        if (const auto name = write_protocol(each)) list += (list.empty() ? "" : ", ") + *name;
    if (!list.empty()) fields.push_back({"wt-available-protocols", list});
    return fields;
}
/// The fields of the response to it. The protocol may be empty.
inline std::vector<Field> response_fields(unsigned status, std::string_view protocol, bool names_draft) {
    std::vector<Field> fields = {{":status", std::to_string(status)}};
    if (names_draft) fields.push_back({"sec-webtransport-http3-draft", "draft02"});
    if (const auto name = protocol.empty() ? std::nullopt : write_protocol(protocol)) fields.push_back({"wt-protocol", *name});
    return fields;
}

}  // namespace comoq::h3
