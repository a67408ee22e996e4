/* replay.c - the committed transactions in timestamp order on a model; see judge.h. */

#include "harness/proof/replay.h"

enum { TABLE_SHIFT = 48, TABLE_UNKNOWN = UINT16_MAX };

/* What a register holds at the present timestamp. */
struct state {
    uint64_t name; /* of its writer */
    uint8_t seq;
    bool known, live;
    uint16_t table;
};

struct replay {
    struct history_checker *checker;
    const struct history_txn *txn;
};

static struct state *state_of(struct replay *replay, uint64_t name)
{
    struct history_checker *checker = replay->checker;
    uint32_t number = history_map_number(&checker->registers, name);
    if (number == checker->states.count)
        ((struct state *)history_array_add(&checker->states, sizeof(struct state)))->table = TABLE_UNKNOWN;
    return (struct state *)checker->states.items + number;
}

static int64_t *rows_of(struct replay *replay, uint64_t table)
{
    struct history_array *tables = &replay->checker->tables;
    while (tables->count <= table)
        (void)history_array_add(tables, sizeof(int64_t));
    return (int64_t *)tables->items + table;
}

static void finding(struct replay *replay, enum history_anomaly anomaly, const uint64_t *record,
                    const struct state *state)
{
    struct history_checker *checker = replay->checker;
    if (!history_finding(checker, anomaly))
        return;
    struct support_text *report = &checker->verdict->report;
    support_text_add(report, "  in timestamp order this does not fit: %s\n", history_record_text(checker, record));
    if (state && !state->known)
        support_text_add(report, "  the register is not known by then\n");
    else if (state)
        support_text_add(report, "  the register %s by %s\n", state->live ? "was written" : "was deleted",
                         history_version_text(state->name, state->seq));
    history_describe(checker, replay->txn);
    /* The other side: who wrote what should have been seen. */
    const struct history_txn *other = state && state->known ? history_find(checker, state->name) : NULL;
    if (other != NULL)
        history_describe(checker, other);
}

/* What the transaction has applied to the register. */
static uint64_t applied_by(const struct replay *replay, const struct history_txn *txn, uint64_t object)
{
    uint64_t sum = 0;
    for (const uint64_t *at = txn->words; at < txn->end;) {
        if (history_kind(at[0]) == HISTORY_APPLY && at[1] == object)
            sum += history_apply_weight(txn->name, history_a(at[0]));
        at += history_record_words(replay->checker->history, at, (size_t)(txn->end - at));
    }
    return sum;
}

/* Whether what these transactions have applied to the register, one of them or all up to one, makes the difference. */
static bool applies_differ(const struct replay *replay, const struct history_txn *from, size_t count, int step,
                           uint64_t object, uint64_t difference)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t applied = applied_by(replay, from + (ptrdiff_t)i * step, object);
        sum += applied;
        if (applied != 0 && (applied == difference || sum == difference))
            return true;
    }
    return false;
}

/* What was read is not what the model holds: is it the same version with more or fewer applies? `otherwise`: if not. */
static enum history_anomaly misapplied(const struct replay *replay, uint64_t object, uint64_t held, uint64_t read,
                                       enum history_anomaly otherwise)
{
    const struct history_checker *checker = replay->checker;
    const struct history_txn *first = checker->txns.items, *txn = replay->txn;
    size_t before = (size_t)(txn - first), behind = checker->txns.count - before - 1;
    if (!checker->any_applies || checker->verdict->found >= HISTORY_FINDINGS_SHOWN)
        return otherwise; /* a look at all transactions is for findings that are shown */
    if (applies_differ(replay, txn, 1, 1, object, held - read))
        return HISTORY_ANOMALY_OWN_WRITE;
    if (applies_differ(replay, txn - 1, before, -1, object, held - read))
        return HISTORY_ANOMALY_STALE_READ;
    if (applies_differ(replay, txn + 1, behind, 1, object, read - held))
        return HISTORY_ANOMALY_FUTURE_READ;
    if (applies_differ(replay, checker->aborted.items, checker->aborted.count, 1, object, read - held))
        return HISTORY_ANOMALY_ABORTED_READ;
    return otherwise;
}

/* A version was read (or replaced, or deleted) that is not what the model holds: why? */
static void misread(struct replay *replay, const uint64_t *record, const struct state *state, uint64_t name)
{
    const struct history_checker *checker = replay->checker;
    enum history_anomaly anomaly;
    const struct history_txn *writer = history_find(checker, name);
    if (name == replay->txn->name)
        anomaly = HISTORY_ANOMALY_OWN_WRITE;
    else if (history_was_aborted(checker, name))
        anomaly = HISTORY_ANOMALY_ABORTED_READ;
    else if (writer != NULL && writer->ts > replay->txn->ts)
        anomaly = HISTORY_ANOMALY_FUTURE_READ;
    else if (state->known && state->name == name && state->live)
        anomaly = HISTORY_ANOMALY_INTERMEDIATE_READ;
    else if (state->known && !state->live)
        anomaly = HISTORY_ANOMALY_DELETED_READ;
    else
        anomaly = misapplied(replay, record[1], state->name, name,
                             history_was_committed(checker, name) ? HISTORY_ANOMALY_STALE_READ
                                                                  : HISTORY_ANOMALY_UNKNOWN_READ);
    finding(replay, anomaly, record, state);
}

static void read_version(struct replay *replay, const uint64_t *record, struct state *state, uint64_t name,
                         unsigned seq)
{
    if (state->known && state->live && state->name == name && state->seq == seq)
        return;
    if (!state->known && !history_was_aborted(replay->checker, name) && !history_was_committed(replay->checker, name)) {
        *state = (struct state){.name = name, .seq = (uint8_t)seq, .known = true, .live = true, .table = TABLE_UNKNOWN};
        return;
    }
    misread(replay, record, state, name);
}

static void set(struct replay *replay, struct state *state, const uint64_t *record, bool live)
{
    if (state->table != TABLE_UNKNOWN && state->live != live)
        *rows_of(replay, state->table) += live ? 1 : -1;
    state->name = replay->txn->name;
    state->seq = (uint8_t)history_a(record[0]);
    state->known = true;
    state->live = live;
}

static void play_register(struct replay *replay, const uint64_t *record)
{
    enum history_kind kind = history_kind(record[0]);
    struct state *state = state_of(replay, record[1]);
    switch (kind) {
    case HISTORY_READ:
        read_version(replay, record, state, record[2], history_a(record[0]));
        break;
    case HISTORY_WRITE:
    case HISTORY_DELETE:
        if (record[2] != HISTORY_ANY_NAME)
            read_version(replay, record, state, record[2], (unsigned)history_b(record[0]));
        else if (state->known && !state->live)
            finding(replay, HISTORY_ANOMALY_DELETED_READ, record, state);
        set(replay, state, record, kind == HISTORY_WRITE);
        break;
    case HISTORY_BLIND:
        if (state->known && !state->live)
            finding(replay, HISTORY_ANOMALY_DELETED_READ, record, state);
        set(replay, state, record, true);
        break;
    case HISTORY_APPLY:
        if (state->known && !state->live)
            finding(replay, HISTORY_ANOMALY_DELETED_READ, record, state);
        if (!MUTATED(apply_unplayed))
            state->name += history_apply_weight(replay->txn->name, history_a(record[0])); /* if known */
        break;
    case HISTORY_INSERT:
        if (state->known && state->live)
            finding(replay, HISTORY_ANOMALY_DOUBLE_INSERT, record, state);
        if (state->table == TABLE_UNKNOWN)
            state->table = (uint16_t)(record[2] >> TABLE_SHIFT);
        set(replay, state, record, true);
        break;
    case HISTORY_MISS:
        if (state->known && state->live)
            finding(replay, HISTORY_ANOMALY_LOST_INSERT, record, state);
        break;
    case HISTORY_EXISTS:
        if (state->known && !state->live)
            finding(replay, HISTORY_ANOMALY_DELETED_READ, record, state);
        break;
    default:
        finding(replay, HISTORY_ANOMALY_WRONG_ROW, record, NULL);
        break;
    }
}

/* ---- Entries. ---- */

static bool entry_present(const struct replay *replay, unsigned index, size_t place)
{
    const uint64_t *bits = replay->checker->entry_present[index].items;
    return bits[place / 64] >> place % 64 & 1;
}

static void entry_set(struct replay *replay, unsigned index, size_t place, bool present, uint64_t ref)
{
    uint64_t *bits = replay->checker->entry_present[index].items, bit = UINT64_C(1) << place % 64;
    bits[place / 64] = present ? bits[place / 64] | bit : bits[place / 64] & ~bit;
    ((uint64_t *)replay->checker->entry_states[index].items)[place] = ref;
}

static uint64_t entry_ref(const struct replay *replay, unsigned index, size_t place)
{
    return ((const uint64_t *)replay->checker->entry_states[index].items)[place];
}

static const uint64_t *entry_key(const struct replay *replay, unsigned index, size_t place)
{
    return ((const uint64_t *const *)replay->checker->entries[index].items)[place];
}

/* The first place from `place` on, below `end`, that is present. */
static size_t next_present(const struct replay *replay, unsigned index, size_t place, size_t end)
{
    const uint64_t *bits = replay->checker->entry_present[index].items;
    while (place < end) {
        uint64_t word = bits[place / 64] >> place % 64;
        if (word) {
            place += (size_t)__builtin_ctzll(word);
            return place < end ? place : end;
        }
        place = (place / 64 + 1) * 64;
    }
    return end;
}

/* The last present place below `place`, not below `end`; SIZE_MAX if there is none. */
static size_t previous_present(const struct replay *replay, unsigned index, size_t place, size_t end)
{
    const uint64_t *bits = replay->checker->entry_present[index].items;
    while (place > end) {
        uint64_t word = bits[(place - 1) / 64] << (63 - (place - 1) % 64);
        if (word) {
            place -= (size_t)__builtin_clzll(word) + 1;
            return place >= end ? place : SIZE_MAX;
        }
        place = (place - 1) / 64 * 64;
    }
    return SIZE_MAX;
}

static void play_entry(struct replay *replay, const uint64_t *record)
{
    const struct history_checker *checker = replay->checker;
    enum history_kind kind = history_kind(record[0]);
    unsigned index = (unsigned)history_b(record[0]);
    const struct history_index *info = &checker->history->indexes[index];
    uint64_t ref = kind == HISTORY_ABSENT ? HISTORY_ANY_REF : record[1 + info->key_words];
    size_t place =
        history_entry_bound(checker, index, record + 1, kind == HISTORY_ABSENT || ref == HISTORY_ANY_REF ? 0 : ref);
    size_t count = checker->entries[index].count;
    if (kind == HISTORY_ABSENT || (info->non_unique && ref == HISTORY_ANY_REF)) {
        /* Of a non-unique index no pair with this key may be there. */
        bool there = false;
        for (; place < count && history_key_compare(info, entry_key(replay, index, place), record + 1) == 0; place++)
            there |= entry_present(replay, index, place);
        if (there == (kind == HISTORY_ABSENT))
            finding(replay, HISTORY_ANOMALY_PHANTOM, record, NULL);
        return;
    }
    bool known = place < count && history_key_compare(info, entry_key(replay, index, place), record + 1) == 0 &&
                 (!info->non_unique || entry_key(replay, index, place)[info->key_words] == ref);
    bool present = known && entry_present(replay, index, place) &&
                   (ref == HISTORY_ANY_REF || kind == HISTORY_ADD || entry_ref(replay, index, place) == ref);
    if (present == (kind == HISTORY_ADD))
        finding(replay, HISTORY_ANOMALY_PHANTOM, record, NULL);
    if (known && kind == HISTORY_ADD)
        entry_set(replay, index, place, true, ref);
    else if (known && kind == HISTORY_REMOVE)
        entry_set(replay, index, place, false, 0);
}

static void play_scan(struct replay *replay, const uint64_t *record)
{
    const struct history_checker *checker = replay->checker;
    unsigned index = (unsigned)history_b(record[0]), flags = history_a(record[0]);
    const struct history_index *info = &checker->history->indexes[index];
    size_t key_words = info->key_words, count = checker->entries[index].count;
    const uint64_t *low = record + 1, *high = low + key_words, *entry = high + key_words + 1;
    size_t from = flags & HISTORY_LOW_OPEN ? 0 : history_entry_bound(checker, index, low, 0), to = count;
    if (!(flags & HISTORY_HIGH_OPEN)) {
        to = history_entry_bound(checker, index, high, UINT64_MAX);
        while (to < count && history_key_compare(info, entry_key(replay, index, to), high) == 0)
            to++;
    }
    bool backward = flags & HISTORY_BACKWARD, ok = true;
    uint64_t left = record[1 + 2 * key_words];
    size_t place = backward ? previous_present(replay, index, to, from) : next_present(replay, index, from, to);
    const uint64_t *last = NULL;
    for (; left > 0 && ok; left--, entry += key_words + 1) {
        ok = place != (backward ? SIZE_MAX : to) &&
             history_key_compare(info, entry_key(replay, index, place), entry) == 0 &&
             entry_ref(replay, index, place) == entry[key_words];
        last = entry;
        if (ok)
            place =
                backward ? previous_present(replay, index, place, from) : next_present(replay, index, place + 1, to);
    }
    if (ok && place != (backward ? SIZE_MAX : to))
        ok = flags & HISTORY_PART && last && history_key_compare(info, entry_key(replay, index, place), last) == 0;
    if (ok)
        return;
    finding(replay, HISTORY_ANOMALY_PHANTOM, record, NULL);
    if (checker->verdict->found > HISTORY_FINDINGS_SHOWN)
        return;
    support_text_add(&checker->verdict->report, "  at that timestamp there are:");
    unsigned shown = 0;
    for (place = next_present(replay, index, from, to); place != to && shown < 32;
         place = next_present(replay, index, place + 1, to), shown++) {
        support_text_add(&checker->verdict->report, " %s=%" PRIu64,
                         history_key_text(info, entry_key(replay, index, place)), entry_ref(replay, index, place));
    }
    support_text_add(&checker->verdict->report, "\n");
}

/* ---- All. ---- */

static void play(struct replay *replay)
{
    const struct history_checker *checker = replay->checker;
    const struct history_txn *txn = replay->txn;
    for (const uint64_t *at = txn->words; at < txn->end;) {
        enum history_kind kind = history_kind(at[0]);
        if (kind >= HISTORY_READ && kind <= HISTORY_WRONG)
            play_register(replay, at);
        else if (kind >= HISTORY_ADD && kind <= HISTORY_ABSENT)
            play_entry(replay, at);
        else if (kind == HISTORY_SCAN)
            play_scan(replay, at);
        else if (kind == HISTORY_ROWS && *rows_of(replay, history_b(at[0])) != (int64_t)at[1])
            finding(replay, HISTORY_ANOMALY_PHANTOM, at, NULL);
        at += history_record_words(checker->history, at, (size_t)(txn->end - at));
    }
}

void history_replay(struct history_checker *checker)
{
    struct replay replay = {.checker = checker};
    history_map_clear(&checker->registers);
    checker->states.count = checker->tables.count = 0;
    for (unsigned i = 0; checker->any_entries && i < HISTORY_INDEXES_MAX; i++) {
        checker->entry_states[i].count = checker->entry_present[i].count = 0;
        for (size_t n = 0; n < checker->entries[i].count; n++)
            (void)history_array_add(&checker->entry_states[i], sizeof(uint64_t));
        for (size_t n = 0; checker->entries[i].count && n <= checker->entries[i].count / 64; n++)
            (void)history_array_add(&checker->entry_present[i], sizeof(uint64_t));
    }
    for (size_t i = 0; i < checker->txns.count; i++) {
        replay.txn = history_txn_at(checker, i);
        play(&replay);
    }
}
