/* Projections: principal components of a case made by hand, their identities on real data, the same
 * bits from an eigensolver that is not LAPACK's, and everything that a spec or data can get wrong. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/project.h"
#include "support/data.h"

#define FILE_OF(name) LEHR_SOURCE_DIR "/configs/data/" name

static const double step = 0x1p-16; /* loadings are multiples of it */

static lehr_data_spec projected(lehr_data_spec spec, int32_t components, bool standardize)
{
    spec.project = (lehr_project_spec){LEHR_PROJECT_PCA, components};
    spec.standardize = standardize;
    return spec;
}

static lehr_dataset *create(const lehr_data_spec *spec)
{
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_create(spec, &dataset), LEHR_OK, "%s", lehr_error());
    return dataset;
}

/* N points with D inputs, two classes in turn, all of them training. */
static lehr_dataset *from_inputs(const float *inputs, int64_t points, int32_t width,
                                 int32_t components)
{
    static float target[4096];
    for (int64_t n = 0; n < points; n++)
        target[n] = (float)(n % 2);
    const lehr_data_spec spec = projected(data_spec(LEHR_TASK_CLASSIFICATION), components, false);
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_from_arrays(&spec, inputs, target, points, width, 1, &dataset),
                 LEHR_OK, "%s", lehr_error());
    return dataset;
}

/* ---- By hand --------------------------------------------------------------------------------- */

/* Deviations of 10 along (3,4)/5 and 5 along (-4,3)/5, round (100,200): variances 50 and 12.5.
 * EXACT: LAPACK's error of 1e-15 is rounded away with the loadings. */
Test(project, of_a_case_by_hand_is_exact)
{
    const float x[] = {106, 208, 94, 192, 96, 203, 104, 197};
    const double scale = (double)(float)sqrt((50 + 12.5) / 2);
    const double long_one = rint(0.8 / step) * step, short_one = rint(0.6 / step) * step;
    const float expected[] = {(float)(short_one / scale), (float)(long_one / scale),
                              (float)(long_one / scale), (float)(-short_one / scale)};
    for (int32_t components = 1; components <= 2; components++) {
        lehr_dataset *dataset = from_inputs(x, 4, 2, components);
        const lehr_dataset_info info = lehr_dataset_describe(dataset);
        cr_assert_eq(info.inputs, components);
        cr_assert_eq(info.columns, 2);
        cr_assert_eq(info.input_mean[0], 100);
        cr_assert_eq(info.input_mean[1], 200);
        cr_assert_eq(info.input_scale[1], 1);
        cr_assert_str_eq(info.input_names[1], "1");
        cr_assert_str_eq(info.class_names[1], "1");
        if (components == 2)
            cr_assert_arr_eq(info.projection, expected, sizeof expected);
        const float *seen = lehr_dataset_inputs(dataset, LEHR_PART_TRAIN);
        for (int n = 0; n < 4; n++)
            for (int c = 0; c < components; c++) {
                const double a = (double)info.projection[2 * c] * (double)(x[2 * n] - 100);
                const double b = (double)info.projection[2 * c + 1] * (double)(x[2 * n + 1] - 200);
                cr_assert_eq(seen[n * components + c], (float)(a + b), "point %d", n);
            }
        lehr_dataset_destroy(&dataset);
    }
}

/* One component: its own variance is 1 then. 1e-5: loadings of 0.6 and 0.8 are off by up to 1e-5. */
Test(project, of_one_component_has_variance_one)
{
    const float x[] = {106, 208, 94, 192, 96, 203, 104, 197};
    lehr_dataset *dataset = from_inputs(x, 4, 2, 1);
    const float *seen = lehr_dataset_inputs(dataset, LEHR_PART_TRAIN);
    cr_assert(fabs((double)seen[0] - sqrt(2)) < 2e-5, "%g", (double)seen[0]);
    cr_assert(fabs((double)seen[1] + sqrt(2)) < 2e-5);
    cr_assert(fabs((double)seen[2]) < 2e-5);
    lehr_dataset_destroy(&dataset);
}

/* Plus or minus 1, as in Hadamard's matrix of 8 rows. */
static float hadamard(int row, int column)
{
    return __builtin_parity((unsigned)(row & column)) != 0 ? -1 : 1;
}

/* Points at plus and minus each row of that matrix, nearer row by row: components whose loadings are
 * all equal but for LAPACK's rounding. The first of them gives the sign. EXACT: 1/sqrt(8) is not
 * near the middle of two multiples of 2^-16. */
Test(project, signs_are_ours)
{
    float x[16 * 8];
    for (int n = 0; n < 16; n++) {
        const int row = n / 2;
        const float distance = (n % 2 == 0 ? -1.3f : 1.3f) * (float)(9 - row);
        for (int d = 0; d < 8; d++)
            x[8 * n + d] = distance * hadamard(row, d);
    }
    lehr_dataset *dataset = from_inputs(x, 16, 8, 8);
    const float *p = lehr_dataset_describe(dataset).projection;
    cr_assert(p[0] > 0);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(p[i], p[0] * hadamard(i / 8, i % 8), "component %d, column %d", i / 8, i % 8);
    lehr_dataset_destroy(&dataset);
}

/* EXACT: a deviation is a number. The mean of the second case, 1000000.67, is none of float32: what
 * was taken off is 0.02 more, and that is no variance. */
Test(project, of_one_column_is_its_deviation)
{
    static const struct {
        float x[3];
        double variance;
    } cases[] = {{{3, 5, 4}, 2.0 / 3}, {{1000000, 1000001, 1000001}, 2.0 / 9}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_dataset *dataset = from_inputs(cases[i].x, 3, 1, 1);
        const float *p = lehr_dataset_describe(dataset).projection;
        cr_assert_eq(p[0], (float)(1 / (double)(float)sqrt(cases[i].variance)), "case %zu", i);
        lehr_dataset_destroy(&dataset);
    }
}

/* ---- Directions without variance ------------------------------------------------------------- */

/* Columns x, 2x, and a constant: one direction. EXACT: the others are no components at all, also for
 * points that leave the line. */
Test(project, a_direction_without_variance_is_zero)
{
    const data_file train = data_write_text("train.csv",
                                            "a,b,c,y\n1,2,7,u\n2,4,7,v\n4,8,7,u\n5,10,7,v\n");
    const data_file test = data_write_text("test.csv", "a,b,c,y\n1,9,70,u\n");
    for (int standardize = 0; standardize < 2; standardize++) {
        lehr_data_spec spec = projected(data_spec_of(train.path, LEHR_TASK_CLASSIFICATION), 3,
                                        standardize);
        DATA_PUT(spec.test_source, test.path);
        lehr_dataset *dataset = create(&spec);
        const float *p = lehr_dataset_describe(dataset).projection;
        const float *seen = lehr_dataset_inputs(dataset, LEHR_PART_TEST);
        cr_assert(p[0] > 0 && p[1] > 0);
        cr_assert_eq(p[2], 0); /* the constant column */
        for (int i = 3; i < 9; i++)
            cr_assert_eq(p[i], 0);
        cr_assert(seen[0] != 0 && seen[1] == 0 && seen[2] == 0);
        lehr_dataset_destroy(&dataset);
    }
    data_remove(&train);
    data_remove(&test);
}

Test(project, of_constants_alone_is_all_zero)
{
    const float x[] = {0.1f, 7, 0.1f, 7, 0.1f, 7};
    lehr_dataset *dataset = from_inputs(x, 3, 2, 2);
    const float *seen = lehr_dataset_inputs(dataset, LEHR_PART_TRAIN);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(seen[i], 0);
    lehr_dataset_destroy(&dataset);
}

/* Three points span two directions, however many columns there are. */
Test(project, of_fewer_points_than_columns_ends_where_they_do)
{
    float x[3 * 10];
    for (int i = 0; i < 30; i++)
        x[i] = sinf((float)(i * i));
    lehr_dataset *dataset = from_inputs(x, 3, 10, 3);
    const float *seen = lehr_dataset_inputs(dataset, LEHR_PART_TRAIN);
    for (int n = 0; n < 3; n++)
        cr_assert(seen[3 * n] != 0 && seen[3 * n + 1] != 0 && seen[3 * n + 2] == 0);
    lehr_dataset_destroy(&dataset);
}

/* ---- Real data ------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    lehr_task task;
    int32_t inputs, components; /* all of them, and some */
} files[] = {
    {FILE_OF("iris.csv"), LEHR_TASK_CLASSIFICATION, 4, 2},
    {FILE_OF("breast_cancer.csv"), LEHR_TASK_CLASSIFICATION, 30, 10},
    {FILE_OF("digits.csv.gz"), LEHR_TASK_CLASSIFICATION, 64, 32},
    {FILE_OF("diabetes.csv"), LEHR_TASK_REGRESSION, 10, 6},
};

static double dot(const float *a, const float *b, int32_t count)
{
    double sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* A third of the points as training part, so that it is not all. */
static lehr_dataset *open_file(size_t file, int32_t components, bool standardize)
{
    lehr_data_spec spec = projected(data_spec_of(files[file].path, files[file].task), components,
                                    standardize);
    if (components == 0)
        spec.project.kind = LEHR_PROJECT_NONE;
    spec.validation_fraction = spec.test_fraction = 1.0 / 3;
    return create(&spec);
}

/* Rows of the projection are orthogonal and of one length, but for components that are none.
 * 1e-4: two rows of length 1 whose entries are off by half of 2^-16, in 64 columns at the worst all
 * the same way. */
Test(project, components_are_orthogonal_and_of_one_length)
{
    for (size_t f = 0; f < sizeof files / sizeof *files; f++)
        for (int standardize = 0; standardize < 2; standardize++) {
            lehr_dataset *dataset = open_file(f, files[f].inputs, standardize);
            const int32_t D = files[f].inputs;
            const float *p = lehr_dataset_describe(dataset).projection;
            const double length = dot(p, p, D);
            for (int32_t a = 0; a < D; a++)
                for (int32_t b = 0; b <= a; b++) {
                    const double got = dot(p + (int64_t)a * D, p + (int64_t)b * D, D) / length;
                    cr_assert(fabs(got - (a == b)) < 1e-4 || (a == b && got == 0),
                              "file %zu: %d and %d: %g", f, a, b, got);
                }
            lehr_dataset_destroy(&dataset);
        }
}

/* Covariance of components a and b in the training part. */
static double covariance(const lehr_dataset *dataset, int32_t a, int32_t b)
{
    const lehr_dataset_info info = lehr_dataset_describe(dataset);
    const int64_t points = info.points[LEHR_PART_TRAIN];
    const float *x = lehr_dataset_inputs(dataset, LEHR_PART_TRAIN);
    double sum_a = 0, sum_b = 0, sum = 0;
    for (int64_t n = 0; n < points; n++) {
        const double u = (double)x[n * info.inputs + a], v = (double)x[n * info.inputs + b];
        sum_a += u;
        sum_b += v;
        sum += u * v;
    }
    return (sum - sum_a * sum_b / (double)points) / (double)points;
}

/* Uncorrelated, largest first, 1 on average, and none left out that is larger than the last: what
 * the others have is what the kept ones lack. 1e-3 of the first variance: loadings are off by some
 * 1e-5 each, and the products of 32 components add up. */
Test(project, variances_fall_and_are_one_on_average)
{
    for (size_t f = 0; f < sizeof files / sizeof *files; f++)
        for (int standardize = 0; standardize < 2; standardize++) {
            lehr_dataset *dataset = open_file(f, files[f].components, standardize);
            const int32_t C = files[f].components;
            const double first = covariance(dataset, 0, 0);
            double mean = 0;
            for (int32_t a = 0; a < C; a++) {
                const double variance = covariance(dataset, a, a);
                mean += variance / C;
                cr_assert(a == 0 || variance <= covariance(dataset, a - 1, a - 1) + 1e-3 * first);
                for (int32_t b = 0; b < a; b++)
                    cr_assert(fabs(covariance(dataset, a, b)) < 1e-3 * first, "file %zu", f);
            }
            cr_assert(fabs(mean - 1) < 1e-3, "file %zu: %g", f, mean);
            lehr_dataset_destroy(&dataset);
        }
}

/* All components together hold what the inputs held, test part included: x = s^2 P' P x. 1e-4 of
 * the largest input: as the lengths of the rows. Only where no direction is dropped. */
Test(project, all_components_give_the_inputs_back)
{
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        if (f == 2) /* digits has pixels that are never inked */
            continue;
        lehr_dataset *raw = open_file(f, 0, true), *dataset = open_file(f, files[f].inputs, true);
        const int32_t D = files[f].inputs;
        const float *p = lehr_dataset_describe(dataset).projection;
        const float *x = lehr_dataset_inputs(raw, LEHR_PART_TEST),
                    *z = lehr_dataset_inputs(dataset, LEHR_PART_TEST);
        const double length = dot(p, p, D);
        for (int64_t n = 0; n < lehr_dataset_describe(raw).points[LEHR_PART_TEST]; n++)
            for (int32_t d = 0; d < D; d++) {
                double back = 0;
                for (int32_t c = 0; c < D; c++)
                    back += (double)z[n * D + c] * (double)p[(int64_t)c * D + d] / length;
                cr_assert(fabs(back - (double)x[n * D + d]) < 1e-4 * 16, "file %zu", f);
            }
        lehr_dataset_destroy(&raw);
        lehr_dataset_destroy(&dataset);
    }
}

/* ---- Another eigensolver --------------------------------------------------------------------- */

enum { WIDTH_MAX = 64 };

typedef struct jacobi {
    int32_t n;
    double a[WIDTH_MAX][WIDTH_MAX], v[WIDTH_MAX][WIDTH_MAX]; /* vectors are columns of v */
} jacobi;

static void turn(double *x, double *y, double c, double s)
{
    const double u = *x, v = *y;
    *x = c * u - s * v;
    *y = s * u + c * v;
}

static void rotate(jacobi *j, int32_t p, int32_t q)
{
    if (j->a[p][q] == 0)
        return;
    const double theta = (j->a[q][q] - j->a[p][p]) / (2 * j->a[p][q]);
    const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int32_t k = 0; k < j->n; k++)
        turn(&j->a[k][p], &j->a[k][q], c, s);
    for (int32_t k = 0; k < j->n; k++)
        turn(&j->a[p][k], &j->a[q][k], c, s);
    for (int32_t k = 0; k < j->n; k++)
        turn(&j->v[k][p], &j->v[k][q], c, s);
}

/* Jacobi's method, 1846: forty sweeps are more than any matrix here needs. */
static void solve(jacobi *j)
{
    for (int32_t i = 0; i < j->n; i++)
        j->v[i][i] = 1;
    for (int sweep = 0; sweep < 40; sweep++)
        for (int32_t p = 0; p < j->n; p++)
            for (int32_t q = p + 1; q < j->n; q++)
                rotate(j, p, q);
}

static void fill_covariance(const lehr_dataset *dataset, jacobi *j)
{
    j->n = lehr_dataset_describe(dataset).inputs;
    for (int32_t a = 0; a < j->n; a++)
        for (int32_t b = 0; b < j->n; b++)
            j->a[a][b] = covariance(dataset, a, b);
}

/* Number of the largest eigenvalue that is left; it is then taken. */
static int32_t take_largest(jacobi *j, double *value)
{
    int32_t best = 0;
    for (int32_t i = 1; i < j->n; i++)
        if (j->a[i][i] > j->a[best][best])
            best = i;
    *value = j->a[best][best];
    j->a[best][best] = -1;
    return best;
}

/* Loading d of vector i, with our sign and rounding. */
static double loading(const jacobi *j, int32_t i, int32_t d)
{
    double largest = 0;
    int32_t first = 0;
    for (int32_t k = 0; k < j->n; k++)
        largest = fmax(largest, fabs(j->v[k][i]));
    while (fabs(j->v[first][i]) < 0.999 * largest)
        first++;
    return copysign(1, j->v[first][i]) * rint(j->v[d][i] / step) * step;
}

/* EXACT: the same bits from whatever solver. A loading that is within their rounding, some 1e-13, of
 * the middle between two multiples would fail here; none of these is. */
Test(project, has_the_bits_of_another_eigensolver)
{
    static jacobi j;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        lehr_dataset *raw = open_file(f, 0, true),
                     *dataset = open_file(f, files[f].components, true);
        const int32_t C = files[f].components, D = files[f].inputs;
        const float *p = lehr_dataset_describe(dataset).projection;
        int32_t order[WIDTH_MAX];
        double sum = 0;
        memset(&j, 0, sizeof j);
        fill_covariance(raw, &j);
        solve(&j);
        for (int32_t c = 0; c < C; c++) {
            double value = 0;
            order[c] = take_largest(&j, &value);
            sum += value;
        }
        const double scale = (double)(float)sqrt(sum / C);
        for (int32_t c = 0; c < C; c++)
            for (int32_t d = 0; d < D; d++)
                cr_assert_eq(p[c * D + d], (float)(loading(&j, order[c], d) / scale),
                             "file %zu, component %d, column %d", f, c, d);
        lehr_dataset_destroy(&raw);
        lehr_dataset_destroy(&dataset);
    }
}

/* ---- Parts and targets ----------------------------------------------------------------------- */

Test(project, the_training_part_alone_is_fitted)
{
    const data_file train = data_write_text("train.csv", "a,b,y\n1,2,u\n2,5,v\n4,3,u\n5,1,v\n");
    float first[4];
    for (int i = 0; i < 2; i++) {
        const data_file test = data_write_text("test.csv", i == 0 ? "a,b,y\n1,9,u\n"
                                                                  : "a,b,y\n-70,800,u\n2,2,v\n");
        lehr_data_spec spec = projected(data_spec_of(train.path, LEHR_TASK_CLASSIFICATION), 2,
                                        true);
        DATA_PUT(spec.test_source, test.path);
        lehr_dataset *dataset = create(&spec);
        const float *p = lehr_dataset_describe(dataset).projection;
        if (i == 0)
            memcpy(first, p, sizeof first);
        cr_assert_arr_eq(p, first, sizeof first);
        lehr_dataset_destroy(&dataset);
        data_remove(&test);
    }
    data_remove(&train);
}

Test(project, targets_of_a_regression_stay_as_they_are_without_it)
{
    for (int standardize = 0; standardize < 2; standardize++) {
        lehr_dataset *raw = open_file(3, 0, standardize), *dataset = open_file(3, 5, standardize);
        const lehr_dataset_info a = lehr_dataset_describe(raw), b = lehr_dataset_describe(dataset);
        cr_assert_eq(a.target_mean[0], b.target_mean[0]);
        cr_assert_eq(a.target_scale[0], b.target_scale[0]);
        cr_assert_eq(b.target_scale[0] == 1, !standardize);
        cr_assert_eq(a.hash, b.hash);
        cr_assert_eq(b.inputs, 5);
        cr_assert_eq(b.columns, 10);
        cr_assert_null(a.projection);
        cr_assert_arr_eq(lehr_dataset_targets(raw, LEHR_PART_TEST),
                         lehr_dataset_targets(dataset, LEHR_PART_TEST),
                         (size_t)a.points[LEHR_PART_TEST] * sizeof(float));
        lehr_dataset_destroy(&raw);
        lehr_dataset_destroy(&dataset);
    }
}

/* ---- What is refused ------------------------------------------------------------------------- */

/* Two points of `width` inputs, all of them `value` and minus that. */
static lehr_status refuse(lehr_project_spec project, int32_t width, float value)
{
    static float x[2 * (LEHR_PROJECT_INPUTS_MAX + 1)];
    const float y[] = {0, 1};
    for (int32_t d = 0; d < width; d++) {
        x[d] = value;
        x[width + d] = -value;
    }
    lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    spec.project = project;
    lehr_dataset *dataset = NULL;
    const lehr_status status = lehr_dataset_from_arrays(&spec, x, y, 2, width, 1, &dataset);
    cr_assert_null(dataset);
    return status;
}

Test(project, bad_specs_are_refused)
{
    static const struct {
        lehr_project_spec spec;
        int32_t width;
        float value;
        lehr_status status;
        const char *sentence;
    } cases[] = {
        {{LEHR_PROJECT_PCA, 0}, 3, 1, LEHR_ERR_ARG, "components is 0, expected 1 to 2"},
        {{LEHR_PROJECT_PCA, -1}, 3, 1, LEHR_ERR_ARG, "components is -1, expected 1 to 2"},
        {{LEHR_PROJECT_PCA, 3},
         3,
         1,
         LEHR_ERR_ARG,
         "data.project.components is 3, expected 1 to 2: the data have 3 inputs and 2 training"},
        {{LEHR_PROJECT_PCA, 2}, 1, 1, LEHR_ERR_ARG, "expected 1 to 1: the data have 1 inputs"},
        {{(lehr_project)7, 1}, 3, 1, LEHR_ERR_ARG, "there is no projection number 7"},
        {{LEHR_PROJECT_PCA, 1},
         LEHR_PROJECT_INPUTS_MAX + 1,
         1,
         LEHR_ERR_ARG,
         "takes at most 4096 inputs, the data have 4097"},
        {{LEHR_PROJECT_PCA, 1}, 3, 1e31f, LEHR_ERR_DATA, "the inputs spread by 1.73205e+31"},
        {{LEHR_PROJECT_PCA, 1}, 3, 1e-31f, LEHR_ERR_DATA, "the inputs spread by 1.73205e-31"},
        {{LEHR_PROJECT_PCA, 1}, 3, NAN, LEHR_ERR_DATA, "inputs: point 0, number 0 is nan"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(refuse(cases[i].spec, cases[i].width, cases[i].value), cases[i].status,
                     "case %zu", i);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
    }
}

Test(project, a_test_point_too_far_away_is_refused)
{
    const data_file train = data_write_text("train.csv", "a,b,y\n1e-20,0,1\n2e-20,0,2\n");
    const data_file test = data_write_text("test.csv", "a,b,y\n1e20,0,1\n");
    lehr_data_spec spec = projected(data_spec_of(train.path, LEHR_TASK_REGRESSION), 1, false);
    DATA_PUT(spec.test_source, test.path);
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_create(&spec, &dataset), LEHR_ERR_DATA);
    cr_assert_str_eq(lehr_error(), "a point is too far from the training data to be projected");
    data_remove(&train);
    data_remove(&test);
}

Test(project, any_allocation_may_fail)
{
    const lehr_data_spec spec = projected(
        data_spec_of(FILE_OF("iris.csv"), LEHR_TASK_CLASSIFICATION), 3, true);
    int failures = 0;
    for (lehr_status status = LEHR_ERR_MEMORY; status != LEHR_OK; failures++) {
        lehr_dataset *dataset = NULL;
        lehr_memory_fail_at(failures + 1);
        status = lehr_dataset_create(&spec, &dataset);
        lehr_memory_fail_at(0);
        cr_assert(status == LEHR_OK || status == LEHR_ERR_MEMORY, "%s", lehr_error());
        cr_assert_eq(dataset != NULL, status == LEHR_OK);
        lehr_dataset_destroy(&dataset);
    }
    cr_assert(failures > 20, "%d", failures);
}
