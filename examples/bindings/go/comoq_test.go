// SPDX-License-Identifier: MIT

package comoq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"
)

// The scenarios of ../scenarios.md. Each gives back its handles and its goroutines.
func scenario(t *testing.T, name string, run func(t *testing.T, ctx context.Context, origin *Origin)) {
	t.Run(name, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		theWaits()
		runtimeHandle()
		settle(t, "before", func() bool { return true })
		handles, goroutines := LiveHandles(), runtime.NumGoroutine()
		origin := must(NewOrigin())(t)
		run(t, ctx, origin)
		origin.Close()
		settle(t, "handles and goroutines", func() bool { return LiveHandles() <= handles && runtime.NumGoroutine() <= goroutines })
	})
}

func settle(t *testing.T, what string, is func() bool) {
	t.Helper()
	for i := 0; i < 500; i++ {
		runtime.GC()
		if is() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("%s do not come back: %d handles, %d goroutines", what, LiveHandles(), runtime.NumGoroutine())
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t *testing.T, is bool, what string) {
	t.Helper()
	if !is {
		t.Fatal("not so: ", what)
	}
}

type answer struct {
	consumer *Consumer
	err      error
}

func request(ctx context.Context, origin *Origin, path string) chan answer {
	answers := make(chan answer, 1)
	go func() {
		consumer, err := origin.RequestBroadcast(ctx, path)
		answers <- answer{consumer, err}
	}()
	return answers
}

func TestScenarios(t *testing.T) {
	scenario(t, "announced", func(t *testing.T, ctx context.Context, origin *Origin) {
		later := make(chan answer, 1)
		go func() {
			consumer, err := origin.AnnouncedBroadcast(ctx, "live/two")
			later <- answer{consumer, err}
		}()
		one, two := must(origin.Publish("live/one"))(t), must(origin.Publish("live/two"))(t)
		defer one.Close()
		defer two.Close()
		found, own := must(origin.RequestBroadcast(ctx, "live/one"))(t), must(one.Consume())(t)
		check(t, found.Same(own), "the request has the announced broadcast")
		second := <-later
		check(t, second.err == nil && second.consumer.Same(must(two.Consume())(t)), "the one that comes later")
	})

	scenario(t, "on demand, rejected, nobody, a handler that goes", func(t *testing.T, ctx context.Context, origin *Origin) {
		_, err := origin.RequestBroadcast(ctx, "nobody")
		check(t, errors.Is(err, ErrNotFound), "nobody: NotFound")
		_, err = origin.RequestBroadcast(ctx, "a\x01")
		check(t, errors.Is(err, ErrInvalidPath), "an invalid path")
		handler := must(origin.Dynamic())(t)
		first, second := request(ctx, origin, "vod/1"), request(ctx, origin, "vod/1")
		asked := must(handler.Next(ctx))(t)
		check(t, asked.Path == "vod/1", "the path")
		broadcast := must(origin.Make())(t)
		defer broadcast.Close()
		check(t, must(asked.Accept(broadcast))(t) && !must(asked.Accept(broadcast))(t), "settled once")
		one, two := <-first, <-second
		check(t, one.err == nil && two.err == nil && one.consumer.Same(two.consumer), "both get the same broadcast")

		third := request(ctx, origin, "vod/2")
		for refused, err := range handler.Requests(ctx) {
			check(t, err == nil, "a request")
			must(refused.Reject(AppError(404)))(t)
			break
		}
		err = (<-third).err
		var code Error
		check(t, errors.As(err, &code) && errors.Is(err, AppError(404)), "the handler's code")
		number, ok := code.Number()
		check(t, ok && number == 404, "the handler's number")

		waiting := request(ctx, origin, "vod/3")
		must(handler.Next(ctx))(t).Close() // dropped: NotFound
		check(t, errors.Is((<-waiting).err, ErrNotFound), "a request that was dropped")
		handler.Close()
		_, err = origin.RequestBroadcast(ctx, "vod/4")
		check(t, errors.Is(err, ErrNotFound), "a handler that went")
	})

	scenario(t, "cancelled while it waits", func(t *testing.T, ctx context.Context, origin *Origin) {
		handler := must(origin.Dynamic())(t)
		defer handler.Close()
		own, cancel := context.WithCancel(ctx)
		mine, other := request(own, origin, "vod/1"), request(ctx, origin, "vod/2")
		requests := map[string]*Request{}
		for range 2 {
			asked := must(handler.Next(ctx))(t)
			requests[asked.Path] = asked
		}
		cancel()
		check(t, errors.Is((<-mine).err, context.Canceled), "the context's error")
		check(t, requests["vod/1"].Abandoned(ctx) == nil, "the handler learns it")
		must(requests["vod/2"].Reject(ErrNotFound))(t)
		check(t, errors.Is((<-other).err, ErrNotFound), "the other one goes on")
	})

	scenario(t, "announcements with ends", func(t *testing.T, ctx context.Context, origin *Origin) {
		watch := must(origin.Announced("room"))(t)
		broadcast := must(origin.Publish("room/x"))(t)
		active := must(watch.Next(ctx))(t)
		check(t, active.Path == "room/x" && active.Event == Active, "active")
		broadcast.Close()
		ended := must(watch.Next(ctx))(t)
		check(t, ended.Event == Ended, "ended")
		check(t, must(active.Broadcast())(t).IsClosed(), "the record has its broadcast")
		_, err := ended.Broadcast()
		check(t, errors.Is(err, ErrNotFound), "an end has none")
		origin.Close()
		for range watch.All(ctx) {
			t.Fatal("nothing comes any more")
		}
	})

	scenario(t, "groups and frames, and a view that outlives the reader", func(t *testing.T, ctx context.Context, origin *Origin) {
		broadcast := must(origin.Publish("x"))(t)
		track := must(broadcast.Track("video", nil))(t)
		subscriber := must(must(broadcast.Consume())(t).Subscribe(ctx, "video", nil))(t)
		group := must(track.Group())(t)
		for i, payload := range []string{"key", "a", "bb"} {
			check(t, group.Write([]byte(payload), uint64(40+i)) == nil, "written")
		}
		check(t, group.Finish() == nil && track.Finish() == nil, "finished")
		reader := must(subscriber.Next(ctx))(t)
		batch := must(reader.Read(ctx))(t)
		check(t, len(batch.Frames) == 3 && batch.Frames[2].Timestamp == 42, "three frames")
		_, err := reader.Read(ctx)
		check(t, errors.Is(err, io.EOF), "the end of the group")
		_, err = subscriber.Next(ctx)
		check(t, errors.Is(err, io.EOF), "the end of the track")
		for _, object := range []io.Closer{reader, group, track, subscriber, broadcast, origin} {
			object.Close()
		}
		check(t, bytes.Equal(batch.Frames[2].Payload, []byte("bb")), "the payload")
	})

	scenario(t, "payloads stay, whatever the collector does", func(t *testing.T, ctx context.Context, origin *Origin) {
		broadcast := must(origin.Publish("x"))(t)
		defer broadcast.Close()
		track := must(broadcast.Track("video", nil))(t)
		defer track.Close()
		const size = 100000
		read := func(at int) Frame {
			group := must(track.Group())(t)
			defer group.Close()
			check(t, group.Write(bytes.Repeat([]byte{byte(at)}, size), 0) == nil && group.Finish() == nil, "written")
			reader := must(group.Consume())(t)
			defer reader.Close()
			return must(reader.Read(ctx))(t).Frames[0]
		}
		for at := range 50 {
			frame := read(at)
			track.Close() // what only the track would still have goes now
			track = must(broadcast.Track("video", nil))(t)
			runtime.GC()
			runtime.GC()
			time.Sleep(time.Millisecond)
			check(t, bytes.Equal(frame.Payload, bytes.Repeat([]byte{byte(at)}, size)), "the payload")
		}
		origins := LiveHandles()
		for range 20 {
			must(NewOrigin())(t)
		}
		settle(t, "objects that nothing refers to", func() bool { return LiveHandles() <= origins })
	})

	scenario(t, "chunks", func(t *testing.T, ctx context.Context, origin *Origin) {
		broadcast := must(origin.Publish("x"))(t)
		defer broadcast.Close()
		track := must(broadcast.Track("video", nil))(t)
		defer track.Close()
		group := must(track.Group())(t)
		defer group.Close()
		writer := must(group.Open(8, 1))(t)
		frame := must(must(group.Consume())(t).OpenFrame(ctx))(t)
		check(t, frame.Size() == 8, "the declared size")
		must(writer.Write([]byte("abcd")))(t)
		check(t, string(must(frame.Chunk(ctx))(t)) == "abcd", "the first chunk")
		_, err := writer.Write([]byte("too long"))
		check(t, errors.Is(err, ErrWrongSize), "too many bytes")
		must(writer.Write([]byte("efgh")))(t)
		check(t, writer.Finish() == nil && string(must(frame.Chunk(ctx))(t)) == "efgh", "the second chunk")
		_, err = frame.Chunk(ctx)
		check(t, errors.Is(err, io.EOF), "the end of the frame")
	})

	scenario(t, "tracks and groups on demand", func(t *testing.T, ctx context.Context, origin *Origin) {
		broadcast := must(origin.Publish("x"))(t)
		defer broadcast.Close()
		tracks := must(broadcast.Dynamic())(t)
		defer tracks.Close()
		consumer := must(broadcast.Consume())(t)
		subscribed := make(chan error, 1)
		var subscriber *Subscriber
		go func() {
			var err error
			subscriber, err = consumer.Subscribe(ctx, "audio", &Subscription{Priority: 9})
			subscribed <- err
		}()
		asked := must(tracks.Next(ctx))(t)
		check(t, asked.Name() == "audio", "the name")
		track := must(asked.Accept(&TrackInfo{Timescale: 90000}))(t)
		defer track.Close()
		check(t, <-subscribed == nil, "subscribed")
		groups := must(track.Dynamic())(t)
		defer groups.Close()
		fetched := make(chan error, 1)
		go func() {
			reader, err := consumer.Fetch(ctx, "audio", 40)
			if err == nil {
				for frame, ferr := range reader.Frames(ctx) {
					if ferr != nil || string(frame.Payload) != "old" {
						err = fmt.Errorf("a frame: %w", ferr)
					}
				}
			}
			fetched <- err
		}()
		wanted := must(groups.Next(ctx))(t)
		check(t, wanted.Sequence() == 40, "the number")
		group := must(wanted.Accept(nil))(t)
		check(t, group.Write([]byte("old"), 0) == nil && group.Finish() == nil, "written")
		check(t, <-fetched == nil, "fetched")
		check(t, track.Used(ctx) == nil, "used")
		subscriber.Close()
		check(t, track.Unused(ctx) == nil, "unused")
	})

	scenario(t, "datagrams", func(t *testing.T, ctx context.Context, origin *Origin) {
		broadcast := must(origin.Publish("x"))(t)
		defer broadcast.Close()
		track := must(broadcast.Track("position", nil))(t)
		defer track.Close()
		subscriber := must(must(broadcast.Consume())(t).Subscribe(ctx, "position", nil))(t)
		must(track.Datagram([]byte("here"), 5))(t)
		must(track.Datagram([]byte("there"), 6))(t)
		must(subscriber.Datagram(ctx))(t)
		second := must(subscriber.Datagram(ctx))(t)
		check(t, string(second.Frames[0].Payload) == "there" && second.Frames[0].Number == 1, "payload and number")
	})

	scenario(t, "a session over TCP", func(t *testing.T, ctx context.Context, hub *Origin) {
		here, there := must(NewOrigin())(t), must(NewOrigin())(t)
		defer here.Close()
		defer there.Close()
		handler := must(hub.Dynamic())(t)
		server := must(Listen("tcp://127.0.0.1:0", Config{Publish: hub, Subscribe: hub}))(t)
		broadcast := must(there.Publish("live/x"))(t)
		track := must(broadcast.Track("video", nil))(t)
		session := must(Dial(ctx, server.URL, Config{Publish: there}))(t)
		kept, cancel := context.WithCancel(ctx)
		var ending sync.WaitGroup
		ending.Add(1)
		go func() {
			defer ending.Done()
			KeepConnected(kept, server.URL, Config{Subscribe: here})
		}()
		consumer := must(here.AnnouncedBroadcast(ctx, "live/x"))(t)
		subscriber := must(consumer.Subscribe(ctx, "video", nil))(t)
		must(track.Write([]byte("over the wire"), 0))(t)
		batch := must(subscriber.ReadFrame(ctx))(t)
		check(t, string(batch.Frames[0].Payload) == "over the wire", "the frame")
		lazy := must(here.RequestBroadcast(ctx, "on/demand"))(t)
		answered := make(chan error, 1)
		go func() {
			_, err := lazy.Subscribe(ctx, "t", nil)
			answered <- err
		}()
		must(must(handler.Next(ctx))(t).Reject(AppError(451)))(t)
		check(t, errors.Is(<-answered, AppError(451)), "the handler's code, through the session")
		cancel()
		ending.Wait()
		for _, object := range []io.Closer{subscriber, consumer, track, broadcast, session, server, handler} {
			object.Close()
		}
		_, err := Dial(ctx, "no url", Config{})
		check(t, err != nil, "no URL")
	})

	scenario(t, "a thousand requests at once", func(t *testing.T, ctx context.Context, origin *Origin) {
		handler := must(origin.Dynamic())(t)
		serving, stop := context.WithCancel(ctx)
		var served, asked sync.WaitGroup
		served.Add(1)
		go func() {
			defer served.Done()
			for asked, err := range handler.Requests(serving) {
				if err != nil {
					return
				}
				broadcast, _ := origin.Make()
				asked.Accept(broadcast)
				broadcast.Close()
				asked.Close()
			}
		}()
		failed := make(chan error, 1000)
		for i := range 1000 {
			asked.Add(1)
			go func() {
				defer asked.Done()
				consumer, err := origin.RequestBroadcast(ctx, fmt.Sprintf("many/%d", i%500))
				if err != nil {
					failed <- err
					return
				}
				consumer.Close()
			}()
		}
		asked.Wait()
		stop()
		served.Wait()
		check(t, len(failed) == 0, "all answered")
		handler.Close()
	})
}

func BenchmarkWrite64(b *testing.B) {
	origin, _ := NewOrigin()
	broadcast, _ := origin.Publish("x")
	track, _ := broadcast.Track("t", nil)
	group, _ := track.Group()
	payload := make([]byte, 64)
	for i := 0; b.Loop(); i++ {
		if i%8192 == 8191 {
			group.Finish()
			group, _ = track.Group()
		}
		group.Write(payload, uint64(i))
	}
}

func BenchmarkRead64(b *testing.B) {
	ctx := context.Background()
	origin, _ := NewOrigin()
	broadcast, _ := origin.Publish("x")
	track, _ := broadcast.Track("t", nil)
	group, _ := track.Group()
	for i := range 8192 {
		group.Write(make([]byte, 64), uint64(i))
	}
	group.Finish()
	frames := 0
	for b.Loop() {
		reader, _ := group.Consume()
		for range reader.Frames(ctx) {
			frames++
		}
		reader.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames), "ns/frame")
}
