// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/text/json.hpp"
#include "../detail/origin/hop_id.hpp"
#include "../origin.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace comoq {

COMOQ_DECL OriginPublish &OriginPublish::operator=(OriginPublish &&other) noexcept {
    OriginPublish previous(std::move(*this));
    origin_ = std::move(other.origin_);
    publication_ = std::move(other.publication_);
    return *this;
}

COMOQ_DECL OriginPublish::~OriginPublish() {
    last_act_.arm();
    unannounce();
}

COMOQ_DECL void OriginPublish::update(BroadcastInfo info) {
    detail::ResumeScope scope;
    if (publication_ != nullptr) origin_->update(*publication_, std::move(info));
}

COMOQ_DECL void OriginPublish::unannounce() {
    const auto publication = std::exchange(publication_, nullptr);
    if (publication != nullptr) origin_->drop_guard(*publication);
}

COMOQ_DECL BroadcastPublish &BroadcastPublish::operator=(BroadcastPublish &&other) noexcept {
    BroadcastPublish previous(std::move(*this));
    producer_ = std::move(other.producer_);
    guard_ = std::move(other.guard_);
    return *this;
}

}  // namespace comoq

namespace comoq::detail {

COMOQ_DECL const OriginView &not_empty(const std::shared_ptr<const OriginView> &view) {
    if (view == nullptr) throw_error(make_error_code(Error::Closed));
    return *view;
}

/// A broadcast that is there. Its handle is made when it is taken: the source is moved often, and this is the least of it.
class FoundBroadcast {
public:
    using taken_type = BroadcastInterest;
    explicit FoundBroadcast(std::shared_ptr<BroadcastState> &&found) noexcept : found_(std::move(found)) {}
    bool ready() const noexcept { return true; }
    std::optional<Outcome<taken_type>> take(Permit *permit) {
        if (permit != nullptr && !permit->grant()) return std::nullopt;
        return Outcome<taken_type>(std::in_place, std::move(found_));
    }
    Outcome<BroadcastConsumer> finish(Outcome<taken_type> &&taken) {
        return Outcome<BroadcastConsumer>(std::in_place, Passkey(), std::move(taken.value));
    }
    Outcome<BroadcastConsumer> give() noexcept {
        return Outcome<BroadcastConsumer>(std::in_place, Passkey(), std::move(found_));
    }
    bool wait(Waiter &) noexcept { return false; }
    bool withdraw(Waiter &) noexcept { return false; }

private:
    BroadcastInterest found_;
};

/// A refusal and the path that was asked for, cut off where it would need memory.
class RefusedBroadcast : public FailedSource<BroadcastConsumer> {
public:
    RefusedBroadcast(std::error_code code, std::string_view path) noexcept
        : FailedSource<BroadcastConsumer>(code), is_cut_(path.size() > text_.size()) {
        std::size_t length = std::min(path.size(), text_.size());
        // Not within a character.
        while (is_cut_ && length != 0 && (static_cast<unsigned char>(path[length]) & 0xC0) == 0x80) --length;
        length_ = static_cast<std::uint8_t>(length);
        copy_by_words(path.substr(0, length), text_.data());
    }
    std::string subject() const {
        const auto shown = std::string(text_.data(), length_) + (is_cut_ ? "..." : "");
        return About{"broadcast", shown}.text();
    }

private:
    /// Hardly anybody looks at the text, and a copy of unknown length would take a twentieth of the request's time.
    static void copy_by_words(std::string_view from, char *to) noexcept {
        constexpr std::size_t word = 8;
        if (from.size() < word) {
            for (const char c : from) *to++ = c;
            return;
        }
        for (std::size_t begin = 0; begin + word < from.size(); begin += word) std::memcpy(to + begin, from.data() + begin, word);
        const std::size_t last = from.size() - word;
        std::memcpy(to + last, from.data() + last, word);
    }

    std::array<char, 46> text_;
    std::uint8_t length_ = 0;
    bool is_cut_;
};

COMOQ_DECL Pending<BroadcastConsumer> pending_broadcast(std::error_code refusal, std::string_view path) {
    return Pending<BroadcastConsumer>(Passkey(), MadeInPlace(), [&] { return RefusedBroadcast(refusal, path); });
}

COMOQ_DECL Pending<BroadcastConsumer> pending_broadcast(std::shared_ptr<BroadcastState> &&broadcast, std::string_view) {
    return Pending<BroadcastConsumer>(Passkey(), MadeInPlace(), [&] { return FoundBroadcast(std::move(broadcast)); });
}

}  // namespace comoq::detail

namespace comoq {

COMOQ_DECL AnnounceConsumer OriginConsumer::announced() const {
    static_cast<void>(view());
    return AnnounceConsumer(detail::Passkey(), std::make_shared<detail::OriginWatch>(state_, view_));
}

COMOQ_DECL Pending<BroadcastConsumer> OriginConsumer::announced_broadcast(std::string_view path) const {
    if (state_ == nullptr) return detail::pending_broadcast(make_error_code(Error::Closed), path);
    return std::visit([path](auto &&found) { return detail::pending_broadcast(std::move(found), path); },
                      detail::AwaitedBroadcastRule::make(state_, *view_, path));
}

COMOQ_DECL Pending<BroadcastConsumer> OriginConsumer::request_broadcast(std::string_view path) const {
    if (state_ == nullptr) return detail::pending_broadcast(make_error_code(Error::Closed), path);
    return std::visit([path](auto &&found) { return detail::pending_broadcast(std::move(found), path); },
                      state_->request(view_, path));
}

COMOQ_DECL std::optional<OriginConsumer>
OriginConsumer::narrowed(std::shared_ptr<const detail::OriginView> view) const {
    if (view == nullptr) return std::nullopt;
    return OriginConsumer(detail::Passkey(), state_, std::move(view));
}

COMOQ_DECL OriginDynamic OriginProducer::dynamic() const {
    return OriginDynamic(detail::Passkey(), detail::OriginHandler::make(owner_.held(), view_));
}

COMOQ_DECL OriginPublish OriginProducer::publish_broadcast(std::string_view path, BroadcastConsumer broadcast) const {
    return publish_broadcast(detail::Passkey(), path, std::move(broadcast), {});
}

COMOQ_DECL OriginPublish OriginProducer::publish_broadcast(detail::Passkey, std::string_view path, BroadcastConsumer broadcast,
                                                           std::weak_ptr<detail::PrefixSource> below) const {
    detail::ResumeScope scope;
    const auto &origin = owner_.held();
    return detail::naming({"broadcast", path}, [&] {
        const auto &state = broadcast.state(detail::Passkey());
        OriginPublish guard(detail::Passkey(), origin, origin->publish(*view_, path, state, std::move(below)));
        state->join(origin->bounds());
        return guard;
    });
}

COMOQ_DECL BroadcastPublish OriginProducer::create_broadcast(std::string_view path, BroadcastInfo info) const {
    detail::ResumeScope scope;
    auto producer = make_broadcast(std::move(info));
    auto guard = publish_broadcast(path, producer.consume());
    return BroadcastPublish(detail::Passkey(), std::move(producer), std::move(guard));
}

COMOQ_DECL BroadcastProducer OriginProducer::make_broadcast(BroadcastInfo info) const {
    return BroadcastProducer(detail::Passkey(), std::move(info), owner_->bounds());
}

COMOQ_DECL std::optional<OriginProducer>
OriginProducer::narrowed(std::shared_ptr<const detail::OriginView> view) const {
    if (view == nullptr) return std::nullopt;
    return OriginProducer(detail::Passkey(), owner_, std::move(view));
}

COMOQ_DECL OriginProducer Origin::producer() const {
    static_cast<void>(owner_.held());
    return OriginProducer(detail::Passkey(), owner_, everything());
}

COMOQ_DECL OriginConsumer Origin::consumer() const { return OriginConsumer(detail::Passkey(), owner_.held(), everything()); }

COMOQ_DECL OriginStats Origin::stats() const {
    OriginStats stats;
    {
        detail::Lock lock(owner_->mutex());
        stats.announced = owner_->tree().announced();
        stats.nodes = owner_->tree().nodes();
        stats.watchers = owner_->tree().watchers();
        stats.handlers = owner_->lanes().copies();
        stats.pending = owner_->pending();
        stats.served = owner_->served();
    }
    const auto &bounds = *owner_->bounds();
    stats.cached_bytes = bounds.cached_bytes.load();
    stats.cached_groups = bounds.cached_groups.load();
    stats.unsent_bytes = bounds.unsent_bytes.load();
    stats.evicted_groups = bounds.evicted_groups.load();
    stats.lagged_readers = bounds.lagged_readers.load();
    return stats;
}

COMOQ_DECL std::string to_json(const OriginStats &stats) {
    return detail::json_object({
        {"announced", stats.announced},
        {"nodes", stats.nodes},
        {"watchers", stats.watchers},
        {"handlers", stats.handlers},
        {"pending", stats.pending},
        {"served", stats.served},
        {"cached_bytes", stats.cached_bytes},
        {"cached_groups", stats.cached_groups},
        {"unsent_bytes", stats.unsent_bytes},
        {"evicted_groups", stats.evicted_groups},
        {"lagged_readers", stats.lagged_readers},
    });
}

COMOQ_DECL std::shared_ptr<const detail::OriginView> Origin::everything() {
    static const auto view = std::make_shared<const detail::OriginView>();
    return view;
}

COMOQ_DECL std::shared_ptr<detail::OriginState> Origin::make_state(OriginConfig &&config) {
    if (config.id >> 62 != 0) detail::throw_error(make_error_code(Error::BoundsExceeded));
    auto bounds = std::make_shared<detail::MediaBounds>();
    bounds->max_pending_requests = config.max_pending_requests;
    bounds->max_frame_size = config.max_frame_size;
    bounds->max_cached_bytes = config.max_cached_bytes;
    bounds->max_latency = config.max_latency;
    bounds->clock = static_cast<Clock &&>(config.clock);  // the member itself is a callable, too, and never empty
    const auto id = config.id != 0 ? config.id : detail::random_hop_id();
    return std::make_shared<detail::OriginState>(id, std::move(bounds));
}

COMOQ_DEFINE_OPERATION(BroadcastConsumer);

}  // namespace comoq
