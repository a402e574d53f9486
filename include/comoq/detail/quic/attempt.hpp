// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection.hpp"

#include <memory>
#include <utility>

namespace comoq::quic::detail {

/// Ends an attempt that is given up.
class Attempt {
public:
    explicit Attempt(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
    Attempt(const Attempt &) = delete;
    Attempt &operator=(const Attempt &) = delete;
    ~Attempt() {
        if (connection_ != nullptr) connection_->close(0, {});
    }
    std::shared_ptr<Connection> release() noexcept { return std::move(connection_); }

private:
    std::shared_ptr<Connection> connection_;
};

}  // namespace comoq::quic::detail
