//! Announcements watched: W5.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use moq_net::origin::Route;

use crate::measure::{self, Gate, Sampler};

pub fn watchers() {
    for count in [1, 100, 10_000] {
        measure::run_with_timers(watch(count));
    }
}

async fn watch(count: u64) {
    let origin = measure::origin();
    let broadcast = origin.create_broadcast("room/0/alice").expect("a free path");
    let seen = Arc::new(Gate::default());
    let watchers: Vec<_> = (0..count)
        .map(|_| {
            let (seen, mut announced) = (seen.clone(), origin.consume().announced());
            tokio::spawn(async move {
                while let Some(update) = announced.next().await {
                    black_box(update);
                    seen.arrive();
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;

    let mut sampler = Sampler::new();
    while let Some(turns) = sampler.next() {
        let start = Instant::now();
        for _ in 0..turns {
            seen.expect(count);
            broadcast.announce(Route::default()).expect("an open origin");
            seen.full().await;
            seen.expect(count);
            broadcast.unannounce();
            seen.full().await;
        }
        sampler.record(start.elapsed(), turns * 2 * count);
    }
    measure::print("W5", &count.to_string(), "ns", sampler.median());
    for watcher in watchers {
        watcher.abort();
    }
}
