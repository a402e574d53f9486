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
	"unsafe"
)

// A Subscriber reads a track. It counts as a subscriber until it is closed.
type Subscriber struct{ handle }

// Next is the group with the lowest number above the last one; io.EOF at the track's end.
func (s *Subscriber) Next(ctx context.Context) (*Reader, error) {
	defer runtime.KeepAlive(s)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_subscriber_next(s.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &Reader{hold(value)}, nil
}

// Receive is the next group in the order of arrival; io.EOF at the track's end.
func (s *Subscriber) Receive(ctx context.Context) (*Reader, error) {
	defer runtime.KeepAlive(s)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_subscriber_receive(s.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &Reader{hold(value)}, nil
}

// Groups is the sequence of Next.
func (s *Subscriber) Groups(ctx context.Context) iter.Seq2[*Reader, error] { return each(ctx, s.Next) }

// ReadFrame is the next frame of the track, group after group; io.EOF at the track's end.
func (s *Subscriber) ReadFrame(ctx context.Context) (*Batch, error) {
	defer runtime.KeepAlive(s)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_subscriber_read_frame(s.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return batchOf(value), nil
}

// Datagram is the next datagram, whose Number is set; io.EOF at the track's end.
func (s *Subscriber) Datagram(ctx context.Context) (*Batch, error) {
	defer runtime.KeepAlive(s)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_subscriber_datagram(s.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return batchOf(value), nil
}

// A Frame is a payload with its timestamp. Number is a datagram's.
type Frame struct {
	Payload   []byte
	Timestamp uint64
	Number    uint64
}

// A Batch has frames that were read together, and copies of their payloads.
type Batch struct{ Frames []Frame }

func batchOf(value C.uint64_t) *Batch {
	borrowed := borrow(value)
	// Before the copies are made nothing else keeps what they are copies of.
	defer borrowed.Close()
	size := 0
	for _, frame := range borrowed.frames {
		size += len(frame.Payload)
	}
	all := make([]byte, 0, size)
	for i := range borrowed.frames {
		frame := &borrowed.frames[i]
		begin := len(all)
		all = append(all, frame.Payload...)
		frame.Payload = all[begin:len(all):len(all)]
	}
	return &Batch{borrowed.frames}
}

// Frames where the library has them: the payloads are valid until it is closed, and nothing but this object keeps them.
type borrowedFrames struct {
	handle
	frames []Frame
}

func borrow(value C.uint64_t) *borrowedFrames {
	var view [64]C.comoq_frame
	count := C.comoq_frames_view(value, &view[0], 64)
	borrowed := &borrowedFrames{hold(value), make([]Frame, count)}
	for i := range borrowed.frames {
		frame := &view[i]
		borrowed.frames[i] = Frame{unsafe.Slice((*byte)(unsafe.Pointer(frame.data)), frame.size), uint64(frame.timestamp), uint64(frame.number)}
	}
	return borrowed
}

// A Reader reads a group.
type Reader struct{ handle }

// Sequence is the group's number.
func (r *Reader) Sequence() uint64 {
	defer runtime.KeepAlive(r)
	var sequence C.uint64_t
	C.comoq_reader_sequence(r.get(), &sequence)
	return uint64(sequence)
}

// Read gives all frames that are there, at least one and at most 64; io.EOF at the group's end.
func (r *Reader) Read(ctx context.Context) (*Batch, error) {
	value, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	return batchOf(value), nil
}

func (r *Reader) read(ctx context.Context) (C.uint64_t, error) {
	defer runtime.KeepAlive(r)
	return ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_reader_read(r.get(), 64, queue, user, now, op)
	})
}

// Frames is the sequence of the group's frames, without a copy: the payload of each is valid until the next one is asked for, and
// must not be changed.
func (r *Reader) Frames(ctx context.Context) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		for {
			value, err := r.read(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Frame{}, err)
				return
			}
			if !borrow(value).yieldAll(yield) {
				return
			}
		}
	}
}

func (b *borrowedFrames) yieldAll(yield func(Frame, error) bool) bool {
	// It keeps them until then, also if the loop's body panics.
	defer b.Close()
	for _, frame := range b.frames {
		if !yield(frame, nil) {
			return false
		}
	}
	return true
}

// OpenFrame is the next frame as soon as it is begun; io.EOF at the group's end.
func (r *Reader) OpenFrame(ctx context.Context) (*FrameReader, error) {
	defer runtime.KeepAlive(r)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_reader_frame(r.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &FrameReader{hold(value)}, nil
}

// A FrameReader reads a frame while it is being written.
type FrameReader struct{ handle }

// Size is what the writer has declared.
func (f *FrameReader) Size() uint64 {
	defer runtime.KeepAlive(f)
	var size C.uint64_t
	C.comoq_frame_reader_view(f.get(), &size, nil)
	return uint64(size)
}

// Chunk gives a copy of the next bytes as soon as they are written; io.EOF at the frame's end.
func (f *FrameReader) Chunk(ctx context.Context) ([]byte, error) {
	defer runtime.KeepAlive(f)
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_frame_reader_chunk(f.get(), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	defer C.comoq_close(C.comoq_handle(value))
	var data *C.uint8_t
	var size C.size_t
	C.comoq_bytes_data(value, &data, &size)
	return C.GoBytes(unsafe.Pointer(data), C.int(size)), nil
}
