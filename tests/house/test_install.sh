#!/usr/bin/env bash
# The installed library serves a program of somebody else's: static and shared, found by CMake and by
# pkg-config, from a tree that was moved after its installation.
#
# The kind that this build is not is built anew, without CUDA, for which test_cuda_install.sh has the time:
# `test_install.sh with-cuda`.
set -euo pipefail
cmake=${LEHR_CMAKE:-cmake}
cc=${CC:-cc}
consumer=$LEHR_SOURCE_DIR/tests/house/consumer
work=$(mktemp -d)
trap 'status=$?; [ $status -eq 0 ] || cat "$work/log"; rm -rf "$work"' EXIT

# use KIND PREFIX: build and run the consumer against an installed tree
use() {
    local kind=$1 prefix=$2 pkg_config=(pkg-config --cflags --libs lehr)
    local lib=$prefix/$(cd "$prefix" && dirname "$(find . -name 'liblehr.*' | head -1)")

    "$cmake" -S "$consumer" -B "$work/$kind-cmake" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log"
    "$cmake" --build "$work/$kind-cmake" >>"$work/log"
    "$work/$kind-cmake/consumer"

    [ "$kind" = static ] && pkg_config+=(--static)
    "$cc" -std=c17 "$consumer/consumer.c" -o "$work/$kind-pc" $(PKG_CONFIG_PATH=$lib/pkgconfig "${pkg_config[@]}")
    LD_LIBRARY_PATH=$lib "$work/$kind-pc"

    [ ! -x "$prefix/bin/lehr" ] || LD_LIBRARY_PATH=$lib "$prefix/bin/lehr" --version >/dev/null
    echo "$kind: the consumer builds and runs, by CMake and by pkg-config"
}

# install_and_use BUILD KIND
install_and_use() {
    "$cmake" --install "$1" --prefix "$work/installed" >"$work/log"
    mv "$work/installed" "$work/$2"
    use "$2" "$work/$2"
}

# This build as it is, and the other kind of library quickly, without optimization.
kind=static other=shared
if grep -q '^BUILD_SHARED_LIBS:BOOL=ON' "$LEHR_BUILD_DIR/CMakeCache.txt"; then
    kind=shared other=static
fi
install_and_use "$LEHR_BUILD_DIR" $kind

# PTX alone: what matters here is how it is linked.
cuda=(-DLEHR_CUDA=OFF)
[ "${1:-}" != with-cuda ] || cuda=(-DLEHR_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=90-virtual)
"$cmake" -S "$LEHR_SOURCE_DIR" -B "$work/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Debug \
         -DBUILD_SHARED_LIBS=$([ $other = shared ] && echo ON || echo OFF) -DLEHR_TESTS=OFF \
         "${cuda[@]}" >"$work/log"
"$cmake" --build "$work/build" -j 2 >>"$work/log"
install_and_use "$work/build" $other

# A shared library shows its doors and nothing else.
library=$(find "$work" -name 'liblehr.so' | head -1)
hidden=$(nm -D --defined-only "$library" | awk '{ print $3 }' | grep -v '^lehr_' || true)
doors=$(nm -D --defined-only "$library" | awk '$3 ~ /^lehr_/ { print $3 }' | sort)
declared=$(cat "$LEHR_SOURCE_DIR"/include/lehr/*.h | tr '\n' ' ' | grep -oE 'LEHR_API [^;(]*\(' |
           grep -oE 'lehr_[a-z0-9_]+\($' | tr -d '(' | sort -u)
if [ -n "$hidden" ] || [ "$doors" != "$declared" ]; then
    echo "exported and declared differ:"
    diff <(echo "$doors") <(echo "$declared") || true
    echo "$hidden"
    exit 1
fi
echo "shared: exactly the $(wc -l <<<"$doors") functions of include/lehr are exported"
