// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../net/url.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/ip/tcp.hpp>

#include <cerrno>
#include <cstddef>
#include <set>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::net::detail {

/// A name may have an address of a kind that this machine does not have.
inline bool is_missing_here(std::error_code refused) noexcept {
    // By their numbers: asio's category does not map all of them to conditions.
    return refused.value() == EAFNOSUPPORT || refused.value() == EADDRNOTAVAIL;
}

/// Calls `listen` for each address of the URL's host that this machine has, with the same port; it listens there, tells the
/// port, and throws `std::system_error`. A port 0 becomes the one that the first has got. `listen` is also told whether there are
/// several addresses. Resolves a name at once, and may wait for that. Throws `std::system_error` with a `what()` that names the
/// URL, also if the name has no address.
template <class Listen> void listen_at_each(const asio::any_io_executor &executor, Url &url, Listen &&listen) {
    using asio::ip::tcp;
    std::error_code failure;
    tcp::resolver resolver(executor);
    std::set<asio::ip::address> addresses;
    for (const auto &found : resolver.resolve(url.host, std::to_string(url.port.value_or(0)), tcp::resolver::passive, failure))
        addresses.insert(found.endpoint().address());
    std::size_t count = 0;
    for (const auto &address : addresses) {
        try {
            url.port = listen(address, url.port.value_or(0), addresses.size() > 1);
            ++count;
        } catch (const std::system_error &error) {
            failure = error.code();
            if (!is_missing_here(failure)) break;
        }
    }
    if (count != 0 && (!failure || is_missing_here(failure))) return;
    if (!failure) failure = make_error_code(ConnectError::NoAddress);
    throw std::system_error(failure, "cannot listen at " + url.text());
}

}  // namespace comoq::net::detail
