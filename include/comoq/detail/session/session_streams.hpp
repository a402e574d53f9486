// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../lite/request_target.hpp"
#include "../wait/code_of.hpp"
#include "../wait/take_each.hpp"

#include <asio/awaitable.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail {

// Parts of a session's run that name no protocol. `Core` is the session's state.

/// The peer's streams, accepted by `accept`, each to be served. Where the memory for a stream is missing, the stream ends.
template <auto accept, class Server, class Core> struct PeersStreams {
    std::shared_ptr<Core> core;
    auto next() { return std::invoke(accept, *core->transport); }
    template <class Stream> void take(Stream &&stream) { core->spawn(Server::serve(core, std::forward<Stream>(stream))); }
};
/// A peer may open streams as fast as they are taken: after this many, others on the executor have their turn. Each takes
/// a task of its own, 10 to 20 us.
inline constexpr unsigned streams_in_a_row = 4;

template <auto accept, class Server, class Core> asio::awaitable<void> accept_streams(std::shared_ptr<Core> core) {
    return take_each<streams_in_a_row>(PeersStreams<accept, Server, Core>{std::move(core)});
}

/// Gives up a peer that lets groups wait and takes none.
template <class Core> asio::awaitable<void> watch_for_a_stall(std::shared_ptr<Core> core) {
    while (true) {
        co_await core->outbox.behind();
        // Twice in a row: bytes sent just before the first look prove nothing.
        for (int still = 0; core->outbox.is_behind();) {
            co_await core->sleep(core->config.stall_timeout / 2);
            still = core->outbox.stands_still() ? still + 1 : 0;
            if (still == 2) core->close(make_error_code(Error::Timeout), "takes nothing");
        }
    }
}

/// Ends the session when the time of a peer that was sent away is over.
template <class Core, class Time> asio::awaitable<void> end_after(std::shared_ptr<Core> core, Time time) {
    co_await core->sleep(time);
    core->close(make_error_code(Error::GoawayTimeout), "still here");
}

/// The views of a client where no hook decides: everything below the path that it asks for. Nothing if the text that it
/// sends is not a path. `all` are those without one.
template <class Views> std::optional<Views> views_by_path(const Views &all, const std::optional<std::string> &target) {
    try {
        const auto root = lite::read_target(target.value_or("")).root;
        if (root.empty()) return all;
        auto views = all.below(root.view());
        return views.empty() ? std::nullopt : std::optional(std::move(views));
    } catch (const std::system_error &) {
        return std::nullopt;
    }
}

/// A session whose coroutine found no memory to begin is over.
template <class Core> void fail_session(Core &core, const std::exception_ptr &failure) noexcept {
    if (failure == nullptr) return;
    const auto code = code_of(failure);
    core.end(code);
    core.requested.abort_all(code);
    try {
        core.close(code, "cannot begin");
    } catch (const std::bad_alloc &) {
        // Then the transport ends in another way.
    }
}

}  // namespace comoq::detail
