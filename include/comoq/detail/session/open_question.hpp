// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../transport.hpp"
#include "../wait/failure.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <utility>

namespace comoq::detail {

/// Opens a stream and asks a question on it: the bytes that `encoded()` gives when the stream is open. A peer that has told this
/// side to go elsewhere is asked nothing new: Unroutable. `Core` is the session's state.
template <class Core, class Encoded> asio::awaitable<BidiStream> open_question(std::shared_ptr<Core> core, Encoded encoded) {
    const auto check = [&core] {
        if (core->goaway.peek()) throw_error(make_error_code(Error::Unroutable));
    };
    check();
    auto stream = co_await core->transport->open_bidi();
    check();
    auto written = stream.send->write(encoded());
    co_await std::move(written);
    co_return stream;
}

}  // namespace comoq::detail
