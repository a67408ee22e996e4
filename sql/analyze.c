/*
 * analyze.c - see analyze.h.
 *
 * HyperLogLog (Flajolet et al., AofA 2007): of each value's hash some bits choose a register, which keeps how many
 * zeros the other bits have begun with at most. Many zeros are rare, so they show that there are many values.
 */
#include "sql/analyze.h"

#include <math.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/alter.h"
#include "sql/key.h"
#include "sql/tables.h"

enum { REGISTER_BITS = 10, REGISTERS = 1 << REGISTER_BITS, ATTEMPTS_MAX = 16 };

struct counter {
    uint8_t zeros[REGISTERS];
};

struct count {
    const struct table *table;
    uint64_t rows;
    struct counter counter[]; /* for each index INDEX_COLUMNS_MAX */
};

static uint64_t bytes_hash(uint64_t hash, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void counter_note(struct counter *counter, uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    uint8_t *zeros = &counter->zeros[hash >> (64 - REGISTER_BITS)];
    const uint8_t found = (uint8_t)(__builtin_ctzll(hash | UINT64_C(1) << (64 - REGISTER_BITS)) + 1);
    if (found > *zeros)
        *zeros = found;
}

/* How many different values the counter has met. */
static double counter_estimate(const struct counter *counter)
{
    double sum = 0, unused = 0;
    for (unsigned i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -counter->zeros[i]);
        unused += counter->zeros[i] == 0;
    }
    double estimate = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS * REGISTERS / sum;
    return estimate <= 2.5 * REGISTERS && unused > 0 ? REGISTERS * log(REGISTERS / unused) : estimate;
}

/* How many of the index's columns have a counter: keys have no part for the last ones of many. */
static unsigned counted_columns(const struct table *table, const struct index *index)
{
    return index->hash ? 1 : key_columns(table, index);
}

/* A HASH index serves whole values, which may begin alike, and all its columns together: it has one counter. */
static void hash_count(struct counter *counter, const struct index *index, const void *data)
{
    struct value values[COLUMNS_MAX];
    uint64_t hash;
    for (unsigned i = 0; i < index->columns; i++)
        values[index->column[i]] = row_column(data, index->column[i]);
    (void)key_hash(index, values, &hash); /* rows with a NULL have no entry; they count as few values */
    counter_note(counter, hash);
}

static void key_count(struct counter *counters, const struct table *table, const struct index *index, const void *data)
{
    uint8_t part[KEY_BYTES_MAX];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (unsigned i = 0; i < counted_columns(table, index); i++) {
        struct value value = row_column(data, index->column[i]);
        const uint8_t *end = key_part(table, index, i, &value, part);
        hash = bytes_hash(hash, part, (size_t)(end - part));
        counter_note(&counters[i], hash);
    }
}

static enum mae_status row_count(void *arg, uint64_t row, const void *data, size_t bytes)
{
    struct count *count = arg;
    const struct table *table = count->table;
    (void)row, (void)bytes;
    count->rows++;
    for (unsigned i = 0; i < table->indexes; i++) {
        struct counter *counters = &count->counter[i * INDEX_COLUMNS_MAX];
        if (table->index[i].hash)
            hash_count(counters, &table->index[i], data);
        else
            key_count(counters, table, &table->index[i], data);
    }
    return MAE_OK;
}

static void statistics_make(const struct count *count, struct statistics *found)
{
    const struct table *table = count->table;
    memset(found, 0, sizeof *found);
    for (unsigned i = 0; count->rows > 0 && i < table->indexes; i++)
        for (unsigned j = 0, columns = counted_columns(table, &table->index[i]); j < table->index[i].columns; j++) {
            const unsigned at = i * INDEX_COLUMNS_MAX + (j < columns ? j : columns - 1);
            double alike = (double)count->rows / counter_estimate(&count->counter[at]);
            found->alike[i][j] = alike < 1 ? 1 : (uint64_t)(alike + 0.5);
        }
}

/* Looks at all rows, in a snapshot of its own. */
static enum mae_status table_count(struct mae_worker *worker, const struct table *table, struct statistics *found)
{
    const size_t bytes = sizeof(struct count) + table->indexes * INDEX_COLUMNS_MAX * sizeof(struct counter);
    struct count *count = memory_zeroed(bytes);
    struct mae_txn *txn;
    if (count == NULL)
        return MAE_NO_MEMORY;
    count->table = table;
    enum mae_status status = mae_begin(worker, MAE_SNAPSHOT, 0, &txn);
    if (status == MAE_OK) {
        status = mae_table_visit(txn, table->rows, 0, UINT64_MAX, row_count, count);
        (void)mae_abort(txn);
    }
    statistics_make(count, found);
    sqlite3_free(count);
    return status;
}

/* The table of that name, or NULL: the one whose number follows. */
static const struct table *table_choose(const struct database *database, const char *name, uint64_t last)
{
    if (name != NULL) {
        const struct table *table = tables_named(database, name);
        return table != NULL ? table : tables_with_index(database, name);
    }
    const struct table *next = NULL;
    for (const struct table *table = database->tables; table != NULL; table = table->next)
        if (!table->dropped && !table->is_view && table->id > last && (next == NULL || table->id < next->id))
            next = table;
    return next;
}

/* Looks at the table of that name, or the one behind the number `last`, and notes what it finds. *number: the table's,
 * or 0: there is none. SQLITE_SCHEMA: it has changed in between. */
static int table_analyze(struct connection *connection, const char *name, uint64_t last, uint64_t *number, char **error)
{
    struct statistics found;
    struct mae_worker *worker;
    int code = connection_enter(connection, &worker, error);
    if (code != SQLITE_OK)
        return code;
    const struct table *table = table_choose(connection->database, name, last);
    enum mae_status status = table == NULL ? MAE_OK : table_count(worker, table, &found);
    gate_leave(connection->database, worker);
    *number = table != NULL ? table->id : 0;
    if (status != MAE_OK || table == NULL || table->indexes == 0)
        return code_of(status);
    return alter_statistics(connection, table, &found, error);
}

int analyze_run(struct connection *connection, const char *name, char **error)
{
    uint64_t number = 0, last;
    do { /* ends: with a name at once, else numbers of tables grow */
        int code, attempts = 0;
        last = number;
        do { /* a table that others change between the look and the note is looked at again */
            sqlite3_free(*error);
            *error = NULL;
            code = table_analyze(connection, name, last, &number, error);
        } while (code == SQLITE_SCHEMA && ++attempts < ATTEMPTS_MAX && !MUTATED(sql_analyze_once));
        if (code != SQLITE_OK)
            return code;
    } while (name == NULL && number != 0);
    if (number != 0 || name == NULL)
        return SQLITE_OK;
    /* It may have gone just now, and SQLite, which is asked next, not know that yet. */
    int code = connection_follow(connection, error);
    return code == SQLITE_OK ? SQLITE_NOTFOUND : code;
}
