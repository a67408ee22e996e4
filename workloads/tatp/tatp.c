/* tatp.c - see tatp.h: the options, and the life of an instance. */
#include "workloads/tatp/tatp.h"

#include <stdio.h>
#include <string.h>

#include "workloads/mix.h"
#include "workloads/tatp/instance.h"

#define MIX_WANTED "seven percents such as 35/10/35/2/14/2/2"

static const struct option_spec option_table[] = {TATP_OPTIONS(OPTION_SPEC) OPTION_END};

static const char *const preset_names[] = {"standard", "uniform", NULL};

static bool preset(const char *name, void (*set)(void *arg, const char *option, const char *value), void *arg)
{
    bool uniform = strcmp(name, preset_names[1]) == 0;
    if (!uniform && strcmp(name, preset_names[0]) != 0)
        return false;
    set(arg, "mix", "35/10/35/2/14/2/2");
    set(arg, "choice", uniform ? "uniform" : "nonuniform");
    return true;
}

/* ---- Life of the instance. ---- */

static bulk_key_fn subscriber_at;
static bulk_fill_fn fill;
static bulk_fill_more_fn fill_more;
static const struct micro_traits traits = {
    .workload_bytes = sizeof(struct workload),
    .worker_bytes = sizeof(struct workload_worker),
    .key = subscriber_at,
    .fill = fill,
    .fill_more = fill_more,
    .attempt = tatp_attempt,
    .check_pass = tatp_check_pass,
};

/* NURand's A, by the number of subscribers. */
static uint32_t nurand_a(uint64_t subscribers)
{
    return subscribers <= 1000000 ? 65535 : subscribers <= 10000000 ? 1048575 : 2097151;
}

static enum target_status create(const void *values, const struct target_ops *ops, uint64_t seed, unsigned workers,
                                 struct workload **result, char *error, size_t error_bytes)
{
    struct tatp_options options = *(const struct tatp_options *)values;
    uint8_t mix[TATP_TXN_COUNT];
    if (!mix_read(options.mix, TATP_TXN_COUNT, mix, MIX_WANTED, error, error_bytes))
        return TARGET_INVALID;
    if (!target_is_transactional(&ops->promises) && mix[TATP_update_subscriber_data] > 0) {
        snprintf(error, error_bytes,
                 "target %s cannot roll back, as update_subscriber_data must: set mix to 36/10/36/0/14/2/2", ops->name);
        return TARGET_INVALID;
    }
    struct workload *workload = micro_create(&traits, ops, seed, workers, options.subscribers,
                                             sizeof(struct tatp_subscriber), sizeof(struct tatp_tally));
    if (!workload)
        return TARGET_NO_MEMORY;
    workload->options = options;
    workload->options.mix = NULL; /* it lasts for this call only */
    memcpy(workload->mix, mix, sizeof mix);
    workload->nurand_a = nurand_a(options.subscribers);
    *result = workload;
    return TARGET_OK;
}

static enum target_status setup(struct workload *workload, struct target *target, char *error, size_t error_bytes)
{
    const uint64_t n = workload->options.subscribers;
    const struct schema_table tables[TATP_TABLES] = {
        [TATP_SUBSCRIBER] = {"subscriber", {sizeof(struct tatp_subscriber), n}},
        [TATP_ACCESS] = {"access_info", {sizeof(struct tatp_access), n * 5 / 2}},
        [TATP_FACILITY] = {"special_facility", {sizeof(struct tatp_facility), n * 5 / 2}},
        [TATP_FORWARDING] = {"call_forwarding", {sizeof(struct tatp_forwarding), n * 15 / 4}},
    };
    const struct schema_index indexes[TATP_INDEXES] = {
        [TATP_SUBSCRIBER] = {"subscriber_key",
                             TATP_SUBSCRIBER,
                             {.kind = TARGET_INDEX_HASH, .key_bytes = 8, .expected_rows = n}},
        [TATP_ACCESS] = {"access_info_key",
                         TATP_ACCESS,
                         {.kind = TARGET_INDEX_HASH, .key_bytes = 8, .expected_rows = n * 5 / 2}},
        [TATP_FACILITY] = {"special_facility_key",
                           TATP_FACILITY,
                           {.kind = TARGET_INDEX_HASH, .key_bytes = 8, .expected_rows = n * 5 / 2}},
        [TATP_FORWARDING] = {"call_forwarding_key",
                             TATP_FORWARDING,
                             {.kind = TARGET_INDEX_ORDERED, .key_bytes = 8, .expected_rows = n * 15 / 4}},
        [TATP_NUMBER] = {"subscriber_number",
                         TATP_SUBSCRIBER,
                         {.kind = TARGET_INDEX_HASH, .key_bytes = TATP_NUMBER_BYTES, .expected_rows = n}},
    };
    const struct schema schema = {"tatp", tables, indexes, TATP_TABLES, TATP_INDEXES};
    return micro_create_all(workload, target, &schema, error, error_bytes);
}

/* ---- Load. ---- */

static uint64_t subscriber_at(void *arg, uint64_t i)
{
    (void)arg;
    return i + 1;
}

static void fill(void *arg, uint64_t id, void *data)
{
    tatp_fill_subscriber(arg, id, data);
}

static enum target_status insert(const struct workload *workload, struct target_txn *txn, unsigned table, uint64_t key,
                                 size_t bytes, void **data)
{
    return workload->micro.ops->insert(txn, workload->micro.indexes[table], &key, bytes, NULL, data);
}

static enum target_status insert_forwardings(const struct workload *workload, struct target_txn *txn,
                                             uint64_t facility_key)
{
    enum target_status status = TARGET_OK;
    for (unsigned start = 0; start < TATP_STARTS && status == TARGET_OK; start++) {
        uint64_t key = tatp_forwarding_key(facility_key, start);
        void *row;
        if (!tatp_is_loaded(workload, TATP_FORWARDING, key))
            continue;
        status = insert(workload, txn, TATP_FORWARDING, key, sizeof(struct tatp_forwarding), &row);
        if (status == TARGET_OK)
            tatp_fill_forwarding(key, start * TATP_START_HOURS + 1 + (unsigned)(rng_mix(key) % 8), row);
    }
    return status;
}

/* The subscriber's entry by number, and its rows in the other tables. */
static enum target_status fill_more(void *arg, struct target_txn *txn, uint64_t id, uint64_t ref)
{
    const struct workload *workload = arg;
    char number[TATP_NUMBER_BYTES];
    tatp_number(id, number);
    enum target_status status =
        workload->micro.ops->index_insert(txn, workload->micro.indexes[TATP_NUMBER], number, ref);
    for (unsigned kind = 0; kind < TATP_KINDS && status == TARGET_OK; kind++) {
        uint64_t key = tatp_kind_key(id, kind);
        void *row;
        if (tatp_is_loaded(workload, TATP_ACCESS, key)) {
            status = insert(workload, txn, TATP_ACCESS, key, sizeof(struct tatp_access), &row);
            if (status == TARGET_OK)
                tatp_fill_access(workload, key, row);
        }
        if (status == TARGET_OK && tatp_is_loaded(workload, TATP_FACILITY, key)) {
            status = insert(workload, txn, TATP_FACILITY, key, sizeof(struct tatp_facility), &row);
            if (status == TARGET_OK) {
                tatp_fill_facility(workload, key, row);
                status = insert_forwardings(workload, txn, key);
            }
        }
    }
    return status;
}

/* ---- Sizes. ---- */

static void data_size(const struct workload *workload, uint64_t *rows, uint64_t *bytes)
{
    uint64_t counts[TATP_TABLES] = {workload->options.subscribers, 0, 0, 0};
    for (uint64_t id = 1; id <= workload->options.subscribers; id++)
        for (unsigned kind = 0; kind < TATP_KINDS; kind++) {
            uint64_t key = tatp_kind_key(id, kind);
            counts[TATP_ACCESS] += tatp_is_loaded(workload, TATP_ACCESS, key);
            counts[TATP_FACILITY] += tatp_is_loaded(workload, TATP_FACILITY, key);
            for (unsigned start = 0; start < TATP_STARTS; start++)
                counts[TATP_FORWARDING] += tatp_is_loaded(workload, TATP_FORWARDING, tatp_forwarding_key(key, start));
        }
    for (unsigned i = 0; i < workload->micro.workers; i++)
        counts[TATP_FORWARDING] += (uint64_t)((const struct tatp_tally *)micro_tally(workload, i))->forwardings;
    *rows = counts[0] + counts[1] + counts[2] + counts[3];
    *bytes = counts[TATP_SUBSCRIBER] * (sizeof(struct tatp_subscriber) + TATP_NUMBER_BYTES) +
             counts[TATP_ACCESS] * sizeof(struct tatp_access) + counts[TATP_FACILITY] * sizeof(struct tatp_facility) +
             counts[TATP_FORWARDING] * sizeof(struct tatp_forwarding) + *rows * sizeof(uint64_t);
}

const struct workload_ops tatp_workload_ops = {
    .name = "tatp",
    .help = "TATP: four tables, seven short transactions of a register of subscribers",
    .options = option_table,
    .txn_types = tatp_txn_types,
    .presets = preset_names,
    .preset = preset,
    .create = create,
    .destroy = micro_destroy,
    .setup = setup,
    .load = micro_load,
    .worker_create = tatp_worker_create,
    .worker_destroy = micro_worker_destroy,
    .next = tatp_next,
    .attempt = micro_attempt,
    .operations = tatp_operations,
    .check = micro_check,
    .data_size = data_size,
    .space = micro_space,
};
