// The model keeps plain lists of the groups that are held, through writes, fetches, evictions by age and by the pool,
// aborts and departures, with readers at all times.
#include "histories/histories.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/given_group.hpp>
#include <comoq/origin.hpp>

#include "histories/memory_parts.hpp"
#include "histories/said.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace comoq::test::memory_history;

namespace {

constexpr std::uint64_t numbers = 12;

class History {
public:
    explicit History(Choices &choices) : choices_(choices) {
        for (std::size_t i = 0; i < 3; ++i) {
            TrackInfo info;
            info.max_latency = std::chrono::milliseconds(roll(3) * 5);
            auto producer = broadcast_.create_track(std::to_string(i), info);
            tracks_.push_back(Track{producer, producer.consume(), producer.dynamic(), info.max_latency.count()});
        }
    }

    /// Empty if everything went as the model says.
    std::string run() {
        while (same_ && choices_.another_step()) {
            one_step();
            compare();
        }
        return same_ ? "" : log_;
    }

private:
    std::size_t roll(std::size_t sides) { return choices_.roll(sides); }
    void note(const std::string &what) { log_ += what + "\n"; }
    void expect(const std::string &expected, const std::string &actual) {
        if (expected != actual) {
            same_ = false;
            log_ += "  expected: " + expected + "\n  actual:   " + actual + "\n";
        }
    }

    // The model's side.

    Held *find(const GroupModelPtr &group) {
        const auto at = std::find_if(held_.begin(), held_.end(), [&](const Held &one) { return one.group == group; });
        return at != held_.end() ? &*at : nullptr;
    }
    /// Writing is a use, as long as the track holds the group.
    void use_by_writing(const Writer &writer) {
        Held *held = find(writer.model);
        if (held != nullptr && !held->replaced) {
            use(held);
            judge_age(writer.track);
        }
        judge_pool();
    }
    Held *find(std::size_t track, std::uint64_t sequence, bool live) {
        const auto at = std::find_if(held_.begin(), held_.end(), [&](const Held &one) {
            return one.track == track && one.live == live && !one.replaced && one.group->sequence == sequence;
        });
        return at != held_.end() ? &*at : nullptr;
    }
    /// The result of a look-up: the better one, and of two alike the one that was written.
    Held *find(std::size_t track, std::uint64_t sequence) {
        Held *live = find(track, sequence, true), *fetched = find(track, sequence, false);
        if (live == nullptr || fetched == nullptr) return live != nullptr ? live : fetched;
        return fetched->worth() > live->worth() ? fetched : live;
    }
    bool is_newest(const Held &one) const {
        return one.live && tracks_[one.track].producer &&
               std::none_of(held_.begin(), held_.end(), [&](const Held &other) {
                   return other.track == one.track && other.live && other.group->sequence > one.group->sequence;
               });
    }
    void use(Held *one) {
        one->used_at = now_;
        one->used_as = uses_++;
    }
    void drop(const GroupModelPtr &group, Error code) {
        if (!group->released) {
            ++evicted_;
            evicted_live_ += tracks_[find(group)->track].producer ? 1 : 0;
        }
        group->fail(code, false);
        std::erase_if(held_, [&](const Held &one) { return one.group == group; });
    }
    void judge_age(std::size_t track) {
        const auto all = held_;
        for (const auto &one : all) {
            if (one.track == track && !one.replaced && now_ - one.used_at > tracks_[track].keep && !is_newest(one)) {
                drop(one.group, Error::Old);
            }
        }
    }
    void forget_unread() {
        std::erase_if(held_, [&](const Held &one) {
            return one.replaced && std::none_of(readers_.begin(), readers_.end(),
                                                [&](const Reader &reader) { return reader.model == one.group; });
        });
    }
    void judge_pool() {
        forget_unread();
        for (;;) {
            std::size_t sum = 0;
            const Held *oldest = nullptr;
            for (const auto &one : held_) {
                sum += one.cost();
                if (!is_newest(one) && !one.is_gone() &&
                    (oldest == nullptr || one.used_as < oldest->used_as)) {
                    oldest = &one;
                }
            }
            if (sum <= pool_size || oldest == nullptr) {
                return;
            }
            drop(GroupModelPtr(oldest->group), Error::Evicted);
        }
    }
    void changed(std::size_t track) {
        judge_age(track);
        judge_pool();
    }

    // Both sides, step by step.

    void one_step() {
        switch (roll(16)) {
        case 0:
        case 1:
            return advance();
        case 2:
        case 3:
        case 4:
            return create();
        case 5:
        case 6:
        case 7:
            return write();
        case 8:
            return end_group();
        case 9:
        case 10:
            return fetch();
        case 11:
            return look_up();
        case 12:
            return roll(8) == 0 ? end_track() : advance();
        default:
            return read();
        }
    }

    void advance() {
        const auto by = static_cast<std::int64_t>(roll(5));
        note("time passes: " + std::to_string(by));
        now_ += by;
        time_.advance(std::chrono::milliseconds(by));
    }

    void create() {
        const auto track = roll(tracks_.size());
        const auto sequence = roll(numbers);
        const bool is_given = roll(3) != 0;
        note((is_given ? "give " : "create ") + std::to_string(track) + "/" + std::to_string(sequence));
        if (!tracks_[track].producer) {
            return;
        }
        auto &producer = *tracks_[track].producer;
        auto &used = tracks_[track].used;
        std::optional<GroupProducer> group;
        std::string said_by_it = "ok";
        try {
            group = is_given ? comoq::detail::given_group(producer, sequence) : producer.create_group(sequence);
        } catch (const std::system_error &error) {
            said_by_it = said(error.code());
        }
        if (find(track, sequence, true) != nullptr || (!is_given && used.contains(sequence))) {
            judge_pool();
            return expect(said(make_error_code(Error::Duplicate)), said_by_it);
        }
        expect("ok", said_by_it);
        if (!group) {
            return;
        }
        used.insert(sequence);
        add(track, *group, true);
    }

    void add(std::size_t track, const GroupProducer &group, bool live) {
        // A fetched group that failed gives its place to the next.
        if (!live) {
            if (Held *previous = find(track, group.sequence(), false)) {
                previous->replaced = true;
            }
        }
        Held held;
        held.track = track;
        held.live = live;
        held.group->sequence = group.sequence();
        held_.push_back(held);
        use(&held_.back());
        writers_.push_back(Writer{track, group, held.group});
        readers_.push_back(Reader{group.consume(), held.group});
        changed(track);
    }

    void write() {
        if (writers_.empty()) {
            return;
        }
        auto &writer = writers_[roll(writers_.size())];
        const std::string text(roll(12), static_cast<char>('a' + roll(26)));
        note("write to " + std::to_string(writer.track) + "/" + std::to_string(writer.model->sequence) + ": " + text);
        judge_age(writer.track);
        std::string said_by_it = "ok";
        try {
            writer.group.write_frame(payload(text));
        } catch (const std::system_error &error) {
            said_by_it = said(error.code());
        }
        if (writer.model->over()) {
            judge_pool();
            return expect(said(writer.model->refusal()), said_by_it);
        }
        expect("ok", said_by_it);
        writer.model->frames.push_back(text);
        use_by_writing(writer);
    }

    void end_group() {
        if (writers_.empty()) {
            return;
        }
        const auto index = roll(writers_.size());
        auto &writer = writers_[index];
        const auto how = roll(3);
        note("end " + std::to_string(writer.track) + "/" + std::to_string(writer.model->sequence) + ": " +
             std::to_string(how));
        if (how == 0) {
            judge_age(writer.track);
        }
        if (how == 0 && writer.model->over()) {
            try {
                writer.group.finish();
            } catch (const std::system_error &error) {
                expect(said(writer.model->refusal()), said(error.code()));
            }
            writer.model->fail(Error::Dropped, true);
            judge_pool();
        } else if (how == 0) {
            writer.group.finish();
            writer.model->finished = true;
            use_by_writing(writer);
        } else if (how == 1) {
            writer.group.abort(Error::Timeout);
            writer.model->fail(Error::Timeout, false);
        } else {
            writer.model->fail(Error::Dropped, true);
        }
        const Writer gone = std::move(writer);
        writers_.erase(writers_.begin() + static_cast<std::ptrdiff_t>(index));
    }

    void fetch() {
        const auto track = roll(tracks_.size());
        const auto sequence = roll(numbers);
        note("fetch " + std::to_string(track) + "/" + std::to_string(sequence));
        judge_age(track);
        judge_pool();
        auto fetched = tracks_[track].consumer.fetch_group(sequence);
        Held *held = find(track, sequence);
        if (held != nullptr && !held->group->failed) {
            use(held);
            judge_age(track);
            expect("group " + std::to_string(sequence), said(std::move(fetched)));
            return;
        }
        if (!tracks_[track].producer) {
            const bool left = held != nullptr && !held->group->released;
            return expect(left ? "group " + std::to_string(sequence) : said(make_error_code(Error::Dropped)),
                          said(std::move(fetched)));
        }
        expect("no", fetched.ready() ? "yes" : "no");
        auto request = now(tracks_[track].handler->requested_group());
        if (roll(3) == 0) {
            request->reject(Error::Unauthorized);
            return expect(said(make_error_code(Error::Unauthorized)), said(std::move(fetched)));
        }
        add(track, request->accept(), false);
        expect("group " + std::to_string(sequence), said(std::move(fetched)));
    }

    void look_up() {
        const auto track = roll(tracks_.size());
        const auto sequence = roll(numbers);
        note("look up " + std::to_string(track) + "/" + std::to_string(sequence));
        auto found = tracks_[track].consumer.get_group(sequence);
        changed(track);
        Held *held = find(track, sequence);
        expect(held != nullptr ? "there" : "not there", found ? "there" : "not there");
        if (found && held != nullptr) {
            readers_.push_back(Reader{std::move(*found), held->group});
        }
    }

    void end_track() {
        const auto track = roll(tracks_.size());
        if (!tracks_[track].producer) {
            return;
        }
        note("end of track " + std::to_string(track));
        if (roll(2) == 0) {
            tracks_[track].producer->abort(Error::Dropped);
            for (auto &one : held_) {
                if (one.track == track && !one.replaced) {
                    one.group->fail(Error::Dropped, false);
                }
            }
            std::erase_if(held_, [&](const Held &one) { return one.track == track && !one.replaced; });
        }
        tracks_[track].producer.reset();
        judge_pool();
    }

    void read() {
        if (readers_.empty()) {
            return;
        }
        const auto index = roll(readers_.size());
        auto &reader = readers_[index];
        note("read " + std::to_string(reader.model->sequence) + " at " + std::to_string(reader.at));
        if (reader.model->has(reader.at)) {
            const auto words = "frame " + reader.model->frames[reader.at++];
            return expect(words, said(reader.group.read_frame()));
        }
        expect(reader.model->ending(reader.at), said(reader.group.read_frame()));
        if (roll(3) == 0) {
            readers_.erase(readers_.begin() + static_cast<std::ptrdiff_t>(index));
        }
    }

    void compare() {
        forget_unread();
        std::size_t cost = 0;
        for (const auto &one : held_) {
            cost += one.cost();
        }
        const auto stats = origin_.stats();
        expect("bytes " + std::to_string(cost), "bytes " + std::to_string(stats.cached_bytes));
        expect("evicted " + std::to_string(evicted_), "evicted " + std::to_string(stats.evicted_groups));
        const auto of_tracks = broadcast_.stats();
        std::size_t of_live_tracks = 0;
        for (const auto &one : held_) {
            of_live_tracks += tracks_[one.track].producer && !one.replaced && !one.group->released ? 1 : 0;
        }
        expect("groups " + std::to_string(of_live_tracks), "groups " + std::to_string(of_tracks.cached_groups));
        expect("evicted " + std::to_string(evicted_live_), "evicted " + std::to_string(of_tracks.evicted_groups));
    }

    Choices &choices_;
    ManualClock time_;
    Origin origin_ = time_.origin(pool_size);
    BroadcastProducer broadcast_ = origin_.producer().make_broadcast();
    std::vector<Track> tracks_;
    std::vector<Held> held_;
    std::vector<Writer> writers_;
    std::vector<Reader> readers_;
    std::int64_t now_ = 0;
    std::uint64_t uses_ = 0;
    std::uint64_t evicted_ = 0, evicted_live_ = 0;
    bool same_ = true;
    std::string log_;
};

}  // namespace

std::string comoq::test::history_of_memory(Choices &choices) { return History(choices).run(); }
