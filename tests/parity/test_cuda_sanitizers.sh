#!/bin/bash
# Every kernel of the CUDA backend in forward, reverse and three random orders (test_cuda_orders.c) under ASan with
# UBSan and LSan and under TSan, from the kernels' source and, where nvcc is, from its PTX. EXACT, and no
# sanitizer may say anything. The negative controls: a shared array that is too short, a missing barrier.
#
# Not here: races between blocks, which are run in turn (test_cuda_barriers.sh leaves them unordered).
#
# Builds for itself, from a copy of the sources. A quarter of an hour on one core.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cmake=${LEHR_CMAKE:-cmake}

# Nothing of the build folder is used, so once, in the optimized build, is enough.
cache=${LEHR_BUILD_DIR:-}/CMakeCache.txt
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "sanitizers get builds of their own, from the optimized one"
        exit 77
    fi
fi
PATH=$PATH:/usr/local/cuda/bin
devices="shim"
cuda=OFF
if command -v nvcc > /dev/null; then
    devices="shim ptx"
    cuda=ON
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
mkdir "$tree"
(cd "$source" && tar c --exclude=./build --exclude=./.git .) | tar x -C "$tree"
unset ASAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS "${!LEHR_DEVICE_@}" "${!LEHR_PTX_@}"
export ASAN_OPTIONS=exitcode=99:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=exitcode=98:halt_on_error=1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# ---- Build -------------------------------------------------------------------------------------------------

# build SANITIZER FOLDER DEVICE: the program of the orders.
build() {
    "$cmake" -S "$tree" -B "$2" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLEHR_SANITIZE="$1" -DLEHR_TESTS=ON \
        -DLEHR_TEST_SHIM=ON -DLEHR_MPI=OFF -DLEHR_CUDA=$cuda -DLEHR_TEST_PTX=$cuda -DCMAKE_CUDA_ARCHITECTURES=75 > "$2.log" 2>&1 &&
        "$cmake" --build "$2" --target "parity_test_cuda_orders_$3" >> "$2.log" 2>&1 && return
    tail -n 30 "$2.log"
    return 1
}

# ---- Run ---------------------------------------------------------------------------------------------------

# A Criterion program passes although one of its processes reported a leak or a race at its end.
bad_words='ERROR: |WARNING: ThreadSanitizer|runtime error|Tested: 0 |has encountered a fatal error'

# orders FOLDER DEVICE FILTER: status, and everything that it said in $scratch/out.
orders() {
    "$1/tests/parity/test_cuda_orders_$2" -j1 --verbose --filter "$3" > "$scratch/out" 2>&1 &&
        ! grep -aqE "$bad_words" "$scratch/out"
}

# clean WHAT FOLDER DEVICE
clean() {
    local what=$1 start=$SECONDS
    if orders "$2" "$3" 'cuda_orders/*'; then
        echo "$what: clean, $(grep -ac '^\[PASS\]' "$scratch/out") tests, $((SECONDS - start)) s"
    else
        fail "$what: $(grep -avE '^\[(RUN|PASS|SKIP)' "$scratch/out" | head -n 40)"
    fi
}

# seen WHAT FOLDER DEVICE: a sanitizer says something about the tiled kernels.
seen() {
    local words='(SUMMARY: (Address|Thread)Sanitizer|runtime error): [a-z -]+'
    if ! orders "$2" "$3" cuda_orders/tiled && grep -aqE "$words" "$scratch/out"; then
        echo "$1, $3: seen: $(grep -aoE -m1 "$words" "$scratch/out")"
    else
        fail "$1, $3: not seen: $(head -n 20 "$scratch/out")"
    fi
}

# A missing barrier, in no need of another build: the test device leaves it out.
without_barrier() {
    local line
    line=$(grep -n -m1 '__syncthreads(); /\* the slab before is used up \*/' "$source/kernels/cuda/tiled.cuh") ||
        { fail "no barrier to leave out"; return; }
    export LEHR_DEVICE_SKIP=tiled.cuh:${line%%:*}
    seen "a missing barrier" "$@"
    unset LEHR_DEVICE_SKIP
}

# A shared array that is too short. Of source alone: device/test_ptx.sh shows it of PTX.
with_short_array() {
    sed -i 's/__shared__ float lane\[LEHR_LANES\]/__shared__ float lane[LEHR_LANES - 64]/' \
        "$tree/kernels/cuda/tiled.cuh"
    build address,undefined "$1" shim || { fail "a short array: no build"; return; }
    seen "a short array" "$1" shim
}

# ---- All ---------------------------------------------------------------------------------------------------

for sanitizer in address,undefined thread; do
    folder=$scratch/${sanitizer%%,*}
    for device in $devices; do
        build $sanitizer "$folder" $device || { fail "$sanitizer, $device: no build"; continue; }
        clean "$sanitizer, $device" "$folder" $device
        [ $sanitizer != thread ] || without_barrier "$folder" $device
    done
done
with_short_array "$scratch/address"
exit $((failures > 0))
