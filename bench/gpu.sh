#!/usr/bin/env bash
# What a machine with an NVIDIA GPU can say about lehr, in one command and one record:
#
#     bench/gpu.sh [--dry-run] [--backend cuda:0] [--python PYTHON]
#
# builds the tree with its tests, then runs, on the GPU, parity with the CPU backend (EXACT), the laws, the
# invariances, NVIDIA's compute-sanitizer on small runs, and the speed of workloads a, b, c beside PyTorch on the
# same GPU. Every part ends as passed, failed, or left out with the reason. The record is
# bench/records/gpu-DEVICE-DATE.json. Nothing is compared with a goal here: the record is read by people.
#
# Exit code: 0; 1 when a part failed; 69 when there is no device. --dry-run builds and runs nothing: it says
# what would be done and what of it this machine has. PYTHON: an interpreter that has torch with CUDA.
set -u
cd "$(dirname "$0")/.." || exit 1
readonly no_device=69 left_out=77
build=build/check
work=build/gpu
backend=cuda:0
python=python3
dry=""
while [ $# -gt 0 ]; do
    case $1 in
    --dry-run) dry=yes ;;
    --backend) backend=${2:?a name}; shift ;;
    --python) python=${2:?a program}; shift ;;
    *) echo "usage: bench/gpu.sh [--dry-run] [--backend cuda:0] [--python PYTHON]"; exit 2 ;;
    esac
    shift
done
export PATH=$PATH:/usr/local/cuda/bin

have() { command -v "$1" > /dev/null; }
leave_out() { echo "left out: $*"; return $left_out; }

# ---- Parts: each prints what it does, and returns 0, 77 with the reason as its last line, or another code ----

part_build() {
    have nvcc || { echo "no nvcc"; return 1; }
    cmake --preset check -D LEHR_CUDA=ON && cmake --build --preset check
}

# Tests of the real device, by name; a skip is a failure there. None of that name: left out, said.
run_tests() {
    local found
    found=$(ctest --test-dir "$build" -N -R "$1" | sed -n 's/^Total Tests: //p')
    [ "${found:-0}" -gt 0 ] || { leave_out "no test is called $1"; return; }
    LEHR_REQUIRE_CUDA=1 ctest --test-dir "$build" -R "$1" --output-on-failure
}
part_parity() { run_tests '^parity/.*_gpu$'; } # every case in every way that the backend has
part_device() { run_tests '^device/.*_gpu$'; }
part_laws() { run_tests '^laws/.*_gpu$'; }
part_invariances() { run_tests 'invariance.*_gpu$'; }

# The kernels of both paths, few scans: three tools of NVIDIA over everything that a run launches.
sanitize() {
    have compute-sanitizer || { leave_out "no compute-sanitizer"; return; }
    local config failed=0
    for config in xor_step iris; do
        echo "$1, $config"
        rm -rf "$work/sanitized"
        compute-sanitizer --tool "$1" --error-exitcode 86 "$build/lehr" run "configs/$config.yaml" \
            --backend "$backend" --set stop.scans=60 --quiet --output "$work/sanitized" || failed=1
    done
    return $failed
}
part_memcheck() { sanitize memcheck; }
part_racecheck() { sanitize racecheck; }
part_synccheck() { sanitize synccheck; }

part_speed() {
    "$build/lehr" bench speed --backend "$backend" --json > "$work/speed.json" && cat "$work/speed.json"
}
part_torch() {
    "$python" -c 'import torch; raise SystemExit(not torch.cuda.is_available())' 2> /dev/null ||
        { leave_out "$python has no torch that sees a GPU"; return; }
    CUDA_VISIBLE_DEVICES=${index:-0} "$python" bench/gpu/torch_rates.py > "$work/torch.json" &&
        cat "$work/torch.json"
}

# ---- Running ----

parts="build parity device invariances laws memcheck racecheck synccheck speed torch"

say_plan() {
    echo "would build in $build, then run on $backend:"
    echo "  parity, device, invariances, laws   ctest, the tests *_gpu with LEHR_REQUIRE_CUDA=1"
    echo "  memcheck, racecheck, synccheck      compute-sanitizer, 60 scans of xor_step and iris"
    echo "  speed                               lehr bench speed --backend $backend, workloads a, b, c"
    echo "  torch                               bench/gpu/torch_rates.py, the same workloads"
    echo "and write bench/records/gpu-DEVICE-DATE.json. On this machine:"
    local tool
    for tool in cmake ninja nvcc ctest compute-sanitizer nvidia-smi "$python"; do
        printf '  %-18s %s\n' "$tool" "$(command -v "$tool" || echo missing)"
    done
    "$python" -c 'import torch; print("  torch             ", torch.__version__)' 2> /dev/null ||
        echo "  torch              missing"
}

# Without a driver nothing needs to be built to know.
look_for_device() {
    have nvidia-smi && nvidia-smi -L 2> /dev/null | grep '^GPU' && return 0
    ldconfig -p 2> /dev/null | grep -q 'libcuda\.so\.1' && return 0
    echo "There is no CUDA device here: no NVIDIA driver. Nothing was measured."
    return $no_device
}

# With the program built, it says itself.
check_device() {
    index=${backend#cuda:}
    "$build/lehr" devices | grep -qE "^$backend +yes" && return 0
    "$build/lehr" devices
    echo "There is no usable CUDA device here. Nothing was measured."
    return $no_device
}

run_part() {
    local code reason=""
    echo "== $1"
    "part_$1" > "$work/$1.log" 2>&1
    code=$?
    case $code in
    0) verdict=passed ;;
    "$left_out") verdict="left out"; reason=$(tail -n 1 "$work/$1.log" | sed 's/^left out: //') ;;
    *) verdict=failed; reason="exit code $code, see $work/$1.log"; failed=$((failed + 1)); tail -n 20 "$work/$1.log" ;;
    esac
    echo "$verdict${reason:+: $reason}"
    printf '%s\t%s\t%s\n' "$1" "$verdict" "$reason" >> "$work/verdicts"
}

if [ -n "$dry" ]; then
    say_plan
    look_for_device
    exit
fi
look_for_device || exit
mkdir -p "$work" && rm -f "$work/verdicts" "$work"/*.json
failed=0
for part in $parts; do
    run_part "$part"
    [ "$part" = build ] || continue
    [ $failed -eq 0 ] || exit 1
    check_device || exit
done
python3 bench/gpu/record.py "$build/lehr" "$backend" "$work" || failed=$((failed + 1))
[ $failed -eq 0 ]
