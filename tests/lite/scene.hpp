/// \file
/// Two origins with a session of moq-lite between them.
#pragma once

#include <utility>

#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include "lite/spoken.hpp"
#include "support/session_scene.hpp"

namespace comoq::test {

struct LiteScene : SceneOf<lite::Session> {
    explicit LiteScene(MemoryLinkConfig config = spoken_link()) : SceneOf(std::move(config)) {}
};

}  // namespace comoq::test
