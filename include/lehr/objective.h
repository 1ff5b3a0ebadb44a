/* objective.h: what is minimized: data, a network with its loss, a user's own energy, or a test target.
 *
 * Shape letters: see lehr.h. All arrays are row-major.                                              */
#ifndef LEHR_OBJECTIVE_H
#define LEHR_OBJECTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/kinds.h"
#include "lehr/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LEHR_LAYERS_MAX = 64, /* layers of a network, the output layer included */
    LEHR_PATH_MAX = 1024, /* bytes of a path, with its end */
    LEHR_NAME_MAX = 128   /* bytes of a name, with its end */
};

/* ---- Data ------------------------------------------------------------------------------------- */

/* The parts of a dataset. The test part is only ever reported, never used to choose. */
typedef enum lehr_part {
    LEHR_PART_TRAIN,
    LEHR_PART_VALIDATION,
    LEHR_PART_TEST,
    LEHR_PART_COUNT
} lehr_part;

typedef struct lehr_generator_spec {
    lehr_generator kind; /* LEHR_GENERATOR_NONE: the data come from files */
    int32_t points;      /* number of points; xor has 4 and parity 2^bits, whatever is given here */
    int32_t bits;        /* inputs of parity, 1 to 16 */
    double noise;        /* standard deviation of the normal noise added */
} lehr_generator_spec;

/* What the network sees in place of the inputs.
 *
 * LEHR_PROJECT_PCA: principal components of the standardized (else of the centered) inputs, fitted on
 * the training part, first those of the largest variance. All are divided by one number, such that
 * their variances in the training part are 1 on average: as standardized inputs are, so that the
 * automatic scale of first weights fits any number of components, and unlike whitening, after which
 * directions of little but noise would count as much as the first. Loadings are rounded to 2^-16 before
 * that, so that their bits hardly depend on the LAPACK at hand; between machines this is no promise,
 * least of all for components of equal variance. A direction whose deviation is below 1e-6 of the
 * first one's, the rounding of float32, is no component: its input is 0.                             */
typedef struct lehr_project_spec {
    lehr_project kind;
    int32_t components; /* 1 to the smaller of D and the training points; not used without a kind */
} lehr_project_spec;

enum { LEHR_PROJECT_INPUTS_MAX = 4096 }; /* most inputs D that principal components are made of */

/* Where data come from and how they are prepared. Empty strings mean "not given". */
typedef struct lehr_data_spec {
    char source[LEHR_PATH_MAX];      /* .csv[.gz], .npy, IDX [.gz] */
    char labels[LEHR_PATH_MAX];      /* second file with the targets, for NPY and IDX */
    char test_source[LEHR_PATH_MAX]; /* own test file; then test_fraction is not used */
    char test_labels[LEHR_PATH_MAX]; /* targets of the test file, for NPY and IDX */
    char target[LEHR_NAME_MAX];      /* CSV column: name or 0-based index; default: the last */
    lehr_generator_spec generator;
    lehr_task task;
    uint64_t split_seed;        /* of the split and of the generator's noise */
    double test_fraction;       /* of all points, in [0,1) */
    double validation_fraction; /* of all points, in [0,1) */
    bool standardize;           /* inputs and regression targets, fitted on the training part */
    lehr_project_spec project;  /* of the inputs, after that */
} lehr_data_spec;

typedef struct lehr_dataset lehr_dataset;

/* Read or generate, check, split (stratified by class), standardize and project.
 *
 * Fails with LEHR_ERR_DATA on malformed data ("file:line:column: ..."), LEHR_ERR_IO when a file cannot
 * be read, LEHR_ERR_ARG on a bad spec (fractions that leave no training point, one class only, more
 * components than the training part can have, ...).                                                  */
LEHR_API lehr_status lehr_dataset_create(const lehr_data_spec *spec, lehr_dataset **out);

/* The same from memory: inputs[N,D] and targets[N,K] are copied. For classification K is 1 and targets
 * are class numbers 0, 1, 2, ...; spec gives task, split and standardization, its files are ignored.  */
LEHR_API lehr_status lehr_dataset_from_arrays(const lehr_data_spec *spec, const float *inputs,
                                              const float *targets, int64_t points,
                                              int32_t input_count, int32_t target_count,
                                              lehr_dataset **out);

LEHR_API void lehr_dataset_destroy(lehr_dataset **dataset);

/* What a dataset holds. Pointers live as long as the dataset. */
typedef struct lehr_dataset_info {
    int64_t points[LEHR_PART_COUNT]; /* N of each part */
    int32_t inputs;                  /* of the network: D, or the components of a projection */
    int32_t columns;                 /* D, the inputs of a point as it stands in the data */
    int32_t targets;                 /* columns of the targets: 1 for classification */
    int32_t classes;                 /* 0 for regression */
    lehr_task task;
    uint64_t hash; /* of the content: inputs, targets, class names, before the split */
    const char *const *input_names; /* [D] */
    const char *const *class_names; /* [classes], NULL for regression */
    const double *input_mean;       /* [D], 0 when neither standardized nor projected */
    const double *input_scale;      /* [D], 1 when not standardized; never 0 */
    const float *projection;        /* [inputs,D] of (x - mean)/scale; NULL without */
    const double *target_mean;      /* [targets]; classification: 0 */
    const double *target_scale;     /* [targets]; classification: 1 */
} lehr_dataset_info;

LEHR_API lehr_dataset_info lehr_dataset_describe(const lehr_dataset *dataset);

/* Inputs [N,inputs] and targets [N,targets] of a part as the engine sees them (standardized, projected).
 * NULL when empty. */
LEHR_API const float *lehr_dataset_inputs(const lehr_dataset *dataset, lehr_part part);
LEHR_API const float *lehr_dataset_targets(const lehr_dataset *dataset, lehr_part part);

/* ---- Network, loss, prior --------------------------------------------------------------------- */

/* Parameters of a row, in order: layer 0 weights [out,in], layer 0 biases [out], layer 1 weights, ...  */
typedef struct lehr_network_spec {
    int32_t hidden_count;                /* 0: the linear model */
    int32_t hidden[LEHR_LAYERS_MAX - 1]; /* widths of the hidden layers */
    lehr_activation activation;          /* of the hidden layers */
    lehr_activation output;              /* of the output layer */
    bool bias;
    lehr_weights weights;
    lehr_init init;
    double init_scale; /* standard deviation; 0: auto */
} lehr_network_spec;

typedef struct lehr_loss_spec {
    lehr_loss kind;
    lehr_reduction reduction;
    double l2, l1; /* E gains l2*sum(theta^2) + l1*sum|theta| over all parameters: tempered */
    double noise;  /* of the gaussian loss: standard deviation, > 0 */
    double delta;  /* of the huber loss, > 0 */
} lehr_loss_spec;

typedef struct lehr_prior_spec {
    lehr_prior kind;
    double scale; /* > 0 */
} lehr_prior_spec;

typedef struct lehr_objective lehr_objective;

/* A network's loss on a dataset. The dataset is not copied and must outlive the objective.
 *
 * Outputs: classification: one per class, or one for two classes with binary_cross_entropy, hinge and
 * zero_one; regression: one per target column.
 * Fails with LEHR_ERR_ARG on a spec that does not fit the data or whose sizes overflow.               */
LEHR_API lehr_status lehr_objective_create(const lehr_network_spec *network,
                                           const lehr_loss_spec *loss, const lehr_prior_spec *prior,
                                           const lehr_dataset *dataset, lehr_objective **out);

/* A test target with an exactly known law. */
typedef struct lehr_target_spec {
    lehr_target kind;     /* QUADRATIC, MIXTURE or SPINS */
    int32_t parameters;   /* P; spins: side*side */
    int32_t side;         /* spins: side of the periodic square lattice, at least 2 */
    double mode_distance; /* mixture: |mu| */
    double mode_weight;   /* mixture: weight of the mode at +mu, in (0,1) */
    lehr_init init;
    double init_scale; /* 0: auto = 1 */
} lehr_target_spec;

LEHR_API lehr_status lehr_objective_create_target(const lehr_target_spec *spec,
                                                  lehr_objective **out);

/* A user's own energy over a batch of rows: write energy[rows] for theta[rows,P].
 * A NaN or infinite energy rejects that row's move. Return LEHR_OK or lehr_fail(LEHR_ERR_CALLBACK, ...).
 * Called from one thread at a time, on the CPU backend.                                              */
typedef lehr_status (*lehr_energy_fn)(const float *theta, int32_t rows, int32_t parameters,
                                      double *energy, void *data);

typedef struct lehr_callback_spec {
    int32_t parameters; /* P */
    lehr_weights weights;
    lehr_init init;
    double init_scale; /* 0: auto = 1 */
    lehr_energy_fn energy;
    void *data; /* handed to every call */
} lehr_callback_spec;

LEHR_API lehr_status lehr_objective_create_callback(const lehr_callback_spec *spec,
                                                    const lehr_prior_spec *prior,
                                                    lehr_objective **out);

LEHR_API void lehr_objective_destroy(lehr_objective **objective);

/* Number of parameters P of a row. */
LEHR_API int32_t lehr_objective_parameters(const lehr_objective *objective);

/* Layers of a network objective, 0 otherwise; sizes of layer l: in x out, and where its weights and
 * biases stand inside a row (bias_offset is -1 without biases).                                      */
typedef struct lehr_layer_info {
    int32_t inputs, outputs;
    int32_t weight_offset, bias_offset;
} lehr_layer_info;

LEHR_API int32_t lehr_objective_layers(const lehr_objective *objective);
LEHR_API lehr_layer_info lehr_objective_layer(const lehr_objective *objective, int32_t layer);

#ifdef __cplusplus
}
#endif

#endif
