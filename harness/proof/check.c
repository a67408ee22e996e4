/* check.c - collecting a history's transactions, and what its two checks have in common; see check.h. */
#include "harness/proof/check.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/proof/internal.h"

const char *history_anomaly_name(enum history_anomaly anomaly)
{
    static const char *const names[] = {
#define HISTORY_ANOMALY_NAME(name, text, meaning) text,
        HISTORY_ANOMALIES(HISTORY_ANOMALY_NAME)
#undef HISTORY_ANOMALY_NAME
    };
    return names[anomaly];
}

const char *history_anomaly_meaning(enum history_anomaly anomaly)
{
    static const char *const meanings[] = {
#define HISTORY_ANOMALY_MEANING(name, text, meaning) meaning,
        HISTORY_ANOMALIES(HISTORY_ANOMALY_MEANING)
#undef HISTORY_ANOMALY_MEANING
    };
    return meanings[anomaly];
}

void history_verdict_fini(struct history_verdict *verdict)
{
    free(verdict->report.text);
    memset(verdict, 0, sizeof *verdict);
}

/* ---- Containers. ---- */

enum { MAP_BITS_FIRST = 6 };

static uint64_t map_hash(uint64_t name)
{
    name *= UINT64_C(0x9E3779B97F4A7C15);
    return name ^ name >> 29;
}

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
    uint64_t mask = (UINT64_C(1) << map->bits) - 1, at = map_hash(name) & mask;
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

/* ---- Findings. ---- */

bool history_finding(struct history_checker *checker, enum history_anomaly anomaly)
{
    struct history_verdict *verdict = checker->verdict;
    verdict->findings[anomaly]++;
    if (++verdict->found > HISTORY_FINDINGS_SHOWN)
        return false;
    support_text_add(&verdict->report, "%s: %s\n", history_anomaly_name(anomaly), history_anomaly_meaning(anomaly));
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

__attribute__((format(printf, 2, 3))) static bool malformed(struct history_checker *checker, const char *format, ...)
{
    if (history_finding(checker, HISTORY_ANOMALY_MALFORMED)) {
        char text[256];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        support_text_add(&checker->verdict->report, "  %s\n", text);
    }
    return false;
}

static bool collect_stream(struct history_checker *checker, size_t number)
{
    const struct history *history = checker->history;
    const struct history_stream *stream = &history->streams[number];
    const uint64_t *begin = NULL;
    uint64_t moved = 0;
    size_t words;
    for (size_t at = 0; at < stream->count; at += words) {
        const uint64_t *record = stream->words + at;
        words = history_record_words(history, record, stream->count - at);
        if (words == 0)
            return malformed(checker, "stream %zu, word %zu: no record", number, at);
        enum history_kind kind = history_kind(record[0]);
        checker->verdict->records++;
        if ((kind == HISTORY_BEGIN) != (begin == NULL) && kind != HISTORY_INDEX)
            return malformed(checker, "stream %zu, word %zu: %s", number, at,
                             begin ? "a transaction begins inside another" : "a record outside of a transaction");
        if (kind == HISTORY_BEGIN) {
            begin = record;
        } else if (kind == HISTORY_COMMIT || kind == HISTORY_ABORT) {
            struct history_txn *txn =
                history_array_add(kind == HISTORY_COMMIT ? &checker->txns : &checker->aborted, sizeof *txn);
            *txn = (struct history_txn){moved ? moved : begin[1], begin, record + words,
                                        history_a(begin[0]) & HISTORY_SNAPSHOT};
            begin = NULL;
            moved = 0;
        } else if (kind == HISTORY_MOVED) {
            struct history_moved *move = history_array_add(&checker->moved, sizeof *move);
            *move = (struct history_moved){record[2], record[1]};
            moved = record[1];
        } else if (kind == HISTORY_ADD) {
            const uint64_t **key = history_array_add(&checker->entries[history_b(record[0])], sizeof *key);
            *key = record + 1;
            checker->any_entries = true;
        }
    }
    if (begin != NULL) /* the worker was stopped in the middle: nobody can have seen what it did not decide */
        checker->verdict->aborted++;
    return true;
}

static int compare_moved(const void *x, const void *y)
{
    const struct history_moved *a = x, *b = y;
    return a->from < b->from ? -1 : a->from > b->from;
}

uint64_t history_final(const struct history_checker *checker, uint64_t ts)
{
    if (checker->moved.count == 0)
        return ts;
    const struct history_moved wanted = {ts, 0}, *found = bsearch(&wanted, checker->moved.items, checker->moved.count,
                                                                  sizeof *found, compare_moved);
    return found ? found->to : ts;
}

static int compare_txns(const void *x, const void *y)
{
    const struct history_txn *a = x, *b = y;
    if (a->ts != b->ts)
        return a->ts < b->ts ? -1 : 1;
    return (int)a->snapshot - (int)b->snapshot;
}

/* Streams are in order or nearly so: sorted runs are merged. */
static void sort_txns(struct history_array *array)
{
    struct history_txn *from = array->items, *to;
    size_t count = array->count;
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = compare_txns(&from[i - 1], &from[i]) <= 0;
    if (sorted)
        return;
    if (count < 64) {
        for (size_t i = 1; i < count; i++) {
            struct history_txn moved = from[i];
            size_t j = i;
            for (; j > 0 && compare_txns(&from[j - 1], &moved) > 0; j--)
                from[j] = from[j - 1];
            from[j] = moved;
        }
        return;
    }
    struct history_txn *spare = support_alloc(array->capacity * sizeof *spare);
    to = spare;
    for (bool done = false; !done;) {
        size_t out = 0, runs = 0;
        for (size_t i = 0; i < count; runs++) {
            size_t a_end = i + 1, b_end;
            while (a_end < count && compare_txns(&from[a_end - 1], &from[a_end]) <= 0)
                a_end++;
            b_end = a_end < count ? a_end + 1 : a_end;
            while (b_end < count && compare_txns(&from[b_end - 1], &from[b_end]) <= 0)
                b_end++;
            for (size_t a = i, b = a_end; a < a_end || b < b_end;)
                to[out++] = b == b_end || (a < a_end && compare_txns(&from[a], &from[b]) <= 0) ? from[a++] : from[b++];
            i = b_end;
        }
        struct history_txn *swap = from;
        from = to;
        to = swap;
        done = runs <= 1;
    }
    array->items = from;
    free(to);
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

static bool find_ts(const struct history_array *array, uint64_t ts)
{
    const struct history_txn *txns = array->items;
    size_t low = 0, high = array->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (txns[middle].ts < ts)
            low = middle + 1;
        else
            high = middle;
    }
    return low < array->count && txns[low].ts == ts && !txns[low].snapshot;
}

bool history_was_aborted(const struct history_checker *checker, uint64_t ts)
{
    return find_ts(&checker->aborted, ts);
}

bool history_was_committed(const struct history_checker *checker, uint64_t ts)
{
    return find_ts(&checker->txns, ts);
}

bool history_collect(struct history_checker *checker, const struct history *history, struct history_verdict *verdict)
{
    checker->history = history;
    checker->verdict = verdict;
    checker->txns.count = checker->aborted.count = checker->moved.count = 0;
    if (checker->any_entries)
        for (unsigned i = 0; i < HISTORY_INDEXES_MAX; i++)
            checker->entries[i].count = 0;
    checker->any_entries = false;
    for (size_t i = 0; i < checker->history->stream_count; i++)
        if (!collect_stream(checker, i))
            return false;
    if (checker->moved.count)
        qsort(checker->moved.items, checker->moved.count, sizeof(struct history_moved), compare_moved);
    sort_txns(&checker->txns);
    sort_txns(&checker->aborted);
    for (unsigned i = 0; checker->any_entries && i < HISTORY_INDEXES_MAX; i++)
        sort_entries(checker, i);
    checker->verdict->committed = checker->txns.count;
    checker->verdict->aborted += checker->aborted.count;
    for (size_t i = 0; i < checker->txns.count; i++) {
        const struct history_txn *txn = history_txn_at(checker, i);
        checker->verdict->snapshots += txn->snapshot;
        if (i && txn[-1].ts == txn->ts && !txn->snapshot && history_finding(checker, HISTORY_ANOMALY_TIMESTAMP_TWICE)) {
            history_describe(checker, txn - 1);
            history_describe(checker, txn);
        }
    }
    return true;
}

/* ---- The whole. ---- */

struct history_checker *history_checker_create(void)
{
    return support_alloc(sizeof(struct history_checker));
}

void history_checker_destroy(struct history_checker *checker)
{
    if (checker == NULL)
        return;
    for (unsigned i = 0; i < HISTORY_INDEXES_MAX; i++) {
        free(checker->entries[i].items);
        free(checker->entry_states[i].items);
        free(checker->entry_present[i].items);
    }
    struct history_array *arrays[] = {&checker->txns,           &checker->aborted,  &checker->moved,
                                      &checker->states,         &checker->tables,   &checker->edges,
                                      &checker->objects_states, &checker->versions, &checker->unresolved};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]->items);
    history_map_fini(&checker->registers);
    history_map_fini(&checker->objects);
    free(checker);
}

struct graph_job {
    struct history_checker *checker;
    bool forward;
};

static void *graph_run(void *arg)
{
    struct graph_job *job = arg;
    job->forward = history_graph_is_forward(job->checker);
    return NULL;
}

/* The two checks share nothing they write; side by side when that is worth a thread. */
static void check_both(struct history_checker *checker)
{
    enum { WORTH_A_THREAD = 10000 };
    struct graph_job job = {.checker = checker};
    pthread_t thread;
    bool parallel = checker->txns.count >= WORTH_A_THREAD && pthread_create(&thread, NULL, graph_run, &job) == 0;
    history_replay(checker);
    if (parallel)
        pthread_join(thread, NULL);
    else
        (void)graph_run(&job);
    if (!job.forward || checker->verdict->found)
        history_graph_search(checker);
}

bool history_check(struct history_checker *checker, const struct history *history, struct history_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    if (history_collect(checker, history, verdict))
        check_both(checker);
    if (verdict->found > HISTORY_FINDINGS_SHOWN)
        support_text_add(&verdict->report, "... and %" PRIu64 " findings more\n",
                         verdict->found - HISTORY_FINDINGS_SHOWN);
    return verdict->found == 0;
}
