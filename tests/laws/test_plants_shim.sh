#!/bin/bash
# Do the laws bite on the kernels as well? Each known bug of kernels/core/plant.h is planted, one at a time, and the
# law named here, run by the CUDA backend on a test device, must fail; without a bug it must pass.
#
# `test_plants_shim.sh fine` plants those bugs that only more samples show: test_long_plants_shim.sh.
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
laws=${LEHR_BUILD_DIR:?is the build folder}/tests/laws
[ -x "$laws/test_gaussian_shim" ] || { echo "no laws on a test device in this build"; exit 77; }
export LEHR_TEST_BACKEND=cuda

swaps="test_gaussian_shim gaussian/moments_and_swap_acceptance_in_few_dimensions"
coarse="
swap_sign               $swaps
swap_no_ratio           $swaps
swap_half               $swaps
swap_half_uphill        $swaps
swap_greedy             $swaps
beta_stays_with_row     $swaps
hastings_tempered       test_gaussian_shim gaussian/log_scale_keeps_the_law_at_any_temperature
step_stays_with_row     test_steps_shim    steps/*
swap_copy               test_counted_shim  counted/spins
shared_randoms          test_counted_shim  counted/spins
no_margin               test_early_shim    early/*tiles
flow_before_swap        test_round_trips_shim round_trips/flow_is_counted_from_where_rows_were
flow_trips_only         test_round_trips_shim round_trips/flow_is_counted_from_where_rows_were
"
counts="test_counted_fine_shim counted/xor_net_of_binary_weights"
fine="
accept_leak             $counts
accept_90               $counts
uniform_8bit            $counts
accept_site_same_bits   $counts
no_second_ratio         test_counted_fine_shim counted/delayed_acceptance_keeps_the_law
"
# Left to test_plants.sh: the energies of the exchange before are kept by nothing that the kernels have, and 1 %
# of beta takes all samples of test_gaussian.c, more than five minutes here. The hook of beta_1pct is in
# kernels/core, of which both backends are made.
neither="swap_stale beta_1pct"

for bug in $(sed -n 's/^ *X([A-Z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' "$source/kernels/core/plant.h"); do
    grep -qw "$bug" <<< "$coarse $fine $neither" || { echo "$bug: no law in the tables"; exit 1; }
done
table=$coarse
[ "${1:-}" != fine ] || table=$fine

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
