// SPDX-License-Identifier: MIT

// A request for a broadcast that nobody has announced, and the handler that serves it.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"comoq"
)

func serve(ctx context.Context, origin *comoq.Origin, handler *comoq.Handler) {
	for request, err := range handler.Requests(ctx) {
		if err != nil {
			return
		}
		if !strings.HasPrefix(request.Path, "live/") {
			request.Reject(comoq.AppError(404))
			continue
		}
		broadcast, _ := origin.Make()
		track, _ := broadcast.Track("text", nil)
		track.Write([]byte("hello from "+request.Path), 0)
		track.Finish()
		request.Accept(broadcast)
		go func() {
			broadcast.Unused(ctx) // until nobody reads it any more
			track.Close()
			broadcast.Close()
		}()
	}
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	origin, err := comoq.NewOrigin()
	if err != nil {
		log.Fatal(err)
	}
	handler, err := origin.Dynamic()
	if err != nil {
		log.Fatal(err)
	}
	go serve(ctx, origin, handler)

	broadcast, err := origin.RequestBroadcast(ctx, "live/alice")
	if err != nil {
		log.Fatal(err)
	}
	first := uint64(0)
	track, err := broadcast.Subscribe(ctx, "text", &comoq.Subscription{Start: &first})
	if err != nil {
		log.Fatal(err)
	}
	for group, err := range track.Groups(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		for frame, err := range group.Frames(ctx) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(string(frame.Payload))
		}
	}
	_, err = origin.RequestBroadcast(ctx, "vod/1")
	fmt.Println(err)
}
