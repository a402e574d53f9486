// Other relays that this one asks.
#include "server.hpp"

#include "guest_log.hpp"
#include "log.hpp"

#include <comoq/mirror.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/proxy.hpp>

#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// What is told to an upstream, and taken from it.
comoq::ConnectConfig Server::upstream_config(const comoq::OriginProducer &into, const std::string &where) {
    comoq::ConnectConfig config;
    config.protocols = options_.protocols;
    config.tls.authorities_file = options_.authorities;
    config.tls.pinned_certificates = options_.pins;
    config.tls.certificate_file = options_.upstream_certificate;
    config.tls.key_file = options_.upstream_key;
    config.tls.key_log = key_log_;
    config.session.max_announced = options_.max_announced;
    config.session.max_requested = options_.max_requested;
    config.session.publish = origin_.consumer();
    // The upstream can ask here only for what it knows of, and hides the names itself.
    config.session.announce_hidden = true;
    config.session.subscribe = into;
    if (const auto &allowed = options_.rights.allowed(); !allowed.empty()) {
        config.session.publish = config.session.publish->scope(allowed);
        config.session.subscribe = config.session.subscribe->scope(allowed);
    }
    config.session.max_newest_bytes = options_.newest_mib << 20;
    config.session.on_event = [this, where](const comoq::lite::SessionEvent &event) { log_of_upstream(where, event); };
    return config;
}

// Announces this relay's broadcasts there, and the other way round.
void Server::connect_to(const std::string &url) {
    const auto where = comoq::net::parse_url(url).text();
    auto of_upstream = origin_config();
    of_upstream.id = origin_.id();
    auto &upstream = upstreams_.emplace_back(std::move(of_upstream), next_thread());
    comoq::lite::ReconnectConfig retry;
    // A relay with other upstreams to ask does not wait long for one.
    retry.patience = options_.upstreams.size() > 1 ? 1s : 10s;
    retry.on_change = [where](const comoq::lite::ConnectionEvent &event) {
        if (event.kind == comoq::lite::ConnectionEvent::Kind::Connected) {
            LogLine(Level::Info, "upstream_connected").with("url", where);
        } else if (event.kind == comoq::lite::ConnectionEvent::Kind::SentAway) {
            LogLine(Level::Info, "upstream_sent_away").with("url", where).with("to", event.reason);
        }
    };
    retry.on_retry = [where](std::error_code code, std::chrono::milliseconds pause) {
        LogLine line(Level::Warning, "upstream_lost");
        line.with("url", where).with("error", code ? code.message() : "closed");
        line.with("again_in_ms", static_cast<std::uint64_t>(pause.count()));
    };
    auto connected = comoq::keep_connected(url, upstream_config(upstream.origin.producer(), where), std::move(retry));
    begin(upstream.thread.tasks, strand_of(upstream.thread), "an upstream", std::move(connected));
    auto shown = comoq::mirror(upstream.origin.consumer(), origin_.producer());
    begin(upstream.thread.tasks, strand_of(upstream.thread), "the announcements of an upstream", std::move(shown));
}

// What an upstream announces, and asks for, within a budget like a client's.
void Server::log_of_upstream(const std::string &url, const comoq::lite::SessionEvent &event) noexcept {
    try {
        if (!is_logged(Level::Info) || !house_.log_budget.take({}, std::chrono::steady_clock::now())) {
            return;
        }
    } catch (const std::bad_alloc &) {
        return;
    }
    LogLine line(Level::Info, name_of(event.kind));
    line.with("upstream", url).with("path", event.path);
    if (!event.track.empty()) {
        line.with("track", event.track);
    }
    if (event.code) {
        line.with("reason", event.code);
    }
}

// A request here for a broadcast that nobody announced is passed on there.
void Server::serve_from_upstreams() {
    std::vector<comoq::OriginConsumer> from;
    for (const auto &upstream : upstreams_) {
        from.push_back(upstream.origin.consumer());
    }
    auto producer = origin_.producer();
    if (const auto &allowed = options_.rights.allowed(); !allowed.empty()) {
        producer = *producer.scope(allowed);
    }
    auto served = comoq::proxy(std::move(from), producer, producer.dynamic());
    auto &thread = next_thread();
    begin(thread.tasks, strand_of(thread), "requests to upstreams", std::move(served));
}
