/* collect.c - see collect.h. */
#include "harness/proof/collect.h"

#include "harness/proof/text.h"

/* ---- Containers. ---- */

enum { MAP_BITS_FIRST = 6 };

void history_map_clear(struct history_map *map)
{
    map->count = 0;
    if (map->bits)
        memset(map->slots, 0, sizeof *map->slots << map->bits);
}

void history_map_fini(struct history_map *map)
{
    free(map->slots);
    memset(map, 0, sizeof *map);
}

/* The slot of a name, or the one to put it in. */
static struct history_map_slot *map_slot(const struct history_map *map, uint64_t name)
{
    uint64_t mask = (UINT64_C(1) << map->bits) - 1, hash = name * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t at = (hash ^ hash >> 29) & mask;
    while (map->slots[at].number && map->slots[at].name != name) /* ends: at least half are free */
        at = (at + 1) & mask;
    return &map->slots[at];
}

static void map_grow(struct history_map *map)
{
    struct history_map larger = {.bits = map->bits ? map->bits + 1 : MAP_BITS_FIRST, .count = map->count};
    larger.slots = support_alloc(sizeof *larger.slots << larger.bits);
    for (size_t i = 0; map->bits && i < (size_t)1 << map->bits; i++)
        if (map->slots[i].number)
            *map_slot(&larger, map->slots[i].name) = map->slots[i];
    history_map_fini(map);
    *map = larger;
}

uint32_t history_map_number(struct history_map *map, uint64_t name)
{
    if (map->bits == 0 || map->count >= (UINT64_C(1) << map->bits) / 2)
        map_grow(map);
    struct history_map_slot *slot = map_slot(map, name);
    if (!slot->number)
        *slot = (struct history_map_slot){name, ++map->count};
    return slot->number - 1;
}

uint32_t history_map_find(const struct history_map *map, uint64_t name)
{
    const struct history_map_slot *slot = map->bits ? map_slot(map, name) : NULL;
    return slot != NULL && slot->number ? slot->number - 1 : HISTORY_NOBODY;
}

void *history_array_add(struct history_array *array, size_t item_bytes)
{
    if (array->count == array->capacity) {
        array->capacity = array->capacity ? 2 * array->capacity : 64;
        array->items = support_realloc(array->items, array->capacity * item_bytes);
    }
    void *item = (char *)array->items + array->count++ * item_bytes;
    memset(item, 0, item_bytes);
    return item;
}

uint64_t history_pair(uint64_t first, uint64_t second)
{
    uint64_t x = (first ^ second * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xd6e8feb86659fd93);
    return (x ^ x >> 32) * UINT64_C(0x9E3779B97F4A7C15) ^ second;
}

/* ---- Findings. ---- */

bool history_finding(struct history_checker *checker, enum history_anomaly anomaly)
{
    struct history_verdict *verdict = checker->verdict;
    bool allowed = history_anomaly_is_allowed(checker->promises, anomaly);
    verdict->findings[anomaly]++;
    verdict->allowed += allowed;
    verdict->found += !allowed;
    if (allowed || verdict->found > HISTORY_FINDINGS_SHOWN)
        return false;
    support_text_add(&verdict->report, "%s: %s\n", history_anomalies[anomaly].name, history_anomalies[anomaly].meaning);
    return true;
}

const char *history_record_text(const struct history_checker *checker, const uint64_t *words)
{
    static char text[2048];
    FILE *out = fmemopen(text, sizeof text, "w");
    if (out == NULL)
        return "";
    history_print_record(checker->history, words, out);
    fclose(out);
    text[sizeof text - 1] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

void history_describe(struct history_checker *checker, const struct history_txn *txn)
{
    enum { SHOWN_MAX = 64 };
    unsigned shown = 0;
    for (const uint64_t *at = txn->words; at < txn->end && shown < SHOWN_MAX; shown++) {
        support_text_add(&checker->verdict->report, "  %s%s\n", shown ? "  " : "", history_record_text(checker, at));
        at += history_record_words(checker->history, at, (size_t)(txn->end - at));
    }
    if (shown == SHOWN_MAX)
        support_text_add(&checker->verdict->report, "    ...\n");
}

/* ---- Collecting. ---- */

static bool malformed(struct history_checker *checker, const char *what)
{
    if (history_finding(checker, HISTORY_ANOMALY_MALFORMED))
        support_text_add(&checker->verdict->report, "  %s\n", what);
    return false;
}

static void collect_txn(struct history_checker *checker, const uint64_t *begin, const uint64_t *end_record,
                        const uint64_t *end)
{
    bool committed = history_kind(end_record[0]) == HISTORY_COMMIT;
    struct history_txn *txn = history_array_add(committed ? &checker->txns : &checker->aborted, sizeof *txn);
    *txn = (struct history_txn){begin[1], committed ? end_record[1] : 0, begin, end,
                                history_a(begin[0]) & HISTORY_SNAPSHOT};
}

static bool collect_stream(struct history_checker *checker, size_t number)
{
    const struct history *history = checker->history;
    const struct history_stream *stream = &history->streams[number];
    const uint64_t *begin = NULL;
    size_t words;
    for (size_t at = 0; at < stream->count; at += words) {
        const uint64_t *record = stream->words + at;
        words = history_record_words(history, record, stream->count - at);
        if (words == 0)
            return malformed(checker, support_short("stream %zu, word %zu: no record", number, at));
        enum history_kind kind = history_kind(record[0]);
        checker->verdict->records++;
        if ((kind == HISTORY_BEGIN) != (begin == NULL) && kind != HISTORY_INDEX)
            return malformed(checker, support_short("stream %zu, word %zu: %s", number, at,
                                                    begin ? "a transaction begins inside another"
                                                          : "a record outside of a transaction"));
        if (kind == HISTORY_BEGIN) {
            begin = record;
        } else if (kind == HISTORY_COMMIT || kind == HISTORY_ABORT) {
            collect_txn(checker, begin, record, record + words);
            begin = NULL;
        } else if (kind == HISTORY_ADD) {
            const uint64_t **key = history_array_add(&checker->entries[history_b(record[0])], sizeof *key);
            *key = record + 1;
            checker->any_entries = true;
        } else if (kind == HISTORY_APPLY) {
            checker->any_applies = true;
        }
    }
    if (begin != NULL) /* the worker was stopped in the middle: nobody can have seen what it did not decide */
        checker->verdict->aborted++;
    return true;
}

static int compare_txns(const void *x, const void *y)
{
    const struct history_txn *a = x, *b = y;
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    if (a->snapshot != b->snapshot)
        return (int)a->snapshot - (int)b->snapshot;
    return a->name < b->name ? -1 : a->name > b->name;
}

static const struct history_index *sorting;

static int compare_entries(const void *x, const void *y)
{
    const uint64_t *a = *(const uint64_t *const *)x, *b = *(const uint64_t *const *)y;
    int order = history_key_compare(sorting, a, b);
    if (order || !sorting->non_unique)
        return order;
    a += sorting->key_words;
    b += sorting->key_words;
    return *a < *b ? -1 : *a > *b;
}

static void sort_entries(struct history_checker *checker, unsigned index)
{
    struct history_array *array = &checker->entries[index];
    const uint64_t **keys = array->items;
    size_t kept = 0;
    sorting = &checker->history->indexes[index];
    if (array->count)
        qsort(keys, array->count, sizeof *keys, compare_entries);
    for (size_t i = 0; i < array->count; i++)
        if (kept == 0 || compare_entries(&keys[kept - 1], &keys[i]) != 0)
            keys[kept++] = keys[i];
    array->count = kept;
}

size_t history_entry_bound(const struct history_checker *checker, unsigned index, const uint64_t *key, uint64_t ref)
{
    const struct history_index *info = &checker->history->indexes[index];
    const struct history_array *array = &checker->entries[index];
    const uint64_t *const *keys = array->items;
    size_t low = 0, high = array->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = history_key_compare(info, keys[middle], key);
        if (order == 0 && info->non_unique)
            order = keys[middle][info->key_words] < ref ? -1 : 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare_named(const void *x, const void *y)
{
    const struct history_named *a = x, *b = y;
    return a->name < b->name ? -1 : a->name > b->name;
}

static void name_all(struct history_checker *checker, const struct history_array *txns, bool aborted)
{
    for (size_t i = 0; i < txns->count; i++) {
        struct history_named *named = history_array_add(&checker->named, sizeof *named);
        *named = (struct history_named){((const struct history_txn *)txns->items)[i].name, (uint32_t)i, aborted};
    }
}

static bool sort_names(struct history_checker *checker)
{
    checker->named.count = 0;
    name_all(checker, &checker->txns, false);
    name_all(checker, &checker->aborted, true);
    const struct history_named *named = checker->named.items;
    if (checker->named.count)
        qsort(checker->named.items, checker->named.count, sizeof *named, compare_named);
    for (size_t i = 1; i < checker->named.count; i++)
        if (named[i - 1].name == named[i].name)
            return malformed(checker,
                             support_short("two transactions have the name %s", history_name_text(named[i].name)));
    return true;
}

static const struct history_named *find_named(const struct history_checker *checker, uint64_t name)
{
    const struct history_named wanted = {.name = name};
    return checker->named.count
               ? bsearch(&wanted, checker->named.items, checker->named.count, sizeof wanted, compare_named)
               : NULL;
}

const struct history_txn *history_find(const struct history_checker *checker, uint64_t name)
{
    const struct history_named *named = find_named(checker, name);
    return named != NULL && !named->aborted ? history_txn_at(checker, named->place) : NULL;
}

bool history_was_aborted(const struct history_checker *checker, uint64_t name)
{
    const struct history_named *named = find_named(checker, name);
    return named != NULL && named->aborted;
}

bool history_was_committed(const struct history_checker *checker, uint64_t name)
{
    return history_find(checker, name) != NULL;
}

/* Sorted by their places; two writers may not have the same one. */
static void put_in_order(struct history_checker *checker)
{
    checker->ordered = checker->promises->isolation == TARGET_ISOLATION_SERIALIZABLE;
    for (size_t i = 0; i < checker->txns.count; i++)
        checker->ordered &= history_txn_at(checker, i)->ts != 0;
    if (!checker->ordered)
        return;
    if (checker->txns.count)
        qsort(checker->txns.items, checker->txns.count, sizeof(struct history_txn), compare_txns);
    for (size_t i = 1; i < checker->txns.count; i++) {
        const struct history_txn *txn = history_txn_at(checker, i);
        if (txn[-1].ts == txn->ts && !txn->snapshot && history_finding(checker, HISTORY_ANOMALY_TIMESTAMP_TWICE)) {
            history_describe(checker, txn - 1);
            history_describe(checker, txn);
        }
    }
}

bool history_collect(struct history_checker *checker, const struct history *history,
                     const struct target_promises *promises, struct history_verdict *verdict)
{
    checker->history = history;
    checker->promises = promises;
    checker->verdict = verdict;
    checker->txns.count = checker->aborted.count = 0;
    if (checker->any_entries)
        for (unsigned i = 0; i < HISTORY_INDEXES_MAX; i++)
            checker->entries[i].count = 0;
    checker->any_entries = checker->any_applies = false;
    for (size_t i = 0; i < checker->history->stream_count; i++)
        if (!collect_stream(checker, i))
            return false;
    put_in_order(checker);
    if (checker->any_applies && !checker->ordered)
        return malformed(checker, "it has 'apply', which only an order of all transactions can place: each commit must "
                                  "tell its place, and the level be serializable");
    if (!sort_names(checker))
        return false;
    for (unsigned i = 0; checker->any_entries && i < HISTORY_INDEXES_MAX; i++)
        sort_entries(checker, i);
    checker->verdict->ordered = checker->ordered;
    checker->verdict->committed = checker->txns.count;
    checker->verdict->aborted += checker->aborted.count;
    for (size_t i = 0; i < checker->txns.count; i++)
        checker->verdict->snapshots += history_txn_at(checker, i)->snapshot;
    return true;
}
