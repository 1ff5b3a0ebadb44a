#!/bin/bash
# Do the laws bite? Each known bug of kernels/core/plant.h is planted, one at a time, and the law named
# here must fail; without a bug it must pass. A bug without a law in this table fails too.
#
# The laws are programs of the build (LEHR_BUILD_DIR), linked with the planted library.
# `test_plants.sh --all` runs every law against every bug and prints which ones fail (15 minutes).
set -u
source=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
laws=${LEHR_BUILD_DIR:?is the build folder}/tests/laws

# bug, program, test: the cheapest law that sees it.
table="
swap_sign               test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
swap_no_ratio           test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
swap_stale              test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
swap_copy               test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
swap_half               test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
swap_half_uphill        test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
swap_greedy             test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
hastings_tempered       test_gaussian     gaussian/log_scale_keeps_the_law_at_any_temperature
step_stays_with_row     test_steps        steps/*
beta_stays_with_row     test_gaussian     gaussian/moments_and_swap_acceptance_in_few_dimensions
accept_leak             test_counted      counted/xor_net_of_binary_weights
accept_90               test_counted      counted/xor_net_of_binary_weights
beta_1pct               test_transitions  transitions/*
uniform_8bit            test_counted      counted/xor_net_of_binary_weights
shared_randoms          test_counted      counted/xor_net_of_binary_weights
accept_site_same_bits   test_counted      counted/xor_net_of_binary_weights
no_margin               test_early        early/*
no_second_ratio         test_counted      counted/delayed_acceptance_keeps_the_law
flow_before_swap        test_round_trips  round_trips/flow_is_counted_from_where_rows_were
flow_trips_only         test_round_trips  round_trips/flow_is_counted_from_where_rows_were
"

# run PROGRAM TEST: 0 all passed, 1 some failed; anything else ends this script.
run() {
    local output status
    output=$("$laws/$1" -j1 --filter "$2" 2>&1)
    status=$?
    if [ $status -gt 1 ] || ! grep -q 'Tested: [1-9].*Crashing: 0' <<< "$output"; then
        echo "$1 --filter $2 did not run (exit code $status):"
        echo "$output" | sed 's/Tested: 0/tested nothing/'
        exit 1
    fi
    return $status
}

bugs=$(sed -n 's/^ *X([A-Z0-9_]*, "\([a-z0-9_]*\)".*/\1/p' "$source/kernels/core/plant.h")
[ -n "$bugs" ] || { echo "no bugs found in plant.h"; exit 1; }

if [ "${1:-}" = --all ]; then
    for bug in $bugs; do
        caught=""
        for program in "$laws"/test_*; do
            LEHR_PLANT=$bug run "$(basename "$program")" '*' || caught="$caught ${program##*/test_}"
        done
        printf '%-22s %s\n' "$bug" "${caught:- NOT SEEN}"
    done
    exit 0
fi

# Instrumented and unoptimized builds take fewer samples: too few for the finest bugs.
cache=$LEHR_BUILD_DIR/CMakeCache.txt
if [ -f "$cache" ]; then
    if ! grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release' "$cache" ||
        grep -Eq '^LEHR_(SANITIZE:[A-Z]*=.|COVERAGE:[A-Z]*=ON)' "$cache"; then
        echo "planted bugs are looked for in optimized builds"
        exit 77
    fi
fi

failures=0
for pair in $(awk 'NF { print $2 ";" $3 }' <<< "$table" | sort -u); do
    if ! LEHR_PLANT= run "${pair%;*}" "${pair#*;}"; then
        echo "$pair fails without a bug"
        failures=$((failures + 1))
    fi
done
for bug in $bugs; do
    line=$(awk -v bug="$bug" '$1 == bug { print $2, $3 }' <<< "$table")
    read -r program filter <<< "$line"
    if [ -z "$line" ]; then
        echo "$bug: no law in the table"
        failures=$((failures + 1))
    elif LEHR_PLANT=$bug run "$program" "$filter"; then
        echo "$bug: NOT SEEN by $program"
        failures=$((failures + 1))
    else
        echo "$bug: seen by $program"
    fi
done
exit $((failures > 0))
