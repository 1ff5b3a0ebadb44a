/* Bad configs: one sentence each, with the place. Every row is a way in which a file was or can be
 * wrong. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "study/config_world.h"

#define DATA "data: {source: d.csv}\n"

typedef struct bad {
    const char *text, *place, *fragment;
} bad;

static void assert_refused(const bad *row, const char *override, const char *prefix)
{
    lehr_config config;
    memset(&config, 0x5a, sizeof config);
    const lehr_config before = config;
    const lehr_status status = parse_text(row->text, override, &config);
    cr_expect(status == LEHR_ERR_ARG || status == LEHR_ERR_UNSUPPORTED, "accepted: %s %s",
              row->text, override != NULL ? override : "");
    char start[512];
    snprintf(start, sizeof start, "%s: ", prefix);
    cr_expect(strncmp(lehr_error(), start, strlen(start)) == 0, "%s\n  instead of %s...\n  for %s",
              lehr_error(), start, row->text);
    cr_expect(strstr(lehr_error(), row->fragment) != NULL, "%s\n  lacks %s\n  for %s", lehr_error(),
              row->fragment, row->text);
    cr_expect_null(strchr(lehr_error(), '\n'), "more than one line: %s", lehr_error());
    cr_expect_eq(memcmp(&config, &before, sizeof config), 0, "a failed call changed its result");
}

static void assert_all_refused(const bad *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "a.yaml:%s", rows[i].place);
        assert_refused(&rows[i], NULL, prefix);
    }
}

#define ASSERT_ALL_REFUSED(rows) assert_all_refused(rows, sizeof rows / sizeof *rows)

Test(config_bad, text_that_is_no_yaml)
{
    static const bad rows[] = {
        {"", "1:1", "the file is empty"},
        {"# only a comment\n\n", "1:1", "the file is empty"},
        {"---\n", "2:1", "a mapping of keys"},
        {"iris", "1:1", "a mapping of keys"},
        {"- 1\n- 2\n", "1:1", "a mapping of keys"},
        {DATA "seed: [1\nname: a\n", "3:5", "not YAML"},
        {DATA "seed: 1\n  name: a\n", "3:7", "not YAML"},
        {DATA "seed: \"1\n", "3:1", "not YAML"},
        {DATA "seed: 1\n}\n", "3:1", "not YAML"},
        {DATA "network:\n\thidden: [2]\n", "3:1", "a tab indents"},
        {DATA "network:\n  hidden: [2]\n \tbias: true\n", "4:2", "a tab indents"},
        {DATA "seed: 1\n---\nseed: 2\n", "3:1", "a second document"},
        {DATA "seed: &one 1\n", "2:7", "anchors (&one)"},
        {DATA "seed: *one\n", "2:7", "aliases (*one)"},
        {DATA "seed: !!int 1\n", "2:7", "tags (tag:yaml.org,2002:int)"},
        {DATA "seed: !mine 1\n", "2:7", "tags (!mine)"},
        {DATA "<<: {seed: 1}\n", "2:1", "unknown key '<<'"},
        {DATA "? [a, b]\n: 1\n", "2:3", "a key must be a word"},
        {DATA "{a: 1}: 2\n", "2:1", "a key must be a word"},
        {DATA "na\x01me: a\n", "2:3", "control character 0x01"},
        {DATA "name: a\x7f\n", "2:8", "control character 0x7f"},
        {DATA "name: \"\xc3\xa9\xff\"\n", "2:9", "byte 0xff is not UTF-8"},
        {DATA "name: \xc0\xaf\n", "2:7", "not UTF-8"},
        {DATA "name: \xed\xa0\x80\n", "2:7", "not UTF-8"},
        {DATA "name: \xf4\x90\x80\x80\n", "2:7", "not UTF-8"},
        {DATA "name: \xe2\x82", "2:7", "not UTF-8"},
        {"\xff\xfe"
         "d\x01",
         "1:1", "not UTF-8"},
        {DATA "name: a\xc2\x80z\n", "2:8", "not YAML"},
    };
    ASSERT_ALL_REFUSED(rows);
}

Test(config_bad, keys)
{
    static const bad rows[] = {
        {DATA "sead: 1\n", "2:1", "unknown key 'sead'; the nearest known key is 'seed'"},
        {DATA "stop: {scan: 1}\n", "2:8",
         "unknown key 'stop.scan'; the nearest known key is 'stop.scans'"},
        {DATA "rungs: 4\n", "2:1", "the nearest known key is 'temperatures.rungs'"},
        {DATA "temperature: {rungs: 4}\n", "2:1", "the nearest known key is 'temperatures'"},
        {DATA "moves:\n  - kind: gaussian\n    scal: 1\n", "4:5",
         "the nearest known key is 'moves.0.scale'"},
        {DATA "moves: [{}, {kind: gaussian, weigth: 1}]\n", "2:30",
         "the nearest known key is 'moves.1.weight'"},
        {DATA "seed: 1\nname: a\nseed: 2\n", "4:1", "key 'seed' is given twice, first in line 2"},
        {DATA "data: {task: regression}\n", "2:1", "key 'data' is given twice, first in line 1"},
        {"data: {source: a, source: b}\n", "1:19", "key 'source' is given twice"},
        {DATA "stop.scans: 4\n", "2:1", "write 'stop.scans' as nested keys"},
        {DATA "moves.0.scale: 4\n", "2:1", "nested keys"},
        {DATA "moves: {0: {scale: 4}}\n", "2:8", "moves must be a list of 1 to 8 mappings"},
        {DATA "'*': 4\n", "2:1", "unknown key '*'"},
        {DATA "\"a\\0b\": 4\n", "2:1", "NUL character"},
        {DATA "\"\\e[31mseed\": 4\n", "2:1", "unknown key '?[31mseed'"},
        {DATA "'': 4\n", "2:1", "unknown key ''"},
        {DATA "network: 12\n", "2:10", "network must be a mapping of keys"},
        {DATA "network:\n", "2:9", "network must be a mapping of keys"},
        {DATA "stop: [1]\n", "2:7", "stop must be a mapping of keys"},
        {DATA "stop: {target: 0.9}\n", "2:16", "stop.target must be a mapping of keys"},
    };
    ASSERT_ALL_REFUSED(rows);
}

Test(config_bad, types)
{
    static const bad rows[] = {
        {DATA "seed: -1\n", "2:7", "seed must be a whole number from 0 to 2^64-1, got '-1'"},
        {DATA "seed: 18446744073709551616\n", "2:7", "seed must be"},
        {DATA "seed: 1.5\n", "2:7", "got '1.5'"},
        {DATA "seed: 1e3\n", "2:7", "got '1e3'"},
        {DATA "seed: 0x10\n", "2:7", "got '0x10'"},
        {DATA "seed:\n", "2:6", "got ''"},
        {DATA "seed: yes\n", "2:7", "got 'yes'"},
        {DATA "seed: [1]\n", "2:7", "got a list"},
        {DATA "seed: {a: 1}\n", "2:7", "got a mapping"},
        {DATA "seed: \"1\\0\"\n", "2:7", "seed must be"},
        {DATA "name: [a]\n", "2:7", "name must be text of at most 127 bytes, got a list"},
        {DATA "name: ''\n", "2:7", "cannot name a directory"},
        {DATA "name: ..\n", "2:7", "cannot name a directory"},
        {DATA "name: a/b\n", "2:7", "cannot name a directory"},
        {DATA "name: \"a\\nb\"\n", "2:7", "cannot name a directory"},
        {"data: {source: d.csv, standardize: 1}\n", "1:36",
         "data.standardize must be true or false"},
        {"data: {source: d.csv, standardize: Yes!}\n", "1:36", "true or false"},
        {"data: {source: d.csv, project: pca}\n", "1:32", "data.project must be a mapping of keys"},
        {"data: {source: d.csv, project: {kind: pac}}\n", "1:39",
         "data.project.kind: unknown project 'pac': the nearest is 'pca'"},
        {"data: {source: d.csv, project: {components: 0}}\n", "1:45",
         "data.project.components must be a whole number from 1 to 4096, got '0'"},
        {"data: {source: d.csv, project: {components: 4097}}\n", "1:45", "from 1 to 4096"},
        {"data: {source: d.csv, project: {components: auto}}\n", "1:45", "got 'auto'"},
        {"data: {source: d.csv, project: {component: 4}}\n", "1:33",
         "the nearest known key is 'data.project.components'"},
        {"data: {source: d.csv, task: classify}\n", "1:29", "data.task: unknown task 'classify'"},
        {"data: {source: d.csv, test_fraction: 20%}\n", "1:38",
         "a number of at least 0 and below 1, got '20%'"},
        {"data: {source: d.csv, test_fraction: nan}\n", "1:38", "got 'nan'"},
        {"data: {source: d.csv, test_fraction: .inf}\n", "1:38", "got '.inf'"},
        {"data: {source: d.csv, test_fraction: 0,2}\n", "1:40", "unknown key 'data.2'"},
        {DATA "network: {activation: tahn}\n", "2:23", "unknown activation 'tahn'"},
        {DATA "network: {activation: [tanh]}\n", "2:23",
         "network.activation must be identity | tanh"},
        {DATA "network: {activation: \"ta\\nh\"}\n", "2:23", "got 'ta?h'"},
        {DATA "network: {hidden: 12}\n", "2:19",
         "network.hidden must be a list of at most 63 whole numbers"},
        {DATA "network: {hidden: [12, x]}\n", "2:24", "got 'x'"},
        {DATA "network: {hidden: [12, [3]]}\n", "2:24", "got a list"},
        {DATA "network: {bias: maybe}\n", "2:17", "network.bias must be true or false"},
        {DATA "moves: gaussian\n", "2:8", "moves must be a list"},
        {DATA "moves: []\n", "2:8", "moves must be a list of 1 to 8"},
        {DATA "moves: [gaussian]\n", "2:9", "moves.0 must be a mapping"},
        {DATA "moves: [{}, {}, {}, {}, {}, {}, {}, {}, {}]\n", "2:8",
         "moves must be a list of 1 to 8"},
        {DATA "temperatures: {list: [1, two]}\n", "2:26", "got 'two'"},
    };
    ASSERT_ALL_REFUSED(rows);
}

Test(config_bad, ranges)
{
    static const bad rows[] = {
        {"data: {source: d.csv, test_fraction: 1}\n", "1:38", "below 1, got '1'"},
        {"data: {source: d.csv, test_fraction: -0.1}\n", "1:38", "of at least 0"},
        {"data: {source: d.csv, test_fraction: 1e400}\n", "1:38", "got '1e400'"},
        {"data: {generator: {kind: moons, points: 0}}\n", "1:41",
         "a whole number from 1 to 2147483647"},
        {"data: {generator: {kind: moons, points: 2147483648}}\n", "1:41", "points must be"},
        {"data: {generator: {kind: parity, bits: 17}}\n", "1:40", "from 1 to 16"},
        {"data: {generator: {kind: moons, noise: -1}}\n", "1:40", "noise must be"},
        {DATA "network: {hidden: [0]}\n", "2:20", "from 1 to 1000000, got '0'"},
        {DATA "network: {hidden: [1, 99999999999999999999]}\n", "2:23",
         "got '99999999999999999999'"},
        {DATA "network: {init: {scale: 0}}\n", "2:25", "or auto, got '0'"},
        {DATA "loss: {l2: -1e-3}\n", "2:12", "loss.l2 must be"},
        {DATA "loss: {kind: gaussian, noise: 0}\n", "2:31", "loss.noise must be"},
        {DATA "prior: {scale: 0}\n", "2:16", "prior.scale must be"},
        {DATA "chains: 0\n", "2:9", "chains must be"},
        {DATA "temperatures: {rungs: 1}\n", "2:23", "from 2 to 4096"},
        {DATA "temperatures: {rungs: 1000000000}\n", "2:23", "from 2 to 4096"},
        {DATA "temperatures: {min: 0}\n", "2:21", "above 0"},
        {DATA "temperatures: {rungs: auto}\n", "2:23", "give a number"},
        {DATA "temperatures: {min: auto}\n", "2:21",
         "tune themselves are not part of this version"},
        {DATA "temperatures: {max: auto}\n", "2:21", "give a number"},
        {DATA "temperatures: {adapt: 1.01}\n", "2:23", "from 0 to 1"},
        {DATA "temperatures: {ladder: list, list: [1, 3, 2]}\n", "2:43", "rising"},
        {DATA "temperatures: {ladder: list, list: [0, 3]}\n", "2:37", "got '0'"},
        {DATA "temperatures: {ladder: list, list: [inf, inf]}\n", "2:42", "got 'inf'"},
        {DATA "cooling: {start: -1}\n", "2:18", "cooling.start must be"},
        {DATA "moves: [{k: 65}]\n", "2:13", "moves.0.k must be a whole number from 0 to 64"},
        {DATA "moves: [{}, {weight: 0}]\n", "2:22", "moves.1.weight must be a number above 0"},
        {DATA "moves: [{target: 1}]\n", "2:18", "below 1, or auto"},
        {DATA "moves: [{scale: {from: 1}}]\n", "2:17", "or {from: number, to: number}"},
        {DATA "moves: [{scale: {to: 1}}]\n", "2:17", "or {from: number, to: number}"},
        {DATA "moves: [{scale: {}}]\n", "2:17", "or {from: number, to: number}"},
        {DATA "moves: [{scale: {from: 0, to: 1}}]\n", "2:24", "moves.0.scale must be"},
        {DATA "moves: [{scale: {from: 1, to: -1}}]\n", "2:31", "got '-1'"},
        {DATA "moves: [{scale: {from: 1, to: auto}}]\n", "2:31", "got 'auto'"},
        {DATA "moves: [{scale: {from: 1, to: [2]}}]\n", "2:31", "moves.0.scale must be"},
        {DATA "moves: [{scale: {from: 1, til: 2}}]\n", "2:27", "moves.0.scale must be"},
        {DATA "moves: [{scale: [1, 2]}]\n", "2:17", "moves.0.scale must be"},
        {DATA "data: {batch: {points: 5}}\n", "2:1", "key 'data' is given twice"},
        {"data: {source: d, batch: {points: 5, refresh: 0}}\n", "1:47", "data.batch.refresh must"},
        {"data: {source: d, batch: {points: -5}}\n", "1:35", "data.batch.points must"},
        {"data: {source: d, batch: 5}\n", "1:26", "data.batch must be a mapping"},
        {DATA "evaluation: {early_rejection: 3}\n", "2:31", "evaluation.early_rejection must"},
        {DATA "evaluation: {cache: no}\n", "2:14", "unknown key"},
        {DATA "moves: [{nu: 0}]\n", "2:14", "moves.0.nu must be"},
        {DATA "exchange: {every: 0}\n", "2:19", "exchange.every must be"},
        {DATA "stop: {scans: -5}\n", "2:15", "stop.scans must be"},
        {DATA "stop: {scans: 9223372036854775808}\n", "2:15", "stop.scans must be"},
        {DATA "output: {observe: 0}\n", "2:19", "output.observe must be"},
        {DATA "threads: 5000\n", "2:10", "from 1 to 4096, or auto"},
    };
    ASSERT_ALL_REFUSED(rows);
}

Test(config_bad, keys_that_do_not_fit_together)
{
    static const bad rows[] = {
        {"seed: 1\n", "1:1", "no data: give data.source or data.generator.kind"},
        {"data: {source: d.csv, generator: {kind: xor}}\n", "1:41", "both given"},
        {"data: {generator: {kind: xor}, labels: l.npy}\n", "1:40",
         "data.labels is for data.source"},
        {"data: {generator: {kind: xor}, test_source: l}\n", "1:45", "data.test_source is for"},
        {"data: {source: d, test_labels: l}\n", "1:32", "without data.test_source"},
        {"data: {generator: {kind: line}}\n", "1:26", "line makes data for regression"},
        {"data: {generator: {kind: moons}, task: regression}\n", "1:26",
         "makes data for classification"},
        {"data: {source: d.csv, task: regression}\n", "1:29",
         "cross_entropy is for classification"},
        {"data: {source: d, task: regression}\nloss: {kind: hinge}\n", "2:14",
         "hinge is for classification"},
        {"data: {source: d, test_fraction: 0.5, validation_fraction: 0.5}\n", "1:34",
         "no point to train on"},
        {"data: {source: d, validation_fraction: 0.9}\n", "1:40", "no point to train on"},
        {DATA "method: population\n", "2:9", "not part of this version"},
        {DATA "chains: 31\n", "2:9", "chains is 31, no multiple of the 16 rungs"},
        {DATA "chains: 32\ntemperatures: {rungs: 8, copies: 2}\n", "2:9", "8 rungs x 2 copies"},
        {DATA "temperatures: {copies: 2147483647}\n", "2:24", "more rows than a run can have"},
        {DATA "temperatures: {min: 1, max: 1}\n", "2:29", "min 1 must be below temperatures.max 1"},
        {DATA "temperatures: {min: 1}\n", "2:21", "must be below temperatures.max 0.1"},
        {DATA "temperatures: {ladder: list}\n", "2:24", "needs temperatures.list"},
        {DATA "temperatures: {list: [1, 2]}\n", "2:22", "is for `ladder: list`"},
        {DATA "temperatures: {ladder: list, rungs: 3, list: [1, 2]}\n", "2:37", "leave rungs out"},
        {DATA "method: annealing\ncooling: {end: 1}\n", "3:16", "must not be above cooling.start"},
        {DATA "method: annealing\nstop: {scans: 0, wall_s: 5}\n", "3:15",
         "annealing needs its length"},
        {DATA "stop: {scans: 0}\n", "2:15", "nothing would ever stop this run"},
        {DATA "moves: [{kind: flip}]\n", "2:16",
         "flip moves need network.weights binary or ternary"},
        {DATA "network: {weights: binary}\n", "2:20", "gaussian moves need real"},
        {DATA "network: {weights: ternary}\nmoves: [{kind: flip}, {kind: log_scale}]\n", "3:30",
         "ternary ones move by flip"},
        {DATA "stop: {target: {metric: energy}}\n", "2:25", "without stop.target.value"},
        {DATA "stop: {target: {value: 1}}\n", "2:24", "without stop.target.metric"},
        {DATA "stop: {target: {metric: test_accuracy, value: 1}}\n", "2:25", "only ever reported"},
        {DATA "stop: {target: {metric: test_loss, value: 1}}\n", "2:25", "it chooses nothing"},
        {DATA "stop: {target: {metric: train_accuracy, value: 1.2}}\n", "2:48", "at most 1"},
        {"data: {source: d, validation_fraction: 0}\nstop: {target: {metric: validation_loss, "
         "value: 1}}\n",
         "2:25", "needs a validation part"},
        {"data: {source: d, task: regression}\nloss: {kind: mse}\n"
         "stop: {target: {metric: train_accuracy, value: 1}}\n",
         "3:25", "no meaning for regression"},
        {DATA "backend: gpu\n", "2:10", "backend must be auto, cpu, cuda, or cuda: and"},
        {DATA "backend: \"g\\tpu\"\n", "2:10", "got 'g\\x09pu'"},
        {DATA "backend: 'cuda:'\n", "2:10", "backend must be"},
        {DATA "backend: cuda:1,\n", "2:10", "backend must be"},
        {DATA "backend: cuda:1,0,1\n", "2:10", "names device 1 twice"},
        {DATA "backend: ''\n", "2:10", "backend must not be empty"},
        {DATA "output: {dir: ''}\n", "2:15", "output.dir must not be empty"},
    };
    ASSERT_ALL_REFUSED(rows);
}

Test(config_bad, moves_and_batches_that_do_not_fit)
{
    static const bad rows[] = {
        {DATA "moves: [{scope: sparse}]\n", "2:17", "scope sparse needs k"},
        {DATA "moves: [{scope: neuron_in}]\n", "2:17", "scope neuron_in needs k"},
        {DATA "moves: [{scope: sparse, k: 0}]\n", "2:28", "only scope neuron_in takes 0"},
        {DATA "moves: [{scope: neuron, k: 0}]\n", "2:28", "only scope neuron_in takes 0"},
        {DATA "network: {weights: binary}\nmoves: [{kind: flip, scope: neuron_in, k: 0}]\n", "3:43",
         "k must be from 1 to 64"},
        {DATA "network: {hidden: []}\nmoves: [{}, {scope: neuron_out}]\n", "3:21",
         "moves.1: scope neuron_out needs a hidden layer"},
        {"data: {source: d, batch: {points: 5}}\n", "1:1", "moves.0: step sizes that adapt on"},
        {"data: {source: d, batch: {points: 5}}\nmoves: [{scale: 1}, {scale: auto}]\n", "2:29",
         "moves.1: step sizes that adapt on refreshed batches diverge"},
        {"data: {source: d, validation_fraction: 0, batch: {points: 5}}\nmoves: [{scale: 1}]\n",
         "1:59", "data.batch needs a validation part"},
        {"data: {source: d, batch: {grow: 5}}\n", "1:33", "without data.batch.points"},
    };
    ASSERT_ALL_REFUSED(rows);
}

Test(config_bad, overrides_name_themselves)
{
    static const struct {
        const char *override, *fragment;
    } rows[] = {
        {"seed", "an override is written key=value"},
        {"", "an override is written key=value"},
        {"=1", "unknown key ''"},
        {"sead=1", "the nearest known key is 'seed'"},
        {"seed=", "got ''"},
        {"seed=#1", "no value"},
        {"seed=[1", "not YAML"},
        {"seed=&a 1", "anchors"},
        {"seed=\xff", "not UTF-8"},
        {"moves.*.scale=1", "unknown key"},
        {"moves.2.scale=1", "the config has 2 moves, counted from 0"},
        {"moves.99999999999999999999.scale=1", "the config has 2 moves"},
        {"moves.-1.scale=1", "unknown key"},
        {"moves.0.=1", "unknown key"},
        {"moves.0=1", "moves.0 must be a mapping"},
        {"stop=1", "stop must be a mapping"},
        {"stop={scans: 1, scans: 2}", "given twice"},
        {"chains=33", "no multiple of the 16 rungs"},
        {"temperatures.rungs=auto", "give a number"},
        {"stop.target.metric=test_accuracy", "only ever reported"},
        {"data.generator.kind=xor", "both given"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char prefix[128];
        const bool raw = strchr(rows[i].override, '\xff') != NULL;
        snprintf(prefix, sizeof prefix, "-s %s", raw ? "seed=?" : rows[i].override);
        assert_refused(&(bad){DATA, "", rows[i].fragment}, rows[i].override, prefix);
    }
}

/* `size` bytes of one word over and over: the sentence that refuses them. */
static const char *refuse_flood(const char *word, size_t size)
{
    char *text = malloc(size);
    const size_t length = strlen(word);
    for (size_t i = 0; i < size; i++)
        text[i] = word[i % length];
    lehr_config config;
    cr_expect_eq(lehr_config_parse(text, size, "a.yaml", NULL, 0, &config), LEHR_ERR_ARG);
    free(text);
    return lehr_error();
}

Test(config_bad, absurd_sizes)
{
    enum { SIZE = 1 << 20 };
    cr_expect_null(strstr(refuse_flood("{a: ", 4 * (size_t)64), "nested deeper"));
    cr_expect_not_null(
        strstr(refuse_flood("{a: ", 4 * (size_t)65), "nested deeper than 64 levels"));
    cr_expect_not_null(strstr(refuse_flood("[", SIZE), "nested deeper than 64 levels"));
    cr_expect_not_null(
        strstr(refuse_flood("seed: 1\n", SIZE), "a.yaml:2:1: key 'seed' is given twice"));
    cr_expect_not_null(strstr(refuse_flood("x", SIZE), "a.yaml:1:1: a config is a mapping"));
    cr_expect_not_null(strstr(refuse_flood("- ", SIZE), "nested deeper"));
    cr_expect_not_null(strstr(refuse_flood("\n", SIZE), "the file is empty"));

    char *name = calloc(1, SIZE + 1);
    snprintf(name, SIZE, "name: %*s", SIZE / 2, "x");
    for (char *c = strchr(name, ':') + 2; *c == ' '; c++)
        *c = 'x';
    lehr_config config;
    cr_expect_eq(parse_text(name, NULL, &config), LEHR_ERR_ARG);
    cr_expect_not_null(strstr(lehr_error(), "a.yaml:1:7: name must be text of at most 127 bytes"));
    cr_expect_not_null(strstr(lehr_error(), "xxx...'"), "%s", lehr_error());
    free(name);
}

Test(config_bad, files)
{
    lehr_config config;
    cr_assert_eq(lehr_config_load("/nowhere/a.yaml", NULL, 0, &config), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "/nowhere/a.yaml") != NULL, "%s", lehr_error());
    cr_assert_eq(lehr_config_load("/", NULL, 0, &config), LEHR_ERR_IO, "a folder");

    char path[] = "/tmp/lehr_config_XXXXXX";
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, 10 << 20), 0);
    const lehr_status large = lehr_config_load(path, NULL, 0, &config);
    cr_expect(large == LEHR_ERR_ARG && strstr(lehr_error(), "this is not a config") != NULL, "%s",
              lehr_error());
    cr_assert_eq(ftruncate(fd, 9), 0);
    const lehr_status zeros = lehr_config_load(path, NULL, 0, &config);
    cr_expect(zeros == LEHR_ERR_ARG && strstr(lehr_error(), ":1:1: a NUL byte") != NULL, "%s",
              lehr_error());
    close(fd);
    unlink(path);
}

/* What a data set says of a config comes back with its place; without one, as it was. */
Test(config_bad, sentences_of_the_data_get_their_place, .timeout = 20)
{
    static const char text[] = "data:\n  source: d.csv\n  project:\n    kind: pca\n"
                               "    components: 9\nname: a\n";
    static const struct {
        const char *sentence, *override, *expected; /* after the path, when it begins with ':' */
    } rows[] = {
        {"data.project.components is 9", NULL, ":5:17: data.project.components is 9"},
        {"data.project.components is 7", "data.project.components=7",
         "-s data.project.components=7: data.project.components is 7"},
        {"data.project.kind", NULL, ":4:11: data.project.kind"},
        {"data.test_fraction is odd", NULL, ":1:1: data.test_fraction is odd"},
        {"data.project is odd", NULL, "data.project is odd"},
        {"name is odd", NULL, "name is odd"},
        {"d.csv:3:4: is odd", NULL, "d.csv:3:4: is odd"},
        {"", NULL, ""},
        {"data.project.components is 9", "nonsense", "data.project.components is 9"},
    };
    char path[] = "/tmp/lehr_config_XXXXXX";
    const int fd = mkstemp(path);
    cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    close(fd);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "%s%s", rows[i].expected[0] == ':' ? path : "",
                 rows[i].expected);
        lehr_fail(LEHR_ERR_ARG, "%s", rows[i].sentence);
        cr_expect_eq(lehr_config_blame_again(path, &rows[i].override, rows[i].override != NULL,
                                             LEHR_ERR_ARG),
                     LEHR_ERR_ARG);
        cr_expect_str_eq(lehr_error(), expected, "row %zu", i);
    }
    unlink(path);
    lehr_fail(LEHR_ERR_ARG, "data.project.components is 9");
    lehr_config_blame_again(path, NULL, 0, LEHR_ERR_ARG);
    cr_expect_str_eq(lehr_error(), "data.project.components is 9", "the file is gone");
    cr_assert_eq(mkfifo(path, 0600), 0);
    lehr_config_blame_again(path, NULL, 0, LEHR_ERR_ARG);
    cr_expect_str_eq(lehr_error(), "data.project.components is 9", "a pipe is not waited for");
    unlink(path);
    const char *const kind = "data.project.kind=pca";
    lehr_fail(LEHR_ERR_ARG, "data.project.components is 64");
    lehr_config_blame_again(LEHR_SOURCE_DIR "/configs/iris.yaml", &kind, 1, LEHR_ERR_ARG);
    cr_expect_str_eq(lehr_error(), "-s data.project.kind=pca: data.project.components is 64",
                     "a default");
}
