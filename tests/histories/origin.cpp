#include "histories/histories.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/comoq.hpp>

#include "histories/said.hpp"
#include "support/error_of.hpp"
#include "support/naive_rank.hpp"

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::uint64_t own_id = 77;
constexpr std::size_t most_pending = 4;

// Paths, as text and part by part. The model looks at paths part by part.

std::vector<std::string> parts_of(const std::string &path) {
    std::vector<std::string> parts;
    std::string part;
    for (const char c : path + "/") {
        if (c != '/') {
            part += c;
        } else if (!part.empty()) {
            parts.push_back(std::exchange(part, {}));
        }
    }
    return parts;
}
bool lies_below(const std::string &path, const std::string &prefix) {
    const auto parts = parts_of(path), above = parts_of(prefix);
    return above.size() <= parts.size() && std::equal(above.begin(), above.end(), parts.begin());
}
std::string joined(const std::string &root, const std::string &path) {
    std::string all;
    for (const auto &part : parts_of(root + "/" + path)) {
        all += (all.empty() ? "" : "/") + part;
    }
    return all;
}

const std::array<std::string, 8> paths = {"", "a", "a/b", "a/b/c", "b", "ab", "a//b/", "bad\x01"};

/// The part of the origin that a view sees.
struct View {
    std::string root;
    std::vector<std::string> prefixes;  // absolute

    bool covers(const std::string &absolute) const {
        return std::any_of(prefixes.begin(), prefixes.end(),
                           [&](const std::string &prefix) { return lies_below(absolute, prefix); });
    }
    std::string relative(const std::string &absolute) const {
        const auto parts = parts_of(absolute);
        std::string rest;
        for (auto i = parts_of(root).size(); i < parts.size(); ++i) {
            rest += (rest.empty() ? "" : "/") + parts[i];
        }
        return rest;
    }
};
const std::array<View, 5> views = {
    View{"", {""}}, View{"a", {"a"}}, View{"a/b", {"a/b"}}, View{"", {"a/b", "b"}}, View{"a", {"a/b"}}};

template <class Half> Half narrowed(const Half &half, const View &view) {
    std::vector<Path> prefixes;
    for (const auto &prefix : view.prefixes) {
        prefixes.push_back(Path(view.relative(prefix)));
    }
    return *half.with_root(view.root)->scope(prefixes);
}

// The model.

using Code = std::error_code;

struct Published {
    std::size_t broadcast;
    int guards;
    std::uint64_t order;
};

/// A request, and its present state.
struct Asked {
    Asked(std::string at, std::uint64_t age) : path(std::move(at)), order(age) {}

    std::string path;
    std::uint64_t order;
    int requesters = 0;
    bool taken = false;
    std::optional<std::string> outcome;  // in words, once it is settled
};
using AskedPtr = std::shared_ptr<Asked>;

struct Due {
    std::string path;
    std::string event;
    bool after_an_end;
};

// The library beside it.

struct Guard {
    OriginPublish guard;
    std::string path;
    std::size_t broadcast;
    std::uint64_t order;  // of its publication
};
struct Requester {
    Pending<BroadcastConsumer> pending;
    AskedPtr asked;                      // the request's
    std::optional<std::string> outcome;  // of a request that was settled at once, or of an awaited one
    std::string path;
    bool awaits_announcement = false;
};
struct Handler {
    OriginDynamic handler;
    View view;
};
struct Taken {
    BroadcastRequest request;
    AskedPtr asked;
    bool answered = false;
};
struct Watcher {
    AnnounceConsumer watcher;
    View view;
    std::list<Due> due;
};

class History {
public:
    explicit History(Choices &choices) : choices_(choices) {
        OriginConfig config;
        config.id = own_id;
        config.max_pending_requests = most_pending;
        origin_.emplace(std::move(config));
        for (const auto &view : views) {
            producers_.push_back(narrowed(origin_->producer(), view));
            consumers_.push_back(narrowed(origin_->consumer(), view));
        }
        const std::array<Hops, 10> hops = {Hops{},     Hops{},           Hops{5},     Hops{6},       Hops{5, 6},
                                           Hops{6, 5}, Hops{8, own_id}, Hops(33, 1), Hops{0, 5, 0}, Hops{5, 6, 5}};
        for (const auto &through : hops) {
            BroadcastInfo info(through);
            info.cost.warm = through == Hops{6} ? 1 : 0;
            info.cost.cold = broadcasts_.size() == 1 ? 1 : 0;
            broadcasts_.push_back(BroadcastProducer(std::move(info)));
            consumed_.push_back(broadcasts_.back()->consume());
        }
    }

    std::string run() {
        while (same_ && choices_.another_step()) {
            act();
            compare();
        }
        return same_ ? std::string() : log_;
    }

private:
    void act() {
        switch (choices_.roll(24)) {
        case 0:
        case 1:
        case 2:
        case 3: return publish();
        case 4:
        case 5: return unannounce();
        case 6: return choices_.roll(3) == 0 ? close_broadcast() : look_at_requester();
        case 7:
        case 8: return handle();
        case 9: return drop_handler();
        case 10:
        case 11:
        case 12:
        case 13: return request();
        case 14:
        case 15: return look_at_requester();
        case 16: return leave();
        case 17:
        case 18: return take();
        case 19:
        case 20: return answer();
        case 21: return watch();
        case 22: return choices_.roll(20) == 0 ? end_of_origin() : await_announcement();
        default: return look_at_watcher();
        }
    }

    template <class All> typename All::iterator any(All &all) {
        return std::next(all.begin(), static_cast<std::ptrdiff_t>(choices_.roll(all.size())));
    }
    void note(const std::string &what) { log_ += what + "\n"; }
    void expect(const std::string &model, const std::string &library) {
        if (model != library) {
            same_ = false;
            note("the model says '" + model + "', the library '" + library + "'");
        }
    }

    // Words for both sides.

    std::string said_of(const BroadcastConsumer &broadcast) const {
        const auto found = std::find(consumed_.begin(), consumed_.end(), broadcast);
        return found == consumed_.end() ? "no broadcast" : words_of(static_cast<std::size_t>(found - consumed_.begin()));
    }
    static std::string words_of(std::size_t broadcast) { return "broadcast " + std::to_string(broadcast); }
    static std::string words_of(Error error) { return said(make_error_code(error)); }

    /// The present outcome of a step or a Pending; "wait" if it must wait.
    template <class T, class Words> static std::string outcome_of(Operation<T> &&operation, Words words) {
        auto awaiter = std::move(operation).as_tuple().operator co_await();
        if (!awaiter.await_ready()) {
            return "wait";
        }
        auto [code, value] = awaiter.await_resume();
        return code ? said(code) : words(value);
    }

    // The model's tree.

    std::optional<std::size_t> active(const std::string &path) const {
        const auto found = published_.find(path);
        if (found == published_.end()) {
            return std::nullopt;
        }
        std::optional<NaiveRank> best;
        std::optional<std::size_t> broadcast;
        for (const auto &one : found->second) {
            const auto &info = consumed_[one.broadcast].info();
            const auto rank = naive_rank(path, info, static_cast<std::int64_t>(one.order));
            if (!best || rank < *best) {
                best = rank;
                broadcast = one.broadcast;
            }
        }
        return broadcast;
    }
    template <class Change> void change_tree(const std::string &path, Change change) {
        const auto before = active(path);
        change(published_[path]);
        if (published_[path].empty()) {
            published_.erase(path);
        }
        const auto after = active(path);
        if (before != after) {
            for (auto &watcher : watchers_) {
                if (watcher.view.covers(path)) {
                    tell(watcher.due, path, before, after);
                }
            }
        }
    }
    static void tell(std::list<Due> &all, const std::string &path, std::optional<std::size_t> before,
                     std::optional<std::size_t> after) {
        const auto due = std::find_if(all.begin(), all.end(), [&](const Due &one) { return one.path == path; });
        if (due == all.end()) {
            const auto event = !after ? "Ended" : (before ? "Restart " : "Active ") + words_of(*after);
            all.push_back(Due{path, event, false});
        } else if (!after) {
            if (due->event.starts_with("Active") && !due->after_an_end) {
                all.erase(due);
            } else {
                *due = Due{path, "Ended", false};
            }
        } else {
            due->after_an_end = due->after_an_end || !before;
            due->event = (due->event.starts_with("Restart") ? "Restart " : "Active ") + words_of(*after);
        }
    }

    /// True if a chain of hops has this origin's id, or another one twice.
    static bool goes_in_circles(const Hops &hops) {
        return std::any_of(hops.begin(), hops.end(), [&](std::uint64_t hop) {
            return hop == own_id || (hop != 0 && std::count(hops.begin(), hops.end(), hop) > 1);
        });
    }
    bool open(std::size_t broadcast) const { return broadcasts_[broadcast].has_value(); }

    void settle(const AskedPtr &asked, const std::string &outcome) {
        asked->outcome = outcome;
        pending_.erase(asked->path);
    }
    void drop_requester(const Requester &requester) {
        const auto &asked = requester.asked;
        if (asked != nullptr && !asked->outcome && --asked->requesters == 0 && !asked->taken) {
            pending_.erase(asked->path);
        }
    }

    // Both sides, step by step.

    std::size_t some_view() { return choices_.roll(views.size()); }

    void publish() {
        if (producers_.empty()) {
            return;
        }
        const auto view = some_view();
        const auto text = paths[choices_.roll(paths.size())];
        const auto broadcast = choices_.roll(consumed_.size());
        note("publish " + text + " below '" + views[view].root + "': " + words_of(broadcast));
        const auto path = joined(views[view].root, text);
        const auto &hops = consumed_[broadcast].info().hops;
        Code refusal;
        if (text.starts_with("bad")) {
            refusal = Error::InvalidPath;
        } else if (!views[view].covers(path)) {
            refusal = Error::Unauthorized;
        } else if (std::count(hops.begin(), hops.end(), own_id) != 0) {
            refusal = Error::RoutingLoop;
        } else if (hops.size() > 32) {
            refusal = Error::BoundsExceeded;
        } else if (goes_in_circles(hops)) {
            refusal = Error::RoutingLoop;
        } else if (!open(broadcast)) {
            refusal = Error::Closed;
        }
        std::optional<OriginPublish> guard;
        expect(said(refusal), said(error_of([&] {
                   guard.emplace(producers_[view].publish_broadcast(text, consumed_[broadcast]));
               })));
        if (refusal || !guard) {
            return;
        }
        std::uint64_t order = next_++;
        bool is_new = true;
        change_tree(path, [&](std::vector<Published> &all) {
            for (auto &one : all) {
                if (one.broadcast == broadcast) {
                    ++one.guards;
                    order = one.order;
                    is_new = false;
                }
            }
            if (is_new) {
                all.push_back(Published{broadcast, 1, order});
            }
        });
        guards_.push_back(Guard{std::move(*guard), path, broadcast, order});
        if (is_new) {
            if (const auto pending = pending_.find(path); pending != pending_.end()) {
                settle(AskedPtr(pending->second), words_of(broadcast));
            }
            for (auto &requester : requesters_) {
                if (requester.awaits_announcement && !requester.outcome && requester.path == path) {
                    requester.outcome = words_of(broadcast);
                }
            }
        }
    }

    void unannounce() {
        if (guards_.empty()) {
            return;
        }
        const auto guard = any(guards_);
        note("unannounce " + guard->path + ": " + words_of(guard->broadcast));
        if (origin_) {
            change_tree(guard->path, [&](std::vector<Published> &all) {
                std::erase_if(all, [&](Published &one) { return one.order == guard->order && --one.guards == 0; });
            });
        }
        if (choices_.roll(2) == 0) {
            guard->guard.unannounce();
        }
        guards_.erase(guard);
    }

    void close_broadcast() {
        const auto broadcast = choices_.roll(broadcasts_.size());
        if (!open(broadcast)) {
            return;
        }
        note("end of " + words_of(broadcast));
        if (choices_.roll(2) == 0) {
            broadcasts_[broadcast]->finish();
        }
        broadcasts_[broadcast].reset();
        // All at once, as far as the contract goes; the library does it in the order of announcement.
        std::map<std::uint64_t, std::string> where;
        for (const auto &[path, all] : published_) {
            for (const auto &one : all) {
                if (one.broadcast == broadcast) {
                    where.emplace(one.order, path);
                }
            }
        }
        for (const auto &[order, path] : where) {
            change_tree(path, [&](std::vector<Published> &all) {
                std::erase_if(all, [&](const Published &one) { return one.broadcast == broadcast; });
            });
        }
        std::erase_if(served_, [&](const auto &one) { return one.second == broadcast; });
    }

    void handle() {
        if (producers_.empty() || handlers_.size() > 4) {
            return;
        }
        const auto view = some_view();
        note("a handler below '" + views[view].root + "'");
        handlers_.push_back(Handler{producers_[view].dynamic(), views[view]});
    }

    void drop_handler() {
        if (handlers_.empty()) {
            return;
        }
        const auto handler = any(handlers_);
        note("the handler below '" + handler->view.root + "' goes");
        handlers_.erase(handler);
        const auto all = pending_;
        for (const auto &[path, asked] : all) {
            if (!asked->taken && !covered(path)) {
                settle(asked, words_of(Error::NotFound));
            }
        }
    }
    bool covered(const std::string &path) const {
        return std::any_of(handlers_.begin(), handlers_.end(),
                           [&](const Handler &one) { return one.view.covers(path); });
    }

    /// The immediate answer to a request for that path, or an await of it; nothing if there is none.
    std::optional<std::string> told_at_once(const View &view, const std::string &text) const {
        const auto path = joined(view.root, text);
        if (text.starts_with("bad")) {
            return words_of(Error::InvalidPath);
        }
        if (!view.covers(path)) {
            return words_of(Error::Unauthorized);
        }
        if (!origin_) {
            return words_of(Error::Dropped);
        }
        const auto announced = active(path);
        return announced ? std::optional(words_of(*announced)) : std::nullopt;
    }

    void request() {
        const auto view = some_view();
        const auto text = paths[choices_.roll(paths.size())];
        const auto path = joined(views[view].root, text);
        note("request " + text + " below '" + views[view].root + "'");
        Requester requester{consumers_[view].request_broadcast(text), nullptr, told_at_once(views[view], text), path};
        if (const auto served = served_.find(path); requester.outcome) {
            // Nothing else happens.
        } else if (served != served_.end()) {
            requester.outcome = words_of(served->second);
        } else if (const auto pending = pending_.find(path); pending != pending_.end()) {
            requester.asked = pending->second;
        } else if (!covered(path)) {
            requester.outcome = words_of(Error::NotFound);
        } else if (pending_.size() >= most_pending) {
            requester.outcome = words_of(Error::LimitReached);
        } else {
            requester.asked = pending_[path] = std::make_shared<Asked>(path, next_++);
        }
        if (requester.asked != nullptr) {
            ++requester.asked->requesters;
        }
        requesters_.push_back(std::move(requester));
    }

    void await_announcement() {
        const auto view = some_view();
        const auto text = paths[choices_.roll(paths.size())];
        note("await " + text + " below '" + views[view].root + "'");
        Requester requester{consumers_[view].announced_broadcast(text), nullptr, told_at_once(views[view], text),
                            joined(views[view].root, text)};
        requester.awaits_announcement = !requester.outcome;
        requesters_.push_back(std::move(requester));
    }

    /// Takes the outcome if there is one; otherwise looks.
    void look_at_requester() {
        if (requesters_.empty()) {
            return;
        }
        const auto requester = any(requesters_);
        note("look at the requester of " + requester->path);
        const auto &outcome = requester->asked != nullptr ? requester->asked->outcome : requester->outcome;
        expect(outcome ? "ready" : "not ready", requester->pending.ready() ? "ready" : "not ready");
        if (outcome) {
            expect(*outcome, outcome_of(std::move(requester->pending),
                                        [this](const BroadcastConsumer &broadcast) { return said_of(broadcast); }));
            requesters_.erase(requester);
        }
    }

    void leave() {
        if (requesters_.empty()) {
            return;
        }
        const auto requester = any(requesters_);
        note("the requester of " + requester->path + " leaves");
        drop_requester(*requester);
        requesters_.erase(requester);
    }

    void take() {
        if (handlers_.empty()) {
            return;
        }
        const auto handler = any(handlers_);
        note("the handler below '" + handler->view.root + "' takes a request");
        // The oldest that it covers and that no other covers with a longer prefix.
        AskedPtr oldest;
        for (const auto &[path, asked] : pending_) {
            if (asked->taken || (oldest != nullptr && oldest->order < asked->order)) {
                continue;
            }
            std::size_t own = 0, longest = 0;
            for (const auto &one : handlers_) {
                for (const auto &prefix : one.view.prefixes) {
                    if (lies_below(path, prefix)) {
                        const auto length = parts_of(prefix).size() + 1;
                        longest = std::max(longest, length);
                        own = &one == &*handler ? std::max(own, length) : own;
                    }
                }
            }
            if (own != 0 && own == longest) {
                oldest = asked;
            }
        }
        std::optional<BroadcastRequest> request;
        const auto library =
            outcome_of(handler->handler.requested_broadcast(), [&](std::optional<BroadcastRequest> &taken) {
                if (!taken) {
                    return std::string("end");
                }
                request = std::move(taken);
                return std::string(request->path().view()) + " at " + std::string(request->absolute_path().view());
            });
        expect(!origin_          ? "end"
               : oldest != nullptr ? handler->view.relative(oldest->path) + " at " + oldest->path
                                   : "wait",
               library);
        if (request && oldest != nullptr) {
            oldest->taken = true;
            taken_.push_back(Taken{std::move(*request), oldest});
        }
    }

    void answer() {
        if (taken_.empty()) {
            return;
        }
        const auto taken = any(taken_);
        auto &asked = taken->asked;
        const bool open_request = !asked->outcome && !taken->answered;
        expect(asked->outcome || asked->requesters == 0 ? "abandoned" : "wanted",
               taken->request.abandoned().ready() ? "abandoned" : "wanted");
        switch (choices_.roll(4)) {
        case 0:
        case 1: {
            const auto broadcast = choices_.roll(consumed_.size() + 1);
            const bool empty = broadcast == consumed_.size();
            note("accept " + asked->path + " with " + (empty ? "nothing" : words_of(broadcast)));
            const bool settled = taken->request.accept(empty ? BroadcastConsumer() : consumed_[broadcast]);
            expect(open_request ? "settled" : "too late", settled ? "settled" : "too late");
            const bool loops = !empty && goes_in_circles(consumed_[broadcast].info().hops);
            if (open_request) {
                if (!empty && !loops && open(broadcast)) {
                    served_[asked->path] = broadcast;
                }
                settle(asked, empty ? words_of(Error::NotFound) : loops ? words_of(Error::RoutingLoop) : words_of(broadcast));
            }
            taken->answered = true;
            return;
        }
        case 2: {
            note("reject " + asked->path);
            const bool settled = taken->request.reject(app_error(3));
            expect(open_request ? "settled" : "too late", settled ? "settled" : "too late");
            if (open_request) {
                settle(asked, said(app_error(3)));
            }
            taken->answered = true;
            return;
        }
        default:
            note("drop the request for " + asked->path);
            if (open_request) {
                settle(asked, words_of(Error::NotFound));
            }
            taken_.erase(taken);
        }
    }

    void watch() {
        if (watchers_.size() > 3 && choices_.roll(2) == 0) {
            note("a watcher leaves");
            watchers_.erase(any(watchers_));
            return;
        }
        if (watchers_.size() > 5) {
            return;
        }
        const auto view = some_view();
        note("a watcher below '" + views[view].root + "'");
        Watcher watcher{consumers_[view].announced(), views[view], {}};
        // Existing broadcasts come in no particular order: they are taken at once, and compared as a set.
        std::vector<std::string> model, library;
        for (const auto &[path, all] : published_) {
            if (watcher.view.covers(path)) {
                model.push_back(watcher.view.relative(path) + " Active " + words_of(*active(path)));
            }
        }
        while (library.size() <= model.size()) {
            auto change = change_of(watcher.watcher);
            if (change == "wait" || change == "end") {
                break;
            }
            library.push_back(std::move(change));
        }
        std::sort(model.begin(), model.end());
        std::sort(library.begin(), library.end());
        expect(words_of(model), words_of(library));
        watchers_.push_back(std::move(watcher));
    }
    static std::string words_of(const std::vector<std::string> &all) {
        std::string words;
        for (const auto &one : all) {
            words += one + "; ";
        }
        return words;
    }

    std::string change_of(AnnounceConsumer &watcher) const {
        return outcome_of(watcher.next(), [this](const std::optional<Announcement> &change) {
            if (!change) {
                return std::string("end");
            }
            const auto path = std::string(change->path.view());
            switch (change->event) {
            case Announcement::Event::Active: return path + " Active " + said_of(change->broadcast);
            case Announcement::Event::Restart: return path + " Restart " + said_of(change->broadcast);
            case Announcement::Event::Ended: break;
            }
            return path + " Ended" + (change->broadcast ? " with a broadcast" : "");
        });
    }

    void look_at_watcher() {
        if (watchers_.empty()) {
            return;
        }
        const auto watcher = any(watchers_);
        note("look at a watcher below '" + watcher->view.root + "'");
        std::string model = origin_ ? "wait" : "end";
        if (origin_ && !watcher->due.empty()) {
            Due &due = watcher->due.front();
            model = watcher->view.relative(due.path) + " " + (due.after_an_end ? "Ended" : due.event);
            if (!std::exchange(due.after_an_end, false)) {
                watcher->due.pop_front();
            }
        }
        expect(model, change_of(watcher->watcher));
    }

    void end_of_origin() {
        if (!origin_) {
            return;
        }
        note("the origin goes");
        producers_.clear();
        origin_.reset();
        published_.clear();
        served_.clear();
        const auto all = pending_;
        for (const auto &[path, asked] : all) {
            settle(asked, words_of(Error::Dropped));
        }
        for (auto &requester : requesters_) {
            if (requester.awaits_announcement && !requester.outcome) {
                requester.outcome = words_of(Error::Dropped);
            }
        }
    }

    void compare() {
        for (const auto &requester : requesters_) {
            const auto &outcome = requester.asked != nullptr ? requester.asked->outcome : requester.outcome;
            expect(outcome ? "ready" : "not ready", requester.pending.ready() ? "ready" : "not ready");
        }
        if (!origin_) {
            return;
        }
        const auto stats = origin_->stats();
        const auto awaiting = std::count_if(requesters_.begin(), requesters_.end(), [](const Requester &one) {
            return one.awaits_announcement && !one.outcome;
        });
        expect("announced " + std::to_string(published_.size()), "announced " + std::to_string(stats.announced));
        expect("watchers " + std::to_string(watchers_.size() + static_cast<std::size_t>(awaiting)),
               "watchers " + std::to_string(stats.watchers));
        expect("handlers " + std::to_string(handlers_.size()), "handlers " + std::to_string(stats.handlers));
        expect("pending " + std::to_string(pending_.size()), "pending " + std::to_string(stats.pending));
        expect("served " + std::to_string(served_.size()), "served " + std::to_string(stats.served));
        if (published_.empty() && watchers_.empty() && awaiting == 0) {
            expect("nodes 0", "nodes " + std::to_string(stats.nodes));
        }
    }

    Choices &choices_;
    std::optional<Origin> origin_;
    std::vector<OriginProducer> producers_;  // one for each view
    std::vector<OriginConsumer> consumers_;
    std::vector<std::optional<BroadcastProducer>> broadcasts_;  // the open ones
    std::vector<BroadcastConsumer> consumed_;                   // all
    std::map<std::string, std::vector<Published>> published_;
    std::map<std::string, std::size_t> served_;
    std::map<std::string, AskedPtr> pending_;
    std::list<Guard> guards_;
    std::list<Requester> requesters_;
    std::list<Handler> handlers_;
    std::list<Taken> taken_;
    std::list<Watcher> watchers_;
    std::uint64_t next_ = 0;
    bool same_ = true;
    std::string log_;
};

}  // namespace

std::string comoq::test::history_of_origin(Choices &choices) { return History(choices).run(); }
