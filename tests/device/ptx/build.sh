#!/bin/bash
# build.sh OUT MODE FILES... [-- NVCC_FLAGS...]: a program whose kernels are nvcc's own PTX, run on CPU fibers.
#
# FILES: .cu (nvcc), .c and .cpp (the host compilers, with the toolkit's headers), .o. MODE: plain, asan, tsan.
# Sourced instead, it only defines the functions, one step each, which tests and build systems share.
#
# Kept exact: nvcc contracts nothing (-fmad=false) and the translator refuses what devices may compute differently
# (--exact) unless PTX_LOOSE is set; g++ contracts nothing either and has an fma instruction where the machine has
# (flags.txt, ptx_machine). PTX_ARCH is the virtual architecture, 90 without it; PTX_FMAD=true lets nvcc contract.
ptx_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ptx_includes=(-I"$ptx_folder/.." -I"$ptx_folder/../..")
ptx_nvcc=${NVCC:-nvcc}
ptx_cxx=${CXX:-g++}

ptx_machine=()
if grep -qw fma /proc/cpuinfo 2>/dev/null && [ "$(uname -m)" = x86_64 ]; then
    ptx_machine=(-march=x86-64-v3)
fi

# Flags of MODE for everything that CUDA threads or hosts run. Translated kernels stay at the -O1 of flags.txt:
# nvcc has optimized them already, and -O2 takes g++ three times as long for a few percent.
ptx_flags() {
    case $1 in
    plain) echo "" ;;
    asan) echo "-g -fsanitize=address,undefined -fno-sanitize-recover=undefined" ;;
    tsan) echo "-g -fsanitize=thread" ;;
    *) echo "unknown mode $1" >&2; return 1 ;;
    esac
}

# The scheduler of the fibers must not be seen by TSan: it is told by annotations.
ptx_runtime_flags() {
    case $1 in
    plain) echo "-O1" ;;
    asan) echo "-O1 -g -fsanitize=address" ;;
    tsan) echo "-O1 -g -DLEHR_DEVICE_TSAN" ;;
    esac
}

# ptx_kernels MODE FOLDER FILE.cu [NVCC_FLAGS]: FOLDER/NAME.o, nvcc's host object with its stubs, and FOLDER/NAME.ptx.
# One run of nvcc makes both, and no machine code.
ptx_kernels() {
    local mode=$1 folder=$2 file=$3 name host=-O2 arch=compute_${PTX_ARCH:-90} kept
    shift 3
    name=$(basename "$file" .cu)
    [ "$mode" != asan ] || host="-O1 -g -fsanitize=address"
    kept=$(mktemp -d) || return 1
    "$ptx_nvcc" -std=c++17 -fmad="${PTX_FMAD:-false}" -lineinfo -cudart none -arch="$arch" -code="$arch" -keep \
        -keep-dir "$kept" -Xcompiler "${host// /,}" "${ptx_includes[@]}" "$@" -c "$file" \
        -o "$folder/$name.o" && mv "$kept/$name.ptx" "$folder/$name.ptx"
    local status=$?
    rm -r "$kept"
    return $status
}

# ptx_translate MODE FOLDER FILE.ptx: FOLDER/NAME_kernels.o
ptx_translate() {
    local exact=--exact name
    [ -z "${PTX_LOOSE:-}" ] || exact=
    name=$(basename "$3" .ptx)_kernels
    python3 -B "$ptx_folder/ptx2c.py" $exact "$3" "$2/$name.cpp" &&
        "$ptx_cxx" @"$ptx_folder/flags.txt" $(ptx_flags "$1") "${ptx_machine[@]}" \
            "${ptx_includes[@]}" -c "$2/$name.cpp" -o "$2/$name.o"
}

# ptx_runtime MODE FOLDER: the stand-in runtime (without its BLAS) and the registry, FOLDER/{runtime,registry}.o.
# Each is compiled as one translation unit, in a third of the time.
ptx_runtime() {
    local tree file files=()
    tree=$(cd "$ptx_folder/../../.." && pwd)
    for file in "$tree"/tests/device/*.cpp; do
        [ "$(basename "$file")" = blas.cpp ] || files+=("$file")
    done
    ptx_unit "$1" "$2/runtime.o" "${files[@]}" &&
        ptx_unit "$1" "$2/registry.o" "$tree"/tests/device/ptx/{registry,library}.cpp \
            -DLEHR_PTX_SOURCE_DIR="\"$tree\""
}

# ptx_unit MODE OBJECT FILES... [FLAGS...]
ptx_unit() {
    local mode=$1 object=$2 files=()
    shift 2
    while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do
        files+=("$1")
        shift
    done
    printf '#include "%s"\n' "${files[@]}" |
        "$ptx_cxx" -std=c++17 -ffp-contract=off $(ptx_runtime_flags "$mode") "${ptx_includes[@]}" \
            -I"$ptx_folder/../shim" "$@" -x c++ -c - -o "$object"
}

# ptx_link MODE OUT OBJECTS: -rdynamic, so that libraries loaded later find the fibers.
ptx_link() {
    local mode=$1 out=$2
    shift 2
    "$ptx_cxx" $(ptx_flags "$mode") -rdynamic "$@" -o "$out" -ldl -lpthread -lm
}

# ptx_host MODE FOLDER FILE [FLAGS]: a C or C++ file of the host, FOLDER/NAME_host.o
ptx_host() {
    local mode=$1 folder=$2 file=$3 compiler="${CC:-gcc} -std=c17" toolkit
    shift 3
    [ "${file##*.}" = c ] || compiler="$ptx_cxx -std=c++17"
    toolkit=$(dirname "$(dirname "$(readlink -f "$(command -v "$ptx_nvcc")")")")/include
    $compiler -O2 -ffp-contract=off $(ptx_flags "$mode") "${ptx_includes[@]}" "$@" -isystem "$toolkit" \
        -c "$file" -o "$folder/$(basename "${file%.*}")_host.o"
}

ptx_program() {
    local out=$1 mode=$2 folder file files=() objects=()
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift
    folder=$(mktemp -d) && mkdir "$folder/runtime" || return 1
    ptx_runtime "$mode" "$folder/runtime" || return 1
    for file in "${files[@]}"; do
        case $file in
        *.cu)
            ptx_kernels "$mode" "$folder" "$file" "$@" &&
                ptx_translate "$mode" "$folder" "$folder/$(basename "$file" .cu).ptx" || return 1
            ;;
        *.o) objects+=("$file") ;;
        *) ptx_host "$mode" "$folder" "$file" || return 1 ;;
        esac
    done
    ptx_link "$mode" "$out" "$folder"/*.o "$folder"/runtime/*.o "${objects[@]}" && rm -r "$folder"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    ptx_program "$@"
fi
