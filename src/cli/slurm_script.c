/* slurm_script.c: `lehr slurm-script`: a config or a sweep as a batch script. All that can be wrong is found here, not
 * when the job's turn comes; the lines are in slurm_text.c. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/dry_run.h"
#include "cli/file_kind.h"
#include "cli/load.h"
#include "cli/slurm_text.h"
#include "study/directory.h"
#include "study/yard.h"

enum {
    TASKS_DEFAULT = 8,
    TASKS_MAX = 100000,
    MIB = 1 << 20,
    PROGRAM_MIB = 256, /* about ten times the program itself */
    DRIVER_MIB = 2048, /* of a GPU, in the host's memory */
    STEP_MIB = 64
};

/* What a device of the cluster is not here to tell; the bits of no run depend on it. */
static const char *const plan_on_cpu[] = {"backend=cpu", "numerics=exact"};

typedef struct request {
    const lehr_options *options;
    lehr_slurm_job job;
    int64_t data_bytes, rows_bytes; /* of a task */
    bool exact;                     /* the ids of a sweep's trials are those of the plan on a CPU */
} request;

/* ---- Options --------------------------------------------------------------------------------- */

static lehr_status read_count(const request *r, lehr_option option, const char *name, int32_t least,
                              int32_t *out)
{
    const char *text = lehr_option_value(r->options, option, NULL);
    int64_t count = *out;
    LEHR_CHECK(text == NULL || (lehr_parse_int64(text, strlen(text), &count) && count >= least &&
                                count <= TASKS_MAX),
               LEHR_ERR_ARG, "--%s is a whole number from %d to %d, not '%s'", name, least,
               TASKS_MAX, text);
    *out = (int32_t)count;
    return LEHR_OK;
}

/* Seconds of "minutes", "minutes:seconds", "h:m:s", "d-h", "d-h:m" and "d-h:m:s"; -1: none of them. */
static int64_t seconds_of(const char *text)
{
    const char *dash = strchr(text, '-');
    int64_t part[4] = {0}; /* days, hours, minutes, seconds */
    int first = dash != NULL ? 0 : 2, count = 0;
    for (const char *c = text; *c != '\0'; c++)
        first -= *c == ':' && dash == NULL && count++ == 1;
    for (int i = first; i < 4; i++) {
        const size_t length = strspn(text, "0123456789");
        const char end = text[length];
        if (length == 0 || length > 6 || !lehr_parse_int64(text, length, &part[i]))
            return -1;
        if (end == '\0')
            return ((part[0] * 24 + part[1]) * 60 + part[2]) * 60 + part[3];
        if (end != (i == 0 ? '-' : ':'))
            return -1;
        text += length + 1;
    }
    return -1;
}

static lehr_status read_time(request *r)
{
    r->job.time = lehr_option_value(r->options, LEHR_OPTION_TIME, "1:00:00");
    LEHR_CHECK(seconds_of(r->job.time) >= LEHR_SLURM_TIME_LEAST_S, LEHR_ERR_ARG,
               "--time is a limit as Slurm reads it (90, 1:30:00, 2-12) of at least %d minutes, "
               "since the job is told to save its work %d minutes before; not '%s'",
               LEHR_SLURM_TIME_LEAST_S / 60, LEHR_SLURM_LEAD_S / 60, r->job.time);
    return LEHR_OK;
}

/* Of "cuda:0,2" 2; -1: no numbers. A job counts its devices from 0, whichever of the machine they are. */
static int64_t last_device(const char *backend)
{
    int64_t last = -1;
    const char *at = strncmp(backend, "cuda:", 5) == 0 ? backend + 5 : "";
    if (strspn(at, "0123456789,") != strlen(at))
        return -1;
    for (size_t length; *at != '\0'; at += length + (at[length] != '\0')) {
        int64_t device = -1;
        length = strcspn(at, ",");
        if (lehr_parse_int64(at, length, &device) && device > last)
            last = device;
    }
    return last;
}

static lehr_status check_list(const char *backend, int32_t gpus)
{
    const long long last = (long long)last_device(backend);
    LEHR_CHECK(last < gpus, LEHR_ERR_ARG,
               "backend %s names device %lld, and a job counts its own from 0: it needs --gpus "
               "%lld, not %d",
               backend, last, last + 1, gpus);
    return LEHR_OK;
}

/* GPUs as --gpus says, else one for a backend that is on them. Ranks share those of their run evenly. */
static lehr_status read_gpus(request *r, const char *backend, bool cuda)
{
    lehr_slurm_job *job = &r->job;
    const int32_t ranks = job->sweep ? 1 : job->tasks;
    int32_t gpus = cuda ? ranks : 0;
    LEHR_TRY(read_count(r, LEHR_OPTION_GPUS, "gpus", 0, &gpus));
    LEHR_CHECK(gpus % ranks == 0, LEHR_ERR_ARG,
               "--gpus %d: as many for each of the %d ranks of --tasks, so a multiple of %d", gpus,
               ranks, ranks);
    LEHR_CHECK(gpus == 0 || cuda || strcmp(backend, "auto") == 0, LEHR_ERR_ARG,
               "--gpus %d is of no use to backend %s", gpus, backend);
    LEHR_CHECK(gpus > 0 || !cuda, LEHR_ERR_ARG, "backend %s needs --gpus", backend);
    job->gpus = gpus / ranks;
    return check_list(backend, gpus);
}

/* CPUs as --threads says, else the file, else one: a job has as many as it asks for, so that `auto` is no number. */
static lehr_status read_devices(request *r, const char *backend, int32_t threads)
{
    lehr_slurm_job *job = &r->job;
    const bool cuda = strncmp(backend, "cuda", 4) == 0;
    job->cpus = threads > 0 ? threads : 1;
    if (strcmp(lehr_option_value(r->options, LEHR_OPTION_THREADS, ""), "auto") != 0)
        LEHR_TRY(read_count(r, LEHR_OPTION_THREADS, "threads", 1, &job->cpus));
    LEHR_TRY(read_gpus(r, backend, cuda));
    job->backend = lehr_option_value(r->options, LEHR_OPTION_BACKEND, NULL);
    if (job->gpus > 1 && (!cuda || strcmp(backend, "cuda") == 0))
        job->backend = "cuda:all"; /* plain cuda takes one */
    else if (job->gpus > 0 && !cuda)
        job->backend = "cuda"; /* auto would make do without */
    return LEHR_OK;
}

/* ---- Data and memory ------------------------------------------------------------------------- */

static int64_t bytes_of(const lehr_dataset *dataset)
{
    const lehr_dataset_info d = lehr_dataset_describe(dataset);
    int64_t points = 0;
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        points += d.points[part];
    return points * ((int64_t)d.columns + d.inputs + d.targets) * (int64_t)sizeof(float);
}

/* Twice what is known, since a file is read into twice its size, and something for the program. */
static int64_t memory_of(const request *r)
{
    const int64_t known_mib = 2 * (r->data_bytes + r->rows_bytes) / MIB,
                  all_mib = known_mib + (r->job.gpus > 0 ? DRIVER_MIB : PROGRAM_MIB);
    return ((all_mib + r->job.cpus - 1) / r->job.cpus + STEP_MIB - 1) / STEP_MIB * STEP_MIB;
}

/* ---- The place of the results ---------------------------------------------------------------- */

/* The same that the job would find there. */
static lehr_status check_place(const char *dir)
{
    struct stat about;
    LEHR_CHECK(stat(dir, &about) != 0 || S_ISDIR(about.st_mode), LEHR_ERR_EXISTS,
               "%s exists and is not a directory; -o names that of the results, the script goes to "
               "stdout",
               dir);
    return LEHR_OK;
}

static lehr_status check_run_place(const lehr_config *config, const char *id, const char *dir)
{
    lehr_found found;
    json_t *result = NULL;
    LEHR_TRY(check_place(dir));
    const lehr_status status = lehr_store_find(dir, config, id, &found, &result);
    json_decref(result);
    return status;
}

/* ---- A run ----------------------------------------------------------------------------------- */

static lehr_status plan_run(request *r, lehr_config *c, const lehr_dataset *dataset)
{
    lehr_objective *objective = NULL;
    lehr_plan plan;
    char id[LEHR_RUN_ID_BYTES];
    LEHR_TRY(lehr_config_id(c, lehr_dataset_describe(dataset).hash, id));
    LEHR_TRY(
        lehr_store_place(c, id, lehr_option_value(r->options, LEHR_OPTION_OUTPUT, ""), r->job.dir));
    LEHR_TRY(check_run_place(c, id, r->job.dir));
    LEHR_TRY(lehr_objective_create(&c->network, &c->loss, &c->prior, dataset, &objective));
    lehr_text_copy(c->run.backend, sizeof c->run.backend, "cpu");
    c->run.numerics = LEHR_NUMERICS_EXACT;
    c->run.threads = r->job.cpus;
    const lehr_status status = lehr_run_plan(&c->run, objective, &plan);
    lehr_objective_destroy(&objective);
    LEHR_TRY(status);
    LEHR_CHECK(r->job.tasks <= plan.rows, LEHR_ERR_ARG,
               "--tasks: %d ranks are more than the %d row%s", r->job.tasks, plan.rows,
               lehr_plural(plan.rows));
    r->data_bytes = bytes_of(dataset);
    r->rows_bytes = plan.table_bytes + plan.host_bytes;
    return LEHR_OK;
}

static lehr_status read_run(request *r)
{
    lehr_config config;
    lehr_dataset *dataset = NULL;
    LEHR_TRY(lehr_load(r->options, &config));
    lehr_text_copy(r->job.name, sizeof r->job.name, config.name);
    r->job.tasks = 1;
    LEHR_TRY(read_count(r, LEHR_OPTION_TASKS, "tasks", 1, &r->job.tasks));
    LEHR_TRY(read_devices(r, config.run.backend, config.run.threads));
    LEHR_CHECK(!r->options->given[LEHR_OPTION_AT_ONCE], LEHR_ERR_ARG,
               "--at-once is for a sweep: %s is one run", r->job.file);
    LEHR_TRY(lehr_load_data(r->options, &config, &dataset));
    const lehr_status status = plan_run(r, &config, dataset);
    lehr_dataset_destroy(&dataset);
    return status;
}

/* ---- A sweep --------------------------------------------------------------------------------- */

/* The sweep as it will run: what is wrong with it, and what it runs on. */
static lehr_status look_at_sweep(request *r)
{
    lehr_overrides o;
    lehr_sweep *sweep = NULL;
    lehr_status status = lehr_overrides_collect(r->options, &o);
    if (status == LEHR_OK)
        status = lehr_sweep_load(r->job.file, o.text, o.count, &sweep);
    r->exact = status == LEHR_OK && sweep->base_config.run.numerics == LEHR_NUMERICS_EXACT;
    if (status == LEHR_OK)
        status = read_devices(r, sweep->base_config.run.backend, sweep->base_config.run.threads);
    lehr_sweep_destroy(&sweep);
    lehr_overrides_free(&o);
    return status;
}

static lehr_status measure_sweep(request *r, lehr_trials *trials)
{
    lehr_config config;
    lehr_dataset *dataset = NULL;
    LEHR_TRY(lehr_sweep_config(trials->sweep, trials->trial[0].number, &config));
    LEHR_TRY(lehr_dataset_create(&config.data, &dataset));
    r->data_bytes = bytes_of(dataset);
    lehr_dataset_destroy(&dataset);
    r->job.trials = trials->count;
    r->job.tasks = trials->count < TASKS_DEFAULT ? trials->count : TASKS_DEFAULT;
    LEHR_TRY(read_count(r, LEHR_OPTION_TASKS, "tasks", 1, &r->job.tasks));
    LEHR_CHECK(r->job.tasks <= trials->count, LEHR_ERR_ARG,
               "--tasks is %d, but there %s %d trial%s", r->job.tasks,
               trials->count == 1 ? "is" : "are", trials->count, lehr_plural(trials->count));
    LEHR_TRY(read_count(r, LEHR_OPTION_AT_ONCE, "at-once", 1, &r->job.at_once));
    return lehr_dry_run_bytes(trials, r->job.tasks, &r->rows_bytes);
}

static lehr_status plan_sweep(request *r)
{
    char threads[32];
    const char *const words[] = {plan_on_cpu[0], plan_on_cpu[1], threads};
    lehr_sweep *sweep = NULL;
    lehr_trials *trials = NULL;
    snprintf(threads, sizeof threads, "threads=%d", r->job.cpus);
    lehr_status status = lehr_sweep_load(r->job.file, words, 3, &sweep);
    if (status == LEHR_OK)
        status = lehr_trials_plan(sweep, &trials);
    if (status == LEHR_OK)
        status = r->exact ? lehr_sweep_check(trials, r->job.name, r->job.dir, "would be")
                          : lehr_yard_check(r->job.dir);
    if (status == LEHR_OK)
        status = measure_sweep(r, trials);
    lehr_trials_destroy(&trials);
    lehr_sweep_destroy(&sweep);
    return status;
}

static lehr_status read_sweep(request *r)
{
    LEHR_CHECK(r->options->set_count == 0, LEHR_ERR_ARG,
               "-s is for a config: %s is a sweep, whose keys stand in its file", r->job.file);
    LEHR_TRY(lehr_sweep_place(r->options, r->job.name, r->job.dir));
    LEHR_TRY(check_place(r->job.dir));
    LEHR_TRY(look_at_sweep(r));
    return plan_sweep(r);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static lehr_status find_places(lehr_slurm_job *job)
{
    const ssize_t length = readlink("/proc/self/exe", job->program, sizeof job->program - 1);
    LEHR_CHECK(length > 0 && length < (ssize_t)sizeof job->program - 1, LEHR_ERR_IO,
               "/proc/self/exe does not say where this program is");
    LEHR_CHECK(getcwd(job->folder, sizeof job->folder) != NULL, LEHR_ERR_IO,
               "the working directory has no path, or a long one");
    return LEHR_OK;
}

/* A new line in a word would end a comment or a line for sbatch. */
static lehr_status check_words(const lehr_slurm_job *job)
{
    const char *const word[] = {job->file, job->name, job->folder, job->program, job->dir};
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        for (const char *c = word[i]; *c != '\0'; c++)
            LEHR_CHECK(!iscntrl((unsigned char)*c), LEHR_ERR_ARG,
                       "a path or name has a control character, which no batch script can hold");
    return LEHR_OK;
}

static lehr_status slurm_script(const lehr_options *options, int *code)
{
    request r = {.options = options,
                 .job = {.file = options->argument[0],
                         .set = options->set,
                         .set_count = options->set_count}};
    lehr_text text = {0};
    lehr_file_kind kind;
    *code = LEHR_EXIT_OK;
    LEHR_TRY(lehr_file_kind_find(r.job.file, &kind));
    r.job.sweep = kind == LEHR_FILE_SWEEP; /* what is no YAML is the config's reader to refuse */
    LEHR_TRY(read_time(&r));
    LEHR_TRY(r.job.sweep ? read_sweep(&r) : read_run(&r));
    LEHR_TRY(find_places(&r.job));
    LEHR_TRY(check_words(&r.job));
    r.job.memory_mib = memory_of(&r);
    lehr_slurm_text(&r.job, &text);
    return lehr_console_text(&text);
}

const lehr_command lehr_command_slurm_script = {
    .name = "slurm-script",
    .arguments = "CONFIG|SWEEP",
    .help = "a batch script for Slurm that ends what it begins",
    .notes =
        "A sweep becomes an array of tasks that share its trials, a config one job, with its "
        "rows shared by the ranks\nof --tasks. The script goes to stdout: lehr slurm-script "
        "SWEEP > job.sh && sbatch job.sh. -o PATH is where the job\nputs its results, not where "
        "the script goes. --gpus are those of a task of an array, or of a run; its ranks "
        "share them\nevenly. Everything in the file is checked first. A job that leaves with "
        "85 requeues itself, whether or not the\ncluster does.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_BIT(SET) | LEHR_BIT(OUTPUT) | LEHR_BIT(BACKEND) | LEHR_BIT(THREADS) |
               LEHR_BIT(TASKS) | LEHR_BIT(AT_ONCE) | LEHR_BIT(TIME) | LEHR_BIT(GPUS),
    .run = slurm_script,
};
