/*
 * scan.h - reads the log back: which flushes are complete, where each life's cut is, and the records below it.
 *
 * A crash may have torn or lost any block that was not synced yet, and kept later ones. So of each life only the blocks
 * before the first one that is missing or damaged count, and of those only whole flushes.
 *   D4  The cut of a life is the bound of the last flush such that this flush and all before it are whole. Records with
 *       timestamps at or above the cut never count, in this start and every later one: the manifest keeps the cut.
 *       If there is a checkpoint, the log begins in its life, at its block. The cut of that life is not below the
 *       checkpoint's end (D10). Records below the checkpoint's start do not count.
 *   D8  Damage is a torn end only if nothing below it was promised. Each block says which bound was certainly on the
 *       disk when it was written. If any good block of the life says more than the cut, or if the cut that the manifest
 *       has is not reached, then something that was acknowledged is gone, and the database is not opened. With
 *       recovery=salvage the cut is put before the damage, and nothing of later lives counts, which have built on what
 *       is lost. The manifest then says so, and from there on that cut is all that is asked for. A checkpoint cannot be
 *       cut: without the log up to its end it is of no moment.
 * Checked by: tests/crash, tests/unit/durable.
 */
#ifndef ENGINE_DURABLE_SCAN_H
#define ENGINE_DURABLE_SCAN_H

#include "engine/durable/manifest.h"
#include "engine/log/block.h"

struct scan_life {
    uint64_t next_block;       /* expected next */
    uint64_t end_block;        /* of the last whole flush, + 1; 0: none is whole */
    uint64_t cut;              /* the bound of the last whole flush, else the life's start */
    uint64_t measured;         /* where its blocks end, whatever else says about the cut */
    uint64_t promised;         /* the highest bound that a good block says is on the disk */
    uint64_t unsynced_segment; /* the first block that says so is in this one; those before it have been synced */
    bool salvaged;             /* D8 */
    bool ended;                /* a block was missing or damaged: nothing behind counts */
    bool unsound;              /* the flush that ends there has been written as it is, but not by this program */
    uint64_t gap_segment, gap_offset;
};

/* Where a block stands. */
struct scan_place {
    uint64_t segment, offset;
    int file;
};

typedef enum mae_status (*scan_record_fn)(void *arg, const struct record *record);

struct scan {
    const char *folder;
    uint64_t database;
    struct problem *problem;
    uint64_t *segments; /* numbers, ascending */
    size_t segment_count;
    struct scan_life *lives; /* as the manifest's */
    const struct manifest *manifest;
    size_t life_count; /* those that the manifest had when the scan began */
    size_t first_life; /* those before do not count: a checkpoint has all that they have left */
    bool has_checkpoint_file;
    bool salvage, salvaged; /* D8: it may be done; it was done */
    bool has_foreign;       /* a block of another database, or of a life after the manifest's last one, here: */
    bool has_later;         /* it is of a later life */
    uint64_t foreign_segment, foreign_offset;
    char *body; /* of the flush that is put together */
    size_t body_bytes, body_capacity;
    bool rewrites, rewritten; /* segments are opened for writing; something in this one was written */
    bool torn;                /* the last life's next block begins here, and is not whole: */
    uint64_t torn_segment, torn_offset;
    uint64_t damaged_segment; /* of which the problem's text tells; 0: none */
    struct scan_place flush;  /* of the last block of the flush whose records are visited */
    /* NULL, or told by scan_cuts of every good block, and whether it counts: all before it in its life are there. */
    void (*note)(void *arg, const struct block *block, const struct scan_place *place, bool counts);
    void *note_arg;
    scan_record_fn visit;
    enum mae_status (*visit_block)(void *arg, const struct block *block);
    void *arg;
    uint64_t highest_ts;              /* found anywhere, also in records that do not count */
    uint64_t read_bytes, cut_records; /* records that do not count */
};

/* Lists the segments. MAE_OK, MAE_IO, MAE_NO_MEMORY. `scan` is to be ended with scan_fini in any case. */
enum mae_status scan_init(struct scan *scan, const char *folder, const struct manifest *manifest,
                          struct problem *problem);
void scan_fini(struct scan *scan);
/* The number for the next segment. */
uint64_t scan_next_segment(const struct scan *scan);

/* Finds the cuts of all lives. MAE_CORRUPT: D8. It writes nothing. */
enum mae_status scan_cuts(struct scan *scan);
/* The refusal of what has_foreign tells: MAE_CORRUPT. */
enum mae_status scan_refuse_foreign(struct scan *scan);

/* Writes again what the last life has written since the last sync that is known of, and syncs it. The system may have
 * it in memory only, although it can be read. */
enum mae_status scan_secure(struct scan *scan);

/* Visits the blocks of the last life in their order, up to the first that is missing or damaged. Ends with the first
 * status of `visit` that is not MAE_OK. */
typedef enum mae_status (*scan_block_fn)(void *arg, const struct block *block);
enum mae_status scan_blocks(struct scan *scan, scan_block_fn visit, void *arg);

/* Visits every record below its life's cut, which scan_cuts has found, in no order that means anything. Ends with the
 * first status of `visit` that is not MAE_OK. */
enum mae_status scan_records(struct scan *scan, scan_record_fn visit, void *arg);
/* Whether scan_records has come to the end of each life that scan_cuts has found: no segment has gone meanwhile. */
bool scan_read_all(const struct scan *scan);

#endif
