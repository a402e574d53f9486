// SPDX-License-Identifier: MIT

package comoq

/*
#include <comoq/c.h>
*/
import "C"

import (
	"context"
	"runtime"
)

// A Track writes a track. Closed before Finish, it ends with ErrDropped.
type Track struct{ handle }

// Group is a group with the next number.
func (t *Track) Group() (*Group, error) {
	defer runtime.KeepAlive(t)
	var out C.uint64_t
	if err := failure(C.comoq_track_group(t.get(), &out)); err != nil {
		return nil, err
	}
	return &Group{hold(out)}, nil
}

// GroupAt is a group with that number.
func (t *Track) GroupAt(sequence uint64) (*Group, error) {
	defer runtime.KeepAlive(t)
	var out C.uint64_t
	if err := failure(C.comoq_track_group_at(t.get(), C.uint64_t(sequence), &out)); err != nil {
		return nil, err
	}
	return &Group{hold(out)}, nil
}

// Write makes a finished group of one frame, whose payload is copied, and returns its number.
func (t *Track) Write(payload []byte, timestamp uint64) (uint64, error) {
	defer runtime.KeepAlive(t)
	var sequence C.uint64_t
	err := failure(C.comoq_track_write(t.get(), octets(payload), C.size_t(len(payload)), C.uint64_t(timestamp), &sequence))
	return uint64(sequence), err
}

// Datagram sends a datagram of at most 1,200 bytes to those who subscribe now, and returns its number.
func (t *Track) Datagram(payload []byte, timestamp uint64) (uint64, error) {
	defer runtime.KeepAlive(t)
	var sequence C.uint64_t
	err := failure(C.comoq_track_datagram(t.get(), octets(payload), C.size_t(len(payload)), C.uint64_t(timestamp), &sequence))
	return uint64(sequence), err
}

// Dynamic is a handler for groups that are fetched and not there.
func (t *Track) Dynamic() (*GroupHandler, error) {
	defer runtime.KeepAlive(t)
	var out C.uint64_t
	if err := failure(C.comoq_track_dynamic(t.get(), &out)); err != nil {
		return nil, err
	}
	return &GroupHandler{hold(out)}, nil
}

// Used returns once somebody subscribes.
func (t *Track) Used(ctx context.Context) error {
	defer runtime.KeepAlive(t)
	_, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_track_used(t.get(), queue, user, now, op)
	})
	return err
}

// Unused returns once nobody subscribes.
func (t *Track) Unused(ctx context.Context) error {
	defer runtime.KeepAlive(t)
	_, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_track_unused(t.get(), queue, user, now, op)
	})
	return err
}

// Finish declares that no number after the latest will come.
func (t *Track) Finish() error {
	defer runtime.KeepAlive(t)
	return failure(C.comoq_track_finish(t.get()))
}

// Abort ends the track with a code.
func (t *Track) Abort(reason Error) error {
	defer runtime.KeepAlive(t)
	return failure(C.comoq_track_abort(t.get(), C.int32_t(reason)))
}

// A GroupHandler serves groups that are fetched and not there.
type GroupHandler struct{ handle }

// Next is the next request; io.EOF when the track has ended.
func (h *GroupHandler) Next(ctx context.Context) (*GroupRequest, error) {
	defer runtime.KeepAlive(h)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_group_handler_next(h.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &GroupRequest{hold(value)}, nil
}

// A GroupRequest is for a group that is not there. Closed without an answer, it answers ErrNotFound.
type GroupRequest struct{ handle }

// Sequence is the number that is asked for.
func (r *GroupRequest) Sequence() uint64 {
	defer runtime.KeepAlive(r)
	var sequence C.uint64_t
	C.comoq_group_request_view(r.get(), &sequence, nil)
	return uint64(sequence)
}

// Accept is a group for all who wait, to be written now. The info may be nil.
func (r *GroupRequest) Accept(info *TrackInfo) (*Group, error) {
	defer runtime.KeepAlive(r)
	var out C.uint64_t
	if err := failure(C.comoq_group_request_accept(r.get(), info.argument(), &out)); err != nil {
		return nil, err
	}
	return &Group{hold(out)}, nil
}

// Reject refuses with a code. It is true if this call settled the request.
func (r *GroupRequest) Reject(reason Error) (bool, error) {
	defer runtime.KeepAlive(r)
	code := C.comoq_group_request_reject(r.get(), C.int32_t(reason))
	return code == C.COMOQ_READY, failure(code)
}

// A Group writes a group. Closed before Finish, it fails with ErrDropped, after its complete frames.
type Group struct{ handle }

// Sequence is the group's number.
func (g *Group) Sequence() uint64 {
	defer runtime.KeepAlive(g)
	var sequence C.uint64_t
	C.comoq_group_sequence(g.get(), &sequence)
	return uint64(sequence)
}

// Write appends a frame, whose payload is copied.
func (g *Group) Write(payload []byte, timestamp uint64) error {
	defer runtime.KeepAlive(g)
	return failure(C.comoq_group_write(g.get(), octets(payload), C.size_t(len(payload)), C.uint64_t(timestamp)))
}

// Open begins a frame that is written in chunks.
func (g *Group) Open(size, timestamp uint64) (*FrameWriter, error) {
	defer runtime.KeepAlive(g)
	var out C.uint64_t
	if err := failure(C.comoq_group_open(g.get(), C.uint64_t(size), C.uint64_t(timestamp), &out)); err != nil {
		return nil, err
	}
	return &FrameWriter{hold(out)}, nil
}

// Consume is a reader of it.
func (g *Group) Consume() (*Reader, error) {
	defer runtime.KeepAlive(g)
	var out C.uint64_t
	if err := failure(C.comoq_group_consume(g.get(), &out)); err != nil {
		return nil, err
	}
	return &Reader{hold(out)}, nil
}

// Finish declares that no more frames will come.
func (g *Group) Finish() error {
	defer runtime.KeepAlive(g)
	return failure(C.comoq_group_finish(g.get()))
}

// Abort fails the group with a code.
func (g *Group) Abort(reason Error) error {
	defer runtime.KeepAlive(g)
	return failure(C.comoq_group_abort(g.get(), C.int32_t(reason)))
}

// A FrameWriter writes a frame in chunks. Closed before Finish, it fails its group.
type FrameWriter struct{ handle }

// Write is the next chunk, copied: an io.Writer.
func (f *FrameWriter) Write(chunk []byte) (int, error) {
	defer runtime.KeepAlive(f)
	if err := failure(C.comoq_frame_writer_write(f.get(), octets(chunk), C.size_t(len(chunk)))); err != nil {
		return 0, err
	}
	return len(chunk), nil
}

// Finish completes the frame.
func (f *FrameWriter) Finish() error {
	defer runtime.KeepAlive(f)
	return failure(C.comoq_frame_writer_finish(f.get()))
}
