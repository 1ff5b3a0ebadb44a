/* lanes.c: the table of one instruction set, and the decisions of a proposal. */
#include "cpu/lanes_isa.h"

static lehr_decision decide(const lehr_question *q)
{
    return lehr_decide(q);
}

static lehr_question question(const lehr_walk *walk, const lehr_group *group, lehr_stream a,
                              double log_hastings, lehr_energies energies)
{
    return lehr_walk_question(walk, group, a, log_hastings, energies);
}

static float step(const lehr_walk *walk, const lehr_group *group, lehr_i32 move, lehr_u64 scan)
{
    return lehr_walk_step(walk, group, move, scan);
}

#define TEXT(isa)    TEXT_OF(isa)
#define TEXT_OF(isa) #isa

#if defined(__AVX2__) && defined(__FMA__)
#define DETAIL "AVX2 and FMA (x86-64-v3)"
#elif defined(__x86_64__)
#define DETAIL "plain C: correct but slow, without SIMD FMA"
#else
#define DETAIL "plain C"
#endif

const lehr_lanes LEHR_ISA_FN(lanes) = {
    .name = TEXT(LEHR_ISA),
    .detail = DETAIL,
    .propose = LEHR_ISA_FN(propose),
    .decide = decide,
    .question = question,
    .step = step,
    .losses = LEHR_ISA_FN(losses),
    .hits = LEHR_ISA_FN(hits),
    .outputs = LEHR_ISA_FN(outputs),
    .units = LEHR_ISA_FN(units),
    .sum_chunk = LEHR_ISA_FN(sum_chunk),
    .sum_some = LEHR_ISA_FN(sum_some),
    .rise = LEHR_ISA_FN(rise),
};
