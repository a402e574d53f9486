// SPDX-License-Identifier: MIT
#pragma once
#include "../h3/capsule_reader.hpp"
#include "../h3/connect_head.hpp"
#include "../h3/fields.hpp"
#include "../h3/message_reader.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace comoq::webtransport::detail {

/// What comes on the stream of a request: its head, or the response's, and the session's capsules after it.
class Exchange final : public h3::MessageReader::Receiver {
public:
    /// The coder must live as long.
    Exchange(h3::FieldCoder &coder, bool of_client) : coder_(coder), of_client_(of_client), reader_(*this) {}
    Exchange(const Exchange &) = delete;
    Exchange &operator=(const Exchange &) = delete;

    h3::Code read(std::span<const std::byte> bytes) { return reader_.read(bytes); }
    /// The code for a stream that ends here.
    h3::Code end() const noexcept {
        if (!reader_.is_between() || !capsules_.is_between()) return h3::Code::FrameError;
        return has_head() ? h3::Code::None : h3::Code::RequestIncomplete;
    }

    bool has_head() const noexcept { return request_.has_value() || response_.has_value(); }
    /// Of a server's.
    const std::optional<h3::RequestHead> &request() const noexcept { return request_; }
    /// Of a client's.
    const std::optional<h3::ResponseHead> &response() const noexcept { return response_; }
    const h3::CapsuleReader &capsules() const noexcept { return capsules_; }

    h3::Code head(std::span<const std::byte> block) override {
        std::vector<h3::Field> fields;
        if (const auto code = coder_.read(block, fields); code != h3::Code::None) return code;
        if (of_client_) return read_response(fields);
        h3::RequestHead head;
        const auto code = read_head(fields, head);
        if (code == h3::Code::None) request_ = std::move(head);
        return code;
    }
    h3::Code data(std::span<const std::byte> bytes) override {
        const bool is_session = response_ ? response_->status / 100 == 2 : request_ && request_->asks_for_session();
        return is_session ? capsules_.read(bytes) : h3::Code::None;
    }

private:
    h3::Code read_response(const std::vector<h3::Field> &fields) {
        h3::ResponseHead head;
        const auto code = read_head(fields, head);
        if (code != h3::Code::None) return code;
        if (head.status >= 200)
            response_ = std::move(head);
        else
            reader_.expect_another();
        return code;
    }

    h3::FieldCoder &coder_;
    const bool of_client_;
    h3::MessageReader reader_;
    std::optional<h3::RequestHead> request_;
    std::optional<h3::ResponseHead> response_;
    h3::CapsuleReader capsules_;
};

}  // namespace comoq::webtransport::detail
