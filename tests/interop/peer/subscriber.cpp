#include "subscriber.hpp"

#include "payload.hpp"
#include "shared/command_line.hpp"

#include <comoq/announce.hpp>
#include <comoq/error.hpp>
#include <comoq/origin_dynamic.hpp>
#include <comoq/path.hpp>

#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>

#include <fmt/ranges.h>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

using asio::awaitable;

namespace {

std::string key_of(const std::string &path, const std::string &track) { return path + '\n' + track; }

Event with_wishes(Event event, const comoq::Subscription &wishes) {
    event.with("priority", wishes.priority)
        .with("ordered", wishes.ordered)
        .with("latencyMax", wishes.max_latency.count());
    if (wishes.start) {
        event.with("startGroup", *wishes.start);
    }
    if (wishes.end) {
        event.with("endGroup", *wishes.end);
    }
    return event;
}

Event with_info(Event event, const comoq::TrackInfo &info) {
    event.with("timescale", info.timescale.units_per_second()).with("latencyMax", info.max_latency.count());
    event.with("priority", info.priority).with("ordered", info.ordered);
    return event;
}

void cancel(const std::shared_ptr<asio::cancellation_signal> &stop) { stop->emit(asio::cancellation_type::terminal); }

}  // namespace

Subscriber::Subscriber(asio::any_io_executor executor, EventLog &log, const Settings &settings)
    : executor_(std::move(executor)), log_(log), settings_(settings) {}

comoq::OriginProducer Subscriber::received() const {
    if (settings_.scopes.empty()) {
        return origin_.producer();
    }
    const std::vector<comoq::Path> prefixes(settings_.scopes.begin(), settings_.scopes.end());
    auto narrowed = origin_.producer().scope(prefixes);
    if (!narrowed) {
        throw UsageError("--scope leaves nothing");
    }
    return std::move(*narrowed);
}

void Subscriber::ask(std::shared_ptr<std::optional<comoq::lite::Session>> session) {
    spawn(executor_, answer(shared_from_this(), origin_.producer().dynamic(), std::move(session)), log_);
}

awaitable<void> Subscriber::answer(Self, comoq::OriginDynamic handler,
                                   std::shared_ptr<std::optional<comoq::lite::Session>> session) {
    while (true) {
        auto request = co_await handler.requested_broadcast();
        if (!request) {
            co_return;
        }
        try {
            if (session->has_value()) {
                request->accept((*session)->broadcast(request->path().view()));
            }
        } catch (const std::system_error &error) {
            request->reject(error.code());
        }
    }
}

void Subscriber::announced(const std::string &prefix) {
    followed_[prefix] = spawn(executor_, follow(shared_from_this(), prefix), log_);
}
void Subscriber::unannounced(const std::string &prefix) {
    if (const auto found = followed_.extract(prefix)) {
        cancel(found.mapped());
    }
}

awaitable<void> Subscriber::follow(Self self, std::string prefix) {
    const auto view = self->origin_.consumer().with_root(prefix);
    auto announced = view->announced();
    while (true) {
        auto change = co_await announced.next();
        if (!change) {
            break;
        }
        using Kind = comoq::Announcement::Event;
        Event event(change->event == Kind::Ended ? "unannounce" : "announce");
        const auto whole = comoq::Path(prefix).join(change->path);
        event.with("prefix", prefix).with("broadcast", whole.view()).with("suffix", change->path.view());
        if (change->event == Kind::Restart) {
            event.with("restart", true);
        }
        self->log_.emit(event);
    }
    self->log_.emit(Event("announced-end").with("prefix", prefix).with_error({}));
}

void Subscriber::watch(const std::string &path) {
    watched_[path] = spawn(executor_, look_out(shared_from_this(), path), log_);
}
void Subscriber::unwatch(const std::string &path) {
    if (const auto found = watched_.extract(path)) {
        cancel(found.mapped());
    }
}

awaitable<void> Subscriber::look_out(Self self, std::string path) {
    while (true) {
        const auto broadcast = co_await self->origin_.consumer().announced_broadcast(path);
        self->log_.emit(Event("online").with("broadcast", path));
        [[maybe_unused]] const auto code = co_await broadcast.closed();
        self->log_.emit(Event("offline").with("broadcast", path));
    }
}

awaitable<comoq::TrackConsumer> Subscriber::find(const std::string &path, const std::string &track) const {
    const auto broadcast = co_await origin_.consumer().request_broadcast(path);
    co_return broadcast.track(track);
}

void Subscriber::subscribe(const std::string &path, const std::string &track, const comoq::Subscription &wishes) {
    const auto reading = std::make_shared<Reading>(executor_, path, track, wishes);
    readings_[key_of(path, track)] = reading;
    log_.emit(with_wishes(reading->event("subscribe"), wishes));
    reading->stop = spawn(executor_, read(shared_from_this(), reading), log_);
}

void Subscriber::update(const std::string &path, const std::string &track, const std::vector<std::string> &words) {
    const auto found = readings_.find(key_of(path, track));
    if (found == readings_.end()) {
        throw std::runtime_error("not subscribed: " + path + " " + track);
    }
    auto &reading = *found->second;
    for (const auto &word : words) {
        set_wish(reading.wishes, word);
    }
    if (reading.subscriber) {
        reading.subscriber->update(reading.wishes);
    }
    log_.emit(with_wishes(reading.event("update"), reading.wishes));
}

void Subscriber::unsubscribe(const std::string &path, const std::string &track) {
    const auto found = readings_.find(key_of(path, track));
    if (found != readings_.end()) {
        found->second->is_left = true;
        cancel(found->second->stop);
    }
}

awaitable<void> Subscriber::read(Self self, Held reading) {
    std::uint64_t groups = 0;
    std::error_code failure;
    try {
        co_await read_groups(self, reading, groups);
    } catch (const std::system_error &error) {
        failure = error.code();
    }
    // Without its subscriber the track is left, and the readers of its groups lose the frames that are in flight.
    if (reading->is_left) {
        failure.clear();
    } else {
        co_await reading->all_read.wait();
    }
    reading->subscriber.reset();
    const auto found = self->readings_.find(key_of(reading->path, reading->track));
    if (found != self->readings_.end() && found->second == reading) {
        self->readings_.erase(found);
    }
    self->log_.emit(reading->event("track-end").with("groups", groups).with_error(failure));
}

awaitable<void> Subscriber::read_groups(Self self, Held reading, std::uint64_t &groups) {
    reading->all_read.set();
    const auto track = co_await self->find(reading->path, reading->track);
    const auto asked = reading->wishes;
    reading->subscriber = co_await track.subscribe(asked);
    // It may have been updated meanwhile.
    if (reading->wishes != asked) {
        reading->subscriber->update(reading->wishes);
    }
    const auto info = co_await track.info();
    self->log_.emit(with_info(reading->event("info"), info));
    while (true) {
        auto &subscriber = *reading->subscriber;
        auto next = self->settings_.in_order ? subscriber.next_group() : subscriber.recv_group();
        auto group = co_await std::move(next);
        if (!group) {
            co_return;
        }
        ++groups;
        ++reading->reads;
        reading->all_read.clear();
        spawn(self->executor_, read_one(self, reading, std::move(*group)), self->log_);
        if (self->settings_.slow.count() > 0) {
            co_await sleep(self->settings_.slow);
        }
    }
}

awaitable<void> Subscriber::read_one(Self self, Held reading, comoq::GroupConsumer group) {
    co_await read_group(self, "group", reading->path, reading->track, std::move(group));
    if (--reading->reads == 0) {
        reading->all_read.set();
    }
}

awaitable<void> Subscriber::info(std::string path, std::string name) {
    const auto base = Event("info").with("broadcast", path).with("track", name).with("asked", true);
    std::error_code failure;
    try {
        const auto track = co_await find(path, name);
        const auto info = co_await track.info();
        log_.emit(with_info(base, info));
    } catch (const std::system_error &error) {
        failure = error.code();
    }
    if (failure) {
        log_.emit(Event("info-error").with("broadcast", path).with("track", name).with_error(failure));
    }
}

awaitable<void> Subscriber::fetch(std::string path, std::string name, std::uint64_t sequence, comoq::Fetch how) {
    std::error_code failure;
    try {
        const auto track = co_await find(path, name);
        auto group = co_await track.fetch_group(sequence, how);
        co_await read_group(shared_from_this(), "fetch", path, name, std::move(group));
    } catch (const std::system_error &error) {
        failure = error.code();
    }
    if (failure) {
        log_.emit(Event("fetch-error")
                      .with("broadcast", path)
                      .with("track", name)
                      .with("group", sequence)
                      .with_error(failure));
    }
}

awaitable<void> Subscriber::read_group(Self self, std::string kind, std::string path, std::string track,
                                       comoq::GroupConsumer group) {
    const auto &o = self->settings_;
    const auto sequence = group.sequence();
    const auto event = [&](std::string_view name) {
        return Event(name).with("broadcast", path).with("track", track).with("group", sequence);
    };
    if (o.prints_frames) {
        self->log_.emit(event(kind + "-start"));
    }
    std::uint64_t frames = 0, bytes = 0;
    bool is_right = true;
    std::vector<std::uint64_t> times;
    std::error_code failure;
    while (true) {
        auto [code, frame] = co_await group.read_frame().as_tuple();
        if (code || !frame) {
            failure = code;
            break;
        }
        const auto span = frame->payload.span();
        const bool is_this_right = o.seed.empty() || is_payload(span, o.seed, track, sequence, frames);
        is_right = is_right && is_this_right;
        if (o.prints_frames) {
            auto line = event(kind == "fetch" ? "fetch-frame" : "frame");
            line.with("frame", frames).with("size", span.size()).with("timestamp", frame->timestamp.value());
            self->log_.emit(line.with("scale", frame->timestamp.scale().units_per_second()).with("ok", is_this_right));
        }
        times.push_back(frame->timestamp.value());
        ++frames;
        bytes += span.size();
    }
    auto whole = event(kind).with("frames", frames).with("bytes", bytes).with("ok", is_right).with_error(failure);
    self->log_.emit(whole.with_json("timestamps", fmt::format("[{}]", fmt::join(times, ","))));
}

void Subscriber::close() {
    for (const auto &stops : {followed_, watched_}) {
        for (const auto &[name, stop] : stops) {
            cancel(stop);
        }
    }
}
