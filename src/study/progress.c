/* progress.c: rates, time left, and their words. */
#include "study/progress.h"

#include <math.h>

#include "run/run.h"

enum { BAR_CELLS = 20 };

/* Whichever of the limits in scans and in seconds comes first. */
static double time_left(const lehr_run *run, double scans_per_s)
{
    double left_s = NAN;
    if (run->last_scan != INT64_MAX && scans_per_s > 0)
        left_s = (double)(run->last_scan - run->scan) / scans_per_s;
    if (run->spec.stop.wall_s > 0)
        left_s = fmin(left_s, fmax(run->spec.stop.wall_s - run->wall_s, 0)); /* fmin drops a NaN */
    return left_s;
}

lehr_progress lehr_progress_of(const lehr_run *run)
{
    const double rate = run->wall_s > 0 ? (double)run->scan / run->wall_s : 0;
    return (lehr_progress){
        .scan = run->scan,
        .scans = run->last_scan == INT64_MAX ? 0 : run->last_scan,
        .wall_s = run->wall_s,
        .left_s = time_left(run, rate),
        .scans_per_s = rate,
        .proposals_per_s = rate * lehr_run_group(run)->rows,
        .seen = run->observation,
    };
}

void lehr_text_add_quantity(lehr_text *out, double value)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    size_t unit = 0;
    while (fabs(value) >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    lehr_text_add(out, "%.3g%s", value, units[unit]);
}

void lehr_text_add_time(double seconds, lehr_text *out)
{
    const double s = ceil(seconds);
    if (s < 60)
        lehr_text_add(out, "%.0f s", s);
    else if (s < 3600)
        lehr_text_add(out, "%.0f min %.0f s", floor(s / 60), fmod(s, 60));
    else
        lehr_text_add(out, "%.0f h %.0f min", floor(s / 3600), floor(fmod(s, 3600) / 60));
}

static void add_score(const lehr_observation *seen, lehr_text *out)
{
    const bool validated = !isnan(seen->best_validation.loss);
    const lehr_score *score = validated ? &seen->best_validation : &seen->best_train;
    lehr_text_add(out, ", best %s loss %.4g", validated ? "validation" : "training", score->loss);
    if (!isnan(score->accuracy))
        lehr_text_add(out, " accuracy %.4f", score->accuracy);
    else if (!isnan(score->r2))
        lehr_text_add(out, " r2 %.4f", score->r2);
}

void lehr_progress_line(const lehr_progress *progress, lehr_text *out)
{
    lehr_text_add(out, "scan %lld", (long long)progress->scan);
    if (progress->scans > 0)
        lehr_text_add(out, "/%lld", (long long)progress->scans);
    lehr_text_add(out, ", ");
    lehr_text_add_quantity(out, progress->scans_per_s);
    lehr_text_add(out, " scans/s, ");
    lehr_text_add_quantity(out, progress->proposals_per_s);
    lehr_text_add(out, " proposals/s");
    add_score(&progress->seen, out);
    if (!isnan(progress->seen.swap_acceptance))
        lehr_text_add(out, ", swaps %.2f", progress->seen.swap_acceptance);
    if (!isnan(progress->left_s)) {
        lehr_text_add(out, ", left ");
        lehr_text_add_time(progress->left_s, out);
    }
}

static void add_cells(double share, lehr_text *out)
{
    const int full = (int)(share * BAR_CELLS);
    lehr_text_add(out, "[");
    for (int i = 0; i < BAR_CELLS; i++)
        lehr_text_add(out, "%c", i < full ? '#' : '.');
    lehr_text_add(out, "] ");
}

void lehr_progress_bar(const lehr_progress *progress, int columns, lehr_text *out)
{
    const size_t start = out->length;
    if (progress->scans > 0)
        add_cells((double)progress->scan / (double)progress->scans, out);
    lehr_progress_line(progress, out);
    if (!out->failed && out->length - start > (size_t)columns) {
        out->length = start + (size_t)columns;
        out->data[out->length] = '\0';
    }
}
