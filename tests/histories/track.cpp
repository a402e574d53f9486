#include "histories/histories.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>

#include "histories/said.hpp"
#include "histories/track_model.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace comoq::test::track_history;

namespace {

class History {
public:
    explicit History(Choices &choices) : choices_(choices) {}

    /// Empty if all went as the model says, else how the difference came about.
    std::string run() {
        while (same_ && choices_.another_step()) {
            act();
            if (track_) {
                expect("subscribers " + std::to_string(subscribers_.size()),
                       "subscribers " + std::to_string(track_->stats().subscribers));
                compare_subscription();
            }
        }
        return same_ ? std::string() : log_;
    }

private:
    std::size_t roll(std::size_t count) { return choices_.roll(count); }
    template <class All> auto *any(All &all) { return all.empty() ? nullptr : &all[roll(all.size())]; }
    template <class All> void drop_one(All &all) {
        if (!all.empty()) all.erase(all.begin() + static_cast<std::ptrdiff_t>(roll(all.size())));
    }
    std::optional<std::uint64_t> maybe(std::size_t bound) {
        return roll(3) == 0 ? std::optional<std::uint64_t>(roll(bound)) : std::nullopt;
    }

    void note(const std::string &what) { log_ += what + "\n"; }
    void expect(const std::string &model, const std::string &library) {
        if (model != library) {
            same_ = false;
            note("the model says '" + model + "', the library '" + library + "'");
        }
    }

    void compare_subscription() {
        std::uint8_t priority = 0;
        for (const auto &subscriber : subscribers_) {
            priority = std::max(priority, subscriber.model.priority);
        }
        const auto combined = track_->subscription();
        expect(subscribers_.empty() ? "nobody" : "priority " + std::to_string(priority),
               combined ? "priority " + std::to_string(combined->priority) : "nobody");
    }

    void act() {
        const auto kind = roll(100);
        if (kind < 22) {
            on_track();
        } else if (kind < 50) {
            on_group();
        } else if (kind < 80) {
            on_subscriber();
        } else {
            on_reader();
        }
    }

    void on_track() {
        if (!track_) {
            return;
        }
        switch (roll(20)) {
        case 0: {
            note("finish");
            const auto model = model_.finish(model_.after_latest());
            return expect(said(model), said(error_of([&] { track_->finish(); })));
        }
        case 1: {
            const auto at = roll(16);
            note("finish_at " + std::to_string(at));
            const auto model = model_.finish(at);
            return expect(said(model), said(error_of([&] { track_->finish_at(at); })));
        }
        case 2:
            if (roll(4) == 0) {
                note("track abort");
                model_.abort(app_error(1));
                track_->abort(app_error(1));
            }
            return;
        case 3:
            if (roll(4) == 0) {
                note("track dropped");
                model_.drop();
                track_.reset();
            }
            return;
        case 4: {
            const auto text = std::to_string(++written_);
            note("track write_frame " + text);
            const auto sequence = model_.after_latest();
            const auto model = model_.create(sequence);
            if (!model) {
                model_.groups[sequence]->frames.push_back(text);
                model_.groups[sequence]->finished = true;
            }
            return expect(said(model), said(error_of([&] { track_->write_frame(payload(text)); })));
        }
        default: {
            const auto sequence = roll(2) == 0 ? model_.after_latest() : roll(14);
            note("create_group " + std::to_string(sequence));
            const auto model = model_.create(sequence);
            const auto library = error_of([&] {
                writers_.push_back(Writer{track_->create_group(sequence), std::nullopt, model_.groups[sequence]});
            });
            expect(said(model), said(library));
        }
        }
    }

    void on_group() {
        auto *writer = any(writers_);
        if (writer == nullptr) {
            return;
        }
        auto &model = *writer->model;
        note("in group " + std::to_string(model.sequence));
        switch (roll(14)) {
        case 0: {
            note("finish");
            const auto code = model.over() ? model.refusal()
                              : model.open ? make_error_code(Error::ProtocolViolation)
                                           : std::error_code();
            model.finished = model.finished || !code;
            return expect(said(code), said(error_of([&] { writer->group.finish(); })));
        }
        case 1:
            note("abort");
            model.fail(app_error(2), false);
            return writer->group.abort(app_error(2));
        case 2:
            note("dropped");
            if (model.open) {
                model.fail(Error::Dropped, false);
            }
            writer->frame.reset();
            model.fail(Error::Dropped, true);
            writers_.erase(writers_.begin() + (writer - writers_.data()));
            return;
        case 3:
        case 4: {
            const auto size = roll(4);
            note("create_frame " + std::to_string(size));
            const auto code = model.over() ? model.refusal()
                              : model.open ? make_error_code(Error::ProtocolViolation)
                                           : std::error_code();
            const auto library = error_of([&] {
                auto frame = writer->group.create_frame(size);
                writer->frame.reset();
                writer->frame.emplace(std::move(frame));
            });
            if (!code) {
                model.open.emplace(size, "");
            }
            return expect(said(code), said(library));
        }
        case 5:
        case 6:
            if (writer->frame && model.open) {
                note("chunk");
                const bool fits = model.open->second.size() < model.open->first;
                if (fits) {
                    model.open->second += 'c';
                }
                expect(fits ? "ok" : said(make_error_code(Error::WrongSize)),
                       said(error_of([&] { writer->frame->write(payload("c")); })));
            }
            return;
        case 7:
        case 8:
            if (writer->frame && model.open) {
                note("finish frame");
                const bool whole = model.open->second.size() == model.open->first;
                if (whole) {
                    model.frames.push_back(model.open->second);
                    model.open.reset();
                } else {
                    model.fail(Error::WrongSize, false);
                }
                expect(whole ? "ok" : said(make_error_code(Error::WrongSize)),
                       said(error_of([&] { writer->frame->finish(); })));
            }
            return;
        case 9:
            if (writer->frame && roll(4) == 0) {
                note("drop frame");
                if (model.open) {
                    model.fail(Error::Dropped, false);
                }
                writer->frame.reset();
            }
            return;
        default: {
            const auto text = std::to_string(++written_);
            note("write_frame " + text);
            const auto code = model.over() ? model.refusal()
                              : model.open ? make_error_code(Error::ProtocolViolation)
                                           : std::error_code();
            if (!code) {
                model.frames.push_back(text);
            }
            expect(said(code), said(error_of([&] { writer->group.write_frame(payload(text)); })));
        }
        }
    }

    void on_subscriber() {
        if (subscribers_.size() < 2 || (subscribers_.size() < 4 && roll(6) == 0)) {
            return subscribe();
        }
        auto *one = any(subscribers_);
        auto &[subscriber, model] = *one;
        note("subscriber " + std::to_string(one - subscribers_.data()));
        switch (roll(16)) {
        case 0:
            note("leaves");
            return drop_one(subscribers_);
        case 1: {
            const auto start = roll(14);
            note("start_at " + std::to_string(start));
            model.first = model.next = start;
            model.present.reset();
            return subscriber.start_at(start);
        }
        case 2: {
            model.cap = maybe(14);
            note("end_at " + (model.cap ? std::to_string(*model.cap) : "none"));
            return subscriber.end_at(model.cap);
        }
        case 3:
        case 4:
        case 5:
        case 6:
            note("next_group");
            return expect(model_.next_group(model), take(subscriber.next_group()));
        case 7:
        case 8:
        case 9:
        case 10:
            note("recv_group");
            return expect(model_.recv_group(model), take(subscriber.recv_group()));
        case 11:
        case 12:
            note("read_first_frame");
            return expect(model_.read_first_frame(model), said(subscriber.read_first_frame()));
        case 13:
            note("read_frame");
            return expect(model_.read_frame(model), said(subscriber.read_frame()));
        case 14:
            note("finished");
            return expect(model_.final   ? "number " + std::to_string(*model_.final)
                          : model_.ended ? said(model_.cause)
                                         : "wait",
                          said(subscriber.finished()));
        default:
            note("closed");
            return expect(model_.never_more(0) ? said(model_.cause) : "wait", said(subscriber.closed()));
        }
    }

    void subscribe() {
        Subscriber one;
        const auto start = maybe(14);
        one.model.cap = maybe(14);
        one.model.first = one.model.next = start ? *start : model_.groups.empty() ? 0 : model_.groups.rbegin()->first;
        one.model.priority = static_cast<std::uint8_t>(roll(200));
        note("subscribe from " + std::to_string(one.model.first));
        one.subscriber =
            now(consumer_.subscribe(Wish{.priority = one.model.priority, .start = start, .end = one.model.cap}));
        subscribers_.push_back(std::move(one));
    }

    /// Takes a group and keeps a reader of it.
    std::string take(Operation<std::optional<GroupConsumer>> &&step) {
        if (!step.ready()) {
            return "wait";
        }
        auto [code, group] = *settle(std::move(step));
        if (code) {
            return said(code);
        }
        if (group) {
            const auto words = said(*group);
            if (readers_.size() < 8 && model_.groups.contains(group->sequence())) {
                const auto model = model_.groups[group->sequence()];
                readers_.push_back(Reader{std::move(*group), model, 0});
            }
            return words;
        }
        return "end";
    }

    void on_reader() {
        auto *reader = any(readers_);
        if (reader == nullptr) {
            return;
        }
        auto &[group, model, at] = *reader;
        note("reader of " + std::to_string(model->sequence) + " at " + std::to_string(at));
        switch (roll(12)) {
        case 0:
            note("leaves");
            return drop_one(readers_);
        case 1: {
            note("copied");
            Reader copy = *reader;
            if (readers_.size() < 8) {
                readers_.push_back(std::move(copy));
            }
            return;
        }
        case 2:
        case 3: {
            const auto max = roll(4);
            note("read_frames " + std::to_string(max));
            std::string words = max == 0 ? said(make_error_code(Error::BoundsExceeded)) : model->ending(at);
            if (max != 0 && model->has(at)) {
                words = "frames";
                for (std::size_t taken = 0; taken < max && model->has(at); ++taken) {
                    words += " " + model->frames[at++];
                }
            }
            return expect(words, said(group.read_frames(max)));
        }
        case 4:
        case 5: {
            note("next_frame");
            std::string words = model->ending(at);
            if (model->has(at)) {
                words = "frame of " + std::to_string(model->frames[at++].size());
            } else if (model->open && at == model->frames.size()) {
                words = "frame of " + std::to_string(model->open->first);
                ++at;
            }
            return expect(words, said(group.next_frame()));
        }
        case 6: {
            const auto index = roll(5);
            note("get_frame " + std::to_string(index));
            return expect(model->has(index) ? "frame " + model->frames[index] : model->ending(index),
                          said(group.get_frame(index)));
        }
        case 7:
            note("finished");
            return expect(model->finished ? "number " + std::to_string(model->frames.size())
                          : model->failed ? said(model->failed)
                                          : "wait",
                          said(group.finished()));
        default: {
            note("read_frame");
            std::string words = model->ending(at);
            if (model->has(at)) {
                words = "frame " + model->frames[at++];
            }
            return expect(words, said(group.read_frame()));
        }
        }
    }

    Choices &choices_;
    BroadcastProducer broadcast_;
    std::optional<TrackProducer> track_ = broadcast_.create_track("video");
    TrackConsumer consumer_ = track_->consume();
    TrackModel model_;
    std::vector<Writer> writers_;
    std::vector<Subscriber> subscribers_;
    std::vector<Reader> readers_;
    int written_ = 0;
    bool same_ = true;
    std::string log_;
};

}  // namespace

std::string comoq::test::history_of_track(Choices &choices) { return History(choices).run(); }
