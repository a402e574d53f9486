// SPDX-License-Identifier: MIT
#pragma once
#include "../../datagram.hpp"
#include "../../error.hpp"
#include "../../group.hpp"
#include "../../object_extras.hpp"
#include "../../proxy_config.hpp"
#include "../../track_subscriber.hpp"
#include "../wait/code_of.hpp"
#include "proxy_group.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The code that readers get for the failure of a user's function.
inline std::error_code code_of_hook(const std::exception_ptr &failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error &) {
    } catch (const std::bad_alloc &) {
    } catch (...) {
        return make_error_code(Error::Internal);
    }
    return told_of(failure);
}

/// The extras of a frame that leaves out this many object ids.
inline ObjectExtras skipping(ObjectExtras extras, std::uint64_t ids) {
    if (extras.skipped() == ids) return extras;
    auto parts = extras.parts();
    parts.skipped = ids;
    return ObjectExtras(std::move(parts));
}

/// Writes to `to` what the transform makes of `from`, frame by frame, and ends `to` as `from` ends, as `proxy_group` does. A
/// frame keeps its object id, whatever comes of those before it.
/// `keeper` keeps `transform`, and what `place` refers to.
COMOQ_IF_CALLED
inline asio::awaitable<void> transform_group([[maybe_unused]] std::shared_ptr<const void> keeper, const ProxyTransform &transform,
                                             ProxiedFrame place, GroupConsumer from, GroupProducer to) {
    place.group = from.sequence();
    std::uint64_t next_object = from.info_of_rest(Passkey()).first_object;
    std::error_code code;
    try {
        while (auto frame = co_await from.read_frame()) {
            const std::uint64_t object = from.object_id().value();
            auto transforming = transform(place, std::move(*frame));
            auto made = co_await std::move(transforming);
            ++place.frame;
            if (!made) continue;
            auto extras = skipping(std::move(made->extras), object - next_object);
            to.write_frame(std::move(made->payload), made->timestamp, std::move(extras));
            next_object = object + 1;
        }
        finish_as(from, to);
        co_return;
    } catch (...) {
        code = code_of_hook(std::current_exception());
    }
    if (code != Error::Dropped) to.abort(code);
}

/// The next datagram of `from` of which the transform makes one. The caller keeps everything.
COMOQ_IF_CALLED
inline asio::awaitable<std::optional<Datagram>> transformed_datagram(const ProxyTransform &transform, ProxiedFrame place,
                                                                     TrackSubscriber &from) {
    place.is_datagram = true;
    while (auto datagram = co_await from.recv_datagram()) {
        place.group = datagram->sequence;
        try {
            auto transforming = transform(place, Frame(datagram->timestamp, std::move(datagram->payload), std::move(datagram->extras)));
            auto made = co_await std::move(transforming);
            if (made)
                co_return Datagram(datagram->sequence, made->timestamp, std::move(made->payload), datagram->object,
                                   std::move(made->extras));
        } catch (...) {
            // A datagram may get lost. After a cancellation the next wait fails.
        }
    }
    co_return std::nullopt;
}

}  // namespace comoq::detail
