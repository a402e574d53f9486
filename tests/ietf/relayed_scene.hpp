/// \file
/// A publisher and a viewer, each a raw peer with a session to the same origin.
#pragma once

#include <string>
#include <utility>

#include <comoq/ietf/session.hpp>
#include <comoq/origin.hpp>

#include "ietf/raw_scene.hpp"

namespace comoq::test {

struct RelayedScene {
    explicit RelayedScene(std::string of_publisher = "moqt-18", std::string of_viewer = "moqt-18")
        : publisher(std::move(of_publisher)), viewer(std::move(of_viewer)) {
        publisher.connect();
        publisher.greet();
        SessionConfig config;
        config.publish = publisher.origin.consumer();
        viewer.connect(std::move(config));
        viewer.greet();
    }
    /// Until neither has anything to do for the other.
    void run() {
        for (int i = 0; i < 4; ++i) {
            publisher.run();
            viewer.run();
        }
    }
    RawScene publisher, viewer;
};

}  // namespace comoq::test
