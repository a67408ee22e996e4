/*
 * graph.c - the serialization graph; see judge.h.
 *
 * Nodes are committed transactions. Objects are registers and, when cycles are searched, index entries. Edges:
 *   ww  from the writer of a version to the writer of one that replaced it
 *   wr  from the writer of a version to who read it
 *   rw  from who read a version to the writer of one that replaced it
 * If the serial order is claimed, transactions are visited in that order, and it says what a write replaced that does
 * not say so itself. First only registers: if every edge leads to a later transaction the graph has no cycle.
 * Otherwise, or if replay.c found something, the graph is built with entries too, and cycles.c looks for cycles.
 * If no order is known, placing.c deduces what it can, and reads that no order explains are findings of their own.
 */
#include "harness/proof/graph.h"

#include "harness/proof/cycles.h"
#include "harness/proof/placing.h"

/* A version that replaced one whose writer has not been visited yet. */
struct unresolved {
    uint32_t version;
    uint64_t name;
};

/* ---- First visit: the versions. ---- */

/* A write of an object. */
struct write {
    uint64_t object;
    uint64_t over; /* who wrote what it replaced; HISTORY_ANY_NAME: it does not say */
    bool over_present, present;
    uint64_t over_ref, ref; /* of entries */
    uint8_t seq;
};

/* Only a transaction's last write of an object counts. */
static void write_again(struct version *version, const struct write *write)
{
    version->present = write->present;
    version->ref = write->ref;
    version->seq = write->seq;
}

/* What the write replaced, where the order of transactions is known; HISTORY_NOBODY: of a later transaction. */
static uint32_t predecessor(struct graph *graph, const struct write *write, bool named, uint32_t last)
{
    if (named) {
        uint32_t found = graph_find(graph, write->object, write->over);
        if (found != HISTORY_NOBODY || history_was_committed(graph->checker, write->over))
            return found;
        return graph_prepend(graph, write->object, write->over, true); /* from before the history, or nobody's */
    }
    return last != HISTORY_NOBODY ? last : graph_prepend(graph, write->object, 0, write->over_present);
}

static void write_version(struct graph *graph, const struct write *write)
{
    uint64_t own = history_txn_at(graph->checker, graph->visiting)->name;
    uint32_t last = graph_object(graph, write->object)->last;
    if (last != HISTORY_NOBODY && graph_version(graph, last)->writer == graph->visiting) {
        write_again(graph_version(graph, last), write);
        return;
    }
    bool named = write->over != HISTORY_ANY_NAME && write->over != own;
    uint32_t before = named || graph->checker->ordered ? predecessor(graph, write, named, last) : HISTORY_NOBODY;
    uint32_t added = graph_append(graph, write->object, own, graph->visiting, write->present);
    struct version *version = graph_version(graph, added);
    write_again(version, write);
    version->over_present = write->over_present;
    version->over_ref = write->over_ref;
    if (before != HISTORY_NOBODY)
        graph_replace(graph, before, added);
    else if (named)
        *(struct unresolved *)history_array_add(&graph->checker->unresolved, sizeof(struct unresolved)) =
            (struct unresolved){added, write->over}; /* its writer is visited later */
    else
        version->unplaced = true;
}

static uint64_t entry_name(const struct graph *graph, unsigned index, const uint64_t *key, uint64_t ref)
{
    const struct history_index *info = &graph->checker->history->indexes[index];
    uint64_t hash = (index + 1) * UINT64_C(0x9E3779B97F4A7C15); /* far apart: indexes have the same small keys */
    for (unsigned i = 0; i < info->key_words + (info->non_unique ? 1 : 0); i++) {
        hash ^= i < info->key_words ? key[i] : ref;
        hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
        hash = (hash ^ hash >> 29) * UINT64_C(0x9E3779B97F4A7C15);
    }
    return hash | UINT64_C(1) << 63; /* registers are smaller */
}

/* The object's last version so far was seen under this name, which says what had been applied to it. */
static void last_named(struct graph *graph, uint64_t name, uint64_t seen)
{
    struct object *object = graph_object(graph, name);
    if (object->named)
        return;
    object->named = true;
    object->name = seen;
    if (object->last != HISTORY_NOBODY)
        graph_name(graph, object->last, seen);
}

/* A write of a register with applies in the history: what is its name now? */
static void name_last(struct graph *graph, const uint64_t *record)
{
    uint64_t own = history_txn_at(graph->checker, graph->visiting)->name;
    struct object *object = graph_object(graph, record[1]);
    if (history_kind(record[0]) != HISTORY_APPLY) {
        object->named = true;
        object->name = own;
    } else if (object->named) {
        object->name += history_apply_weight(own, history_a(record[0]));
        if (!MUTATED(apply_unnamed))
            graph_name(graph, object->last, object->name);
    }
}

static void define(struct graph *graph, const uint64_t *record)
{
    enum history_kind kind = history_kind(record[0]);
    unsigned index = (unsigned)history_b(record[0]);
    struct write write = {.object = record[1], .over = HISTORY_ANY_NAME, .seq = (uint8_t)history_a(record[0])};
    const bool applies = graph->checker->any_applies;
    switch (kind) {
    case HISTORY_READ:
        if (applies)
            last_named(graph, record[1], record[2]);
        return;
    case HISTORY_WRITE:
    case HISTORY_DELETE:
        if (applies && record[2] != HISTORY_ANY_NAME)
            last_named(graph, record[1], record[2]);
        write.over = record[2];
        write.over_present = true;
        write.present = kind == HISTORY_WRITE;
        break;
    case HISTORY_BLIND:
    case HISTORY_APPLY: /* applies are ordered, too, although they commute */
    case HISTORY_INSERT:
        write.over_present = kind != HISTORY_INSERT;
        write.present = true;
        break;
    case HISTORY_ADD:
    case HISTORY_REMOVE:
        if (!graph->entries)
            return;
        write.ref = write.over_ref = record[1 + graph->checker->history->indexes[index].key_words];
        write.object = entry_name(graph, index, record + 1, write.ref);
        write.over_present = kind == HISTORY_REMOVE;
        write.present = kind == HISTORY_ADD;
        break;
    default:
        return;
    }
    write_version(graph, &write);
    if (applies && kind <= HISTORY_DELETE)
        name_last(graph, record);
}

/* ---- Second visit: the edges. ---- */

/* The newest version up to here that looks as it was seen. */
static uint32_t newest_seen(const struct graph *graph, const struct object *object, bool present, uint64_t ref)
{
    uint32_t at = object->current;
    while (at != HISTORY_NOBODY && (graph_version(graph, at)->present != present ||
                                    (present && ref != HISTORY_ANY_REF && graph_version(graph, at)->ref != ref)))
        at = graph_version(graph, at)->older;
    if (at == HISTORY_NOBODY && !present && object->first != HISTORY_NOBODY &&
        !graph_version(graph, object->first)->present)
        at = object->first; /* the absence before the first insert */
    return at;
}

static bool is_own(const struct graph *graph, const struct object *object)
{
    return object->current != HISTORY_NOBODY && graph_version(graph, object->current)->writer == graph->visiting;
}

static void seen(struct graph *graph, uint64_t name, bool present, uint64_t ref)
{
    const struct object *object = graph_object(graph, name);
    if (is_own(graph, object) || !graph->checker->promises->phantom_safe)
        return; /* its own doing, or nothing that was promised */
    uint32_t at = graph->checker->ordered ? newest_seen(graph, object, present, ref)
                                          : graph_only_seen(graph, object, present, ref);
    if (at != HISTORY_NOBODY)
        graph_read(graph, at, true);
}

/* A write that did not name what it replaced saw whether that was there. */
static void seen_by_writing(struct graph *graph, uint64_t name, bool present, uint64_t ref)
{
    const struct object *object = graph_object(graph, name);
    uint32_t own = graph_find(graph, name, history_txn_at(graph->checker, graph->visiting)->name);
    if (graph->checker->ordered || own == HISTORY_NOBODY)
        seen(graph, name, present, ref);
    else if (!is_own(graph, object) && graph_version(graph, own)->replaced != HISTORY_NOBODY)
        graph_read(graph, graph_version(graph, own)->replaced, true);
}

/* Two transactions replaced one version. The history does not say which came first, but the later one did not see what
 * the earlier one wrote: a lost update. */
static void judge_update(struct graph *graph, uint32_t replaced, uint32_t own)
{
    struct history_checker *checker = graph->checker;
    uint32_t other = graph_version(graph, replaced)->successor;
    if (other == own)
        other = graph_version(graph, own)->sibling;
    if (other == HISTORY_NOBODY || graph_version(graph, other)->writer > graph->visiting ||
        !history_finding(checker, HISTORY_ANOMALY_LOST_UPDATE))
        return; /* of two the second tells */
    history_describe(checker, history_txn_at(checker, graph_version(graph, other)->writer));
    history_describe(checker, history_txn_at(checker, graph->visiting));
}

static void pass_write(struct graph *graph, uint64_t name, unsigned seq)
{
    struct object *object = graph_object(graph, name);
    uint32_t own = graph_find(graph, name, history_txn_at(graph->checker, graph->visiting)->name);
    if (own == HISTORY_NOBODY)
        return;
    object->seq = (uint8_t)seq;
    if (object->current == own)
        return;
    object->current = own;
    uint32_t replaced = graph_version(graph, own)->replaced, older = graph_version(graph, own)->older;
    if (replaced != HISTORY_NOBODY)
        graph_edge(graph, graph_version(graph, replaced)->writer, graph->visiting, name, EDGE_WW);
    if (replaced != HISTORY_NOBODY && !graph->checker->ordered)
        judge_update(graph, replaced, own);
    if (graph->checker->ordered && older != HISTORY_NOBODY && older != replaced &&
        graph_version(graph, older)->replaced == replaced)
        graph_edge(graph, graph_version(graph, older)->writer, graph->visiting, name,
                   EDGE_WW); /* both replaced the same */
}

/* What replay.c would find, where it cannot run: reads that are wrong whatever the order. */
static void judge_read(struct graph *graph, const uint64_t *record, uint64_t name, unsigned seq, uint32_t read)
{
    struct history_checker *checker = graph->checker;
    const struct object *object = graph_object(graph, record[1]);
    enum history_anomaly anomaly = HISTORY_ANOMALY_NONE;
    if (is_own(graph, object) != (name == history_txn_at(checker, graph->visiting)->name) ||
        (is_own(graph, object) && object->seq != seq))
        anomaly = HISTORY_ANOMALY_OWN_WRITE;
    else if (is_own(graph, object))
        return;
    else if (history_was_aborted(checker, name))
        anomaly = HISTORY_ANOMALY_ABORTED_READ;
    else if (read != HISTORY_NOBODY && graph_version(graph, read)->writer != HISTORY_NOBODY &&
             (graph_version(graph, read)->seq != seq || !graph_version(graph, read)->present))
        anomaly = HISTORY_ANOMALY_INTERMEDIATE_READ;
    if (anomaly == HISTORY_ANOMALY_NONE || !history_finding(checker, anomaly))
        return;
    support_text_add(&checker->verdict->report, "  this cannot be: %s\n", history_record_text(checker, record));
    history_describe(checker, history_txn_at(checker, graph->visiting));
    if (read != HISTORY_NOBODY && graph_version(graph, read)->writer != HISTORY_NOBODY)
        history_describe(checker, history_txn_at(checker, graph_version(graph, read)->writer));
}

static void read_register(struct graph *graph, const uint64_t *record, unsigned seq)
{
    uint64_t name = record[2];
    const struct object *object = graph_object(graph, record[1]);
    uint32_t read = graph_find(graph, record[1], name);
    if (!graph->checker->ordered)
        judge_read(graph, record, name, seq, read);
    if (name == history_txn_at(graph->checker, graph->visiting)->name)
        return;
    if (read == HISTORY_NOBODY && !history_was_committed(graph->checker, name) &&
        !history_was_aborted(graph->checker, name) && object->first != HISTORY_NOBODY &&
        graph_version(graph, object->first)->writer == HISTORY_NOBODY && graph_version(graph, object->first)->present)
        read = object->first; /* the initial version, which nobody names */
    if (read != HISTORY_NOBODY)
        graph_read(graph, read, false);
}

/* Whether the scan visited the entry, or stopped inside its key and so says nothing about it. */
static bool scan_covers(const struct history_index *info, unsigned flags, const uint64_t *entries, uint64_t visited,
                        const uint64_t *key)
{
    size_t key_words = info->key_words;
    const uint64_t *last = entries + (visited - 1) * (key_words + 1);
    if (visited && flags & HISTORY_PART && history_key_compare(info, key, last) == 0)
        return true;
    for (uint64_t i = 0; i < visited; i++) {
        const uint64_t *entry = entries + i * (key_words + 1);
        if (history_key_compare(info, key, entry) == 0 && (!info->non_unique || key[key_words] == entry[key_words]))
            return true;
    }
    return false;
}

static void use_scan(struct graph *graph, const uint64_t *record)
{
    const struct history_checker *checker = graph->checker;
    unsigned index = (unsigned)history_b(record[0]), flags = history_a(record[0]);
    const struct history_index *info = &checker->history->indexes[index];
    size_t key_words = info->key_words;
    const uint64_t *low = record + 1, *high = low + key_words, *entries = high + key_words + 1;
    uint64_t visited = record[1 + 2 * key_words];
    for (uint64_t i = 0; i < visited; i++) {
        const uint64_t *entry = entries + i * (key_words + 1);
        seen(graph, entry_name(graph, index, entry, entry[key_words]), true, entry[key_words]);
    }
    size_t place = flags & HISTORY_LOW_OPEN ? 0 : history_entry_bound(checker, index, low, 0);
    for (; place < checker->entries[index].count; place++) {
        const uint64_t *key = ((const uint64_t *const *)checker->entries[index].items)[place];
        if (!(flags & HISTORY_HIGH_OPEN) && history_key_compare(info, key, high) > 0)
            break;
        if (!scan_covers(info, flags, entries, visited, key))
            seen(graph, entry_name(graph, index, key, key[key_words]), false, 0);
    }
}

static void use_register(struct graph *graph, const uint64_t *record)
{
    enum history_kind kind = history_kind(record[0]);
    switch (kind) {
    case HISTORY_READ:
        read_register(graph, record, history_a(record[0]));
        return;
    case HISTORY_WRITE:
    case HISTORY_DELETE:
        if (record[2] != HISTORY_ANY_NAME)
            read_register(graph, record, (unsigned)history_b(record[0]));
        else
            seen_by_writing(graph, record[1], true, HISTORY_ANY_REF);
        break;
    case HISTORY_INSERT:
        seen_by_writing(graph, record[1], false, 0);
        break;
    case HISTORY_BLIND:
    case HISTORY_APPLY:
        break;
    case HISTORY_MISS:
        seen(graph, record[1], false, 0);
        return;
    case HISTORY_EXISTS:
        seen(graph, record[1], true, HISTORY_ANY_REF);
        return;
    default:
        return;
    }
    pass_write(graph, record[1], history_a(record[0]));
}

static void use_entry(struct graph *graph, const uint64_t *record)
{
    enum history_kind kind = history_kind(record[0]);
    unsigned index = (unsigned)history_b(record[0]);
    const struct history_index *info = &graph->checker->history->indexes[index];
    uint64_t ref = kind == HISTORY_ABSENT ? 0 : record[1 + info->key_words];
    uint64_t name = entry_name(graph, index, record + 1, ref);
    if (kind == HISTORY_ADD || kind == HISTORY_REMOVE) {
        seen_by_writing(graph, name, kind == HISTORY_REMOVE, kind == HISTORY_REMOVE ? ref : 0);
        pass_write(graph, name, 0);
    } else if (kind == HISTORY_FIND) {
        seen(graph, name, true, ref);
    } else if (!info->non_unique) {
        seen(graph, name, false, 0);
    }
}

static void use(struct graph *graph, const uint64_t *record)
{
    enum history_kind kind = history_kind(record[0]);
    if (kind >= HISTORY_READ && kind <= HISTORY_WRONG)
        use_register(graph, record);
    else if (graph->entries && kind >= HISTORY_ADD && kind <= HISTORY_ABSENT)
        use_entry(graph, record);
    else if (graph->entries && kind == HISTORY_SCAN)
        use_scan(graph, record);
}

static void visit(struct graph *graph, void (*each)(struct graph *graph, const uint64_t *record))
{
    struct history_checker *checker = graph->checker;
    for (graph->visiting = 0; graph->visiting < checker->txns.count; graph->visiting++) {
        const struct history_txn *txn = history_txn_at(checker, graph->visiting);
        for (const uint64_t *at = txn->words; at < txn->end;) {
            each(graph, at);
            at += history_record_words(checker->history, at, (size_t)(txn->end - at));
        }
    }
}

static void build(struct graph *graph)
{
    struct history_checker *checker = graph->checker;
    graph_clear(graph);
    visit(graph, define);
    for (size_t i = 0; i < checker->unresolved.count; i++) {
        const struct unresolved *left = (const struct unresolved *)checker->unresolved.items + i;
        uint32_t replaced = graph_find(graph, graph_version(graph, left->version)->object, left->name);
        if (replaced != HISTORY_NOBODY)
            graph_replace(graph, replaced, left->version);
    }
    if (!checker->ordered)
        graph_place(graph);
    visit(graph, use);
    if (!checker->ordered)
        graph_decide(graph);
}

bool history_graph_is_forward(struct history_checker *checker)
{
    struct graph graph = {.checker = checker};
    build(&graph);
    return graph.all_forward;
}

void history_graph_search(struct history_checker *checker)
{
    struct graph graph = {.checker = checker, .entries = true, .collect = true};
    build(&graph);
    graph_search_cycles(&graph);
}
