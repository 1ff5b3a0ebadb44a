/* kinds.h: every open list of the engine, once.
 *
 * Each list is one X-list X(SUFFIX, "config name", "help in one line"). The enum below, the names that a
 * config file uses, `lehr list`, the help texts and the loops of the tests are expanded from it. A new
 * kind is one line here, one `case` in kernels/core and one row in a test table.
 *
 * This file includes nothing, so that device code (nvcc, NVRTC) reads the same lists.               */
#ifndef LEHR_KINDS_H
#define LEHR_KINDS_H

#define LEHR_ACTIVATIONS(X)                                                                        \
    X(IDENTITY, "identity", "z")                                                                   \
    X(TANH, "tanh", "hyperbolic tangent")                                                          \
    X(SIGMOID, "sigmoid", "1/(1+exp(-z))")                                                         \
    X(RELU, "relu", "z < 0 ? 0 : z")                                                               \
    X(LEAKY_RELU, "leaky_relu", "z < 0 ? 0.01 z : z")                                              \
    X(STEP, "step", "z >= 0 ? 1 : 0")                                                              \
    X(SIGN, "sign", "z >= 0 ? 1 : -1")

#define LEHR_LOSSES(X)                                                                             \
    X(MSE, "mse", "squared error, mean over outputs")                                              \
    X(MAE, "mae", "absolute error, mean over outputs")                                             \
    X(HUBER, "huber", "quadratic below delta, linear above, mean over outputs")                    \
    X(GAUSSIAN, "gaussian", "minus log likelihood of normal noise of a known scale")               \
    X(BINARY_CROSS_ENTROPY, "binary_cross_entropy", "two classes, one logit")                      \
    X(CROSS_ENTROPY, "cross_entropy", "softmax cross-entropy, one logit per class")                \
    X(HINGE, "hinge", "margin loss; two classes: one output, more: one per class")                 \
    X(ZERO_ONE, "zero_one", "1 when the predicted class is wrong; two classes: one output")

#define LEHR_REDUCTIONS(X)                                                                         \
    X(MEAN, "mean", "sum over points divided by their number")                                     \
    X(SUM, "sum", "sum over points")

#define LEHR_PRIORS(X)                                                                             \
    X(NONE, "none", "flat")                                                                        \
    X(NORMAL, "normal", "independent normal of the given scale on every parameter")                \
    X(LAPLACE, "laplace", "independent Laplace of the given scale on every parameter")

#define LEHR_WEIGHTS_KINDS(X)                                                                      \
    X(REAL, "real", "float32 parameters")                                                          \
    X(BINARY, "binary", "every parameter is -1 or +1")                                             \
    X(TERNARY, "ternary", "every parameter is -1, 0 or +1")

#define LEHR_INITS(X)                                                                              \
    X(NORMAL, "normal", "normal; scale auto: 1/sqrt(inputs of the layer), biases too")             \
    X(ZERO, "zero", "all parameters zero")

#define LEHR_TARGETS(X)                                                                            \
    X(NETWORK, "network", "a network's loss on data")                                              \
    X(CALLBACK, "callback", "a user's own energy over a batch of parameter rows (CPU)")            \
    X(QUADRATIC, "quadratic", "test target: |theta|^2 / 2")                                        \
    X(MIXTURE, "mixture", "test target: two normal modes at +-mu with weights w, 1-w")             \
    X(SPINS, "spins", "test target: periodic two-dimensional Ising model, parameters are spins")

#define LEHR_MOVES(X)                                                                              \
    X(GAUSSIAN, "gaussian", "add normal noise")                                                    \
    X(LAPLACE, "laplace", "add Laplace noise of unit variance")                                    \
    X(CAUCHY, "cauchy", "add Cauchy noise")                                                        \
    X(STUDENT_T, "student_t", "add Student-t noise of nu degrees of freedom")                      \
    X(UNIFORM, "uniform", "add uniform noise of unit variance")                                    \
    X(FLIP, "flip", "binary and ternary weights: change k random ones to another value")           \
    X(LOG_SCALE, "log_scale", "multiply one random weight by exp(scale z): asymmetric")

#define LEHR_SCOPES(X)                                                                             \
    X(ALL, "all", "every parameter")                                                               \
    X(LAYER, "layer", "every parameter of one layer, drawn at each scan")                          \
    X(SPARSE, "sparse", "k random parameters")                                                     \
    X(NEURON, "neuron", "in-weights, bias and out-weights of one unit, drawn at each scan")        \
    X(NEURON_IN, "neuron_in", "k random ones of a unit's in-weights and bias; k 0: all of them")   \
    X(NEURON_OUT, "neuron_out", "the out-weights of one hidden unit")

#define LEHR_METHODS(X)                                                                            \
    X(ANNEALING, "annealing", "independent rows on one cooling schedule")                          \
    X(TEMPERING, "tempering", "ladders of temperatures with replica exchange")                     \
    X(POPULATION, "population", "a population on a cooling schedule with resampling (later)")

#define LEHR_LADDERS(X)                                                                            \
    X(GEOMETRIC, "geometric", "equal ratios between min and max")                                  \
    X(LIST, "list", "the temperatures given, cold to hot")

#define LEHR_COOLINGS(X)                                                                           \
    X(LINEAR, "linear", "equal steps from start to end")                                           \
    X(GEOMETRIC, "geometric", "equal ratios from start to end")

#define LEHR_EXCHANGES(X)                                                                          \
    X(DEO, "deo", "deterministic even-odd: one parity per exchange, alternating")                  \
    X(SEO, "seo", "stochastic even-odd: the parity is drawn")                                      \
    X(NONE, "none", "no exchange: independent rungs")

#define LEHR_GENERATORS(X)                                                                         \
    X(NONE, "none", "data come from a file")                                                       \
    X(XOR, "xor", "the four points of exclusive or")                                               \
    X(PARITY, "parity", "all 2^bits points of the parity function")                                \
    X(SPIRALS, "spirals", "two interleaved spirals")                                               \
    X(MOONS, "moons", "two interleaved half circles")                                              \
    X(SINE, "sine", "one period of a sine, regression")                                            \
    X(LINE, "line", "a straight line with normal noise, regression")

#define LEHR_TASKS(X)                                                                              \
    X(CLASSIFICATION, "classification", "targets are class labels")                                \
    X(REGRESSION, "regression", "targets are numbers")

#define LEHR_PROJECTS(X)                                                                           \
    X(NONE, "none", "the inputs of the data")                                                      \
    X(PCA, "pca", "principal components of the training part")

#define LEHR_NUMERICS_KINDS(X)                                                                     \
    X(EXACT, "exact", "the same bits on every backend")                                            \
    X(FAST, "fast", "cuBLAS TF32: tolerances and laws instead of bits (CUDA)")

#define LEHR_STOPS(X)                                                                              \
    X(NONE, "running", "not stopped")                                                              \
    X(SCANS, "scans", "the number of scans is reached")                                            \
    X(PROPOSALS, "proposals", "the number of proposals is reached")                                \
    X(TARGET, "target", "the target metric is reached")                                            \
    X(WALL, "wall", "the wall-clock limit is reached")                                             \
    X(TEMPERATURE, "temperature", "the cooling schedule is at its end")                            \
    X(FROZEN, "frozen", "no proposal was accepted for the given number of scans")                  \
    X(SIGNAL, "signal", "a signal or the caller asked for it")

/* What a target value is compared with. A test metric is never one: the test part chooses nothing. */
#define LEHR_METRICS(X)                                                                            \
    X(NONE, "none", "no target")                                                                   \
    X(ENERGY, "energy", "lowest training energy of all rows, reached from above")                  \
    X(TRAIN_LOSS, "train_loss", "training loss of `best`, reached from above")                     \
    X(TRAIN_ACCURACY, "train_accuracy", "training accuracy of `best`, reached from below")         \
    X(VALIDATION_LOSS, "validation_loss", "validation loss of `best`, reached from above")         \
    X(VALIDATION_ACCURACY, "validation_accuracy", "validation accuracy of `best`, from below")

/* The list of lists: X(enum type, SUFFIX, "name", X-list of its kinds). */
#define LEHR_KIND_LISTS(X)                                                                         \
    X(lehr_activation, ACTIVATION, "activation", LEHR_ACTIVATIONS)                                 \
    X(lehr_loss, LOSS, "loss", LEHR_LOSSES)                                                        \
    X(lehr_reduction, REDUCTION, "reduction", LEHR_REDUCTIONS)                                     \
    X(lehr_prior, PRIOR, "prior", LEHR_PRIORS)                                                     \
    X(lehr_weights, WEIGHTS, "weights", LEHR_WEIGHTS_KINDS)                                        \
    X(lehr_init, INIT, "init", LEHR_INITS)                                                         \
    X(lehr_target, TARGET, "target", LEHR_TARGETS)                                                 \
    X(lehr_move, MOVE, "move", LEHR_MOVES)                                                         \
    X(lehr_scope, SCOPE, "scope", LEHR_SCOPES)                                                     \
    X(lehr_method, METHOD, "method", LEHR_METHODS)                                                 \
    X(lehr_ladder, LADDER, "ladder", LEHR_LADDERS)                                                 \
    X(lehr_cooling, COOLING, "cooling", LEHR_COOLINGS)                                             \
    X(lehr_exchange, EXCHANGE, "exchange", LEHR_EXCHANGES)                                         \
    X(lehr_generator, GENERATOR, "generator", LEHR_GENERATORS)                                     \
    X(lehr_task, TASK, "task", LEHR_TASKS)                                                         \
    X(lehr_project, PROJECT, "project", LEHR_PROJECTS)                                             \
    X(lehr_numerics, NUMERICS, "numerics", LEHR_NUMERICS_KINDS)                                    \
    X(lehr_stop, STOP, "stop", LEHR_STOPS)                                                         \
    X(lehr_metric, METRIC, "metric", LEHR_METRICS)

/* clang-format off: one enumerator per kind and a COUNT at the end of each list */
typedef enum lehr_activation {
#define X(s, n, h) LEHR_ACTIVATION_##s,
    LEHR_ACTIVATIONS(X)
#undef X
        LEHR_ACTIVATION_COUNT
} lehr_activation;
typedef enum lehr_loss {
#define X(s, n, h) LEHR_LOSS_##s,
    LEHR_LOSSES(X)
#undef X
        LEHR_LOSS_COUNT
} lehr_loss;
typedef enum lehr_reduction {
#define X(s, n, h) LEHR_REDUCTION_##s,
    LEHR_REDUCTIONS(X)
#undef X
        LEHR_REDUCTION_COUNT
} lehr_reduction;
typedef enum lehr_prior {
#define X(s, n, h) LEHR_PRIOR_##s,
    LEHR_PRIORS(X)
#undef X
        LEHR_PRIOR_COUNT
} lehr_prior;
typedef enum lehr_weights {
#define X(s, n, h) LEHR_WEIGHTS_##s,
    LEHR_WEIGHTS_KINDS(X)
#undef X
        LEHR_WEIGHTS_COUNT
} lehr_weights;
typedef enum lehr_init {
#define X(s, n, h) LEHR_INIT_##s,
    LEHR_INITS(X)
#undef X
        LEHR_INIT_COUNT
} lehr_init;
typedef enum lehr_target {
#define X(s, n, h) LEHR_TARGET_##s,
    LEHR_TARGETS(X)
#undef X
        LEHR_TARGET_COUNT
} lehr_target;
typedef enum lehr_move {
#define X(s, n, h) LEHR_MOVE_##s,
    LEHR_MOVES(X)
#undef X
        LEHR_MOVE_COUNT
} lehr_move;
typedef enum lehr_scope {
#define X(s, n, h) LEHR_SCOPE_##s,
    LEHR_SCOPES(X)
#undef X
        LEHR_SCOPE_COUNT
} lehr_scope;
typedef enum lehr_method {
#define X(s, n, h) LEHR_METHOD_##s,
    LEHR_METHODS(X)
#undef X
        LEHR_METHOD_COUNT
} lehr_method;
typedef enum lehr_ladder {
#define X(s, n, h) LEHR_LADDER_##s,
    LEHR_LADDERS(X)
#undef X
        LEHR_LADDER_COUNT
} lehr_ladder;
typedef enum lehr_cooling {
#define X(s, n, h) LEHR_COOLING_##s,
    LEHR_COOLINGS(X)
#undef X
        LEHR_COOLING_COUNT
} lehr_cooling;
typedef enum lehr_exchange {
#define X(s, n, h) LEHR_EXCHANGE_##s,
    LEHR_EXCHANGES(X)
#undef X
        LEHR_EXCHANGE_COUNT
} lehr_exchange;
typedef enum lehr_generator {
#define X(s, n, h) LEHR_GENERATOR_##s,
    LEHR_GENERATORS(X)
#undef X
        LEHR_GENERATOR_COUNT
} lehr_generator;
typedef enum lehr_task {
#define X(s, n, h) LEHR_TASK_##s,
    LEHR_TASKS(X)
#undef X
        LEHR_TASK_COUNT
} lehr_task;
typedef enum lehr_project {
#define X(s, n, h) LEHR_PROJECT_##s,
    LEHR_PROJECTS(X)
#undef X
        LEHR_PROJECT_COUNT
} lehr_project;
typedef enum lehr_numerics {
#define X(s, n, h) LEHR_NUMERICS_##s,
    LEHR_NUMERICS_KINDS(X)
#undef X
        LEHR_NUMERICS_COUNT
} lehr_numerics;
typedef enum lehr_stop {
#define X(s, n, h) LEHR_STOP_##s,
    LEHR_STOPS(X)
#undef X
        LEHR_STOP_COUNT
} lehr_stop;
typedef enum lehr_metric {
#define X(s, n, h) LEHR_METRIC_##s,
    LEHR_METRICS(X)
#undef X
        LEHR_METRIC_COUNT
} lehr_metric;
/* clang-format on */

/* Noise of a move: the first kinds of the list of moves are its distributions. */
enum {
    LEHR_NOISE_GAUSSIAN = LEHR_MOVE_GAUSSIAN,
    LEHR_NOISE_LAPLACE = LEHR_MOVE_LAPLACE,
    LEHR_NOISE_CAUCHY = LEHR_MOVE_CAUCHY,
    LEHR_NOISE_STUDENT_T = LEHR_MOVE_STUDENT_T,
    LEHR_NOISE_UNIFORM = LEHR_MOVE_UNIFORM
};

#endif
