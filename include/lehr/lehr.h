/* lehr.h: the whole public interface.
 *
 * Legend of shape letters, used in every header: R rows (replicas), T rungs (temperatures of one ladder),
 * P parameters of a row, N data points, D inputs, K outputs. Shapes are written [R,P], row-major.
 * Energies E are untempered; beta = 1/T; times end in _s, sizes in _bytes.                          */
#ifndef LEHR_LEHR_H
#define LEHR_LEHR_H

#include "lehr/device.h"
#include "lehr/kinds.h"
#include "lehr/objective.h"
#include "lehr/run.h"
#include "lehr/status.h"
#include "lehr/study.h"
#include "lehr/temper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Version "0.1.0" and git commit (short hash, "+" when the tree was changed, "unknown" without git). */
LEHR_API const char *lehr_version(void);
LEHR_API const char *lehr_commit(void);

/* The open lists, by enum: one entry per list of kinds.h. */
typedef enum lehr_kind_list {
#define X(type, suffix, name, list) LEHR_LIST_##suffix,
    LEHR_KIND_LISTS(X)
#undef X
        LEHR_LIST_COUNT
} lehr_kind_list;

LEHR_API const char *lehr_kind_list_name(lehr_kind_list list);
LEHR_API int32_t lehr_kind_count(lehr_kind_list list);
/* Config name and one-line help of a kind; NULL when out of range. */
LEHR_API const char *lehr_kind_name(lehr_kind_list list, int32_t value);
LEHR_API const char *lehr_kind_help(lehr_kind_list list, int32_t value);
/* Value of a config name. Fails with LEHR_ERR_ARG, naming the nearest kind; *value is then untouched. */
LEHR_API lehr_status lehr_kind_find(lehr_kind_list list, const char *name, int32_t *value);

#ifdef __cplusplus
}
#endif

#endif
