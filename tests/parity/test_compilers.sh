#!/bin/bash
# The same bits from every compiler: the engine and one table of cases (support/cases.c) are built by
# gcc and clang at -O1 and -O3, and the state hashes that the builds print must be equal, for the best
# kernels of this machine and for the plain ones. EXACT. Once more with a C library that is told to have
# neither AVX2 nor FMA: nothing of it decides a bit.
#
# No CMake here: the sources alone, so that the flags are exactly those below. 50 s on one core.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}

# Nothing of the build folder is used, so once, in the optimized build, is enough.
cache=${LEHR_BUILD_DIR:-}/CMakeCache.txt
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "compilers are compared from the optimized build"
        exit 77
    fi
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/generated/base"
printf '#define LEHR_%s "test"\n' VERSION COMMIT > "$scratch/generated/base/version.h"

flags="-std=c17 -D_POSIX_C_SOURCE=200809L -ffp-contract=off -fno-math-errno -fno-trapping-math -w
    -I$source/include -I$source/kernels -I$source/src -I$source/tests -I$scratch/generated"
v3=""
if [ "$(uname -m)" = x86_64 ]; then
    v3=yes
    flags="$flags -DLEHR_HAVE_V3"
fi

# compile FOLDER FLAGS... FILES: objects into their own folder, since file names repeat between folders.
compile() {
    mkdir -p "$1" && (cd "$1" && shift && "$compiler" $flags "$level" -c "$@")
}

# The driver, at $scratch/$compiler$level.
build() {
    local objects="$scratch/objects$compiler$level" folder
    local cpu=("$source"/kernels/cpu/[!l]*.c) lanes=("$source"/kernels/cpu/lanes*.c)
    for folder in base model temper run; do
        compile "$objects/$folder" $(ls "$source/src/$folder"/*.c | grep -v /comm_mpi.c) || return 1
    done
    compile "$objects/cpu" "${cpu[@]}" "$source/kernels/cuda/absent.c" || return 1
    compile "$objects/plain" -DLEHR_ISA=plain "${lanes[@]}" || return 1
    if [ -n "$v3" ]; then
        compile "$objects/v3" -march=x86-64-v3 -DLEHR_ISA=v3 "${lanes[@]}" || return 1
    fi
    compile "$objects/tests" "$source"/tests/{support/cases,support/devices,parity/hash_driver}.c || return 1
    "$compiler" "$objects"/*/*.o -o "$scratch/$compiler$level" -lz -llapack -lm -lpthread
}

# Old and new names of what glibc may use.
tunables=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX2_Usable,-FMA_Usable
failures=0
reference=""
# compare NAME COMMAND...: what the command prints, against the first one.
compare() {
    local name=$1 hashes
    shift
    if ! hashes=$("$@"); then
        echo "$name: the driver failed"
        failures=$((failures + 1))
    elif [ -z "$reference" ]; then
        reference=$hashes
        echo "$name: $(echo "$hashes" | wc -l) hashes"
        # The driver prints each case twice: kernels of this machine, then plain ones.
        [ "$(echo "$hashes" | sort -u | wc -l)" -eq "$(($(echo "$hashes" | wc -l) / 2))" ] ||
            { echo "$name: plain kernels differ"; failures=$((failures + 1)); }
    elif [ "$hashes" = "$reference" ]; then
        echo "$name: the same"
    else
        echo "$name: differs"
        diff <(echo "$reference") <(echo "$hashes") | grep '^>' | sort -u
        failures=$((failures + 1))
    fi
}

builds=0
built="" # the first build, at -O3: gcc contracts nothing at -O1
for compiler in gcc clang; do
    command -v $compiler > /dev/null || { echo "$compiler is not here"; continue; }
    for level in -O3 -O1; do
        if build; then
            : "${built:=$compiler $level}"
            compare "$compiler $level" "$scratch/$compiler$level"
            builds=$((builds + 1))
        else
            echo "$compiler $level: does not build"
            failures=$((failures + 1))
        fi
    done
done
[ $builds -gt 0 ] || { echo "no build"; [ $failures -gt 0 ] && exit 1; exit 77; }
# The negative control: kernels that may contract a*b + c and rearrange sums must be told apart. (Contraction
# alone no longer shows in these cases: chains are written as lehr_fma, and where acceptance counts as 0 or 1
# the last bit of a probability is nobody's.)
if [ -n "$v3" ]; then
    read -r compiler level <<< "$built"
    objects=$scratch/objects$compiler$level
    compile "$objects/v3" -march=x86-64-v3 -DLEHR_ISA=v3 -ffp-contract=fast -funsafe-math-optimizations \
        "$source"/kernels/cpu/lanes*.c
    "$compiler" "$objects"/*/*.o -o "$scratch/contracted" -lz -llapack -lm -lpthread
    different=$("$scratch/contracted" | diff - <(echo "$reference") | grep -c '^<')
    echo "$built, rearranged: $different hashes differ"
    [ "$different" -gt 0 ] || failures=$((failures + 1))
fi

for compiler in gcc clang; do
    [ -x "$scratch/$compiler-O3" ] || continue
    compare "$compiler -O3, a C library without AVX2 and FMA" \
        env GLIBC_TUNABLES=$tunables "$scratch/$compiler-O3"
    break
done
exit $((failures > 0))
