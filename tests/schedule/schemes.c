/*
 * schemes.c - random transactions under random schedules, on every scheme. Each case is one line of the table below and
 * is tried with each scheme: CASE=silo-move.
 *
 * Otherwise as tests/schedule/explore.c: `make schedule SCHEDULE=schemes SEED=...` repeats a round.
 */
#include "tests/support/explore.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "harness/targets/scheme_space.h"
#include "harness/targets/targets.h"
#include "tests/support/scheduler.h"

SCHEDULER_INTERPOSE

#define W(op) [EXPLORE_##op]

static const struct explore_case kinds[] = {
    {.name = "rows",
     .what = "reads, updates and blind writes of few rows",
     .weights = {W(READ) = 3, W(UPDATE) = 2, W(OVERWRITE) = 2, W(TRANSFER) = 1, W(SKEW) = 2, W(APPEND) = 1,
                 W(UPDATE_TWICE) = 1},
     .key_bytes = 8,
     .keys = 4,
     .payload_max = 32,
     .snapshot_percent = 15,
     .ops_max = 3},
    {.name = "hash",
     .what = "insert, delete, miss and update through a hash index",
     .weights = {W(INSERT) = 3, W(ERASE) = 3, W(READ) = 3, W(UPDATE) = 2, W(OVERWRITE) = 1, W(FIND) = 1,
                 W(INSERT_ERASE) = 1, W(REF_READ) = 1, W(PREFETCH) = 1},
     .key_bytes = 8,
     .keys = 6,
     .payload_max = 32,
     .snapshot_percent = 15,
     .idle_percent = 20,
     .rejoin_percent = 5,
     .ops_max = 4},
    {.name = "tree",
     .what = "the same and scans through an ordered index of long keys",
     .weights = {W(INSERT) = 3, W(ERASE) = 3, W(READ) = 2, W(UPDATE) = 1, W(OVERWRITE) = 1, W(SCAN) = 3,
                 W(SCAN_UPDATE) = 2, W(FIND) = 1, W(INSERT_ERASE) = 1},
     .ordered = true,
     .key_bytes = 64,
     .keys = 40,
     .payload_max = 16,
     .snapshot_percent = 15,
     .ops_max = 4},
    {.name = "many",
     .what = "a non-unique ordered index",
     .weights = {W(ROW_INSERT) = 3, W(ROW_ERASE) = 2, W(SCAN) = 3, W(SCAN_UPDATE) = 1, W(FIND) = 1},
     .ordered = true,
     .non_unique = true,
     .key_bytes = 16,
     .keys = 4,
     .payload_max = 16,
     .snapshot_percent = 10,
     .ops_max = 4},
    {.name = "move",
     .what = "entries of a hash index that move from row to row, without writes of the rows",
     .weights = {W(MOVE) = 3, W(PAIR) = 4, W(READ) = 1, W(UPDATE) = 1, W(OVERWRITE) = 1, W(ROW_INSERT) = 1,
                 W(ROW_ERASE) = 1},
     .key_bytes = 8,
     .keys = 4,
     .payload_max = 16,
     .snapshot_percent = 10,
     .ops_max = 3},
    {.name = "move-ordered",
     .what = "the same in an ordered index",
     .weights = {W(MOVE) = 3, W(PAIR) = 4, W(READ) = 1, W(UPDATE) = 1, W(OVERWRITE) = 1, W(ROW_INSERT) = 1,
                 W(ROW_ERASE) = 1},
     .ordered = true,
     .key_bytes = 16,
     .keys = 4,
     .payload_max = 16,
     .snapshot_percent = 10,
     .ops_max = 3},
    {.name = "alias",
     .what = "several entries of a row, which go with it",
     .weights = {W(ALIAS) = 3, W(UNALIAS) = 1, W(ROW_INSERT) = 2, W(ROW_ERASE) = 3, W(READ) = 2, W(UPDATE) = 1},
     .key_bytes = 8,
     .keys = 3,
     .payload_max = 16,
     .snapshot_percent = 10,
     .ops_max = 3},
    {.name = "table",
     .what = "scans of a table whose rows come and go", /* large ones, of which a worker takes few at once */
     .weights = {W(INSERT) = 2, W(ERASE) = 2, W(UPDATE) = 1, W(READ) = 1},
     .key_bytes = 8,
     .keys = 6,
     .payload_max = 8192,
     .snapshot_percent = 60,
     .ops_max = 3},
};

enum { KINDS = sizeof kinds / sizeof kinds[0], SCHEMES_MAX = 48, NAME_BYTES = 64 };

/* What a scheme is tried with, beside its defaults. Every scheme also gets its entries at once: eager-silo-move. */
static const struct variant {
    const char *target, *name;
    struct target_key_value settings[4];
} variants[] = {
    {NULL, "eager", {{"index_insert", "eager"}}},
    {"bamboo", "bamboo-kept", {{"retire", "off"}}},
    {"ermia", "ermia-moves", {{"collect_after", "1"}}}, /* versions move into their rows (schemes/base/chain.h: C8) */
    {"hekaton", "hekaton-moves", {{"collect_after", "1"}}},
    {"mocc", "mocc-locks", {{"hot_threshold", "0"}}},
    {"mocc", "mocc-queues", {{"hot_threshold", "0"}, {"lock", "mql"}}},
    {"mocc", "mocc-warms", {{"hot_threshold", "1"}, {"temperature", "row"}, {"rll", "off"}}},
    {"polaris", "polaris-now", {{"raise_after", "0"}, {"raise_every", "1"}}},
    {"silo", "silo-no_wait", {{"validation_lock", "no_wait"}, {"pre_abort", "off"}}},
    {"silo", "silo-retry", {{"validation_lock", "retry"}}},
    {"twopl", "twopl-wait_die", {{"lock_wait", "wait_die"}}},
    {"twopl", "twopl-wound_wait", {{"lock_wait", "wound_wait"}}},
    {"twopl", "twopl-detect", {{"lock_wait", "detect"}, {"detect_us", "1"}, {"timeout_us", "1000000"}}},
};

int main(int argc, char **argv)
{
    static struct explore_case cases[SCHEMES_MAX * KINDS + 1];
    static char names[SCHEMES_MAX * KINDS][NAME_BYTES];
    static const struct target_key_value plain[] = {
        {"huge_pages", "off"}, {"memory_limit", "64M"}, {"backoff", "off"}, {NULL, NULL}};
    static struct target_key_value settings[SCHEMES_MAX][8];
    const struct target_ops *target;
    size_t count = 0, lines = 0;
    for (size_t i = 0; (target = target_at(i)) != NULL; i++)
        for (size_t v = 0; v <= sizeof variants / sizeof variants[0]; v++) {
            const struct variant *variant = v ? &variants[v - 1] : NULL;
            if (target->memory != scheme_memory || target->promises.isolation != TARGET_ISOLATION_SERIALIZABLE ||
                (variant && variant->target && strcmp(variant->target, target->name) != 0))
                continue;
            MAE_CHECK(lines < SCHEMES_MAX);
            struct target_key_value *own = settings[lines++];
            memcpy(own, plain, sizeof plain);
            if (variant)
                memcpy(own + 3, variant->settings, sizeof variant->settings);
            for (size_t k = 0; k < KINDS; k++, count++) {
                bool named = variant && variant->target;
                snprintf(names[count], NAME_BYTES, "%s%s-%s", variant && !named ? "eager-" : "",
                         named ? variant->name : target->name, kinds[k].name);
                cases[count] = kinds[k];
                cases[count].name = names[count];
                cases[count].target = target;
                cases[count].settings = own;
            }
        }
    return explore_main(cases, argc, argv);
}
