#include "check.hpp"

#include <comoq/error.hpp>
#include <comoq/group.hpp>
#include <comoq/object_extras.hpp>
#include <comoq/task_group.hpp>

#include <asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

using asio::awaitable;

namespace {

using Form = TestTrack::Form;

class Checker {
public:
    Checker(comoq::TrackConsumer track, TestTrack expected, TestCheck how)
        : track_(std::move(track)), expected_(expected), how_(how) {
        wanted_ = how.groups == 0 ? expected.groups() : std::min(how.groups, expected.groups());
    }

    awaitable<TestVerdict> run() {
        if (!how_.has_objects && expected_.form != Form::OneSubgroup) throw std::system_error(comoq::Error::Unsupported);
        if (how_.fetches) {
            co_await fetch();
        } else {
            comoq::Subscription wishes;
            wishes.start = expected_.first_group;
            if (how_.groups != 0) wishes.end = expected_.group(wanted_ - 1);
            auto subscriber = co_await track_.subscribe(wishes);
            if (expected_.form == Form::Datagrams) {
                co_await read_datagrams(subscriber);
            } else {
                co_await read_groups(subscriber);
            }
        }
        finish();
        co_return std::move(verdict_);
    }

private:
    void fault(std::string what) {
        if (verdict_.faults.size() < TestVerdict::most_faults) verdict_.faults.push_back(std::move(what));
    }

    // The end of the track is waited for, unless only some of its groups are wanted.
    awaitable<void> read_groups(comoq::TrackSubscriber &subscriber) {
        const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
            while (auto group = co_await subscriber.recv_group()) {
                tasks.spawn(read_and_see(std::move(*group), tasks));
            }
        };
        std::error_code end;
        try {
            co_await comoq::with_task_group(body);
        } catch (const std::system_error &error) {
            end = error.code();
        }
        if (end && !(end == asio::error::operation_aborted && is_stopped_)) throw std::system_error(end);
    }
    awaitable<void> read_and_see(comoq::GroupConsumer group, comoq::TaskGroup &tasks) {
        co_await read_lane(std::move(group));
        if (how_.groups == 0 || verdict_.groups < wanted_) co_return;
        is_stopped_ = true;
        tasks.cancel();
    }

    // A publisher may say in a group of its own, after all others, that the track is over.
    awaitable<bool> is_end_of_track(comoq::GroupConsumer &group) {
        if (group.sequence() <= expected_.group(expected_.groups() - 1)) co_return false;
        try {
            if (co_await group.read_frame()) co_return false;
        } catch (const std::system_error &error) {
            if (error.code() == asio::error::operation_aborted) throw;
            co_return false;
        }
        const auto marker = group.end_marker();
        co_return marker && marker->object == 0 && marker->status == comoq::ObjectStatus::EndOfTrack;
    }

    awaitable<void> read_lane(comoq::GroupConsumer group) {
        const auto number = group.sequence();
        if (!expected_.has_group(number)) {
            auto asking = is_end_of_track(group);
            const bool is_end = co_await std::move(asking);
            if (!is_end) check_group(number);
            co_return;
        }
        ++verdict_.lanes;
        std::uint64_t index = 0;
        std::error_code failure;
        try {
            while (auto frame = co_await group.read_frame()) {
                const auto subgroup = how_.has_objects ? group.info().subgroup : 0;
                const auto id = how_.has_objects ? group.object_id().value_or(0) : expected_.object(number, index++).object;
                see(number, id, subgroup, frame->payload, frame->extras, false);
            }
        } catch (const std::system_error &error) {
            failure = error.code();
        }
        if (failure == asio::error::operation_aborted) throw std::system_error(failure);
        if (failure) fault(fmt::format("group {} breaks off: {}", number, failure.message()));
        if (const auto marker = group.end_marker()) see(number, marker->object, group.info().subgroup, {}, {}, true);
    }

    awaitable<void> read_datagrams(comoq::TrackSubscriber &subscriber) {
        const auto all = wanted_ * expected_.objects();
        const auto last = expected_.group(wanted_ - 1);
        while (verdict_.objects < all) {
            auto datagram = co_await subscriber.recv_datagram();
            if (!datagram || datagram->sequence > last) break;
            const auto &parts = datagram->extras.parts();
            if (!check_group(datagram->sequence)) continue;
            see(datagram->sequence, datagram->object, 0, datagram->payload, datagram->extras, parts.status != comoq::ObjectStatus::Normal);
        }
    }

    awaitable<void> fetch() {
        for (std::uint64_t index = 0; index < wanted_; ++index) {
            const auto number = expected_.group(index);
            co_await read_lane(co_await track_.fetch_group(number));
            // They are all there when the first one has ended.
            for (auto &lane : track_.get_lanes(number)) {
                if (lane.info().subgroup != 0) co_await read_lane(std::move(lane));
            }
        }
    }

    bool check_group(std::uint64_t number) {
        if (!expected_.has_group(number)) fault(fmt::format("group {} does not exist", number));
        return expected_.has_group(number);
    }

    void see(std::uint64_t number, std::uint64_t id, std::uint64_t subgroup, const comoq::Bytes &payload,
             const comoq::ObjectExtras &extras, bool is_marker) {
        const auto at = fmt::format("object {}/{}", number, id);
        const auto offset = id - expected_.first_object;
        if (id < expected_.first_object || offset % expected_.object_step != 0 || offset / expected_.object_step >= expected_.objects()) {
            fault(at + " does not exist");
            return;
        }
        const auto object = expected_.object(number, offset / expected_.object_step);
        if (object.is_marker != is_marker) fault(at + (is_marker ? " ends the group" : " does not end the group"));
        if (how_.has_objects && expected_.form != Form::Datagrams && object.subgroup != subgroup)
            fault(fmt::format("{} is in subgroup {} and not in {}", at, subgroup, object.subgroup));
        if (payload.size() != object.size) fault(fmt::format("{} has {} bytes and not {}", at, payload.size(), object.size));
        if (!std::ranges::all_of(payload.view(), [](char octet) { return octet == 't'; })) fault(at + " has other bytes");
        if (how_.has_objects && !is_marker && !expected_.has_properties(extras.properties())) fault(at + " has other properties");
        count(number, id, at);
    }
    void count(std::uint64_t number, std::uint64_t id, const std::string &at) {
        auto &objects = seen_[number];
        if (!objects.insert(id).second) {
            fault(at + " comes twice");
            return;
        }
        ++verdict_.objects;
        if (objects.size() < in_a_group()) return;
        ++verdict_.groups;
        seen_.erase(number);
    }
    // moq-lite and fetches leave markers out.
    std::uint64_t in_a_group() const noexcept {
        return expected_.objects() - (expected_.has_markers && (!how_.has_objects || how_.fetches) ? 1 : 0);
    }

    void finish() {
        if (expected_.form == Form::Datagrams && !how_.fetches) {
            verdict_.lost = wanted_ * expected_.objects() - verdict_.objects;
            if (verdict_.objects == 0) fault("no datagram came");
            return;
        }
        if (verdict_.groups < wanted_) fault(fmt::format("{} of {} groups are not whole", wanted_ - verdict_.groups, wanted_));
    }

    const comoq::TrackConsumer track_;
    const TestTrack expected_;
    const TestCheck how_;
    std::uint64_t wanted_;
    // Of the groups that are not whole.
    std::map<std::uint64_t, std::set<std::uint64_t>> seen_;
    bool is_stopped_ = false;
    TestVerdict verdict_;
};

}  // namespace

awaitable<TestVerdict> check_track(comoq::TrackConsumer track, TestTrack expected, TestCheck how) {
    Checker checker(std::move(track), expected, how);
    auto running = checker.run();
    co_return co_await std::move(running);
}
