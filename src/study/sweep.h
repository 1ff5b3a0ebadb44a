/* sweep.h: a sweep file: which keys of a config take which values.
 *
 * A trial is a number: its values, its config and so its id follow from the sweep and that number
 * alone. What a sweep's trials take and how they share launches is in trials.h. */
#ifndef LEHR_STUDY_SWEEP_H
#define LEHR_STUDY_SWEEP_H

#include "study/config.h"
#include "study/config_schema.h"
#include "study/metric.h"

enum { LEHR_AXES_MAX = 32, LEHR_SWEEP_TRIALS_MAX = 1000000, LEHR_SWEEP_TRIALS_DEFAULT = 10000 };

typedef enum lehr_sweep_mode {
    LEHR_SWEEP_GRID,   /* every value of an axis with every value of the others */
    LEHR_SWEEP_RANDOM, /* drawn axes: `samples` draws, each with every value of the listed axes */
    LEHR_SWEEP_LIST,   /* trials one by one */
    LEHR_SWEEP_ZIP,    /* first values together, second values together, ... */
    LEHR_SWEEP_MODES
} lehr_sweep_mode;

typedef enum lehr_axis_kind {
    LEHR_AXIS_VALUES, /* listed, or made from a range, before anything is drawn */
    LEHR_AXIS_UNIFORM,
    LEHR_AXIS_LOG_UNIFORM,
    LEHR_AXIS_CHOICE
} lehr_axis_kind;

typedef struct lehr_axis {
    char key[LEHR_CONFIG_PATH_MAX];
    lehr_yaml_place place; /* of the key */
    lehr_axis_kind kind;
    double low, high; /* of a drawn number */
    bool whole;       /* the key takes whole numbers */
    int32_t count;    /* of the values; random numbers: 0 */
    char **value;     /* [count] as the key prints them; NULL: the base's own (mode list) */
} lehr_axis;

/* One line of `exclude`: a trial that has all of these values is none. */
typedef struct lehr_exclusion {
    lehr_yaml_place place;
    int32_t count;
    int32_t axis[LEHR_AXES_MAX];
    char *value[LEHR_AXES_MAX]; /* as its key prints it */
    bool matched;               /* some trial: one that matches none is a mistake */
} lehr_exclusion;

/* Successive halving: at `min_scans`, then `eta` times as many, ... only the best 1/eta go on. */
typedef struct lehr_prune_spec {
    int64_t min_scans; /* 0: nothing is pruned */
    int32_t eta;
} lehr_prune_spec;

typedef struct lehr_sweep {
    char file[LEHR_PATH_MAX], base[LEHR_PATH_MAX]; /* the sweep's own, and the base config's */
    char *text;                                    /* of the base */
    size_t length;
    lehr_config base_config;
    const char *const *overrides; /* of every trial, behind its own values */
    int32_t override_count;

    lehr_sweep_mode mode;
    int64_t samples;
    uint64_t seed; /* of what is drawn */
    lehr_axis axis[LEHR_AXES_MAX];
    int32_t axes;
    lehr_exclusion *exclusion; /* [exclusions] */
    int32_t exclusions;

    lehr_metric_path metric; /* none: no objective */
    bool maximize;
    bool over[LEHR_AXES_MAX]; /* axes that an objective is averaged over */
    lehr_prune_spec prune;
    lehr_yaml_place prune_place;
    int64_t most;  /* trials */
    double wall_s; /* of one call; 0: no limit */
    int32_t retries;
} lehr_sweep;

/* Read a sweep file and its base. The overrides ("key=value") must outlive the sweep.
 *
 * Fails with LEHR_ERR_ARG and "file:line:column: ..." on an unknown key (with the nearest known one), a value
 * that its key does not take, empty axes, unequal lengths of zipped ones, a test metric as objective, a
 * stop.wall_s; with LEHR_ERR_IO when a file cannot be read. */
lehr_status lehr_sweep_load(const char *path, const char *const *overrides, int32_t count,
                            lehr_sweep **out);
void lehr_sweep_destroy(lehr_sweep **sweep);

/* Numbers that trials can have; fails with LEHR_ERR_ARG above LEHR_SWEEP_TRIALS_MAX. */
lehr_status lehr_sweep_count(const lehr_sweep *sweep, int64_t *out);

/* Add the value that a trial has on an axis to `out`; nothing where it is the base's own. */
void lehr_sweep_value(const lehr_sweep *sweep, int64_t number, int32_t axis, lehr_text *out);

/* The resolved config of a trial. A failure names the trial by its values. */
lehr_status lehr_sweep_config(const lehr_sweep *sweep, int64_t number, lehr_config *out);

/* "rungs=8, seed=1" of a trial, added to `out`. */
void lehr_sweep_describe(const lehr_sweep *sweep, int64_t number, lehr_text *out);

/* Does an exclusion drop this trial? Marks it as matched. */
bool lehr_sweep_excludes(lehr_sweep *sweep, int64_t number);

/* Put "file:line:column: " before the last error sentence; returns status. */
lehr_status lehr_sweep_blame(const lehr_sweep *sweep, lehr_yaml_place place, lehr_status status);

/* ---- sweep_axis.c ----------------------------------------------------------------------------- */

enum { LEHR_AXIS_NUMBER_BYTES = 40 };

/* Read the values of an axis, whose key and place are set, from a node. */
lehr_status lehr_axis_read(const lehr_sweep *sweep, const lehr_yaml *yaml, int32_t node,
                           lehr_axis *axis);
void lehr_axis_free(lehr_axis *axis);

/* Add a value as its key prints it; NULL: the base's own. */
lehr_status lehr_axis_add(lehr_axis *axis, const char *value);

/* A number that was made for an axis. */
void lehr_axis_print(const lehr_axis *axis, double value, char out[LEHR_AXIS_NUMBER_BYTES]);

/* The key of an axis, checked: known, one key of a config of so many moves, not stop.wall_s. */
lehr_status lehr_axis_key(const char *path, int32_t moves, const lehr_config_key **key,
                          int32_t *move);

/* Do the values of an axis that was read make different trials? Those of a key that is no part of a run's identity do
 * not: it takes one value, or, in `mode: list`, stands beside others where trials can differ in it. */
lehr_status lehr_axis_check(const lehr_sweep *sweep, const lehr_axis *axis);

/* The value at a node, as its key prints it, added to `out`. Fails with its place when the key does not take
 * it. */
lehr_status lehr_axis_canon(const lehr_sweep *sweep, const lehr_yaml *yaml, int32_t node,
                            const char *path, lehr_text *out);

#endif
