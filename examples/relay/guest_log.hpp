// What the relay writes about one client.
#pragma once

#include "log.hpp"
#include "log_budget.hpp"

#include <comoq/lite/session_event.hpp>
#include <comoq/transport.hpp>
#include <comoq/websocket/http_fields.hpp>

#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

// The part of a target that is safe to log: the rest may be a secret.
std::string_view path_of(std::string_view target);
// The origin of a web page, as a browser says it: scheme, host and port, and nothing else that may be in the text.
std::string page_in_log(std::string_view origin);
// The names of protocols in an offer that have the form of one. Some clients put a token there.
std::string protocols_in_log(std::string_view offer);

// The address in the name of a guest, which is that of its peer; without one, such as for an upstream, an empty address.
asio::ip::address address_in(std::string_view name);

// The name of an event in the log.
std::string_view name_of(comoq::lite::SessionEvent::Kind kind);

// Its lines are bounded by the budget of the client's address, whatever the client does. On the client's strand.
class GuestLog {
public:
    // The listener's text stays in place.
    GuestLog(LogBudget &budget, std::uint64_t id, std::string_view listener) : budget_(budget), id_(id), listener_(listener) {}

    void came_from(const asio::ip::tcp::endpoint &peer);
    // What a client asks for, and the page that it runs in.
    void asks_for(std::string_view target);
    void runs_in(const comoq::websocket::Fields &fields);
    void speaks(std::string protocol) { protocol_ = std::move(protocol); }
    // Empty if it is not known.
    const std::string &protocol() const { return protocol_; }

    // Why its session, which has not begun, will be refused: its code alone does not tell. The text stays in place.
    void is_refused(std::string_view why) { why_refused_ = why; }

    // A session begins. Before that, a client may be refused.
    void opened();
    bool is_open() const { return is_open_; }
    // `status` of HTTP, if it was told one.
    void refused(std::string_view reason, Level level = Level::Info, unsigned status = 0, std::string_view offer = {});
    void happened(const comoq::lite::SessionEvent &event) noexcept;
    // The end of a session, or a refusal if it never began. `channel_end` says more about a lost connection.
    void closed(std::error_code code, std::error_code channel_end, const comoq::TransportStats &stats);
    // For what nobody needs to know.
    void failed(std::string_view what, Level level);

    const std::string &peer() const { return peer_; }

private:
    bool may_write(Level level) noexcept;
    void add_who(LogLine &line) const;
    void write(const comoq::lite::SessionEvent &event) const;

    LogBudget &budget_;
    const std::uint64_t id_;
    const std::string listener_;
    asio::ip::address address_;
    std::string peer_, path_, root_, page_, protocol_;
    std::string_view why_refused_;
    std::chrono::steady_clock::time_point opened_;
    bool is_open_ = false;
    std::uint64_t announced_ = 0, subscribed_ = 0, refused_ = 0;
};
