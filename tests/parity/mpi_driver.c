/* mpi_driver: prints, from rank 0, the state hash and the best weights' hash of every case of support/cases.c, and of
 * packs of runs of it, run by the ranks that it was started with. test_mpi.sh compares what several numbers
 * of ranks print. With a word as argument it is one rank of none: MPI is not touched. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "support/cases.h"

enum { RUNS = 3 };

static void needs(const lehr_comm *comm, lehr_status status, const char *what)
{
    if (status == LEHR_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, lehr_error());
    lehr_comm_abort(comm, 1);
}

/* Rows for as many ranks as there may be. */
static void widen(parity_case *c)
{
    lehr_run_spec *s = &c->spec;
    while ((s->method == LEHR_METHOD_TEMPERING ? s->ladder.rungs : 1) * s->copies < 4)
        s->copies++;
}

/* Others of its kind: another seed; one with one more copy, whose first look is enough. */
static void fill_specs(const parity_case *c, lehr_run_spec specs[RUNS])
{
    for (int i = 0; i < RUNS; i++) {
        specs[i] = c->spec;
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

static void run_pack(const parity_case *c, int32_t runs, const lehr_comm *comm)
{
    lehr_run_spec specs[RUNS];
    lehr_pack *pack = NULL;
    fill_specs(c, specs);
    needs(comm, lehr_pack_create_shared(specs, runs, c->objective, comm, &pack), c->name);
    if (lehr_comm_rank(comm) > 0)
        needs(comm, lehr_pack_follow(pack), c->name);
    else
        lead(pack, c->name, comm);
    lehr_pack_destroy(&pack);
}

int main(int argc, char **argv)
{
    (void)argv;
    const lehr_comm *comm = lehr_comm_solo();
    if (argc == 1)
        needs(comm, lehr_comm_mpi(&comm), "MPI");
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        widen(&c);
        const bool packs = c.data && c.spec.batch.points == 0;
        run_pack(&c, 1, comm);
        if (packs)
            run_pack(&c, RUNS, comm);
        parity_close(&c);
    }
    lehr_comm_finish();
    return 0;
}
