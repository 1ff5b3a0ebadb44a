/* model_path.h: a model is named by its file or by its run's directory. */
#ifndef LEHR_CLI_MODEL_PATH_H
#define LEHR_CLI_MODEL_PATH_H

#include "lehr/objective.h"
#include "lehr/status.h"

/* `path`, or `path`/best.safetensors when it is a directory. Fails with LEHR_ERR_ARG when it is
 * too long. */
lehr_status lehr_model_path(const char *path, char out[LEHR_PATH_MAX]);

#endif
