/* lanes.h: what is heavy with arithmetic, once per instruction set, behind one table.
 *
 * The files lanes*.c are compiled for each set (x86-64-v3; plain C for any machine), with LEHR_ISA as its
 * name. All sets give the same bits. Data points run along SIMD lanes: 16 points are one panel.     */
#ifndef LEHR_CPU_LANES_H
#define LEHR_CPU_LANES_H

#include <stdint.h>

#include "core/args.h"
#include "core/proposal.h"
#include "core/temper.h"

#define LEHR_PANEL 16 /* points */

/* One part of the data in panels; the last one is padded with zeros. */
typedef struct lehr_panels {
    const float *inputs;  /* [panels,D,16] */
    const float *targets; /* [panels,Y,16]; Y: 1 for classes, else K */
    int64_t points;       /* N */
    int32_t target_count; /* Y */
} lehr_panels;

/* Room for the activations of one tile of points. */
typedef struct lehr_tile {
    int32_t points; /* a multiple of 16 that divides 1024 */
    float *a, *b;   /* [points/16,widest,16] each */
} lehr_tile;

/* Sums over the points of one chunk, added in the order of core/sum.h. */
typedef struct lehr_chunk_sums {
    float loss;
    float hits; /* right classes; 0 for regression */
} lehr_chunk_sums;

/* What decides a proposal. */
typedef struct lehr_question {
    double beta, de, du, log_hastings;
    lehr_stream address;
} lehr_question;

typedef struct lehr_lanes {
    const char *name, *detail;
    /* Write theta' where the move touches it (the rest of `proposed` is the caller's); returns the log of
     * the Hastings ratio. */
    double (*propose)(const lehr_proposal *p, lehr_i32 weights, lehr_stream a, float sigma,
                      const float *theta, float *proposed);
    lehr_decision (*decide)(const lehr_question *question);
    double (*cooling_beta)(const lehr_group *group, uint64_t scan);
    /* Loss of one chunk, and right classes as well. */
    float (*chunk_loss)(const lehr_energy_args *e, const float *theta, const lehr_panels *part,
                        int64_t chunk, const lehr_tile *tile);
    lehr_chunk_sums (*chunk_score)(const lehr_energy_args *e, const float *theta,
                                   const lehr_panels *part, int64_t chunk, const lehr_tile *tile);
    /* Network outputs [panels,K,16] of at most tile->points points: inside tile->a or tile->b. */
    const float *(*outputs)(const lehr_network *network, const float *theta, const float *inputs,
                            int32_t panels, const lehr_tile *tile);
} lehr_lanes;

extern const lehr_lanes lehr_lanes_plain;
#if defined(__x86_64__)
extern const lehr_lanes lehr_lanes_v3;
#endif

/* The best set that runs here, or the plain one. */
const lehr_lanes *lehr_lanes_choose(int plain);

#endif
