/* config_schema.c: the table of config keys, and finding one in it. */
#include "study/config_schema.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

#define AT(field)    .offset = offsetof(lehr_config_draft, config.field)
#define CHARS(field) AT(field), .size = sizeof(((lehr_config *)0)->field)
#define ITEMS(field)                                                                               \
    AT(field), .size = sizeof(((lehr_config *)0)->field) / sizeof(*((lehr_config *)0)->field)
#define LENGTH(field) .count = offsetof(lehr_config_draft, field)
#define OF(suffix)    .list = LEHR_LIST_##suffix

#define ID    LEHR_KEY_IDENTITY
#define AUTO  LEHR_KEY_AUTO
#define ABOVE LEHR_KEY_ABOVE
#define BELOW LEHR_KEY_BELOW
#define TUNED LEHR_KEY_TUNED

#define BOOL   LEHR_VALUE_BOOL
#define INT    LEHR_VALUE_INT
#define COUNT  LEHR_VALUE_COUNT
#define SEED   LEHR_VALUE_SEED
#define NUMBER LEHR_VALUE_NUMBER
#define SCALE  LEHR_VALUE_SCALE
#define TEXT   LEHR_VALUE_TEXT
#define PATH   LEHR_VALUE_PATH
#define KIND   LEHR_VALUE_KIND

/* Counts of scans stay exact as doubles; sizes that reach float32 stay normal numbers there. */
#define SCANS_MAX 1e15
#define SMALL     1e-30
#define LARGE     1e30

/* clang-format off: one key, one or two lines */
const lehr_config_key lehr_config_keys[] = {
    {"name", TEXT, CHARS(name), .meaning = "of the run: its folder below output.dir"},
    {"seed", SEED, AT(run.seed), .flags = ID, .meaning = "of the chains, and of nothing else"},

    {"data.source", PATH, CHARS(data.source),
     .meaning = "data file, relative to this file: .csv[.gz], .npy, IDX[.gz]; or give a generator"},
    {"data.labels", PATH, CHARS(data.labels),
     .meaning = "second file with the targets, for .npy and IDX"},
    {"data.target", TEXT, CHARS(data.target), .flags = ID,
     .meaning = "CSV column of the targets, by name or index from 0; empty: the last"},
    {"data.test_source", PATH, CHARS(data.test_source),
     .meaning = "a test file of its own; test_fraction is then not used"},
    {"data.test_labels", PATH, CHARS(data.test_labels),
     .meaning = "targets of the test file, for .npy and IDX"},
    {"data.task", KIND, OF(TASK), AT(data.task), .flags = ID, .meaning = "what the targets are"},
    {"data.split_seed", SEED, AT(data.split_seed), .flags = ID,
     .meaning = "of the split and of a generator's noise; independent of seed"},
    {"data.test_fraction", NUMBER, AT(data.test_fraction), .high = 1, .flags = ID | BELOW,
     .unit = "share of all points", .meaning = "test part: only ever reported, it chooses nothing"},
    {"data.validation_fraction", NUMBER, AT(data.validation_fraction), .high = 1,
     .flags = ID | BELOW, .unit = "share of all points",
     .meaning = "validation part: it chooses `best`; 0: the training energy chooses"},
    {"data.standardize", BOOL, AT(data.standardize), .flags = ID,
     .meaning =
         "inputs and regression targets to mean 0 and deviation 1, fitted on the training part"},
    {"data.project.kind", KIND, OF(PROJECT), AT(data.project.kind), .flags = ID,
     .meaning = "what the network sees in place of the inputs, fitted on the training part"},
    {"data.project.components", INT, AT(data.project.components), .low = 1,
     .high = LEHR_PROJECT_INPUTS_MAX, .flags = ID, .unit = "inputs of the network",
     .meaning =
         "of pca; bits are the same on one machine, elsewhere they depend on LAPACK's rounding"},
    {"data.generator.kind", KIND, OF(GENERATOR), AT(data.generator.kind), .flags = ID,
     .meaning = "data made here, in place of data.source"},
    {"data.generator.points", INT, AT(data.generator.points), .low = 1, .high = INT32_MAX,
     .flags = ID, .unit = "points", .meaning = "number of points; xor always has 4, parity 2^bits"},
    {"data.generator.bits", INT, AT(data.generator.bits), .low = 1, .high = 16, .flags = ID,
     .unit = "inputs", .meaning = "inputs of parity"},
    {"data.generator.noise", NUMBER, AT(data.generator.noise), .high = LARGE, .flags = ID,
     .unit = "the data's", .meaning = "standard deviation of the normal noise added"},

    {"data.batch.points", COUNT, AT(run.batch.points), .high = INT32_MAX, .flags = ID,
     .unit = "points",
     .meaning = "of a random batch, one for all rows: optimization, not sampling; 0: all points"},
    {"data.batch.refresh", COUNT, AT(run.batch.refresh), .low = 1, .high = SCANS_MAX, .flags = ID,
     .unit = "scans", .meaning = "between batches"},
    {"data.batch.grow", COUNT, AT(run.batch.grow), .high = INT32_MAX, .flags = ID, .unit = "points",
     .meaning = "points of the last batch, reached geometrically; 0: no change"},

    {"network.hidden", LEHR_VALUE_WIDTHS, ITEMS(network.hidden),
     LENGTH(config.network.hidden_count), .low = 1, .high = 1e6, .flags = ID, .unit = "units",
     .meaning = "widths of the hidden layers; []: the linear model"},
    {"network.activation", KIND, OF(ACTIVATION), AT(network.activation), .flags = ID,
     .meaning = "of the hidden layers"},
    {"network.output", KIND, OF(ACTIVATION), AT(network.output), .flags = ID,
     .meaning = "activation of the output layer"},
    {"network.bias", BOOL, AT(network.bias), .flags = ID, .meaning = "do the layers have biases"},
    {"network.weights", KIND, OF(WEIGHTS), AT(network.weights), .flags = ID,
     .meaning = "values that a parameter can take; binary and ternary need flip moves"},
    {"network.init.kind", KIND, OF(INIT), AT(network.init), .flags = ID,
     .meaning = "first weights of every row"},
    {"network.init.scale", NUMBER, AT(network.init_scale), .low = SMALL, .high = LARGE,
     .flags = ID | AUTO,
     .meaning = "standard deviation of the first weights; auto: 1/sqrt(inputs of the layer)"},
    {"network.init.from", PATH, CHARS(init_from), .flags = ID,
     .meaning = "safetensors file with the first weights, relative to this file; empty: drawn"},

    {"loss.kind", KIND, OF(LOSS), AT(loss.kind), .flags = ID,
     .meaning = "what the energy measures"},
    {"loss.reduction", KIND, OF(REDUCTION), AT(loss.reduction), .flags = ID,
     .meaning = "over the points"},
    {"loss.l2", NUMBER, AT(loss.l2), .high = LARGE, .flags = ID,
     .meaning = "adds l2 * sum(theta^2) to the energy: a tempered penalty"},
    {"loss.l1", NUMBER, AT(loss.l1), .high = LARGE, .flags = ID,
     .meaning = "adds l1 * sum|theta| to the energy: a tempered penalty"},
    {"loss.noise", NUMBER, AT(loss.noise), .low = SMALL, .high = LARGE, .flags = ID,
     .unit = "standardized targets", .meaning = "standard deviation of the gaussian loss"},
    {"loss.delta", NUMBER, AT(loss.delta), .low = SMALL, .high = LARGE, .flags = ID,
     .unit = "standardized targets", .meaning = "where the huber loss turns linear"},

    {"prior.kind", KIND, OF(PRIOR), AT(prior.kind), .flags = ID,
     .meaning = "untempered density of the parameters"},
    {"prior.scale", NUMBER, AT(prior.scale), .low = SMALL, .high = LARGE, .flags = ID,
     .meaning = "of the prior: standard deviation, or the Laplace scale"},

    {"method", KIND, OF(METHOD), AT(run.method), .flags = ID,
     .meaning = "how rows get their temperatures"},
    {"chains", INT, .offset = offsetof(lehr_config_draft, chains), .low = 1, .high = INT32_MAX,
     .flags = AUTO, .unit = "rows",
     .meaning = "tempering: rungs x copies; annealing: independent rows; auto: rungs x copies"},

    {"temperatures.ladder", KIND, OF(LADDER), AT(run.ladder.kind), .flags = ID,
     .meaning = "how the temperatures of tempering are placed"},
    {"temperatures.rungs", INT, AT(run.ladder.rungs), .low = 2, .high = LEHR_RUNGS_MAX,
     .flags = ID | TUNED, .unit = "temperatures",
     .meaning = "temperatures of one ladder; ladder list: as many as the list has"},
    {"temperatures.min", NUMBER, AT(run.ladder.min), .high = 1e300, .flags = ID | ABOVE | TUNED,
     .unit = "energy", .meaning = "the coldest temperature"},
    {"temperatures.max", NUMBER, AT(run.ladder.max), .high = 1e300, .flags = ID | ABOVE | TUNED,
     .unit = "energy", .meaning = "the hottest temperature"},
    {"temperatures.list", LEHR_VALUE_LADDER, ITEMS(run.ladder.list), LENGTH(listed), .high = 1e300,
     .flags = ID | ABOVE, .unit = "energy",
     .meaning = "ladder list: the temperatures, cold to hot"},
    {"temperatures.copies", INT, AT(run.copies), .low = 1, .high = INT32_MAX, .flags = ID,
     .meaning = "independent ladders; follows from chains where only chains is given"},
    {"temperatures.adapt", NUMBER, AT(run.adapt), .high = 1, .flags = ID,
     .unit = "share of all scans", .meaning = "after it step sizes are frozen for good"},

    {"cooling.kind", KIND, OF(COOLING), AT(run.cooling.kind), .flags = ID,
     .meaning = "schedule of annealing"},
    {"cooling.start", NUMBER, AT(run.cooling.start), .high = 1e300, .flags = ID | ABOVE,
     .unit = "energy", .meaning = "first temperature"},
    {"cooling.end", NUMBER, AT(run.cooling.end), .high = 1e300, .flags = ID | ABOVE,
     .unit = "energy", .meaning = "last temperature, at most the first"},
    {"cooling.scans", COUNT, AT(run.cooling.scans), .high = SCANS_MAX, .flags = ID, .unit = "scans",
     .meaning = "length of the schedule, at its end the run stops; 0: the run's scans"},

    {"moves.*.kind", KIND, OF(MOVE), AT(run.moves[0].kind), .flags = ID,
     .meaning = "distribution of the step, or flip, or log_scale"},
    {"moves.*.scope", KIND, OF(SCOPE), AT(run.moves[0].scope), .flags = ID,
     .meaning = "which parameters move"},
    {"moves.*.k", INT, AT(run.moves[0].k), .high = 64, .flags = ID, .unit = "parameters",
     .meaning =
         "scopes sparse and neuron_in, and flip: how many parameters move; 0: neuron_in, all"},
    {"moves.*.nu", NUMBER, AT(run.moves[0].nu), .high = 1e6, .flags = ID | ABOVE,
     .meaning = "degrees of freedom of student_t"},
    {"moves.*.scale", SCALE, AT(run.moves[0].scale), .low = SMALL, .high = LARGE,
     .flags = ID | AUTO,
     .meaning = "step size; auto: adapted to target; {from, to}: geometric over cooling.scans or "
                "all scans"},
    {"moves.*.target", NUMBER, AT(run.moves[0].target), .high = 1,
     .flags = ID | AUTO | ABOVE | BELOW,
     .meaning = "acceptance to adapt to; auto: 0.234, or 0.44 when one parameter moves"},
    {"moves.*.weight", NUMBER, AT(run.moves[0].weight), .high = 1e6, .flags = ID | ABOVE,
     .meaning = "how often this move is drawn, relative to the others"},

    {"evaluation.keep_activations", BOOL, AT(run.keep_activations),
     .meaning =
         "keep activations between proposals, so that a move costs what it touches: the same "
         "bits"},
    {"evaluation.early_rejection", BOOL, AT(run.early_rejection),
     .meaning = "reject a proposal as soon as its energy can only be too high: the same bits"},
    {"evaluation.delayed_acceptance", BOOL, AT(run.delayed_acceptance), .flags = ID,
     .meaning = "a quarter of the points decides first, the others correct it: exact, another "
                "sequence"},

    {"exchange.scheme", KIND, OF(EXCHANGE), AT(run.exchange.scheme), .flags = ID,
     .meaning = "which neighbours try to swap"},
    {"exchange.every", INT, AT(run.exchange.every), .low = 1, .high = 1e9, .flags = ID,
     .unit = "scans", .meaning = "between exchanges, and between updates of step sizes"},

    {"stop.scans", COUNT, AT(run.stop.scans), .high = SCANS_MAX, .flags = ID, .unit = "scans",
     .meaning = "length of the run; 0: no such limit, also when not given beside proposals or "
                "cooling.scans"},
    {"stop.proposals", COUNT, AT(run.stop.proposals), .high = SCANS_MAX, .flags = ID,
     .unit = "proposals", .meaning = "over all rows, rounded up to whole scans; 0: no such limit"},
    {"stop.frozen", COUNT, AT(run.stop.frozen), .high = SCANS_MAX, .flags = ID, .unit = "scans",
     .meaning = "scans without any accepted proposal; 0: no such limit"},
    {"stop.wall_s", NUMBER, AT(run.stop.wall_s), .high = LARGE, .unit = "s",
     .meaning = "wall-clock time; 0: no such limit"},
    {"stop.target.metric", KIND, OF(METRIC), AT(run.stop.metric), .flags = ID,
     .meaning = "what must reach stop.target.value; looked at every output.observe scans"},
    {"stop.target.value", NUMBER, AT(run.stop.value), .low = -LARGE, .high = LARGE, .flags = ID,
     .unit = "the metric's",
     .meaning = "losses and energies stop at or below it, accuracies at or above"},

    {"output.dir", TEXT, CHARS(output_dir),
     .meaning = "results stand in <dir>/<name>/<id>; relative to the working directory"},
    {"output.observe", COUNT, AT(run.observe), .low = 1, .high = SCANS_MAX, .unit = "scans",
     .meaning = "between looks at the metrics: `best` is chosen there and nowhere else"},
    {"output.checkpoint_s", NUMBER, AT(checkpoint_s), .high = LARGE, .unit = "s",
     .meaning =
         "between checkpoints, which take at most 1 % of the time; 0: only when the process ends"},
    {"output.trace.energy", COUNT, AT(trace_energy), .high = SCANS_MAX, .unit = "scans",
     .meaning = "between energies written to the trace; 0: none"},

    {"backend", TEXT, CHARS(run.backend),
     .meaning = "what does the work: auto, cpu, cuda, cuda:N, cuda:N,M, cuda:all, or cuda: and a "
                "part of a name"},
    {"threads", INT, AT(run.threads), .low = 1, .high = 4096, .flags = AUTO,
     .meaning = "of the CPU backend; auto: the CPUs that the process may use"},
    {"numerics", KIND, OF(NUMERICS), AT(run.numerics), .flags = ID,
     .meaning = "exact: the same bits everywhere"},
};
/* clang-format on */

const int32_t lehr_config_key_count = (int32_t)(sizeof lehr_config_keys / sizeof *lehr_config_keys);

_Static_assert(sizeof lehr_config_keys / sizeof *lehr_config_keys <= LEHR_CONFIG_KEYS_MAX,
               "LEHR_CONFIG_KEYS_MAX is too small");
_Static_assert(sizeof(lehr_activation) == sizeof(int32_t), "kinds are read and written as int32_t");

static const char *const moves_prefix = "moves.";

lehr_config_draft lehr_config_draft_of(const lehr_config *config)
{
    lehr_config_draft draft = {.config = *config};
    if (config->run.ladder.kind == LEHR_LADDER_LIST)
        draft.listed = config->run.ladder.rungs;
    /* Rows of tempering follow from the ladder: a resolved config still takes another number of
     * rungs. */
    if (config->run.method == LEHR_METHOD_ANNEALING)
        draft.chains = config->run.copies;
    return draft;
}

lehr_move_spec lehr_config_move_blank(void)
{
    return (lehr_move_spec){
        .kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_ALL, .k = 1, .nu = 4, .weight = 1};
}

bool lehr_config_is_move(const lehr_config_key *key)
{
    return strncmp(key->name, moves_prefix, strlen(moves_prefix)) == 0;
}

void *lehr_config_field(const lehr_config_key *key, int32_t move, const lehr_config_draft *draft)
{
    const size_t index = lehr_config_is_move(key) ? (size_t)move : 0;
    return (char *)(uintptr_t)draft + key->offset + index * sizeof(lehr_move_spec);
}

/* "moves.2.scale" becomes "moves.*.scale" and 2; other paths stay, with 0. False: it can be no key.
 */
static bool generalize(const char *path, char out[LEHR_CONFIG_PATH_MAX], int32_t *move)
{
    const size_t prefix = strlen(moves_prefix);
    *move = 0;
    if (strchr(path, '*') != NULL) /* the table's own wildcard */
        return false;
    if (strncmp(path, moves_prefix, prefix) != 0 || path[prefix] < '0' || path[prefix] > '9')
        return lehr_text_copy(out, LEHR_CONFIG_PATH_MAX, path);
    const size_t digits = strspn(path + prefix, "0123456789");
    int64_t index = 0;
    if (!lehr_parse_int64(path + prefix, digits, &index) || index > INT32_MAX)
        index = INT32_MAX;
    *move = (int32_t)index;
    const char *rest = path + prefix + digits;
    return snprintf(out, LEHR_CONFIG_PATH_MAX, "%s*%s", moves_prefix, rest) < LEHR_CONFIG_PATH_MAX;
}

const lehr_config_key *lehr_config_find(const char *path, int32_t *move)
{
    char general[LEHR_CONFIG_PATH_MAX];
    if (!generalize(path, general, move))
        return NULL;
    for (int32_t i = 0; i < lehr_config_key_count; i++)
        if (strcmp(lehr_config_keys[i].name, general) == 0)
            return &lehr_config_keys[i];
    return NULL;
}

bool lehr_config_is_section(const char *path)
{
    char general[LEHR_CONFIG_PATH_MAX];
    int32_t move = 0;
    if (!generalize(path, general, &move))
        return false;
    const size_t length = strlen(general);
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const char *name = lehr_config_keys[i].name;
        if (strncmp(name, general, length) == 0 && name[length] == '.')
            return true;
    }
    return false;
}

/* The first `length` bytes of a name in the table, with the index of a move in its place. */
static void write_known(const char *name, size_t length, int32_t move,
                        char out[LEHR_CONFIG_PATH_MAX])
{
    const char *star = memchr(name, '*', length);
    if (star == NULL)
        snprintf(out, LEHR_CONFIG_PATH_MAX, "%.*s", (int)length, name);
    else
        snprintf(out, LEHR_CONFIG_PATH_MAX, "%.*s%d%.*s", (int)(star - name), name, move,
                 (int)(length - (size_t)(star - name) - 1), star + 1);
}

void lehr_config_name(const lehr_config_key *key, int32_t move, char out[LEHR_CONFIG_PATH_MAX])
{
    write_known(key->name, strlen(key->name), move, out);
}

/* ---- The nearest key ------------------------------------------------------------------------- */

static const char *last_word(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot + 1 : path;
}

/* A right last word in the wrong section counts as one edit: `rungs` is temperatures.rungs. */
static int distance_to(const char *path, const char *known)
{
    const int whole = lehr_text_distance(path, known);
    const int word = lehr_text_distance(last_word(path), last_word(known)) + 1;
    return whole < word ? whole : word;
}

void lehr_config_nearest(const char *path, char out[LEHR_CONFIG_PATH_MAX])
{
    char general[LEHR_CONFIG_PATH_MAX] = "";
    int32_t move = 0, best = INT_MAX;
    (void)generalize(path, general, &move); /* for the index of a move */
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const char *name = lehr_config_keys[i].name;
        /* the key, and each section that it stands in */
        for (size_t length = strcspn(name, "."); length <= strlen(name);
             length += 1 + strcspn(name + length + 1, ".")) {
            char known[LEHR_CONFIG_PATH_MAX];
            write_known(name, length, move, known);
            const int distance = distance_to(path, known);
            if (distance < best) {
                best = distance;
                lehr_text_copy(out, LEHR_CONFIG_PATH_MAX, known);
            }
            if (name[length] == '\0')
                break;
        }
    }
}
