/* chains_advice.c: which split to take, in words, and what these seeds cannot tell apart. */
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "study/chains.h"
#include "study/progress.h"

void lehr_split_name(const lehr_split *split, char out[LEHR_NAME_MAX])
{
    if (split->method == LEHR_METHOD_ANNEALING)
        snprintf(out, LEHR_NAME_MAX, "annealing, %d row%s", split->rows, lehr_plural(split->rows));
    else
        snprintf(out, LEHR_NAME_MAX, "tempering, %d rungs x %d cop%s", split->rungs, split->copies,
                 split->copies == 1 ? "y" : "ies");
}

/* Which figure is compared, and its words. */
typedef struct measure {
    const char *title, *unit;
    lehr_interval (*of)(const lehr_split_figures *figures);
} measure;

static lehr_interval tts_proposals(const lehr_split_figures *f)
{
    return f->tts_proposals;
}

static lehr_interval tts_seconds(const lehr_split_figures *f)
{
    return f->tts_seconds;
}

static lehr_interval median(const lehr_split_figures *f)
{
    return f->proposals;
}

static lehr_interval energy(const lehr_split_figures *f)
{
    return f->energy;
}

static int32_t best_of(const lehr_chains *chains, const measure *m)
{
    int32_t best = 0;
    for (int32_t s = 1; s < chains->splits; s++)
        if (m->of(&chains->figures[s]).value < m->of(&chains->figures[best]).value)
            best = s;
    return best;
}

static bool overlap(lehr_interval a, lehr_interval b)
{
    return a.low <= b.high && b.low <= a.high;
}

static void add_number(double value, lehr_text *out)
{
    if (isinf(value))
        lehr_text_add(out, "no end");
    else
        lehr_text_add_quantity(out, value);
}

/* Those whose intervals overlap with the best one's: an honest bench does not rank them. */
static int32_t add_equals(const lehr_chains *chains, const measure *m, int32_t best, lehr_text *out)
{
    const lehr_interval top = m->of(&chains->figures[best]);
    int32_t count = 0;
    for (int32_t s = 0; s < chains->splits; s++) {
        if (s == best || !overlap(top, m->of(&chains->figures[s])))
            continue;
        char name[LEHR_NAME_MAX];
        lehr_split_name(&chains->split[s], name);
        lehr_text_add(out, "%s%s", count == 0 ? " These seeds cannot tell it from " : "; ", name);
        count++;
    }
    if (count > 0)
        lehr_text_add(out, ": the intervals overlap, and more seeds would narrow them.");
    return count;
}

static void add_runner_up(const lehr_chains *chains, const measure *m, int32_t best, lehr_text *out)
{
    int32_t second = best == 0 ? 1 : 0;
    for (int32_t s = 0; s < chains->splits; s++)
        if (s != best && m->of(&chains->figures[s]).value < m->of(&chains->figures[second]).value)
            second = s;
    if (chains->splits < 2)
        return;
    const double ratio = m->of(&chains->figures[second]).value /
                         m->of(&chains->figures[best]).value;
    char name[LEHR_NAME_MAX];
    lehr_split_name(&chains->split[second], name);
    if (isfinite(ratio))
        lehr_text_add(out,
                      " No other interval overlaps with it; next comes %s with %.3g times as "
                      "much.",
                      name, ratio);
    else
        lehr_text_add(out, " Nothing else reached the target.");
}

static void advise(const lehr_chains *chains, const measure *m, lehr_text *out)
{
    const int32_t best = best_of(chains, m);
    const lehr_interval top = m->of(&chains->figures[best]);
    char name[LEHR_NAME_MAX];
    lehr_split_name(&chains->split[best], name);
    lehr_text_add(out, "%s: %s, ", m->title, name);
    add_number(top.value, out);
    lehr_text_add(out, "%s (", m->unit);
    add_number(top.low, out);
    lehr_text_add(out, " to ");
    add_number(top.high, out);
    lehr_text_add(out, ").");
    if (add_equals(chains, m, best, out) == 0)
        add_runner_up(chains, m, best, out);
    lehr_text_add(out, "\n");
}

/* Runs that met the target at the first look after the start, or before it. */
static int32_t count_at_once(const lehr_chains *chains)
{
    int32_t count = 0;
    for (int32_t i = 0; i < chains->splits * chains->seeds; i++)
        count += chains->trial[i].reached && chains->trial[i].looks <= 2;
    return count;
}

/* Figures of such runs tell how often a run is looked at, not how many rows to take. */
static void advise_looks(lehr_chains *chains, const char *who)
{
    const int64_t observe = chains->config->run.observe;
    lehr_text *out = &chains->advice;
    lehr_text_add(out, "%s met the target at the first look, after about ", who);
    lehr_text_add_quantity(out, (double)chains->look);
    lehr_text_add(out, " proposals: these figures are those of the looks, not of the rows. ");
    if (observe > 1)
        lehr_text_add(out, "Lower output.observe (now %lld), or set a harder target.\n",
                      (long long)observe);
    else
        lehr_text_add(out, "Set a harder target.\n");
}

void lehr_chains_advise(lehr_chains *chains)
{
    static const measure measures[] = {
        {"Per proposal", " proposals to be 99 % sure of the target", tts_proposals},
        {"Per second here", " s to be 99 % sure of the target", tts_seconds},
    };
    static const measure middle = {"The median run", " proposals", median};
    static const measure lowest = {"Lowest energy at the end", "", energy};
    const int32_t at_once = count_at_once(chains), all = chains->splits * chains->seeds;
    bool any = false, half = false;
    if (all > 0 && at_once == all) {
        advise_looks(chains, "Every run");
        return;
    }
    for (int32_t s = 0; s < chains->splits; s++) {
        any |= chains->figures[s].success.value > 0;
        half |= isfinite(chains->figures[s].proposals.value);
    }
    for (int i = 0; any && i < 2; i++)
        advise(chains, &measures[i], &chains->advice);
    if (half) /* where successes come late and close together, the other two are too long */
        advise(chains, &middle, &chains->advice);
    if (2 * at_once > all)
        advise_looks(chains, "More than half of the runs");
    if (any)
        return;
    lehr_text_add(&chains->advice, "No run reached the target: give more proposals, or a target "
                                   "that is nearer.\n");
    advise(chains, &lowest, &chains->advice);
}
