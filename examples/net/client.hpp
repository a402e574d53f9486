// A program's connection to a relay, which is made again when it is lost.
#pragma once

#include "shared/relay_options.hpp"

#include <comoq/origin.hpp>

class Client {
public:
    // `relay` has a URL. A relay may have more broadcasts than a program wants to hear of: this asks for the announcements at
    // `wanted` and below it, and without that for none.
    explicit Client(RelayOptions relay, std::optional<comoq::Path> wanted = {}) : relay_(std::move(relay)), wanted_(std::move(wanted)) {}

    // Broadcasts published here are announced to the relay.
    comoq::OriginProducer published() const { return published_.producer(); }
    // The relay's announcements are announced here, and a request for anything else asks the relay.
    comoq::OriginConsumer received() const { return received_.consumer(); }
    // A lost connection is told a moment after its readers have gone.
    bool is_connected() const { return is_connected_; }
    // Begins `work` when it is connected, and ends with it. Throws what the work throws, or the reason why it cannot connect.
    asio::awaitable<void> while_connected(asio::awaitable<void> work);

private:
    RelayOptions relay_;
    std::optional<comoq::Path> wanted_;
    comoq::Origin published_, received_;
    bool is_connected_ = false;
};
