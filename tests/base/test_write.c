/* base/write: a pipe takes little at a time, and a timer interrupts: everything arrives, in order; an error is
 * told. */
#include "base/write.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 1 << 20, PIECE = 1000, NAP_NS = 20000, TICK_US = 300 };

static unsigned char sent[BYTES], come[BYTES];

/* Slower than the writer, so that the pipe is full most of the time. */
static void *read_slowly(void *fd)
{
    size_t count = 0;
    ssize_t taken = 1;
    while (count < BYTES && taken > 0) {
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
        const size_t left = BYTES - count;
        taken = read(*(int *)fd, come + count, left < PIECE ? left : PIECE);
        count += taken > 0 ? (size_t)taken : 0;
    }
    return NULL;
}

static volatile sig_atomic_t interruptions;

static void interrupted(int number)
{
    (void)number;
    interruptions++;
}

/* Signals for this thread only, at which write() does not go on by itself; the reader has them blocked. */
static void start_reader(pthread_t *reader, int *fd)
{
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    cr_assert_eq(pthread_create(reader, NULL, read_slowly, fd), 0);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = interrupted}, NULL);
    const struct timeval tick = {.tv_usec = TICK_US};
    setitimer(ITIMER_REAL, &(struct itimerval){tick, tick}, NULL);
}

Test(write, everything_arrives_through_a_slow_pipe_and_signals)
{
    for (size_t i = 0; i < BYTES; i++)
        sent[i] = (unsigned char)(i * 2654435761u >> 24);
    int end[2];
    pthread_t reader;
    cr_assert_eq(pipe(end), 0);
    start_reader(&reader, &end[0]);
    cr_expect(lehr_write_all(end[1], sent, BYTES));
    setitimer(ITIMER_REAL, &(struct itimerval){{0}, {0}}, NULL);
    close(end[1]);
    pthread_join(reader, NULL);
    cr_expect_arr_eq(come, sent, BYTES);
    cr_expect_gt(interruptions, 10, "%d signals came", (int)interruptions);
}

Test(write, an_error_is_told_in_errno)
{
    const int full = open("/dev/full", O_WRONLY);
    errno = 0;
    cr_expect(!lehr_write_all(full, "x", 1));
    cr_expect_eq(errno, ENOSPC);
    cr_expect(lehr_write_all(full, "x", 0), "nothing is always written");
    close(full);
    cr_expect(!lehr_write_all(full, "x", 1));
    cr_expect_eq(errno, EBADF);
}
