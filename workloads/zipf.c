/* zipf.c - see zipf.h. */
#include "workloads/zipf.h"

#include <math.h>

/* (e^x - 1) / x and log(1 + x) / x, continued to x = 0, where theta = 1 needs them. */
static double expm1_over(double x)
{
    return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

static double log1p_over(double x)
{
    return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

/* The integral of t^-theta from 1 to x, and its inverse. */
static double power_area(double x, double theta)
{
    double l = log(x);
    return expm1_over((1 - theta) * l) * l;
}

static double power_area_inverse(double area, double theta)
{
    double t = area * (1 - theta);
    if (t < -1)
        t = -1; /* rounding at the far end of theta > 1 */
    return exp(log1p_over(t) * area);
}

double zeta(uint64_t n, double theta)
{
    enum { EXACT = 1000 };
    uint64_t terms = n < EXACT ? n : EXACT;
    double sum = 0;
    for (uint64_t k = terms; k > 0; k--) /* small terms first */
        sum += pow((double)k, -theta);
    if (n <= EXACT)
        return sum;
    /* Euler-Maclaurin for the rest; at 1000 the first term left out is below 1e-17 of the sum for any theta in use. */
    double a = EXACT, b = (double)n, fa = pow(a, -theta), fb = pow(b, -theta);
    double slope = -theta * (fb / b - fa / a);
    double third = -theta * (theta + 1) * (theta + 2) * (fb / (b * b * b) - fa / (a * a * a));
    return sum + power_area(b, theta) - power_area(a, theta) + (fb - fa) / 2 + slope / 12 - third / 720;
}

void zipf_init(struct zipf *zipf, uint64_t n, double theta)
{
    zipf->n = (double)n;
    zipf->theta = theta;
    zipf->area_first = power_area(1.5, theta) - 1;
    zipf->area_last = power_area((double)n + 0.5, theta);
    zipf->accept = 2 - power_area_inverse(power_area(2.5, theta) - pow(2, -theta), theta);
}

uint64_t zipf_draw(const struct zipf *zipf, struct rng *rng)
{
    /* Ends: each candidate is accepted with a probability bounded away from 0. */
    for (;;) {
        double area = zipf->area_last + rng_unit(rng) * (zipf->area_first - zipf->area_last);
        double x = power_area_inverse(area, zipf->theta);
        double k = floor(x + 0.5);
        if (k < 1)
            k = 1;
        else if (k > zipf->n)
            k = zipf->n;
        if (k - x <= zipf->accept || area >= power_area(k + 0.5, zipf->theta) - pow(k, -zipf->theta))
            return (uint64_t)k - 1;
    }
}

void gray_init(struct gray *gray, uint64_t n, double theta, double zeta_n)
{
    gray->n = (double)n;
    gray->alpha = 1 / (1 - theta);
    gray->zeta_n = zeta_n;
    gray->second = 1 + pow(0.5, theta);
    gray->eta = n > 2 ? (1 - pow(2 / (double)n, 1 - theta)) / (1 - gray->second / zeta_n) : 1;
}

uint64_t gray_draw(const struct gray *gray, struct rng *rng)
{
    double u = rng_unit(rng), scaled = u * gray->zeta_n;
    if (scaled < 1)
        return 0;
    if (scaled < gray->second)
        return 1;
    double rank = gray->n * pow(gray->eta * u - gray->eta + 1, gray->alpha);
    return rank < gray->n ? (uint64_t)rank : (uint64_t)gray->n - 1;
}
