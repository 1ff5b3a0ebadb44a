/* configs.h: the ready configs (configs/NAME.yaml) as cases, cut to what a test device can run, and one line for
 * each way of running one. Not the small runs that touch every kind: those are in cases.h.
 *
 * Cut by the config's own keys, read by lehr's own reader: at most 4 rungs, 128 training points and hidden widths
 * of 16; 1,000 scans and 100 exchanges of iris, line and xor_step, 64 scans and 8 exchanges of the others, 4 scans
 * under sanitizers. Copies of a ladder, or chains, are 4, so that three devices have more than one each. Network,
 * activations, loss, prior, moves, temperatures and standardization stay.                           */
#ifndef TESTS_SUPPORT_CONFIGS_H
#define TESTS_SUPPORT_CONFIGS_H

#include "support/cases.h"

/* All files of configs/ but the manual, by name. */
int32_t configs_count(void);

/* What else may be changed; 0: as above. */
typedef struct config_change {
    int32_t every; /* scans between exchanges */
    int32_t copies;
} config_change;

/* Ready config i, 0 <= i < configs_count(). Prints the error and aborts when lehr refuses it. Close with
 * parity_close. */
parity_case configs_open(int32_t i, config_change change);

/* The same with so many copies that so many devices cannot have all at once when each has memory for one: arrays
 * are rounded up to 512 bytes, where the smallest networks have room for many. */
parity_case configs_open_parted(int32_t i, int32_t devices);

/* The run of a case on the CPU, at its end, and a line about it. */
lehr_run *configs_expect(const parity_case *c);

/* One way of running it on a GPU. */
typedef struct config_way {
    int32_t devices;
    int32_t threads; /* of a row; 0: the tiled kernels */
    int32_t launch;  /* scans of a launch at most */
    bool parted;     /* memory for one copy only, so that parts take turns on the devices */
    bool shaped;     /* kernels compiled for this network; not: those of nvcc */
    int32_t loads;   /* compiled kernels that a test device must have loaded then */
} config_way;

/* Run it, compare every field of the table and the state hash with `right`, and print a line: config, way, hash,
 * EXACT or DIFFERS. False: it differs, or it was not run in that way. */
bool configs_compare(const parity_case *c, const config_way *w, lehr_run *right);

#endif
