#pragma once
#include "../containers/keyed_hash.hpp"
#include "remote_broadcast.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "../wait/frame_turn.hpp"
#include "../wait/turn_after.hpp"
#include "../../origin.hpp"

#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// Announces the peer's broadcasts below a prefix here, and serves them.
class AnnounceFollower {
public:
    AnnounceFollower(std::shared_ptr<SessionCore> core, std::string prefix) : core_(std::move(core)), prefix_(std::move(prefix)) {}
    AnnounceFollower(const AnnounceFollower &) = delete;
    AnnounceFollower &operator=(const AnnounceFollower &) = delete;

    /// Runs until the peer announces no more. Throws the peer's fault, or the stream's failure.
    asio::awaitable<void> follow() {
        lost_ = true;
        auto question = opening(BidiStreamType::Announce, AnnounceRequest{prefix_, core_->hop_id()});
        auto stream = co_await ask_with(core_, std::move(question));
        StreamReader reader(std::move(stream.receive));
        const auto code = co_await outcome_of(follow(reader));
        lost_ = reader.lost();
        if (code) comoq::detail::throw_error(code);
    }
    /// True if the stream failed, and not if the peer did something wrong.
    bool lost() const noexcept { return lost_; }

    /// The code with which `end_all` ends everything.
    void set_end(std::error_code code) noexcept { end_code_ = code ? core_->lost_code(code) : code; }
    /// Ends everything that was announced: with the code of the failure, if there was one. First the broadcasts that
    /// have tracks, at once: they end before their tracks fail, so that a reader knows that the whole broadcast is
    /// over, and not only its track. Then the rest, a few at a time, because a peer may have announced thousands. It
    /// does not throw, and a cancellation does not end it early.
    asio::awaitable<void> end_all() {
        const auto &code = end_code_;
        co_await asio::this_coro::throw_if_cancelled(false);
        for (auto &[suffix, known] : announced_)
            if (known.announced != nullptr && known.announced->has_tracks()) known.announced->end(code);
        comoq::detail::FrameTurn turn;
        comoq::detail::TurnAfter<64> ends;
        while (!announced_.empty()) {
            const auto first = announced_.begin();
            if (first->second.announced != nullptr) first->second.announced->end(code);
            announced_.erase(first);
            if (ends.is_due()) co_await turn.take();
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
        bool has_tracks() const { return broadcast.state(comoq::detail::Passkey())->has_tracks(); }
        void end(std::error_code code) {
            if (code)
                broadcast.abort(code);
            else
                broadcast.finish();
        }
        BroadcastProducer broadcast;
        OriginPublish guard;
    };

    /// One of the places of a session, and of all sessions together; empty if none is left.
    class Place {
    public:
        explicit Place(std::shared_ptr<SessionCore> core) {
            if (core->announced >= core->config.max_announced) return;
            const auto &left = core->config.announcements_left;
            if (left != nullptr && left->fetch_sub(1) <= 0) {
                left->fetch_add(1);
                return;
            }
            ++core->announced;
            core_ = std::move(core);
        }
        Place(Place &&) noexcept = default;
        Place &operator=(Place &&) = delete;
        ~Place() {
            if (core_ == nullptr) return;
            --core_->announced;
            if (const auto &left = core_->config.announcements_left) left->fetch_add(1);
        }
        explicit operator bool() const noexcept { return core_ != nullptr; }

    private:
        std::shared_ptr<SessionCore> core_;
    };
    struct Known {
        explicit Known(Place of) noexcept : place(std::move(of)) {}
        Place place;
        std::unique_ptr<Announced> announced;  // null if it has no place here
    };

    /// Announcements without room, by a hash of their names, so that their ends are recognised. Beyond some thousands
    /// only their number is known.
    class LeftOut {
    public:
        explicit LeftOut(std::atomic<std::size_t> &count) noexcept : count_(count) {}
        LeftOut(const LeftOut &) = delete;
        LeftOut &operator=(const LeftOut &) = delete;
        ~LeftOut() { count_ -= names_.size() + unnamed_; }

        void add(const std::string &key) {
            const auto name = comoq::detail::keyed_hash(std::string_view(key));
            if (names_.contains(name)) return;
            if (names_.size() < most_names)
                names_.insert(name);
            else
                ++unnamed_;
            ++count_;
        }
        /// It has room now.
        void take_in(const std::string &key) { count_ -= names_.erase(comoq::detail::keyed_hash(std::string_view(key))); }
        /// It has ended. False if it is not one of them.
        bool remove(const std::string &key) {
            if (names_.erase(comoq::detail::keyed_hash(std::string_view(key))) == 0) {
                if (unnamed_ == 0) return false;
                --unnamed_;
            }
            --count_;
            return true;
        }

    private:
        static constexpr std::size_t most_names = 16'384;
        std::atomic<std::size_t> &count_;  // of the whole session
        std::set<std::size_t> names_;
        std::size_t unnamed_ = 0;
    };

    void begin(Announce &&change, std::uint64_t peer) {
        auto key = key_of(change.suffix);
        auto found = announced_.find(key);
        if (found == announced_.end()) {
            Place place(core_);
            if (!place) {
                left_out_.add(key);
                return;
            }
            left_out_.take_in(key);
            found = announced_.try_emplace(std::move(key), std::move(place)).first;
        }
        // The new one is there before the old one goes, so that nobody sees a gap.
        auto now = make(std::move(change.hops), change.suffix, peer);
        const auto before = std::exchange(found->second.announced, std::move(now));
        if (before != nullptr) before->broadcast.finish();
    }

    /// The key of a suffix. A suffix that is not a path has no place here, and is not worth its length.
    static std::string key_of(const std::string &suffix) {
        try {
            return std::string(Path(suffix).view());
        } catch (const std::system_error &) {
            // No path contains this.
            return '\n' + std::to_string(comoq::detail::keyed_hash(std::string_view(suffix)));
        }
    }

    /// Null if it has no place here: it already came through here, or this side has no use for it.
    std::unique_ptr<Announced> make(std::vector<std::uint64_t> &&hops, const std::string &suffix, std::uint64_t peer) {
        const auto &origin = *core_->subscribe;
        hops.push_back(peer);
        try {
            const Path path = Path(prefix_).join(Path(suffix));
            // With its handler: another thread may see it, and ask for a track, before the next line.
            RemoteBroadcast::Made made(origin.make_broadcast(BroadcastInfo(std::move(hops))));
            auto broadcast = made.broadcast;
            auto guard = origin.publish_broadcast(path.view(), broadcast.consume());
            core_->requested.announced(path.view(), broadcast.consume());
            core_->broadcasts.spawn(RemoteBroadcast::serve(core_, std::string(path.view()), std::move(made)), &its_own_affair);
            return std::make_unique<Announced>(std::move(broadcast), std::move(guard));
        } catch (const std::system_error &error) {
            if (error.code() == Error::Dropped) throw;
            return nullptr;
        }
    }

    void end(const std::string &suffix) {
        const auto key = key_of(suffix);
        const auto place = announced_.find(key);
        if (place == announced_.end()) {
            if (left_out_.remove(key)) return;
            comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        }
        const auto gone = std::move(place->second.announced);
        announced_.erase(place);
        if (gone != nullptr) gone->broadcast.finish();
    }

    const std::shared_ptr<SessionCore> core_;
    const std::string prefix_;
    std::map<std::string, Known> announced_;
    LeftOut left_out_{core_->left_out};
    std::error_code end_code_;
    bool lost_ = false;
};

}  // namespace comoq::lite::detail
