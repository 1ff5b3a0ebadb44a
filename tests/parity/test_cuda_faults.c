/* Every call of the CUDA runtime may fail: each one of a small run does so in turn, in each way that hardware
 * and drivers have. What must hold: the status is LEHR_ERR_DEVICE (exit code 69), the sentence names the
 * device and what was being done, nothing stays on a device, and the next run on a healthy device has the
 * right bits. What stays on the host is for the leak sanitizer to say.                              */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "device/control.h"
#include "support/parity.h"

/* Scans to the end and what a summary asks for: every call that a run makes. */
static lehr_status whole_run(const parity_case *c, const lehr_backend_options *options,
                             uint64_t *hash)
{
    lehr_run_spec spec = c->spec;
    snprintf(spec.backend, sizeof spec.backend, "cuda");
    lehr_run *run = NULL;
    lehr_run_summary summary = {0};
    lehr_stop stop = LEHR_STOP_NONE;
    lehr_backend_options plain = *options;
    plain.plain = 1; /* NVRTC's kernel for the shape would be compiled anew for every fault */
    lehr_status status = lehr_run_create_with(&spec, &plain, c->objective, &run);
    while (status == LEHR_OK && stop == LEHR_STOP_NONE)
        status = lehr_run_advance(run, 2, &stop);
    if (status == LEHR_OK)
        status = lehr_run_summarize(run, &summary);
    lehr_run_destroy(&run);
    *hash = summary.state_hash;
    return status;
}

/* Four scans on a few points in three parts, with exchanges: all calls that larger runs make. */
static parity_case small_case(void)
{
    parity_case c = parity_sweep_open(0);
    c.spec.stop.scans = 4;
    c.spec.observe = 2;
    return c;
}

static void check_live(const char *when)
{
    const lehr_device_alive live = lehr_device_live();
    cr_expect(live.allocations == 0 && live.streams == 0 && live.libraries == 0,
              "%s: %lld allocations, %lld streams and %lld libraries are left", when,
              (long long)live.allocations, (long long)live.streams, (long long)live.libraries);
}

/* "cuda:0: copying data: ...", "backend cuda: ...", or what one copy needs, and then the first. */
static bool names_the_device(const char *sentence)
{
    return strncmp(sentence, "cuda:", 5) == 0 || strncmp(sentence, "backend cuda", 12) == 0 ||
           (strncmp(sentence, "one copy needs", 14) == 0 && strstr(sentence, ": cuda:"));
}

typedef struct fault {
    int code; /* cudaError_t */
    bool sticky;
    const char *words; /* some of its sentence */
} fault;

static const fault faults[] = {
    {1, false, "invalid"}, {719, true, "launch failure"},
    {2, false, "memory"},  {209, false, "no code for"},
    {214, true, "ECC"},
};
enum { FAULTS = sizeof faults / sizeof *faults };

/* Some calls may fail without harm: they are asked for a name, or for what is given back anyway, or their
 * failure is answered by a smaller plan. Then the run must be right, all the same. */
static void fail_one(const parity_case *c, const lehr_backend_options *options, const fault *f,
                     int64_t n, uint64_t right)
{
    char when[64];
    snprintf(when, sizeof when, "error %d at call %lld", f->code, (long long)n);
    lehr_device_reset();
    lehr_device_fail_at(n, f->code, f->sticky);
    uint64_t hash = 0;
    (void)lehr_fail(LEHR_ERR_ARG, "an older sentence");
    const lehr_status status = whole_run(c, options, &hash);
    if (status == LEHR_OK) {
        cr_expect_eq(hash, right, "%s: the run ended well, with other bits", when);
    } else {
        cr_expect_eq(status, LEHR_ERR_DEVICE, "%s: %s: %s", when, lehr_status_name(status),
                     lehr_error());
        cr_expect(names_the_device(lehr_error()), "%s: \"%s\" names no device", when, lehr_error());
        cr_expect_null(strstr(lehr_error(), "older"), "%s: \"%s\"", when, lehr_error());
        cr_expect_not_null(strstr(lehr_error(), f->words), "%s: \"%s\" lacks \"%s\"", when,
                           lehr_error(), f->words);
    }
    check_live(when);
}

/* How many calls a run makes. */
static int64_t count_calls(const parity_case *c, const lehr_backend_options *options,
                           uint64_t *right)
{
    lehr_device_reset();
    cr_assert_eq(whole_run(c, options, right), LEHR_OK, "%s", lehr_error());
    check_live("a healthy run");
    return lehr_device_calls();
}

/* With the first `kinds` faults. */
static void fail_each(const lehr_backend_options *options, int32_t kinds)
{
    lehr_device_set_count(options->device_count > 0 ? options->device_count : 1);
    parity_case c = small_case();
    uint64_t right = 0, hash = 0;
    const int64_t calls = count_calls(&c, options, &right);
    cr_assert_gt(calls, 50, "%lld calls", (long long)calls);
    for (int32_t i = 0; i < kinds; i++)
        for (int64_t n = 1; n <= calls; n++)
            fail_one(&c, options, &faults[i], n, right);
    lehr_device_reset();
    cr_expect_eq(whole_run(&c, options, &hash), LEHR_OK, "%s", lehr_error());
    cr_expect_eq(hash, right, "a healthy run afterwards has other bits");
    parity_close(&c);
}

Test(cuda_faults, each_call_of_a_fused_run)
{
    fail_each(&(lehr_backend_options){.row_threads = 32}, FAULTS);
}

Test(cuda_faults, each_call_of_a_tiled_run)
{
    fail_each(&(lehr_backend_options){.path = LEHR_PATH_TILED}, 2);
}

Test(cuda_faults, each_call_on_two_devices)
{
    fail_each(&(lehr_backend_options){.row_threads = 32, .device_count = 2, .device = {0, 1}}, 2);
}

/* At least half of the calls matter: the faults above do reach the run. */
Test(cuda_faults, most_calls_matter)
{
    parity_case c = small_case();
    const lehr_backend_options options = {.row_threads = 32};
    uint64_t hash = 0;
    const int64_t calls = count_calls(&c, &options, &hash);
    int64_t ended = 0;
    for (int64_t n = 1; n <= calls; n++) {
        lehr_device_reset();
        lehr_device_fail_at(n, 1, false);
        ended += whole_run(&c, &options, &hash) != LEHR_OK;
    }
    cr_expect_gt(2 * ended, calls, "only %lld of %lld", (long long)ended, (long long)calls);
    lehr_device_reset();
    parity_close(&c);
}

/* A run that has lost its device says so at every call and can still be destroyed. */
Test(cuda_faults, a_run_that_lost_its_device)
{
    lehr_device_reset();
    parity_case c = small_case();
    lehr_run *run = parity_run(&c, "cuda", &(parity_way){.options = {.row_threads = 64}});
    lehr_device_fail_at(1, 719, true);
    lehr_stop stop = LEHR_STOP_NONE;
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(lehr_run_advance(run, 2, &stop), LEHR_ERR_DEVICE);
        cr_expect_not_null(strstr(lehr_error(), "is lost"), "%s", lehr_error());
    }
    lehr_run_summary summary = {.scans = 12345};
    cr_expect_eq(lehr_run_summarize(run, &summary), LEHR_ERR_DEVICE);
    cr_expect_eq(summary.scans, 12345, "a failed call wrote its output");
    lehr_run_destroy(&run);
    check_live("a destroyed run");
    lehr_device_reset();
    parity_close(&c);
}

/* Host memory runs out as well: nothing stays on the device. */
Test(cuda_faults, each_allocation_of_the_host)
{
    lehr_device_reset();
    parity_case c = small_case();
    uint64_t right = 0, hash = 0;
    const int64_t before = lehr_memory_count();
    cr_assert_eq(whole_run(&c, &(lehr_backend_options){0}, &right), LEHR_OK, "%s", lehr_error());
    const int64_t made = lehr_memory_count() - before;
    for (int64_t n = 1; n <= made; n++) {
        lehr_memory_fail_at(n);
        const lehr_status status = whole_run(&c, &(lehr_backend_options){0}, &hash);
        cr_expect(status == LEHR_ERR_MEMORY || (status == LEHR_OK && hash == right),
                  "allocation %lld: %s", (long long)n, lehr_error());
        check_live("out of host memory");
    }
    lehr_memory_fail_at(0);
    parity_close(&c);
}

/* ---- Memory of the device ---- */

/* From too little for one copy to enough for all: the right bits, or both numbers in the sentence. */
Test(cuda_faults, devices_of_any_size)
{
    lehr_device_reset();
    parity_case c = small_case();
    c.spec.copies = 5;
    uint64_t right = 0, hash = 0;
    cr_assert_eq(whole_run(&c, &(lehr_backend_options){0}, &right), LEHR_OK);
    int64_t fitted = 0, refused = 0;
    for (int64_t bytes = 1 << 12; bytes <= 1 << 22; bytes += bytes / 2) {
        lehr_device_set_memory(bytes);
        const lehr_status status = whole_run(&c, &(lehr_backend_options){0}, &hash);
        if (status == LEHR_OK) {
            cr_expect_eq(hash, right, "other bits with %lld bytes", (long long)bytes);
            fitted++;
        } else {
            cr_expect_eq(status, LEHR_ERR_DEVICE, "%s", lehr_error());
            cr_expect(strstr(lehr_error(), "needs") && strstr(lehr_error(), "free"),
                      "%lld bytes: %s", (long long)bytes, lehr_error());
            refused++;
        }
        check_live("a device of another size");
    }
    cr_expect(fitted >= 3 && refused >= 3, "%lld fitted, %lld did not", (long long)fitted,
              (long long)refused);
    lehr_device_set_memory((int64_t)4 << 30);
    parity_close(&c);
}

/* ---- No device ---- */

static void expect_no_device(int count, const char *backend, const char *words)
{
    lehr_device_reset();
    lehr_device_set_count(count);
    parity_case c = small_case();
    snprintf(c.spec.backend, sizeof c.spec.backend, "%s", backend);
    lehr_run *run = NULL;
    cr_expect_eq(lehr_run_create(&c.spec, c.objective, &run), LEHR_ERR_DEVICE);
    cr_expect_eq(lehr_status_exit_code(LEHR_ERR_DEVICE), 69);
    cr_expect_not_null(strstr(lehr_error(), words), "%s", lehr_error());
    cr_expect_null(run);
    parity_close(&c);
}

Test(cuda_faults, no_driver_no_device_and_a_wrong_number)
{
    expect_no_device(-1, "cuda", "no NVIDIA driver");
    expect_no_device(0, "cuda", "no device");
    expect_no_device(2, "cuda:2", "no device 2");
}

/* `auto` takes the CPU with one notice, and the bits are the same. */
Test(cuda_faults, auto_without_a_device_is_the_cpu)
{
    lehr_device_reset();
    lehr_device_set_count(-1);
    parity_case c = small_case();
    const parity_way way = {.options = {.threads = 1}};
    lehr_run *right = parity_run(&c, "cpu", &way), *run = parity_run(&c, "auto", &way);
    cr_expect_not_null(strstr(lehr_run_notice(run), "no NVIDIA driver"), "%s",
                       lehr_run_notice(run));
    cr_expect_null(parity_difference(right, run));
    lehr_run_destroy(&run);
    lehr_run_destroy(&right);
    parity_close(&c);
}
