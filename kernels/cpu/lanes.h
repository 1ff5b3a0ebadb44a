/* lanes.h: what is heavy with arithmetic, once per instruction set, behind one table.
 *
 * The files lanes*.c are compiled for each set (x86-64-v3; plain C for any machine), with LEHR_ISA as its
 * name. All sets give the same bits. Data points run along SIMD lanes: 16 points are one panel.     */
#ifndef LEHR_CPU_LANES_H
#define LEHR_CPU_LANES_H

#include <stdint.h>

#include "core/args.h"
#include "core/loss.h"
#include "core/walk.h"

#define LEHR_PANEL 16 /* points */

/* One part of the data in panels; the last one is padded with zeros. */
typedef struct lehr_panels {
    const float *inputs;  /* [panels,D,16] */
    const float *targets; /* [panels,Y,16]; Y: 1 for classes, else K */
    int64_t points;       /* N */
    int32_t target_count; /* Y */
} lehr_panels;

/* A row's own points in an order of its own. */
typedef struct lehr_pile {
    float *inputs, *targets; /* panels as above, to be written */
    lehr_u32 *index;         /* [panels,16] number in the data */
    int32_t input_count, target_count;
    int64_t points;
} lehr_pile;

/* Where the activations of one set of weights stand, and which of them are worked out. */
typedef struct lehr_pass {
    const float *theta;
    lehr_touch touch; /* this layer or unit and all layers above; what lies below stands in act */
    float *const
        *act; /* [layers] of each layer [.,width,16]; the first panel there is number `first` */
    int64_t first;
    float *column; /* touch.unit: [.,16] room for its outputs; afterwards those they replaced */
    const float
        *sums; /* its outputs before activation, of a tile's panels; NULL: to be worked out */
    int32_t sums_step; /* floats between panels there */
    lehr_loss_scale scale;
} lehr_pass;

/* The same unit of some rows, over the inputs of a network. */
typedef struct lehr_units {
    int32_t rows, inputs;
    float *weights; /* [rows,inputs] */
    float *bias;    /* [rows]; NULL: without */
    float *sums;    /* [panels,rows,16] filled for a tile, before activation */
} lehr_units;

/* Some panels of a part. */
typedef struct lehr_tile {
    const lehr_panels *part;
    int64_t panel;
    int32_t count; /* at most LEHR_TILE_PANELS */
} lehr_tile;

#define LEHR_TILE_PANELS 64

/* A proposal to be made, or the places [from,to) of it. */
typedef struct lehr_draft {
    const lehr_proposal *proposal;
    lehr_i32 weights; /* lehr_weights */
    lehr_stream address;
    float sigma;
    lehr_i32 from, to;
    const float *theta;
    float *proposed;                        /* written where the move touches it */
    lehr_i32 picked[LEHR_CORE_PENDING_MAX]; /* filled: which parameters were picked */
} lehr_draft;

typedef struct lehr_lanes {
    const char *name, *detail;
    /* Make a proposal; returns the log of the Hastings ratio. */
    double (*propose)(lehr_draft *draft);
    lehr_decision (*decide)(const lehr_question *question);
    /* lehr_walk_question, for a set's own exp and log. */
    lehr_question (*question)(const lehr_walk *walk, const lehr_group *group, lehr_stream a,
                              double log_hastings, lehr_energies energies);
    float (*step)(const lehr_walk *walk, const lehr_group *group, lehr_i32 move, lehr_u64 scan);
    /* Losses of the points of a tile, x[count,16], and of right answers 1, else 0. */
    void (*losses)(const lehr_energy_args *e, const lehr_tile *tile, const lehr_pass *pass,
                   float *x);
    void (*hits)(const lehr_energy_args *e, const lehr_tile *tile, const lehr_pass *pass, float *x);
    /* Network outputs [count,K,16] of a tile. */
    const float *(*outputs)(const lehr_network *network, const lehr_tile *tile,
                            const lehr_pass *pass);
    void (*units)(const lehr_units *units, const lehr_tile *tile);
    /* lehr_sum_chunk of x[count]; and their sum in double, added in any order. */
    float (*sum_chunk)(const float *x, int count);
    double (*sum_some)(const float *x, int count);
    /* From the last half panel to the first: a point goes in front of one of smaller loss[panels,16], and
     * from there on. One pass carries large losses all the way and puts nearly sorted ones in order. */
    void (*rise)(const lehr_pile *pile, float *loss);
} lehr_lanes;

extern const lehr_lanes lehr_lanes_plain;
#if defined(__x86_64__)
extern const lehr_lanes lehr_lanes_v3;
#endif

/* The best set that runs here, or the plain one. */
const lehr_lanes *lehr_lanes_choose(int plain);

#endif
