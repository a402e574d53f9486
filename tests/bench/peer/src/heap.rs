//! The heap memory of objects: W9.
//!
//! The handles that keep the objects are in vectors made before, so that they are not counted; a waiter's future is
//! boxed, so that it is.

use std::pin::Pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use moq_net::origin::Route;
use moq_net::{Timestamp, broadcast, group, track};

use crate::alloc::{self, Heap};
use crate::measure;

const OBJECTS: usize = 10_000;

pub fn objects() {
    print("announced broadcast", OBJECTS, measure::run_with_timers(announced()));
    print("idle track with a subscriber", OBJECTS, measure::run(subscribed()));
    print("pending request", OBJECTS, measure::run_with_timers(pending()));
    let frames = 4 * group::MAX_GROUP_FRAMES;
    print("cached 64 B frame", frames, cached(frames));
}

fn print(case: &str, objects: usize, heap: Heap) {
    measure::print("W9", case, "bytes", heap.live as f64 / objects as f64);
}

/// Lets the driver do what it was woken for.
async fn settle() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

async fn announced() -> Heap {
    let origin = measure::origin();
    let mut kept = Vec::with_capacity(OBJECTS);
    settle().await;
    alloc::start();
    for i in 0..OBJECTS {
        let path = format!("room/{i}/alice");
        kept.push(origin.publish(path, Route::default()).expect("a free path"));
    }
    settle().await;
    alloc::stop()
}

async fn subscribed() -> Heap {
    let broadcast = broadcast::Info::new().produce();
    let mut kept = Vec::with_capacity(OBJECTS);
    alloc::start();
    for i in 0..OBJECTS {
        let track = broadcast.create_track(format!("track/{i}"), None).expect("a free name");
        let subscriber = track.consume().subscribe(track::Subscription::default()).await;
        kept.push((track, subscriber.expect("an open track")));
    }
    alloc::stop()
}

async fn pending() -> Heap {
    let origin = measure::origin();
    let _dynamic = origin.dynamic("", Route::default()).expect("a served route");
    let consumer = origin.consume();
    let mut kept = Vec::with_capacity(OBJECTS);
    settle().await;
    alloc::start();
    for i in 0..OBJECTS {
        let mut request = Box::pin(consumer.request_broadcast(format!("room/{i}/alice")));
        let polled = Pin::as_mut(&mut request).poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        kept.push(request);
    }
    settle().await;
    alloc::stop()
}

fn cached(frames: usize) -> Heap {
    let broadcast = broadcast::Info::new().produce();
    let track = broadcast.create_track("video", None).expect("a free name");
    let timestamp = Timestamp::from_millis(0).expect("a small time");
    alloc::start();
    for _ in 0..frames / group::MAX_GROUP_FRAMES {
        let mut group = track.append_group().expect("an open track");
        for _ in 0..group::MAX_GROUP_FRAMES {
            group.write_frame(timestamp, Bytes::from(vec![7; 64])).expect("an open group");
        }
        group.finish().expect("an open group");
    }
    alloc::stop()
}
