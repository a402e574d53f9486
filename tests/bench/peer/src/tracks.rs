//! Frames of a track to its subscribers: W7.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moq_net::origin::Route;
use moq_net::{Timestamp, broadcast, group, track};

use crate::alloc;
use crate::measure::{self, Sampler};

const GROUP: u64 = 512;
const AHEAD: u64 = 256;
/// Frames are a millisecond apart: two or three groups are kept, and older ones are released while it runs.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Enough for the track to release groups.
const WARM: u64 = 3 * GROUP;

pub fn deliveries() {
    for size in [64, 1200] {
        for subscribers in [1, 8, 64, 1000] {
            measure::run(one_thread(size, subscribers));
            two_threads(size, subscribers);
        }
    }
    for subscribers in [1, 8, 64, 1000] {
        measure::run_with_timers(one_thread_origin(64, subscribers));
    }
}

struct Writer {
    // Without it, subscribers do not find the track.
    _broadcast: broadcast::Producer,
    track: track::Producer,
    group: Option<group::Producer>,
    payload: Bytes,
    written: u64,
}

impl Writer {
    fn new(broadcast: broadcast::Producer, size: usize) -> Self {
        let info = track::Info::default().with_max_age(MAX_AGE);
        let track = broadcast.create_track("video", info).expect("a free name");
        Self { _broadcast: broadcast, track, group: None, payload: Bytes::from(vec![7; size]), written: 0 }
    }

    fn write(&mut self) {
        if self.written.is_multiple_of(GROUP) {
            self.finish_group();
            self.group = Some(self.track.append_group().expect("an open track"));
        }
        let timestamp = Timestamp::from_millis(self.written).expect("a small time");
        let group = self.group.as_mut().expect("a group");
        group.write_frame(timestamp, self.payload.clone()).expect("an open group");
        self.written += 1;
    }

    fn finish_group(&mut self) {
        if let Some(group) = self.group.take() {
            group.finish().expect("an open group");
        }
    }

    fn finish(mut self) {
        self.finish_group();
        self.track.finish().expect("an open track");
    }
}

async fn subscribe(broadcast: broadcast::Consumer, delivered: Arc<AtomicU64>) {
    let track = broadcast.track("video").expect("a track");
    let subscription = track::Subscription::default().with_max_age(MAX_AGE);
    let mut groups = track.subscribe(subscription).await.expect("an open track").ordered();
    while let Some(mut group) = groups.next_group().await.expect("an open track") {
        while let Some(frame) = group.read_frame().await.expect("a kept group") {
            black_box(frame);
            delivered.fetch_add(1, Ordering::Release);
        }
    }
}

async fn one_thread(size: usize, subscribers: u64) {
    let broadcast = broadcast::Info::new().produce();
    let consumer = broadcast.consume();
    let case = format!("{size}B x{subscribers} 1 thread");
    in_step(&case, Writer::new(broadcast, size), consumer, subscribers).await;
}

/// An origin hands out another broadcast, whose tracks may go on from another source: it costs more to read.
async fn one_thread_origin(size: usize, subscribers: u64) {
    let origin = measure::origin();
    let broadcast = origin.publish("room/0/alice", Route::default()).expect("a free path");
    let consumer = origin.consume().request_broadcast("room/0/alice").await.expect("an announced broadcast");
    let case = format!("{size}B x{subscribers} 1 thread origin");
    in_step(&case, Writer::new(broadcast, size), consumer, subscribers).await;
}

async fn in_step(case: &str, mut writer: Writer, broadcast: broadcast::Consumer, subscribers: u64) {
    let delivered = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> =
        (0..subscribers).map(|_| tokio::spawn(subscribe(broadcast.clone(), delivered.clone()))).collect();
    for _ in 0..WARM {
        deliver(&mut writer, &delivered, subscribers).await;
    }
    let mut sampler = Sampler::new();
    while let Some(turns) = sampler.next() {
        let start = Instant::now();
        for _ in 0..turns {
            deliver(&mut writer, &delivered, subscribers).await;
        }
        sampler.record(start.elapsed(), turns * subscribers);
    }
    measure::print("W7", case, "ns", sampler.median());

    alloc::start();
    for _ in 0..GROUP {
        deliver(&mut writer, &delivered, subscribers).await;
    }
    let heap = alloc::stop();
    let allocations = heap.allocations as f64 / (GROUP * subscribers) as f64;
    measure::print("W7", &format!("allocations {case}"), "allocations", allocations);

    writer.finish();
    for task in tasks {
        task.await.expect("a subscriber that does not panic");
    }
}

async fn deliver(writer: &mut Writer, delivered: &AtomicU64, subscribers: u64) {
    writer.write();
    while delivered.load(Ordering::Acquire) < writer.written * subscribers {
        tokio::task::yield_now().await;
    }
}

fn two_threads(size: usize, subscribers: u64) {
    let case = format!("{size}B x{subscribers} 2 threads");
    let broadcast = broadcast::Info::new().produce();
    let consumer = broadcast.consume();
    let mut writer = Writer::new(broadcast, size);
    let delivered = Arc::new(AtomicU64::new(0));
    let (ready, all_ready) = mpsc::channel();
    let reader = {
        let delivered = delivered.clone();
        std::thread::spawn(move || {
            measure::run(async move {
                let tasks: Vec<_> =
                    (0..subscribers).map(|_| tokio::spawn(subscribe(consumer.clone(), delivered.clone()))).collect();
                tokio::task::yield_now().await;
                ready.send(()).expect("a writer");
                for task in tasks {
                    task.await.expect("a subscriber that does not panic");
                }
            });
        })
    };
    all_ready.recv().expect("a reader");

    for _ in 0..WARM {
        write_ahead(&mut writer, &delivered, subscribers);
    }
    let mut sampler = Sampler::new();
    while let Some(turns) = sampler.next() {
        // Frames in flight are not waited for, which would stop the pipeline: a sample counts the frames that it saw delivered.
        // It is long enough for the subscribers to come round several times.
        let turns = turns.max(4 * AHEAD);
        let (start, before) = (Instant::now(), delivered.load(Ordering::Acquire));
        for _ in 0..turns {
            write_ahead(&mut writer, &delivered, subscribers);
        }
        sampler.record(start.elapsed(), delivered.load(Ordering::Acquire) - before);
    }
    measure::print("W7", &case, "ns", sampler.median());

    let written = writer.written;
    writer.finish();
    reader.join().expect("a reader that does not panic");
    assert_eq!(delivered.load(Ordering::Acquire), written * subscribers);
}

fn write_ahead(writer: &mut Writer, delivered: &AtomicU64, subscribers: u64) {
    while delivered.load(Ordering::Acquire) < writer.written.saturating_sub(AHEAD) * subscribers {
        std::thread::yield_now();
    }
    writer.write();
}
