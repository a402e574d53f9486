// SPDX-License-Identifier: MIT

// Package comoq has broadcasts by path, announced or made on demand, and sessions with others.
//
// Every call that waits takes a context: when that ends, the wait is withdrawn, and no other is. Each object stands for something
// until its Close, or until the collector finds it. Objects may be used by several goroutines at a time.
package comoq

/*
#cgo LDFLAGS: -lcomoq_c
#include <comoq/c.h>
*/
import "C"

import (
	"context"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Error is the code of a failure. Compare with errors.Is.
type Error int32

// The failures that programs tell apart.
const (
	ErrNotFound     = Error(C.COMOQ_NOT_FOUND)
	ErrUnauthorized = Error(C.COMOQ_UNAUTHORIZED)
	ErrClosed       = Error(C.COMOQ_CLOSED)
	ErrDropped      = Error(C.COMOQ_DROPPED)
	ErrCancelled    = Error(C.COMOQ_CANCELLED)
	ErrInvalidPath  = Error(C.COMOQ_INVALID_PATH)
	ErrLagged       = Error(C.COMOQ_LAGGED)
	ErrDuplicate    = Error(C.COMOQ_DUPLICATE)
	ErrWrongSize    = Error(C.COMOQ_WRONG_SIZE)
)

// AppError is an application's own error: the number, of at most 0x7effffff, arrives where it is sent to.
func AppError(number uint32) Error {
	if number < 0xffc0 {
		return Error(-int32(64 + number))
	}
	return Error(-int32(0x1000000 + number))
}

func (e Error) Error() string {
	var text [200]C.char
	C.comoq_code_text(C.int32_t(e), &text[0], C.size_t(len(text)))
	return "comoq: " + C.GoString(&text[0])
}

// Number is an application's number, if the error is one of an application.
func (e Error) Number() (number uint32, ok bool) {
	var n C.uint32_t
	if C.comoq_app_code(C.int32_t(e), &n) != C.COMOQ_READY {
		return 0, false
	}
	return uint32(n), true
}

func failure(code C.int32_t) error {
	if code >= 0 {
		return nil
	}
	if code == C.COMOQ_ERROR_HANDLE {
		return ErrClosed
	}
	return Error(code)
}

// LiveHandles is how many handles the process has, for tests. The package has one from the first wait on.
func LiveHandles() uint64 { return uint64(C.comoq_live_handles()) }

// ---- waiting: one queue, and one goroutine that takes its events

type waits struct {
	queue   C.comoq_queue
	mutex   sync.Mutex
	pending map[C.uint64_t]chan C.comoq_event
	last    C.uint64_t
}

var theWaits = sync.OnceValue(func() *waits {
	w := &waits{pending: map[C.uint64_t]chan C.comoq_event{}}
	if code := C.comoq_queue_create(&w.queue); code != 0 {
		panic(failure(code))
	}
	go w.take()
	return w
})

func (w *waits) take() {
	runtime.LockOSThread()
	events := make([]C.comoq_event, 64)
	for {
		count := int(C.comoq_queue_next(w.queue, &events[0], C.size_t(len(events)), -1))
		if count < 0 {
			return
		}
		w.mutex.Lock()
		for _, event := range events[:count] {
			if waiting, ok := w.pending[event.user]; ok {
				waiting <- event
				delete(w.pending, event.user)
			}
		}
		w.mutex.Unlock()
	}
}

type asking func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t

// ask gives the value of a call that may wait; io.EOF at the end of a stream.
func ask(ctx context.Context, call asking) (C.uint64_t, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	w := theWaits()
	var now C.comoq_event
	var op C.comoq_op
	events := make(chan C.comoq_event, 1)
	w.mutex.Lock()
	w.last++
	user := w.last
	w.pending[user] = events
	w.mutex.Unlock()
	code := call(w.queue, user, &now, &op)
	if code != 0 {
		w.forget(user)
		if code < 0 {
			return 0, failure(code)
		}
		return outcome(now)
	}
	select {
	case event := <-events:
		return outcome(event)
	case <-ctx.Done():
		if C.comoq_close(C.comoq_handle(op)) == 0 {
			w.forget(user)
		} else if event := <-events; event.code == 0 {
			// It came meanwhile, and nobody else will take what it has.
			C.comoq_close(C.comoq_handle(event.value))
		}
		return 0, ctx.Err()
	}
}

func (w *waits) forget(user C.uint64_t) {
	w.mutex.Lock()
	delete(w.pending, user)
	w.mutex.Unlock()
}

func outcome(event C.comoq_event) (C.uint64_t, error) {
	if event.code < 0 {
		return 0, failure(event.code)
	}
	if event.flags&C.COMOQ_END != 0 {
		return 0, io.EOF
	}
	return event.value, nil
}

// ---- objects

// A handle of the library's. The collector may close it as soon as nothing refers to the object any more, which is why each method
// keeps its object until it returns.
type handle struct{ value *cell }

// A number with room: smaller objects without pointers share memory, and then a cleanup may never run.
type cell struct {
	atomic.Uint64
	_ [2]uint64
}

func hold(value C.uint64_t) handle {
	h := handle{new(cell)}
	h.value.Store(uint64(value))
	// A handle that was closed before is a code for this one, even if its number's place has another object.
	runtime.AddCleanup(h.value, func(value uint64) { C.comoq_close(C.comoq_handle(value)) }, uint64(value))
	return h
}

func (h handle) get() C.uint64_t {
	if h.value == nil {
		return 0
	}
	return C.uint64_t(h.value.Load())
}

// Close ends what the object stands for. The second time it does nothing.
func (h handle) Close() error {
	if h.value != nil {
		if value := h.value.Swap(0); value != 0 {
			C.comoq_close(C.comoq_handle(value))
		}
	}
	return nil
}

// text is a Go string as an argument. It must not outlive the call.
func text(s string, pin *runtime.Pinner) C.comoq_string {
	if s == "" {
		return C.comoq_string{}
	}
	data := unsafe.StringData(s)
	pin.Pin(data)
	return C.comoq_string{data: (*C.char)(unsafe.Pointer(data)), size: C.size_t(len(s))}
}

func goText(s C.comoq_string) string {
	return C.GoStringN(s.data, C.int(s.size))
}

func octets(data []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data)))
}
