# What the scripts here share: `here`, `bin` (the programs, from the first argument), `tmp`, and an end for each process in `pids`.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$1
tmp=$(mktemp -d)
pids=()
cleanup() {
    # Nothing is said about those that are killed.
    exec 2>/dev/null
    for pid in "${pids[@]}"; do kill -KILL "$pid" || true; done
    rm -rf "$tmp"
}
trap cleanup EXIT
