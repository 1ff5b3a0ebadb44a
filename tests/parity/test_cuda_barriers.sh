#!/bin/bash
# Is every barrier of the kernels needed, and would its loss be seen? The kernels are compiled for the test device
# under TSan from a copy in which each barrier can be left out by LEHR_DROP=FILE:LINE. With all barriers no
# race may be reported; without any one of them a race, a deadlock or other bits must be, unless it is listed
# below as redundant, with the reason, and then nothing may be.
#
# No CMake here: the sources alone, so that the flags are exactly those below.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}

# Nothing of the build folder is used, so once, in the optimized build, is enough.
cache=${LEHR_BUILD_DIR:-}/CMakeCache.txt
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "barriers are dropped in one build only"
        exit 77
    fi
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A barrier is redundant here for a reason: the file, a part of its line, why.
redundant="
"

# ---- Build -------------------------------------------------------------------------------------------------

mkdir -p "$scratch/kernels" "$scratch/objects" "$scratch/generated/base"
cp -r "$source"/kernels/* "$scratch/kernels"
printf '#define LEHR_%s "test"\n' VERSION COMMIT > "$scratch/generated/base/version.h"
cat > "$scratch/kept.h" <<'END'
#include <cstdlib>
#include <cstring>
/* Does the barrier at this place stand? */
static inline bool lehr_kept(const char *place)
{
    static const char *const dropped = getenv("LEHR_DROP");
    return !dropped || strcmp(dropped, place) != 0;
}
END

barriers="" # FILE:LINE of each
for file in "$scratch"/kernels/cuda/*.cuh; do
    name=$(basename "$file")
    for line in $(grep -nE '(team::sync|__syncthreads|__syncwarp)\(' "$file" | cut -d: -f1); do
        kept="{ if (lehr_kept(\"$name:$line\")) \1(\2); }"
        sed -i -E "${line}s/(team::sync|__syncthreads|__syncwarp)\(([^)]*)\);/$kept/" "$file"
        barriers="$barriers $name:$line"
    done
done

common="-O1 -g -ffp-contract=off -fno-math-errno -fno-trapping-math -w -I$scratch/kernels -I$source/include
    -I$source/src -I$source/tests -I$scratch/generated"
host="-std=c17 -D_POSIX_C_SOURCE=200809L $common -I$source/tests/device/shim"

# compile COMPILER FLAGS... FILE: into the objects; file names repeat between folders.
count=0
compile() {
    count=$((count + 1))
    "$@" -c -o "$scratch/objects/$count.o" || { echo "does not build: ${*: -1}"; exit 1; }
}
for file in "$source"/src/{base,model,temper,run}/*.c "$source"/kernels/cpu/[!l]*.c \
    "$source"/tests/support/{cases,devices}.c \
    "$source"/tests/parity/cuda_driver.c "$source"/tests/device/*absent.c; do
    [[ $file == */comm_mpi.c ]] || compile gcc $host "$file"
done
for file in "$source"/kernels/cpu/lanes*.c; do
    compile gcc $host -DLEHR_ISA=plain "$file"
    [ "$(uname -m)" != x86_64 ] || compile gcc $host -march=x86-64-v3 -DLEHR_ISA=v3 "$file"
done
for file in "$scratch"/kernels/cuda/*.c; do # what loads libraries has a stand-in
    [[ $(basename "$file") =~ ^(absent|blas|jit)\.c$ ]] || compile gcc $host "$file"
done
# What the scheduler does must not be seen by TSan: it is told by annotations.
for file in "$source"/tests/device/*.cpp; do
    compile g++ -std=c++17 $common -I"$source/tests/device/shim" -DLEHR_DEVICE_TSAN "$file"
done
for file in "$scratch"/kernels/cuda/*.cu; do
    compile g++ -std=c++17 $common -I"$source/tests/device/shim" -fsanitize=thread -include "$scratch/kept.h" \
        -x c++ "$file"
done
g++ -fsanitize=thread -rdynamic "$scratch"/objects/*.o -o "$scratch/driver" -lz -llapack -lm -lpthread -ldl || exit 1

# ---- Drop --------------------------------------------------------------------------------------------------

export TSAN_OPTIONS=exitcode=98:halt_on_error=1

# What the kernels of a file are driven with, the likely ones first.
ways() {
    case $1 in
    tiled.cuh:*) echo tiled ;;
    scan.cuh:* | team.cuh:* | score.cuh:*) echo 64 32 tiled ;;
    *) echo 64 tiled ;;
    esac
}

# verdict PLACE: how the loss is seen, or "silent".
verdict() {
    local way status
    for way in $(ways "$1"); do
        LEHR_DROP=$1 timeout 120 "$scratch/driver" "$way" > "$scratch/out" 2>&1
        status=$?
        case $status in
        0) continue ;;
        1) echo "other bits ($way)" ;;
        98) echo "race ($way): $(grep -m1 -o '#0 [a-z_]*[^ ]* *[^ ]*' "$scratch/out" | tail -c 60)" ;;
        99) echo "the test device ($way): $(tail -n 1 "$scratch/out" | head -c 100)" ;;
        *) echo "exit status $status ($way)" ;;
        esac
        return
    done
    echo silent
}

failures=0
for way in 32 64 tiled; do
    for blocks in "" apart; do
        [ "$way $blocks" != "tiled apart" ] || continue # too many blocks for TSan to keep apart
        if ! LEHR_DEVICE_BLOCKS=$blocks "$scratch/driver" "$way" > "$scratch/out" 2>&1; then
            echo "with all barriers, $way, blocks ${blocks:-in order}:"
            head -n 40 "$scratch/out"
            failures=$((failures + 1))
        fi
    done
done
[ "$(wc -w <<< "$barriers")" -ge 10 ] || { echo "barriers found: $barriers"; failures=$((failures + 1)); }
for place in $barriers; do
    text=$(sed -n "${place#*:}p" "$source/kernels/cuda/${place%:*}" | sed 's/^ *//')
    seen=$(verdict "$place")
    reason=$(awk -F'|' -v file="${place%:*}" -v text="$text" \
        '$1 == file && index(text, $2) { print $3 }' <<< "$redundant")
    echo "$place  $text  ->  $seen${reason:+ (redundant: $reason)}"
    if [ "$seen" = silent ] && [ -z "$reason" ]; then
        failures=$((failures + 1))
    elif [ "$seen" != silent ] && [ -n "$reason" ]; then
        echo "$place is needed after all"
        failures=$((failures + 1))
    fi
done
exit $((failures > 0))
