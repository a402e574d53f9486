// What the tests of transforms share.
#pragma once

#include <optional>
#include <string>

#include <comoq/frame.hpp>
#include <comoq/group.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"

namespace proxy_transform_tests {

using namespace comoq;
using namespace comoq::test;

using Made = std::optional<Frame>;

inline Frame twice(const Frame &frame) {
    const std::string text(frame.payload.view());
    return {frame.timestamp, payload(text + text)};
}

/// The texts of a group that is whole.
inline Words whole(GroupConsumer group) {
    auto words = texts(group);
    CHECK_FALSE(now(group.read_frame()).has_value());
    return words;
}

}  // namespace proxy_transform_tests
