/* model_path.c: is it a directory? */
#define _POSIX_C_SOURCE 200809L

#include "cli/model_path.h"

#include <sys/stat.h>

#include "base/status.h"
#include "base/text.h"
#include "study/directory.h"

lehr_status lehr_model_path(const char *path, char out[LEHR_PATH_MAX])
{
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return lehr_path_join(path, "best.safetensors", out);
    LEHR_CHECK(lehr_text_copy(out, LEHR_PATH_MAX, path), LEHR_ERR_ARG,
               "the path of the model is too long");
    return LEHR_OK;
}
