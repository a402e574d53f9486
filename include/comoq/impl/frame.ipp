// SPDX-License-Identifier: MIT
#pragma once
#include "../frame.hpp"

namespace comoq::detail {

COMOQ_DECL Frame frame_of(FrameSlot &&slot) {
    return Frame(slot.timestamp, slot.chunked != nullptr ? slot.chunked->whole() : std::move(slot.payload), std::move(slot.extras));
}

}  // namespace comoq::detail

namespace comoq {

COMOQ_DECL Operation<std::optional<Bytes>> FrameConsumer::read_chunk() {
    if (reader_ == nullptr) return detail::closed_operation<std::optional<Bytes>>();
    return Operation<std::optional<Bytes>>(detail::Passkey(), detail::Step(detail::ChunkRule(reader_)));
}

COMOQ_DECL bool FrameConsumer::has_chunk(detail::Passkey) const noexcept {
    if (reader_ == nullptr) return true;
    return detail::Step(detail::ChunkThereRule(reader_)).ready();
}

COMOQ_DECL Operation<void> FrameConsumer::chunk_there(detail::Passkey key, detail::Breaker &breaker) {
    if (reader_ == nullptr) return detail::closed_operation<void>();
    return Operation<void>(key, detail::Breakable(detail::Step(detail::ChunkThereRule(reader_)), breaker));
}

COMOQ_DECL TryResult<Bytes> FrameConsumer::try_read_chunk() noexcept {
    if (reader_ == nullptr) return detail::try_closed<Bytes>();
    return detail::try_take<Bytes>(detail::Step(detail::ChunkRule(reader_)));
}

COMOQ_DECL Operation<Bytes> FrameConsumer::read_all() {
    if (reader_ == nullptr) return detail::closed_operation<Bytes>();
    return Operation<Bytes>(
        detail::Passkey(),
        detail::mapped<Bytes>(detail::Step(detail::WholeFrameRule(reader_)),
                              [](detail::RestOfFrame &&rest) { return std::move(rest).bytes(); }));
}

COMOQ_DECL FrameProducer &FrameProducer::operator=(FrameProducer &&other) noexcept {
    FrameProducer previous(std::move(*this));
    group_ = std::move(other.group_);
    frame_ = std::move(other.frame_);
    return *this;
}

COMOQ_DECL FrameProducer::~FrameProducer() {
    last_act_.arm();
    if (group_ != nullptr) group_->abort_frame(*frame_, make_error_code(Error::Dropped));
}

COMOQ_DEFINE_OPERATION(std::optional<Bytes>);

}  // namespace comoq
