#!/bin/bash
# test_cuda_mpi.sh on the GPUs of this machine: the cases of support/cases.c on 1 to 3 ranks, which share a GPU where
# there are fewer, against the CPU without MPI. EXACT. Skipped without one (LEHR_REQUIRE_CUDA=1: an error).
set -u
driver=${LEHR_BUILD_DIR:?}/tests/parity/mpi_driver
if ! command -v mpirun > /dev/null || [ ! -x "$driver" ]; then
    echo "no mpirun, or a build without MPI"
    exit 77
fi
bash "${LEHR_SOURCE_DIR:?}/tests/house/on_gpu.sh" true || exit $?
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run=(mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1)
[ "$(id -u)" -ne 0 ] || run+=(--allow-run-as-root)

"$driver" alone > "$scratch/all" || { echo "without MPI the driver failed"; exit 1; }
grep -v ' callback$' "$scratch/all" > "$scratch/alone" # a user's own function runs on the CPU alone
lines=$(wc -l < "$scratch/alone")
[ "$lines" -gt 40 ] || { echo "only $lines runs"; exit 1; }
failures=0
for kernels in fused tiled; do
    for ranks in 1 2 3; do
        if ! timeout 300 "${run[@]}" -n $ranks "$driver" ranks cuda $kernels > "$scratch/ranks" 2> "$scratch/errors"; then
            echo "$ranks ranks, $kernels, failed"; tail -n 5 "$scratch/errors"; failures=$((failures + 1))
        elif ! diff "$scratch/alone" "$scratch/ranks" > "$scratch/diff"; then
            echo "$ranks ranks, $kernels, differ:"; head -n 10 "$scratch/diff"; failures=$((failures + 1))
        else
            echo "$ranks ranks, $kernels: $lines runs EXACT"
        fi
    done
done
[ $failures -eq 0 ]
