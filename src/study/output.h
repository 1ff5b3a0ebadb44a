/* output.h: files that are either wholly there or not at all, and logs that grow by whole lines.
 *
 * A whole file is written under a temporary name in its own directory, synced, renamed, and the
 * directory is synced: after any fault the old or the new file stands under the name, never a
 * part of one. */
#ifndef LEHR_STUDY_OUTPUT_H
#define LEHR_STUDY_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lehr/status.h"
#include "study/directory.h"

/* A file being written. */
typedef struct lehr_output {
    const lehr_dir *dir;
    int fd; /* -1: not open */
    bool
        loose; /* leave syncing to the caller: nothing is lost with the process, only with the power */
    size_t size_bytes;        /* that will be written in all, for the message of a full disk */
    char name[LEHR_NAME_MAX]; /* as it will be called */
    char temporary[LEHR_NAME_MAX + 32]; /* as it is called until then */
} lehr_output;

/* Start a file of size_bytes. `dir` must stay open. Fails with LEHR_ERR_IO, as all that follow;
 * a failed write or commit removes the temporary file and closes `output`. */
lehr_status lehr_output_begin(const lehr_dir *dir, const char *name, size_t size_bytes,
                              lehr_output *output);
lehr_status lehr_output_write(lehr_output *output, const void *bytes, size_t count);

/* Put the file in its place, over an older one. */
lehr_status lehr_output_commit(lehr_output *output);

/* Put the file in its place; LEHR_ERR_EXISTS, and nothing changed, when the name is taken. */
lehr_status lehr_output_commit_new(lehr_output *output);

/* Drop the file; harmless after a commit. */
void lehr_output_abandon(lehr_output *output);

/* begin, write, commit (or commit_new) in one. */
lehr_status lehr_output_whole(const lehr_dir *dir, const char *name, const void *bytes,
                              size_t count);
lehr_status lehr_output_whole_new(const lehr_dir *dir, const char *name, const void *bytes,
                                  size_t count);

/* Everything that was written loosely on the file system of a directory is on the disk. Fails with LEHR_ERR_IO. */
lehr_status lehr_output_sync(const lehr_dir *dir);

/* A log: a new file that is only appended to. Fails with LEHR_ERR_EXISTS or LEHR_ERR_IO. */
lehr_status lehr_log_create(const lehr_dir *dir, const char *name, int *fd);

/* Append bytes by one write() (more only when the system takes less). Fails with LEHR_ERR_IO. */
lehr_status lehr_log_append(const lehr_dir *dir, const char *name, int fd, const void *bytes,
                            size_t count);

/* Open a log again and cut it to the length that it had. Fails with LEHR_ERR_DATA when it is shorter. */
lehr_status lehr_log_reopen(const lehr_dir *dir, const char *name, int64_t size_bytes, int *fd);

/* Everything that was appended onto the disk, and how much that is. After a failure the descriptor is of no
 * use: another fsync on it would prove nothing. */
lehr_status lehr_log_sync(const lehr_dir *dir, const char *name, int fd, int64_t *size_bytes);

/* Remove the temporary files of processes that were killed; only for who holds the directory's lock. */
lehr_status lehr_output_sweep(const lehr_dir *dir);

#endif
