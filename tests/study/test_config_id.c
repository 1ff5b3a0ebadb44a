/* Which run is it? What the id depends on, and what it does not. */
#include <stdlib.h>
#include <unistd.h>

#include "study/config_world.h"

#define DATA "data: {source: d.csv}\n"

typedef struct id_text {
    char text[13];
} id_text;

static id_text id_of(const char *text, uint64_t data_hash)
{
    const lehr_config config = parse_good(text, NULL);
    id_text id;
    cr_assert_eq(lehr_config_id(&config, data_hash, id.text), LEHR_OK, "%s", lehr_error());
    return id;
}

/* The hash, by hand, of the canonical JSON. */
static id_text fold(const char *json)
{
    const uint64_t hash = lehr_hash(LEHR_HASH_START, json, strlen(json));
    id_text id;
    snprintf(id.text, sizeof id.text, "%012llx",
             (unsigned long long)((hash >> 48 ^ hash) & UINT64_C(0xffffffffffff)));
    return id;
}

/* EXACT: these ids are in the names of people's results; they never change. */
Test(config_id, is_the_hash_of_the_canonical_json)
{
    static const struct {
        const char *text, *json;
    } rows[] = {
        {DATA, "{\"data.hash\":\"00000000000000ff\"}"},
        {DATA "seed: 2\nnetwork: {hidden: [8, 8], activation: relu}\n",
         "{\"data.hash\":\"00000000000000ff\",\"network.activation\":\"relu\",\"network.hidden\":["
         "8,8],\"seed\":2}"},
        {DATA "loss: {l2: 1e-3}\nmoves: [{scale: 0.1}, {kind: cauchy}]\n",
         "{\"data.hash\":\"00000000000000ff\",\"loss.l2\":0.001,\"moves.0.kind\":\"gaussian\","
         "\"moves.0.scale\":0.1,"
         "\"moves.1.kind\":\"cauchy\"}"},
        {DATA "moves: [{scale: {from: 0.5, to: 1e-3}, scope: neuron}]\n",
         "{\"data.hash\":\"00000000000000ff\",\"moves.0.kind\":\"gaussian\",\"moves.0.scale\":{"
         "\"from\":0.5,\"to\":0.001},\"moves.0.scope\":\"neuron\"}"},
        {"data: {source: d, project: {kind: pca, components: 8}}\n",
         "{\"data.hash\":\"00000000000000ff\",\"data.project.components\":8,"
         "\"data.project.kind\":\"pca\"}"},
        {"data: {source: d, target: 'a\"b', standardize: no}\n"
         "temperatures: {ladder: list, list: [1, inf]}\n",
         "{\"data.hash\":\"00000000000000ff\",\"data.standardize\":false,\"data.target\":"
         "\"a\\\"b\","
         "\"temperatures.ladder\":\"list\",\"temperatures.list\":[1,\"inf\"],\"temperatures."
         "rungs\":2}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_str_eq(id_of(rows[i].text, 0xff).text, fold(rows[i].json).text, "row %zu", i);
    cr_expect_str_eq(id_of(DATA, 0xff).text, "e80213a8ea0b");
}

Test(config_id, forgets_what_does_not_decide_the_result)
{
    static const char *const same[] = {
        DATA "name: other\n",
        DATA "backend: cuda\n",
        DATA "threads: 3\n",
        DATA "output: {dir: elsewhere, observe: 7, checkpoint_s: 1, trace: {energy: 3}}\n",
        DATA "stop: {wall_s: 10}\n",
        "data: {source: another/place/of/the/same.csv, labels: l}\n",
        DATA "seed: 1\nloss: {kind: cross_entropy, l2: 0.0}\n",
        DATA "moves: [{kind: gaussian, scale: auto}, {scope: layer, weight: 5e-1}]\n",
        DATA "chains: 32\n",
        DATA "evaluation: {keep_activations: no, early_rejection: no, delayed_acceptance: no}\n",
        DATA "chains: auto\nthreads: auto\nnetwork: {init: {scale: auto}}\n",
    };
    const id_text base = id_of(DATA, 1);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        cr_expect_str_eq(id_of(same[i], 1).text, base.text, "%s", same[i]);
}

/* Every key of the identity, one change at a time. */
static const char *const changes[] = {
    "seed: 2",
    "data: {source: d, target: x}",
    "data: {source: d, task: regression}\nloss: {kind: mse}",
    "data: {source: d, split_seed: 2}",
    "data: {source: d, test_fraction: 0.3}",
    "data: {source: d, validation_fraction: 0.3}",
    "data: {source: d, standardize: no}",
    "data: {generator: {kind: moons}}",
    "data: {generator: {kind: moons, points: 5}}",
    "data: {generator: {kind: moons, bits: 5}}",
    "data: {generator: {kind: moons, noise: 5}}",
    "network: {hidden: [13]}",
    "network: {hidden: []}",
    "network: {hidden: [12, 12]}",
    "network: {activation: relu}",
    "network: {output: tanh}",
    "network: {bias: no}",
    "network: {weights: binary}\nmoves: [{kind: flip}]",
    "network: {weights: ternary}\nmoves: [{kind: flip}]",
    "network: {init: {kind: zero}}",
    "network: {init: {scale: 1}}",
    "loss: {kind: mse}",
    "loss: {reduction: sum}",
    "loss: {l2: 1}",
    "loss: {l1: 1}",
    "loss: {noise: 2}",
    "loss: {delta: 2}",
    "prior: {kind: normal}",
    "prior: {scale: 2}",
    "method: annealing\nchains: 2",
    "temperatures: {ladder: list, list: [1, 2]}",
    "temperatures: {ladder: list, list: [1, inf]}",
    "temperatures: {rungs: 17}",
    "temperatures: {min: 1e-5}",
    "temperatures: {max: 1}",
    "temperatures: {copies: 3}",
    "temperatures: {adapt: 0}",
    "cooling: {kind: linear}",
    "cooling: {start: 1}",
    "cooling: {end: 1}",
    "cooling: {scans: 1}",
    "moves: [{}]",
    "moves: [{}, {}]",
    "moves: [{}, {}, {}]",
    "moves: [{kind: cauchy}]",
    "moves: [{scope: layer}]",
    "moves: [{k: 2}]",
    "moves: [{nu: 2}]",
    "moves: [{scale: 2}]",
    "moves: [{target: 0.5}]",
    "moves: [{weight: 2}]",
    "moves: [{}, {weight: 2}]",
    "moves: [{scope: neuron}]",
    "moves: [{scope: neuron_in, k: 0}]",
    "moves: [{scope: neuron_in, k: 2}]",
    "moves: [{scope: neuron_out}]",
    "moves: [{scale: {from: 2, to: 1}}]",
    "moves: [{scale: {from: 2, to: 2}}]",
    "moves: [{scale: {from: 1, to: 2}}]",
    "evaluation: {delayed_acceptance: yes}",
    "data: {source: d, batch: {points: 5}}\nmoves: [{scale: 1}]",
    "data: {source: d, batch: {points: 6}}\nmoves: [{scale: 1}]",
    "data: {source: d, batch: {points: 5, refresh: 11}}\nmoves: [{scale: 1}]",
    "data: {source: d, batch: {points: 5, grow: 6}}\nmoves: [{scale: 1}]",
    "exchange: {scheme: seo}",
    "exchange: {every: 11}",
    "stop: {scans: 1}",
    "stop: {proposals: 1}",
    "stop: {frozen: 1}",
    "stop: {target: {metric: energy, value: 0}}",
    "stop: {target: {metric: energy, value: 1}}",
    "numerics: fast",
};

Test(config_id, differs_for_every_key_of_the_identity)
{
    enum { COUNT = sizeof changes / sizeof *changes };
    id_text ids[COUNT + 2] = {id_of(DATA, 1), id_of(DATA, 2)};
    for (int i = 0; i < COUNT; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s\n", strncmp(changes[i], "data:", 5) == 0 ? "" : DATA,
                 changes[i]);
        ids[i + 2] = id_of(text, 1);
        cr_expect_eq(strspn(ids[i + 2].text, "0123456789abcdef"), 12);
        for (int j = 0; j < i + 2; j++)
            cr_expect_str_neq(ids[j].text, ids[i + 2].text, "%s", changes[i]);
    }
}

Test(config_id, is_kept_by_the_resolved_config)
{
    static const char *const texts[] = {
        DATA "chains: 64\nstop: {proposals: 7}\nmoves: [{kind: laplace, scope: sparse, k: 3}]\n",
        DATA "method: annealing\nchains: 5\ncooling: {scans: 100}\nloss: {l2: 0.1}\n",
        DATA "temperatures: {ladder: list, list: [0.1, 0.7, inf]}\n",
        DATA "moves: [{scale: {from: 0.1, to: 1e-3}}]\nevaluation: {delayed_acceptance: yes}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const lehr_config config = parse_good(texts[i], NULL);
        char *text = NULL;
        cr_assert_eq(lehr_config_write(&config, &text), LEHR_OK);
        cr_expect_str_eq(id_of(text, 1).text, id_of(texts[i], 1).text, "%s", text);
        free(text);
    }
}

Test(config_id, counts_first_weights_by_their_content)
{
    char path[2][32] = {"/tmp/lehr_weights_XXXXXX", "/tmp/lehr_weights_XXXXXX"};
    for (int i = 0; i < 2; i++) {
        const int fd = mkstemp(path[i]);
        cr_assert_eq(write(fd, "weights", 7), 7);
        close(fd);
    }
    lehr_config config = parse_good(DATA, NULL);
    char none[13], one[13], copy[13], changed[13];
    cr_assert_eq(lehr_config_id(&config, 1, none), LEHR_OK);
    lehr_text_copy(config.init_from, sizeof config.init_from, path[0]);
    cr_assert_eq(lehr_config_id(&config, 1, one), LEHR_OK);
    lehr_text_copy(config.init_from, sizeof config.init_from, path[1]);
    cr_assert_eq(lehr_config_id(&config, 1, copy), LEHR_OK);
    FILE *file = fopen(path[1], "ab");
    fputs("!", file);
    fclose(file);
    cr_assert_eq(lehr_config_id(&config, 1, changed), LEHR_OK);
    unlink(path[0]);
    unlink(path[1]);
    cr_expect_str_neq(none, one);
    cr_expect_str_eq(one, copy);
    cr_expect_str_neq(one, changed);
    cr_expect_eq(lehr_config_id(&config, 1, changed), LEHR_ERR_IO, "the file is gone");
}
