/* pool.c: a pool of POSIX threads that take items from one counter.
 *
 * A loop is announced by a new generation number. Workers spin briefly for it, because loops follow each
 * other within microseconds while a run goes on, and sleep when none comes.                         */
#define _GNU_SOURCE /* sched_getaffinity */
#include "cpu/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"

enum { SPINS = 4000, LINE = 64 }; /* about 50 us of pauses; bytes of a cache line */

struct lehr_pool {
    int32_t threads; /* with the caller */
    int32_t started; /* workers that run */
    pthread_t *worker;
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    /* The loop in hand; written before `generation` is raised. */
    lehr_pool_fn fn;
    void *data;
    int64_t count;
    bool quit;
    _Alignas(LINE) atomic_uint generation;
    _Alignas(LINE) atomic_int_least64_t next; /* next item */
    _Alignas(LINE) atomic_int busy;           /* workers that have not finished the loop */
};

typedef struct seat {
    lehr_pool *pool;
    int32_t number;
} seat;

fenv_t lehr_fp_enter(void)
{
    fenv_t callers;
    fegetenv(&callers);
    fesetenv(FE_DFL_ENV);
    return callers;
}

void lehr_fp_leave(const fenv_t *callers)
{
    fesetenv(callers);
}

int32_t lehr_pool_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than the set holds */
    return online > 0 ? (int32_t)online : 1;
}

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void take_items(lehr_pool *pool, int32_t number)
{
    for (;;) {
        const int64_t item = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (item >= pool->count)
            return;
        pool->fn(pool->data, number, item);
    }
}

/* Wait for a generation other than `seen`. */
static unsigned next_generation(lehr_pool *pool, unsigned seen)
{
    for (int spin = 0; spin < SPINS; spin++) {
        const unsigned now = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen)
            return now;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    unsigned now;
    while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

static void finish(lehr_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_lock(&pool->mutex); /* the caller is either before its test or asleep */
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument)
{
    seat *mine = argument;
    lehr_pool *pool = mine->pool;
    const int32_t number = mine->number;
    LEHR_FREE(mine);
    lehr_fp_enter(); /* a thread inherits its creator's rounding and flush-to-zero */
    for (unsigned seen = 0;;) {
        seen = next_generation(pool, seen);
        if (pool->quit)
            return NULL;
        take_items(pool, number);
        finish(pool);
    }
}

/* Hand out the loop in pool->fn, data, count. */
static void announce(lehr_pool *pool)
{
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->busy, pool->started, memory_order_relaxed);
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_for_workers(lehr_pool *pool)
{
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0)
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->busy, memory_order_acquire) != 0)
        pthread_cond_wait(&pool->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

void lehr_pool_run(lehr_pool *pool, int64_t count, lehr_pool_fn fn, void *data)
{
    const bool alone = pool->started == 0 || count < 2;
    for (int64_t item = 0; alone && item < count; item++)
        fn(data, 0, item);
    if (!alone) {
        pool->fn = fn;
        pool->data = data;
        pool->count = count;
        announce(pool);
        take_items(pool, 0);
        wait_for_workers(pool);
    }
}

static lehr_status start_worker(lehr_pool *pool, int32_t number)
{
    seat *mine = NULL;
    LEHR_TRY(LEHR_NEW(mine, 1, "thread"));
    *mine = (seat){pool, number};
    const int error = pthread_create(&pool->worker[pool->started], NULL, work, mine);
    if (error != 0) {
        LEHR_FREE(mine);
        return lehr_fail(LEHR_ERR_MEMORY, "thread %d of %d cannot be started: %s", number + 1,
                         pool->threads, strerror(error));
    }
    pool->started++;
    return LEHR_OK;
}

/* Workers block all signals: handlers run on the caller's threads. */
static lehr_status start_workers(lehr_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    lehr_status status = LEHR_OK;
    for (int32_t number = 1; number < pool->threads && status == LEHR_OK; number++)
        status = start_worker(pool, number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

lehr_status lehr_pool_create(int32_t threads, lehr_pool **out)
{
    lehr_pool *pool = NULL;
    LEHR_TRY(LEHR_NEW(pool, 1, "thread pool"));
    pool->threads = threads > 0 ? threads : lehr_pool_cpus();
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    lehr_status status = LEHR_NEW(pool->worker, (size_t)pool->threads, "threads");
    if (status == LEHR_OK)
        status = start_workers(pool);
    if (status != LEHR_OK) {
        lehr_pool_destroy(&pool);
        return status;
    }
    *out = pool;
    return LEHR_OK;
}

void lehr_pool_destroy(lehr_pool **pool)
{
    lehr_pool *p = *pool;
    if (!p)
        return;
    p->quit = true;
    announce(p);
    for (int32_t i = 0; i < p->started; i++)
        pthread_join(p->worker[i], NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    LEHR_FREE(p->worker);
    LEHR_FREE(*pool);
}

int32_t lehr_pool_threads(const lehr_pool *pool)
{
    return pool->threads;
}
