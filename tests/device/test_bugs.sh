#!/usr/bin/env bash
# The test device (fibers.h, runtime.h, shim/) must see the bugs that bugs/kernels.cu and bugs/cases.cu plant,
# and be silent where there is none. Needs only g++; with the CUDA Toolkit its header is compared too.
#
# Three builds: plain; ASan + UBSan; TSan, where blocks run in turn or apart (LEHR_DEVICE_BLOCKS=apart).
# No CMake: the flags are exactly those below. 80 s on one core.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
device=$source/tests/device

# Nothing of the build folder is used, so once, in the optimized build, is enough.
cache=${LEHR_BUILD_DIR:-}/CMakeCache.txt
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "the test device is tested from the optimized build"
        exit 77
    fi
fi
command -v g++ > /dev/null || { echo "no g++"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset "${!LEHR_DEVICE_@}"
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# ---- builds ----

warnings="-Wall -Wextra -Werror"
parts="copies fibers launch memory runtime state switch waits"
include="-I$device/shim -I$source/tests -I$device"
asan="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fsanitize-sections=lehr_shared"
compile() { # OBJECT FLAGS... FILE
    local object=$1
    shift
    g++ -std=c++17 -O1 -ffp-contract=off $warnings $include -c -o "$object" -x c++ "$@"
}

# build MODE "KERNEL FLAGS" "RUNTIME FLAGS": $scratch/example_MODE and $scratch/cases_MODE
build() {
    local mode=$1 kernel_flags=$2 runtime_flags=$3 part folder=$scratch/$1
    mkdir "$folder"
    for part in $parts; do
        compile "$folder/$part.o" $runtime_flags "$device/$part.cpp" || return 1
    done
    compile "$folder/example" $kernel_flags "$device/bugs/kernels.cu" &&
        compile "$folder/cases" $kernel_flags "$device/bugs/cases.cu" &&
        gcc -std=c17 -O1 -ffp-contract=off $warnings $include $kernel_flags \
            -c -o "$folder/main" "$device/bugs/main.c" &&
        g++ $kernel_flags "$folder"/{example,main} "$folder"/*.o -o "$scratch/example_$mode" &&
        g++ $kernel_flags "$folder/cases" "$folder"/*.o -o "$scratch/cases_$mode"
}

build plain "" "" && build asan "$asan" "$asan" &&
    build tsan -fsanitize=thread -DLEHR_DEVICE_TSAN || { echo "does not build"; exit 1; }

# Contexts of machines that have no assembler part of their own.
portable() {
    local part
    mkdir "$scratch/portable"
    cp "$scratch"/plain/*.o "$scratch/portable"
    for part in switch fibers waits; do
        compile "$scratch/portable/$part.o" -DLEHR_DEVICE_UCONTEXT "$device/$part.cpp" || return 1
    done
    g++ "$scratch"/plain/{example,main} "$scratch"/portable/*.o -o "$scratch/example_portable"
}
portable || fail "does not build with ucontext"

# ---- verdicts ----

runs=0
# silent COMMAND...: status 0, nothing on stderr, equal to plain C.
silent() {
    runs=$((runs + 1))
    "$@" > "$scratch/out" 2> "$scratch/err" && [ ! -s "$scratch/err" ] && return
    fail "not silent: $*"
    head -5 "$scratch/err" "$scratch/out"
}

# seen PATTERN COMMAND...: another status, and the pattern in what it says.
seen() {
    local pattern=$1
    shift
    runs=$((runs + 1))
    "$@" > "$scratch/out" 2>&1 && { fail "not seen: $*"; return; }
    grep -aEq "$pattern" "$scratch/out" && return
    fail "no '$pattern' from: $*"
    head -5 "$scratch/out"
}

example=$scratch/example
many="5 130 32" # steps, chains, threads: more than one block trades temperatures
apart="env LEHR_DEVICE_BLOCKS=apart"
orders="forward reverse random:1 random:2 random:3"

# The program without a bug, and the harmless control (bug 2).
for bug in 0 2; do
    for order in $orders; do
        silent env LEHR_DEVICE_ORDER=$order "${example}_plain" $bug
    done
    for mode in asan tsan; do
        silent "${example}_$mode" $bug
        silent env LEHR_DEVICE_ORDER=random:4 "${example}_$mode" $bug
    done
    silent $apart "${example}_tsan" $bug
done
silent $apart "${example}_tsan" 0 $many
silent env LEHR_DEVICE_STREAMS=late "${example}_asan" 0
silent "${example}_portable" 0
silent env LEHR_DEVICE_ORDER=random:1 "${example}_portable" 0

# Every real bug, by each way that must see it.
race='WARNING: ThreadSanitizer: data race'
poison='AddressSanitizer: use-after-poison'
seen "$race" "${example}_tsan" 1
seen 'wrote 0 bytes behind its [0-9]+ bytes of dynamic shared' "${example}_plain" 3
seen "$poison" "${example}_asan" 3
seen 'index 32 out of bounds' "${example}_asan" 4
seen "$race" "${example}_tsan" 5
seen "$race" "${example}_tsan" 6
for order in $orders; do
    seen '^DIFFERENT' env LEHR_DEVICE_ORDER=$order "${example}_plain" 6
    seen 'divergent __syncthreads: this thread at .*kernels.cu:[0-9]+, others at .*kernels.cu:[0-9]+' \
        env LEHR_DEVICE_ORDER=$order "${example}_plain" 7
    seen 'deadlock in block \(0,0,0\)' env LEHR_DEVICE_ORDER=$order "${example}_plain" 14
    seen 'thread\(s\) (wait at|of the block returned)|thread returned while' \
        env LEHR_DEVICE_ORDER=$order "${example}_plain" 15
done
seen "$race" "${example}_tsan" 8
seen "$race" $apart "${example}_tsan" 9
seen "$race" $apart "${example}_tsan" 10 $many
seen "$race" "${example}_tsan" 11
seen 'example_steps: allocation 1 of device 0 \(.*\) was written 1 bytes behind' "${example}_plain" 12
seen "$poison" "${example}_asan" 12
seen "$race" $apart "${example}_tsan" 12
seen '^DIFFERENT' "${example}_plain" 13
seen 'example_steps: argument 0 holds 0x[0-9a-f]+ .*no device memory' "${example}_plain" 16
seen "$poison" "${example}_asan" 17

# Each barrier left out in turn: TSan sees it whatever the numbers say, but for the redundant one.
barriers=0
while IFS=: read -r line text; do
    barriers=$((barriers + 1))
    case $text in
    *redundant*) silent env LEHR_DEVICE_SKIP=kernels.cu:$line "${example}_tsan" ;;
    *) seen "$race" env LEHR_DEVICE_SKIP=kernels.cu:$line "${example}_tsan" ;;
    esac
done < <(grep -n '__syncthreads();' "$device/bugs/kernels.cu")
[ $barriers -eq 7 ] || fail "$barriers barriers left out, 7 expected"
# Barriers of warps in the same way; they order nothing but their own lanes.
barriers=0
while IFS=: read -r line text; do
    barriers=$((barriers + 1))
    seen "$race" env LEHR_DEVICE_SKIP=$line "$scratch/cases_tsan"
done < <(grep -n 'ordering \*/' "$device/bugs/cases.cu")
[ $barriers -eq 4 ] || fail "$barriers barriers of warps left out, 4 expected"
silent env LEHR_DEVICE_SKIP=other.cu:124 "${example}_tsan"

# ---- the runtime ----

for mode in plain asan tsan; do
    silent "$scratch/cases_$mode"
    silent env LEHR_DEVICE_STREAMS=late "$scratch/cases_$mode"
done
while read -r mode name pattern; do
    seen "$pattern" "$scratch/cases_$mode" "$name"
done << 'END'
plain host_pointer poke: argument 0 holds .* at byte 8, which is no device memory
asan host_pointer poke: argument 0 holds .* at byte 8, which is no device memory
plain host_pointer_alone store: argument 0 is .*, which is no device memory
plain freed_pointer poke: argument 0 holds .*, which is no device memory: of the host, or freed
plain other_device poke: argument 0 holds .*, which is memory of another device
plain behind allocation 1 of device 0 \(128 bytes\) was written 1 bytes behind its last byte
plain before allocation 1 of device 0 \(128 bytes\) was written 4 bytes before its first byte
asan behind use-after-poison
asan before use-after-poison
asan host_write use-after-poison
plain behind_dynamic kernel shared: the kernel wrote 0 bytes behind its 20 bytes of dynamic shared memory
asan behind_dynamic use-after-poison
asan behind_static global-buffer-overflow
plain odd_block a block of 48 threads is no multiple of 32
plain mask_without_self cases.cu:[0-9]+: lane 0 calls a warp intrinsic whose mask 00000002 does not name it
plain mask_with_returned mask ffffffff names lane 0, which has returned
plain divergent_warp divergent warp intrinsic: lane 1 at .*cases.cu:[0-9]+, others at .*cases.cu:[0-9]+
tsan shuffle_as_barrier ThreadSanitizer: data race
END
silent $apart "$scratch/cases_tsan"
silent "$scratch/cases_tsan" blocks_apart
seen "$race" $apart "$scratch/cases_tsan" blocks_apart

# The same orders from outside: every call of the example in turn, once and for good.
calls=$(LEHR_DEVICE_TRACE=1 "${example}_plain" 2>&1 | grep -c '^test device: call [0-9]* [a-zA-Z0-9_]*: 0$')
[ "$calls" -gt 30 ] || fail "only $calls calls traced"
for ((n = 1; n <= calls; n++)); do
    seen '^ERROR' env LEHR_DEVICE_FAIL=$n:700 "${example}_plain"
    seen '^ERROR' env LEHR_DEVICE_FAIL=$n:719:sticky "${example}_plain"
done
silent env LEHR_DEVICE_FAIL=$n:700:sticky "${example}_plain"
seen 'is not N:CODE' env LEHR_DEVICE_FAIL=1,700 "${example}_plain"
seen '^ERROR' env LEHR_DEVICE_COUNT=0 "${example}_plain"
seen '^ERROR' env LEHR_DEVICE_COUNT=-1 "${example}_plain"
seen '^ERROR' env LEHR_DEVICE_MEMORY=2048 "${example}_plain"
seen 'is not forward, reverse or random' env LEHR_DEVICE_ORDER=sideways "${example}_plain"

# ---- the header in C, against the toolkit's ----

abi() { # NAME FLAGS...
    local name=$1
    shift
    gcc -std=c17 $warnings "$@" -c -o "$scratch/abi.$name" "$device/bugs/abi.c" &&
        g++ "$scratch/abi.$name" "$scratch"/plain/*.o -o "$scratch/abi_$name" &&
        "$scratch/abi_$name" > "$scratch/abi.$name.txt"
}
abi shim -pedantic "-I$device/shim" || fail "the shim's header is no C17"
toolkit=${CUDA_PATH:-/usr/local/cuda}/include
if [ -f "$toolkit/cuda_runtime_api.h" ]; then
    abi toolkit -isystem "$toolkit" || fail "bugs/abi.c does not compile with the toolkit"
    diff "$scratch/abi.shim.txt" "$scratch/abi.toolkit.txt" || fail "numbers differ from the toolkit's"
else
    echo "no CUDA Toolkit: numbers not compared"
fi

echo "$runs runs, $failures failures"
exit $((failures > 0))
