/*
 * ring.h - the requests of one YCSB worker, drawn before the run; the run only walks over them.
 *
 * A ring holds transactions one after the other: a header {count, flags} and `count` requests {kind, key}, in words of
 * 4 bytes if keys fit into 29 bits, else of 8. A zero header is the end; the walk then starts again at the beginning.
 * Repeated requests do no harm if the rows used between two passes are much larger than every cache: the default of 4Mi
 * requests per worker (fewer if there are many workers) uses hundreds of megabytes of rows. The ring itself (16 MiB
 * then) is read in order, one cache line per 16 requests, from huge pages, so that drawing a request costs next to
 * nothing. Deterministic from the seed and the stream. Read-only once created. Checked by:
 * tests/unit/workloads/ycsb/ring.c.
 */
#ifndef WORKLOADS_YCSB_RING_H
#define WORKLOADS_YCSB_RING_H

#include <stdbool.h>

#include "workloads/distribution.h"

/* The last three are of records with several fields, or of both kinds of updates; an update there is of one field or of
 * all, as the options say. */
enum ring_kind {
    RING_READ,
    RING_UPDATE,
    RING_INSERT,
    RING_SCAN,
    RING_READ_FIELD,
    RING_UPDATE_FIELDS,
    RING_MODIFY, /* read, then update, where RING_UPDATE and RING_UPDATE_FIELDS write blindly */
};

static inline bool ring_kind_updates(unsigned kind)
{
    return kind == RING_UPDATE || kind == RING_UPDATE_FIELDS || kind == RING_MODIFY;
}

enum {
    RING_OPS_MAX = 1024,           /* requests in a transaction */
    RING_COUNT_MASK = 0xffff,      /* of a header */
    RING_READ_ONLY = 1 << 16,      /* flag in a header: reads and scans only */
    RING_NARROW_BITS = 29,         /* below the kind, in a word of 4 bytes */
    RING_WIDE_BITS = 61,           /* in a word of 8 */
    RING_KEY_DRAWS_PER_REQUEST = 8 /* redrawing more often than this on average makes the ring shorter, not later */
};

struct ring_config {
    const struct distribution *keys;
    uint64_t seed, stream;
    uint64_t requests; /* about how many */
    unsigned ops_per_txn;
    double read_ratio, insert_ratio, scan_ratio, modify_ratio; /* the rest updates */
    bool read_field, update_fields;                            /* reads and updates are of the field kinds */
    bool redraw; /* equal keys in a transaction: draw again, or drop the request */
    /* Above 0: store the distance d from the newest key as (d / age_workers) << age_shift | d % age_workers. */
    unsigned age_workers, age_shift;
    bool wide; /* words of 8 bytes */
};

struct ring {
    void *words;
    size_t word_count, mapped_bytes;
    uint64_t txns, requests; /* how many it holds */
};

/*
 * TARGET_OK; TARGET_NO_MEMORY; TARGET_INVALID when a transaction of distinct keys cannot be found in a million draws.
 * Takes some 0.3 s for 4Mi requests; touches all its memory from the calling thread.
 */
enum target_status ring_create(const struct ring_config *config, struct ring *ring);
void ring_destroy(struct ring *ring); /* a zeroed one is fine */

/* Whether transactions of distinct keys can be drawn in reasonable time: tries one. */
bool ring_probe(const struct ring_config *config);

#endif
