// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"
#include "fetch_objects.hpp"
#include "track_facts.hpp"

#include <cstdint>
#include <map>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

/// The lanes of a group that comes by a fetch, on one stream. A group has 1,024 at most.
class FetchedLanes {
public:
    /// The lane of an object. `next` becomes the object's number in that lane, if it leaves out none there. Throws LimitReached.
    GroupProducer &of(GroupProducer &group, const FetchedObject &object, std::uint64_t &next) {
        const auto id = object.location.object;
        const auto subgroup = object.subgroup.value_or(0);
        auto found = lanes_.find(subgroup);
        if (found == lanes_.end()) found = lanes_.emplace(subgroup, Lane{made(group, object, subgroup), subgroup == 0 ? 0 : id}).first;
        next = std::exchange(found->second.next, id + 1);
        return found->second.group;
    }
    /// All but the first one, which its maker ends.
    void end(std::error_code code) {
        for (auto &[subgroup, lane] : lanes_) {
            if (subgroup == 0) continue;
            if (code)
                lane.group.abort(code);
            else
                lane.group.finish();
        }
        lanes_.clear();
    }

private:
    struct Lane {
        GroupProducer group;
        std::uint64_t next;
    };
    static GroupProducer made(GroupProducer &group, const FetchedObject &object, std::uint64_t subgroup) {
        if (subgroup == 0) return group;
        GroupInfo info;
        info.subgroup = subgroup;
        info.first_object = object.location.object;
        info.priority = turned(object.priority);
        return group.create_lane(info);
    }

    std::map<std::uint64_t, Lane> lanes_;
};

}  // namespace comoq::ietf::detail
