/* lock.c: flock on a file, and the words in it. */
#define _DEFAULT_SOURCE

#include "study/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "base/text.h"
#include "base/write.h"
#include "study/result.h"

enum { LOCK_MODE = 0644, HOST_BYTES = 256, TIME_BYTES = 32, TRIES = 10 };

static const char lock_name[] = "lock";

/* Who a lock file names. */
typedef struct holder {
    char host[HOST_BYTES], job[LEHR_NAME_MAX], started[TIME_BYTES];
    int64_t pid, generation; /* 0: not known */
} holder;

/* ---- The words ------------------------------------------------------------------------------- */

static size_t read_text(int fd, char text[LEHR_LOCK_BYTES])
{
    const ssize_t count = pread(fd, text, LEHR_LOCK_BYTES - 1, 0);
    text[count > 0 ? count : 0] = '\0';
    return count > 0 ? (size_t)count : 0;
}

static void copy_word(const json_t *object, const char *key, char *out, size_t capacity)
{
    const char *word = json_string_value(json_object_get(object, key));
    lehr_text_show(out, capacity, word != NULL ? word : "?", word != NULL ? strlen(word) : 1);
}

/* Anything may stand in the file: a process can be killed while it writes. */
static holder parse(const char *text, size_t length)
{
    holder who = {.host = "?", .started = "?"};
    json_t *object = json_loadb(text, length, 0, NULL);
    copy_word(object, "host", who.host, sizeof who.host);
    copy_word(object, "job", who.job, sizeof who.job);
    copy_word(object, "started", who.started, sizeof who.started);
    who.pid = json_integer_value(json_object_get(object, "pid"));
    who.generation = json_integer_value(json_object_get(object, "generation"));
    json_decref(object);
    return who;
}

static lehr_status write_words(const char *job, int64_t generation, lehr_lock *lock)
{
    char host[HOST_BYTES] = "", now[LEHR_CLOCK_TEXT_BYTES], batch[LEHR_NAME_MAX];
    gethostname(host, sizeof host - 1);
    lehr_clock_text(now);
    snprintf(batch, sizeof batch, "%s", job);
    json_t *object = json_pack("{s:I, s:o, s:o, s:I, s:s}", "generation", (json_int_t)generation,
                               "host", lehr_json_text(host), "job", lehr_json_text(batch), "pid",
                               (json_int_t)getpid(), "started", now);
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(object);
    LEHR_CHECK(text != NULL, LEHR_ERR_MEMORY, "out of memory for a lock");
    lock->length = (size_t)snprintf(lock->text, sizeof lock->text, "%s\n", text);
    free(text);
    LEHR_ASSERT(lock->length < sizeof lock->text);
    return LEHR_OK;
}

/* "process 12 on host (job 7), started ..." */
static const char *show(const holder *who, char *out, size_t capacity)
{
    const bool batch = who->job[0] != '\0' && strcmp(who->job, "?") != 0;
    snprintf(out, capacity, "process %" PRId64 " on %s%s%s%s, started %s", who->pid, who->host,
             batch ? " (job " : "", batch ? who->job : "", batch ? ")" : "", who->started);
    return out;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

static lehr_status fail_io(const lehr_dir *dir, const char *what)
{
    return lehr_fail(LEHR_ERR_IO, "%s/%s: cannot %s: %s", dir->path, lock_name, what,
                     lehr_system_error(errno));
}

static lehr_status fail_held(const lehr_dir *dir, int fd)
{
    char text[LEHR_LOCK_BYTES], words[LEHR_LOCK_BYTES];
    const holder who = parse(text, read_text(fd, text));
    return lehr_fail(LEHR_ERR_EXISTS, "%s is in use by %s", dir->path,
                     show(&who, words, sizeof words));
}

static int open_file(const lehr_dir *dir, const char *name, int more)
{
    return openat(dir->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | more, LOCK_MODE);
}

/* Is the file of this descriptor the one that has the name? Another process may have broken the lock between
 * our open and our flock. */
static bool is_current(const lehr_dir *dir, int fd)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && fstatat(dir->fd, lock_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

static bool is_held(int fd, int how)
{
    int result;
    do
        result = flock(fd, how | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result != 0 && errno == EWOULDBLOCK;
}

/* flock, waiting for those only who ask (lehr_lock_ask). A file system that has no locks leaves the fence alone to
 * protect the files: the last to come goes on, whoever was there before stops. */
static bool try_flock(int fd)
{
    const struct timespec moment = {0, 5000000};
    for (int i = 0; i < TRIES; i++) {
        if (!is_held(fd, LOCK_EX))
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

/* Open and lock; *fd is -1 when the file was exchanged meanwhile. */
static lehr_status open_locked(const lehr_dir *dir, int *fd)
{
    *fd = open_file(dir, lock_name, 0);
    if (*fd < 0)
        return fail_io(dir, "open");
    if (!try_flock(*fd)) {
        const lehr_status status = fail_held(dir, *fd);
        close(*fd);
        return status;
    }
    if (is_current(dir, *fd))
        return LEHR_OK;
    close(*fd);
    *fd = -1;
    return LEHR_OK;
}

/* Our words over those of the last holder: longer or shorter, they end where ours end. */
static lehr_status claim(const lehr_dir *dir, const char *job, int fd, lehr_lock *lock)
{
    char text[LEHR_LOCK_BYTES];
    const holder last = parse(text, read_text(fd, text));
    LEHR_TRY(write_words(job, last.generation + 1, lock));
    if (lseek(fd, 0, SEEK_SET) != 0 || !lehr_write_all(fd, lock->text, lock->length) ||
        ftruncate(fd, (off_t)lock->length) != 0)
        return fail_io(dir, "write");
    return LEHR_OK;
}

static lehr_status take_free(const lehr_dir *dir, const char *job, lehr_lock *lock)
{
    int fd = -1;
    for (int i = 0; i < TRIES && fd < 0; i++)
        LEHR_TRY(open_locked(dir, &fd));
    LEHR_CHECK(fd >= 0, LEHR_ERR_EXISTS, "%s: several processes break its lock", dir->path);
    const lehr_status status = claim(dir, job, fd, lock);
    if (status == LEHR_OK)
        lock->fd = fd;
    else
        close(fd);
    return status;
}

/* A file of our own, locked and written, over the old one, whose holder then sees our words. */
static lehr_status replace(const lehr_dir *dir, const char *temporary, int fd, lehr_lock *lock)
{
    if (!try_flock(fd) || !lehr_write_all(fd, lock->text, lock->length))
        return fail_io(dir, "write");
    if (fsync(fd) != 0 || renameat(dir->fd, temporary, dir->fd, lock_name) != 0)
        return fail_io(dir, "replace");
    return LEHR_OK;
}

static lehr_status take_broken(const lehr_dir *dir, const char *job, lehr_lock *lock)
{
    char temporary[64], text[LEHR_LOCK_BYTES] = "";
    const int old = openat(dir->fd, lock_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    const holder last = parse(text, old >= 0 ? read_text(old, text) : 0);
    if (old >= 0)
        close(old);
    LEHR_TRY(write_words(job, last.generation + 1, lock));
    snprintf(temporary, sizeof temporary, ".%s.%ld.0", lock_name, (long)getpid());
    unlinkat(dir->fd, temporary, 0); /* of a dead process with our number */
    const int fd = open_file(dir, temporary, O_EXCL);
    if (fd < 0)
        return fail_io(dir, "replace");
    const lehr_status status = replace(dir, temporary, fd, lock);
    if (status == LEHR_OK) {
        lock->fd = fd;
        return LEHR_OK;
    }
    close(fd);
    unlinkat(dir->fd, temporary, 0);
    return status;
}

lehr_status lehr_lock_ask(const char *path)
{
    lehr_dir dir = {.fd = -1};
    if (lehr_dir_open(path, &dir) != LEHR_OK)
        return LEHR_OK;
    const int fd = openat(dir.fd, lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const lehr_status status = fd >= 0 && is_held(fd, LOCK_SH) ? fail_held(&dir, fd) : LEHR_OK;
    if (fd >= 0) {
        (void)flock(fd, LOCK_UN); /* should close() fail, it must not be us who hold it */
        close(fd);
    }
    lehr_dir_close(&dir);
    return status;
}

/* Where nobody can lock, only processes of this machine can be asked for. */
static bool process_lives(const char *host, int64_t pid, bool *unknown)
{
    char here[HOST_BYTES] = "";
    gethostname(here, sizeof here - 1);
    if (strcmp(here, host) == 0 && pid > 0)
        return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
    *unknown = true;
    return true;
}

static lehr_lock_state look(int fd)
{
    char text[LEHR_LOCK_BYTES];
    bool unknown = false;
    if (is_held(fd, LOCK_SH))
        return LEHR_LOCK_HELD;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0 && flock(fd, LOCK_UN) == 0)
        return LEHR_LOCK_FREE;
    const holder who = parse(text, read_text(fd, text)); /* a file system without locks */
    const bool lives = process_lives(who.host, who.pid, &unknown);
    return unknown ? LEHR_LOCK_UNKNOWN : lives ? LEHR_LOCK_HELD : LEHR_LOCK_FREE;
}

lehr_lock_state lehr_lock_look(const char *path)
{
    lehr_dir dir = {.fd = -1};
    if (lehr_dir_open(path, &dir) != LEHR_OK)
        return LEHR_LOCK_UNKNOWN;
    const int fd = openat(dir.fd, lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const bool none = fd < 0 && errno == ENOENT;
    const lehr_lock_state state = fd >= 0 ? look(fd) : none ? LEHR_LOCK_FREE : LEHR_LOCK_UNKNOWN;
    if (fd >= 0)
        close(fd);
    lehr_dir_close(&dir);
    return state;
}

lehr_status lehr_lock_take(const lehr_dir *dir, const char *job, bool broken, lehr_lock *out)
{
    lehr_lock lock = {.dir = dir, .fd = -1};
    LEHR_TRY(broken ? take_broken(dir, job, &lock) : take_free(dir, job, &lock));
    *out = lock;
    return LEHR_OK;
}

/* ---- While it is held ------------------------------------------------------------------------ */

lehr_status lehr_lock_check(const lehr_lock *lock)
{
    char text[LEHR_LOCK_BYTES] = "", words[LEHR_LOCK_BYTES];
    /* Opening again makes a network file system look at the file that has the name now. */
    const int fd = openat(lock->dir->fd, lock_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return fail_io(lock->dir, "read");
    const size_t length = fd >= 0 ? read_text(fd, text) : 0;
    if (fd >= 0)
        close(fd);
    if (length == lock->length && memcmp(text, lock->text, length) == 0)
        return LEHR_OK;
    LEHR_CHECK(length > 0, LEHR_ERR_EXISTS, "%s/%s is gone: this process writes nothing more",
               lock->dir->path, lock_name);
    const holder who = parse(text, length);
    return lehr_fail(LEHR_ERR_EXISTS,
                     "%s was taken over by %s: this process stops and writes nothing more",
                     lock->dir->path, show(&who, words, sizeof words));
}

void lehr_lock_release(lehr_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
}
