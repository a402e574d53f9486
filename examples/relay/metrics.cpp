#include "metrics.hpp"

#include <fmt/format.h>
#include <string_view>

namespace {

class MetricsText {
public:
    void gauge(std::string_view name, std::string_view help, std::uint64_t value) { add(name, "gauge", help, value); }
    // Their names end in _total.
    void counter(std::string_view name, std::string_view help, std::uint64_t value) { add(name, "counter", help, value); }
    std::string take() { return std::move(text_); }

private:
    void add(std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
        text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, type, value);
    }

    std::string text_;
};

}  // namespace

std::string metrics_text(const Metrics &metrics) {
    const auto started = std::chrono::duration_cast<std::chrono::seconds>(metrics.started.time_since_epoch()).count();
    const auto &origin = metrics.origin;
    MetricsText text;
    text.gauge("process_start_time_seconds", "When the relay was started.", static_cast<std::uint64_t>(started));
    text.gauge("comoq_connections", "Connections that are open.", metrics.connections);
    text.counter("comoq_connections_total", "Connections that were let in.", metrics.connections_so_far);
    text.counter("comoq_connections_refused_total", "Connections that were turned away for want of room.", metrics.connections_refused);
    text.counter("comoq_received_bytes_total", "Bytes of sessions that were received.", metrics.received_bytes);
    text.counter("comoq_sent_bytes_total", "Bytes of sessions that were sent.", metrics.sent_bytes);
    text.gauge("comoq_announced_broadcasts", "Broadcasts that are announced.", origin.announced);
    text.counter("comoq_announcements_total", "Announcements of clients.", metrics.announcements);
    text.gauge("comoq_announcements_left_out", "Announcements of connected clients that found no room.", metrics.announcements_left_out);
    text.gauge("comoq_announcements_not_told", "Announcements that connected clients are not told of, for want of room.", metrics.announcements_not_told);
    text.counter("comoq_subscriptions_total", "Subscriptions of clients.", metrics.subscriptions);
    text.counter("comoq_subscriptions_over_total", "Subscriptions of clients that are over.", metrics.subscriptions_over);
    text.counter("comoq_requests_refused_total", "Requests of clients for tracks that were refused.", metrics.requests_refused);
    text.gauge("comoq_served_broadcasts", "Broadcasts that upstreams serve without an announcement.", origin.served);
    text.gauge("comoq_pending_requests", "Requests for broadcasts that wait for an answer.", origin.pending);
    text.gauge("comoq_announcement_watchers", "Readers of announcements.", origin.watchers);
    text.gauge("comoq_cached_bytes", "Bytes of media that are kept.", origin.cached_bytes);
    text.gauge("comoq_cached_groups", "Groups of media that are kept.", origin.cached_groups);
    text.counter("comoq_evicted_groups_total", "Groups that have expired, or made room for others.", origin.evicted_groups);
    text.counter("comoq_lagged_readers_total", "Readers that were too slow.", origin.lagged_readers);
    text.gauge("comoq_unsent_bytes", "Bytes that sessions have taken and not sent yet.", origin.unsent_bytes);
    return text.take();
}
