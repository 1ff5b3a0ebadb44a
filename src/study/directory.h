/* directory.h: a directory that a run writes into, held open, so that nothing can be moved under
 * it. */
#ifndef LEHR_STUDY_DIRECTORY_H
#define LEHR_STUDY_DIRECTORY_H

#include "lehr/objective.h"
#include "lehr/status.h"

struct lehr_lock; /* study/lock.h */

typedef struct lehr_dir {
    int fd;                   /* -1: closed */
    char path[LEHR_PATH_MAX]; /* for messages and for opening it again */
    const struct lehr_lock
        *lock; /* asked before a file gets its name; directories below inherit it.
                                     NULL: none */
} lehr_dir;

/* The directory above `path` and the last name of it ("." and "x" for "x"; trailing slashes do
 * not count). Fails with LEHR_ERR_ARG when there is no last name ("", "/") or it does not fit. */
lehr_status lehr_path_split(const char *path, char parent[LEHR_PATH_MAX], char name[LEHR_NAME_MAX]);

/* `parent`/`name` into out; fails with LEHR_ERR_ARG when it is too long. */
lehr_status lehr_path_join(const char *parent, const char *name, char out[LEHR_PATH_MAX]);

/* LEHR_ERR_IO when nothing has this name. */
lehr_status lehr_dir_check(const char *path);

/* Open an existing directory. Fails with LEHR_ERR_IO. */
lehr_status lehr_dir_open(const char *path, lehr_dir *out);

/* Open a directory, making it and its missing parents (mode 0755). The path is the user's own
 * word: symbolic links in it are followed. Fails with LEHR_ERR_IO. */
lehr_status lehr_dir_make(const char *path, lehr_dir *out);

/* Open, making it when missing, the directory `name` of `parent`. The name may come from a
 * config file, so it must be a plain one: LEHR_ERR_ARG for "", ".", ".." and any with a slash or
 * a control character, LEHR_ERR_IO when it is a symbolic link. */
lehr_status lehr_dir_enter(const lehr_dir *parent, const char *name, lehr_dir *out);

/* Make a directory under a temporary name, `staged`, beside the place that it will have; what is put into it
 * appears all at once when it is revealed. Its messages name the place. Fails with LEHR_ERR_IO. */
lehr_status lehr_dir_stage(const lehr_dir *parent, const char *name, lehr_dir *out,
                           char staged[LEHR_NAME_MAX + 32]);

/* Give it its name: of several processes one succeeds, the others get LEHR_ERR_EXISTS. */
lehr_status lehr_dir_reveal(const lehr_dir *parent, const char *staged, const lehr_dir *dir,
                            const char *name);

/* NULL-safe; closing twice is harmless. */
void lehr_dir_close(lehr_dir *dir);

/* LEHR_OK when a name may stand below an output directory; see lehr_dir_enter. */
lehr_status lehr_name_check(const char *name);

#endif
