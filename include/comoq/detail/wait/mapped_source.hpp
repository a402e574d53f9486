// SPDX-License-Identifier: MIT
#pragma once
#include "source.hpp"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// A source that converts its value: `Map` turns the inner value into a T. It keeps the states free of the public
/// handles that are made of them.
template <class T, class Source, class Map> class MappedSource {
public:
    MappedSource(Source source, Map map) noexcept : source_(std::move(source)), map_(std::move(map)) {}

    using taken_type = typename Source::taken_type;

    bool ready() const noexcept { return source_.ready(); }
    std::optional<Outcome<taken_type>> take(Permit *permit) { return source_.take(permit); }
    Outcome<T> finish(Outcome<taken_type> &&taken) {
        if (taken.ec) return Outcome<T>(taken.ec);
        if constexpr (requires { source_.undo(); }) {
            try {
                return Outcome<T>(std::in_place, map_(std::move(taken.value)));
            } catch (...) {
                source_.undo();
                throw;
            }
        } else {
            return Outcome<T>(std::in_place, map_(std::move(taken.value)));
        }
    }
    Outcome<T> give()
        requires requires(Source source) { source.give(); }
    {
        return finish(source_.give());
    }
    std::string subject() const
        requires requires(const Source source) { source.subject(); }
    {
        return source_.subject();
    }
    bool wait(Waiter &waiter) noexcept { return source_.wait(waiter); }
    bool withdraw(Waiter &waiter) noexcept { return source_.withdraw(waiter); }

private:
    Source source_;
    [[no_unique_address]] Map map_;
};

/// `source`, mapped to a T by `map`.
template <class T, class Source, class Map> MappedSource<T, Source, Map> mapped(Source source, Map map) {
    return MappedSource<T, Source, Map>(std::move(source), std::move(map));
}

}  // namespace comoq::detail
