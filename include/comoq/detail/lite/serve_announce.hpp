// SPDX-License-Identifier: MIT
#pragma once
#include "../origin/told_hops.hpp"
#include "../session/announce_feed.hpp"
#include "announce_ids.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// Tells the peer of announcements below a prefix: first the existing ones, then each change, until the peer leaves or
/// the origin is gone.
class AnnounceServer {
public:
    static asio::awaitable<void> serve(std::shared_ptr<SessionCore> core, AnnounceRequest request, SendStream &stream) {
        const auto &publish = core->publish;
        auto view = publish ? publish->with_root(request.prefix) : std::nullopt;
        // The peer's own routes, and those through the origin that it names.
        const auto excluded = core->layout().exclude_hop ? request.exclude_hop : core->peer_hop().value_or(0);
        if (view) view = view->without_hop(core->via).without_hop(excluded);
        if (!view) {
            // Nothing is announced here, now or later: the peer leaves when it likes.
            auto written = stream.write(encoded(core->version(), AnnounceOk{core->hop_id(), 0}));
            co_await std::move(written);
            co_await stream.stopped();
            co_return;
        }
        const auto follower = core->announcements.follow(*view, core->config.announce_hidden);
        const auto root = view->root();
        AnnounceWriter writer(core->version(), core->told_places);
        while (true) {
            auto batch = co_await follower.next();
            if (batch.ended) co_return;
            std::vector<std::byte> octets;
            if (batch.count) encode(AnnounceOk{core->hop_id(), writer.keep_places(*batch.count)}, core->version(), octets);
            for (const auto &told : batch.told) tell(*core, told, root.view(), writer, octets);
            if (core->told_places.left_out.load(std::memory_order_relaxed) != 0) core->log.at_limit(SessionLog::Limit::Told);
            if (octets.empty()) continue;
            batch.told.clear();
            auto written = stream.write(Bytes(std::move(octets)));
            co_await std::move(written);
        }
    }

private:
    using Told = comoq::detail::AnnounceFeed::Told;

    static void tell(SessionCore &core, const Told &told, std::string_view root, AnnounceWriter &writer,
                     std::vector<std::byte> &octets) {
        const auto &change = told.change;
        Announce message;
        message.suffix = *comoq::detail::strip_prefix(*told.path, root);
        const bool is_another = change && !change->in_place && change->same_publisher();
        bool is_first = told.active && !change;
        if (is_another && core.asked.may_contain(*told.path)) {
            // Another route of the same publisher is a change in place: the peer goes on with what it has of the broadcast
            // that this one replaces, which is over, sooner or later. After an end it asks again.
            core.announcements_told += writer.write(message, false, octets) ? 1 : 0;
            is_first = true;
        } else if (change && change->same_hops() && (change->same_cost() || !core.layout().route_cost)) {
            // It cannot tell the one from the other.
            return;
        }
        message.active = told.active;
        if (told.info != nullptr) {
            message.hops = comoq::detail::told_hops(*told.info);
            message.cost = told.info->cost;
        }
        core.announcements_told += writer.write(message, is_first, octets) ? 1 : 0;
    }
};

}  // namespace comoq::lite::detail
