#!/bin/bash
# The same bits on any number of MPI ranks: every case of support/cases.c, alone and in packs, on 1 to 4 ranks and
# without MPI. EXACT. Most of these ladders are cut between ranks at three of them.
set -u
driver=${LEHR_BUILD_DIR:?}/tests/parity/mpi_driver
if ! command -v mpirun >/dev/null || [ ! -x "$driver" ]; then
    echo "no mpirun, or a build without MPI"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run=(mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1) # others may want the cores
[ "$(id -u)" -ne 0 ] || run+=(--allow-run-as-root)

"$driver" alone > "$scratch/alone" || { echo "without MPI the driver failed"; exit 1; }
lines=$(wc -l < "$scratch/alone")
[ "$lines" -gt 40 ] || { echo "only $lines runs"; exit 1; }
failures=0
for ranks in 1 2 3 4; do
    if ! timeout 300 "${run[@]}" -n $ranks "$driver" ranks > "$scratch/ranks" 2> "$scratch/errors"; then
        echo "$ranks ranks failed"; tail -5 "$scratch/errors"; failures=$((failures + 1))
    elif ! diff "$scratch/alone" "$scratch/ranks" > "$scratch/diff"; then
        echo "$ranks ranks differ:"; head -10 "$scratch/diff"; failures=$((failures + 1))
    else
        echo "$ranks ranks: $lines runs EXACT"
    fi
done
[ $failures -eq 0 ]
