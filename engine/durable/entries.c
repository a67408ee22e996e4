/* entries.c - see entries.h. */
#include "engine/durable/entries.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/index/bulk.h"
#include "engine/store/restore.h"

/* Followed by the key, and zeros up to a multiple of 8 bytes. So what begins with `key_bytes` is a key as indexes take
 * it that have keys of variable length. */
struct entry {
    uint64_t row, ts;
    uint32_t sequence;
    bool added;
    uint8_t unused[2];
    uint8_t key_bytes;
};
static_assert(offsetof(struct entry, key_bytes) + 1 == sizeof(struct entry), "the key stands right behind its length");

enum {
    LIST_FIRST_BYTES = 1 << 12,
    SAMPLES_EACH = 64, /* of a part */
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
    PASSES = (64 + DIGIT_BITS - 1) / DIGIT_BITS,
    AHEAD_ENTRIES = 16, /* so early the entry is asked for, and half as early its row */
#ifdef MAE_DEBUG
    SHARE_LEAST = 2,
    DIGITS_LEAST = 8,
#else
    SHARE_LEAST = 4096,  /* fewer are sorted before there is a thread for them */
    DIGITS_LEAST = 1024, /* fewer are sorted sooner by comparing */
#endif
};

/* ---- Gathering. ---- */

static size_t entry_bytes(size_t key_bytes)
{
    return sizeof(struct entry) + padded(key_bytes, 8);
}

enum mae_status entries_init(struct entries *entries, const struct durable_host *host, unsigned part_count)
{
    struct durable_index index;
    *entries = (struct entries){.host = host, .part_count = part_count};
    for (uint64_t last = 0; host->index_after(host->owner, last, &index); last = index.number)
        entries->index_count++;
    entries->indexes = mem_alloc((entries->index_count + 1) * sizeof *entries->indexes);
    if (!entries->indexes)
        return MAE_NO_MEMORY;
    for (size_t i = 0; i < entries->index_count; i++)
        (void)host->index_after(host->owner, i > 0 ? entries->indexes[i - 1].number : 0, &entries->indexes[i]);
    for (unsigned i = 0; i < part_count; i++)
        if (!(entries->lists[i] = mem_alloc((entries->index_count + 1) * sizeof *entries->lists[i])))
            return MAE_NO_MEMORY;
    return MAE_OK;
}

static void free_lists(struct entries *entries, size_t index)
{
    for (unsigned i = 0; i < entries->part_count; i++)
        if (entries->lists[i]) {
            free(entries->lists[i][index].bytes);
            entries->lists[i][index] = (struct entries_list){.bytes = NULL};
        }
}

void entries_fini(struct entries *entries)
{
    for (size_t i = 0; i < entries->index_count; i++)
        free_lists(entries, i);
    for (unsigned i = 0; i < entries->part_count; i++)
        free(entries->lists[i]);
    free(entries->indexes);
}

static bool list_make_room(struct entries_list *list, size_t bytes)
{
    if (list->capacity - list->used >= bytes)
        return true;
    char *longer = mem_double(list->bytes, &list->capacity, LIST_FIRST_BYTES, 1);
    if (longer)
        list->bytes = longer;
    return longer;
}

enum mae_status entries_note(struct entries *entries, unsigned part, uint64_t ts, uint32_t sequence,
                             const struct piece *piece)
{
    size_t at = 0, bytes = entry_bytes(piece->key_bytes);
    while (at < entries->index_count && entries->indexes[at].number != piece->object)
        at++;
    if (at == entries->index_count)
        return MAE_NOT_FOUND;
    if (!index_has_keys_of(&entries->indexes[at].config, piece->key_bytes))
        return MAE_CORRUPT;
    struct entries_list *list = &entries->lists[part][at];
    if (!list_make_room(list, bytes))
        return MAE_NO_MEMORY;
    const struct entry entry = {.row = piece->row,
                                .ts = ts,
                                .sequence = sequence,
                                .added = piece->kind == PIECE_ADD,
                                .key_bytes = piece->key_bytes};
    char *to = list->bytes + list->used;
    memset(to + bytes - 8, 0, 8);
    memcpy(to, &entry, sizeof entry);
    memcpy(to + sizeof entry, piece + 1, piece->key_bytes);
    list->used += bytes;
    list->count++;
    return MAE_OK;
}

/* ---- One index. ---- */

struct item {
    uint64_t order; /* of the index: ascends as its entries do, not always strictly */
    const struct entry *entry;
};

struct build {
    struct entries *entries;
    struct mae_worker *const *workers;
    size_t at; /* in entries->indexes */
    const struct durable_index *index;
    unsigned parts;
    size_t count;
    struct item *items, *other;                /* as many */
    uint64_t cuts[PARALLEL_MAX];               /* each part but the first begins with this order */
    size_t counts[PARALLEL_MAX][PARALLEL_MAX]; /* by thread and part; then where they go */
    size_t from[PARALLEL_MAX + 1], kept[PARALLEL_MAX];
    struct tree_run runs[PARALLEL_MAX];
    enum mae_status statuses[PARALLEL_MAX];
};

static size_t share(const struct build *build, unsigned i)
{
    return (size_t)((unsigned __int128)build->count * i / build->parts);
}

/* The entry's key as the index takes it. */
static const void *key_of(const struct durable_index *index, const struct entry *entry)
{
    return index->config.variable ? (const char *)entry + offsetof(struct entry, key_bytes) : (const char *)(entry + 1);
}

/* Lists the items of every `parts`-th list. */
static void list_items(void *arg, unsigned i)
{
    struct build *build = arg;
    const struct durable_index *index = build->index;
    size_t to = 0;
    for (unsigned j = 0; j < build->entries->part_count; j++) {
        const struct entries_list *list = &build->entries->lists[j][build->at];
        const char *at = list->bytes;
        for (size_t k = 0; j % build->parts == i && k < list->count; k++) {
            const struct entry *entry = (const struct entry *)(const void *)at;
            const void *key = key_of(index, entry);
            uint64_t order = index->hash ? hash_index_order(index->hash, key) : tree_index_order(index->tree, key);
            build->items[to + k] = (struct item){.order = order, .entry = entry};
            at += entry_bytes(entry->key_bytes);
        }
        to += list->count;
    }
}

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void choose_cuts(struct build *build)
{
    uint64_t samples[PARALLEL_MAX * SAMPLES_EACH];
    size_t count = (size_t)build->parts * SAMPLES_EACH;
    for (size_t i = 0; i < count; i++)
        samples[i] = build->items[(size_t)((unsigned __int128)build->count * i / count)].order;
    qsort(samples, count, sizeof *samples, by_value);
    for (unsigned i = 1; i < build->parts; i++)
        build->cuts[i] = samples[(size_t)i * SAMPLES_EACH];
}

static unsigned part_of(const struct build *build, uint64_t order)
{
    unsigned part = 0;
    for (unsigned i = 1; i < build->parts; i++)
        part += order >= build->cuts[i];
    return part;
}

static void count_shares(void *arg, unsigned i)
{
    struct build *build = arg;
    for (size_t k = share(build, i), end = share(build, i + 1); k < end; k++)
        build->counts[i][part_of(build, build->items[k].order)]++;
}

/* Where the first item of each part and thread goes, instead of how many there are. */
static void place_shares(struct build *build)
{
    size_t at = 0;
    for (unsigned part = 0; part < build->parts; part++) {
        build->from[part] = at;
        for (unsigned i = 0; i < build->parts; i++) {
            size_t count = build->counts[i][part];
            build->counts[i][part] = at;
            at += count;
        }
    }
    build->from[build->parts] = at;
}

static void put_shares(void *arg, unsigned i)
{
    struct build *build = arg;
    for (size_t k = share(build, i), end = share(build, i + 1); k < end; k++)
        build->other[build->counts[i][part_of(build, build->items[k].order)]++] = build->items[k];
}

/* ---- Sorting a part. ---- */

/* Sorts at least one item by order. Uses `spare`, which has as many places; the result is in `items`. */
static void sort_by_order(struct item *items, struct item *spare, size_t count)
{
    size_t starts[PASSES][DIGITS] = {0};
    struct item *from = items, *to = spare;
    for (size_t k = 0; k < count; k++)
        for (unsigned pass = 0; pass < PASSES; pass++)
            starts[pass][items[k].order >> pass * DIGIT_BITS & (DIGITS - 1)]++;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        size_t *start = starts[pass], sum = 0;
        if (start[from[0].order >> pass * DIGIT_BITS & (DIGITS - 1)] == count)
            continue; /* all are equal in this digit */
        for (unsigned digit = 0; digit < DIGITS; digit++) {
            size_t here = start[digit];
            start[digit] = sum;
            sum += here;
        }
        for (size_t k = 0; k < count; k++)
            to[start[from[k].order >> pass * DIGIT_BITS & (DIGITS - 1)]++] = from[k];
        struct item *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

static int compare_words(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* 0: they are the same entry. */
static int compare_names(const struct item *a, const struct item *b)
{
    const uint8_t a_bytes = a->entry->key_bytes, b_bytes = b->entry->key_bytes;
    int result = compare_words(a->order, b->order);
    if (result == 0)
        result = memcmp(a->entry + 1, b->entry + 1, a_bytes < b_bytes ? a_bytes : b_bytes);
    if (result == 0 && !MUTATED(entry_length_ignored))
        result = compare_words(a_bytes, b_bytes);
    return result ? result : compare_words(a->entry->row, b->entry->row);
}

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    int result = compare_names(a, b);
    if (result == 0)
        result = compare_words(a->entry->ts, b->entry->ts);
    return result ? result : compare_words(a->entry->sequence, b->entry->sequence);
}

/* Keeps the last piece of each entry, if it adds it. */
static size_t keep_last(struct item *items, size_t count)
{
    size_t kept = 0;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && compare_names(&items[first], &items[end]) == 0;)
            end++;
        const struct item last = items[MUTATED(entry_first_counts) ? first : end - 1];
        if (last.entry->added)
            items[kept++] = last;
    }
    return kept;
}

/* Sorts what has the same order. */
static void sort_equals(struct item *items, size_t count)
{
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && items[end].order == items[first].order;)
            end++;
        if (end - first > 1)
            qsort(items + first, end - first, sizeof *items, compare_items);
    }
}

static void sort_part(void *arg, unsigned i)
{
    struct build *build = arg;
    size_t from = build->from[i], count = build->from[i + 1] - from;
    struct item *items = build->other + from;
    if (count >= DIGITS_LEAST) {
        sort_by_order(items, build->items + from, count);
        sort_equals(items, count);
    } else if (count > 1) {
        qsort(items, count, sizeof *items, compare_items);
    }
    build->kept[i] = keep_last(items, count);
}

/* Moves what the parts have kept together. */
static void close_gaps(struct build *build)
{
    build->count = 0;
    for (unsigned i = 0; i < build->parts; i++) {
        if (build->from[i] != build->count && build->kept[i] > 0)
            memmove(build->other + build->count, build->other + build->from[i], build->kept[i] * sizeof *build->other);
        build->count += build->kept[i];
    }
}

/* ---- Filling. ---- */

struct filling {
    const struct durable_index *index;
    const struct item *at, *end, *last; /* last: of all parts */
    struct table *rows;
    enum mae_status status;
};

/* The entries lie about as they came, and the rows as they came first. So both are asked for in advance. */
static void look_ahead(const struct filling *filling)
{
    if (filling->last - filling->at <= AHEAD_ENTRIES)
        return;
    uint64_t row = filling->at[AHEAD_ENTRIES / 2].entry->row;
    __builtin_prefetch(filling->at[AHEAD_ENTRIES].entry);
    if (row < atomic_load_explicit(&filling->rows->next_row, memory_order_relaxed)) {
        char *at = table_row(filling->rows, row);
        __builtin_prefetch(row_lock(filling->rows, at), 1);
        __builtin_prefetch(row_head(filling->rows, at));
    }
}

static bool next_entry(void *arg, const void **key, uint64_t *row)
{
    struct filling *filling = arg;
    if (filling->at == filling->end)
        return false;
    look_ahead(filling);
    const struct entry *entry = (filling->at++)->entry;
    filling->status = restore_entry(filling->rows, entry->row); /* I4 */
    *key = key_of(filling->index, entry);
    *row = entry->row;
    return filling->status == MAE_OK;
}

/* The first item with at least this order. */
static const struct item *first_from(const struct build *build, uint64_t order)
{
    size_t from = 0, to = build->count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (build->other[middle].order < order)
            from = middle + 1;
        else
            to = middle;
    }
    return build->other + from;
}

static const struct item *first_of(const struct build *build, unsigned i)
{
    if (i == 0 || i == build->parts || !build->index->hash)
        return build->other + share(build, i);
    return first_from(build, hash_bulk_order(build->index->hash, i, build->parts));
}

static void fill_part(void *arg, unsigned i)
{
    struct build *build = arg;
    const struct durable_index *index = build->index;
    struct filling filling = {.index = index,
                              .at = first_of(build, i),
                              .end = first_of(build, i + 1),
                              .last = build->other + build->count,
                              .rows = index->rows};
    const struct bulk_source source = {.next = next_entry, .arg = &filling};
    enum mae_status status = index->hash ? hash_bulk_fill(build->workers[i], index->hash, &source)
                                         : tree_bulk_fill(build->workers[i], index->tree, &source, &build->runs[i]);
    build->statuses[i] = status == MAE_OK ? filling.status : status;
}

/* ---- All of it. ---- */

static enum mae_status fill(struct build *build)
{
    enum mae_status status = build->index->hash ? hash_index_expect(build->index->hash, build->count) : MAE_OK;
    if (status != MAE_OK)
        return status;
    parallel_run(build->parts, fill_part, build);
    for (unsigned i = 0; i < build->parts && status == MAE_OK; i++)
        status = build->statuses[i];
    if (status == MAE_OK && build->index->tree)
        status = tree_bulk_join(build->workers[0], build->index->tree, build->runs, build->parts);
    for (unsigned i = 0; i < build->parts; i++)
        tree_run_fini(&build->runs[i]);
    return status;
}

static void sort_all(struct build *build)
{
    parallel_run(build->parts, list_items, build);
    choose_cuts(build);
    parallel_run(build->parts, count_shares, build);
    place_shares(build);
    parallel_run(build->parts, put_shares, build);
    parallel_run(build->parts, sort_part, build);
    close_gaps(build);
}

static enum mae_status build_index(struct build *build)
{
    for (unsigned i = 0; i < build->entries->part_count; i++)
        build->count += build->entries->lists[i][build->at].count;
    if (build->count == 0)
        return MAE_OK;
    build->parts = build->count / SHARE_LEAST < build->entries->part_count ? 1 : build->entries->part_count;
    build->items = mem_realloc(NULL, 0, build->count * sizeof *build->items);
    build->other = mem_realloc(NULL, 0, build->count * sizeof *build->other);
    enum mae_status status = build->items && build->other ? MAE_OK : MAE_NO_MEMORY;
    if (status == MAE_OK) {
        sort_all(build);
        status = fill(build);
        build->entries->added += build->count;
    }
    free(build->items);
    free(build->other);
    return status;
}

enum mae_status entries_build(struct entries *entries, struct mae_worker *const *workers, struct problem *problem)
{
    struct build *build = mem_alloc(sizeof *build);
    enum mae_status status = build ? MAE_OK : MAE_NO_MEMORY;
    for (size_t i = 0; i < entries->index_count && status == MAE_OK; i++) {
        memset(build, 0, sizeof *build);
        build->entries = entries;
        build->workers = workers;
        build->at = i;
        build->index = &entries->indexes[i];
        status = build_index(build);
        free_lists(entries, i);
        if (status == MAE_NOT_FOUND || status == MAE_EXISTS)
            status = problem_set(problem, MAE_CORRUPT, "an entry of index %" PRIu64 " does not fit its row: %s",
                                 build->index->number, mae_status_text(status));
    }
    free(build);
    return status;
}
