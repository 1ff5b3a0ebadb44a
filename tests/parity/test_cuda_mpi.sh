#!/bin/bash
# The same bits on any number of MPI ranks that have GPUs, of one machine, as on the CPU without MPI: every case of
# support/cases.c that a GPU can run, alone and in packs, on 1 to 4 ranks with 1, 2 and 4 test devices. EXACT. Each rank
# must have launched kernels on the devices that are its own, and on no other. Most of these ladders are cut between
# ranks at three of them.
set -u
build=${LEHR_BUILD_DIR:?}/tests/parity
if ! command -v mpirun > /dev/null || [ ! -x "$build/mpi_driver_shim" ]; then
    echo "no mpirun, or a build without MPI or without test devices"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run=(mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1) # others may want the cores
[ "$(id -u)" -ne 0 ] || run+=(--allow-run-as-root)
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# without_mpi KERNELS STEP LEAST: what must come out, LEAST lines or more; a user's own function is the CPU's.
without_mpi() {
    local lines
    "$build/mpi_driver" alone cpu "$1" "$2" > "$scratch/all" || { fail "without MPI"; return; }
    grep -v ' callback$' "$scratch/all" > "$scratch/alone"
    lines=$(wc -l < "$scratch/alone")
    [ "$lines" -ge "$3" ] || fail "only $lines runs"
}

# ranks RANKS DEVICES SETTING=VALUE... WORDS...: hashes in $scratch/ranks, devices in $scratch/devices.
ranks() {
    local count=$1 devices=$2
    shift 2
    timeout 300 "${run[@]}" -n "$count" env LEHR_DEVICE_COUNT="$devices" "$@" > "$scratch/out" 2> "$scratch/errors" ||
        { fail "$count ranks, $devices devices, $*: $(tail -n 5 "$scratch/errors")"; return 1; }
    grep -v '^rank 0:' "$scratch/out" > "$scratch/ranks"
    grep '^rank 0:' "$scratch/out" > "$scratch/devices"
}

# one_each RANKS DEVICES: what $scratch/devices must be when every rank takes the next device, round and round.
one_each() {
    local rank
    for ((rank = 0; rank < $1; rank++)); do
        printf '%srank %d: %d' "${comma:-}" $rank $((rank % $2))
        local comma=", "
    done
    echo
}

# same WHAT DEVICES: what the last ranks said, against the CPU's hashes and a line of devices.
same() {
    if ! diff "$scratch/alone" "$scratch/ranks" > "$scratch/diff"; then
        fail "$1: $(head -n 10 "$scratch/diff")"
    elif [ "$(cat "$scratch/devices")" != "$2" ]; then
        fail "$1: $(cat "$scratch/devices"), not $2"
    else
        echo "$1: $(wc -l < "$scratch/alone") runs EXACT; $2"
    fi
}

driver=("$build/mpi_driver_shim" ranks)

# All cases; then some of them, where the ranks and devices are much the same.
grid() {
    local step=$1 pair
    without_mpi "" "$1" "$2"
    shift 2
    for pair in "$@"; do
        ranks ${pair%x*} ${pair#*x} "${driver[@]}" cuda fused $step &&
            same "$pair ranks and devices" "$(one_each ${pair%x*} ${pair#*x})"
    done
}
grid 1 40 3x2 4x4
grid 4 10 1x1 2x2 2x1 3x1 4x1 1x2 4x2 1x4 2x4 3x4

ranks 3 2 "${driver[@]}" cuda tiled 4 && same "tiled kernels" "$(one_each 3 2)"
ranks 3 4 LEHR_DEVICE_STREAMS=late "${driver[@]}" cuda fused 4 && same "late streams" "$(one_each 3 4)"
ranks 2 4 "${driver[@]}" cuda:all fused 4 && same "4 devices for 2 ranks" "rank 0: 0 1, rank 1: 2 3"
ranks 2 4 "${driver[@]}" cuda:3,1 fused 4 && same "devices by number" "rank 0: 3, rank 1: 1"

# The negative controls: of three ranks the last accepts too little; and two are on one of two devices.
if timeout 300 "${run[@]}" -n 2 "${driver[@]}" cuda fused 4 : -n 1 env LEHR_PLANT=accept_90 "${driver[@]}" cuda fused 4 \
    > "$scratch/out" 2> "$scratch/errors"; then
    different=$(grep -v '^rank 0:' "$scratch/out" | diff - "$scratch/alone" | grep -c '^<')
    echo "one rank that accepts too little: $different runs differ"
    [ "$different" -gt 0 ] || fail "one rank that accepts too little: not seen"
else
    fail "one rank that accepts too little: $(tail -n 5 "$scratch/errors")"
fi
ranks 2 2 "${driver[@]}" cuda:0 fused 4 && [ "$(cat "$scratch/devices")" = "rank 0: 0, rank 1: 0" ] ||
    fail "two ranks on one of two devices: $(cat "$scratch/devices")"

# Parts take turns: runs that are alone, of eight copies, with memory for one.
without_mpi least 4 4
ranks 3 2 "${driver[@]}" cuda least 4 && same "little memory" "$(one_each 3 2)"
exit $((failures > 0))
