/* The network of benchmarks.dense_tasks by hand: an epoch in one call, on one core.

   Activations stand as [unit][lane], a lane for each row of the batch, and the innermost loops run
   over the lanes, whose number the compiler knows. Compiled with -DREAL=double or -DREAL=float. */

#include <string.h>
#include <tgmath.h> /* exp, log and sqrt of either type */

#define LANES 64
#define LAST 16 /* rows of the last batch */

typedef REAL lanes[LANES];

/* Weights [n_out][n_in], then biases, layer after layer: in memory one array of 3,489 numbers. */
typedef struct {
    REAL w1[64 * 10], b1[64], w2[32 * 64], b2[32], w3[16 * 32], b3[16];
    REAL w4[8 * 16], b4[8], w5[4 * 8], b5[4], w6[1 * 4], b6[1];
} network;

enum { PARAMETERS = sizeof(network) / sizeof(REAL) };

/* Inlined into each call, so that the sizes are constants there. */
#define INLINE static inline __attribute__((always_inline))

INLINE void forward(int n_in, int n_out, int n, const REAL *w, const REAL *bias, const lanes *a,
                    lanes *out) {
    for (int o = 0; o < n_out; o++) {
        lanes sum;
        for (int l = 0; l < n; l++) sum[l] = bias[o];
        for (int i = 0; i < n_in; i++)
            for (int l = 0; l < n; l++) sum[l] += w[o * n_in + i] * a[i][l];
        for (int l = 0; l < n; l++) out[o][l] = n_out > 1 && sum[l] < 0 ? 0 : sum[l];
    }
}

/* d: the adjoints of this layer's sums; below: those of the layer below, whose relu gave a. */
INLINE void backward(int n_in, int n_out, int n, const REAL *w, const lanes *a, const lanes *d,
                     REAL *grad_w, REAL *grad_bias, lanes *below) {
    for (int o = 0; o < n_out; o++) {
        for (int i = 0; i < n_in; i++) {
            REAL sum = 0;
            for (int l = 0; l < n; l++) sum += d[o][l] * a[i][l];
            grad_w[o * n_in + i] = sum;
        }
        REAL sum = 0;
        for (int l = 0; l < n; l++) sum += d[o][l];
        grad_bias[o] = sum;
    }
    if (!below) return;
    for (int i = 0; i < n_in; i++) {
        lanes sum = {0};
        for (int o = 0; o < n_out; o++)
            for (int l = 0; l < n; l++) sum[l] += w[o * n_in + i] * d[o][l];
        for (int l = 0; l < n; l++) below[i][l] = a[i][l] > 0 ? sum[l] : 0;
    }
}

/* The sum of the rows' losses; the gradient is that of their mean. */
INLINE REAL gradient(int n, const REAL *x, const REAL *y, const network *p, network *g) {
    static lanes a0[10], a1[64], a2[32], a3[16], a4[8], a5[4], a6[1];
    static lanes d1[64], d2[32], d3[16], d4[8], d5[4], d6[1];
    for (int i = 0; i < 10; i++)
        for (int l = 0; l < n; l++) a0[i][l] = x[l * 10 + i];
    forward(10, 64, n, p->w1, p->b1, a0, a1);
    forward(64, 32, n, p->w2, p->b2, a1, a2);
    forward(32, 16, n, p->w3, p->b3, a2, a3);
    forward(16, 8, n, p->w4, p->b4, a3, a4);
    forward(8, 4, n, p->w5, p->b5, a4, a5);
    forward(4, 1, n, p->w6, p->b6, a5, a6);
    REAL loss = 0;
    const REAL low = (REAL)1e-7, high = 1 - low;
    for (int l = 0; l < n; l++) {
        REAL s = 1 / (1 + exp(-a6[0][l]));
        REAL q = s < low ? low : s > high ? high : s;
        loss -= y[l] * log(q) + (1 - y[l]) * log(1 - q);
        REAL slope = s < low || s > high ? 0 : (1 - y[l]) / (1 - q) - y[l] / q;
        d6[0][l] = slope * s * (1 - s) / n;
    }
    backward(4, 1, n, p->w6, a5, d6, g->w6, g->b6, d5);
    backward(8, 4, n, p->w5, a4, d5, g->w5, g->b5, d4);
    backward(16, 8, n, p->w4, a3, d4, g->w4, g->b4, d3);
    backward(32, 16, n, p->w3, a2, d3, g->w3, g->b3, d2);
    backward(64, 32, n, p->w2, a1, d2, g->w2, g->b2, d1);
    backward(10, 64, n, p->w1, a0, d1, g->w1, g->b1, 0);
    return loss;
}

static void adam(int step, REAL *w, const REAL *grad, REAL *m, REAL *v) {
    const REAL lr = 1e-3, b1 = 0.9, b2 = 0.999, new1 = 1 - 0.9, new2 = 1 - 0.999, eps = 1e-8;
    const REAL c1 = 1 / (1 - pow(0.9, step)), c2 = 1 / (1 - pow(0.999, step));
    for (int k = 0; k < PARAMETERS; k++) {
        m[k] = b1 * m[k] + new1 * grad[k];
        v[k] = b2 * v[k] + new2 * grad[k] * grad[k];
        w[k] -= lr * (m[k] * c1) / (sqrt(v[k] * c2) + eps);
    }
}

/* The mean loss of the rows, each before its step; moves the parameters, which m and v go with. */
REAL epoch(int rows, const REAL *x, const REAL *y, REAL *parameters) {
    static REAL m[PARAMETERS], v[PARAMETERS];
    network *p = (network *)parameters, g;
    REAL loss = 0;
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    for (int row = 0, step = 1; row < rows; row += LANES, step++) {
        if (rows - row >= LANES)
            loss += gradient(LANES, x + row * 10, y + row, p, &g);
        else
            loss += gradient(LAST, x + row * 10, y + row, p, &g);
        adam(step, parameters, (REAL *)&g, m, v);
    }
    return loss / rows;
}
