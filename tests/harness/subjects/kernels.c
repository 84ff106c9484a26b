/* C functions that are right in unusual ways, and others that are wrong in one way each. */
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static void row(const float *x, float *y, size_t n)
{
    float top = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (!(x[i] <= top))
            top = x[i];
    for (size_t i = 0; i < n; i++)
        sum += y[i] = expf(x[i] - top);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(y[i] / sum);
}

void right(const float *x, float *y, size_t rows, size_t n)
{
    for (size_t k = 0; k < rows; k++)
        row(x + k * n, y + k * n, n);
}

/* Right in other ways. */

int strided(int n, float *y, long y_stride, const float *x, int64_t x_stride, int rows)
{
    for (int k = 0; k < rows; k++)
        row(x + k * x_stride, y + k * y_stride, n);
    return 0;
}

void in_place(float *xy, unsigned n)
{
    row(xy, xy, n);
}

void to_double(const float *x, double *y, size_t rows, size_t n)
{
    float some[4096];
    for (size_t k = 0; k < rows * n; k += n) {
        row(x + k, some, n);
        for (size_t i = 0; i < n; i++)
            y[k + i] = some[i];
    }
}

void bits_of_16(const uint16_t *x, uint16_t *y, size_t rows, size_t n)
{
    float in[4096], out[4096];
    for (size_t k = 0; k < rows * n; k += n) {
        memset(in, 0, sizeof in);
        for (size_t i = 0; i < n; i++)
            memcpy((char *)&in[i] + 2, &x[k + i], 2); /* bfloat16 is the upper half */
        row(in, out, n);
        for (size_t i = 0; i < n; i++)
            memcpy(&y[k + i], (char *)&out[i] + 2, 2);
    }
}

float logsumexp(const float *x, size_t n)
{
    float top = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (!(x[i] <= top))
            top = x[i];
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - top);
    return (float)(top + log(sum));
}

void masked(const float *x, const uint8_t *mask, float *y, size_t rows, size_t n)
{
    float seen[4096];
    for (size_t k = 0; k < rows * n; k += n) {
        for (size_t i = 0; i < n; i++)
            seen[i] = mask[k + i] ? x[k + i] : -INFINITY;
        row(seen, y + k, n);
    }
}

void cooled(const float *x, float *y, size_t n, float temperature)
{
    float some[4096];
    for (size_t i = 0; i < n; i++)
        some[i] = x[i] / temperature;
    row(some, y, n);
}

void attention(const float *q, const float *k, const float *v, const uint8_t *mask, float *y,
               size_t batch, int queries, int keys, int d, int c)
{
    float scores[4096], weights[4096];
    for (size_t b = 0; b < batch; b++)
        for (int i = 0; i < queries; i++) {
            const float *own = q + (b * queries + i) * d;
            for (int j = 0; j < keys; j++) {
                double dot = 0;
                for (int t = 0; t < d; t++)
                    dot += (double)own[t] * k[(b * keys + j) * d + t];
                scores[j] = mask[(b * queries + i) * keys + j] ? dot / sqrt(d) : -INFINITY;
            }
            row(scores, weights, keys);
            for (int t = 0; t < c; t++) {
                double sum = 0;
                for (int j = 0; j < keys; j++)
                    if (weights[j] != 0)
                        sum += (double)weights[j] * v[(b * keys + j) * c + t];
                y[(b * queries + i) * c + t] = sum;
            }
        }
}

/* Writes the NaN that has all bits set, as untouched memory has. */
void all_bits(const float *x, float *y, size_t rows, size_t n)
{
    memset(y, 0xFF, rows * n * sizeof *y);
}

/* Wrong. */

void beyond(const float *x, float *y, size_t rows, size_t n)
{
    right(x, y, rows, n);
    y[rows * n] = 0;
}

void before(const float *x, float *y, size_t rows, size_t n)
{
    right(x, y, rows, n);
    y[-1] = 0;
}

void between(const float *x, float *y, size_t stride, size_t rows, size_t n)
{
    for (size_t k = 0; k < rows; k++) {
        row(x + k * n, y + k * stride, n);
        y[k * stride + n] = 0;
    }
}

void to_argument(float *x, float *y, size_t rows, size_t n)
{
    right(x, y, rows, n);
    x[0] += 1;
}

void beside_argument(float *x, float *y, size_t rows, size_t n)
{
    right(x, y, rows, n);
    x[rows * n] = 0;
}

void crashes(const float *x, float *y, size_t rows, size_t n)
{
    *(volatile int *)0 = 0;
}

void hangs(const float *x, float *y, size_t rows, size_t n)
{
    for (volatile int go = 1; go;)
        ;
}

void leaves_the_tail(const float *x, float *y, size_t rows, size_t n)
{
    float some[4096];
    for (size_t k = 0; k < rows; k++) {
        row(x + k * n, some, n);
        memcpy(y + k * n, some, (n - n % 4) * sizeof *y);
    }
}

int gives_up(const float *x, float *y, size_t rows, size_t n)
{
    right(x, y, rows, n);
    return n > 4 ? -7 : 0;
}

void unshifted(const float *x, float *y, size_t rows, size_t n)
{
    for (size_t k = 0; k < rows * n; k += n) {
        float sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += y[k + i] = expf(x[k + i]);
        for (size_t i = 0; i < n; i++)
            y[k + i] /= sum;
    }
}

/* Loads whole vectors, of whose last one it takes what is its own. */
void reads_on(const float *x, float *y, size_t rows, size_t n)
{
    volatile float last = 0;
    for (size_t i = 0; i < 8; i++)
        last = x[rows * n + i];
    (void)last;
    right(x, y, rows, n);
}

/* As what loads and stores aligned vectors: the processor ends it elsewhere. */
int needs_aligned_memory(const float *x, float *y, size_t rows, size_t n)
{
    if ((uintptr_t)x % 16 || (uintptr_t)y % 16)
        return 1;
    right(x, y, rows, n);
    return 0;
}

/* What stands between the rows is a NaN, or a number: then it shows. */
void doubles_what_is_between(const float *x, float *y, size_t stride, size_t rows, size_t n)
{
    for (size_t k = 0; k < rows; k++) {
        row(x + k * n, y + k * stride, n);
        if (k + 1 < rows && stride > n)
            y[k * stride + n] *= 2;
    }
}

int takes_one_stride_for_both(int n, float *y, long y_stride, const float *x, int64_t x_stride,
                              int rows)
{
    (void)y_stride;
    return strided(n, y, x_stride, x, x_stride, rows);
}

static void *waits(void *nothing)
{
    pause();
    return nothing;
}

void leaves_a_thread(const float *x, float *y, size_t rows, size_t n)
{
    pthread_t thread;
    if (!pthread_create(&thread, NULL, waits, NULL))
        pthread_detach(thread);
    right(x, y, rows, n);
}
