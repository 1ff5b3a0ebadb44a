/* visits.h: workers that leave at a certain look, and what they leave of a trial. */
#ifndef TESTS_STUDY_VISITS_H
#define TESTS_STUDY_VISITS_H

#include "study/worker_world.h"

/* A worker that leaves at a certain look, and what it says. */
typedef struct visit {
    int looks, most;
    char said[4096];
} visit;

static inline bool stop_at(void *data)
{
    visit *v = data;
    return ++v->looks > v->most;
}

static inline void note(const char *sentence, void *data)
{
    visit *v = data;
    const size_t length = strlen(v->said);
    snprintf(v->said + length, sizeof v->said - length, "%s\n", sentence);
}

/* Work until so many looks; 0: to the end. */
static inline lehr_status work(world *w, visit *v, int looks, lehr_worker_end *end)
{
    *v = (visit){.most = looks};
    w->spec.stopping = looks > 0 ? stop_at : NULL;
    w->spec.say = note;
    w->spec.data = v;
    return lehr_worker_go(&w->spec, end);
}

static inline void visit_until(world *w, visit *v, int looks, lehr_worker_end expected)
{
    lehr_worker_end end;
    cr_assert_eq(work(w, v, looks, &end), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(end, expected);
}

static inline lehr_trial_look look_at(const world *w, int32_t trial)
{
    lehr_trial_look look;
    lehr_trial_look_at(&w->yard, w->trials->trial[trial].id, &look);
    return look;
}

/* The lines of a trial's events without their times, and the bytes of its trace. */
static inline void read_files(const world *w, int32_t trial, lehr_text *out)
{
    char name[120];
    snprintf(name, sizeof name, "sweep/trials/%s/events.jsonl", w->trials->trial[trial].id);
    char *line = strtok((char *)(uintptr_t)scratch_read(name), "\n");
    for (; line != NULL; line = strtok(NULL, "\n")) {
        json_t *event = json_loads(line, 0, NULL);
        cr_assert_not_null(event, "%s", line);
        cr_assert_eq(json_object_del(event, "wall_s"), 0);
        char *text = json_dumps(event, JSON_COMPACT);
        lehr_text_add(out, "%s\n", text);
        free(text);
        json_decref(event);
    }
    snprintf(name, sizeof name, "sweep/trials/%s/trace/energy-000000.npy",
             w->trials->trial[trial].id);
    size_t count = 0;
    FILE *file = fopen(scratch(name), "rb");
    cr_assert_not_null(file);
    for (int c; (c = fgetc(file)) != EOF; count++)
        lehr_text_add(out, "%02x", (unsigned)c);
    cr_assert_gt(count, 128u);
    fclose(file);
}

#endif
