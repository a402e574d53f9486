// SPDX-License-Identifier: MIT
/// \file What a track and its subscribers ought to be, by a plain model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <comoq/broadcast.hpp>

#include "histories/said.hpp"
#include "support/media.hpp"

namespace comoq::test::track_history {

// The model.

struct SubscriberModel {
    std::uint64_t next = 0;
    std::uint64_t first = 0;
    std::optional<std::uint64_t> cap;
    std::set<std::uint64_t> received;
    std::uint8_t priority = 0;
    GroupModelPtr present;
    std::size_t frame = 0;

    bool allows(std::uint64_t sequence) const { return !cap || sequence <= *cap; }
};

struct TrackModel {
    std::map<std::uint64_t, GroupModelPtr> groups;
    std::vector<std::uint64_t> arrivals;
    std::set<std::uint64_t> used;
    std::optional<std::uint64_t> final;
    bool ended = false;
    std::error_code cause;

    std::uint64_t after_latest() const { return used.empty() ? 0 : *used.rbegin() + 1; }
    bool never_more(std::uint64_t from) const {
        if (ended) {
            return true;
        }
        if (!final) {
            return false;
        }
        for (auto sequence = from; sequence < *final; ++sequence) {
            if (!used.contains(sequence)) {
                return false;
            }
        }
        return true;
    }
    std::string ending() const { return cause ? said(cause) : "end"; }
    std::error_code end_code() const { return cause ? cause : make_error_code(Error::Closed); }

    std::error_code create(std::uint64_t sequence) {
        if (ended) {
            return end_code();
        }
        if (final && sequence >= *final) {
            return Error::Closed;
        }
        if (!used.insert(sequence).second) {
            return Error::Duplicate;
        }
        groups[sequence] = std::make_shared<GroupModel>();
        groups[sequence]->sequence = sequence;
        arrivals.push_back(sequence);
        return {};
    }
    std::error_code finish(std::uint64_t sequence) {
        if (final) {
            return Error::Closed;
        }
        if (ended) {
            return end_code();
        }
        if (sequence < after_latest()) {
            return Error::ProtocolViolation;
        }
        final = sequence;
        return {};
    }
    void drop() {
        if (!ended && !final) {
            cause = Error::Dropped;
        }
        ended = true;
    }
    void abort(std::error_code code) {
        if (ended) {
            return;
        }
        ended = true;
        cause = code;
        for (auto &[sequence, group] : groups) {
            group->fail(code, false);
        }
        groups.clear();
    }

    std::string next_group(SubscriberModel &subscriber) const {
        for (const auto &[sequence, group] : groups) {
            if (sequence >= subscriber.next) {
                if (!subscriber.allows(sequence)) {
                    return "wait";
                }
                subscriber.next = sequence + 1;
                return "group " + std::to_string(sequence);
            }
        }
        return never_more(subscriber.next) ? ending() : "wait";
    }
    std::string recv_group(SubscriberModel &subscriber) const {
        bool capped = false;
        for (const auto sequence : arrivals) {
            if (groups.contains(sequence) && sequence >= subscriber.first && !subscriber.received.contains(sequence)) {
                if (subscriber.allows(sequence)) {
                    subscriber.received.insert(sequence);
                    return "group " + std::to_string(sequence);
                }
                capped = true;
            }
        }
        return !capped && never_more(subscriber.first) ? ending() : "wait";
    }
    std::string read_frame(SubscriberModel &subscriber) const {
        auto &present = subscriber.present;
        if (present != nullptr && present->has(subscriber.frame)) {
            return "frame " + present->frames[subscriber.frame++];
        }
        if (present != nullptr && present->ending(subscriber.frame) == "wait") {
            return "wait";
        }
        auto after = subscriber.next;
        for (const auto &[sequence, group] : groups) {
            if (sequence < subscriber.next) {
                continue;
            }
            if (!subscriber.allows(sequence) || (!group->has(0) && !group->over())) {
                return "wait";
            }
            if (group->has(0)) {
                present = group;
                subscriber.frame = 1;
                subscriber.next = sequence + 1;
                return "frame " + group->frames.front();
            }
            after = sequence + 1;
        }
        return never_more(after) ? ending() : "wait";
    }
    std::string read_first_frame(SubscriberModel &subscriber) const {
        bool may_come = false;
        for (const auto &[sequence, group] : groups) {
            if (sequence < subscriber.next) {
                continue;
            }
            if (!subscriber.allows(sequence)) {
                may_come = true;
                break;
            }
            if (group->has(0)) {
                subscriber.next = sequence + 1;
                return "frame " + group->frames.front();
            }
            may_come = may_come || !group->over();
        }
        return !may_come && never_more(subscriber.next) ? ending() : "wait";
    }
};

// Both sides, step by step.

struct Writer {
    GroupProducer group;
    std::optional<FrameProducer> frame;
    GroupModelPtr model;
};
struct Reader {
    GroupConsumer group;
    GroupModelPtr model;
    std::size_t at = 0;
};
struct Subscriber {
    TrackSubscriber subscriber;
    SubscriberModel model;
};

}  // namespace comoq::test::track_history
