/* serial.c - see serial.h. */
#include "tests/support/serial.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct serial *serial_create(size_t cells)
{
    struct serial *serial = calloc(1, sizeof *serial);
    assert_non_null(serial);
    serial->cells = calloc(cells, sizeof *serial->cells);
    assert_non_null(serial->cells);
    serial->cell_count = cells;
    return serial;
}

void serial_destroy(struct serial *serial)
{
    for (size_t i = 0; i < serial->cell_count; i++)
        free(serial->cells[i].versions);
    free(serial->cells);
    free(serial->reads);
    free(serial);
}

/* How many versions of the cell are below ts. */
static size_t below(const struct serial_cell *cell, uint64_t ts)
{
    size_t count = cell->count;
    while (count > 0 && cell->versions[count - 1].ts >= ts)
        count--;
    return count;
}

struct serial_version *serial_visible(const struct serial *serial, size_t cell, uint64_t ts)
{
    size_t count = below(&serial->cells[cell], ts);
    return count ? &serial->cells[cell].versions[count - 1] : NULL;
}

uint64_t serial_visible_ts(const struct serial *serial, size_t cell, uint64_t ts)
{
    const struct serial_version *version = serial_visible(serial, cell, ts);
    return version ? version->ts : 0;
}

bool serial_newer(const struct serial *serial, size_t cell, uint64_t ts)
{
    return below(&serial->cells[cell], ts) < serial->cells[cell].count;
}

bool serial_newer_rests(const struct serial *serial, size_t number, uint64_t ts)
{
    const struct serial_cell *cell = &serial->cells[number];
    size_t place = below(cell, ts);
    return place < cell->count && cell->versions[place].rts > cell->versions[place].ts;
}

void serial_write(struct serial *serial, size_t number, uint64_t ts, uint64_t value, bool deleted, bool rests)
{
    struct serial_cell *cell = &serial->cells[number];
    if (cell->count == cell->capacity) {
        cell->capacity = cell->capacity ? 2 * cell->capacity : 16;
        cell->versions = realloc(cell->versions, cell->capacity * sizeof *cell->versions);
        assert_non_null(cell->versions);
    }
    size_t place = below(cell, ts);
    assert_true(place == cell->count || cell->versions[place].ts > ts);
    memmove(&cell->versions[place + 1], &cell->versions[place], (cell->count - place) * sizeof *cell->versions);
    cell->versions[place] = (struct serial_version){.ts = ts, .value = value, .rts = ts + rests, .deleted = deleted};
    cell->count++;
}

void serial_apply(struct serial *serial, size_t cell, uint64_t ts, uint64_t added)
{
    serial_write(serial, cell, ts, added, false, false);
    serial_visible(serial, cell, ts + 1)->noted = true;
}

void serial_resolve(struct serial *serial, size_t cell, uint64_t ts)
{
    struct serial_version *version = serial_visible(serial, cell, ts);
    if (!version || !version->noted)
        return;
    serial_resolve(serial, cell, version->ts);
    struct serial_version *base = serial_visible(serial, cell, version->ts);
    assert_non_null(base);
    base->rts = base->rts > version->ts ? base->rts : version->ts;
    version->value += base->value;
    version->noted = false;
}

void serial_raise(struct serial *serial, size_t cell, uint64_t ts, uint64_t version_ts)
{
    struct serial_version *version = serial_visible(serial, cell, version_ts + 1);
    if (version && version->ts == version_ts && version->rts < ts)
        version->rts = ts;
}

void serial_log(struct serial *serial, size_t cell, uint64_t ts, uint64_t version_ts, bool presence)
{
    if (serial->read_count == serial->read_capacity) {
        serial->read_capacity = serial->read_capacity ? 2 * serial->read_capacity : 256;
        serial->reads = realloc(serial->reads, serial->read_capacity * sizeof *serial->reads);
        assert_non_null(serial->reads);
    }
    serial->reads[serial->read_count++] = (struct serial_read){ts, cell, version_ts, presence};
}

bool serial_holds(const struct serial *serial, size_t cell, uint64_t ts, uint64_t version_ts, bool presence)
{
    const struct serial_version *now = serial_visible(serial, cell, ts);
    const struct serial_version *then = version_ts ? serial_visible(serial, cell, version_ts + 1) : NULL;
    if (presence)
        return (now && !now->deleted) == (then && !then->deleted);
    return now == then;
}

void serial_check(const struct serial *serial)
{
    for (size_t i = 0; i < serial->read_count; i++) {
        const struct serial_read *read = &serial->reads[i];
        if (!serial_holds(serial, read->cell, read->ts, read->version_ts, read->presence))
            fail_msg("transaction %" PRIx64 " read version %" PRIx64 " of cell %zu, but %" PRIx64
                     " is what it should see",
                     read->ts, read->version_ts, read->cell, serial_visible_ts(serial, read->cell, read->ts));
    }
}
