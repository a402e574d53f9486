/// \file
/// A raw peer, and a broadcast "a" with the track "video" that it may ask for.
#pragma once

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>

#include "ietf/raw_scene.hpp"

namespace comoq::test {

struct PublishedScene : RawScene {
    using RawScene::RawScene;
    void begin_at_once() {
        connect();
        greet();
    }
    BroadcastPublish published = origin.producer().create_broadcast("a");
    TrackProducer track = published.producer().create_track("video");
};

}  // namespace comoq::test
