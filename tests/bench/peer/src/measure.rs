//! Sampling, printing, and the common start of several workloads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moq_net::{Error, origin};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const SAMPLES: usize = 9;
const SAMPLE: Duration = Duration::from_millis(25);

pub fn print(workload: &str, case: &str, unit: &str, value: f64) {
    println!("{workload}\t{case}\t{unit}\t{value:.2}");
}

/// As `print`, with a note for the reader of the value in a fifth column.
pub fn print_noted(workload: &str, case: &str, unit: &str, value: f64, note: &str) {
    println!("{workload}\t{case}\t{unit}\t{value:.2}\t{note}");
}

pub fn unsupported(workload: &str, case: &str, unit: &str, reason: &str) {
    println!("{workload}\t{case}\t{unit}\tunsupported\t{reason}");
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Gives out how many turns the next sample has to take, until there are enough samples.
///
/// A loop over it instead of a closure: the timed code can then hold references across its awaits.
pub struct Sampler {
    turns: u64,
    calibrating: bool,
    samples: Vec<f64>,
}

impl Sampler {
    pub fn new() -> Self {
        Self { turns: 1, calibrating: true, samples: Vec::new() }
    }

    pub fn next(&self) -> Option<u64> {
        (self.samples.len() < SAMPLES).then_some(self.turns)
    }

    /// `units`: the divisor of the time.
    pub fn record(&mut self, time: Duration, units: u64) {
        if !self.calibrating {
            self.samples.push(time.as_nanos() as f64 / units as f64);
        } else if time >= SAMPLE {
            self.calibrating = false;
        } else if time < SAMPLE / 16 {
            self.turns *= 8;
        } else {
            let factor = 1.2 * SAMPLE.as_secs_f64() / time.as_secs_f64();
            self.turns = (self.turns as f64 * factor).ceil() as u64;
        }
    }

    pub fn median(self) -> f64 {
        median(self.samples)
    }
}

/// A place where one task waits until others have arrived a number of times.
#[derive(Default)]
pub struct Gate {
    arrived: AtomicU64,
    wanted: AtomicU64,
    full: Notify,
}

impl Gate {
    /// Call this before the first of the `more` can arrive.
    pub fn expect(&self, more: u64) {
        self.wanted.fetch_add(more, Ordering::Relaxed);
    }

    pub fn arrive(&self) {
        if self.arrived.fetch_add(1, Ordering::Relaxed) + 1 == self.wanted.load(Ordering::Relaxed) {
            self.full.notify_one();
        }
    }

    pub async fn full(&self) {
        self.full.notified().await;
    }
}

/// Runs `future` as a task: the scheduler polls the future of `block_on` only after all tasks, which would be measured
/// with every round trip.
pub fn run<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    run_on(&mut tokio::runtime::Builder::new_current_thread(), future)
}

/// As `run`, with the timers that an origin's driver needs. Every park of such a runtime reads the clock.
pub fn run_with_timers<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    run_on(tokio::runtime::Builder::new_current_thread().enable_time(), future)
}

fn run_on<T: Send + 'static>(
    builder: &mut tokio::runtime::Builder,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let runtime = builder.build().expect("a runtime");
    runtime.block_on(runtime.spawn(future)).expect("a workload that does not panic")
}

/// An origin with its driver on the current runtime, which has to have timers.
pub fn origin() -> origin::Producer {
    driven_origin().0
}

/// As `origin`, with a task that ends when everything of the origin has been taken down.
pub fn driven_origin() -> (origin::Producer, JoinHandle<Error>) {
    let (producer, driver) = origin::Producer::new(origin::Config::default());
    (producer, tokio::spawn(moq_net::time::run(driver)))
}

/// `0..count` in an order that is the same in every run.
pub fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(last, (state % (last as u64 + 1)) as usize);
    }
    order
}
