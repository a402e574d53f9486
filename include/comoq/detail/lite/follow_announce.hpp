#pragma once
#include "remote_broadcast.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "../../origin.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// Announces here what the peer announces below a prefix, and serves it from there.
class AnnounceFollower {
public:
    AnnounceFollower(std::shared_ptr<SessionCore> core, std::string prefix) : core_(std::move(core)), prefix_(std::move(prefix)) {}
    AnnounceFollower(const AnnounceFollower &) = delete;
    AnnounceFollower &operator=(const AnnounceFollower &) = delete;

    /// Until the peer announces no more. Throws what it did wrong, or what the stream failed with.
    asio::awaitable<void> follow() {
        lost_ = true;
        auto question = opening(BidiStreamType::Announce, AnnounceRequest{prefix_, core_->hop_id()});
        auto stream = co_await open_with(core_->transport, std::move(question));
        StreamReader reader(std::move(stream.receive));
        std::error_code code;
        try {
            co_await follow(reader);
        } catch (const std::system_error &error) {
            code = error.code();
        }
        lost_ = reader.lost();
        if (code) comoq::detail::throw_error(code);
    }
    /// Whether it was the stream that failed, and not the peer that did something wrong.
    bool lost() const noexcept { return lost_; }

    /// What it announced is over, too: with the code that it failed with, if it did.
    void end_all(std::error_code code) {
        for (auto &[suffix, known] : announced_) {
            if (known.announced == nullptr) continue;
            if (code)
                known.announced->broadcast.abort(core_->lost_code(code));
            else
                known.announced->broadcast.finish();
        }
    }

private:
    asio::awaitable<void> follow(StreamReader &reader) {
        const auto ok = co_await reader.message<AnnounceOk>();
        if (!ok) co_return;
        while (auto change = co_await reader.message<Announce>()) {
            if (change->active)
                begin(std::move(*change), ok->hop_id);
            else
                end(change->suffix);
        }
    }

    struct Announced {
        Announced(BroadcastProducer made, OriginPublish published) noexcept
            : broadcast(std::move(made)), guard(std::move(published)) {}
        BroadcastProducer broadcast;
        OriginPublish guard;
    };

    /// One of those that a session may have, and all of them together. Throws LimitReached.
    class Place {
    public:
        explicit Place(std::shared_ptr<SessionCore> core) : core_(std::move(core)) {
            if (core_->announced >= core_->config.max_announced) refuse();
            const auto &left = core_->config.announcements_left;
            if (left != nullptr && left->fetch_sub(1) <= 0) {
                left->fetch_add(1);
                refuse();
            }
            ++core_->announced;
        }
        Place(Place &&) noexcept = default;
        Place &operator=(Place &&) = delete;
        ~Place() {
            if (core_ == nullptr) return;
            --core_->announced;
            if (const auto &left = core_->config.announcements_left) left->fetch_add(1);
        }

    private:
        [[noreturn]] static void refuse() { comoq::detail::throw_error(make_error_code(Error::LimitReached)); }
        std::shared_ptr<SessionCore> core_;
    };
    struct Known {
        explicit Known(Place of) noexcept : place(std::move(of)) {}
        Place place;
        std::unique_ptr<Announced> announced;  // nothing if it has no place here
    };

    void begin(Announce &&change, std::uint64_t peer) {
        auto key = key_of(change.suffix);
        auto found = announced_.find(key);
        if (found == announced_.end()) found = announced_.try_emplace(std::move(key), Place(core_)).first;
        // The new one is there before the old one goes, so that nobody sees a gap.
        auto now = make(std::move(change.hops), change.suffix, peer);
        const auto before = std::exchange(found->second.announced, std::move(now));
        if (before != nullptr) before->broadcast.finish();
    }

    /// How a suffix is remembered: one that is no path, and has no place here, is not worth its length.
    static std::string key_of(const std::string &suffix) {
        try {
            return std::string(Path(suffix).view());
        } catch (const std::system_error &) {
            // Which no path contains.
            return '\n' + std::to_string(std::hash<std::string>()(suffix));
        }
    }

    /// Nothing if it has no place here: it came through here already, or is none of this side's business.
    std::unique_ptr<Announced> make(std::vector<std::uint64_t> &&hops, const std::string &suffix, std::uint64_t peer) {
        const auto &origin = *core_->config.subscribe;
        hops.push_back(peer);
        try {
            const Path path = Path(prefix_).join(Path(suffix));
            auto broadcast = origin.make_broadcast(BroadcastInfo(std::move(hops)));
            // Somebody on another thread may see it, and ask for a track, before the next line.
            auto handler = broadcast.dynamic();
            auto guard = origin.publish_broadcast(path.view(), broadcast.consume());
            core_->requested.announced(path.view(), broadcast.consume());
            RemoteBroadcast::begin(core_, path.view(), broadcast, std::move(handler), true);
            return std::make_unique<Announced>(std::move(broadcast), std::move(guard));
        } catch (const std::system_error &error) {
            if (error.code() == Error::Dropped) throw;
            return nullptr;
        }
    }

    void end(const std::string &suffix) {
        const auto place = announced_.find(key_of(suffix));
        if (place == announced_.end()) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        const auto gone = std::move(place->second.announced);
        announced_.erase(place);
        if (gone != nullptr) gone->broadcast.finish();
    }

    const std::shared_ptr<SessionCore> core_;
    const std::string prefix_;
    std::map<std::string, Known> announced_;
    bool lost_ = false;
};

}  // namespace comoq::lite::detail
