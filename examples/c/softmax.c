/* Softmax of each of `rows` rows of n logits, in float32, the sum in float64.

       make && softmax-harness check libsoftmax.so:softmax_f32 --signature 'f32 rows,n'
*/
#include <math.h>
#include <stddef.h>

void softmax_f32(const float *x, float *y, size_t rows, size_t n)
{
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        float top = -INFINITY;
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            if (!(x[i] <= top)) /* true of a NaN too */
                top = x[i];
        for (size_t i = 0; i < n; i++)
            sum += y[i] = expf(x[i] - top);
        for (size_t i = 0; i < n; i++)
            y[i] = (float)(y[i] / sum);
    }
}

/* The loss of the class `target`, of one row:

       softmax-harness check libsoftmax.so:cross_entropy_f32 --operation cross_entropy \
           --signature 'f32 x,n,target=size_t -> f32'
*/
float cross_entropy_f32(const float *x, size_t n, size_t target)
{
    float top = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (!(x[i] <= top))
            top = x[i];
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - top);
    return (float)(log(sum) - ((double)x[target] - top));
}
