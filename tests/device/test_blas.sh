#!/usr/bin/env bash
# kernels/cuda/blas.c, which finds cuBLAS at run time, against libraries made for it: none that can be loaded, an
# older one, one that lacks a function, one of another version; then the real one where the machine has it.
# Also: the header that stands in for cuBLAS's says what the toolkit's says. No GPU is needed.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
shim=$source/tests/device/shim
toolkit=${CUDA_PATH:-/usr/local/cuda}/include

# Nothing of the build folder is used, so once, in the optimized build, is enough.
cache=${LEHR_BUILD_DIR:-}/CMakeCache.txt
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "the loader of cuBLAS is tested from the optimized build"
        exit 77
    fi
fi
cc=${CC:-cc}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

flags="-std=c17 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -I$source/kernels -I$source/include -I$source/src"

# ---- the program ----

cat > "$scratch/main.c" <<'END'
#include <stdio.h>
#include "cuda/blas.h"
int main(void)
{
    lehr_blas blas;
    const lehr_status status = lehr_blas_load(&blas);
    puts(status == LEHR_OK ? "loaded" : lehr_error());
    return status == LEHR_OK ? 0 : status == LEHR_ERR_DEVICE ? 1 : 2;
}
END
# shellcheck disable=SC2086
$cc $flags -I"$shim" -o "$scratch/load" "$scratch/main.c" "$source/kernels/cuda/blas.c" \
    "$source"/src/base/{status,text,memory}.c -lm -ldl || exit 1

# ---- libraries ----

# make_library FILE MAJOR [WITHOUT]: every function that is looked for but one.
make_library() {
    local without=${3:-none} functions=""
    for name in cublasCreate_v2 cublasDestroy_v2 cublasSetStream_v2 cublasSetWorkspace_v2 \
        cublasGemmStridedBatchedEx; do
        [ "$name" = "$without" ] || functions+="int $name(void) { return 15; }"$'\n'
    done
    printf '%s' "$functions" > "$scratch/library.c"
    cat >> "$scratch/library.c" <<END
int cublasGetProperty(int type, int *value) { *value = type == 0 ? $2 : 1; return 0; }
const char *cublasGetStatusName(int status) { return status == 0 ? "fine" : "not fine"; }
END
    $cc -shared -fPIC -o "$1" "$scratch/library.c"
}

# expect EXIT SENTENCE: what the program says with the libraries of this folder first.
expect() {
    local said status
    said=$(LD_LIBRARY_PATH=$scratch/lib "$scratch/load" 2>&1)
    status=$?
    if [ "$status" != "$1" ] || [[ "$said" != *"$2"* ]]; then
        fail "exit $status and '$said' instead of $1 and '$2'"
    fi
}

garbage() {
    echo "no library" > "$1"
}

mkdir "$scratch/lib"
garbage "$scratch/lib/libcublas.so.13"
garbage "$scratch/lib/libcublas.so.12"
expect 1 "numerics: fast needs cuBLAS, but neither libcublas.so.13 nor libcublas.so.12 can be loaded ("
make_library "$scratch/lib/libcublas.so.12" 12
expect 0 loaded
make_library "$scratch/lib/libcublas.so.13" 13
garbage "$scratch/lib/libcublas.so.12"
expect 0 loaded
make_library "$scratch/lib/libcublas.so.13" 13 cublasSetWorkspace_v2
expect 1 "numerics: fast needs cublasSetWorkspace_v2, which libcublas.so.13 lacks"
make_library "$scratch/lib/libcublas.so.13" 11
expect 1 "libcublas.so.13 says that it is cuBLAS 11"

# ---- the real one ----

rm "$scratch"/lib/*
if ldconfig -p 2>/dev/null | grep -Eq 'libcublas\.so\.1[23] '; then
    expect 0 loaded
else
    echo "no cuBLAS on this machine"
fi

# Signatures and numbers of the shim's header, with the toolkit's: pointers of one go into fields of the other.
if [ -f "$toolkit/cublas_v2.h" ]; then
    sed -n '/cublasStatus_t cublas/,/;/p' "$shim/cublas_v2.h" > "$scratch/prototypes.h"
    cat > "$scratch/same.c" <<'END'
#include <cublas_v2.h>
#include "prototypes.h"
_Static_assert(CUBLAS_STATUS_SUCCESS == 0 && CUBLAS_STATUS_NOT_INITIALIZED == 1, "status");
_Static_assert(CUBLAS_STATUS_ALLOC_FAILED == 3 && CUBLAS_STATUS_INVALID_VALUE == 7, "status");
_Static_assert(CUBLAS_STATUS_EXECUTION_FAILED == 13 && CUBLAS_STATUS_NOT_SUPPORTED == 15, "status");
_Static_assert(CUBLAS_OP_N == 0 && CUBLAS_OP_T == 1 && CUBLAS_GEMM_DEFAULT == -1, "operations");
_Static_assert(CUBLAS_COMPUTE_32F == 68 && CUBLAS_COMPUTE_32F_FAST_TF32 == 77, "computing");
_Static_assert(CUDA_R_32F == 0 && MAJOR_VERSION == 0 && PATCH_LEVEL == 2, "types");
END
    $cc -std=c17 -fsyntax-only -I"$scratch" -isystem "$toolkit" "$scratch/same.c" ||
        fail "the shim's cublas_v2.h is not the toolkit's"
fi

[ "$failures" = 0 ] && echo "cuBLAS is found, or missed in clear words"
exit $((failures > 0))
