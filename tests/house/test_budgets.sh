#!/usr/bin/env bash
# Budgets: registers, spills, stack, shared memory, barriers and blocks per multiprocessor of every kernel, as
# the compiler reports them for six generations of GPUs, against the table in budgets.txt. A rise of one of
# them, or a fall of the blocks, is a failure. A fall is told, so that the table follows:
#     tests/house/test_budgets.sh --write
# compiles and writes the table anew. No GPU is needed. Two minutes on one core. A warning is a failure: the preset
# `cuda` compiles for two generations, these are the others.
#
# Besides the kernels as they are built, the fused scan as NVRTC specializes it (cuda/fixed.cuh, specialize.c) for
# two shapes: 2-16-16-1 by warps, 64-32-10 by blocks of 128.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
house=$source/tests/house
table=$house/budgets.txt
architectures="80 86 89 90 100 120"

# Nothing of the build folder is used but nvcc's path, so once, in the optimized build, is enough.
cache=${LEHR_BUILD_DIR:-}/CMakeCache.txt
nvcc=""
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "budgets are checked from the optimized build"
        exit 77
    fi
    nvcc=$(sed -n 's/^LEHR_NVCC:[A-Z]*=//p' "$cache")
fi
[ -x "$nvcc" ] || nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc) || { echo "no nvcc"; exit 77; }
release=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')
if [ "${1:-}" != --write ] && ! grep -q "^# nvcc $release\$" "$table"; then
    echo "the table is of another compiler: $(sed -n 's/^# \(nvcc\)/\1/p' "$table"), here $release"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# ---- What the compiler says ----

# The macros that jit.c writes: SHAPE LAYERS THREADS LOSS, tanh inside, the identity at the end.
specialize() {
    printf '#define LEHR_FIXED_%s\n' "THREADS $3" "LAYERS $2" "SIZES ${1//-/, }" "BIAS 1" \
        "ACTIVATION LEHR_ACTIVATION_TANH" "OUTPUT LEHR_ACTIVATION_IDENTITY" "LOSS $4" "TARGETS 1"
    echo '#include "cuda/scan.cuh"'
}
specialize 2-16-16-1 3 32 LEHR_LOSS_BINARY_CROSS_ENTROPY > "$scratch/@2-16-16-1.cu"
specialize 64-32-10 2 128 LEHR_LOSS_CROSS_ENTROPY > "$scratch/@64-32-10.cu"

# The flags of .cmake/cuda.cmake and of its optimized build. Two passes of the first half of the compiler serve all:
# from compute_80 to compute_90 it says the same.
virtual() {
    [ "$1" -lt 100 ] && echo 80 || echo 100
}
compile() {
    local architecture code=()
    for architecture in $architectures; do
        code+=(-gencode "arch=compute_$(virtual "$architecture"),code=sm_$architecture")
    done
    "$nvcc" -std=c++17 -O3 -fmad=false -Werror all-warnings "${code[@]}" -Xptxas -v -fatbin -o "$scratch/fatbin" \
        -I "$source/include" -I "$source/kernels" "$1" 2>&1
}

# From ptxas' words: KERNEL ARCHITECTURE REGISTERS SPILLS STACK SHARED BARRIERS. suffix: @SHAPE or nothing.
read_words() {
    awk -v suffix="$1" '
        function before(what,   part) { return split($0, part, what) > 1 ? last(part[1]) : 0 }
        function last(words,   word, n) { n = split(words, word, " "); return word[n] + 0 }
        /Compiling entry function/ {
            split($0, quoted, "\047"); kernel = quoted[2]; architecture = substr(quoted[4], 4)
            name = kernel; sub(/^lehr_/, "", name); sub(/_kernel$/, "", name)
        }
        /Function properties for/ { entry = $NF == kernel }
        /bytes stack frame/ && entry {
            stack = before(" bytes stack frame")
            spills = before(" bytes spill stores") + before(" bytes spill loads")
        }
        /Used [0-9]+ registers/ {
            print name suffix, architecture, before(" registers"), spills, stack, before(" bytes smem"),
                  before(" barriers")
        }'
}

# Threads of a block, which the launch bounds promise.
threads_of() {
    case $1 in
    scan_32* | scan_128* | kept_32 | kept_128) echo 128 ;;
    scan_64 | settle) echo 64 ;;
    score_32) echo 32 ;;
    *) echo 256 ;;
    esac
}

measure() {
    local file suffix words kernel rest architecture
    for file in "$source"/kernels/cuda/*.cu "$scratch"/@*.cu; do
        suffix=$(basename "$file" .cu)
        if [ "${suffix#@}" = "$suffix" ]; then
            suffix=""
            words=$(compile "$file") || { echo "$file: $words" >&2; return 1; }
        else
            words=$(for architecture in $architectures; do
                "$scratch/specialize" "$architecture" "$source/include" "$source/kernels" < "$file" || exit 1
            done) || { echo "$suffix: $words" >&2; return 1; }
        fi
        while read -r kernel rest; do
            echo "$kernel $rest $(threads_of "$kernel")"
        done < <(read_words "$suffix" <<< "$words" | sort -k 1,1 -k 2,2n)
    done
}

# ---- Against the table ----

# compare TABLE MEASURED: every difference; fails when one is for the worse.
compare() {
    awk '
        BEGIN { split("registers spills stack shared barriers threads dynamic blocks", name, " ") }
        /^#/ { next }
        { key = $1 " sm_" $2 }
        NR == FNR { for (i = 3; i <= 10; i++) was[key, i] = $i; there[key] = 1; next }
        !(key in there) { print key ": not in the table"; bad = 1; next }
        {
            seen[key] = 1
            for (i = 3; i <= 10; i++) {
                if ($i == was[key, i]) continue
                worse = i == 10 ? $i < was[key, i] : $i > was[key, i]
                print key ": " name[i - 2] " " was[key, i] " -> " $i (worse ? "" : ", better than the table says")
                bad = bad || worse
            }
        }
        END {
            for (key in there) if (!(key in seen)) { print key ": in the table and nowhere else"; bad = 1 }
            exit bad
        }' "$1" "$2"
}

toolkit=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
${CC:-cc} -std=c17 -w -I "$toolkit/include" "$house/specialize.c" -o "$scratch/specialize" -L "$toolkit/lib64" \
    -Wl,-rpath,"$toolkit/lib64" -lnvrtc 2> "$scratch/words" || { cat "$scratch/words"; echo "no NVRTC"; exit 77; }
${CC:-cc} -std=c17 -w -I "$source/include" -I "$source/kernels" \
    -I "$toolkit/include" "$house/budgets.c" -o "$scratch/budgets" ||
    { echo "budgets.c does not compile"; exit 1; }
measure > "$scratch/reported" || exit 1
"$scratch/budgets" < "$scratch/reported" > "$scratch/measured"
if [ "${1:-}" = --write ]; then
    {
        echo "# Written by test_budgets.sh --write. Bytes for spills (stores and loads), stack and shared memory"
        echo "# (static, dynamic); blocks: of a multiprocessor, by registers, threads and shared memory."
        echo "# nvcc $release"
        echo "# kernel sm registers spills stack shared barriers threads dynamic blocks"
        cat "$scratch/measured"
    } > "$table"
fi

# For the exact kernels no spill is a budget, whatever the table says.
failed=0
awk '$4 > 0 { print $1 " sm_" $2 ": " $4 " bytes of spills"; bad = 1 } END { exit bad }' "$scratch/measured" ||
    failed=1
compare "$table" "$scratch/measured" || failed=1

# What must be seen: one value of the table lowered, the blocks raised, a line taken out, a line too many.
planted() {
    sed "$2" "$table" > "$scratch/planted"
    cmp -s "$table" "$scratch/planted" && { echo "not planted: $1"; failed=1; }
    compare "$scratch/planted" "$scratch/measured" > "$scratch/words" && { echo "NOT SEEN: $1"; failed=1; }
}
planted "a register more" '/^scan_32 /s/^\(scan_32 *90 *\)[0-9]*/\11/'
planted "a block fewer" '/^scan_32@/s/[0-9]*$/99/'
planted "a new kernel" '/^settle *90 /d'
planted "a lost kernel" '/^settle *90 /{p;s/settle/unsettle/}'
[ $failed -eq 0 ] && echo "$(wc -l < "$scratch/measured") budgets are kept"
exit $failed
