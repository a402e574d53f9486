#include "publisher.hpp"

#include "payload.hpp"
#include "task.hpp"

#include <comoq/error.hpp>
#include <comoq/origin_dynamic.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

using asio::awaitable;

namespace {

// The codes with which a group and a track are aborted. The other side has to see exactly these.
constexpr std::uint32_t group_abort = 7;
constexpr std::uint32_t track_abort = 9;

std::string as_json(const std::optional<comoq::Subscription> &wishes) {
    if (!wishes) {
        return "null";
    }
    std::string json = fmt::format("{{\"priority\":{},\"ordered\":{},\"latencyMax\":{}", wishes->priority,
                                   wishes->ordered, wishes->max_latency.count());
    if (wishes->start) {
        json += fmt::format(",\"startGroup\":{}", *wishes->start);
    }
    if (wishes->end) {
        json += fmt::format(",\"endGroup\":{}", *wishes->end);
    }
    return json + '}';
}

}  // namespace

Publisher::Publisher(asio::any_io_executor executor, EventLog &log, const Settings &settings)
    : executor_(std::move(executor)), log_(log), settings_(settings) {}

void Publisher::serve_requests() {
    if (!settings_.on_demand.empty()) {
        spawn(executor_, serve_broadcasts(shared_from_this(), origin_.producer().dynamic()), log_);
    }
}

std::error_code Publisher::refusal() const {
    return settings_.refusal ? comoq::app_error(*settings_.refusal) : make_error_code(comoq::Error::NotFound);
}

Publisher::Held Publisher::make(const std::string &path) {
    auto broadcast = std::make_shared<Broadcast>(path, origin_.producer().make_broadcast());
    // Before anybody can ask for a track.
    if (settings_.is_dynamic) {
        spawn(executor_, serve_tracks(shared_from_this(), broadcast, broadcast->producer.dynamic()), log_);
    } else {
        for (const auto &name : settings_.tracks) {
            begin(broadcast, broadcast->producer.create_track(name, settings_.info));
        }
    }
    broadcasts_.emplace(path, broadcast);
    return broadcast;
}

void Publisher::begin(const Held &broadcast, const comoq::TrackProducer &track) {
    broadcast->tracks.insert_or_assign(track.name(), track);
    broadcast->ended.erase(track.name());
    spawn(executor_, watch(shared_from_this(), broadcast, track), log_);
    spawn(executor_, produce(shared_from_this(), broadcast, track), log_);
}

void Publisher::announce(const std::string &path) {
    if (broadcasts_.contains(path)) {
        throw std::runtime_error("already announced: " + path);
    }
    const auto broadcast = make(path);
    broadcast->announced = origin_.producer().publish_broadcast(path, broadcast->producer.consume());
    log_.emit(Event("published").with("broadcast", path));
}

void Publisher::unannounce(const std::string &path) {
    const auto found = broadcasts_.find(path);
    if (found == broadcasts_.end()) {
        throw std::runtime_error("not announced: " + path);
    }
    const auto broadcast = found->second;
    broadcasts_.erase(found);
    if (!settings_.keeps_tracks) {
        broadcast->is_stopped = true;
        for (auto &[name, track] : broadcast->tracks) {
            if (!broadcast->ended.contains(name)) {
                track.finish();
            }
        }
    }
    broadcast->producer.finish();
    broadcast->announced.reset();
    log_.emit(Event("unpublished").with("broadcast", path));
}

void Publisher::finish(const std::string &path, const std::string &name, bool abort) {
    const auto found = broadcasts_.find(path);
    if (found == broadcasts_.end() || !found->second->tracks.contains(name)) {
        throw std::runtime_error("no such track: " + path + " " + name);
    }
    auto &broadcast = *found->second;
    broadcast.ended.insert(name);
    auto &track = broadcast.tracks.at(name);
    if (abort) {
        track.abort(comoq::app_error(track_abort));
    } else {
        track.finish();
    }
}

void Publisher::close() {
    for (const auto &[path, broadcast] : broadcasts_) {
        broadcast->is_stopped = true;
    }
    broadcasts_.clear();
}

awaitable<void> Publisher::serve_broadcasts(Self self, comoq::OriginDynamic handler) {
    while (true) {
        auto request = co_await handler.requested_broadcast();
        if (!request) {
            co_return;
        }
        const auto path = request->path();
        const bool known = std::ranges::any_of(self->settings_.on_demand,
                                               [&path](const auto &prefix) { return path.has_prefix(prefix); });
        self->log_.emit(Event("broadcast-request").with("broadcast", path.view()).with("known", known));
        if (known) {
            const auto broadcast = self->make(std::string(path.view()));
            request->accept(broadcast->producer.consume());
        } else {
            request->reject(self->refusal());
        }
    }
}

awaitable<void> Publisher::serve_tracks(Self self, Held broadcast, comoq::BroadcastDynamic handler) {
    while (true) {
        auto request = co_await handler.requested_track();
        if (!request) {
            co_return;
        }
        const auto name = request->name();
        const auto &names = self->settings_.tracks;
        const bool known = std::ranges::find(names, name) != names.end();
        self->log_.emit(Event("request")
                            .with("broadcast", broadcast->path)
                            .with("track", name)
                            .with("known", known)
                            .with_json("subscription", as_json(request->subscription())));
        if (known) {
            self->begin(broadcast, request->accept(self->settings_.info));
        } else if (self->settings_.ignores_unknown) {
            broadcast->ignored.push_back(std::move(*request));
        } else {
            request->reject(self->refusal());
        }
    }
}

// Prints the combined wishes of the subscribers, and each change of them.
awaitable<void> Publisher::watch(Self self, Held broadcast, comoq::TrackProducer track) {
    bool any = false;
    while (!broadcast->is_over(track)) {
        auto [code, wishes] = co_await track.subscription_changed().as_tuple();
        if (code) {
            co_return;
        }
        // The first answer is the present state, in which there may be no subscriber.
        any = any || wishes;
        if (!any) {
            continue;
        }
        self->log_.emit(Event("demand")
                            .with("broadcast", broadcast->path)
                            .with("track", track.name())
                            .with_json("subscription", as_json(wishes)));
    }
}

awaitable<void> Publisher::produce(Self self, Held broadcast, comoq::TrackProducer track) {
    std::error_code failure;
    try {
        co_await write_track(self, broadcast, track);
    } catch (const std::system_error &error) {
        failure = error.code();
    }
    if (failure && !broadcast->is_over(track)) {
        self->log_.emit(
            Event("produce-error").with("broadcast", broadcast->path).with("track", track.name()).with_error(failure));
    }
}

awaitable<void> Publisher::write_track(Self self, Held broadcast, comoq::TrackProducer track) {
    const auto &o = self->settings_;
    if (o.begin == Begin::Demand) {
        co_await track.used();
    }
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t n = 0; (o.groups == 0 || n < o.groups) && !broadcast->is_over(track); ++n) {
        if (o.rate > 0) {
            const auto due = start + std::chrono::milliseconds(n * 1000 / o.rate);
            const auto left = due - std::chrono::steady_clock::now();
            co_await sleep(std::chrono::duration_cast<std::chrono::milliseconds>(left));
        } else {
            co_await breathe();
        }
        if (!broadcast->is_over(track)) {
            co_await write_group(self, broadcast, track, o.first_group + n);
        }
    }
    if (broadcast->is_over(track)) {
        co_return;
    }
    if (o.finish != Finish::Never) {
        co_await sleep(o.linger);
        if (!broadcast->is_over(track)) {
            broadcast->ended.insert(track.name());
            if (o.finish == Finish::Abort) {
                track.abort(comoq::app_error(track_abort));
            } else {
                track.finish();
            }
        }
    }
    self->log_.emit(Event("track-written").with("broadcast", broadcast->path).with("track", track.name()));
}

awaitable<void> Publisher::write_group(Self self, Held broadcast, comoq::TrackProducer track, std::uint64_t sequence) {
    const auto &o = self->settings_;
    const bool is_big = sequence == o.big_group;
    const bool is_torn = sequence == o.abort_group;
    const auto count = is_big ? o.big_frames : o.frames;
    auto group = track.create_group(sequence);
    std::uint64_t bytes = 0;
    for (std::uint64_t frame = 0; frame < count && !broadcast->is_over(track); ++frame) {
        if (is_torn && frame == count / 2) {
            break;
        }
        const auto size =
            is_big ? (o.big_size + count - 1) / count : o.sizes[(sequence * o.frames + frame) % o.sizes.size()];
        const auto place = o.reorders ? frame ^ 1 : frame;
        const auto time = (sequence * std::max<std::uint64_t>(o.frames, 2) + place) * o.step;
        group.write_frame(payload(o.seed, track.name(), sequence, frame, size),
                          comoq::Timestamp(time, comoq::Timescale(o.timescale)));
        bytes += size;
        if (o.frame_gap.count() > 0) {
            co_await sleep(o.frame_gap);
        }
    }
    if (is_torn) {
        group.abort(comoq::app_error(group_abort));
    } else {
        group.finish();
    }
    self->log_.emit(Event("group-written")
                        .with("broadcast", broadcast->path)
                        .with("track", track.name())
                        .with("group", sequence)
                        .with("frames", count)
                        .with("bytes", bytes)
                        .with("aborted", is_torn));
}
