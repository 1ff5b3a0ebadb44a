/* lock.h: one process at a time writes into a run's directory.
 *
 * The file `lock` is held by flock(2) as long as a run works, so a killed one lets go of it by itself. It
 * says who holds or held it. Where a lock outlives its process (a dead NFS client) or its process sleeps,
 * it can be broken; the file is then another one, and whoever held the old one finds that out before it
 * gives any file its name (fencing). */
#ifndef LEHR_STUDY_LOCK_H
#define LEHR_STUDY_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lehr/status.h"
#include "study/directory.h"

enum { LEHR_LOCK_BYTES = 4096 };

typedef struct lehr_lock {
    const lehr_dir *dir;
    int fd;                     /* -1: not held */
    size_t length;              /* of text */
    char text[LEHR_LOCK_BYTES]; /* what the file must say: {generation, host, job, pid, started} */
} lehr_lock;

/* Take the lock of a directory, which must stay open, and write down who does; `job` is the number of a batch
 * job, or "". Fails with LEHR_ERR_EXISTS, naming the holder, when it is held (a lock that is `broken` is
 * taken all the same), and with LEHR_ERR_IO. */
lehr_status lehr_lock_take(const lehr_dir *dir, const char *job, bool broken, lehr_lock *out);

/* Before work that ends in lehr_lock_take: LEHR_ERR_EXISTS, naming the holder, when it is held already. A directory
 * that is not there, or has no lock, is none's. */
lehr_status lehr_lock_ask(const char *path);

typedef enum lehr_lock_state {
    LEHR_LOCK_FREE, /* whoever held it has let go of it, or is dead */
    LEHR_LOCK_HELD,
    LEHR_LOCK_UNKNOWN /* a process of another host, on a file system without locks; or it cannot be read */
} lehr_lock_state;

/* For those who only look at a directory, which must be there: is somebody at work in it? */
lehr_lock_state lehr_lock_look(const char *path);

/* Is it still ours? Fails with LEHR_ERR_EXISTS, naming the successor; ask before any file gets its name. */
lehr_status lehr_lock_check(const lehr_lock *lock);

/* Let go; the file stays, since its generations must go on. Twice is harmless. */
void lehr_lock_release(lehr_lock *lock);

#endif
