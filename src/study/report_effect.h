/* report_effect.h: what an axis of a comparison does to a metric on average over everything else. */
#ifndef LEHR_STUDY_REPORT_EFFECT_H
#define LEHR_STUDY_REPORT_EFFECT_H

#include "lehr/status.h"

struct json_t; /* of jansson */

/* For every axis and metric a list of levels {label, runs, mean: [value, low, high]}: the mean of the metric over
 * the runs with that value of the axis, and its bootstrap interval. A number with many values is cut into
 * levels of equally many runs. Axes that only repeat (seeds) have none, unless there is no other. `runs` hold
 * "values" and "metrics" in the order of the axes and metrics. */
lehr_status lehr_report_effects(const struct json_t *runs, const struct json_t *axes,
                                const struct json_t *metrics, struct json_t **out);

#endif
