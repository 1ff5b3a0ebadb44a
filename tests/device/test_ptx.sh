#!/bin/bash
# The second path of the test device: what nvcc really emitted, translated by ptx/ptx2c.py, on CPU fibers.
#
#   table       every instruction of ptx/cases.txt against plain C++; ptxas accepts each; a planted fault is seen
#   refusals    what is not known, or not exact, stops the translation with its line
#   features    shuffles, votes, atomics, vectors, constants, cuRAND's Philox, against plain C++
#   same bits   functions of core/ in nvcc's PTX and in C; contraction is told apart; kernels loaded as text
#   bugs        the 17 planted ones of bugs/kernels.cu: each is seen by the mode that should see it
#
# Needs nvcc, python3 and g++, no GPU. No CMake here: the flags are those of ptx/build.sh. 85 s on one core.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
export LEHR_SOURCE_DIR=$source

# Nothing of the build folder is used, so once, in the optimized build, is enough.
cache=${LEHR_BUILD_DIR:-}/CMakeCache.txt
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "PTX is run from the optimized build"
        exit 77
    fi
fi
PATH=$PATH:/usr/local/cuda/bin
for tool in nvcc ptxas python3 g++ gcc; do
    command -v $tool > /dev/null || { echo "$tool is not here"; exit 77; }
done
device=$source/tests/device
unset CC CXX ASAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS
unset "${!LEHR_DEVICE_@}" "${!LEHR_PTX_@}" "${!PTX_@}"
. "$device/ptx/build.sh"
core=(-I"$source/kernels" -I"$source/include")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{table,features,bits,fused,runtime_{plain,asan,tsan},bugs_{plain,asan,tsan}}
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# ---- the table of instructions ----

# table_with TRANSLATOR: build and run the table; the checks were compiled before.
table_with() {
    python3 -B "$1" "$scratch/table/cases.ptx" "$scratch/table/kernels.cpp" &&
        g++ @"$device/ptx/flags.txt" "${ptx_machine[@]}" "${ptx_includes[@]}" \
            -c "$scratch/table/kernels.cpp" -o "$scratch/table/kernels.o" &&
        g++ "$scratch"/table/{kernels,checks}.o "$scratch/runtime_plain/runtime.o" \
            -o "$scratch/table/table" && "$scratch/table/table"
}

test_table() {
    local mutant=$scratch/mutant
    python3 -B "$device/ptx/make_cases.py" "$scratch/table/cases.ptx" "$scratch/table/cases.h" || return 1
    ptxas -arch=sm_90 "$scratch/table/cases.ptx" -o "$scratch/table/cubin" || return 1
    g++ @"$device/ptx/flags.txt" "${ptx_machine[@]}" "${ptx_includes[@]}" -I"$scratch/table" \
        -c "$device/ptx/cases.cpp" -o "$scratch/table/checks.o" || return 1
    table_with "$device/ptx/ptx2c.py" || return 1
    mkdir "$mutant" && cp "$device"/ptx/*.py "$mutant" &&
        sed -i 's/"lt": "<"/"lt": "<="/' "$mutant/arithmetic.py"
    table_with "$mutant/ptx2c.py" > "$scratch/mutant.log" && { echo "NOT SEEN: < as <="; return 1; }
    grep -q '^setp.lt.s32 .*: of 0 0 0: 1' "$scratch/mutant.log" || { cat "$scratch/mutant.log"; return 1; }
}

# ---- refusals ----

# refused MESSAGE [--exact] INSTRUCTION: a kernel with it is not translated, and the message says why.
refused() {
    local message=$1 exact="" said
    shift
    [ "$1" != --exact ] || { exact=$1; shift; }
    printf '.version 8.3\n.target sm_90\n.address_size 64\n.entry k()\n{\n.reg .b32 %%r<9>;\n%s %s\n%s\n}\n' \
        ".reg .f32 %f<9>; .reg .b64 %rd<9>; .reg .pred %p<9>; .reg .f64 %fd<9>;" \
        ".reg .b16 %h<9>;" "$1" > "$scratch/refused.ptx"
    if said=$(python3 -B "$device/ptx/ptx2c.py" $exact "$scratch/refused.ptx" "$scratch/refused.cpp" 2>&1); then
        fail "translated: $1"
    elif ! grep -q -- "$message" <<< "$said" || ! grep -q 'line 8\|refused.ptx:8' <<< "$said"; then
        fail "$1: said: $said"
    fi
}

test_refusals() {
    refused "unknown instruction wgmma" "wgmma.fence.sync.aligned;"
    refused "unknown instruction call" "call foo;"
    refused "unknown modifier .rz" "cvt.rn.rz.f32.s32 %f1, %r1;"
    refused "unknown modifier .rm" "add.rm.f32 %f1, %f2, %f3;"
    refused "unknown modifier .noftz" "atom.global.add.noftz.u32 %r1, [%rd1], %r2;"
    refused "type .f16" "add.f16 %h1, %h2, %h3;"
    refused "type .f16" "atom.global.add.noftz.f16 %h1, [%rd1], %h2;"
    refused "not defined" "activemask.b32 %r1;"
    refused "only barrier 0" "bar.sync 1, 64;"
    refused "unknown register %q7" "add.s32 %r1, %q7, %r2;"
    refused "narrower" "add.s64 %rd1, %r1, %rd2;"
    refused "unknown directive" ".noinline;"
    refused "unknown form" "add.s32 %r1, %r2;"
    refused "needs .rn" "fma.rz.f32 %f1, %f2, %f3, %f4;"
    refused "contract" --exact "mul.f32 %f1, %f2, %f3;"
    refused "not exact" --exact "ex2.approx.f32 %f1, %f2;"
    refused "not exact" --exact "div.full.f32 %f1, %f2, %f3;"
    refused "not exact" --exact "add.rn.ftz.f32 %f1, %f2, %f3;"
    refused "not exact" --exact "red.global.add.f32 [%rd1], %f2;"
    printf '.version 8.3\n.target sm_90\n.func f() { ret; }\n' > "$scratch/refused.ptx"
    python3 -B "$device/ptx/ptx2c.py" "$scratch/refused.ptx" "$scratch/refused.cpp" 2>&1 |
        grep -q 'line 3: .func' || fail ".func was not refused"
}

# ---- features ----

test_features() {
    ptx_kernels plain "$scratch/features" "$device/ptx/features.cu" "${core[@]}" &&
        ptx_translate plain "$scratch/features" "$scratch/features/features.ptx" &&
        ptx_link plain "$scratch/features/features" "$scratch"/{features,runtime_plain}/*.o &&
        "$scratch/features/features"
}

# ---- same bits ----

# bits_in FOLDER: the program of kernels made there.
bits_in() {
    ptx_kernels plain "$scratch/$1" "$device/ptx/same_bits.cu" "${core[@]}" &&
        ptx_translate plain "$scratch/$1" "$scratch/$1/same_bits.ptx" &&
        ptx_link plain "$scratch/$1/same_bits" "$scratch/$1"/*.o "$scratch/same_bits_host.o" \
            "$scratch"/runtime_plain/*.o
}

test_same_bits() {
    local arch
    ptx_host plain "$scratch" "$device/ptx/same_bits.c" "${core[@]}" && bits_in bits || return 1
    mkdir "$scratch/cache"
    LEHR_PTX_CACHE=$scratch/cache "$scratch/bits/same_bits" "$scratch/bits/same_bits.ptx" \
        2> "$scratch/bits/log" || return 1
    LEHR_PTX_CACHE=$scratch/cache LEHR_PTX_CXX=false "$scratch/bits/same_bits" \
        "$scratch/bits/same_bits.ptx" > /dev/null 2>&1 || { echo "the cache was not used"; return 1; }
    grep -q 'kernels.ptx:[0-9]*: wrong: unknown register' "$scratch/bits/log" || return 1
    for arch in 80 120; do
        nvcc -std=c++17 -fmad=false -arch=compute_$arch -ptx "${ptx_includes[@]}" "${core[@]}" \
            "$device/ptx/same_bits.cu" -o "$scratch/bits/$arch" &&
            python3 -B "$device/ptx/ptx2c.py" --exact "$scratch/bits/$arch" "$scratch/bits/$arch.cpp" ||
            return 1
    done
    # The negative control: nvcc may contract.
    PTX_FMAD=true bits_in fused 2>&1 | grep -q contract || { echo "contraction was not refused"; return 1; }
    PTX_FMAD=true PTX_LOOSE=1 bits_in fused &&
        "$scratch/fused/same_bits" "$scratch/bits/same_bits.ptx" > "$scratch/fused/log" 2>&1
    grep '^linked: contracted: ' "$scratch/fused/log" || { echo "contraction was not seen"; return 1; }
}

# ---- planted bugs ----

build_bugs() {
    local mode=$1
    ptx_kernels "$mode" "$scratch/bugs_$mode" "$device/bugs/kernels.cu" &&
        ptx_translate "$mode" "$scratch/bugs_$mode" "$scratch/bugs_$mode/kernels.ptx" &&
        ptx_host "$mode" "$scratch/bugs_$mode" "$device/bugs/main.c" &&
        ptx_link "$mode" "$scratch/$mode" "$scratch/bugs_$mode"/*.o "$scratch/runtime_$mode"/*.o
}

# verdict "BUG [SIZES]" MODE PATTERN: the program with this bug says so.
verdict() {
    local bug=$1 mode=$2 pattern=$3 blocks=turn said
    [ "$mode" != apart ] || { mode=tsan; blocks=apart; }
    said=$(LEHR_DEVICE_BLOCKS=$blocks timeout 60 "$scratch/$mode" $bug 2>&1)
    grep -aqE "$pattern" <<< "$said" || fail "bug $bug, $2: no '$pattern' in: $(head -c 600 <<< "$said")"
}

# silent BUG MODE [ORDER]: the right result and nothing else.
silent() {
    local mode=$2 blocks=turn said
    [ "$mode" != apart ] || { mode=tsan; blocks=apart; }
    said=$(LEHR_DEVICE_BLOCKS=$blocks LEHR_DEVICE_ORDER=${3:-forward} "$scratch/$mode" "$1" 2>&1) &&
        grep -q '^IDENTICAL: ' <<< "$said" && [ "$(wc -l <<< "$said")" -eq 1 ] ||
        fail "bug $1, $2 $3: not silent: $(head -c 600 <<< "$said")"
}

test_bugs() {
    local mode bug order race='SUMMARY: .*data race .*kernels\.cu:[0-9]+'
    local poison='SUMMARY: .*use-after-poison .*kernels\.cu:[0-9]+'
    for mode in plain asan tsan; do
        build_bugs $mode || return 1
        silent 0 $mode ""
        silent 2 $mode ""
    done
    silent 0 apart ""
    for order in reverse random:1 random:2 random:3; do
        silent 0 plain $order
    done
    for bug in 1 5 6 8 11; do
        verdict $bug tsan "$race"
    done
    verdict 9 apart "$race"
    verdict "10 5 130 32" apart "$race" # two blocks trade temperatures
    for bug in 3 4 12 17; do
        verdict $bug asan "$poison"
    done
    verdict 3 plain 'wrote 0 bytes behind its [0-9]+ bytes of dynamic shared memory'
    verdict 4 plain 'wrote 0 bytes behind a shared variable'
    verdict 7 plain 'divergent __syncthreads: this thread at kernels\.cu:[0-9]+'
    verdict 9 plain '^DIFFERENT'
    verdict 12 plain 'allocation [0-9]+ of device 0 .*behind its last byte'
    verdict 13 plain '^DIFFERENT'
    verdict 14 plain 'deadlock in block'
    verdict 15 plain 'thread returned while [0-9]+ thread\(s\) wait at __syncthreads kernels\.cu:[0-9]+'
    verdict 16 plain 'is no device memory'
    test_barriers
}

# Each barrier left out in turn: the lines of the .cu file reach the fibers, and TSan sees it.
test_barriers() {
    local line text
    while IFS=: read -r line text; do
        export LEHR_DEVICE_SKIP=kernels.cu:$line
        case $text in
        *redundant*) silent 0 tsan "" ;;
        *) verdict 0 tsan "$race" ;;
        esac
    done < <(grep -n '__syncthreads();' "$device/bugs/kernels.cu")
    unset LEHR_DEVICE_SKIP
}

# ---- all ----

for mode in plain asan tsan; do
    ptx_runtime $mode "$scratch/runtime_$mode" || exit 1
done
for part in table refusals features same_bits bugs; do
    start=$SECONDS
    test_$part || fail "$part"
    echo "$part: $((SECONDS - start)) s"
done
exit $((failures > 0))
