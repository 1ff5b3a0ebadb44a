/* slurm_text.h: a batch script for Slurm, from what a job is and takes. */
#ifndef LEHR_CLI_SLURM_TEXT_H
#define LEHR_CLI_SLURM_TEXT_H

#include <stdbool.h>

#include "base/text.h"
#include "lehr/objective.h"

typedef struct lehr_slurm_job {
    bool sweep;                  /* an array of tasks that share trials; else one run */
    char name[LEHR_NAME_MAX];    /* of the job */
    char program[LEHR_PATH_MAX]; /* absolute */
    char folder[LEHR_PATH_MAX];  /* absolute; the paths below count from there */
    const char *file;            /* the config or the sweep */
    char dir[LEHR_PATH_MAX];     /* of the results */
    const char *backend;         /* NULL: as the file says */
    const char *const *set;      /* [set_count] KEY=VALUE of a run */
    int32_t set_count;
    int32_t trials;     /* of a sweep */
    int32_t tasks;      /* of the array, or ranks of the run */
    int32_t at_once;    /* tasks of the array that run at one time; 0: as many as Slurm likes */
    const char *time;   /* a limit as Slurm reads it */
    int32_t cpus, gpus; /* of a task */
    int64_t memory_mib; /* for each CPU */
} lehr_slurm_job;

/* Slurm's signal comes so long before the limit of time, and by its manual up to 60 s earlier. */
enum { LEHR_SLURM_LEAD_S = 120, LEHR_SLURM_TIME_LEAST_S = 300 };

/* The whole script, added to `out`. Words of the job have no control characters. */
void lehr_slurm_text(const lehr_slurm_job *job, lehr_text *out);

#endif
