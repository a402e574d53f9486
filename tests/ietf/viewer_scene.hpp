/// \file
/// A viewer of MoQ Transport whose publisher writes messages by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <comoq/detail/ietf/fetch_objects.hpp>

#include "ietf/raw_scene.hpp"
#include "support/catch.hpp"

namespace comoq::test {

/// A viewer here has asked for the track "video" of "a", and the raw peer has the request.
struct ViewerScene : RawScene {
    explicit ViewerScene(std::string name = "moqt-18", std::string_view implementation = "raw", const Subscription &wishes = {})
        : RawScene(std::move(name)) {
        connect();
        greet(implementation);
        pending.emplace(wait(session->broadcast("a").track("video").subscribe(wishes)));
        run();
    }
    /// The request for the track: the last one of the kind.
    RawRequest &request() {
        for (auto one = asked.rbegin(); one != asked.rend(); ++one) {
            const auto all = messages(*one->answer);
            if (!all.empty() && std::holds_alternative<ietf::Subscribe>(all.front())) return *one;
        }
        FAIL("nothing was asked for");
        return asked.back();
    }
    void accept(std::uint64_t alias, std::optional<ietf::Location> largest = {}) {
        ietf::SubscribeOk ok;
        ok.alias = alias;
        ok.parameters.largest_object = largest;
        reply(request(), ok);
        subscriber.emplace(std::move(pending->value()));
    }
    void end(std::uint64_t status, std::optional<std::uint64_t> streams) { finish_with(request(), status, streams); }
    /// The stream of a fetch: objects of one octet, which is the number. Those that `in_lane_1` names are in that lane.
    Octets fetched(std::uint64_t request, std::uint64_t group, const std::vector<std::uint64_t> &ids,
                   const std::set<std::uint64_t> &in_lane_1 = {}) const {
        Octets octets;
        ietf::encode(ietf::FetchHeader{request}, draft, octets);
        ietf::FetchObjects objects(ietf::GroupOrder::Ascending, draft);
        for (const std::uint64_t number : ids) {
            ietf::FetchedObject object;
            object.location = ietf::Location{group, number};
            object.subgroup = in_lane_1.contains(number) ? 1 : 0;
            object.payload_size = 1;
            objects.write(object, octets);
            octets.push_back(static_cast<std::byte>('0' + number));
        }
        return octets;
    }
    /// Answers the fetch that joins the subscription, which is the last request.
    void answer_join(std::uint64_t group, const std::vector<std::uint64_t> &ids, const std::set<std::uint64_t> &in_lane_1 = {}) {
        ietf::FetchOk ok;
        ok.end = ietf::RangeEnd{group, ids.back()};
        reply(asked.back(), ok);
        const auto all = messages(*asked.back().answer);
        send_uni(fetched(std::get<ietf::Fetch>(all.at(0)).request_id, group, ids, in_lane_1), true);
    }
    Words next_group() {
        auto waiting = wait(subscriber->recv_group());
        run();
        auto group = std::move(waiting.value());
        REQUIRE(group);
        return texts(*group);
    }

    std::optional<Waiting<TrackSubscriber>> pending;
    std::optional<TrackSubscriber> subscriber;
};

}  // namespace comoq::test
