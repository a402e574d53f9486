// SPDX-License-Identifier: MIT
#pragma once
#include "../path.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace comoq::lite {

/// What a client asks for at the beginning, in a URL or in SETUP, such as `/room/42?jwt=abc`.
struct RequestTarget {
    /// The root of the session's paths.
    Path root;
    /// Without the question mark. It may hold a secret. It points into the text.
    std::string_view query;
};

/// Takes a target apart, in the same way wherever it was said. The path is normalised as all paths are, and nothing else is
/// done to it: percent signs stay, because relays pass on the paths of announcements unchanged, and a root that one relay
/// decodes and another one does not is two places. So `%2f` separates no parts, and `..` leads nowhere. A fragment is left
/// out. Throws InvalidPath.
inline RequestTarget read_target(std::string_view target) {
    target = target.substr(0, target.find('#'));
    const auto question = std::min(target.find('?'), target.size());
    const auto query = target.substr(question);
    return {Path(target.substr(0, question)), query.substr(std::min<std::size_t>(1, query.size()))};
}

/// Whether the path of a SETUP, if there is one, asks for what the URL has already said: the same root, and no other query.
/// An empty path counts as none.
inline bool is_as_in_url(std::string_view setup_path, std::string_view url_target) {
    if (setup_path.empty()) return true;
    try {
        const auto said = read_target(setup_path), asked = read_target(url_target);
        return said.root == asked.root && (said.query.empty() || said.query == asked.query);
    } catch (const std::system_error &) {
        return false;
    }
}

}  // namespace comoq::lite
