//! Frames of one group: W6.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use moq_net::{Timestamp, broadcast, frame, group, track};

use crate::measure::{self, Sampler};

const BATCH: usize = 32;

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Write,
    Read,
    ReadFrames,
    Both,
}

pub fn groups() {
    for frames in [512, 8_192, 32_768] {
        for (case, name) in
            [(Case::Write, "write"), (Case::Read, "read"), (Case::ReadFrames, "read_frames"), (Case::Both, "both")]
        {
            let name = format!("{name} {frames}");
            if frames > group::MAX_GROUP_FRAMES {
                let reason = format!("a group holds at most {} frames", group::MAX_GROUP_FRAMES);
                measure::unsupported("W6", &name, "ns", &reason);
            } else {
                let value = measure::run(sample(case, frames));
                if case == Case::ReadFrames {
                    measure::print_noted("W6", &name, "ns", value, &format!("batches of up to {BATCH}"));
                } else {
                    measure::print("W6", &name, "ns", value);
                }
            }
        }
    }
}

async fn sample(case: Case, frames: usize) -> f64 {
    let payload = Bytes::from(vec![7; 64]);
    let mut sampler = Sampler::new();
    while let Some(turns) = sampler.next() {
        let mut time = Duration::ZERO;
        for _ in 0..turns {
            // A track of its own: the release of older groups is not part of this workload.
            let broadcast = broadcast::Info::new().produce();
            let track = broadcast.create_track("video", None).expect("a free name");
            time += match case {
                Case::Write => write(&track, &payload, frames).1,
                Case::Read => read(write(&track, &payload, frames).0.consume()).await,
                Case::ReadFrames => read_frames(write(&track, &payload, frames).0.consume()).await,
                Case::Both => {
                    let (group, time) = write(&track, &payload, frames);
                    time + read(group.consume()).await
                }
            };
        }
        sampler.record(time, turns * frames as u64);
    }
    sampler.median()
}

fn write(track: &track::Producer, payload: &Bytes, frames: usize) -> (group::Producer, Duration) {
    let start = Instant::now();
    let mut group = track.append_group().expect("an open track");
    for i in 0..frames {
        let timestamp = Timestamp::from_millis(i as u64).expect("a small time");
        group.write_frame(timestamp, payload.clone()).expect("an open group");
    }
    group.finish().expect("an open group");
    (group, start.elapsed())
}

async fn read(mut group: group::Consumer) -> Duration {
    let start = Instant::now();
    while let Some(frame) = group.read_frame().await.expect("a kept group") {
        black_box(frame);
    }
    start.elapsed()
}

async fn read_frames(mut group: group::Consumer) -> Duration {
    let mut batch = frame::Buffer::<BATCH>::new();
    let start = Instant::now();
    while !black_box(group.read_frames(&mut batch).await.expect("a kept group")).is_empty() {}
    start.elapsed()
}
