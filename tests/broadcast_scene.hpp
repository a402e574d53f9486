// What the tests of broadcasts share.
#pragma once

#include <comoq/broadcast.hpp>

#include <string>
#include <vector>

#include "support/media.hpp"

namespace broadcast_tests {

using namespace comoq;
using namespace comoq::test;

struct Scene {
    BroadcastProducer broadcast;
    BroadcastConsumer consumer = broadcast.consume();
    BroadcastDynamic handler = broadcast.dynamic();

    Pending<TrackSubscriber> subscribe(std::string_view name) const { return consumer.track(name).subscribe(); }
};

inline std::vector<std::string> queued(BroadcastDynamic &handler) {
    std::vector<std::string> names;
    while (auto request = take_track(handler)) {
        names.push_back(request->name());
    }
    return names;
}

}  // namespace broadcast_tests
