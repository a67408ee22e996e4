/* ermia.c - see ermia.h. */
#include "schemes/ermia.h"

enum { WORD_BITS = 64 };

static struct ermia_worker *own_part(struct worker *worker)
{
    return (struct ermia_worker *)worker;
}

static const struct ermia_settings *settings(const struct worker *worker)
{
    return worker->settings;
}

static bool is_safe_snapshot(const struct worker *worker)
{
    return worker->snapshot && settings(worker)->safe_snapshots;
}

static bool is_certified(const struct worker *worker)
{
    return settings(worker)->ermia_isolation == ERMIA_SSN && !is_safe_snapshot(worker);
}

static inline void no_less(uint64_t *high, uint64_t than)
{
    if (than > *high)
        *high = than;
}

static inline void no_more(uint64_t *low, uint64_t than)
{
    if (than < *low)
        *low = than;
}

static inline bool is_excluded(const struct ermia_worker *own)
{
    return own->high >= own->low;
}

/* ---- The stamps of versions. ---- */

static struct ermia_row *link_row(const struct access *access)
{
    return (struct ermia_row *)access->row;
}

static uint64_t load(const _Atomic uint64_t *stamp)
{
    return atomic_load_explicit(stamp, memory_order_seq_cst); /* ORD-ERMIA-1 */
}

/* low of the transaction that made the version (ER1). */
static uint64_t link_low(chain_link link)
{
    return is_grave(link) ? load(&((struct ermia_row *)grave_row(link))->grave_low) : load(&link_version(link)->low);
}

static _Atomic uint64_t *row_high(const struct access *access)
{
    return &link_row(access)->high;
}

/* A commit with `timestamp` has found a predecessor's in a word that keeps the largest: one above the timestamp is of
 * no predecessor, but may hide one below. */
static void no_less_of_largest(struct ermia_worker *own, uint64_t largest, uint64_t timestamp)
{
    no_less(&own->high, largest < timestamp ? largest : timestamp - 1);
}

static void raise_high(_Atomic uint64_t *high, uint64_t to)
{
    uint64_t present = load(high);
    while (present < to && !atomic_compare_exchange_weak_explicit(high, &present, to, memory_order_seq_cst,
                                                                  memory_order_seq_cst)) /* ends: it only grows */
        RACE(ROW_RAISE);
}

static _Atomic uint64_t *reader_word(const struct access *access, unsigned number)
{
    return &link_row(access)->readers[number / WORD_BITS];
}

static uint64_t reader_bit(unsigned number)
{
    return UINT64_C(1) << (MUTATED(ermia_readers_share) ? number % 32 : number % WORD_BITS);
}

/* ---- Begin. ---- */

/* The timestamp of a safe snapshot (ER6). */
static uint64_t safe_begin(struct worker *worker)
{
    _Atomic uint64_t *safe = &worker->database->safe;
    uint64_t begin = load(safe);
    if (begin == chained_last(worker)) /* said already, and whoever draws later sees that */
        return begin;
    for (uint64_t ahead = 1;; ahead *= 2) { /* ends: it looks as far ahead as others get meanwhile */
        begin = chained_last(worker) + ahead;
        RACE(ROW_RAISE);
        raise_high(safe, begin);
        if (chained_last(worker) <= begin || MUTATED(ermia_safe_unchecked))
            break;
    }
    while (chained_last(worker) < begin)
        (void)chained_draw(worker);
    return begin;
}

void ermia_begin(struct worker *worker)
{
    struct ermia_worker *own = own_part(worker);
    chained_begin(worker);
    own->low = UINT64_MAX;
    own->high = 0;
    own->entered = false;
    if (is_safe_snapshot(worker) && settings(worker)->ermia_isolation == ERMIA_SSN)
        own->chained.begin = safe_begin(worker);
    if (!is_certified(worker))
        worker->as_of = own->chained.begin; /* CV3 */
}

/* What has been read for the first time. What overwrote it and has committed will not change any more. */
static inline bool met(struct worker *worker, const struct chained_seen *seen)
{
    struct ermia_worker *own = own_part(worker);
    no_less(&own->high, seen->begin);
    if (LIKELY(!seen->next) || seen->next_begin & VERSION_OWNED || !is_certified(worker))
        return true;
    no_more(&own->low, link_low(seen->next));
    if (LIKELY(!is_excluded(own)))
        return true;
    (void)worker_doom(worker, SCHEME_ABORTED(EXCLUSION));
    return false;
}

static inline void met_newest(struct worker *worker, uint64_t begin)
{
    no_less(&own_part(worker)->high, begin);
}

static const struct chained_rules rules = {.met = met, .met_newest = met_newest};

CHAINED_CALLS(ermia, &rules)

/* ---- Who follows. ---- */

/* What has overwritten the version that was read; 0: nothing. Of absence: the first version that begins later. What is
 * older than that may lead to memory that has been given back. */
static chain_link successor(const struct worker *worker, const struct access *access)
{
    uint64_t as_of = ((const struct chained_worker *)worker)->begin, begin;
    chain_link next = 0;
    for (chain_link link = chain_newest(access->row); link; link = chain_older(link)) {
        bool seen = link == access->word && !is_grave(link); /* a grave may be another one, of the same row */
        if (seen || chained_standing(worker, link, as_of, &begin) == STANDS_BEFORE)
            break;
        if (begin != VERSION_ABORTED)
            next = link;
    }
    return next;
}

/* Its low, if it commits before this transaction does. False: it does not end. */
static bool meet_successor(struct worker *worker, const struct access *access, uint64_t timestamp)
{
    struct wait wait = {0};
    do {
        RACE(ROW_CHECK);
        chain_link next = successor(worker, access);
        if (LIKELY(!next) || (MUTATED(ermia_absence_unread) && !access->old_size))
            return true;
        uint64_t begin;
        enum standing stands = chained_standing(worker, next, timestamp, &begin);
        if (stands == STANDS_LATER && MUTATED(ermia_owner_is_a_low))
            no_more(&own_part(worker)->low, begin & ~VERSION_OWNED);
        if (stands == STANDS_BEFORE)
            no_more(&own_part(worker)->low, link_low(next));
        if (stands == STANDS_BEFORE || stands == STANDS_LATER)
            return true;
    } while (wait_go_on(worker, &wait)); /* ER4 */
    return false;
}

/* ---- Who goes before. ---- */

/* The end timestamp of a reader, if it commits before this transaction does. False: it does not end. */
static bool meet_reader(struct worker *worker, struct worker *reader, uint64_t timestamp)
{
    struct wait wait = {0};
    do {
        uint64_t state = chained_state(reader), end = state >> CHAINED_STATE_BITS;
        if (state == CHAINED_ACTIVE)
            return true; /* it has aborted, or it is in `high` by now, or will end later (ER3) */
        if (state != CHAINED_DRAWING && end > timestamp)
            return true;
        if ((state & CHAINED_COMMITTED) == CHAINED_COMMITTED) {
            no_less(&own_part(worker)->high, end);
            return true;
        }
    } while (wait_go_on(worker, &wait)); /* ER4 */
    return false;
}

/* All who have read the version that the transaction has overwritten. */
static bool meet_readers(struct worker *worker, const struct access *access, uint64_t timestamp)
{
    for (unsigned word = 0; word < ERMIA_READER_WORDS; word++) {
        RACE(ROW_CHECK);
        uint64_t bits = load(&link_row(access)->readers[word]);
        for (; bits; bits &= bits - 1) {
            unsigned number = word * WORD_BITS + (unsigned)__builtin_ctzll(bits);
            if (number != worker->number && !meet_reader(worker, worker->database->workers[number], timestamp))
                return false;
        }
    }
    RACE(ROW_CHECK);
    no_less_of_largest(own_part(worker), load(row_high(access)), timestamp);
    return true;
}

/* ---- Commit. ---- */

/* Whether the transaction is a reader of the row; of what it writes it need not be. */
static bool only_reads(const struct access *access)
{
    return !(access->flags & ACCESS_WRITE);
}

static void enter_readers(struct worker *worker)
{
    uint64_t bit = reader_bit(worker->number);
    for (uint32_t i = 0; i < worker->rows.count; i++)
        if (only_reads(&worker->rows.entries[i]))
            atomic_fetch_or_explicit(reader_word(&worker->rows.entries[i], worker->number), bit,
                                     memory_order_seq_cst); /* ORD-ERMIA-1 */
    own_part(worker)->entered = true;
}

/* timestamp: what the rows that were read get as `high`; 0: the transaction aborts. */
static void leave_readers(struct worker *worker, uint64_t timestamp)
{
    uint64_t bit = reader_bit(worker->number);
    for (uint32_t i = 0; i < worker->rows.count; i++) {
        const struct access *access = &worker->rows.entries[i];
        if (!only_reads(access))
            continue;
        if (MUTATED(ermia_leaves_early))
            atomic_fetch_and_explicit(reader_word(access, worker->number), ~bit, memory_order_seq_cst);
        RACE(ROW_RAISE);
        raise_high(row_high(access), timestamp);
        RACE(ROW_UNLOCK);
        atomic_fetch_and_explicit(reader_word(access, worker->number), ~bit, memory_order_seq_cst); /* ORD-ERMIA-1 */
    }
    own_part(worker)->entered = false;
}

/* ER5. */
static bool nodes_hold(struct worker *worker, uint64_t timestamp)
{
    if (!settings(worker)->phantoms)
        return true;
    for (uint32_t i = 0; i < worker->nodes.count && !MUTATED(ermia_nodes_unraised); i++)
        node_raise(worker->nodes.entries[i].node, timestamp);
    no_less(&own_part(worker)->high, worker->stamp);
    if (!MUTATED(ermia_removals_unmet))
        no_less(&own_part(worker)->high, worker->met);
    return node_set_holds(&worker->nodes) || MUTATED(ermia_skip_node_check);
}

/* Finds low and high. SCHEME_OK: the transaction may commit. */
static enum scheme_status certify(struct worker *worker, uint64_t timestamp)
{
    struct ermia_worker *own = own_part(worker);
    if (UNLIKELY(!nodes_hold(worker, timestamp)))
        return SCHEME_ABORTED(NODE_CHECK);
    no_more(&own->low, timestamp);
    if (!MUTATED(ermia_safe_ignored))
        no_less_of_largest(own, load(&worker->database->safe), timestamp); /* ER6 */
    for (uint32_t i = 0; i < worker->rows.count; i++) {
        const struct access *access = &worker->rows.entries[i];
        if (only_reads(access) && LIKELY(chained_is_same(access)))
            continue; /* no successor */
        bool ends =
            only_reads(access) ? meet_successor(worker, access, timestamp) : meet_readers(worker, access, timestamp);
        if (UNLIKELY(!ends))
            return SCHEME_ABORTED(LOCK);
    }
    if (MUTATED(ermia_skip_high))
        return SCHEME_OK;
    return LIKELY(!is_excluded(own)) ? SCHEME_OK : SCHEME_ABORTED(EXCLUSION);
}

/* All that was written gets the transaction's low (ER1). */
static void pass_on_low(struct worker *worker)
{
    uint64_t low = own_part(worker)->low;
    for (uint32_t i = 0; i < worker->rows.write_count; i++) {
        const struct access *access = row_set_written(&worker->rows, i);
        _Atomic uint64_t *stamp =
            access->new_data ? &data_version(access->new_data)->low : &link_row(access)->grave_low;
        atomic_store_explicit(stamp, low, memory_order_release); /* ORD-ERMIA-1 */
    }
}

enum scheme_status ermia_commit(struct worker *worker)
{
    if (!is_certified(worker)) {
        if (worker->rows.write_count)
            chained_settle(worker, chained_draw_end(worker));
        return SCHEME_OK;
    }
    enter_readers(worker);
    uint64_t timestamp = chained_draw_end(worker);
    enum scheme_status status = certify(worker, timestamp);
    if (UNLIKELY(status != SCHEME_OK))
        return status;
    pass_on_low(worker);
    chained_settle(worker, timestamp);
    leave_readers(worker, timestamp);
    return SCHEME_OK;
}

void ermia_abort(struct worker *worker)
{
    chained_take_back(worker);
    if (own_part(worker)->entered)
        leave_readers(worker, 0);
    chained_say(worker, CHAINED_ACTIVE); /* for those who wait for a reader */
}
