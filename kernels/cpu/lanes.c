/* lanes.c: the table of one instruction set, and the decisions of a proposal. */
#include "cpu/lanes_isa.h"

static lehr_decision decide(const lehr_question *q)
{
    const double ln_u = lehr_accept_ln_u(q->address.key, q->address.scan, q->address.row);
    return lehr_decide(q->beta, q->de, q->du, q->log_hastings, ln_u);
}

static double cooling_beta(const lehr_group *group, uint64_t scan)
{
    return lehr_cooling_beta(group, scan);
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
    .cooling_beta = cooling_beta,
    .chunk_loss = LEHR_ISA_FN(chunk_loss),
    .chunk_score = LEHR_ISA_FN(chunk_score),
    .outputs = LEHR_ISA_FN(outputs),
};
