// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../path.hpp"
#include "../containers/keyed_hash.hpp"
#include "../wait/failure.hpp"
#include "announce_messages.hpp"
#include "codec.hpp"
#include "stream_type.hpp"
#include "version.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

// The numbers of announcements. Each stream counts for itself, from 0 on, also what the receiver leaves out; a number
// is never used again.

/// The key of a suffix. A suffix that is not a path has no place here, and is not worth its length.
inline std::string announced_key(std::string_view suffix) {
    try {
        return std::string(Path(suffix).view());
    } catch (const std::system_error &) {
        // No path contains this.
        return '\n' + std::to_string(comoq::detail::keyed_hash(suffix));
    }
}

/// The numbers that a peer gives its announcements on one stream: what each message means, with the key of its path as
/// the suffix. Throws ProtocolViolation for a START of a path that is live, and for a number that was never given or has
/// ended.
///
/// It knows at most `most` live announcements, whose paths have at most 128 octets on average. It forgets further ones, and
/// counts them in `count`. Then an unknown number may be one of those, and means nothing.
class AnnouncedIds {
public:
    AnnouncedIds(std::size_t most, std::atomic<std::size_t> &count) noexcept : most_(most), count_(count) {}
    AnnouncedIds(const AnnouncedIds &) = delete;
    AnnouncedIds &operator=(const AnnouncedIds &) = delete;
    ~AnnouncedIds() { count_ -= forgotten_; }

    std::optional<Announce> start(AnnounceStart &&message) {
        auto key = announced_key(message.suffix);
        if (live_.contains(key)) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        const std::size_t size = key.size();
        if (live_.size() >= most_ || octets_ + size > most_ * octets_each) {
            ++next_;
            ++forgotten_;
            ++count_;
            return std::nullopt;
        }
        Announce change{true, key, std::move(message.hops), message.cost};
        const auto place = live_.emplace(std::move(key), next_).first;
        try {
            keys_.emplace(next_, place);
        } catch (...) {
            live_.erase(place);
            throw;
        }
        octets_ += size;
        ++next_;
        return change;
    }
    std::optional<Announce> restart(AnnounceRestart &&message) const {
        const auto known = find(message.id);
        if (known == keys_.end()) return std::nullopt;
        return Announce{true, known->second->first, std::move(message.hops), message.cost};
    }
    std::optional<Announce> end(const AnnounceEnd &message) {
        const auto known = find(message.id);
        if (known == keys_.end()) {
            --forgotten_;
            --count_;
            return std::nullopt;
        }
        const auto live = live_.extract(known->second);
        keys_.erase(known);
        octets_ -= live.key().size();
        return Announce{false, live.key(), {}, {}};
    }

    /// Whether the end of what is announced at that key will be recognised.
    bool knows(const std::string &key) const { return live_.contains(key); }

private:
    using Live = std::map<std::string, std::uint64_t>;
    using Keys = std::unordered_map<std::uint64_t, Live::iterator>;

    /// The end of `keys_` for a forgotten one.
    Keys::const_iterator find(std::uint64_t id) const {
        const auto known = keys_.find(id);
        if (known == keys_.end() && (id >= next_ || forgotten_ == 0))
            comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        return known;
    }

    static constexpr std::size_t octets_each = 128;

    const std::size_t most_;
    std::atomic<std::size_t> &count_;
    std::size_t octets_ = 0;  // of the paths
    Live live_;
    Keys keys_;
    std::uint64_t next_ = 0;
    std::size_t forgotten_ = 0;
};

/// The places for the numbers of what a session's peer is told, on all of its streams together. On one executor, except
/// where noted.
class AnnouncePlaces {
public:
    explicit AnnouncePlaces(std::size_t most) noexcept : most_(most) {}
    AnnouncePlaces(const AnnouncePlaces &) = delete;
    AnnouncePlaces &operator=(const AnnouncePlaces &) = delete;

    /// As many of them as there are. Returns their number.
    std::size_t take(std::size_t wanted) noexcept {
        const std::size_t taken = std::min(wanted, most_ - used_);
        used_ += taken;
        return taken;
    }
    void give_back(std::size_t count) noexcept { used_ -= count; }

    /// The announcements that have no place, once for each stream. Any thread for reading.
    std::atomic<std::size_t> left_out{0};

private:
    const std::size_t most_;
    std::size_t used_ = 0;
};

/// Writes the announcements on one stream, in the messages of a version. Where they have numbers it keeps some 50 bytes
/// for each that is live: its number, by a hash of its path. An announcement that finds no place is not written, nor is
/// what becomes of it, until it changes when there is a place again.
class AnnounceWriter {
public:
    /// `places` outlives this.
    AnnounceWriter(Version version, AnnouncePlaces &places) noexcept : version_(version), places_(places) {}
    AnnounceWriter(const AnnounceWriter &) = delete;
    AnnounceWriter &operator=(const AnnounceWriter &) = delete;
    ~AnnounceWriter() {
        places_.give_back(ids_.size() + kept_);
        places_.left_out -= left_out_;
    }

    /// Keeps places for announcements that are to come, for `wanted` of them if that many are left. Returns their number: the
    /// peer is told that many, whatever other streams take meanwhile.
    std::uint64_t keep_places(std::uint64_t wanted) noexcept {
        if (!layout_of(version_).announce_ids) return wanted;
        constexpr std::uint64_t most = std::numeric_limits<std::size_t>::max();
        const std::size_t kept = places_.take(static_cast<std::size_t>(std::min(wanted, most)));
        kept_ += kept;
        return kept;
    }

    /// A change of what this was given before. `is_first`: nothing is announced at that path so far. False if it writes nothing.
    bool write(const Announce &change, bool is_first, std::vector<std::byte> &to) {
        if (!layout_of(version_).announce_ids) {
            encode(change, version_, to);
            return true;
        }
        const auto key = comoq::detail::keyed_hash(std::string_view(change.suffix));
        const auto known = ids_.find(key);
        if (known == ids_.end()) {
            // What was not told is over, or has another chance.
            if (!is_first && left_out_ != 0) count_left_out(false);
            return change.active && start(key, change, to);
        }
        if (change.active) {
            encode_typed(AnnounceType::Restart, AnnounceRestart{known->second, change.hops, change.cost}, version_, to);
        } else {
            encode_typed(AnnounceType::End, AnnounceEnd{known->second}, version_, to);
            ids_.erase(known);
            places_.give_back(1);
        }
        return true;
    }

private:
    bool start(std::size_t key, const Announce &change, std::vector<std::byte> &to) {
        if (kept_ == 0) kept_ = places_.take(1);
        if (kept_ == 0) {
            count_left_out(true);
            return false;
        }
        ids_.emplace(key, next_);
        --kept_;
        ++next_;
        encode_typed(AnnounceType::Start, AnnounceStart{change.suffix, change.hops, change.cost}, version_, to);
        return true;
    }
    void count_left_out(bool one_more) noexcept {
        if (one_more) {
            ++left_out_;
            ++places_.left_out;
        } else {
            --left_out_;
            --places_.left_out;
        }
    }

    const Version version_;
    AnnouncePlaces &places_;
    std::unordered_map<std::size_t, std::uint64_t> ids_;
    std::uint64_t next_ = 0;
    std::size_t kept_ = 0;  // places, for announcements that are to come
    std::size_t left_out_ = 0;
};

}  // namespace comoq::lite::detail
