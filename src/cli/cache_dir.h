/* cache_dir.h: where this user keeps what can be made again. */
#ifndef LEHR_CLI_CACHE_DIR_H
#define LEHR_CLI_CACHE_DIR_H

#include <stddef.h>

/* $XDG_CACHE_HOME/lehr, else $HOME/.cache/lehr; "" when neither is an absolute path that fits. */
void lehr_cache_dir(char *out, size_t capacity);

#endif
