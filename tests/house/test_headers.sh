#!/usr/bin/env bash
# Every header compiles alone, as C17; the doors and the mathematics also as C++17, where a C++ compiler is. Those
# of kernels/cuda are seen through the headers of the test device, and those of kernels only as C++; fixed.cuh
# is a pattern that needs the macros of one network.
set -u
root=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$root" || exit 1
roots="-I include -I kernels -I src -I ${LEHR_BUILD_DIR:-build}/generated"
device="-I tests/device/shim -I tests"
warnings="-Wall -Wextra -Wno-unused-function -Werror"
count=0 failed=0

# compile COMMAND... FILE: the header as the only include of an empty file
compile() {
    local header=${*: -1}
    set -- "${@:1:$#-1}"
    local name=${header#*/}
    count=$((count + 1))
    echo "#include \"$name\"" | "$@" $roots $device $warnings -fsyntax-only - || {
        echo "$header does not compile alone: $*"
        failed=1
    }
}

for header in $(find include kernels src -name '*.h' ! -name 'lanes_isa.h' ! -path '*/cuda/launch.h' | sort); do
    compile "${CC:-cc}" -std=c17 -D_POSIX_C_SOURCE=200809L -x c "$header"
done
if command -v c++ >/dev/null; then
    for header in include/lehr/*.h kernels/core/*.h kernels/cuda/*.cuh kernels/cuda/launch.h; do
        [ "$header" = kernels/cuda/fixed.cuh ] || compile c++ -std=c++17 -Wno-unknown-pragmas -x c++ "$header"
    done
fi
[ $failed -eq 0 ] && echo "$count headers compile alone"
exit $failed
