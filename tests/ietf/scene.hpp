/// \file
/// Two origins with a session of any protocol between them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <comoq/memory_transport.hpp>
#include <comoq/session.hpp>

#include "support/session_scene.hpp"

namespace comoq::test {

/// The protocols for which the tests of all sessions run.
inline const std::vector<std::string> every_protocol{"moq-lite-05", "moqt-18", "moqt-20", "moqt-22", "moqt-16"};

/// The drafts of MoQ Transport among them.
inline const std::vector<std::string> every_draft{"moqt-18", "moqt-20", "moqt-22", "moqt-16"};

/// Those of them in which relays can tell each other hops.
inline const std::vector<std::string> drafts_with_hops{"moqt-18", "moqt-20", "moqt-22"};

inline MemoryLinkConfig link_of(std::string protocol) {
    MemoryLinkConfig config;
    config.protocol = std::move(protocol);
    return config;
}

struct SessionScene : SceneOf<Session> {
    explicit SessionScene(std::string protocol) : SceneOf(link_of(std::move(protocol))) {}
};

}  // namespace comoq::test
