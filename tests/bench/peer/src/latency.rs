//! From the write of a frame until a reader on another thread has it: W8.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moq_net::{Timestamp, broadcast, track};

use crate::measure;

const WARM: usize = 500;
const SAMPLES: usize = 6_000;
const SPINNERS: usize = 16;

pub fn latencies() {
    report("idle", 0);
    report("loaded", SPINNERS);
}

fn report(load: &str, spinners: usize) {
    let mut latencies = latencies_with(spinners);
    latencies.drain(..WARM);
    latencies.sort();
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let at = (latencies.len() as f64 * share) as usize;
        measure::print("W8", &format!("{load} {name}"), "ns", latencies[at].as_nanos() as f64);
    }
}

fn latencies_with(spinners: usize) -> Vec<Duration> {
    let broadcast = broadcast::Info::new().produce();
    let track = broadcast.create_track("video", None).expect("a free name");
    let payload = Bytes::from(vec![7; 64]);
    let epoch = Instant::now();
    // When the last write began, and how many frames the reader has.
    let begun = Arc::new(AtomicU64::new(0));
    let read = Arc::new(AtomicU64::new(0));

    let (ready, reader_ready) = mpsc::channel();
    let reader = {
        let (track, begun, read) = (track.consume(), begun.clone(), read.clone());
        std::thread::spawn(move || {
            measure::run(async move {
                let stop = Arc::new(AtomicBool::new(false));
                for _ in 0..spinners {
                    let stop = stop.clone();
                    tokio::spawn(async move {
                        while !stop.load(Ordering::Relaxed) {
                            tokio::task::yield_now().await;
                        }
                    });
                }
                let reader = tokio::spawn(read_group(track, epoch, begun, read, ready));
                let latencies = reader.await.expect("a reader that does not panic");
                stop.store(true, Ordering::Relaxed);
                latencies
            })
        })
    };
    reader_ready.recv().expect("a reader");

    let mut group = track.append_group().expect("an open track");
    for i in 0..(WARM + SAMPLES) as u64 {
        std::thread::sleep(Duration::from_micros(100));
        let timestamp = Timestamp::from_millis(i).expect("a small time");
        let payload = payload.clone();
        begun.store(epoch.elapsed().as_nanos() as u64, Ordering::Release);
        group.write_frame(timestamp, payload).expect("an open group");
        while read.load(Ordering::Acquire) <= i {
            std::thread::yield_now();
        }
    }
    group.finish().expect("an open group");
    track.finish().expect("an open track");
    reader.join().expect("a reader that does not panic")
}

async fn read_group(
    track: track::Consumer,
    epoch: Instant,
    begun: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
    ready: mpsc::Sender<()>,
) -> Vec<Duration> {
    let mut latencies = Vec::with_capacity(WARM + SAMPLES);
    let mut groups = track.subscribe(track::Subscription::default()).await.expect("an open track");
    ready.send(()).expect("a writer");
    let mut group = groups.recv_group().await.expect("an open track").expect("a group");
    while let Some(frame) = group.read_frame().await.expect("a kept group") {
        black_box(frame);
        let now = epoch.elapsed();
        latencies.push(now - Duration::from_nanos(begun.load(Ordering::Acquire)));
        read.fetch_add(1, Ordering::Release);
    }
    latencies
}
