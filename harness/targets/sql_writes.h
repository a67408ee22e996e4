/*
 * sql_writes.h - what a transaction of the target sql (sql.c) has read and is going to write.
 *
 * A workload fills a payload after the call that hands it out, so a write of a row becomes a statement of SQL at commit
 * only; until then reads of the row find it here. Payloads that were read are copied here, too, since SQLite keeps a
 * value only until the statement goes on.
 */
#ifndef HARNESS_TARGETS_SQL_WRITES_H
#define HARNESS_TARGETS_SQL_WRITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sql_write_kind {
    SQL_UPDATED,
    SQL_INSERTED,
    SQL_ERASED /* nothing is left to be done: the row was inserted here, or its DELETE has run */
};

struct sql_write {
    unsigned table; /* its number */
    uint64_t ref;
    enum sql_write_kind kind;
    void *data;
    size_t bytes;
    size_t next; /* with the same hash: 1 more than the place in `writes`; 0: none */
};

struct sql_chunk;

/* {0} is empty. */
struct sql_writes {
    struct sql_write *writes; /* in the order of the first write of each row */
    size_t count;
    size_t *heads; /* by hash, like `next` */
    size_t heads_count;
    struct sql_chunk *chunks; /* memory for payloads, the newest first */
    size_t used;              /* of the newest */
};

/* Zeroed memory that lasts until sql_writes_clear, aligned to 16 bytes. */
void *sql_writes_payload(struct sql_writes *writes, size_t bytes);

/* The row's write, or NULL. It stays where it is until the next one is added. */
struct sql_write *sql_writes_find(const struct sql_writes *writes, unsigned table, uint64_t ref);
/* Adds a write of a row that has none. */
void sql_writes_add(struct sql_writes *writes, const struct sql_write *write);

void sql_writes_clear(struct sql_writes *writes); /* keeps some memory for the next transaction */
void sql_writes_free(struct sql_writes *writes);

#endif
