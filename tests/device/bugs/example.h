/* example.h: a small parallel tempering, as kernels (kernels.cu) and as plain C (main.c), with bugs to plant.
 *
 * It proves the test device, not the project: networks of one hidden layer, several chains, neighbors trade
 * temperatures. Only +, -, *, / and integers, so that every compiler that contracts nothing gives the same bits. */
#ifndef LEHR_DEVICE_EXAMPLE_H
#define LEHR_DEVICE_EXAMPLE_H

#ifdef __CUDACC__
#define EXAMPLE_FN static __host__ __device__ inline
#else
#define EXAMPLE_FN static inline
#endif

typedef struct example_config {
    int inputs, hidden, points;
    int chains, threads; /* threads of a chain's block */
    int steps, swap_every;
    float sigma;
    unsigned seed;
    int bug; /* 0: none; see kernels.cu */
} example_config;

/* One build has all bugs and chooses by the configuration; -DBUG=N makes a build with one. */
#ifdef BUG
#define PLANTED(config, number) (BUG == (number))
#else
#define PLANTED(config, number) ((config).bug == (number))
#endif

/* What a run changes; host memory. */
typedef struct example_state {
    float *weights;     /* [chains, parameters] */
    float *energy;      /* [chains] */
    float *beta;        /* [chains] */
    int *slot;          /* [chains] chain at each temperature */
    unsigned *accepted; /* [chains] */
    unsigned swaps;
} example_state;

EXAMPLE_FN int example_parameters(const example_config *c)
{
    return c->inputs * c->hidden + 2 * c->hidden + 1;
}

/* 32 random bits at an address (murmur3's finalizer, three times). */
EXAMPLE_FN unsigned example_bits(unsigned seed, unsigned a, unsigned b)
{
    unsigned x = seed;
    for (int round = 0; round < 3; round++) {
        x ^= round == 0 ? a : b + 0x9e3779b9u * (unsigned)round;
        x = (x ^ x >> 16) * 0x85ebca6bu;
        x = (x ^ x >> 13) * 0xc2b2ae35u;
        x ^= x >> 16;
    }
    return x;
}

/* In (0,1): 23 bits and a half. */
EXAMPLE_FN float example_uniform(unsigned bits)
{
    return ((float)(bits >> 9) + 0.5f) / 8388608.0f;
}

/* A step of a weight, in (-1,1). */
EXAMPLE_FN float example_noise(const example_config *c, int chain, int step, int weight)
{
    const unsigned place = (unsigned)(chain * 65536 + weight);
    return 2.0f * example_uniform(example_bits(c->seed, (unsigned)step, place)) - 1.0f;
}

/* Instead of exp(-rise) > u: a rule that needs no exp. */
EXAMPLE_FN int example_accept(float rise, unsigned bits)
{
    return rise < 1.0f / example_uniform(bits) - 1.0f;
}

EXAMPLE_FN float example_square(float x)
{
    return x * x;
}

/* w: weights of hidden units, their biases, weights of the output, its bias. */
EXAMPLE_FN float example_network(const example_config *c, const float *w, const float *x)
{
    const int biases = c->inputs * c->hidden, out = biases + c->hidden;
    float y = w[out + c->hidden];
    for (int h = 0; h < c->hidden; h++) {
        float a = w[biases + h];
        for (int i = 0; i < c->inputs; i++)
            a += w[h * c->inputs + i] * x[i];
        y += w[out + h] * (a / (1.0f + (a < 0 ? -a : a)));
    }
    return y;
}

#ifdef __cplusplus
extern "C"
#endif
    /* Run on the device; 0 or a CUDA error. */
    int
    example_run_device(const example_config *config, const float *x, const float *y,
                       example_state *state);

#endif
