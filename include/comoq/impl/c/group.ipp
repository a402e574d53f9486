// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/group.h"
#include "../../detail/c/objects.hpp"
#include "../../detail/c/structures.hpp"

namespace comoq::detail::c {

COMOQ_EXPORT std::int32_t comoq_group_sequence(comoq_group group, std::uint64_t *sequence) {
    return with<GroupObject>(group, [&](const GroupWriter &held) {
        return set(sequence, held.producer.sequence()) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_write(comoq_group group, const std::uint8_t *data, std::size_t size, std::uint64_t timestamp) {
    return with<GroupObject>(group, [&](GroupWriter &held) {
        held.producer.write_frame(Bytes::copy(octets(data, size)), Timestamp(timestamp, held.scale));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_write_bytes(comoq_group group, comoq_bytes bytes, std::uint64_t timestamp) {
    return with<GroupObject>(group, [&](GroupWriter &held) {
        return with<BytesObject>(bytes, [&](const Bytes &payload) {
            held.producer.write_frame(payload, Timestamp(timestamp, held.scale));
            return COMOQ_OK;
        });
    });
}

COMOQ_EXPORT std::int64_t comoq_group_write_many(comoq_group group, const comoq_frame *frames, std::size_t count) {
    if (frames == nullptr && count != 0) return COMOQ_ERROR_ARGUMENT;
    std::size_t written = 0;
    const std::int32_t code = with<GroupObject>(group, [&](GroupWriter &held) {
        for (; written < count; ++written) {
            const comoq_frame &frame = frames[written];
            held.producer.write_frame(Bytes::copy(octets(frame.data, frame.size)), Timestamp(frame.timestamp, held.scale));
        }
        return COMOQ_OK;
    });
    return written != 0 || code == COMOQ_OK ? static_cast<std::int64_t>(written) : code;
}

COMOQ_EXPORT std::int32_t comoq_group_open(comoq_group group, std::uint64_t size, std::uint64_t timestamp, comoq_frame_writer *frame) {
    if (frame == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<GroupObject>(group, [&](GroupWriter &held) {
        *frame = give<FrameWriterObject>(held.producer.create_frame(size, Timestamp(timestamp, held.scale)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_finish(comoq_group group) {
    return with<GroupObject>(group, [](GroupWriter &held) {
        held.producer.finish();
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_abort(comoq_group group, std::int32_t code) {
    return with<GroupObject>(group, [&](GroupWriter &held) {
        held.producer.abort(failure_of(code));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_group_consume(comoq_group group, comoq_reader *reader) {
    if (reader == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<GroupObject>(group, [&](const GroupWriter &held) {
        *reader = give<ReaderObject>(held.producer.consume());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_frame_writer_write(comoq_frame_writer frame, const std::uint8_t *data, std::size_t size) {
    return with_locked<FrameWriterObject>(frame, [&](FrameProducer &held) {
        held.write(Bytes::copy(octets(data, size)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_frame_writer_write_bytes(comoq_frame_writer frame, comoq_bytes bytes) {
    return with_locked<FrameWriterObject>(frame, [&](FrameProducer &held) {
        return with<BytesObject>(bytes, [&](const Bytes &chunk) {
            held.write(Bytes(chunk));
            return COMOQ_OK;
        });
    });
}

COMOQ_EXPORT std::int32_t comoq_frame_writer_finish(comoq_frame_writer frame) {
    return with_locked<FrameWriterObject>(frame, [](FrameProducer &held) {
        held.finish();
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_frame_writer_abort(comoq_frame_writer frame, std::int32_t code) {
    return with_locked<FrameWriterObject>(frame, [&](FrameProducer &held) {
        held.abort(failure_of(code));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_reader_sequence(comoq_reader reader, std::uint64_t *sequence) {
    return with<ReaderObject>(reader, [&](const GroupConsumer &held) {
        return set(sequence, held.sequence()) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_reader_read(comoq_reader reader, std::size_t max, comoq_queue queue, std::uint64_t user,
                                            comoq_event *now, comoq_op *op) {
    if (max == 0) return COMOQ_ERROR_ARGUMENT;
    return with<ReaderObject>(reader, [&](GroupConsumer &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_read_frames(max); },
                        [&] { return held.read_frames(max); }, FillFrames());
    });
}

COMOQ_EXPORT std::int32_t comoq_reader_frame(comoq_reader reader, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                             comoq_op *op) {
    return with<ReaderObject>(reader, [&](GroupConsumer &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_next_frame(); }, [&] { return held.next_frame(); },
                        FillHandle<FrameReaderObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_reader_get(comoq_reader reader, std::size_t index, comoq_queue queue, std::uint64_t user,
                                           comoq_event *now, comoq_op *op) {
    return with<ReaderObject>(reader, [&](GroupConsumer &held) {
        return ask(Asked{queue, user, now, op}, held.get_frame(index), FillFrames());
    });
}

COMOQ_EXPORT std::int32_t comoq_reader_finished(comoq_reader reader, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                comoq_op *op) {
    return with<ReaderObject>(reader, [&](GroupConsumer &held) {
        return ask(Asked{queue, user, now, op}, held.finished(), FillNumber());
    });
}

COMOQ_EXPORT std::int32_t comoq_reader_track_info(comoq_reader reader, comoq_track_info *info) {
    return with<ReaderObject>(reader, [&](const GroupConsumer &held) {
        return write_prefix(info, track_info_for(held.track_info())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_frame_reader_view(comoq_frame_reader frame, std::uint64_t *size, std::uint64_t *timestamp) {
    return with<FrameReaderObject>(frame, [&](const FrameConsumer &held) {
        set_if(size, held.size());
        set_if(timestamp, held.timestamp().value());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_frame_reader_chunk(comoq_frame_reader frame, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                   comoq_op *op) {
    return with<FrameReaderObject>(frame, [&](FrameConsumer &held) {
        return ask_step(Asked{queue, user, now, op}, [&] { return held.try_read_chunk(); }, [&] { return held.read_chunk(); },
                        FillHandle<BytesObject>());
    });
}

COMOQ_EXPORT std::int32_t comoq_frame_reader_all(comoq_frame_reader frame, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                                 comoq_op *op) {
    return with<FrameReaderObject>(frame, [&](FrameConsumer &held) {
        return ask(Asked{queue, user, now, op}, held.read_all(), FillHandle<BytesObject>());
    });
}

COMOQ_EXPORT std::int64_t comoq_frames_view(comoq_frames frames, comoq_frame *out, std::size_t max) {
    std::size_t count = 0;
    const std::int32_t code = with<FramesObject>(frames, [&](const std::pair<std::vector<Frame>, std::uint64_t> &batch) {
        if (out == nullptr && max != 0) return COMOQ_ERROR_ARGUMENT;
        count = batch.first.size();
        for (std::size_t i = 0; i < max && i < count; ++i) {
            const Frame &frame = batch.first[i];
            out[i] = comoq_frame{reinterpret_cast<const std::uint8_t *>(frame.payload.data()), frame.payload.size(),
                                 frame.timestamp.value(), batch.second};
        }
        return COMOQ_OK;
    });
    return code == COMOQ_OK ? static_cast<std::int64_t>(count) : code;
}

COMOQ_EXPORT std::int32_t comoq_frames_take(comoq_frames frames, std::size_t index, comoq_bytes *bytes) {
    if (bytes == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with<FramesObject>(frames, [&](const std::pair<std::vector<Frame>, std::uint64_t> &batch) -> std::int32_t {
        if (index >= batch.first.size()) return COMOQ_BOUNDS_EXCEEDED;
        *bytes = give<BytesObject>(batch.first[index].payload);
        return COMOQ_OK;
    });
}

}  // namespace comoq::detail::c
