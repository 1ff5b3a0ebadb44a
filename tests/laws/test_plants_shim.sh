#!/bin/bash
# Do the laws bite on the kernels as well? Known bugs of kernels/core/plant.h are planted, one at a time, and the
# law named here, run by the CUDA backend on a test device, must fail; without a bug it must pass. Those bugs
# that only the full number of samples shows (a leak of 1e-3, one word used twice, 8 bits, 1 %, 0.9 of the
# ratio) are left to test_plants.sh: their hooks are in kernels/core, which both backends are made of.
set -u
laws=${LEHR_BUILD_DIR:?is the build folder}/tests/laws
[ -x "$laws/test_gaussian_shim" ] || { echo "no laws on a test device in this build"; exit 77; }
export LEHR_TEST_BACKEND=cuda

swaps="test_gaussian_shim gaussian/moments_and_swap_acceptance_in_few_dimensions"
table="
swap_sign               $swaps
swap_no_ratio           $swaps
swap_half               $swaps
swap_half_uphill        $swaps
swap_greedy             $swaps
beta_stays_with_row     $swaps
hastings_tempered       test_gaussian_shim gaussian/log_scale_keeps_the_law_at_any_temperature
step_stays_with_row     test_steps_shim    steps/*
shared_randoms          test_counted_shim  counted/spins
"

# run PROGRAM TEST: 0 all passed, 1 some failed; anything else ends this script.
run() {
    local output status
    output=$("$laws/$1" -j1 --filter "$2" 2>&1)
    status=$?
    if [ $status -gt 1 ] || ! grep -q 'Tested: [1-9].*Crashing: 0' <<< "$output"; then
        echo "$1 --filter $2 did not run (exit code $status):"
        echo "$output"
        exit 1
    fi
    return $status
}

failures=0
while read -r program filter; do
    if ! LEHR_PLANT= run "$program" "$filter"; then
        echo "$program $filter fails without a bug"
        failures=$((failures + 1))
    fi
done < <(awk 'NF { print $2, $3 }' <<< "$table" | sort -u)
while read -r bug program filter; do
    if LEHR_PLANT=$bug run "$program" "$filter"; then
        echo "$bug: NOT SEEN by $program"
        failures=$((failures + 1))
    else
        echo "$bug: seen by $program"
    fi
done < <(awk NF <<< "$table")
exit $((failures > 0))
