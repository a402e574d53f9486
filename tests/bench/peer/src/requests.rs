//! Broadcasts requested from an origin: W1 to W4.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moq_net::origin::{self, Route};
use moq_net::{Error, broadcast};

use crate::alloc;
use crate::measure::{self, Gate, Sampler};

fn paths(count: usize) -> Vec<String> {
    measure::shuffled(count).into_iter().map(|i| format!("room/{i}/alice")).collect()
}

fn publish(origin: &origin::Producer, paths: &[String]) -> Vec<broadcast::Producer> {
    // Announced in an order other than that of the requests.
    let mut sorted: Vec<&String> = paths.iter().collect();
    sorted.sort();
    sorted.into_iter().map(|path| origin.publish(path, Route::default()).expect("a free path")).collect()
}

async fn ask(origin: &origin::Consumer, paths: &[String]) -> Duration {
    let start = Instant::now();
    for path in paths {
        black_box(origin.request_broadcast(path).await.expect("an announced broadcast"));
    }
    start.elapsed()
}

pub fn announced() {
    measure::run_with_timers(few(1_000, "1k"));
    measure::run_with_timers(many(1_000_000, "1m"));
}

/// The first request of a path makes a front, which later ones share for as long as the path is announced: each has a
/// case.
async fn few(count: usize, case: &str) {
    let paths = paths(count);

    let mut sampler = Sampler::new();
    while let Some(turns) = sampler.next() {
        let mut time = Duration::ZERO;
        for _ in 0..turns {
            let (origin, driver) = measure::driven_origin();
            let broadcasts = publish(&origin, &paths);
            time += ask(&origin.consume(), &paths).await;
            drop((origin, broadcasts));
            // Otherwise it would be taken down in the time of the next one.
            driver.await.expect("a driver that does not panic");
        }
        sampler.record(time, turns * count as u64);
    }
    let first = sampler.median();

    let origin = measure::origin();
    let _broadcasts = publish(&origin, &paths);
    let consumer = origin.consume();
    ask(&consumer, &paths).await;
    let mut sampler = Sampler::new();
    while let Some(turns) = sampler.next() {
        let mut time = Duration::ZERO;
        for _ in 0..turns {
            time += ask(&consumer, &paths).await;
        }
        sampler.record(time, turns * count as u64);
    }
    measure::print("W1", case, "ns", sampler.median());
    measure::print("W1", &format!("{case} first"), "ns", first);
}

/// As `few`, but setting up takes too long to do it for every sample: the samples are parts of one pass. It asks for
/// some of the paths only, as every front makes the driver slower.
async fn many(count: usize, case: &str) {
    const ASKED: usize = 100_000;
    let paths = paths(count);
    let origin = measure::origin();
    let _broadcasts = publish(&origin, &paths);
    let consumer = origin.consume();
    // Lets the driver see the announcements before anything is timed.
    tokio::task::yield_now().await;

    let mut passes = Vec::new();
    for _ in 0..2 {
        let mut samples = Vec::new();
        for part in paths[..ASKED].chunks(ASKED / 10) {
            samples.push(ask(&consumer, part).await.as_nanos() as f64 / part.len() as f64);
        }
        passes.push(samples);
    }
    let [first, again] = passes.try_into().expect("two passes");
    let note = format!("{ASKED} of the announced paths are asked for");
    measure::print_noted("W1", case, "ns", measure::median(again), &note);
    let (early, late) = (first[0], first[first.len() - 1]);
    let note = format!("{note}; {early:.0} in the first tenth, {late:.0} in the last");
    measure::print_noted("W1", &format!("{case} first"), "ns", measure::median(first), &note);
}

pub fn round_trip() {
    measure::run_with_timers(async {
        let paths = paths(1_000);
        let mut sampler = Sampler::new();
        while let Some(turns) = sampler.next() {
            let mut time = Duration::ZERO;
            for _ in 0..turns {
                // Broadcasts that were served before make the driver slower: a new origin keeps their number small and the same.
                let (origin, driver) = measure::driven_origin();
                let dynamic = origin.dynamic("", Route::default()).expect("a served route");
                let broadcast = broadcast::Info::new().produce();
                let handler = tokio::spawn(async move {
                    while let Ok(request) = dynamic.requested_broadcast().await {
                        request.accept(&broadcast);
                    }
                });
                time += ask(&origin.consume(), &paths).await;
                drop(origin);
                handler.abort();
                driver.await.expect("a driver that does not panic");
            }
            sampler.record(time, turns * paths.len() as u64);
        }
        measure::print("W2", "round trip", "ns", sampler.median());
    });
}

pub fn shared() {
    const REQUESTERS: u64 = 100_000;
    measure::run_with_timers(async {
        let origin = measure::origin();
        let dynamic = origin.dynamic("", Route::default()).expect("a served route");
        let broadcast = broadcast::Info::new().produce();
        let consumer = Arc::new(origin.consume());

        let mut all = Vec::new();
        let mut accepts = Vec::new();
        for sample in 0..10 {
            let path: Arc<str> = format!("room/{sample}/alice").into();
            let waiting = Arc::new(Gate::default());
            let done = Arc::new(Gate::default());
            waiting.expect(REQUESTERS);
            done.expect(REQUESTERS);

            let start = Instant::now();
            for _ in 0..REQUESTERS {
                let (consumer, path) = (consumer.clone(), path.clone());
                let (waiting, done) = (waiting.clone(), done.clone());
                tokio::spawn(async move {
                    let request = consumer.request_broadcast(&*path);
                    waiting.arrive();
                    black_box(request.await.expect("an accepted request"));
                    done.arrive();
                });
            }
            waiting.full().await;
            let request = dynamic.requested_broadcast().await.expect("a request");
            let accept = Instant::now();
            request.accept(&broadcast);
            done.full().await;
            let (all_time, accept_time) = (start.elapsed(), accept.elapsed());

            // The first one also pays for memory that the others find there.
            if sample > 0 {
                all.push(all_time.as_nanos() as f64 / REQUESTERS as f64);
                accepts.push(accept_time.as_nanos() as f64 / REQUESTERS as f64);
            }
        }
        measure::print("W3", "100k", "ns", measure::median(all));
        measure::print("W3", "100k accept", "ns", measure::median(accepts));
    });
}

async fn refused(origin: &origin::Consumer, paths: &[String]) {
    for path in paths {
        let answer = origin.request_broadcast(path).await;
        assert!(matches!(black_box(answer), Err(Error::Unroutable)));
    }
}

pub fn nobody() {
    measure::run_with_timers(async {
        let origin = measure::origin();
        let consumer = origin.consume();
        let paths = paths(100_000);

        alloc::start();
        refused(&consumer, &paths).await;
        let heap = alloc::stop();

        let mut sampler = Sampler::new();
        while let Some(turns) = sampler.next() {
            let start = Instant::now();
            for _ in 0..turns {
                refused(&consumer, &paths).await;
            }
            sampler.record(start.elapsed(), turns * paths.len() as u64);
        }
        measure::print("W4", "nobody", "ns", sampler.median());
        measure::print("W4", "nobody kept", "bytes", heap.live as f64);
    });
}
