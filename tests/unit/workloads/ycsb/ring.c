/* ring.c - tests of workloads/ycsb/ring.[ch]. */
#include <math.h>

#include "tests/unit/workloads/drive.h"
#include "workloads/ycsb/ring.h"

struct txn {
    unsigned count;
    bool read_only;
    uint64_t keys[RING_OPS_MAX];
    unsigned kinds[RING_OPS_MAX];
};

/* Reads the next transaction; false at the end. */
static bool take(const struct ring *ring, bool wide, size_t *at, struct txn *txn)
{
    unsigned bits = wide ? RING_WIDE_BITS : RING_NARROW_BITS;
    const uint32_t *narrow_words = ring->words;
    const uint64_t *wide_words = ring->words;
    uint64_t header = wide ? wide_words[*at] : narrow_words[*at];
    ++*at;
    txn->count = (unsigned)(header & RING_COUNT_MASK);
    txn->read_only = header & RING_READ_ONLY;
    for (unsigned i = 0; i < txn->count; i++, ++*at) {
        uint64_t word = wide ? wide_words[*at] : narrow_words[*at];
        txn->keys[i] = word & (((uint64_t)1 << bits) - 1);
        txn->kinds[i] = (unsigned)(word >> bits);
    }
    return header != 0;
}

static struct distribution make_keys(enum distribution_kind kind, uint64_t n, double theta)
{
    struct distribution keys;
    char error[256];
    struct distribution_config config = {.kind = kind, .theta = theta};
    assert_int_equal(distribution_init(&keys, &config, n, error, sizeof error), TARGET_OK);
    return keys;
}

static struct ring_config make_config(const struct distribution *keys, uint64_t seed)
{
    return (struct ring_config){
        .keys = keys, .seed = seed, .requests = 200000, .ops_per_txn = 16, .read_ratio = 0.5, .redraw = true};
}

static void requests_have_the_ratios_asked_for(void **state)
{
    (void)state;
    struct distribution keys = make_keys(DISTRIBUTION_UNIFORM, 100000, 0);
    struct ring_config config = make_config(&keys, drive_seed());
    config.read_ratio = 0.4;
    config.insert_ratio = 0.1;
    config.scan_ratio = 0.2;
    config.modify_ratio = 0.1;
    config.ops_per_txn = 4;
    struct ring ring;
    struct txn txn;
    uint64_t kinds[RING_MODIFY + 1] = {0}, read_only = 0;
    size_t at = 0;
    assert_int_equal(ring_create(&config, &ring), TARGET_OK);
    while (take(&ring, false, &at, &txn)) {
        bool writes = false;
        assert_int_equal(txn.count, 4);
        for (unsigned i = 0; i < txn.count; i++) {
            kinds[txn.kinds[i]]++;
            writes |= txn.kinds[i] == RING_INSERT || ring_kind_updates(txn.kinds[i]);
            assert_true(txn.keys[i] < 100000);
        }
        assert_int_equal(txn.read_only, !writes);
        read_only += txn.read_only;
    }
    assert_int_equal(at, ring.word_count);
    double n = (double)ring.requests;
    assert_true(n >= 200000);
    assert_true(fabs((double)kinds[RING_READ] - 0.4 * n) < 6 * sqrt(n * 0.24));
    assert_true(fabs((double)kinds[RING_INSERT] - 0.1 * n) < 6 * sqrt(n * 0.09));
    assert_true(fabs((double)kinds[RING_SCAN] - 0.2 * n) < 6 * sqrt(n * 0.16));
    assert_true(fabs((double)kinds[RING_UPDATE] - 0.2 * n) < 6 * sqrt(n * 0.16));
    assert_true(fabs((double)kinds[RING_MODIFY] - 0.1 * n) < 6 * sqrt(n * 0.09));
    assert_true(fabs((double)read_only / (double)ring.txns - 0.6 * 0.6 * 0.6 * 0.6) < 0.02);
    ring_destroy(&ring);
}

static void field_kinds_stand_for_reads_and_updates(void **state)
{
    (void)state;
    struct distribution keys = make_keys(DISTRIBUTION_UNIFORM, (uint64_t)1 << 29, 0);
    struct ring_config config = make_config(&keys, drive_seed());
    struct ring rings[2];
    struct txn plain, fielded;
    size_t at[2] = {0};
    config.read_field = config.update_fields = false;
    assert_int_equal(ring_create(&config, &rings[0]), TARGET_OK);
    config.read_field = config.update_fields = true;
    assert_int_equal(ring_create(&config, &rings[1]), TARGET_OK);
    while (take(&rings[0], false, &at[0], &plain)) { /* the same requests, of keys of 29 bits */
        assert_true(take(&rings[1], false, &at[1], &fielded));
        assert_int_equal(plain.read_only, fielded.read_only);
        for (unsigned i = 0; i < plain.count; i++) {
            assert_int_equal(plain.keys[i], fielded.keys[i]);
            assert_int_equal(fielded.kinds[i], plain.kinds[i] == RING_READ ? RING_READ_FIELD : RING_UPDATE_FIELDS);
        }
    }
    ring_destroy(&rings[0]);
    ring_destroy(&rings[1]);
}

static bool has_equal_keys(const struct txn *txn)
{
    for (unsigned i = 0; i < txn->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (txn->keys[i] == txn->keys[j])
                return true;
    return false;
}

static void redraw_keeps_all_requests_with_different_keys(void **state)
{
    (void)state;
    struct distribution keys = make_keys(DISTRIBUTION_ZIPFIAN, 1000, 1.2);
    struct ring_config config = make_config(&keys, drive_seed());
    struct ring ring;
    struct txn txn;
    size_t at = 0;
    assert_int_equal(ring_create(&config, &ring), TARGET_OK);
    while (take(&ring, false, &at, &txn)) {
        assert_int_equal(txn.count, 16);
        assert_false(has_equal_keys(&txn));
    }
    ring_destroy(&ring);
}

/* The averages published with the experiments: 16 requests, 10M records. */
static void drop_leaves_as_many_as_the_papers_runs_had(void **state)
{
    (void)state;
    static const struct {
        double theta, average;
    } published[] = {{0.80, 15.98}, {0.90, 15.87}, {0.95, 15.69}, {0.99, 15.46}};
    uint64_t seed = drive_seed();
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        struct distribution keys = make_keys(DISTRIBUTION_ZIPFIAN_GRAY, 10000000, published[i].theta);
        struct ring_config config = make_config(&keys, seed);
        struct ring ring;
        struct txn txn;
        size_t at = 0;
        config.redraw = false;
        config.requests = 800000;
        assert_int_equal(ring_create(&config, &ring), TARGET_OK);
        while (take(&ring, false, &at, &txn))
            assert_false(has_equal_keys(&txn));
        double average = (double)ring.requests / (double)ring.txns;
        if (fabs(average - published[i].average) > 0.02)
            fail_msg("theta %g: %g requests on average, published %g", published[i].theta, average,
                     published[i].average);
        ring_destroy(&ring);
    }
}

static void wide_and_narrow_words_hold_the_same(void **state)
{
    (void)state;
    struct distribution keys = make_keys(DISTRIBUTION_ZIPFIAN, 1000000, 0.9);
    struct ring_config config = make_config(&keys, drive_seed());
    struct ring narrow, wide, other;
    struct txn a, b, c;
    size_t at_a = 0, at_b = 0, at_c = 0, different = 0;
    assert_int_equal(ring_create(&config, &narrow), TARGET_OK);
    config.wide = true;
    assert_int_equal(ring_create(&config, &wide), TARGET_OK);
    config.stream++;
    assert_int_equal(ring_create(&config, &other), TARGET_OK);
    assert_int_equal(narrow.txns, wide.txns);
    while (take(&narrow, false, &at_a, &a)) {
        assert_true(take(&wide, true, &at_b, &b));
        assert_int_equal(a.count, b.count);
        assert_int_equal(a.read_only, b.read_only);
        assert_memory_equal(a.keys, b.keys, a.count * sizeof *a.keys);
        assert_memory_equal(a.kinds, b.kinds, a.count * sizeof *a.kinds);
        if (take(&other, true, &at_c, &c)) /* another worker's */
            different += memcmp(a.keys, c.keys, a.count * sizeof *a.keys) != 0;
    }
    assert_true(different > narrow.txns / 10 * 9);
    assert_false(take(&wide, true, &at_b, &b));
    ring_destroy(&narrow);
    ring_destroy(&wide);
    ring_destroy(&other);
}

static void keys_beyond_narrow_words_survive(void **state)
{
    (void)state;
    const uint64_t n = 1000000000000;
    struct distribution keys = make_keys(DISTRIBUTION_UNIFORM, n, 0);
    struct ring_config config = make_config(&keys, drive_seed());
    struct ring ring;
    struct txn txn;
    size_t at = 0;
    uint64_t largest = 0;
    config.wide = true;
    assert_int_equal(ring_create(&config, &ring), TARGET_OK);
    while (take(&ring, true, &at, &txn))
        for (unsigned i = 0; i < txn.count; i++) {
            assert_true(txn.keys[i] < n);
            largest = txn.keys[i] > largest ? txn.keys[i] : largest;
        }
    assert_true(largest > n / 100 * 99);
    ring_destroy(&ring);
}

static void what_cannot_be_distinct_is_noticed(void **state)
{
    (void)state;
    struct distribution few = make_keys(DISTRIBUTION_UNIFORM, 15, 0),
                        skewed = make_keys(DISTRIBUTION_ZIPFIAN, 1000, 20);
    struct ring_config config = make_config(&few, drive_seed());
    struct ring ring;
    assert_false(ring_probe(&config));
    assert_int_equal(ring_create(&config, &ring), TARGET_INVALID);
    config.ops_per_txn = 15;
    assert_true(ring_probe(&config));
    config.keys = &skewed;
    assert_false(ring_probe(&config));
    config.redraw = false;
    assert_true(ring_probe(&config));
    assert_int_equal(ring_create(&config, &ring), TARGET_OK);
    ring_destroy(&ring);
}

/* Drawing again and again makes the ring shorter, not the wait longer. */
static void costly_redraws_shorten_the_ring(void **state)
{
    (void)state;
    struct distribution keys = make_keys(DISTRIBUTION_ZIPFIAN, 100000, 2.5);
    struct ring_config config = make_config(&keys, drive_seed());
    struct ring ring;
    assert_int_equal(ring_create(&config, &ring), TARGET_OK);
    assert_true(ring.txns >= 200000 / 16 / 64);
    assert_true(ring.txns < 200000 / 16 / 2);
    ring_destroy(&ring);
}

static void ages_are_stored_by_worker(void **state)
{
    (void)state;
    struct distribution keys = make_keys(DISTRIBUTION_LATEST, 999, 0);
    struct ring_config config = make_config(&keys, drive_seed());
    struct ring ring;
    struct txn txn;
    size_t at = 0;
    uint64_t counts[3] = {0};
    config.age_workers = 3;
    config.age_shift = 2;
    assert_int_equal(ring_create(&config, &ring), TARGET_OK);
    while (take(&ring, false, &at, &txn))
        for (unsigned i = 0; i < txn.count; i++) {
            assert_true((txn.keys[i] & 3) < 3);
            assert_true(txn.keys[i] >> 2 < 333);
            counts[txn.keys[i] & 3]++;
        }
    for (int i = 0; i < 3; i++)
        assert_true(fabs((double)counts[i] - (double)ring.requests / 3) < 6 * sqrt((double)ring.requests));
    ring_destroy(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_have_the_ratios_asked_for),
        cmocka_unit_test(field_kinds_stand_for_reads_and_updates),
        cmocka_unit_test(redraw_keeps_all_requests_with_different_keys),
        cmocka_unit_test(drop_leaves_as_many_as_the_papers_runs_had),
        cmocka_unit_test(wide_and_narrow_words_hold_the_same),
        cmocka_unit_test(keys_beyond_narrow_words_survive),
        cmocka_unit_test(what_cannot_be_distinct_is_noticed),
        cmocka_unit_test(costly_redraws_shorten_the_ring),
        cmocka_unit_test(ages_are_stored_by_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
