// SPDX-License-Identifier: MIT

package comoq

/*
#include <comoq/c.h>
*/
import "C"

import (
	"context"
	"iter"
	"runtime"
	"time"
)

// TrackInfo is a publisher's description of a track. Zero in a field is the usual value.
type TrackInfo struct {
	Priority   uint8
	Ordered    bool
	MaxLatency time.Duration
	Timescale  uint64
}

// A Subscription has a subscriber's wishes. Without Start it begins at the newest group.
type Subscription struct {
	Priority   uint8
	Ordered    bool
	MaxLatency time.Duration
	Start, End *uint64
}

func flag(set bool) C.uint8_t {
	if set {
		return 1
	}
	return 0
}

func (t *TrackInfo) argument() *C.comoq_track_info {
	if t == nil {
		return nil
	}
	return &C.comoq_track_info{struct_size: C.sizeof_comoq_track_info, priority: C.uint8_t(t.Priority), ordered: flag(t.Ordered),
		max_latency_ms: C.uint64_t(t.MaxLatency.Milliseconds()), timescale: C.uint64_t(t.Timescale)}
}

func (s *Subscription) argument() *C.comoq_subscription {
	if s == nil {
		return nil
	}
	wishes := &C.comoq_subscription{struct_size: C.sizeof_comoq_subscription, priority: C.uint8_t(s.Priority), ordered: flag(s.Ordered),
		max_latency_ms: C.uint64_t(s.MaxLatency.Milliseconds())}
	if s.Start != nil {
		wishes.flags |= C.COMOQ_HAS_START
		wishes.start = C.uint64_t(*s.Start)
	}
	if s.End != nil {
		wishes.flags |= C.COMOQ_HAS_END
		wishes.end = C.uint64_t(*s.End)
	}
	return wishes
}

// A Broadcast writes a broadcast. Its Close ends it, with its announcement: with ErrDropped, unless Finish was called.
type Broadcast struct{ handle }

// Track is a new live track. The info may be nil.
func (b *Broadcast) Track(name string, info *TrackInfo) (*Track, error) {
	defer runtime.KeepAlive(b)
	var pin runtime.Pinner
	defer pin.Unpin()
	var out C.uint64_t
	if err := failure(C.comoq_broadcast_track(b.get(), text(name, &pin), info.argument(), &out)); err != nil {
		return nil, err
	}
	return &Track{hold(out)}, nil
}

// Consume is a reader of it.
func (b *Broadcast) Consume() (*Consumer, error) {
	defer runtime.KeepAlive(b)
	var out C.uint64_t
	if err := failure(C.comoq_broadcast_consume(b.get(), &out)); err != nil {
		return nil, err
	}
	return &Consumer{hold(out)}, nil
}

// Dynamic is a handler for tracks that are asked for and not there.
func (b *Broadcast) Dynamic() (*TrackHandler, error) {
	defer runtime.KeepAlive(b)
	var out C.uint64_t
	if err := failure(C.comoq_broadcast_dynamic(b.get(), &out)); err != nil {
		return nil, err
	}
	return &TrackHandler{hold(out)}, nil
}

// Unused returns once nobody uses it.
func (b *Broadcast) Unused(ctx context.Context) error {
	defer runtime.KeepAlive(b)
	_, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_broadcast_unused(b.get(), queue, user, now, op)
	})
	return err
}

// Finish ends it well.
func (b *Broadcast) Finish() error {
	defer runtime.KeepAlive(b)
	return failure(C.comoq_broadcast_finish(b.get()))
}

// Abort ends it with a code.
func (b *Broadcast) Abort(reason Error) error {
	defer runtime.KeepAlive(b)
	return failure(C.comoq_broadcast_abort(b.get(), C.int32_t(reason)))
}

// A Consumer reads a broadcast.
type Consumer struct{ handle }

// Same is true if both read one broadcast.
func (c *Consumer) Same(other *Consumer) bool {
	defer runtime.KeepAlive(c)
	defer runtime.KeepAlive(other)
	return C.comoq_consumer_same(c.get(), other.get()) == C.COMOQ_READY
}

// IsClosed is true once the broadcast has ended.
func (c *Consumer) IsClosed() bool {
	defer runtime.KeepAlive(c)
	return C.comoq_consumer_is_closed(c.get()) == C.COMOQ_READY
}

// Closed returns when the broadcast has ended, with the reason if that was not a good one.
func (c *Consumer) Closed(ctx context.Context) error {
	defer runtime.KeepAlive(c)
	_, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_consumer_closed(c.get(), queue, user, now, op)
	})
	return err
}

// Subscribe subscribes to a track, which a handler may make. The wishes may be nil.
func (c *Consumer) Subscribe(ctx context.Context, name string, wishes *Subscription) (*Subscriber, error) {
	defer runtime.KeepAlive(c)
	var pin runtime.Pinner
	defer pin.Unpin()
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_consumer_subscribe(c.get(), text(name, &pin), wishes.argument(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &Subscriber{hold(value)}, nil
}

// Fetch gives a group by its number, from the cache or from a handler.
func (c *Consumer) Fetch(ctx context.Context, name string, sequence uint64) (*Reader, error) {
	defer runtime.KeepAlive(c)
	var pin runtime.Pinner
	defer pin.Unpin()
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_consumer_fetch(c.get(), text(name, &pin), C.uint64_t(sequence), 0, queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &Reader{hold(value)}, nil
}

// A TrackHandler serves tracks that are asked for and not there.
type TrackHandler struct{ handle }

// Next is the next request; io.EOF when the broadcast has ended.
func (h *TrackHandler) Next(ctx context.Context) (*TrackRequest, error) {
	defer runtime.KeepAlive(h)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_track_handler_next(h.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &TrackRequest{hold(value)}, nil
}

// Requests is the sequence of Next.
func (h *TrackHandler) Requests(ctx context.Context) iter.Seq2[*TrackRequest, error] {
	defer runtime.KeepAlive(h)
	return each(ctx, h.Next)
}

// A TrackRequest is for a track that is not there. Closed without an answer, it answers ErrNotFound.
type TrackRequest struct{ handle }

// Name is the name that is asked for.
func (r *TrackRequest) Name() string {
	defer runtime.KeepAlive(r)
	var name C.comoq_string
	C.comoq_track_request_name(r.get(), &name)
	return goText(name)
}

// Accept makes the track live, for all who wait. The info may be nil.
func (r *TrackRequest) Accept(info *TrackInfo) (*Track, error) {
	defer runtime.KeepAlive(r)
	var out C.uint64_t
	if err := failure(C.comoq_track_request_accept(r.get(), info.argument(), &out)); err != nil {
		return nil, err
	}
	return &Track{hold(out)}, nil
}

// Reject refuses with a code. It is true if this call settled the request.
func (r *TrackRequest) Reject(reason Error) (bool, error) {
	defer runtime.KeepAlive(r)
	code := C.comoq_track_request_reject(r.get(), C.int32_t(reason))
	return code == C.COMOQ_READY, failure(code)
}
