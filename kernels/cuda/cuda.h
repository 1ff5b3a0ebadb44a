/* cuda.h: the state of the CUDA backend, and what its C files offer each other.
 *
 * cuda.c is the table of operations, device.c finds devices and says what went wrong with one, units.c knows the
 * copies of a table, plan.c decides which kernels run and how the copies are parted, memory.c takes and gives
 * back device memory, transfer.c moves rows, explore.c runs scans, jit.c compiles, fast.c calls cuBLAS, which
 * blas.c finds. Launchers are in *.cu, device code in *.cuh.
 *
 * The copies of a table are independent inside a slice, so they may be parted: over several devices, and, when
 * they do not fit, over time. A part is a range of copies. One that other processes have rows of, which can
 * only be the first or the last of all, is settled by the caller.                                   */
#ifndef LEHR_CUDA_CUDA_H
#define LEHR_CUDA_CUDA_H

#include <cuda_runtime_api.h>

#include "backend.h"
#include "cuda/args.h"
#include "cuda/fast.h"
#include "cuda/launchers.h"

enum {
    LEHR_CUDA_BUFFERS = 64,   /* allocations on one device at most */
    LEHR_CUDA_CANDIDATES = 64 /* rows scored in one launch */
};

/* Where each kind of array begins for a part, or how long it is: see LEHR_TABLE_FIELDS. */
typedef struct lehr_extent {
    int64_t R, RP, S, SM, RM, B;
} lehr_extent;

/* A copy of a group, and those of its rows that are in the table. */
typedef struct lehr_cuda_unit {
    int32_t group, copy;
    int32_t row, rows;
    bool whole;   /* all of them are */
    int32_t next; /* copy to look at */
} lehr_cuda_unit;

/* A range of copies. */
typedef struct lehr_cuda_part {
    int32_t device; /* number in lehr_cuda.device */
    int32_t first_unit, units;
    int32_t first_whole, wholes; /* of these, whole ones */
    lehr_extent from, size;
} lehr_cuda_part;

/* What runs, and how much memory it takes. */
typedef struct lehr_cuda_plan {
    lehr_path path;        /* fused or tiled */
    int32_t row_threads;   /* of a fused scan */
    int32_t look;          /* rounds between its looks at a sum; 0: none is rejected early */
    int64_t batch_points;  /* the most of a mini-batch; 0: there are none */
    int32_t score_threads; /* of a fused score; 0: scores are tiled */
    int32_t part_units;    /* copies of a part at most */
    int32_t batch;         /* tiled: rows whose activations are there at once */
    bool fast;             /* tiled, with cuBLAS and hardware tanh in the middle */
    int64_t packed_floats; /* fast: see lehr_fast_packed_floats */
    lehr_cuda_room room;   /* of the activations */
    int64_t kept_floats;   /* of a place of a row's activations; 0: they are not kept */
    int64_t kept_bytes, wanted_bytes; /* of them on a device; what would not fit */
    int64_t device_bytes, free_bytes;
    int64_t least_bytes; /* of one copy, a row at a time */
} lehr_cuda_plan;

/* A device and what is on it: data, room, and the rows of one part. */
typedef struct lehr_cuda_device {
    int32_t index; /* of CUDA */
    cudaStream_t stream;
    void *buffer[LEHR_CUDA_BUFFERS];
    int32_t buffers;
    bool out_of_memory; /* that is why it could not be opened */
    lehr_energy_args *energy;
    lehr_cuda_points part[LEHR_PART_COUNT];
    lehr_cuda_points work;    /* what proposals are weighed on: the training part or a batch */
    float *batch_x, *batch_y; /* room for a batch */
    lehr_cuda_kept kept;      /* activations, where they are kept */
    bool learned;             /* they are those of theta */
    lehr_table table; /* room for the largest part; `group` shifted for the one that is there */
    int32_t *row_group, *unit_group, *unit_copy;
    float *candidate;         /* [LEHR_CUDA_CANDIDATES,P] */
    lehr_cuda_score *score;   /* [the most rows of a part or candidates] */
    lehr_tiled_args tiled;    /* the pointers of its room */
    lehr_fast *fast;          /* numerics fast, or NULL */
    const void *scan_kernel;  /* compiled for this shape, or NULL */
    cudaLibrary_t library;    /* of scan_kernel */
    const char *notice;       /* why scan_kernel is NULL where it should not be, or NULL */
    const lehr_cuda_part *at; /* the part whose rows are there, or NULL */
} lehr_cuda_device;

typedef struct lehr_cuda {
    const lehr_problem *problem;
    lehr_table *table; /* the host's */
    lehr_backend_options options;
    lehr_cuda_plan plan;
    lehr_cuda_device *device; /* [devices] */
    int32_t devices;
    lehr_cuda_part *part; /* [parts] */
    int32_t parts;
    int32_t units;
    lehr_group *group;      /* [groups] scratch: the groups of a part, shifted */
    int32_t *row_group;     /* [R] */
    int32_t *unit_group;    /* [units] */
    int32_t *unit_copy;     /* [units] */
    lehr_cuda_score *score; /* [R or candidates, whichever is more] on the host */
    float *staging;         /* a batch on its way to the devices */
    int32_t delayed;        /* 1: any group is */
    double *energy, *prior; /* [R] of first weights */
} lehr_cuda;

/* ---- device.c ---- */

int32_t lehr_cuda_device_count(const char **reason);
void lehr_cuda_describe(int32_t device, lehr_device_info *out);

/* Make device `index` current, after checking that its code is in this program. */
lehr_status lehr_cuda_enter(int32_t index);

/* LEHR_OK, or LEHR_ERR_DEVICE with what happened to which device while doing `what`. */
lehr_status lehr_cuda_check(cudaError_t code, int32_t index, const char *what);
#define LEHR_CUDA(device, call, what) LEHR_TRY(lehr_cuda_check((call), (device)->index, (what)))

/* Has a fault lost what is on a device? Nothing can be read from it any more. */
bool lehr_cuda_lost(cudaError_t code);

/* ---- units.c ---- */

/* The next copy that has rows in the table, from {0} on; false: there is none. */
bool lehr_cuda_next_unit(const lehr_table *table, lehr_cuda_unit *unit);
int32_t lehr_cuda_count_units(const lehr_table *table);

/* Where the arrays of a copy begin, and their sizes: without temperatures, all of which go with every part. */
lehr_extent lehr_cuda_place(const lehr_table *table, const lehr_cuda_unit *unit);
lehr_extent lehr_cuda_size(const lehr_table *table, const lehr_cuda_unit *unit);
int64_t lehr_cuda_temperatures(const lehr_table *table);
void lehr_cuda_add(lehr_extent *to, lehr_extent more, int64_t times);

/* Sizes that are enough for any so many copies in a row. */
lehr_extent lehr_cuda_extent(const lehr_table *table, int32_t units);

/* ---- plan.c ---- */

/* How a run would be laid out when each device may use `budget_bytes` (0: what is free). */
lehr_status lehr_cuda_make_plan(const lehr_backend_options *options, const lehr_problem *problem,
                                const lehr_table *table, int64_t budget_bytes, lehr_cuda_plan *out);
/* Points of memory for N points. */
int32_t lehr_cuda_stride(int64_t points);
int32_t lehr_cuda_targets(const lehr_energy_args *e);

/* ---- memory.c ---- */

lehr_status lehr_cuda_device_open(lehr_cuda *cuda, lehr_cuda_device *device);
void lehr_cuda_device_close(lehr_cuda_device *device);

/* ---- jit.c ---- */

/* Compile the scan kernel for this run into d->scan_kernel, or leave it NULL: the kernels of nvcc run, and when
 * that is for want of a compiler, d->notice says so. Fails only when the device does. */
lehr_status lehr_cuda_specialize(const lehr_cuda *cuda, lehr_cuda_device *device);

/* ---- transfer.c ---- */

/* The host's rows of a part onto its device, and back; both return when done. */
lehr_status lehr_cuda_upload(lehr_cuda *cuda, const lehr_cuda_part *part);
lehr_status lehr_cuda_download(lehr_cuda *cuda, const lehr_cuda_part *part);

/* All but the weights, of a part that is on its device. */
lehr_status lehr_cuda_upload_labels(lehr_cuda *cuda, const lehr_cuda_part *part);
lehr_status lehr_cuda_download_labels(lehr_cuda *cuda, const lehr_cuda_part *part);

/* ---- explore.c ---- */

lehr_status lehr_cuda_slice(lehr_cuda *cuda, uint64_t scan, uint64_t scans);

/* memory.c: proposals on a device are weighed on these points from now on. */
lehr_status lehr_cuda_send_batch(const lehr_cuda *cuda, lehr_cuda_device *device,
                                 const lehr_part_data *batch);

/* What is scored: rows of weights on a device, on some points there. */
typedef struct lehr_cuda_scoring {
    const lehr_cuda_points *points;
    const float *theta; /* [rows,P] */
    int32_t rows;
    int32_t quarter; /* 1: on the quarter of the part's points */
} lehr_cuda_scoring;

/* Scores into cuda->score. */
lehr_status lehr_cuda_score_rows(lehr_cuda *cuda, lehr_cuda_device *device,
                                 const lehr_cuda_scoring *scoring);

#endif
