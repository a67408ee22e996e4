/*
 * nodes.c - the indexes of the schemes (schemes/base) under many threads at once.
 *
 * Keys are of three kinds:
 *   fixed     there before the threads begin and never removed: each lookup must hit, each scan must see them all.
 *   owned     inserted and removed by one thread only, which knows whether they are there.
 *   moving    each thread inserts ever higher ones and removes the oldest, so that leaves come and go, buckets split.
 * A thread that scans a range, or misses a key, notes the nodes. It looks again: if no noted node has changed, both
 * looks must have seen the same. Entries must come in order, once each, with the ref that the key's number gives.
 * At the end the index has exactly the fixed keys and those that each thread says it left.
 *
 * How to read a failure: the message names the rule. MAE_SEED repeats what each thread wants to do, but not when.
 * Catches the mutation scan_unchecked.
 */
#include <inttypes.h>

#include "schemes/base/index.h"
#include "tests/support/notes.h"
#include "tests/support/world.h"

enum { THREADS = 4, KEYS = 3000, WINDOW = 300, RANGE = 200, KEY_BYTES_MAX = 64 };

struct setting {
    const char *name;
    bool ordered, non_unique;
    size_t key_bytes;
};

struct shared {
    const struct setting *setting;
    struct index index;
    struct mem_budget budget;
    uint64_t start_ns;
    _Atomic uint64_t faults;
};

struct actor {
    struct shared *shared;
    unsigned id;
    uint64_t random, operations, again; /* again: looks that were repeated with all notes valid */
    bool present[KEYS];                 /* of owned keys */
    uint64_t moving_from, moving_to;
};

static void fault(struct shared *shared, const char *what, uint64_t key)
{
    if (atomic_fetch_add(&shared->faults, 1) < 5)
        printf("%s: %s, key %" PRIu64 "\n", shared->setting->name, what, key);
}

static void encode(const struct shared *shared, void *bytes, uint64_t number)
{
    size_t key_bytes = shared->setting->key_bytes;
    if (key_bytes == sizeof number) {
        memcpy(bytes, &number, sizeof number);
        return;
    }
    memset(bytes, 'k', key_bytes);
    for (size_t i = 0; i < sizeof number; i++)
        ((unsigned char *)bytes)[key_bytes - 1 - i] = (unsigned char)(number >> (8 * i));
}

static uint64_t decode(const struct shared *shared, const void *key)
{
    uint64_t number = 0;
    size_t key_bytes = shared->setting->key_bytes;
    if (key_bytes == sizeof number) {
        memcpy(&number, key, sizeof number);
        return number;
    }
    for (size_t i = key_bytes - sizeof number; i < key_bytes; i++)
        number = number << 8 | ((const unsigned char *)key)[i];
    return number;
}

static uint64_t ref_of(uint64_t number)
{
    return number * 3 + 1;
}

static bool is_fixed(uint64_t number)
{
    return number % 8 == 0;
}

static bool is_owned(uint64_t number, unsigned id)
{
    return !is_fixed(number) && number % THREADS == id;
}

/* ---- Looks. ---- */

struct look {
    struct shared *shared;
    bool backward;
    uint64_t next_least; /* forward: keys below have been passed; backward: keys above */
    uint64_t count, digest, fixed;
    struct notes notes;
};

static bool look_at(void *arg, const void *key, uint64_t ref)
{
    struct look *look = arg;
    uint64_t number = decode(look->shared, key);
    if (look->backward ? number > look->next_least : number < look->next_least)
        fault(look->shared, "a scan has an entry out of order or twice", number);
    look->next_least = look->backward ? number - 1 : number + 1;
    if (ref != ref_of(number))
        fault(look->shared, "a scan has the ref of another key", number);
    look->fixed += is_fixed(number);
    look->digest = (look->digest + number) * 0x9e3779b97f4a7c15u;
    look->count++;
    return true;
}

static bool note_leaf(void *arg, struct node_seen seen)
{
    notes_add(&((struct look *)arg)->notes, seen);
    return true;
}

static void scan_once(struct shared *shared, struct look *look, uint64_t lo, uint64_t hi, bool backward)
{
    char lo_key[KEY_BYTES_MAX], hi_key[KEY_BYTES_MAX];
    look->shared = shared;
    look->backward = backward;
    look->next_least = backward ? hi : lo;
    look->count = look->digest = look->fixed = 0;
    look->notes.count = 0;
    look->notes.lost = false;
    encode(shared, lo_key, lo);
    encode(shared, hi_key, hi);
    tree_scan(&shared->index.tree, lo_key, hi_key, backward ? TREE_BACKWARD : 0, look_at, note_leaf, look);
    if (look->fixed != hi / 8 - (lo + 7) / 8 + 1)
        fault(shared, "a scan misses keys that never go", lo);
}

static void scan_twice(struct actor *actor)
{
    struct look first, second;
    uint64_t lo = random_below(&actor->random, KEYS - RANGE), hi = lo + 8 + random_below(&actor->random, RANGE - 8);
    bool backward = random_below(&actor->random, 2);
    scan_once(actor->shared, &first, lo, hi, backward);
    scan_once(actor->shared, &second, lo, hi, backward);
    if (!notes_valid(&first.notes))
        return;
    actor->again++;
    if (first.digest != second.digest || first.count != second.count)
        fault(actor->shared, "two scans differ, but no leaf has changed", lo);
}

static void miss_twice(struct actor *actor)
{
    uint64_t number = random_below(&actor->random, KEYS), ref;
    struct node_seen seen, seen_again;
    char key[KEY_BYTES_MAX];
    encode(actor->shared, key, number);
    bool first = index_find(&actor->shared->index, key, &ref, &seen);
    if (first ? ref != ref_of(number) : is_fixed(number))
        fault(actor->shared, "a lookup finds another ref or misses a key that never goes", number);
    if (is_owned(number, actor->id) && first != actor->present[number])
        fault(actor->shared, "a lookup is not what the only writer of the key has done", number);
    if (first)
        return;
    bool second = index_find(&actor->shared->index, key, &ref, &seen_again);
    if (node_version(seen.node) != seen.version)
        return;
    actor->again++;
    if (second)
        fault(actor->shared, "a key has come, but its node has not changed", number);
}

/* ---- Changes. ---- */

static void change_owned(struct actor *actor)
{
    uint64_t number = random_below(&actor->random, KEYS), there;
    struct node_changes changes;
    char key[KEY_BYTES_MAX];
    if (!is_owned(number, actor->id))
        return;
    encode(actor->shared, key, number);
    struct index *index = &actor->shared->index;
    bool insert = random_below(&actor->random, 2);
    enum mae_status status = insert ? index_insert(index, key, ref_of(number), &there, &changes)
                                    : index_remove(index, key, ref_of(number), &changes);
    enum mae_status expected = insert == !actor->present[number] ? MAE_OK : insert ? MAE_EXISTS : MAE_NOT_FOUND;
    if (status != expected)
        fault(actor->shared, "a change is not what the only writer of the key expects", number);
    actor->present[number] = insert;
}

/* Above all keys of scans, but in leaves and buckets beside theirs. */
static void move(struct actor *actor)
{
    struct node_changes changes;
    char key[KEY_BYTES_MAX];
    uint64_t there, number = KEYS + actor->moving_to++ * THREADS + actor->id;
    encode(actor->shared, key, number);
    if (index_insert(&actor->shared->index, key, ref_of(number), &there, &changes) != MAE_OK)
        fault(actor->shared, "a new key cannot be inserted", number);
    if (actor->moving_to - actor->moving_from <= WINDOW)
        return;
    number = KEYS + actor->moving_from++ * THREADS + actor->id;
    encode(actor->shared, key, number);
    if (index_remove(&actor->shared->index, key, ref_of(number), &changes) != MAE_OK)
        fault(actor->shared, "the oldest key cannot be removed", number);
}

static void *act(void *arg)
{
    struct actor *actor = arg;
    const struct setting *setting = actor->shared->setting;
    while (time_left(actor->shared->start_ns, stress_ms())) {
        for (unsigned i = 0; i < 64; i++) {
            uint64_t chance = random_below(&actor->random, 8);
            if (chance < 3)
                change_owned(actor);
            else if (chance < 5)
                move(actor);
            else if (chance == 5 && setting->ordered)
                scan_twice(actor);
            else if (!setting->non_unique)
                miss_twice(actor);
            actor->operations++;
        }
    }
    return NULL;
}

/* ---- The end. ---- */

static bool count_entry(void *arg, const void *key, uint64_t ref)
{
    (void)key, (void)ref;
    ++*(uint64_t *)arg;
    return true;
}

static uint64_t entries_of(struct shared *shared)
{
    uint64_t entries = 0, nodes;
    char report[200] = "";
    if (!shared->setting->ordered)
        assert_true(hash_walk(&shared->index.hash, count_entry, &entries));
    else if (tree_verify(&shared->index.tree, &entries, &nodes, report, sizeof report) != MAE_OK)
        fail_msg("%s", report);
    return entries;
}

static void run(const struct setting *setting, uint64_t seed)
{
    struct shared shared = {.setting = setting};
    struct actor *actors = calloc(THREADS, sizeof *actors);
    struct node_changes changes;
    uint64_t there, expected = 0, again = 0;
    char key[KEY_BYTES_MAX];
    assert_non_null(actors);
    mem_budget_init(&shared.budget, UINT64_C(1) << 32, MEM_HUGE_OFF);
    const struct index_config config = {
        .ordered = setting->ordered, .non_unique = setting->non_unique, .key_bytes = setting->key_bytes};
    assert_ok(index_init(&shared.index, &shared.budget, &config));
    for (uint64_t number = 0; number < KEYS; number += 8, expected++) {
        encode(&shared, key, number);
        assert_ok(index_insert(&shared.index, key, ref_of(number), &there, &changes));
    }
    for (unsigned i = 0; i < THREADS; i++)
        actors[i] = (struct actor){.shared = &shared, .id = i, .random = seed + i};
    shared.start_ns = monotonic_ns();
    run_threads(THREADS, act, actors, sizeof *actors);
    for (unsigned i = 0; i < THREADS; i++) {
        expected += actors[i].moving_to - actors[i].moving_from;
        for (unsigned number = 0; number < KEYS; number++)
            expected += actors[i].present[number];
        again += actors[i].again;
        printf("%s: %" PRIu64 " operations, %" PRIu64 " looks repeated\n", setting->name, actors[i].operations,
               actors[i].again);
    }
    assert_int_equal(atomic_load(&shared.faults), 0);
    assert_int_equal(entries_of(&shared), expected);
    assert_true(again > 0 || !setting->ordered);
    index_fini(&shared.index);
    free(actors);
}

static void index_keeps_its_rules(void **state)
{
    (void)state;
    static const struct setting settings[] = {
        {"hash, 8-byte keys", false, false, 8},
        {"hash, 24-byte keys", false, false, 24},
        {"tree, 8-byte keys", true, false, 8},
        {"tree, 20-byte keys", true, false, 20},
        {"tree, 40-byte keys, non-unique", true, true, 40},
    };
    uint64_t seed = seed_from_environment();
    for (unsigned i = 0; i < sizeof settings / sizeof settings[0]; i++)
        run(&settings[i], seed + i * THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(index_keeps_its_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
