/* tiled.h: what the launches of tiled.cu are told. */
#ifndef LEHR_CUDA_TILED_H
#define LEHR_CUDA_TILED_H

#include "cuda/args.h"
#include "core/proposal.h"
#include "cuda/rooms.h"

/* Rows [first, first+count) of one batch, in one scan or to be scored. */
typedef struct lehr_tiled_args {
    const lehr_energy_args *energy;
    lehr_cuda_rows rows;
    lehr_cuda_points data;
    const float *weights; /* [rows,P] that are weighed: the proposals, or what is to be scored */
    float *proposed;      /* [rows,P] */
    float *even, *odd;    /* [batch,width,stride] activations of layers 0, 2, ... and 1, 3, ... */
    lehr_i64 even_row;    /* floats from one row of the batch to the next */
    lehr_i64 odd_row;
    float *losses; /* [rows,chunks] sums over the points of chunks */
    float *hits;   /* the same of right answers; in scans of delayed runs losses of the quarter */
    lehr_team_state *state; /* [rows] scans only */
    lehr_cuda_score *score; /* [rows] scoring only */
    lehr_i32 first, count;
    lehr_u64 scan;
    lehr_i32 begins, ends; /* 1 in the first and in the last scan of a stretch */
    lehr_cuda_kept kept;   /* scans only */
    lehr_touch touch;      /* kept: what the proposals of all rows touch */
    lehr_i32 quarter;      /* 1: sums are over the quarter of the points; scans: both are needed */
    lehr_i32 reserved;
} lehr_tiled_args;

/* dense: one layer of a batch. */
typedef struct lehr_dense_args {
    const float *weights; /* [count,P], of the batch's first row */
    const float *from;    /* [count,inputs,stride], or the data, the same for all rows */
    float *to;            /* [count,outputs,stride] */
    lehr_i64 from_row;    /* floats from row to row of `from`; 0: the data */
    lehr_i64 to_row;
    lehr_i64 weights_row; /* P */
    lehr_i64 bias;        /* where the biases stand behind `weights`; -1: none */
    lehr_i32 inputs, outputs;
    lehr_i32 stride; /* points, a multiple of LEHR_DENSE_TILE */
    lehr_i32 activation;
    /* Where activations are kept: */
    const lehr_network *network; /* the device's */
    lehr_cuda_kept kept;
    lehr_touch touch;
    lehr_i32 layer, first_row;
} lehr_dense_args;

#define LEHR_DENSE_TILE  64 /* outputs, and points, of a block */
#define LEHR_DENSE_DEPTH 16 /* inputs in shared memory at a time */

#endif
