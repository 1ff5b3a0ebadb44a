/* plant.h: known bugs, planted one at a time, so that tests can prove that they would see them.
 *
 * LEHR_PLANTED(NAME) is the constant 0 in every build but a test build with -DLEHR_PLANTS. There it is
 * true while `lehr_plant` (defined in kernels/cpu/plant.c) names that bug. Each hook stands where the
 * real bug would stand. Most of them were real bugs of other replica-exchange codes.             */
#ifndef LEHR_CORE_PLANT_H
#define LEHR_CORE_PLANT_H

/* X(NAME, "name", what goes wrong). */
#define LEHR_PLANTS_LIST(X)                                                                        \
    X(SWAP_SIGN, "swap_sign", "the swap ratio has the wrong sign")                                 \
    X(SWAP_NO_RATIO, "swap_no_ratio", "the swap ratio uses one temperature, not the difference")   \
    X(SWAP_STALE, "swap_stale", "swaps use the energies of the exchange before")                   \
    X(SWAP_COPY, "swap_copy", "after a swap both neighbors hold one state")                        \
    X(SWAP_HALF, "swap_half", "the swap ratio is halved")                                          \
    X(SWAP_HALF_UPHILL, "swap_half_uphill", "unfavorable swaps are taken half of the time")        \
    X(SWAP_GREEDY, "swap_greedy", "swaps only sort energies")                                      \
    X(HASTINGS_TEMPERED, "hastings_tempered", "the Hastings term is multiplied by beta")           \
    X(STEP_STAYS_WITH_ROW, "step_stays_with_row", "step sizes follow the row, not the rung")       \
    X(BETA_STAYS_WITH_ROW, "beta_stays_with_row", "temperatures follow the row, not the rung")     \
    X(ACCEPT_LEAK, "accept_leak", "1e-3 is added to every acceptance probability")                 \
    X(ACCEPT_90, "accept_90", "acceptance probabilities are 0.9 of the ratio, capped at 1")        \
    X(BETA_1PCT, "beta_1pct", "beta is 1 % too small in uphill moves")                             \
    X(UNIFORM_8BIT, "uniform_8bit", "acceptance draws have 8 bits")                                \
    X(SHARED_RANDOMS, "shared_randoms", "all rows use the random numbers of row 0")                \
    X(ACCEPT_SITE_SAME_BITS, "accept_site_same_bits", "one word picks the site and accepts")       \
    X(NO_MARGIN, "no_margin", "early rejection trusts a partial sum to the last bit")              \
    X(NO_SECOND_RATIO, "no_second_ratio", "delayed acceptance decides twice from the whole ratio") \
    X(FLOW_BEFORE_SWAP, "flow_before_swap", "visits are counted before rows trade places")         \
    X(FLOW_TRIPS_ONLY, "flow_trips_only",                                                          \
      "rows that were never cold bring no flow from the hot end")

#if defined(LEHR_PLANTS)

enum lehr_plant_kind {
    LEHR_PLANT_NONE,
#define X(suffix, name, help) LEHR_PLANT_##suffix,
    LEHR_PLANTS_LIST(X)
#undef X
        LEHR_PLANT_COUNT
};

extern int lehr_plant;

/* Value of a name for `lehr_plant`; 0 when there is no such bug. */
int lehr_plant_find(const char *name);

#define LEHR_PLANTED(NAME) (lehr_plant == (int)LEHR_PLANT_##NAME)

#else

#define LEHR_PLANTED(NAME) 0

#endif

#endif
