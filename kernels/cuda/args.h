/* args.h: what the launches of this folder are told, one struct by value each. Pointers are the device's.
 *
 * Dialect of core/: C17, CUDA C++17 and NVRTC; sizes are asserted on both sides.                    */
#ifndef LEHR_CUDA_ARGS_H
#define LEHR_CUDA_ARGS_H

#include "core/table.h"

/* One part of the data, points along memory: x[D,stride], y[Y,stride]; Y: 1 for classes, else K. */
typedef struct lehr_cuda_points {
    const float *x, *y;
    lehr_i32 points;  /* N */
    lehr_i32 stride;  /* at least N */
    lehr_i32 targets; /* Y */
    lehr_i32 reserved;
} lehr_cuda_points;

/* Floats of the activations of one thread that works on one point at a time: layer l writes into buffer l%2,
 * the targets stand behind both. */
typedef struct lehr_cuda_room {
    lehr_i32 even, odd, targets;
    lehr_i32 reserved;
} lehr_cuda_room;

/* Activations kept between proposals: each row has two places for every layer, of which the row's bit says the
 * current one (kept.cuh).                                                                           */
typedef struct lehr_cuda_kept {
    float *act;      /* [rows][2][units,stride]; NULL: nothing is kept */
    lehr_u64 *side;  /* [rows] bit l: the current place of layer l */
    lehr_i64 place;  /* floats of a place */
    lehr_i32 stride; /* that of the points */
    lehr_i32 learn;  /* 1: what is there is not that of theta yet */
} lehr_cuda_kept;

/* Rows of a part of the table. One unit = one copy of one group, whole where it is settled. */
typedef struct lehr_cuda_rows {
    lehr_table table;          /* device pointers; indices of its groups are shifted to this part */
    const lehr_i32 *row_group; /* [rows] */
    const lehr_i32 *unit_group; /* [units] */
    const lehr_i32 *unit_copy;  /* [units] copy inside its group */
    lehr_i32 units;
    lehr_i32 reserved;
} lehr_cuda_rows;

/* scan.cuh: many scans of every row. */
typedef struct lehr_scan_args {
    const lehr_energy_args *energy;
    lehr_cuda_rows rows;
    lehr_cuda_points train;
    lehr_cuda_room room;
    lehr_cuda_kept kept;
    lehr_u64 scan, scans; /* scans [scan, scan+scans) */
    lehr_i32 look;        /* early rejection: rounds of points between two looks; 0: none */
    lehr_i32 reserved;
} lehr_scan_args;

/* settle.cuh: adaptation and exchange after scan number `scan`. */
typedef struct lehr_settle_args {
    lehr_cuda_rows rows;
    lehr_u64 scan;
} lehr_settle_args;

/* score.cuh: what weights are worth. */
typedef struct lehr_cuda_score {
    double energy, prior; /* with penalties */
    double loss, hits;    /* sums over the points, neither reduced nor penalized */
} lehr_cuda_score;

typedef struct lehr_score_args {
    const lehr_energy_args *energy;
    const float *theta;     /* [rows,P] */
    lehr_cuda_score *score; /* [rows] */
    lehr_cuda_points part;
    lehr_cuda_room room;
    lehr_i32 rows;
    lehr_i32 quarter; /* 1: loss and energy are those of the quarter of the points */
} lehr_score_args;

#endif
