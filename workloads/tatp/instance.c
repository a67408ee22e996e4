/* instance.c - which rows of TATP are loaded, and what they hold; all of it follows from the seed. */
#include "workloads/tatp/instance.h"

#include <string.h>

const char *const tatp_txn_types[] = {
#define TXN_NAME(name, least, most) #name,
    TATP_TXNS(TXN_NAME)
#undef TXN_NAME
        NULL,
};

/* ---- Which rows are loaded. ---- */

static uint64_t draw_of(const struct workload *workload, unsigned table, uint64_t key)
{
    return rng_mix(workload->micro.seed ^ rng_mix(key * TATP_INDEXES + table));
}

/* 1 to 4 kinds out of 4, each number as often, and each choice of so many. */
static unsigned kinds_of(const struct workload *workload, unsigned table, uint64_t subscriber)
{
    static const uint8_t pairs[] = {1 | 2, 1 | 4, 1 | 8, 2 | 4, 2 | 8, 4 | 8};
    unsigned draw = (unsigned)(draw_of(workload, table, subscriber) % 48), choice = draw % 12;
    switch (draw / 12) {
    case 0:
        return 1u << choice / 3;
    case 1:
        return pairs[choice / 2];
    case 2:
        return 15u ^ 1u << choice / 3;
    default:
        return 15;
    }
}

/* 0 to 3 starts out of 3, each number as often, and each choice of so many. */
static unsigned starts_of(const struct workload *workload, uint64_t facility_key)
{
    unsigned draw = (unsigned)(draw_of(workload, TATP_FORWARDING, facility_key) % 12), choice = draw % 3;
    static const uint8_t none_and_all[] = {0, 7};
    switch (draw / 3) {
    case 1:
        return 1u << choice;
    case 2:
        return 7u ^ 1u << choice;
    default:
        return none_and_all[draw / 3 == 3];
    }
}

bool tatp_is_loaded(const struct workload *workload, unsigned table, uint64_t key)
{
    if (table == TATP_FORWARDING)
        return tatp_is_loaded(workload, TATP_FACILITY, key / TATP_STARTS) &&
               starts_of(workload, key / TATP_STARTS) >> key % TATP_STARTS & 1;
    uint64_t subscriber = table == TATP_SUBSCRIBER ? key : key / TATP_KINDS;
    if (subscriber == 0 || subscriber > workload->options.subscribers)
        return false;
    return table == TATP_SUBSCRIBER || (kinds_of(workload, table, subscriber) >> key % TATP_KINDS & 1);
}

/* ---- What they hold. ---- */

void tatp_number(uint64_t id, char number[TATP_NUMBER_BYTES])
{
    memset(number, '0', TATP_DIGITS);
    number[TATP_DIGITS] = '\0';
    for (unsigned i = TATP_DIGITS; id > 0; id /= 10)
        number[--i] = (char)('0' + id % 10);
}

static void letters(struct rng *rng, char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('A' + rng_below(rng, 26));
}

static struct rng rng_of(const struct workload *workload, unsigned table, uint64_t key)
{
    struct rng rng;
    rng_init(&rng, draw_of(workload, table, key), table);
    return rng;
}

void tatp_fill_subscriber(const struct workload *workload, uint64_t id, struct tatp_subscriber *row)
{
    struct rng rng = rng_of(workload, TATP_SUBSCRIBER, id);
    *row = (struct tatp_subscriber){.id = id,
                                    .msc_location = 1 + (uint32_t)rng_below(&rng, UINT32_MAX),
                                    .vlr_location = 1 + (uint32_t)rng_below(&rng, UINT32_MAX)};
    tatp_number(id, row->number);
    for (size_t i = 0; i < sizeof row->bits; i++) {
        row->bits[i] = (uint8_t)rng_below(&rng, 2);
        row->hexes[i] = (uint8_t)rng_below(&rng, 16);
        row->bytes[i] = (uint8_t)rng_below(&rng, 256);
    }
}

void tatp_fill_access(const struct workload *workload, uint64_t key, struct tatp_access *row)
{
    struct rng rng = rng_of(workload, TATP_ACCESS, key);
    *row = (struct tatp_access){
        .key = key, .data1 = (uint8_t)rng_below(&rng, 256), .data2 = (uint8_t)rng_below(&rng, 256)};
    letters(&rng, row->data3, sizeof row->data3);
    letters(&rng, row->data4, sizeof row->data4);
}

void tatp_fill_facility(const struct workload *workload, uint64_t key, struct tatp_facility *row)
{
    struct rng rng = rng_of(workload, TATP_FACILITY, key);
    *row = (struct tatp_facility){.key = key,
                                  .is_active = rng_below(&rng, 100) < 85,
                                  .error_control = (uint8_t)rng_below(&rng, 256),
                                  .data_a = (uint8_t)rng_below(&rng, 256)};
    letters(&rng, row->data_b, sizeof row->data_b);
}

void tatp_fill_forwarding(uint64_t key, unsigned end_hour, struct tatp_forwarding *row)
{
    *row = (struct tatp_forwarding){
        .key = key, .start_hour = (uint8_t)(key % TATP_STARTS * TATP_START_HOURS), .end_hour = (uint8_t)end_hour};
    tatp_number(rng_mix(key << 5 | end_hour) % 1000000000000000, row->number);
}

bool tatp_forwarding_is_sound(const void *data, size_t bytes, uint64_t key)
{
    struct tatp_forwarding expected;
    if (bytes != sizeof expected)
        return false;
    tatp_fill_forwarding(key, ((const struct tatp_forwarding *)data)->end_hour, &expected);
    return memcmp(data, &expected, sizeof expected) == 0;
}
