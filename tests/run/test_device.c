/* What a backend's name stands for, on a machine with three made-up GPUs: this program has a CUDA backend of its
 * own, which takes the place of the library's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "lehr/lehr.h"
#include "run/comm.h"
#include "run/device.h"

static struct {
    int32_t count;
    const char *reason;
    lehr_status supports, plan; /* what the backend answers */
    const char *name[3];
    bool usable[3];
} machine;

static int32_t device_count(const char **reason)
{
    if (reason)
        *reason = machine.reason;
    return machine.count;
}

static void describe(int32_t device, lehr_device_info *out)
{
    *out = (lehr_device_info){.usable = machine.usable[device], .threads = 100};
    snprintf(out->backend, sizeof out->backend, "cuda:%d", device);
    snprintf(out->name, sizeof out->name, "%s", machine.name[device]);
    snprintf(out->detail, sizeof out->detail, "compute capability 5.2 is too old");
}

static lehr_status supports(const lehr_backend_options *options, const lehr_problem *problem,
                            const lehr_table *table)
{
    cr_assert_eq(options->device_count, 1);
    cr_assert(problem->callback && table->rows == 4 && table->parameters == 3);
    return machine.supports == LEHR_OK ? LEHR_OK : lehr_fail(machine.supports, "callbacks: no");
}

static lehr_status plan(const lehr_backend_options *options, const lehr_problem *problem,
                        const lehr_table *table, lehr_memory_plan *out)
{
    (void)options, (void)problem, (void)table;
    *out = (lehr_memory_plan){.device_bytes = 5, .parts = 2};
    return machine.plan == LEHR_OK ? LEHR_OK : lehr_fail(machine.plan, "needs 9 bytes, 8 are free");
}

const lehr_backend lehr_backend_cuda = {.supports = supports,
                                        .plan = plan,
                                        .name = "cuda",
                                        .device_count = device_count,
                                        .describe = describe};

static void make_machine(void)
{
    machine.count = 3;
    machine.name[0] = "NVIDIA H200";
    machine.name[1] = "NVIDIA A100-SXM4-80GB";
    machine.name[2] = "NVIDIA GeForce GTX 980";
    machine.usable[0] = machine.usable[1] = true;
}

TestSuite(device, .init = make_machine);

/* What a rank of several on one machine has chosen, in one word: "cpu", "0", "0,2". */
static lehr_status choose_as(const lehr_comm *comm, const char *name, char chosen[64], char *why)
{
    lehr_backend_options options = {.device_count = 0};
    const lehr_backend *backend = NULL;
    const lehr_status status = lehr_device_choose(name, comm, &options, &backend, why, 256);
    chosen[0] = '\0';
    if (status != LEHR_OK)
        return status;
    int length = backend == &lehr_backend_cpu ? snprintf(chosen, 64, "cpu") : 0;
    for (int32_t i = 0; i < options.device_count; i++)
        length += snprintf(chosen + length, 64 - (size_t)length, "%s%d", i ? "," : "",
                           options.device[i]);
    return LEHR_OK;
}

static lehr_status choose(const char *name, char chosen[64], char *why)
{
    return choose_as(lehr_comm_solo(), name, chosen, why);
}

Test(device, a_name_chooses_devices)
{
    static const struct {
        const char *name, *chosen;
    } cases[] = {
        {"", "0"},           {"auto", "0"},       {"cpu", "cpu"},         {"cuda", "0"},
        {"cuda:1", "1"},     {"cuda:1,0", "1,0"}, {"cuda:all", "0,1"},    {"cuda:h200", "0"},
        {"cuda:A100-", "1"}, {"cuda:80gb", "1"},  {"cuda:NVIDIA H", "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char chosen[64], why[256] = "?";
        cr_expect_eq(choose(cases[i].name, chosen, why), LEHR_OK, "%s: %s", cases[i].name,
                     lehr_error());
        cr_expect_str_eq(chosen, cases[i].chosen, "%s chose %s", cases[i].name, chosen);
        cr_expect_str_eq(why, "", "%s: %s", cases[i].name, why);
    }
}

/* The third device cannot be used until it is named. */
Test(device, ranks_of_a_machine_are_dealt_devices)
{
    static const struct {
        const char *name;
        bool third;
        int32_t rank, ranks;
        const char *chosen;
    } cases[] = {
        {"auto", false, 0, 2, "0"},        {"auto", false, 1, 2, "1"},
        {"cuda", false, 2, 3, "0"},        {"cuda", true, 2, 3, "2"},
        {"cuda", true, 1, 2, "1"},         {"", true, 4, 5, "1"},
        {"cuda:1", true, 3, 4, "1"},       {"cuda:2,0", true, 0, 2, "2"},
        {"cuda:2,0", true, 1, 2, "0"},     {"cuda:2,0", true, 2, 3, "2"},
        {"cuda:all", true, 0, 1, "0,1,2"}, {"cuda:all", true, 0, 2, "0"},
        {"cuda:all", true, 1, 2, "1,2"},   {"cuda:all", true, 2, 3, "2"},
        {"cuda:all", false, 3, 4, "1"},    {"cuda:a100", true, 5, 8, "1"},
        {"cpu", true, 1, 2, "cpu"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char chosen[64], why[256];
        const lehr_comm comm = {
            .rank = 7, .ranks = 64, .node_rank = cases[i].rank, .node_ranks = cases[i].ranks};
        machine.usable[2] = cases[i].third;
        cr_expect_eq(choose_as(&comm, cases[i].name, chosen, why), LEHR_OK, "%s", lehr_error());
        cr_expect_str_eq(chosen, cases[i].chosen, "case %zu, %s: %s", i, cases[i].name, chosen);
    }
}

/* All look at the whole list, so that all refuse it. */
Test(device, ranks_refuse_what_one_process_refuses)
{
    static const char *const names[] = {"cuda:0,7", "cuda:2", "cuda:0,2"};
    for (int32_t rank = 0; rank < 2; rank++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char chosen[64], why[256];
            const lehr_comm comm = {.rank = rank, .ranks = 2, .node_rank = rank, .node_ranks = 2};
            cr_expect_eq(choose_as(&comm, names[i], chosen, why), LEHR_ERR_DEVICE, "%s", names[i]);
        }
}

Test(device, a_name_that_fits_nothing_is_refused_with_a_sentence)
{
    static const struct {
        const char *name;
        lehr_status status;
        const char *says;
    } cases[] = {
        {"gpu", LEHR_ERR_ARG, "got 'gpu'"},
        {"CUDA", LEHR_ERR_ARG, "got 'CUDA'"},
        {"cuda:", LEHR_ERR_ARG, "got 'cuda:'"},
        {"cuda0", LEHR_ERR_ARG, "got 'cuda0'"},
        {"cuda:0,,1", LEHR_ERR_ARG, "cuda:0,2"},
        {"cuda:0,", LEHR_ERR_ARG, "cuda:0,2"},
        {"cuda:99999999999", LEHR_ERR_ARG, "cuda:0,2"},
        {"cuda:1,0,1", LEHR_ERR_ARG, "device 1 twice"},
        {"cuda:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", LEHR_ERR_ARG, "more than 16"},
        {"cuda:nvidia", LEHR_ERR_ARG, "devices 0 and 1"},
        {"cuda:\x1b[31m", LEHR_ERR_DEVICE, "\\x1b"},
        {"cuda:B200", LEHR_ERR_DEVICE, "none of 3 CUDA devices"},
        {"cuda:3", LEHR_ERR_DEVICE, "no device 3, only 3 CUDA devices"},
        {"cuda:0,7", LEHR_ERR_DEVICE, "no device 7"},
        {"cuda:2", LEHR_ERR_DEVICE, "GTX 980, cannot be used: compute capability 5.2"},
        {"cuda:gtx 9", LEHR_ERR_DEVICE, "cannot be used"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char chosen[64], why[256];
        cr_expect_eq(choose(cases[i].name, chosen, why), cases[i].status, "%s", cases[i].name);
        cr_expect_not_null(strstr(lehr_error(), cases[i].says), "%s: %s", cases[i].name,
                           lehr_error());
    }
}

/* A config may name what only another machine has; how it is written is checked here already. */
Test(device, a_config_may_name_what_is_not_here)
{
    machine.count = 0;
    static const char *const good[] = {"auto", "cpu", "cuda", "cuda:15", "cuda:all", "cuda:H100"};
    static const char *const bad[] = {"", "gpu", "cuda:", "cuda:0,0", "cuda:1,"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect_eq(lehr_device_check(good[i]), LEHR_OK, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(lehr_device_check(bad[i]), LEHR_ERR_ARG, "%s", bad[i]);
}

Test(device, without_a_device_auto_is_the_cpu_and_says_why)
{
    char chosen[64], why[256];
    machine.count = 0;
    machine.reason = "no NVIDIA driver";
    cr_assert_eq(choose("auto", chosen, why), LEHR_OK);
    cr_assert_str_eq(chosen, "cpu");
    cr_assert_str_eq(why, "backend auto: cpu (no NVIDIA driver)");
    cr_assert_eq(choose("cpu", chosen, why), LEHR_OK);
    cr_assert_str_eq(why, "");
    cr_assert_eq(choose("cuda:all", chosen, why), LEHR_ERR_DEVICE);
    cr_assert_str_eq(lehr_error(), "backend cuda:all: no NVIDIA driver");
}

Test(device, what_cannot_be_used_is_passed_over_unless_it_is_named)
{
    char chosen[64], why[256];
    machine.usable[0] = false;
    cr_assert_eq(choose("auto", chosen, why), LEHR_OK);
    cr_assert_str_eq(chosen, "1");
    cr_assert_eq(choose("cuda", chosen, why), LEHR_OK);
    cr_assert_str_eq(chosen, "1");
    machine.usable[1] = false;
    cr_assert_eq(choose("auto", chosen, why), LEHR_OK);
    cr_assert_str_eq(chosen, "cpu");
    cr_assert_str_eq(why, "backend auto: cpu (compute capability 5.2 is too old)");
    cr_assert_eq(choose("cuda", chosen, why), LEHR_ERR_DEVICE);
    cr_assert_eq(choose("cuda:all", chosen, why), LEHR_ERR_DEVICE);
}

static lehr_status energy(const float *theta, int32_t rows, int32_t parameters, double *out,
                          void *data)
{
    (void)data;
    for (int32_t r = 0; r < rows; r++)
        out[r] = theta[(int64_t)r * parameters];
    return LEHR_OK;
}

/* `auto` plans with the GPU, unless it cannot run the problem or has no room for it. A name is a name. */
Test(device, auto_takes_the_cpu_for_what_the_gpu_cannot_do)
{
    static const struct {
        const char *name;
        lehr_status supports, plan, status;
        const char *backend, *notice;
    } cases[] = {
        {"auto", LEHR_OK, LEHR_OK, LEHR_OK, "cuda:0", ""},
        {"auto", LEHR_ERR_UNSUPPORTED, LEHR_OK, LEHR_OK, "cpu",
         "backend auto: cpu (callbacks: no)"},
        {"auto", LEHR_OK, LEHR_ERR_DEVICE, LEHR_OK, "cpu",
         "backend auto: cpu (needs 9 bytes, 8 are free)"},
        {"auto", LEHR_OK, LEHR_ERR_MEMORY, LEHR_ERR_MEMORY, "", ""},
        {"cuda", LEHR_ERR_UNSUPPORTED, LEHR_OK, LEHR_ERR_UNSUPPORTED, "", ""},
        {"cuda", LEHR_OK, LEHR_ERR_DEVICE, LEHR_ERR_DEVICE, "", ""},
        {"cuda", LEHR_OK, LEHR_OK, LEHR_OK, "cuda:0", ""},
    };
    const lehr_callback_spec callback = {.parameters = 3, .energy = energy};
    const lehr_prior_spec flat = {.kind = LEHR_PRIOR_NONE, .scale = 1};
    lehr_objective *objective = NULL;
    cr_assert_eq(lehr_objective_create_callback(&callback, &flat, &objective), LEHR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_run_spec spec = lehr_run_spec_default();
        spec.ladder.rungs = 4;
        spec.copies = 1;
        spec.move_count = 1;
        snprintf(spec.backend, sizeof spec.backend, "%s", cases[i].name);
        machine.supports = cases[i].supports;
        machine.plan = cases[i].plan;
        lehr_plan out = {.rows = 0};
        cr_expect_eq(lehr_run_plan(&spec, objective, &out), cases[i].status, "case %zu: %s", i,
                     lehr_error());
        cr_expect_str_eq(out.backend, cases[i].backend, "case %zu", i);
        cr_expect_str_eq(out.notice, cases[i].notice, "case %zu: %s", i, out.notice);
    }
    lehr_objective_destroy(&objective);
}

Test(device, devices_of_the_options_stay)
{
    lehr_backend_options options = {.device_count = 2, .device = {1, 0}};
    const lehr_backend *backend = NULL;
    char why[64];
    cr_assert_eq(lehr_device_choose("cuda", lehr_comm_solo(), &options, &backend, why, sizeof why),
                 LEHR_OK);
    cr_assert_eq(options.device_count, 2);
    cr_assert_eq(options.device[0], 1);
    cr_assert_eq(
        lehr_device_choose("cuda:0", lehr_comm_solo(), &options, &backend, why, sizeof why),
        LEHR_OK);
    cr_assert_eq(options.device_count, 1);
    cr_assert_eq(options.device[0], 0);
}

Test(device, the_list_holds_every_device_and_the_reason_for_none)
{
    lehr_device_info info[8];
    cr_assert_eq(lehr_device_list(info, 8), 4);
    cr_assert_str_eq(info[0].backend, "cpu");
    cr_assert_str_eq(info[3].backend, "cuda:2");
    cr_assert(!info[3].usable);
    info[2].backend[0] = 'x';
    cr_assert_eq(lehr_device_list(info, 2), 4);
    cr_assert_eq(info[2].backend[0], 'x');
    machine.count = 0;
    machine.reason = "no NVIDIA driver";
    cr_assert_eq(lehr_device_list(info, 8), 2);
    cr_assert_str_eq(info[1].backend, "cuda");
    cr_assert_str_eq(info[1].detail, "no NVIDIA driver");
    cr_assert(!info[1].usable && info[1].name[0] == '\0');
    info[1].backend[0] = 'x';
    cr_assert_eq(lehr_device_list(info, 1), 2);
    cr_assert_eq(info[1].backend[0], 'x');
}
