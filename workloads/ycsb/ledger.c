/* ledger.c - see ledger.h. */
#include "workloads/ycsb/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "workloads/ycsb/instance.h"

/* Above a stamp (instance.h, ycsb_stamp): updated since the last check; and by the update that the stamp names. */
#define WRITTEN (UINT64_C(1) << 63)
#define CONFIRMED (UINT64_C(1) << 62)

struct ycsb_ledger {
    const struct workload *workload;
    bool blind;
    uint64_t slots;   /* records times the stamps of one (instance.h, ycsb_stamps) */
    unsigned fields;  /* stamps of a record */
    uint64_t *stamps; /* by slot: rmw: as it must be; blind: as it was, and WRITTEN */
    uint64_t *found;  /* blind: as it is, and CONFIRMED */
};

/* The new part of a walk: the transactions between two places, and how often each of them ran. */
struct stretch {
    const struct ycsb_walk *walk;
    struct ycsb_place from, to;
};

struct ycsb_ledger *ycsb_ledger_create(const struct workload *workload)
{
    struct ycsb_ledger *ledger = mem_alloc(sizeof *ledger);
    if (!ledger)
        return NULL;
    ledger->workload = workload;
    ledger->blind = workload->options.update_kind == UPDATE_BLIND;
    ledger->fields = ycsb_stamps(workload);
    ledger->slots = workload->options.records * ledger->fields;
    ledger->stamps = calloc(ledger->slots, sizeof *ledger->stamps); /* touched only where records are updated */
    if (ledger->blind)
        ledger->found = calloc(ledger->slots, sizeof *ledger->found);
    if (ledger->stamps && (ledger->found || !ledger->blind))
        return ledger;
    ycsb_ledger_destroy(ledger);
    return NULL;
}

void ycsb_ledger_destroy(struct ycsb_ledger *ledger)
{
    if (!ledger)
        return;
    free(ledger->found);
    free(ledger->stamps);
    free(ledger);
}

/* ---- Walking over a ring. ---- */

static uint64_t word_at(const struct ycsb_walk *walk, size_t word)
{
    return walk->wide ? ((const uint64_t *)walk->ring.words)[word] : ((const uint32_t *)walk->ring.words)[word];
}

/* Whether the request in this word updates, and which of a ledger's slots. */
static bool is_update(const struct ycsb_ledger *ledger, const struct ycsb_walk *walk, size_t word, uint64_t *slot)
{
    unsigned bits = walk->wide ? RING_WIDE_BITS : RING_NARROW_BITS;
    uint64_t request = word_at(walk, word);
    *slot = (request & (((uint64_t)1 << bits) - 1)) * ledger->fields;
    if (ledger->fields > 1)
        *slot += ycsb_field_of(word, ledger->fields);
    return ring_kind_updates((unsigned)(request >> bits));
}

static unsigned updates_in(const struct ycsb_ledger *ledger, const struct ycsb_walk *walk, size_t word)
{
    unsigned updates = 0;
    size_t count = word_at(walk, word) & RING_COUNT_MASK;
    uint64_t slot;
    for (size_t i = 1; i <= count; i++)
        updates += is_update(ledger, walk, word + i, &slot);
    return updates;
}

/* How often the transaction that begins at `word` ran in the stretch. */
static uint64_t times_run(const struct stretch *stretch, size_t word)
{
    return stretch->to.rounds - stretch->from.rounds + (word < stretch->to.word) - (word < stretch->from.word);
}

/* Visits each transaction of the ring that ran in the stretch, in the order of their last runs. */
typedef void visit_fn(struct ycsb_ledger *ledger, void *arg, const struct stretch *stretch, size_t word,
                      uint64_t times);

static void walk_part(struct ycsb_ledger *ledger, const struct stretch *stretch, size_t first, size_t end,
                      visit_fn *visit, void *arg)
{
    size_t word = first;
    while (word < end && word_at(stretch->walk, word)) {
        uint64_t times = times_run(stretch, word);
        if (times)
            visit(ledger, arg, stretch, word, times);
        word += 1 + (word_at(stretch->walk, word) & RING_COUNT_MASK);
    }
}

static void walk_over(struct ycsb_ledger *ledger, const struct stretch *stretch, visit_fn *visit, void *arg)
{
    walk_part(ledger, stretch, stretch->to.word, stretch->walk->ring.word_count, visit, arg);
    walk_part(ledger, stretch, 0, stretch->to.word, visit, arg);
}

/* ---- Entering. ---- */

struct counts {
    uint64_t runs, once; /* updates of all runs; counting each transaction once */
};

static void count_updates(struct ycsb_ledger *ledger, void *arg, const struct stretch *stretch, size_t word,
                          uint64_t times)
{
    struct counts *counts = arg;
    unsigned updates = updates_in(ledger, stretch->walk, word);
    counts->runs += times * updates;
    counts->once += updates;
}

static void enter_updates(struct ycsb_ledger *ledger, void *arg, const struct stretch *stretch, size_t word,
                          uint64_t times)
{
    size_t count = word_at(stretch->walk, word) & RING_COUNT_MASK;
    uint64_t slot;
    (void)arg;
    for (size_t i = 1; i <= count; i++) {
        if (!is_update(ledger, stretch->walk, word + i, &slot))
            continue;
        if (ledger->blind)
            ledger->stamps[slot] |= WRITTEN;
        else
            ledger->stamps[slot] += times;
    }
}

/* Sets the stretch of a worker that is new, without a last request that was given up. */
static enum target_status stretch_of(struct ycsb_ledger *ledger, unsigned worker, struct stretch *stretch, char *report,
                                     size_t report_bytes)
{
    const struct ycsb_share *share = &ledger->workload->shares[worker];
    const struct ycsb_walk *walk = &share->walk;
    struct counts counts = {0};
    uint64_t committed = share->updates - walk->updates_entered;
    *stretch = (struct stretch){walk, walk->entered, walk->at};
    walk_over(ledger, stretch, count_updates, &counts);
    if (counts.runs == committed)
        return TARGET_OK;
    bool is_new = walk->at.rounds > walk->entered.rounds || walk->last >= walk->entered.word;
    if (is_new && counts.runs == committed + updates_in(ledger, walk, walk->last)) {
        stretch->to.word = walk->last;
        return TARGET_OK;
    }
    snprintf(report, report_bytes,
             "worker %u says that it has committed %" PRIu64 " updates, expected %" PRIu64 " as its requests hold",
             worker, committed, counts.runs);
    return TARGET_CORRUPT;
}

enum target_status ycsb_ledger_enter(struct ycsb_ledger *ledger, char *report, size_t report_bytes)
{
    for (unsigned i = 0; i < ledger->workload->workers; i++) {
        struct ycsb_share *share = &ledger->workload->shares[i];
        struct stretch stretch;
        ycsb_walk_note(share);
        if (!share->walk.ring.words)
            continue;
        enum target_status status = stretch_of(ledger, i, &stretch, report, report_bytes);
        if (status != TARGET_OK)
            return status;
        walk_over(ledger, &stretch, enter_updates, NULL);
        if (ledger->blind)
            continue; /* ycsb_ledger_close looks at it again */
        share->walk.entered = stretch.to;
        share->walk.updates_entered = share->updates;
    }
    return TARGET_OK;
}

/* ---- Holding records against it. ---- */

/* "field 3 of ", or nothing. */
static const char *field_text(const struct ycsb_ledger *ledger, unsigned field, char text[32])
{
    text[0] = '\0';
    if (ledger->fields > 1)
        snprintf(text, 32, "field %u of ", field);
    return text;
}

bool ycsb_ledger_holds(struct ycsb_ledger *ledger, uint64_t number, unsigned field, uint64_t key, uint64_t stamp,
                       char *report, size_t report_bytes)
{
    char text[32];
    uint64_t slot = number * ledger->fields + field, expected = ledger->stamps[slot];
    if (ledger->blind) {
        ledger->found[slot] = stamp;
        if (expected & WRITTEN || expected == stamp)
            return true;
        snprintf(report, report_bytes,
                 "%skey %" PRIu64 ": stamp %#" PRIx64 ", expected %#" PRIx64
                 " as before: no committed update was of it",
                 field_text(ledger, field, text), key, stamp, expected);
        return false;
    }
    if (ledger->workload->options.record_bytes < 16)
        expected = (uint32_t)expected;
    if (stamp == expected)
        return true;
    snprintf(report, report_bytes, "%skey %" PRIu64 ": its counter is %" PRIu64 ", committed updates of it: %" PRIu64,
             field_text(ledger, field, text), key, stamp, expected);
    return false;
}

struct confirming {
    unsigned worker;
    uint64_t update; /* the number of the latest one visited */
};

/* The record's stamp is that of the update at hand, or, if it is another one of that worker's, not that of its last. */
static void confirm(struct ycsb_ledger *ledger, void *arg, const struct stretch *stretch, size_t word, uint64_t times)
{
    struct confirming *confirming = arg;
    size_t count = word_at(stretch->walk, word) & RING_COUNT_MASK, bytes = ledger->workload->options.record_bytes;
    uint64_t slot;
    (void)times;
    for (size_t i = 1; i <= count; i++) {
        if (!is_update(ledger, stretch->walk, word + i, &slot))
            continue;
        uint64_t stamp = ycsb_stamp(bytes, confirming->worker, ++confirming->update);
        uint64_t *found = &ledger->found[slot];
        if ((*found & ~CONFIRMED) == stamp)
            *found |= CONFIRMED;
        else if (ycsb_stamp_writer(bytes, *found & ~CONFIRMED) == confirming->worker + 1)
            *found &= ~CONFIRMED;
    }
}

static enum target_status confirm_all(struct ycsb_ledger *ledger, struct stretch *stretches, char *report,
                                      size_t report_bytes)
{
    for (unsigned i = 0; i < ledger->workload->workers; i++) {
        struct counts counts = {0};
        struct confirming confirming = {.worker = i};
        if (!ledger->workload->shares[i].walk.ring.words)
            continue;
        enum target_status status = stretch_of(ledger, i, &stretches[i], report, report_bytes);
        if (status != TARGET_OK)
            return status;
        walk_over(ledger, &stretches[i], count_updates, &counts);
        confirming.update = ledger->workload->shares[i].updates - counts.once;
        walk_over(ledger, &stretches[i], confirm, &confirming);
    }
    for (uint64_t slot = 0; slot < ledger->slots; slot++) {
        char text[32];
        if (!(ledger->stamps[slot] & WRITTEN) || ledger->found[slot] & CONFIRMED)
            continue;
        snprintf(report, report_bytes,
                 "%srecord %" PRIu64 ": stamp %#" PRIx64
                 " is no worker's last committed update of it: a later one was lost, or this one was of another record",
                 field_text(ledger, (unsigned)(slot % ledger->fields), text), slot / ledger->fields,
                 ledger->found[slot]);
        return TARGET_CORRUPT;
    }
    return TARGET_OK;
}

enum target_status ycsb_ledger_close(struct ycsb_ledger *ledger, char *report, size_t report_bytes)
{
    if (!ledger->blind)
        return TARGET_OK;
    struct stretch *stretches = mem_alloc(ledger->workload->workers * sizeof *stretches);
    enum target_status status = stretches ? confirm_all(ledger, stretches, report, report_bytes) : TARGET_NO_MEMORY;
    for (uint64_t slot = 0; status == TARGET_OK && slot < ledger->slots; slot++)
        ledger->stamps[slot] = ledger->found[slot] & ~CONFIRMED;
    for (unsigned i = 0; status == TARGET_OK && i < ledger->workload->workers; i++) {
        struct ycsb_share *share = &ledger->workload->shares[i];
        if (!share->walk.ring.words)
            continue;
        share->walk.entered = stretches[i].to;
        share->walk.updates_entered = share->updates;
    }
    free(stretches);
    return status;
}
