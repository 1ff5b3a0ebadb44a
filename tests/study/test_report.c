/* The data of `lehr report` about one run: against the files that a small run has left, and against files made by
 * hand. The page in a browser is tests/cli/test_report.py's. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "cli/command.h"
#include "lehr/lehr.h"
#include "study/page.h"
#include "study/report.h"
#include "study/scratch.h"

TestSuite(report, .init = scratch_make, .fini = scratch_remove);

static const char tiny[] = "name: tiny\n"
                           "data: {generator: {kind: moons, points: 60, noise: 0.1}, "
                           "test_fraction: 0.2, validation_fraction: 0.2}\n"
                           "network: {hidden: [4]}\n"
                           "temperatures: {rungs: 4, min: 1e-3, max: 1e-1, copies: 1}\n"
                           "exchange: {every: 5}\n"
                           "stop: {scans: 200}\n"
                           "output: {observe: 20, trace: {energy: 10}}\n"
                           "threads: 1\n";

/* A run of the tiny config with one more setting, in the folder `name`. */
static void make_run(const char *name, const char *set)
{
    char dir[256], config[256];
    snprintf(dir, sizeof dir, "%s", scratch(name));
    snprintf(config, sizeof config, "%s", scratch("tiny.yaml"));
    scratch_write("tiny.yaml", tiny, sizeof tiny - 1);
    char *const words[] = {"lehr", "run", config, "-q", "-o", dir, "-s", (char *)set};
    cr_assert_eq(lehr_cli(8, words), 0);
}

static json_t *report_of(const char *name)
{
    json_t *data = NULL;
    cr_assert_eq(lehr_report_one(scratch(name), &data), LEHR_OK, "%s", lehr_error());
    return data;
}

static json_t *read_json(const char *name)
{
    json_t *object = json_loads(scratch_read(name), 0, NULL);
    cr_assert_not_null(object, "%s", name);
    return object;
}

static double number_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    cr_assert(json_is_number(value), "%s", key);
    return json_number_value(value);
}

static double item(const json_t *list, size_t i)
{
    cr_assert(json_is_number(json_array_get(list, i)), "item %zu", i);
    return json_number_value(json_array_get(list, i));
}

/* EXACT: the columns are the lines of events.jsonl. */
Test(report, curves_are_the_lines_of_the_events)
{
    make_run("run", "seed=3");
    json_t *data = report_of("run"), *curves = json_object_get(data, "curves");
    char *text = strdup(scratch_read("run/events.jsonl"));
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        json_t *event = json_loads(line, 0, NULL);
        static const char *const top[] = {"scan", "proposals", "wall_s", "energy_best"};
        for (size_t k = 0; k < sizeof top / sizeof *top; k++)
            cr_assert_eq(item(json_object_get(curves, top[k]), lines), number_in(event, top[k]));
        cr_assert_eq(item(json_object_get(curves, "validation_loss"), lines),
                     number_in(json_object_get(event, "validation"), "loss"));
        json_decref(event);
    }
    cr_assert_eq(lines, 11); /* the first weights, and every 20 scans of 200 */
    cr_assert_eq(json_array_size(json_object_get(curves, "scan")), lines);
    cr_assert_null(json_object_get(curves, "train_r2"));
    free(text);
    json_decref(data);
}

/* NMSE: the barrier passes through the 17 digits of result.json once. */
Test(report, the_ladder_is_that_of_the_config_and_its_barrier_that_of_the_result)
{
    make_run("run", "temperatures.rungs=5");
    json_t *data = report_of("run"), *ladder = json_object_get(data, "ladder");
    const json_t *t = json_object_get(ladder, "temperatures");
    cr_assert_eq(json_array_size(t), 5);
    for (size_t i = 0; i < 5; i++)
        cr_assert_float_eq(item(t, i), 1e-3 * pow(100, (double)i / 4), 1e-12);
    json_t *result = read_json("run/result.json");
    const double barrier = number_in(json_object_get(result, "exchange"), "barrier");
    cr_assert_float_eq(item(json_object_get(ladder, "barrier"), 4), barrier, 1e-9 * barrier);
    cr_assert(json_equal(json_object_get(data, "result"), result));
    const json_t *flow = json_object_get(ladder, "expected_flow");
    cr_assert_eq(json_array_size(flow), 5);
    cr_assert(item(flow, 0) == 1 && item(flow, 4) == 0);
    for (size_t i = 1; i < 5; i++)
        cr_assert_lt(item(flow, i), item(flow, i - 1));
    json_decref(result);
    json_decref(data);
}

Test(report, annealing_has_no_ladder_and_a_temperature_over_time)
{
    make_run("run", "method=annealing");
    json_t *data = report_of("run");
    cr_assert_eq(json_array_size(json_object_get(json_object_get(data, "ladder"), "temperatures")),
                 0);
    const json_t *t = json_object_get(json_object_get(data, "curves"), "temperature");
    cr_assert_float_eq(item(t, 0), 0.1, 1e-12);
    cr_assert_float_eq(item(t, 10), 1e-4, 1e-9);
    json_decref(data);
}

/* ---- Energies -------------------------------------------------------------------------------- */

/* trace/energy-000000.npy of float64 [lines,columns], by hand. */
static void write_trace(const double *values, int lines, int columns)
{
    static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 0x76, 0};
    static char bytes[1 << 16];
    memset(bytes, ' ', 128);
    memcpy(bytes, magic, sizeof magic);
    const int length = snprintf(bytes + 10, 100,
                                "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }",
                                lines, columns);
    bytes[10 + length] = ' ';
    bytes[127] = '\n';
    const size_t size = (size_t)lines * (size_t)columns * sizeof *values;
    memcpy(bytes + 128, values, size);
    scratch_write("run/trace/energy-000000.npy", bytes, 128 + size);
}

/* EXACT: counted by hand. Lines before scan 100, where adapt ends, are left out; copies are together. */
Test(report, few_values_are_counted_one_by_one)
{
    make_run("run", "temperatures.copies=2");
    const double lines[3][9] = {{90, 9, 9, 9, 9, 9, 9, 9, 9},
                                {100, 0, 0.25, 0.5, 1, 0.25, 0.25, 0.5, 1},
                                {110, 0, 0, 0.5, 1, 0, 0.25, 1, 1}};
    write_trace(&lines[0][0], 3, 9);
    json_t *data = report_of("run"), *e = json_object_get(data, "energies");
    const json_t *values = json_object_get(e, "values"), *rungs = json_object_get(e, "rungs");
    cr_assert_eq(json_array_size(values), 4);
    static const double expected[4][4] = {
        {0.75, 0.25, 0, 0}, {0.25, 0.75, 0, 0}, {0, 0, 0.75, 0.25}, {0, 0, 0, 1}};
    for (size_t t = 0; t < 4; t++)
        for (size_t b = 0; b < 4; b++)
            cr_assert_eq(item(json_object_get(json_array_get(rungs, t), "share"), b),
                         expected[t][b], "rung %zu, value %zu", t, b);
    cr_assert_eq(number_in(e, "lines"), 2);
    cr_assert_eq(number_in(e, "from_scan"), 100);
    cr_assert_eq(number_in(json_array_get(rungs, 2), "mean"), 0.625);
    json_decref(data);
}

/* Shares are whole numbers over 100 samples: 1e-12 is their rounding. */
Test(report, many_values_are_binned_over_their_range)
{
    make_run("run", "seed=1");
    double lines[100][5];
    for (int n = 0; n < 100; n++) {
        lines[n][0] = 100 + n;
        for (int t = 0; t < 4; t++)
            lines[n][1 + t] = exp(-5 +
                                  0.1 * n); /* one ratio 0.1 from the next: log bins are level */
    }
    write_trace(&lines[0][0], 100, 5);
    json_t *data = report_of("run"), *e = json_object_get(data, "energies");
    const json_t *edges = json_object_get(e, "edges");
    const json_t *share = json_object_get(json_array_get(json_object_get(e, "rungs"), 0), "share");
    cr_assert(json_is_true(json_object_get(e, "log")));
    cr_assert_float_eq(item(edges, 0), exp(-5), 1e-12);
    cr_assert_float_eq(item(edges, json_array_size(edges) - 1), exp(4.9), 1e-9);
    double sum = 0;
    for (size_t b = 0; b < json_array_size(share); b++) {
        cr_assert_float_eq(item(share, b), 0.02, 0.0101, "bin %zu", b);
        sum += item(share, b);
    }
    cr_assert_float_eq(sum, 1, 1e-12);
    json_decref(data);
}

Test(report, without_a_trace_it_says_how_to_get_one)
{
    make_run("run", "output.trace.energy=0");
    json_t *data = report_of("run");
    const char *sentence = json_string_value(
        json_object_get(json_object_get(data, "energies"), "missing"));
    cr_assert_not_null(sentence);
    cr_assert_not_null(strstr(sentence, "output.trace.energy"));
    json_decref(data);
}

Test(report, a_trace_of_another_shape_is_refused)
{
    make_run("run", "seed=1");
    const double lines[6] = {100, 1, 2, 110, 1, 2};
    write_trace(lines, 2, 3);
    json_t *data = NULL;
    cr_assert_eq(lehr_report_one(scratch("run"), &data), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "energy-000000.npy: not a trace of 4 rows"));
}

/* ---- Events ---------------------------------------------------------------------------------- */

Test(report, long_events_are_thinned_and_keep_their_ends)
{
    make_run("run", "seed=1");
    FILE *file = fopen(scratch("run/events.jsonl"), "w");
    for (int n = 0; n < 4323; n++)
        fprintf(file, "{\"scan\": %d, \"wall_s\": null}\n", 10 * n);
    fclose(file);
    json_t *data = report_of("run"), *curves = json_object_get(data, "curves");
    const json_t *scan = json_object_get(curves, "scan");
    const size_t n = json_array_size(scan);
    cr_assert(n > 500 && n <= 1001, "%zu points", n);
    cr_assert_eq(item(scan, 0), 0);
    cr_assert_eq(item(scan, n - 1), 43220);
    cr_assert_eq(item(scan, 1), 10 * number_in(curves, "every"));
    cr_assert_null(json_object_get(curves, "wall_s"));
    json_decref(data);
}

/* A killed run leaves a part of a line at the end; anything else that is no JSON has its place named. */
Test(report, a_line_that_was_cut_off_is_dropped_and_a_bad_one_is_named)
{
    make_run("run", "seed=1");
    static const char cut[] = "{\"scan\": 0}\n{\"scan\": 1}\n{\"sc";
    scratch_write("run/events.jsonl", cut, sizeof cut - 1);
    json_t *data = report_of("run");
    cr_assert_eq(json_array_size(json_object_get(json_object_get(data, "curves"), "scan")), 2);
    json_decref(data);
    static const char bad[] = "{\"scan\": 0}\n{\"scan\" 1}\n";
    scratch_write("run/events.jsonl", bad, sizeof bad - 1);
    cr_assert_eq(lehr_report_one(scratch("run"), &data), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "events.jsonl:2:"), "%s", lehr_error());
}

Test(report, a_run_without_result_is_shown_as_far_as_it_came)
{
    make_run("run", "seed=1");
    cr_assert_eq(remove(scratch("run/result.json")), 0);
    json_t *data = report_of("run");
    cr_assert(json_is_null(json_object_get(data, "result")));
    cr_assert_eq(json_array_size(json_object_get(json_object_get(data, "curves"), "scan")), 11);
    const char *first = json_string_value(json_array_get(json_object_get(data, "warnings"), 0));
    cr_assert_not_null(strstr(first, "not finished"));
    json_decref(data);
}

/* ---- Warnings -------------------------------------------------------------------------------- */

/* Warnings of the run when `key` of `part` of its result (NULL: at the top) is `value`. */
static char *warnings_with(const json_t *good, const char *part, const char *key, json_t *value)
{
    json_t *result = json_deep_copy(good);
    json_object_set_new(part != NULL ? json_object_get(result, part) : result, key, value);
    char *text = json_dumps(result, 0);
    scratch_write("run/result.json", text, strlen(text));
    free(text);
    json_t *data = report_of("run");
    text = json_dumps(json_object_get(data, "warnings"), 0);
    json_decref(data);
    json_decref(result);
    return text;
}

/* Every sentence is absent from a good result and there when its reason is planted. */
Test(report, warnings_follow_their_reasons)
{
    static const struct {
        const char *part, *key, *value, *says;
    } cases[] = {
        {"exchange", "barrier", "7.5", "7.5, and it has 4 rungs"},
        {"exchange", "round_trips", "0", "No replica has made a round trip"},
        {"exchange", "acceptance", "[0.5, 0.04, 0.5]", "Rungs 1 and 2 swap only 4 %"},
        {"exchange", "acceptance", "[0.97, 0.98, 0.99]", "fewer rungs would do"},
        {NULL, "exchange",
         "{\"barrier\": 0.4, \"acceptance\": [0.9, 0.9, 0.9], \"flow\": [1, 0.9, 0.125, 0], "
         "\"round_trips\": 2, \"tau_predicted\": 0.375}",
         "Replicas turn back between rungs 1 and 2: their flow falls by 0.78"},
        {NULL, "nonfinite", "12", "12 proposals had an energy that is not finite"},
        {NULL, "nonfinite", "1", "1 proposal had an energy that is not finite"},
        {NULL, "stop", "\"signal\"", "ended early (signal)"},
        {NULL, "moves",
         "[{\"kind\": \"gaussian\", \"scope\": \"all\", \"rung\": 0, \"acceptance\": 0.01}]",
         "Move gaussian all is accepted only 1 %"},
        {NULL, "moves",
         "[{\"kind\": \"gaussian\", \"scope\": \"all\", \"rung\": 0, \"acceptance\": 0.91}]",
         "its steps are small"},
    };
    make_run("run", "seed=2");
    json_t *good = read_json("run/result.json");
    char *calm = warnings_with(good, "exchange", "round_trips", json_integer(1000));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_null(strstr(calm, cases[i].says), "%s", calm);
        json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
        char *text = warnings_with(good, cases[i].part, cases[i].key, value);
        cr_assert_not_null(strstr(text, cases[i].says), "%s: %s", cases[i].key, text);
        free(text);
    }
    free(calm);
    json_decref(good);
}

/* ---- Pages ----------------------------------------------------------------------------------- */

/* What stands between the data's tags has no character that HTML knows, and is the same JSON. */
Test(report, data_cannot_end_their_element)
{
    static const char evil[] = "</script><script>alert(1)</script><!-- & \xe2\x80\xa8 ]]> \xc3\xa9";
    json_t *data = json_pack("{s:s, s:s}", "kind", "run", evil, evil);
    lehr_text html = {0};
    cr_assert_eq(lehr_page_make(data, &html), LEHR_OK);
    const char *begin = strstr(html.data, "id=\"data\">") + strlen("id=\"data\">");
    const char *end = strstr(begin, "</script>");
    for (const char *c = begin; c < end; c++)
        cr_assert(*c != '<' && *c != '>' && *c != '&' && (unsigned char)*c < 0x80);
    json_t *back = json_loadb(begin, (size_t)(end - begin), 0, NULL);
    cr_assert(json_equal(back, data));
    lehr_text_free(&html);
    json_decref(back);
    json_decref(data);
}

/* ---- Finding runs ---------------------------------------------------------------------------- */

Test(report, runs_are_found_below_a_directory_by_name)
{
    static const char *const folders[] = {"s", "s/trials", "s/.hidden"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        cr_assert_eq(mkdir(scratch(folders[i]), 0755), 0);
    make_run("s/trials/z", "seed=1");
    make_run("s/a", "seed=2");
    make_run("s/.hidden/b", "seed=3");
    lehr_run_list list = {0};
    cr_assert_eq(lehr_run_list_add(&list, scratch("s")), LEHR_OK);
    cr_assert_eq(list.runs.count, 2);
    cr_assert_str_eq(list.runs.path[0], scratch("s/a"));
    cr_assert_str_eq(list.runs.path[1], scratch("s/trials/z"));
    lehr_run_list_free(&list);
    cr_assert_eq(lehr_run_list_add(&list, scratch("s/a/trace")), LEHR_ERR_DATA);
    cr_assert_eq(lehr_run_list_add(&list, scratch("nowhere")), LEHR_ERR_IO);
    lehr_run_list_free(&list);
}
