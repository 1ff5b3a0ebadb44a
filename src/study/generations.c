/* generations.c: which checkpoint is the newest. Scans decide, never the clock of a file system. */
#define _POSIX_C_SOURCE 200809L

#include "study/generations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "study/output.h"

enum { COUNT = 2 };

static const char *const names[COUNT] = {"a.safetensors", "b.safetensors"};

/* One of the two files. */
typedef struct generation {
    bool there;
    lehr_checkpoint *checkpoint; /* NULL: missing or damaged */
    char why[LEHR_PATH_MAX];     /* it is damaged */
} generation;

lehr_status lehr_generations_open(const lehr_dir *run, lehr_generations *out)
{
    lehr_generations generations = {.dir = {.fd = -1}};
    LEHR_TRY(lehr_dir_enter(run, "ckpt", &generations.dir));
    const lehr_status status = lehr_output_sweep(&generations.dir);
    if (status == LEHR_OK)
        *out = generations;
    else
        lehr_dir_close(&generations.dir);
    return status;
}

void lehr_generations_close(lehr_generations *generations)
{
    lehr_dir_close(&generations->dir);
}

int lehr_generations_missing(const lehr_generations *generations)
{
    int missing = 0;
    for (int i = 0; i < COUNT; i++)
        missing += faccessat(generations->dir.fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    return missing;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A damaged file is a finding; a disk that cannot be read and missing memory are failures. */
static lehr_status look(const lehr_dir *dir, const char *name, generation *g)
{
    struct stat about;
    if (fstatat(dir->fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0) {
        LEHR_CHECK(errno == ENOENT, LEHR_ERR_IO, "%s/%s: %s", dir->path, name,
                   lehr_system_error(errno));
        return LEHR_OK;
    }
    g->there = true;
    const lehr_status status = lehr_checkpoint_load(dir, name, &g->checkpoint);
    if (status != LEHR_ERR_DATA)
        return status;
    snprintf(g->why, sizeof g->why, "%s", lehr_error());
    return LEHR_OK;
}

static lehr_status look_at_all(const lehr_dir *dir, generation g[COUNT])
{
    for (int i = 0; i < COUNT; i++)
        LEHR_TRY(look(dir, names[i], &g[i]));
    return LEHR_OK;
}

static bool is_newer(const lehr_checkpoint *a, const lehr_checkpoint *b)
{
    const lehr_checkpoint_head *x = lehr_checkpoint_of(a), *y = lehr_checkpoint_of(b);
    return x->scan > y->scan || (x->scan == y->scan && x->save > y->save);
}

/* Index of the newest whole one, -1: none. */
static int find_newest(const generation g[COUNT])
{
    int newest = -1;
    for (int i = 0; i < COUNT; i++)
        if (g[i].checkpoint != NULL &&
            (newest < 0 || is_newer(g[i].checkpoint, g[newest].checkpoint)))
            newest = i;
    return newest;
}

static void note_damage(const generation g[COUNT], int newest, const char *otherwise,
                        lehr_text *notice)
{
    for (int i = 0; i < COUNT; i++) {
        if (g[i].why[0] == '\0')
            continue;
        lehr_text_add(notice, "%s; ", g[i].why);
        if (newest >= 0)
            lehr_text_add(notice, "%s is used", lehr_checkpoint_label(g[newest].checkpoint));
        else
            lehr_text_add(notice, "%s", otherwise);
    }
}

static lehr_status choose(lehr_generations *generations, generation g[COUNT],
                          const lehr_checkpoint_head *expected, lehr_checkpoint **out,
                          lehr_text *notice)
{
    LEHR_TRY(look_at_all(&generations->dir, g));
    const int newest = find_newest(g);
    LEHR_CHECK(newest >= 0 || !g[0].there || !g[1].there, LEHR_ERR_DATA,
               "%s; %s; no checkpoint is left: remove %s to start over", g[0].why, g[1].why,
               generations->dir.path);
    note_damage(g, newest, "there is no other, so the run starts over", notice);
    if (newest < 0)
        return LEHR_OK;
    LEHR_TRY(lehr_checkpoint_match(g[newest].checkpoint, expected));
    generations->next = !newest;
    generations->saves = lehr_checkpoint_of(g[newest].checkpoint)->save;
    *out = g[newest].checkpoint;
    g[newest].checkpoint = NULL;
    return LEHR_OK;
}

lehr_status lehr_generations_latest(lehr_generations *generations,
                                    const lehr_checkpoint_head *expected, lehr_checkpoint **out,
                                    lehr_text *notice)
{
    generation g[COUNT] = {{.there = false}};
    *out = NULL;
    const lehr_status status = choose(generations, g, expected, out, notice);
    for (int i = 0; i < COUNT; i++)
        lehr_checkpoint_destroy(&g[i].checkpoint);
    return status;
}

lehr_status lehr_generations_find(const lehr_dir *ckpt, lehr_checkpoint **out, lehr_text *notice)
{
    generation g[COUNT] = {{.there = false}};
    *out = NULL;
    const lehr_status status = look_at_all(ckpt, g);
    const int newest = status == LEHR_OK ? find_newest(g) : -1;
    if (status == LEHR_OK)
        note_damage(g, newest, "it is of no use", notice);
    if (newest >= 0) {
        *out = g[newest].checkpoint;
        g[newest].checkpoint = NULL;
    }
    for (int i = 0; i < COUNT; i++)
        lehr_checkpoint_destroy(&g[i].checkpoint);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

lehr_status lehr_generations_write(lehr_generations *generations, lehr_checkpoint_head *head,
                                   const lehr_checkpoint_part *part, int32_t parts)
{
    const char *name = names[generations->next];
    head->save = generations->saves + 1;
    lehr_status status = lehr_checkpoint_write(&generations->dir, name, head, part, parts);
    /* After a failed fsync only a new file can tell whether the disk takes anything. */
    if (status == LEHR_ERR_IO)
        status = lehr_checkpoint_write(&generations->dir, name, head, part, parts);
    LEHR_TRY(status);
    generations->saves++;
    generations->next = !generations->next;
    return LEHR_OK;
}
