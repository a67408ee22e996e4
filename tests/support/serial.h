/*
 * serial.h - an oracle for one thread: it answers as a serial execution in timestamp order would.
 *
 * A cell is a row or a key. Each committed write adds a version to its cell, under the writer's timestamp. A committed
 * read is logged with the version that it saw. At the end serial_check compares all logged reads with the final
 * history, so it finds a writer that committed below a reader after the read.
 */
#ifndef TESTS_SUPPORT_SERIAL_H
#define TESTS_SUPPORT_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serial_version {
    uint64_t ts, value;
    uint64_t rts; /* the highest timestamp that read it and committed; or its own, or 1 more if it rests on one */
    bool deleted;
    bool noted; /* `value` is to be added to that of the version below, which nobody has needed yet */
};

struct serial_cell {
    struct serial_version *versions; /* oldest first */
    size_t count, capacity;
};

struct serial_read {
    uint64_t ts;
    size_t cell;
    uint64_t version_ts; /* 0: nothing was there, ever before */
    bool presence;       /* only whether something was there mattered, not what */
};

struct serial {
    struct serial_cell *cells;
    size_t cell_count;
    struct serial_read *reads;
    size_t read_count, read_capacity;
};

struct serial *serial_create(size_t cells);
void serial_destroy(struct serial *serial);

/* The newest version with a timestamp below ts, or NULL. Valid until the next serial_write to the cell. */
struct serial_version *serial_visible(const struct serial *serial, size_t cell, uint64_t ts);
/* Its timestamp, 0 for none. */
uint64_t serial_visible_ts(const struct serial *serial, size_t cell, uint64_t ts);
/* Something is newer than ts. */
bool serial_newer(const struct serial *serial, size_t cell, uint64_t ts);
/* The oldest of what is newer may rest on what is below ts. */
bool serial_newer_rests(const struct serial *serial, size_t cell, uint64_t ts);

/* `rests`: its writer has read the version below. */
void serial_write(struct serial *serial, size_t cell, uint64_t ts, uint64_t value, bool deleted, bool rests);
/* Adds to what is below, whatever that is when somebody needs it (mae_apply). */
void serial_apply(struct serial *serial, size_t cell, uint64_t ts, uint64_t added);
/* The visible version gets its value; what that came from counts as read (CU1). */
void serial_resolve(struct serial *serial, size_t cell, uint64_t ts);
/* Raises the rts of the version that was read; a version_ts of 0 has none. */
void serial_raise(struct serial *serial, size_t cell, uint64_t ts, uint64_t version_ts);
/* Logs a committed transaction's read. */
void serial_log(struct serial *serial, size_t cell, uint64_t ts, uint64_t version_ts, bool presence);
/* Whether a read at ts of that version is still right. */
bool serial_holds(const struct serial *serial, size_t cell, uint64_t ts, uint64_t version_ts, bool presence);

/* Fails the test (cmocka) if a logged read saw another version than it should have. */
void serial_check(const struct serial *serial);

#endif
