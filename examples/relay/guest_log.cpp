#include "guest_log.hpp"

#include <comoq/error.hpp>
#include <comoq/lite/request_target.hpp>
#include <comoq/path.hpp>

#include <asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <new>
#include <fmt/format.h>

namespace {

constexpr std::size_t longest_protocol = 32;

bool is_protocol(std::string_view name) {
    const auto is_ordinary = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    return name.size() <= longest_protocol && std::ranges::all_of(name, is_ordinary) &&
           (name.starts_with("qmux-0") || name.starts_with("moq-lite-") || name.starts_with("moqt-") || name == "moql" ||
            name == "webtransport");
}

}  // namespace

std::string_view path_of(std::string_view target) { return target.substr(0, target.find_first_of("?#")); }

std::string page_in_log(std::string_view origin) {
    const auto scheme = origin.find("://");
    if (scheme == std::string_view::npos) {
        return origin == "null" ? "null" : "?";
    }
    const auto host = scheme + 3;
    const auto end = std::min(origin.find_first_of("/?#", host), origin.size());
    const auto authority = origin.substr(host, end - host);
    const auto at = authority.rfind('@');
    return std::string(origin.substr(0, host)).append(at == std::string_view::npos ? authority : authority.substr(at + 1));
}

std::string protocols_in_log(std::string_view offer) {
    std::string all;
    bool has_others = false;
    while (!offer.empty() && all.size() < longest_value) {
        const auto comma = std::min(offer.find(','), offer.size());
        auto name = offer.substr(0, comma);
        offer.remove_prefix(std::min(comma + 1, offer.size()));
        name.remove_prefix(std::min(name.find_first_not_of(" \t"), name.size()));
        name = name.substr(0, name.find_last_not_of(" \t") + 1);
        if (!is_protocol(name)) {
            has_others = has_others || !name.empty();
            continue;
        }
        all.append(all.empty() ? "" : ",").append(name);
    }
    return all.append(has_others ? all.empty() ? "others" : ",others" : "");
}

asio::ip::address address_in(std::string_view name) {
    auto address = name.substr(0, name.rfind(':'));
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
    }
    std::error_code none;
    const auto found = asio::ip::make_address(std::string(address), none);
    return none ? asio::ip::address() : found;
}

std::string_view name_of(comoq::lite::SessionEvent::Kind kind) {
    using Kind = comoq::lite::SessionEvent::Kind;
    switch (kind) {
    case Kind::Announced:
        return "announced";
    case Kind::Unannounced:
        return "unannounced";
    case Kind::Subscribed:
        return "subscribed";
    case Kind::Unsubscribed:
        return "unsubscribed";
    case Kind::Refused:
        return "request_refused";
    }
    return "event";
}

void GuestLog::came_from(const asio::ip::tcp::endpoint &peer) {
    address_ = peer.address();
    std::error_code ignored;
    const auto address = address_.to_string(ignored);
    peer_ = address_.is_v6() ? fmt::format("[{}]:{}", address, peer.port()) : fmt::format("{}:{}", address, peer.port());
}

void GuestLog::asks_for(std::string_view target) {
    path_ = path_of(target).substr(0, longest_value + 1);
    try {
        // No line shows more.
        root_ = comoq::lite::read_target(target).root.view().substr(0, longest_value + 1);
        path_ = '/' + root_;
    } catch (const std::system_error &) {
        // No path: it is written as it came.
    }
}

void GuestLog::runs_in(const comoq::websocket::Fields &fields) {
    const auto origin = fields.only("Origin");
    page_ = origin ? page_in_log(*origin).substr(0, longest_value + 1) : fields.count("Origin") != 0 ? "?" : "";
}

// A line that is not wanted costs nothing of the budget.
bool GuestLog::may_write(Level level) noexcept {
    try {
        return is_logged(level) && budget_.take(address_, std::chrono::steady_clock::now());
    } catch (const std::bad_alloc &) {
        return false;
    }
}

void GuestLog::add_who(LogLine &line) const {
    line.with("id", id_).with("peer", peer_).with("listener", listener_);
    if (!protocol_.empty()) {
        line.with("protocol", protocol_);
    }
    if (!path_.empty()) {
        line.with("path", path_);
    }
    if (!page_.empty()) {
        line.with("origin", page_);
    }
}

void GuestLog::opened() {
    is_open_ = true;
    opened_ = std::chrono::steady_clock::now();
    LogLine line(Level::Info, "session_opened", may_write(Level::Info));
    add_who(line);
}

void GuestLog::refused(std::string_view reason, Level level, unsigned status, std::string_view offer) {
    LogLine line(level, "refused", may_write(level));
    add_who(line);
    if (status != 0) {
        line.with("status", status);
    }
    line.with("reason", reason);
    if (!offer.empty()) {
        line.with("offered", protocols_in_log(offer));
    }
}

// A line for which there is no memory is left out.
void GuestLog::happened(const comoq::lite::SessionEvent &event) noexcept {
    using Kind = comoq::lite::SessionEvent::Kind;
    announced_ += event.kind == Kind::Announced ? 1 : 0;
    subscribed_ += event.kind == Kind::Subscribed ? 1 : 0;
    refused_ += event.kind == Kind::Refused ? 1 : 0;
    try {
        if (may_write(Level::Info)) {
            write(event);
        }
    } catch (const std::exception &) {
    }
}

void GuestLog::write(const comoq::lite::SessionEvent &event) const {
    using Kind = comoq::lite::SessionEvent::Kind;
    // A path is normalised where it can be, and too much of anything is cut off.
    std::string path = root_;
    try {
        path = comoq::Path(root_).join(comoq::Path(event.path)).view();
    } catch (const std::system_error &) {
        path.append(path.empty() ? "" : "/").append(event.path.substr(0, longest_value + 1));
    }
    LogLine line(Level::Info, name_of(event.kind));
    line.with("id", id_).with("path", path);
    if (event.kind != Kind::Announced && event.kind != Kind::Unannounced) {
        line.with("track", event.track);
    }
    if (event.kind == Kind::Unsubscribed && !event.code) {
        line.with("reason", "complete");
    } else if (event.kind == Kind::Unsubscribed || event.kind == Kind::Refused) {
        line.with("reason", event.code);
    }
}

void GuestLog::closed(std::error_code code, std::error_code channel_end, const comoq::TransportStats &stats) {
    // A tab that is closed says nothing of its sessions.
    const bool has_left = code == comoq::Error::Transport && channel_end == asio::error::eof;
    const auto &cause = code == comoq::Error::Transport && channel_end ? channel_end : code;
    const auto reason = !code || has_left ? "closed" : cause.message();
    if (!is_open_) {
        refused(why_refused_.empty() ? std::string_view(reason) : why_refused_);
        return;
    }
    const auto lasted = std::chrono::steady_clock::now() - opened_;
    LogLine line(Level::Info, "session_closed", may_write(Level::Info));
    line.with("id", id_).with("reason", reason);
    line.with("ms", static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(lasted).count()));
    line.with("received", stats.received_bytes.value_or(0)).with("sent", stats.sent_bytes.value_or(0));
    line.with("announced", announced_).with("subscribed", subscribed_).with("requests_refused", refused_);
}

void GuestLog::failed(std::string_view what, Level level) {
    LogLine line(level, "connection_failed", level == Level::Debug || may_write(level));
    line.with("id", id_).with("peer", peer_).with("error", what);
}
