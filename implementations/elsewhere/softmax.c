/* Softmax of the float32 inputs that softmax-harness inputs --format raw wrote: softmax IN OUT */
#include <math.h>
#include <stdio.h>

static FILE *opened(const char *folder, const char *name, const char *mode) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, mode);
}

int main(int argc, char **argv) {
    static float x[1 << 20];
    char name[256];
    size_t rows, n, most = sizeof x / sizeof *x;
    FILE *in, *out, *index = argc == 3 ? opened(argv[1], "index.txt", "r") : NULL;
    while (index && fscanf(index, "%255s float32 %zu %zu", name, &rows, &n) == 3) {
        if (!(in = opened(argv[1], name, "rb")) || !(out = opened(argv[2], name, "wb"))) return 1;
        while (n <= most && fread(x, sizeof *x, n, in) == n) {
            double top = x[0], sum = 0;
            for (size_t i = 1; i < n; i++) top = fmax(top, x[i]);
            for (size_t i = 0; i < n; i++) sum += exp(x[i] - top);
            for (size_t i = 0; i < n; i++) x[i] = exp(x[i] - top) / sum;
            fwrite(x, sizeof *x, n, out);
        }
        fclose(in), fclose(out);
    }
    return !index;
}
