// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../transport.hpp"
#include "../../with_timeout.hpp"
#include "../wait/code_of.hpp"
#include "../wait/frame_turn.hpp"
#include "../wait/in_any_case.hpp"
#include "outcome_of.hpp"
#include "session_streams.hpp"
#include "told.hpp"

#include <asio/awaitable.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

// A session from its beginning to its end, whatever its protocol is. `Core` is its state.

template <class Core, class Setup, class Views>
asio::awaitable<void> ask_for_views(std::shared_ptr<Core> core, std::shared_ptr<const Setup> asked, std::optional<Views> &views) {
    const std::function<asio::awaitable<Views>(const Setup &, const Transport &)> &authorize = core->config.authorize;
    auto deciding = authorize(*asked, *core->transport);
    views = co_await std::move(deciding);
}
/// Decides what the peer may see and where it may publish, by what it asks for. False if the session is over, or is closed because
/// nothing is allowed. `Core::Views` is what it decides.
template <class Core, class Setup> asio::awaitable<bool> decide_views(std::shared_ptr<Core> core, std::shared_ptr<const Setup> asked) {
    using Views = typename Core::Views;
    const auto &config = core->config;
    std::optional<Views> views;
    auto code = make_error_code(Error::Unauthorized);
    if (config.authorize) {
        auto deciding = with_timeout(ask_for_views(core, asked, views), config.answer_within, config.sleep);
        code = co_await outcome_of(std::move(deciding));
    } else {
        views = views_by_path(Views(config.publish, config.subscribe), asked->path);
    }
    if (!views) {
        core->close(told(code), "refused");
        co_return false;
    }
    // It may have taken until after the session's end.
    if (core->ended.peek()) co_return false;
    core->publish = std::move(views->publish);
    core->subscribe = std::move(views->subscribe);
    core->requested.admit(core->subscribe);
    co_return true;
}

/// Runs a session from its beginning to its end, which is the transport's. `begin(core)` begins everything that runs beside the
/// coroutine that ends it. `ending`, if there is one, ends what the peer has announced.
template <class Core, class Begin>
asio::awaitable<void> run_to_the_end(std::shared_ptr<Core> core, Begin begin, std::optional<asio::awaitable<void>> ending) {
    // Made first: everything that has begun ends, however little memory there is then.
    auto closed = in_any_case([&core] { return core->transport->closed(); });
    auto idle = in_any_case([&core] { return core->tasks.idle(); });
    auto left = in_any_case([&core] { return core->broadcasts.idle(); });
    std::exception_ptr failure;
    try {
        begin(core);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure != nullptr) core->close(code_of(failure), "cannot begin");
    const auto code = co_await std::move(closed);
    core->end(core->end_code(code));
    // Before their tracks, so that a reader of one knows that the whole broadcast is over, and not only its track.
    core->requested.abort_all(core->lost_code({}));
    if (ending) co_await std::move(*ending);
    core->tasks.cancel_in_turns();
    // The session is kept until then, so that everything on its executor ends there. The broadcasts end by themselves.
    co_await std::move(idle);
    for (FrameTurn turn; core->requested.free_some();) co_await turn.take();
    core->broadcasts.cancel_in_turns();
    co_await std::move(left);
}

}  // namespace comoq::detail
