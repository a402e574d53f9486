// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection_config.hpp"
#include "../wait/sync.hpp"
#include "handover.hpp"
#include "routes.hpp"
#include "token_keys.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/ip/udp.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace comoq::quic::detail {

class Endpoint;

/// What the endpoints at one port have in common: their keys, so that each takes what another one has given to a client; and the
/// way of a datagram that came to another one than it belongs to: because the system does not steer, or a client that it does not
/// steer has a new address, or sends packets of several connections in one train. Any thread.
///
/// A datagram that is passed on costs a copy and a lock; the first one of those that wait for a thread also a function posted to
/// it, and an allocation or two.
class SharedPort {
public:
    SharedPort(std::size_t count, const RandomSource &random) : keys(std::make_shared<TokenKeys>(random)), members_(count) {
        random(reset_key);
    }

    /// The member takes what is passed to it, on that executor.
    void join(std::size_t index, asio::any_io_executor executor, std::weak_ptr<Endpoint> endpoint) noexcept {
        Member &member = members_[index];
        comoq::detail::Lock lock(member.mutex);
        std::swap(member.executor, executor);
        std::swap(member.endpoint, endpoint);
    }
    /// It takes nothing any more.
    void leave(std::size_t index) noexcept {
        join(index, {}, {});
        take(index);
    }
    /// Passes a datagram to a member. False if it is lost: the member has left, or has too much to do.
    bool pass(std::size_t index, std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from, unsigned ecn);
    /// What has been passed to a member.
    Handover::Batch take(std::size_t index) noexcept {
        comoq::detail::Lock lock(members_[index].mutex);
        return members_[index].waiting.take();
    }

    const std::shared_ptr<TokenKeys> keys;
    Routes::ResetKey reset_key{};

private:
    struct Member {
        comoq::detail::Mutex mutex;
        asio::any_io_executor executor;
        std::weak_ptr<Endpoint> endpoint;
        Handover waiting;
    };

    std::vector<Member> members_;
};

}  // namespace comoq::quic::detail
