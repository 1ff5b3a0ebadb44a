/* slurm_text.c: the lines of a batch script. Every word that a user has chosen is quoted, once for sbatch, which reads
 * the #SBATCH lines itself, and once for the shell. */
#include "cli/slurm_text.h"

#include <string.h>

/* ---- Quoting --------------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@+=:,./-";
    return word[0] != '\0' && word[strspn(word, plain)] == '\0';
}

/* Between single quotes the shell leaves everything alone but a single quote. */
static void add_word(const char *word, lehr_text *out)
{
    if (is_plain(word)) {
        lehr_text_add(out, "%s", word);
        return;
    }
    lehr_text_add(out, "'");
    for (const char *c = word; *c != '\0'; c++)
        lehr_text_add(out, *c == '\'' ? "'\\''" : "%c", *c);
    lehr_text_add(out, "'");
}

/* sbatch knows double quotes, and a backslash before a character that is to stay. */
static void add_value(const char *word, lehr_text *out)
{
    if (is_plain(word)) {
        lehr_text_add(out, "%s", word);
        return;
    }
    lehr_text_add(out, "\"");
    for (const char *c = word; *c != '\0'; c++)
        lehr_text_add(out, strchr("\"\\'", *c) != NULL ? "\\%c" : "%c", *c);
    lehr_text_add(out, "\"");
}

/* Does one run share its rows among several tasks? */
static bool are_ranks(const lehr_slurm_job *job)
{
    return !job->sweep && job->tasks > 1;
}

/* ---- For people, and for sbatch -------------------------------------------------------------- */

static void add_head(const lehr_slurm_job *job, lehr_text *out)
{
    lehr_text_add(out, "#!/bin/bash\n# %s, by `lehr slurm-script`: ", job->name);
    if (job->sweep)
        lehr_text_add(out, "the %d trial%s of %s, shared by %d task%s of an array.", job->trials,
                      lehr_plural(job->trials), job->file, job->tasks, lehr_plural(job->tasks));
    else if (job->tasks > 1)
        lehr_text_add(out, "the run of %s, its rows shared by %d ranks.", job->file, job->tasks);
    else
        lehr_text_add(out, "the run of %s.", job->file);
    lehr_text_add(
        out,
        " Submit it with\n#\n#     sbatch THIS_FILE\n#\n"
        "# Options of that line outrank those below: --partition, --account, --time, "
        "--mem-per-cpu, --%s.\n"
        "# What a limit of time, preemption or a dead node stops is requeued and goes on.%s\n\n",
        are_ranks(job) && job->gpus > 0 ? "gpus-per-task" : "gres",
        job->sweep ? "\n# So is a task that waits for what others have yet to reach. When all have "
                     "ended: `lehr collect`."
                   : "");
}

static void add_array(const lehr_slurm_job *job, lehr_text *out)
{
    lehr_text_add(out, "#SBATCH --array=0-%d", job->tasks - 1);
    if (job->at_once > 0)
        lehr_text_add(out, "%%%d", job->at_once);
    lehr_text_add(out, "\n#SBATCH --output=%%x-%%A_%%a.log\n#SBATCH --ntasks=1\n");
}

static void add_directives(const lehr_slurm_job *job, lehr_text *out)
{
    lehr_text_add(out, "#SBATCH --job-name=");
    add_value(job->name, out);
    lehr_text_add(out, "\n#SBATCH --chdir=");
    add_value(job->folder, out);
    lehr_text_add(out, "\n");
    if (job->sweep)
        add_array(job, out);
    else
        lehr_text_add(out, "#SBATCH --output=%%x-%%j.log\n#SBATCH --ntasks=%d\n", job->tasks);
    lehr_text_add(out, "#SBATCH --cpus-per-task=%d\n#SBATCH --mem-per-cpu=%lldM\n", job->cpus,
                  (long long)job->memory_mib);
    if (job->gpus > 0 && are_ranks(job))
        lehr_text_add(out, "#SBATCH --gpus-per-task=%d\n", job->gpus);
    else if (job->gpus > 0)
        lehr_text_add(out, "#SBATCH --gres=gpu:%d\n", job->gpus);
    lehr_text_add(out,
                  "#SBATCH --time=%s\n"
                  "# To the program, not to this shell: it saves its work and leaves with 85.\n"
                  "#SBATCH --signal=USR1@%d\n"
                  "#SBATCH --requeue\n#SBATCH --open-mode=append\n\n",
                  job->time, LEHR_SLURM_LEAD_S);
}

/* ---- For the shell --------------------------------------------------------------------------- */

/* srun: Slurm's signals reach the steps of a job only. It takes the CPUs of a task from its own words alone (since
 * Slurm 22.05), and where a cluster does not bind tasks to their CPUs only --threads keeps lehr to them. Ranks deal out the
 * GPUs of their machine themselves, so each must see all that the job has there. */
static void add_work(const lehr_slurm_job *job, lehr_text *out)
{
    lehr_text_add(out, "# Only what srun starts gets the signals of Slurm.\nwork() {\n"
                       "    srun ");
    if (are_ranks(job))
        lehr_text_add(out, "--mpi=pmix --export=ALL,LEHR_MPI=1 %s",
                      job->gpus > 0 ? "--gpu-bind=none " : "");
    lehr_text_add(out, "--cpus-per-task=\"$SLURM_CPUS_PER_TASK\" \"$lehr\" %s ",
                  job->sweep ? "sweep" : "run");
    lehr_text_add(out, job->file[0] == '-' ? "./" : "");
    add_word(job->file, out);
    lehr_text_add(out, " \\\n        -o \"$dir\" %s --threads \"$SLURM_CPUS_PER_TASK\"",
                  job->sweep ? "--shard auto" : "--resume auto");
    if (job->backend != NULL) {
        lehr_text_add(out, " --backend ");
        add_word(job->backend, out);
    }
    for (int32_t i = 0; i < job->set_count; i++) {
        lehr_text_add(out, " \\\n        -s ");
        add_word(job->set[i], out);
    }
    lehr_text_add(out, "\n}\n\n");
}

static void add_progress(const lehr_slurm_job *job, lehr_text *out)
{
    lehr_text_add(out, job->sweep
                           ? "# Another answer as soon as anybody has written anything.\n"
                             "progress() {\n"
                             "    find \"$dir\" -mindepth 2 -type f ! -path '*/workers/*' -printf "
                             "'%%T@\\n' | sort -n | tail -n 1\n"
                             "}\n\n"
                           : "# Another answer as soon as the run is further.\n"
                             "progress() {\n"
                             "    \"$lehr\" status \"$dir\" --json | grep -m 1 '\"scan\"'\n"
                             "}\n\n");
}

/* The number of an array is that of its last task, too: a plain SLURM_JOB_ID would then requeue all of them. */
static void add_requeue(const lehr_slurm_job *job, lehr_text *out)
{
    lehr_text_add(out,
                  "# Requeue this job, unless it is being canceled or was requeued already, and "
                  "unless it came here %d times\n"
                  "# in a row while nothing advanced.\n"
                  "again() {\n"
                  "    local job=%s state mark visits=\"$dir/.visits-$SLURM_JOB_ID\"\n"
                  "    state=$(squeue --noheader --jobs=\"$job\" --format=%%T)\n"
                  "    echo \"not finished; the job is ${state:-unknown to squeue}\"\n"
                  "    [ \"$state\" = RUNNING ] || exit 85\n"
                  "    mark=$(progress)\n"
                  "    [ \"$mark\" = \"$(head -n 1 \"$visits\" 2>/dev/null)\" ] || : >\"$visits\"\n"
                  "    echo \"$mark\" >>\"$visits\"\n"
                  "    if [ \"$(wc -l <\"$visits\")\" -gt %d ]; then\n"
                  "        echo \"nothing has advanced in %d visits: this job gives up\" >&2\n"
                  "        exit 1 # where 85 itself requeues a job, it must not\n"
                  "    fi\n"
                  "    scontrol requeue \"$job\" || echo \"submit it again to go on\" >&2\n"
                  "    exit 85\n"
                  "}\n\n",
                  10, job->sweep ? "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" : "$SLURM_JOB_ID",
                  10, 10);
}

void lehr_slurm_text(const lehr_slurm_job *job, lehr_text *out)
{
    add_head(job, out);
    add_directives(job, out);
    lehr_text_add(out, "lehr=");
    add_word(job->program, out);
    lehr_text_add(out, "\ndir=");
    add_word(job->dir, out);
    lehr_text_add(out, "\n: \"${SLURM_JOB_ID:?this file is for sbatch}\"\n\n");
    add_work(job, out);
    add_progress(job, out);
    add_requeue(job, out);
    lehr_text_add(out, "trap : TERM INT HUP USR1 USR2 XCPU # this shell outlives the program\n"
                       "work\n"
                       "code=$?\n"
                       "[ $code -ne 85 ] || again\n"
                       "rm -f \"$dir/.visits-$SLURM_JOB_ID\"\n"
                       "exit $code\n");
}
