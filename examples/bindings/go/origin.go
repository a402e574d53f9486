// SPDX-License-Identifier: MIT

package comoq

/*
#include <comoq/c.h>
*/
import "C"

import (
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
)

// each turns a step of a stream into a sequence. A failure is its last element.
func each[T any](ctx context.Context, next func(context.Context) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			item, err := next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// An Origin is a collection of broadcasts by path, or a part of one. It is gone when all its handles are closed.
type Origin struct{ handle }

// NewOrigin makes an origin.
func NewOrigin() (*Origin, error) {
	var out C.comoq_origin
	if err := failure(C.comoq_origin_create(nil, &out)); err != nil {
		return nil, err
	}
	return &Origin{hold(out)}, nil
}

// WithRoot is the part below a prefix, which all paths then leave out.
func (o *Origin) WithRoot(prefix string) (*Origin, error) {
	defer runtime.KeepAlive(o)
	var pin runtime.Pinner
	defer pin.Unpin()
	var out C.comoq_origin
	if err := failure(C.comoq_origin_with_root(o.get(), text(prefix, &pin), &out)); err != nil {
		return nil, err
	}
	return &Origin{hold(out)}, nil
}

// Publish makes a broadcast and announces it until it is closed.
func (o *Origin) Publish(path string) (*Broadcast, error) {
	defer runtime.KeepAlive(o)
	var pin runtime.Pinner
	defer pin.Unpin()
	var out C.comoq_broadcast
	if err := failure(C.comoq_origin_publish(o.get(), text(path, &pin), nil, &out)); err != nil {
		return nil, err
	}
	return &Broadcast{hold(out)}, nil
}

// Make makes a broadcast that is not announced: for a handler to serve.
func (o *Origin) Make() (*Broadcast, error) {
	defer runtime.KeepAlive(o)
	var out C.comoq_broadcast
	if err := failure(C.comoq_origin_make(o.get(), nil, &out)); err != nil {
		return nil, err
	}
	return &Broadcast{hold(out)}, nil
}

// RequestBroadcast gives the broadcast at a path, made on demand if necessary: ErrNotFound where nobody makes it, and the very code
// of a handler that refuses it.
func (o *Origin) RequestBroadcast(ctx context.Context, path string) (*Consumer, error) {
	defer runtime.KeepAlive(o)
	var pin runtime.Pinner
	defer pin.Unpin()
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_origin_request(o.get(), text(path, &pin), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &Consumer{hold(value)}, nil
}

// AnnouncedBroadcast waits for an announcement of exactly this path. It asks no handler.
func (o *Origin) AnnouncedBroadcast(ctx context.Context, path string) (*Consumer, error) {
	defer runtime.KeepAlive(o)
	var pin runtime.Pinner
	defer pin.Unpin()
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_origin_announced_broadcast(o.get(), text(path, &pin), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &Consumer{hold(value)}, nil
}

// Announced follows what is announced below a prefix, beginning with what is active.
func (o *Origin) Announced(prefix string) (*Watch, error) {
	defer runtime.KeepAlive(o)
	var pin runtime.Pinner
	defer pin.Unpin()
	var out C.comoq_watch
	if err := failure(C.comoq_origin_announced(o.get(), text(prefix, &pin), &out)); err != nil {
		return nil, err
	}
	return &Watch{hold(out)}, nil
}

// Dynamic is a handler for requests that no announcement answers.
func (o *Origin) Dynamic() (*Handler, error) {
	defer runtime.KeepAlive(o)
	var out C.comoq_handler
	if err := failure(C.comoq_origin_dynamic(o.get(), &out)); err != nil {
		return nil, err
	}
	return &Handler{hold(out)}, nil
}

// An Event is what has happened at a path.
type Event uint32

const (
	Active  = Event(C.COMOQ_ACTIVE)
	Restart = Event(C.COMOQ_RESTART)
	Ended   = Event(C.COMOQ_ENDED)
)

// An Announcement is a change at one path. It has the broadcast that it tells of.
type Announcement struct {
	handle
	Path  string
	Event Event
}

// Broadcast is the very broadcast that the announcement tells of; ErrNotFound for an end.
func (a *Announcement) Broadcast() (*Consumer, error) {
	defer runtime.KeepAlive(a)
	var out C.comoq_consumer
	if err := failure(C.comoq_record_broadcast(a.get(), &out)); err != nil {
		return nil, err
	}
	return &Consumer{hold(out)}, nil
}

// A Watch follows announcements.
type Watch struct{ handle }

// Next is the next change; io.EOF when the origin is gone.
func (w *Watch) Next(ctx context.Context) (*Announcement, error) {
	defer runtime.KeepAlive(w)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_watch_next(w.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	var event C.uint32_t
	var path C.comoq_string
	C.comoq_record_view(value, &event, &path)
	return &Announcement{hold(value), goText(path), Event(event)}, nil
}

// All is the sequence of Next.
func (w *Watch) All(ctx context.Context) iter.Seq2[*Announcement, error] { return each(ctx, w.Next) }

// A Handler serves broadcasts that nobody announced.
type Handler struct{ handle }

// Next is the next request; io.EOF when the origin is gone.
func (h *Handler) Next(ctx context.Context) (*Request, error) {
	defer runtime.KeepAlive(h)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_handler_next(h.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	var path C.comoq_string
	C.comoq_request_path(value, &path, nil)
	return &Request{hold(value), goText(path)}, nil
}

// Requests is the sequence of Next.
func (h *Handler) Requests(ctx context.Context) iter.Seq2[*Request, error] { return each(ctx, h.Next) }

// A Request is for a broadcast that nobody announced. Closed without an answer, it answers ErrNotFound.
type Request struct {
	handle
	Path string
}

// Accept answers all who wait with a Broadcast or a Consumer. It is true if this call settled the request.
func (r *Request) Accept(broadcast interface{ get() C.uint64_t }) (bool, error) {
	defer runtime.KeepAlive(r)
	defer runtime.KeepAlive(broadcast)
	code := C.comoq_request_accept(r.get(), broadcast.get())
	return code == C.COMOQ_READY, failure(code)
}

// Reject refuses with a code. It is true if this call settled the request.
func (r *Request) Reject(reason Error) (bool, error) {
	defer runtime.KeepAlive(r)
	code := C.comoq_request_reject(r.get(), C.int32_t(reason))
	return code == C.COMOQ_READY, failure(code)
}

// Abandoned returns once nobody waits for the answer any more.
func (r *Request) Abandoned(ctx context.Context) error {
	defer runtime.KeepAlive(r)
	_, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_request_abandoned(r.get(), queue, user, now, op)
	})
	return err
}
