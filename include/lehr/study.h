/* study.h: a config file, and the directory that a run leaves behind.                              */
#ifndef LEHR_STUDY_H
#define LEHR_STUDY_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/objective.h"
#include "lehr/run.h"
#include "lehr/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything that a config file says, resolved. */
typedef struct lehr_config {
    char name[LEHR_NAME_MAX];
    lehr_data_spec data; /* paths absolute or relative to the working directory */
    lehr_network_spec network;
    lehr_loss_spec loss;
    lehr_prior_spec prior;
    char init_from[LEHR_PATH_MAX]; /* safetensors file with the first weights; "" : drawn */
    lehr_run_spec run;
    char output_dir[LEHR_PATH_MAX]; /* runs/<name>/<id> stands below it */
    double checkpoint_s;
    int64_t trace_energy; /* scans between energies written to the trace; 0: none */
} lehr_config;

/* The defaults of configs/defaults.yaml. */
LEHR_API lehr_config lehr_config_default(void);

/* Read a YAML file and apply `key=value` overrides with dotted keys, in order.
 *
 * Fails with LEHR_ERR_ARG and "file:line:col: ..." (the nearest known key where a key is unknown), or
 * LEHR_ERR_IO when the file cannot be read.                                                          */
LEHR_API lehr_status lehr_config_load(const char *path, const char *const *overrides, int32_t count,
                                      lehr_config *out);

/* The complete, resolved config as YAML that lehr_config_load reads back; the caller frees *text with free(). */
LEHR_API lehr_status lehr_config_write(const lehr_config *config, char **text);

/* Run id: 12 hex digits of a hash of the identity keys that differ from their default and of the data's
 * content. Name, output, backend, threads, wall_s and paths are not part of it.                      */
LEHR_API lehr_status lehr_config_id(const lehr_config *config, uint64_t data_hash, char id[13]);

#ifdef __cplusplus
}
#endif

#endif
