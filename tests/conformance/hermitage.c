/*
 * hermitage.c - what each isolation level of each database shows, and of the schemes that have several, after the
 * Hermitage suite: of ten anomalies those that its table says, and no others. A database that shows more has less
 * isolation than it is said to have; one that shows less has another one than it is measured with, or the script
 * provokes nothing.
 *
 * Each anomaly has one of the scripts of anomaly_scripts.h, which is run on an ordered index. What is not to be seen is
 * tried a few times. What is to be seen is tried until it is there, since on a busy machine a call may be taken for one
 * that waits, and the next one then comes too early. TARGET=name or TARGET=name:settings runs those rows only.
 *
 * docs/targets.md has the table, too, and the test compares them.
 */
#include "harness/common/support.h"
#include "harness/common/text_file.h"
#include "harness/targets/targets.h"
#include "tests/support/players.h"

enum { NEVER_TRIES = 3, SHOWN_TRIES = 100, WHY_BYTES = 256, PAGE_BYTES_MAX = 1 << 20 };

#define PAGE "docs/targets.md"

/* Each adds what the other one has looked for, and writes no row that the other one has read. */
#define TWO_INSERTS "G2 of two inserts"

#define FINDING(name) (UINT64_C(1) << HISTORY_ANOMALY_##name)

/* name, as Hermitage has it, the script's name, what the history check calls it. A read that sees one half of another
 * transaction is a cycle with one rw, whichever half it is. */
#define ANOMALY_TABLE(X)                                                                           \
    X(G0, "G0", "G0 dirty write", FINDING(G0))                                                     \
    X(G1A, "G1a", "G1a aborted read", FINDING(ABORTED_READ))                                       \
    X(G1B, "G1b", "G1b intermediate read", FINDING(INTERMEDIATE_READ))                             \
    X(G1C, "G1c", "G1c circular information flow", FINDING(G1C))                                   \
    X(OTV, "OTV", "OTV, before the second one commits", FINDING(G1C) | FINDING(G_SINGLE))          \
    X(PMP, "PMP", "PMP predicate many preceders", FINDING(G_SINGLE))                               \
    X(P4, "P4", "P4 lost update, of what was committed", FINDING(LOST_UPDATE) | FINDING(G_SINGLE)) \
    X(G_SINGLE, "G-single", "G-single read skew", FINDING(G_SINGLE))                               \
    X(G2_ITEM, "G2-item", "G2-item write skew", FINDING(G2_ITEM))                                  \
    X(G2, "G2", TWO_INSERTS, FINDING(G2))

enum anomaly {
#define ANOMALY_ENUM(name, text, script, findings) name,
    ANOMALY_TABLE(ANOMALY_ENUM)
#undef ANOMALY_ENUM
        ANOMALIES
};

static const struct {
    const char *text, *script;
    uint64_t findings;
} anomalies[] = {
#define ANOMALY_ROW(name, text, script, findings) {text, script, findings},
    ANOMALY_TABLE(ANOMALY_ROW)
#undef ANOMALY_ROW
};

#define SHOWN(anomaly) (1U << (anomaly))

/* All that a level shows. PMP and G2 rest on a scan. */
enum {
    NOTHING = 0,
    WRITE_SKEW = SHOWN(G2_ITEM) | SHOWN(G2),
    PHANTOMS = SHOWN(PMP) | SHOWN(G2),
    UNREPEATABLE = WRITE_SKEW | SHOWN(PMP) | SHOWN(P4) | SHOWN(G_SINGLE),
};

/* settings: words of the target's options, with blanks between them; the others have their defaults. */
static const struct row {
    const char *target, *settings;
    unsigned shown;
} rows[] = {
    {"native", "", NOTHING},
    {"ermia", "ermia_isolation=si", WRITE_SKEW},
    {"hekaton", "hekaton_validate=dbx1000", WRITE_SKEW},
    {"lmdb", "", NOTHING},
    {"sqlite", "", NOTHING},
    {"rocksdb", "concurrency=pessimistic isolation=serializable", PHANTOMS},
    {"rocksdb", "concurrency=pessimistic isolation=snapshot", WRITE_SKEW},
    {"rocksdb", "concurrency=pessimistic isolation=read_committed", UNREPEATABLE},
    {"rocksdb", "concurrency=optimistic isolation=serializable", PHANTOMS},
    {"rocksdb", "concurrency=optimistic isolation=snapshot", WRITE_SKEW},
    {"rocksdb", "concurrency=optimistic isolation=read_committed", UNREPEATABLE},
    {"wiredtiger", "isolation=snapshot", WRITE_SKEW},
    {"wiredtiger", "isolation=read_committed", UNREPEATABLE},
    {"postgresql", "isolation=serializable", NOTHING},
    {"postgresql", "isolation=snapshot", WRITE_SKEW},
    {"postgresql", "isolation=read_committed", UNREPEATABLE},
    {"redis", "", NOTHING},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* ---- Running. ---- */

static const struct anomaly_script *script_of(enum anomaly anomaly)
{
    static const struct anomaly_script two_inserts = {
        .name = TWO_INSERTS, .ops = {"s* iz", "s* iw"}, .order = "121212", .ordered = true};
    const struct anomaly_script *script = anomaly_scripts;
    if (strcmp(anomalies[anomaly].script, two_inserts.name) == 0)
        return &two_inserts;
    while (script->name != NULL && strcmp(script->name, anomalies[anomaly].script) != 0)
        script++;
    if (script->name == NULL)
        fail_msg("%s: there is no such script", anomalies[anomaly].script);
    return script;
}

static bool shows(struct players *players, enum anomaly anomaly)
{
    struct players_seen seen = {0};
    uint64_t found = 0;
    players_run(players, script_of(anomaly), false, &seen);
    for (unsigned i = 0; i < HISTORY_ANOMALY_COUNT; i++)
        found |= seen.findings[i] > 0 ? UINT64_C(1) << i : 0;
    return found & anomalies[anomaly].findings;
}

static void set_all(struct conform_variant *variant, const char *settings)
{
    SUPPORT_FREED char *copy = support_copy(settings);
    char *rest = copy, *word;
    while ((word = strsep(&rest, " ")) != NULL && *word != '\0') {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value++ = '\0';
        assert_true(option_find(variant->ops->options, word) < option_count(variant->ops->options));
        conform_set(variant, word, value);
    }
    if (variant->ops->promises_with != NULL)
        variant->promises = variant->ops->promises_with(variant->values);
}

static bool is_wanted(const struct row *row, const char *name)
{
    const char *only = getenv("TARGET");
    return only == NULL || *only == '\0' || strcmp(only, row->target) == 0 || strcmp(only, name) == 0;
}

/* False if the row is not that of the table; says what differs. */
static bool run_row(const struct row *row, const struct target_ops *ops, const char *name)
{
    struct conform_variant variant;
    bool fine = true;
    conform_default(&variant, ops);
    (void)snprintf(variant.name, sizeof variant.name, "%s", name);
    set_all(&variant, row->settings);
    struct players *players = players_open(&variant, true);
    assert_non_null(players);
    for (enum anomaly anomaly = 0; anomaly < ANOMALIES; anomaly++) {
        bool expected = row->shown & SHOWN(anomaly), shown = false;
        for (unsigned tries = 0; !shown && tries < (expected ? SHOWN_TRIES : NEVER_TRIES); tries++)
            shown = shows(players, anomaly);
        if (shown != expected)
            printf("FAILED: %s %s %s\n", name, shown ? "has shown" : "should show, and never does,",
                   anomalies[anomaly].text);
        fine &= shown == expected;
    }
    players_close(players);
    conform_clear(&variant);
    return fine;
}

static void each_level_shows_its_anomalies_and_no_others(void **state)
{
    (void)state;
    unsigned failed = 0, wanted = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        const struct target_ops *ops = target_by_name(row->target);
        SUPPORT_FREED char *name =
            support_format("%s%s%s", row->target, *row->settings == '\0' ? "" : ":", row->settings);
        char why[WHY_BYTES];
        if (!is_wanted(row, name))
            continue;
        wanted++;
        if (!external_is_there(ops, why, sizeof why)) {
            printf("  %s is skipped: %s\n", name, why);
            continue;
        }
        printf("  %s\n", name);
        (void)fflush(stdout);
        ops = external_load(ops, why, sizeof why);
        if (ops == NULL)
            fail_msg("%s", why);
        failed += !run_row(row, ops, name);
    }
    if (wanted == 0)
        fail_msg("TARGET=%s: no row of the table has this name", getenv("TARGET"));
    assert_int_equal(failed, 0);
}

/* ---- The table is whole, and the page has it. ---- */

static bool has_row(const char *target, const char *setting)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].target, target) == 0 && strstr(rows[i].settings, setting) != NULL)
            return true;
    return false;
}

/* Of the options that change what is shown. */
static void words_have_rows(const struct target_ops *ops, const char *option)
{
    char word[WHY_BYTES];
    size_t at = option_find(ops->options, option);
    if (at == option_count(ops->options))
        return;
    for (const char *from = ops->options[at].range; *from != '\0'; from += *from == '|') {
        size_t length = strcspn(from, "|");
        (void)snprintf(word, sizeof word, "%s=%.*s", option, (int)length, from);
        if (!has_row(ops->name, word))
            fail_msg("%s: %s has no row", ops->name, word);
        from += length;
    }
}

static void every_database_and_level_has_a_row(void **state)
{
    (void)state;
    const struct target_ops *ops;
    for (size_t i = 0; (ops = target_at(i)) != NULL; i++) {
        if (!external_is(ops))
            continue;
        if (!has_row(ops->name, ""))
            fail_msg("%s has no row", ops->name);
        words_have_rows(ops, "isolation");
        words_have_rows(ops, "concurrency");
    }
}

/* As the page has it. */
static char *table_text(void)
{
    struct support_text text = {0};
    support_text_add(&text, "| target |");
    for (enum anomaly anomaly = 0; anomaly < ANOMALIES; anomaly++)
        support_text_add(&text, " %s |", anomalies[anomaly].text);
    support_text_add(&text, "\n|---|");
    for (enum anomaly anomaly = 0; anomaly < ANOMALIES; anomaly++)
        support_text_add(&text, "---|");
    support_text_add(&text, "\n");
    for (size_t i = 0; i < ROWS; i++) {
        support_text_add(&text, "| %s%s%s |", rows[i].target, *rows[i].settings == '\0' ? "" : " ", rows[i].settings);
        for (enum anomaly anomaly = 0; anomaly < ANOMALIES; anomaly++)
            support_text_add(&text, " %s |", rows[i].shown & SHOWN(anomaly) ? "shown" : "-");
        support_text_add(&text, "\n");
    }
    return text.text;
}

static void the_page_has_this_table(void **state)
{
    (void)state;
    char why[WHY_BYTES];
    size_t bytes;
    SUPPORT_FREED char *table = table_text();
    SUPPORT_FREED char *page = text_file_read(PAGE, PAGE_BYTES_MAX, false, &bytes, why, sizeof why);
    if (page == NULL)
        fail_msg("%s (the test runs in the root of the tree)", why);
    if (strstr(page, table) == NULL)
        fail_msg("%s has another table; want\n%s", PAGE, table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_database_and_level_has_a_row),
        cmocka_unit_test(the_page_has_this_table),
        cmocka_unit_test(each_level_shows_its_anomalies_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
