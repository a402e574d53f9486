mod alloc;
mod announces;
mod frames;
mod heap;
mod latency;
mod measure;
mod requests;
mod tracks;

const WORKLOADS: [(&str, fn()); 9] = [
    ("W1", requests::announced),
    ("W2", requests::round_trip),
    ("W3", requests::shared),
    ("W4", requests::nobody),
    ("W5", announces::watchers),
    ("W6", frames::groups),
    ("W7", tracks::deliveries),
    ("W8", latency::latencies),
    ("W9", heap::objects),
];

/// The version that was built in.
fn version(package: &str) -> &'static str {
    include_str!("../Cargo.lock")
        .split_once(&format!("name = \"{package}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split_once('"'))
        .expect("a locked package")
        .0
}

fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = named.iter().find(|name| WORKLOADS.iter().all(|(known, _)| known != name)) {
        eprintln!("no workload {unknown}; there are W1 to W9");
        std::process::exit(2);
    }
    for package in ["moq-net", "kio"] {
        println!("version\t{package}\t{}", version(package));
    }
    for (name, run) in WORKLOADS {
        if named.is_empty() || named.iter().any(|named| named == name) {
            run();
        }
    }
}
