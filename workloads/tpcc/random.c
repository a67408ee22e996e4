/* random.c - see random.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "workloads/tpcc/random.h"

#include <string.h>

void tpcc_nurand_draw(struct rng *rng, int differ, struct tpcc_nurand *load, struct tpcc_nurand *run)
{
    *load = (struct tpcc_nurand){
        .c_last = tpcc_uniform(rng, 0, 255), .c_id = tpcc_uniform(rng, 0, 1023), .i_id = tpcc_uniform(rng, 0, 8191)};
    *run = *load;
    if (!differ)
        return;
    run->c_id = tpcc_uniform(rng, 0, 1023);
    run->i_id = tpcc_uniform(rng, 0, 8191);
    for (;;) { /* ends: a fifth of the draws or more fit, whatever load->c_last is */
        run->c_last = tpcc_uniform(rng, 0, 255);
        uint32_t delta = run->c_last > load->c_last ? run->c_last - load->c_last : load->c_last - run->c_last;
        if (delta >= 65 && delta <= 119 && delta != 96 && delta != 112) /* TPC-C 2.1.6.1 */
            return;
    }
}

void tpcc_last_name(uint32_t number, char name[16])
{
    static const char syllables[10][6] = {"BAR", "OUGHT", "ABLE",  "PRI",   "PRES",
                                          "ESE", "ANTI",  "CALLY", "ATION", "EING"};
    const char *parts[] = {syllables[number / 100 % 10], syllables[number / 10 % 10], syllables[number % 10]};
    size_t length = 0;
    memset(name, 0, 16);
    for (size_t i = 0; i < 3; i++) {
        size_t part = strlen(parts[i]);
        memcpy(name + length, parts[i], part);
        length += part;
    }
}

void tpcc_text(struct rng *rng, char *text, size_t min, size_t max)
{
    /* 64 characters: one draw of 64 bits gives ten of them. Two letters come twice as often, which 4.3.2.2 allows. */
    static const char letters[65] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzSe";
    size_t length = tpcc_uniform(rng, (uint32_t)min, (uint32_t)max);
    for (size_t i = 0; i < length;) {
        uint64_t bits = rng_next(rng) >> 4;
        for (unsigned k = 0; k < 10 && i < length; k++, bits >>= 6)
            text[i++] = letters[bits & 63];
    }
    memset(text + length, 0, max - length);
}

void tpcc_digits(struct rng *rng, char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('0' + tpcc_uniform(rng, 0, 9));
}

void tpcc_state(struct rng *rng, char state[2])
{
    state[0] = (char)('A' + tpcc_uniform(rng, 0, 25));
    state[1] = (char)('A' + tpcc_uniform(rng, 0, 25));
}

static const char original[] = "ORIGINAL";
enum { ORIGINAL_LENGTH = sizeof(original) - 1 };

void tpcc_original_data(struct rng *rng, char data[50])
{
    tpcc_text(rng, data, 26, 50);
    if (tpcc_uniform(rng, 1, 10) != 1)
        return;
    size_t length = strnlen(data, 50);
    memcpy(data + tpcc_uniform(rng, 0, (uint32_t)(length - ORIGINAL_LENGTH)), original, ORIGINAL_LENGTH);
}

int tpcc_is_original(const char data[50])
{
    return memmem(data, 50, original, ORIGINAL_LENGTH) != NULL;
}

void tpcc_permutation(struct rng *rng, uint32_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = tpcc_uniform(rng, 0, i);
        values[i] = values[j];
        values[j] = i + 1;
    }
}
