// Who may publish at the relay, and who may watch there, and where.
#pragma once

#include "web_key.hpp"

#include <comoq/lite/session_config.hpp>
#include <comoq/origin.hpp>
#include <comoq/path.hpp>

#include <optional>
#include <string_view>
#include <vector>

// Everything is allowed to anybody until something is said, or until `only_what_is_said`. A pattern is a path, for that path and everything below it: `anon`, or
// `anon/**`, which is the same; `**` is every path, and the empty pattern none.
class Rights {
public:
    // Each limits publishing and watching to these prefixes, together with what follows. Throws UsageError.
    void allow(std::string_view prefix);
    // Throw UsageError.
    void let_publish(std::string_view pattern);
    void let_watch(std::string_view pattern);

    // From now on nothing is allowed to anybody but what `let_publish` and `let_watch` say: the rest needs a token.
    void only_what_is_said() { is_closed_ = true; }

    // Whether something was said of what anybody may do.
    bool says_something() const { return publish_ || watch_; }

    // The prefixes of `allow`; empty means everything.
    const std::vector<comoq::Path> &allowed() const { return allowed_; }

    // What a client that asks for this target may see, and where it may publish: in SETUP or in a URL, query and all.
    // Nothing if it may do neither.
    std::optional<comoq::lite::SessionViews> at(std::string_view target, const comoq::Origin &origin) const;
    // The same for a client whose token says what it may do, in the place of what anybody may.
    std::optional<comoq::lite::SessionViews> at(std::string_view target, const comoq::Origin &origin, const Reach &of_token) const;

private:
    using Prefixes = std::vector<comoq::Path>;
    Prefixes allowed_;
    bool is_closed_ = false;
    // Nothing: everywhere.
    std::optional<Prefixes> publish_, watch_;
};
