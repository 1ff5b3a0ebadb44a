/* metric.h: a number of result.json that trials are compared by. The test part is none. */
#ifndef LEHR_STUDY_METRIC_H
#define LEHR_STUDY_METRIC_H

#include <stdbool.h>

#include "base/status.h"
#include "lehr/run.h"

struct json_t; /* of jansson */

enum { LEHR_METRIC_NAME_MAX = 40 };

/* "best.validation.loss"; part NULL: none. */
typedef struct lehr_metric_path {
    const char *part; /* train | validation */
    const char *name; /* loss | accuracy | r2 | rmse */
} lehr_metric_path;

/* Find one by "best.validation.loss" or "validation_loss". Fails with LEHR_ERR_ARG and the nearest one;
 * on a test metric with the reason why it is none. */
lehr_status lehr_metric_find(const char *text, lehr_metric_path *out);

/* Is more better? */
bool lehr_metric_rises(const lehr_metric_path *metric);

void lehr_metric_print(const lehr_metric_path *metric, char out[LEHR_METRIC_NAME_MAX]);

/* Its value in a result (or any object with `best`); NaN where it has none. */
double lehr_metric_value(const lehr_metric_path *metric, const struct json_t *result);

/* The same of a run's last observation. */
double lehr_metric_seen(const lehr_metric_path *metric, const lehr_observation *seen);

#endif
