/*
 * scan.h - reads the log back: which flushes are complete, where each life's cut is, and the records below it.
 *
 * A crash may have torn or lost any block that was not synced yet, and kept later ones. So of each life's stream only
 * the blocks before the first one that is missing or damaged count, and of those only whole flushes.
 *   D4  The cut of a stream is the bound of the last flush such that this flush and all before it are whole. The cut of
 *       a life is the least of its streams' cuts. A stream without a whole flush has the life's start as its cut.
 *       Records with timestamps at or above the cut never count, in this start and every later one: the manifest keeps
 *       the cut. If there is a checkpoint, the log begins in its life, at its blocks. The cut of that life is not below
 *       the checkpoint's end (D10). Records below the checkpoint's start do not count.
 *   D8  Damage is a torn end only if nothing below it was promised. Each block says which bound was certainly on the
 *       disk when it was written, of its own stream and of all. If any good block of the stream says more than the
 *       stream's cut, or one of the life says more of all streams, or if the cut that the manifest has is not reached,
 *       then something that was acknowledged is gone, and the database is not opened. With
 *       recovery=salvage the cut is put before the damage, and nothing of later lives counts, which have built on what
 *       is lost. The manifest then says so, and from there on that cut is all that is asked for. A checkpoint cannot be
 *       cut: without the log up to its end it is of no moment.
 * Checked by: tests/crash, tests/unit/durable.
 */
#ifndef ENGINE_DURABLE_SCAN_H
#define ENGINE_DURABLE_SCAN_H

#include "engine/base/mem.h"
#include "engine/durable/manifest.h"
#include "engine/durable/window.h"
#include "engine/log/block.h"

/* Where a block stands. */
struct scan_place {
    unsigned folder;
    uint64_t segment, offset;
    int file;
};

/* A life's blocks in one stream. */
struct scan_chain {
    uint64_t next_block;        /* expected next */
    uint64_t end_block;         /* of the last whole flush, + 1; 0: none is whole */
    uint64_t measured;          /* the bound of the last whole flush, else the life's start */
    uint64_t promised;          /* the highest bound that a good block says is on the disk */
    struct scan_place unsynced; /* the first block that says so is there; those before that segment have been synced */
    bool ended;                 /* a block was missing or damaged: nothing behind counts */
    bool unsound;               /* the flush that ends there has been written as it is, but not by this program */
    struct scan_place gap, gap_end; /* there: from where on what stands is no block, and the first good block behind */
};

struct scan_life {
    size_t first_chain; /* its streams' chains are there, in order */
    uint64_t cut;
    uint64_t promised; /* the highest bound that a good block says is on the disk of all streams */
    bool salvaged;     /* D8 */
};

typedef enum mae_status (*scan_record_fn)(void *arg, const struct record *record);

/* A file of the log. */
struct scan_segment {
    unsigned folder;
    uint64_t number;
    struct window_image image;
};

struct scan {
    const char *const *folders;
    unsigned folder_count;
    uint64_t database;
    struct problem *problem;
    struct scan_segment *segments; /* by folder and number */
    size_t segment_count;
    unsigned listed;         /* the folder that is listed */
    struct scan_life *lives; /* as the manifest's */
    struct scan_chain *chains;
    const struct manifest *manifest;
    size_t life_count; /* those that the manifest had when the scan began */
    size_t first_life; /* those before do not count: a checkpoint has all that they have left */
    /* NULL, or an earlier scan. Only what that one has found promised counts as promised, since this one may read a
     * block that is written meanwhile, and not those before it, which stand where it has been already. */
    const struct scan *earlier;
    bool is_measured; /* scan_cuts has read all of the log */
    bool has_checkpoint_file;
    bool salvage, salvaged; /* D8: it may be done; it was done */
    bool has_foreign;       /* a block of another database, or of a life after the manifest's last one, here: */
    bool has_later;         /* it is of a later life */
    struct scan_place foreign;
    unsigned threads; /* that read and check blocks; 0: one */
    /* So much of the log may stay in memory, from scan_cuts to scan_records, which lets go of it: then it is read from
     * the disk once. */
    uint64_t keep_bytes;
    enum mem_huge_pages huge_pages; /* for that */
    bool lets_go;
    const char *body; /* of a flush: what is gathered, or in its only block */
    const struct scan_chain *body_of;
    size_t body_bytes;
    char *gathered;
    size_t body_capacity;
    bool rewrites, rewritten; /* segments are opened for writing; something in this one was written */
    bool torn;                /* the last life's next block of a stream begins here, and is not whole: */
    struct scan_place torn_place;
    bool in_hole; /* what stands between here and the block that is visited is no block: */
    struct scan_place hole;
    bool is_damaged; /* the problem's text tells of this place: */
    struct scan_place damaged;
    struct scan_place flush; /* of the last block of the flush whose records are visited */
    /* NULL, or told by scan_cuts of every good block, and whether it counts: all before it in its chain are there. */
    void (*note)(void *arg, const struct block *block, const struct scan_place *place, bool counts);
    void *note_arg;
    const struct scan_chain *securing; /* only this chain is visited, as is: */
    unsigned passed;                   /* the stream */
    scan_record_fn visit;
    enum mae_status (*visit_block)(void *arg, const struct block *block);
    void *arg;
    uint64_t highest_ts;              /* found anywhere, also in records that do not count */
    uint64_t read_bytes, cut_records; /* records that do not count */
};

/* Lists the segments. MAE_OK, MAE_IO, MAE_NO_MEMORY. `scan` is to be ended with scan_fini in any case. */
enum mae_status scan_init(struct scan *scan, const char *const *folders, unsigned folder_count,
                          const struct manifest *manifest, struct problem *problem);
void scan_fini(struct scan *scan);
/* The number for the folder's next segment. */
uint64_t scan_next_segment(const struct scan *scan, unsigned folder);

/* Finds the cuts of all lives. MAE_CORRUPT: D8. It writes nothing. */
enum mae_status scan_cuts(struct scan *scan);
/* The refusal of what has_foreign tells: MAE_CORRUPT. */
enum mae_status scan_refuse_foreign(struct scan *scan);

/* Writes again what the last life has written since the last sync that is known of, and syncs it. The system may have
 * it in memory only, although it can be read. */
enum mae_status scan_secure(struct scan *scan);

/* Visits the blocks of one stream of the last life in their order, up to the first that is missing or damaged. Ends
 * with the first status of `visit` that is not MAE_OK. */
typedef enum mae_status (*scan_block_fn)(void *arg, const struct block *block);
enum mae_status scan_blocks(struct scan *scan, unsigned stream, scan_block_fn visit, void *arg);

/* Visits every record below its life's cut, which scan_cuts has found, in no order that means anything. Ends with the
 * first status of `visit` that is not MAE_OK. `visit` makes no calls on files: the log is read ahead meanwhile. */
enum mae_status scan_records(struct scan *scan, scan_record_fn visit, void *arg);
/* Whether scan_records has come to the end of each chain that scan_cuts has found: no segment has gone meanwhile. */
bool scan_read_all(const struct scan *scan);

#endif
