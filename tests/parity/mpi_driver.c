/* mpi_driver: prints, from rank 0, the state hash and the best weights' hash of every case of support/cases.c, and of
 * packs of runs of it, run by the ranks that it was started with. test_mpi.sh compares what several numbers
 * of ranks print.
 *
 * mpi_driver alone | ranks [BACKEND [fused | tiled | least [STEP]]]
 *
 * alone: one rank of none, MPI is not touched. least: memory of a GPU for one copy, of runs that are alone. STEP: the first
 * case and every STEP-th after it. Of test devices (mpi_driver_shim) rank 0 says at the end which of them each rank has launched kernels on.         */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/control.h"
#include "support/cases.h"
#include "support/devices.h"
#include "support/parity.h"
#include "support/systems.h" /* which plants what LEHR_PLANT says */

#pragma weak lehr_device_launches_on /* absent where the real CUDA runtime is linked, or none */

enum { RUNS = 3, DEVICES = 8 };

/* What runs the cases. */
typedef struct setting {
    const lehr_comm *comm;
    const char *backend, *kernels;
    bool on_cpu;
} setting;

static void needs(const lehr_comm *comm, lehr_status status, const char *what)
{
    if (status == LEHR_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, lehr_error());
    lehr_comm_abort(comm, 1);
}

/* Rows for as many ranks as there may be, or so many copies. */
static void widen(parity_case *c, int32_t copies)
{
    lehr_run_spec *s = &c->spec;
    while ((s->method == LEHR_METHOD_TEMPERING ? s->ladder.rungs : 1) * s->copies < 4)
        s->copies++;
    s->copies = copies > s->copies ? copies : s->copies;
}

/* Others of its kind: another seed; one with one more copy, whose first look is enough. */
static void fill_specs(const parity_case *c, const char *backend, lehr_run_spec specs[RUNS])
{
    for (int i = 0; i < RUNS; i++) {
        specs[i] = c->spec;
        snprintf(specs[i].backend, sizeof specs[i].backend, "%s", backend);
        specs[i].seed += (uint64_t)i;
        specs[i].threads = 1;
    }
    specs[1].copies++;
    specs[1].observe = 5;
    specs[1].stop.metric = LEHR_METRIC_ENERGY;
    specs[1].stop.value = 1e30;
}

static void print_run(lehr_run *run, const char *name, const lehr_comm *comm)
{
    lehr_run_summary s;
    const size_t P = (size_t)run->pack->table->parameters;
    float *best = calloc(P, sizeof *best);
    needs(comm, lehr_run_summarize(run, &s), name);
    needs(comm, lehr_run_best(run, best), name);
    printf("%016llx %016llx %lld %lld %g %s\n", (unsigned long long)s.state_hash,
           (unsigned long long)lehr_hash(LEHR_HASH_START, best, P * sizeof *best),
           (long long)s.scans, (long long)s.best_scan, run->observation.energy_cold, name);
    free(best);
}

static void lead(lehr_pack *pack, const char *name, const lehr_comm *comm)
{
    for (bool moving = true; moving;)
        needs(comm, lehr_pack_advance(pack, 0, &moving), name);
    for (int32_t i = 0; i < lehr_pack_count(pack); i++)
        print_run(lehr_pack_run(pack, i), name, comm);
}

/* Nothing is compiled for a shape here: it takes seconds. */
static lehr_backend_options options_of(const parity_case *c, const setting *with)
{
    parity_way way = {.options = {.threads = 1, .plain = !with->on_cpu}};
    if (strcmp(with->kernels, "fused") == 0)
        way.options.row_threads = 32;
    if (strcmp(with->kernels, "tiled") == 0)
        way.options.path = LEHR_PATH_TILED;
    if (strcmp(with->kernels, "least") == 0 && !with->on_cpu)
        way = parity_least_memory(c, way);
    return way.options;
}

static int packs_in_parts; /* on this rank */

static void count_parts(const lehr_pack *pack, const setting *with)
{
    lehr_memory_plan plan = {.parts = 1};
    if (!with->on_cpu)
        law_needs(pack->backend->plan(&pack->options, pack->problem, &pack->view, &plan), "a plan");
    packs_in_parts += plan.parts > 1;
}

static void run_pack(const parity_case *c, int32_t runs, const setting *with)
{
    lehr_run_spec specs[RUNS];
    lehr_pack *pack = NULL;
    const lehr_backend_options options = options_of(c, with);
    fill_specs(c, with->backend, specs);
    needs(with->comm, lehr_pack_create_with(specs, runs, &options, c->objective, with->comm, &pack),
          c->name);
    count_parts(pack, with);
    if (lehr_comm_rank(with->comm) > 0)
        needs(with->comm, lehr_pack_follow(pack), c->name);
    else
        lead(pack, c->name, with->comm);
    lehr_pack_destroy(&pack);
}

static void run_case(int32_t i, const setting *with)
{
    parity_case c = parity_open(i);
    const bool least = strcmp(with->kernels, "least") == 0;
    widen(&c, least ? 8 : 1);
    const bool packs = c.data && c.spec.batch.points == 0 && !least;
    const bool callback = !c.data && strstr(c.name, "callback");
    if (!callback ||
        strcmp(with->backend, "cpu") == 0) /* a user's own function is code of the host */
        run_pack(&c, 1, with);
    if (packs)
        run_pack(&c, RUNS, with);
    parity_close(&c);
}

/* "rank 0: 0, rank 1: 1" */
static void say_devices(const lehr_comm *comm)
{
    int64_t mine = 0, each[64], all[64];
    for (int device = 0; device < DEVICES; device++)
        mine |= (int64_t)(lehr_device_launches_on(device) > 0) << device;
    for (int32_t rank = 0; rank < comm->ranks; rank++)
        each[rank] = sizeof mine;
    needs(comm, comm->gather(comm, &mine, each, all), "devices");
    for (int32_t rank = 0; comm->rank == 0 && rank < comm->ranks; rank++) {
        printf("%srank %d:", rank > 0 ? ", " : "", rank);
        for (int device = 0; device < DEVICES; device++)
            if (all[rank] >> device & 1)
                printf(" %d", device);
    }
    if (comm->rank == 0)
        printf("\n");
}

int main(int argc, char **argv)
{
    const char *backend = argc > 2 ? argv[2] : "cpu";
    const int step = argc > 4 ? atoi(argv[4]) : 1;
    setting with = {lehr_comm_solo(), backend, argc > 3 ? argv[3] : "",
                    strcmp(backend, "cpu") == 0};
    if (argc > 1 && strcmp(argv[1], "ranks") == 0)
        law_needs(lehr_comm_mpi(&with.comm), "MPI");
    for (int32_t i = 0; i < parity_count(); i += step)
        run_case(i, &with);
    if (devices_are_tests())
        say_devices(with.comm);
    if (strcmp(with.kernels, "least") == 0 && !with.on_cpu && packs_in_parts == 0)
        needs(with.comm, LEHR_ERR_ARG, "no rows took turns");
    lehr_comm_finish();
    return 0;
}
