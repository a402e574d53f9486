// SPDX-License-Identifier: MIT

package comoq

/*
#include <comoq/c.h>
*/
import "C"

import (
	"context"
	"runtime"
	"sync"
)

// runtimeHandle is the thread of the library on which sessions run. It ends with the process.
var runtimeHandle = sync.OnceValues(func() (C.comoq_runtime, error) {
	var out C.comoq_runtime
	code := C.comoq_runtime_create(&out)
	return out, failure(code)
})

// A Config says how a session is made.
type Config struct {
	// Publish is what the peer may see and ask for.
	Publish *Origin
	// Subscribe is where the peer's broadcasts are announced, and whose requests it is asked for.
	Subscribe *Origin
	// PEM files: the authorities that a client trusts, in place of the system's; this side's chain and key.
	Authorities, Certificate, Key string
	// AcceptAnyCertificate is for tests.
	AcceptAnyCertificate bool
}

func (c Config) argument(pin *runtime.Pinner) *C.comoq_session_config {
	config := &C.comoq_session_config{struct_size: C.sizeof_comoq_session_config}
	if c.Publish != nil {
		config.publish = c.Publish.get()
	}
	if c.Subscribe != nil {
		config.subscribe = c.Subscribe.get()
	}
	config.authorities_file = text(c.Authorities, pin)
	config.certificate_file = text(c.Certificate, pin)
	config.key_file = text(c.Key, pin)
	if c.AcceptAnyCertificate {
		config.flags = C.COMOQ_ACCEPT_ANY_CERTIFICATE
	}
	return config
}

// keepAlive is for after the call, which has the numbers of the origins and not the objects.
func (c Config) keepAlive() {
	runtime.KeepAlive(c.Publish)
	runtime.KeepAlive(c.Subscribe)
}

// A Session is a connection with a peer. Its Close ends it in peace.
type Session struct{ handle }

// Dial makes one session with a relay, up to its answer: tcp, and ws, wss, tls, https, moql and moqt if the library knows them.
func Dial(ctx context.Context, url string, config Config) (*Session, error) {
	thread, err := runtimeHandle()
	if err != nil {
		return nil, err
	}
	defer config.keepAlive()
	var pin runtime.Pinner
	defer pin.Unpin()
	value, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_connect(thread, text(url, &pin), config.argument(&pin), queue, user, now, op)
	})
	if err != nil {
		return nil, err
	}
	return &Session{hold(value)}, nil
}

// KeepConnected connects, and again whenever the connection is lost, until the context ends. Requests at config.Subscribe go to the
// relay.
func KeepConnected(ctx context.Context, url string, config Config) error {
	thread, err := runtimeHandle()
	if err != nil {
		return err
	}
	defer config.keepAlive()
	var pin runtime.Pinner
	defer pin.Unpin()
	_, err = ask(ctx, func(queue C.comoq_queue, user C.uint64_t, _ *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_keep_connected(thread, text(url, &pin), config.argument(&pin), queue, user, op)
	})
	return err
}

// Closed returns when the session has ended, with the reason if that was not a good one.
func (s *Session) Closed(ctx context.Context) error {
	defer runtime.KeepAlive(s)
	_, err := ask(ctx, func(queue C.comoq_queue, user C.uint64_t, now *C.comoq_event, op *C.comoq_op) C.int32_t {
		return C.comoq_session_closed(s.get(), queue, user, now, op)
	})
	return err
}

// A Server serves everyone who connects, until it is closed.
type Server struct {
	handle
	// URL has the port that is used.
	URL string
}

// Listen listens at once, and serves each client by a session of its own.
func Listen(url string, config Config) (*Server, error) {
	thread, err := runtimeHandle()
	if err != nil {
		return nil, err
	}
	defer config.keepAlive()
	var pin runtime.Pinner
	defer pin.Unpin()
	var out C.comoq_listener
	if err := failure(C.comoq_listen(thread, text(url, &pin), config.argument(&pin), &out)); err != nil {
		return nil, err
	}
	var used C.comoq_string
	C.comoq_listener_url(out, &used)
	return &Server{hold(out), goText(used)}, nil
}
