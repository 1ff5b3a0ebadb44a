/* sweep_read.h: a sweep file while it is read. */
#ifndef LEHR_STUDY_SWEEP_READ_H
#define LEHR_STUDY_SWEEP_READ_H

#include "study/sweep.h"

/* A sweep and the tree that it is read from. */
typedef struct lehr_sweep_tree {
    lehr_sweep *sweep;
    const lehr_yaml *yaml;
} lehr_sweep_tree;

/* Fill a sweep, whose file name and overrides are set, from the file's text. */
lehr_status lehr_sweep_read(lehr_sweep *sweep, const char *text, size_t length);

/* sweep_map.c: the nodes of the words of a mapping, -1 where one is not given.
 * Fails on a word that is none of names[count], with the nearest, and on one that is given twice. */
lehr_status lehr_sweep_words(const lehr_sweep_tree *tree, int32_t map, const char *what,
                             const char *const *names, int32_t count, int32_t *node);

/* A whole number from low to high at a node. */
lehr_status lehr_sweep_whole(const lehr_sweep_tree *tree, int32_t node, const char *what,
                             int64_t low, int64_t high, int64_t *out);

/* One of names[count] at a node. */
lehr_status lehr_sweep_choice(const lehr_sweep_tree *tree, int32_t node, const char *what,
                              const char *const *names, int32_t count, int32_t *out);

/* The axis of a key that is named at a node. */
lehr_status lehr_sweep_axis(const lehr_sweep_tree *tree, int32_t node, int32_t *axis);

#endif
