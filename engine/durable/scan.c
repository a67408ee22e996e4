/* scan.c - see scan.h. */
#include "engine/durable/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/durable/checkpoint.h"
#include "engine/log/segment.h"

/* ---- Segments. ---- */

static void add_segment(void *arg, const char *name)
{
    struct scan *scan = arg;
    uint64_t number;
    scan->has_checkpoint_file |= checkpoint_number(name, &number);
    if (!segment_number(name, &number) || scan->segment_count == SIZE_MAX)
        return;
    uint64_t *segments = mem_realloc(scan->segments, scan->segment_count * sizeof *segments,
                                     (scan->segment_count + 1) * sizeof *segments);
    if (!segments) {
        scan->segment_count = SIZE_MAX; /* no memory: scan_init says so */
        return;
    }
    scan->segments = segments;
    segments[scan->segment_count++] = number;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

enum mae_status scan_init(struct scan *scan, const char *folder, const struct manifest *manifest,
                          struct problem *problem)
{
    *scan = (struct scan){.folder = folder,
                          .database = manifest->database,
                          .manifest = manifest,
                          .life_count = manifest->life_count,
                          .problem = problem};
    const struct manifest_checkpoint *checkpoint = &manifest->checkpoint;
    while (checkpoint->number > 0 && manifest->lives[scan->first_life].number != checkpoint->life)
        scan->first_life++;
    scan->highest_ts = checkpoint->end;
    scan->lives = mem_alloc((scan->life_count + 1) * sizeof *scan->lives);
    int result = file_calls->list(folder, add_segment, scan);
    if (result < 0)
        return problem_set(problem, MAE_IO, "%s cannot be listed: %s", folder, strerror(-result));
    if (!scan->lives || scan->segment_count == SIZE_MAX)
        return problem_set(problem, MAE_NO_MEMORY, "out of memory for the list of segments");
    if (scan->segment_count > 0)
        qsort(scan->segments, scan->segment_count, sizeof *scan->segments, by_number);
    return MAE_OK;
}

void scan_fini(struct scan *scan)
{
    free(scan->segments);
    free(scan->lives);
    free(scan->body);
}

uint64_t scan_next_segment(const struct scan *scan)
{
    uint64_t next = scan->segment_count == 0 ? 1 : scan->segments[scan->segment_count - 1] + 1;
    return next > scan->manifest->checkpoint.segment ? next : scan->manifest->checkpoint.segment;
}

/* ---- Blocks. ---- */

typedef enum mae_status (*block_fn)(struct scan *scan, const struct block *block, size_t life,
                                    const struct scan_place *place);

static enum mae_status cannot(struct scan *scan, const struct scan_place *place, const char *what, int64_t result)
{
    char path[SEGMENT_PATH_BYTES];
    segment_path(scan->folder, place->segment, path);
    return problem_set(scan->problem, MAE_IO, "%s of %s at %" PRIu64 ": %s", what, path, place->offset,
                       strerror((int)-result));
}

/* The place of the block's life in the manifest; life_count: there is no such life, or it does not count. */
static size_t life_of(const struct scan *scan, const struct block *block)
{
    size_t i = scan->life_count;
    while (i > scan->first_life && scan->manifest->lives[i - 1].number != block->life)
        i--;
    return i > scan->first_life ? i - 1 : scan->life_count;
}

static void note_foreign(struct scan *scan, const struct block *block, size_t bytes, const struct scan_place *place,
                         size_t at)
{
    bool is_ours = block->database == scan->database;
    if (scan->has_later || (scan->has_foreign && !is_ours) || block->magic != BLOCK_MAGIC ||
        (is_ours && (block->life <= scan->manifest->lives[scan->life_count - 1].number || MUTATED(later_life_taken))) ||
        !block_is_good(block, bytes, block->database))
        return;
    scan->has_later = is_ours;
    scan->has_foreign = true;
    scan->foreign_segment = place->segment;
    scan->foreign_offset = place->offset + at;
}

/* A crash in the middle of the last write leaves the beginning of its block. */
static void note_torn(struct scan *scan, const struct block *block, const struct scan_place *place, size_t at)
{
    const struct scan_life *chain = &scan->lives[scan->life_count - 1];
    if (block->magic != BLOCK_MAGIC || block->database != scan->database || chain->ended ||
        block->life != scan->manifest->lives[scan->life_count - 1].number || block->number != chain->next_block)
        return;
    scan->torn = true;
    scan->torn_segment = place->segment;
    scan->torn_offset = place->offset + at;
}

/* Visits the good blocks in a part of a segment. Returns in *used how far it has come: a block that is not all in this
 * part is left for the next one. */
static enum mae_status visit_part(struct scan *scan, const char *part, size_t bytes, bool is_end,
                                  struct scan_place place, block_fn visit, size_t *used)
{
    size_t at = 0;
    while (bytes - at >= FILE_BLOCK_BYTES && (is_end || bytes - at >= BLOCK_MAX_BYTES)) {
        const struct block *block = (const struct block *)(const void *)(part + at);
        size_t life;
        if (!block_is_good(block, bytes - at, scan->database) || (life = life_of(scan, block)) == scan->life_count) {
            note_foreign(scan, block, bytes - at, &place, at);
            note_torn(scan, block, &place, at);
            at += FILE_BLOCK_BYTES;
            continue;
        }
        place.offset += at;
        enum mae_status status = visit(scan, block, life, &place);
        place.offset -= at;
        if (status != MAE_OK)
            return status;
        at += padded(block->bytes, FILE_BLOCK_BYTES);
    }
    MAE_DCHECK(at <= bytes); /* a good block ends within the part */
    *used = at;
    return MAE_OK;
}

static enum mae_status visit_file(struct scan *scan, struct scan_place *place, char *part, size_t part_bytes,
                                  block_fn visit)
{
    size_t kept = 0, used = 0; /* bytes of the last part that come again */
    for (bool is_end = false; !is_end; place->offset += used) {
        int64_t got = file_calls->read(place->file, part + kept, part_bytes - kept, place->offset + kept);
        if (got < 0)
            return cannot(scan, place, "read", got);
        is_end = (size_t)got < part_bytes - kept;
        scan->read_bytes += (uint64_t)got;
        size_t bytes = kept + (size_t)got;
        enum mae_status status = visit_part(scan, part, bytes, is_end, *place, visit, &used);
        if (status != MAE_OK)
            return status;
        kept = bytes - used;
        memmove(part, part + used, kept);
    }
    return MAE_OK;
}

/* From the segment `first` on. */
static enum mae_status visit_blocks(struct scan *scan, uint64_t first, block_fn visit)
{
    const size_t part_bytes = 4 * (size_t)BLOCK_MAX_BYTES;
    char *part = aligned_alloc(FILE_BLOCK_BYTES, part_bytes);
    if (!part)
        return problem_set(scan->problem, MAE_NO_MEMORY, "out of memory for reading the log");
    enum mae_status status = MAE_OK;
    for (size_t i = 0; i < scan->segment_count && status == MAE_OK; i++) {
        char path[SEGMENT_PATH_BYTES];
        struct scan_place place = {.segment = scan->segments[i]};
        if (place.segment < first || place.segment < scan->manifest->checkpoint.segment)
            continue;
        segment_path(scan->folder, place.segment, path);
        place.file = file_calls->open(path, (scan->rewrites ? FILE_WRITE : FILE_READ) | FILE_BLOCKS);
        if (place.file < 0) {
            status = cannot(scan, &place, "opening", place.file);
            break;
        }
        scan->rewritten = false;
        status = visit_file(scan, &place, part, part_bytes, visit);
        int result = status == MAE_OK && scan->rewritten ? file_calls->sync(place.file) : 0;
        if (result < 0)
            status = cannot(scan, &place, "sync", result);
        (void)file_calls->close(place.file);
    }
    free(part);
    return status;
}

/* ---- The chain of a life's blocks. ---- */

/* Where the chain of a life begins. */
static uint64_t first_block(const struct scan *scan, size_t life)
{
    const struct manifest_checkpoint *checkpoint = &scan->manifest->checkpoint;
    return checkpoint->number > 0 && life == scan->first_life ? checkpoint->block : 1;
}

/* Whether the block is of a flush whose beginning is gone. Its records are below the checkpoint's start. */
static bool is_of_cut_flush(const struct scan *scan, const struct block *block, size_t life)
{
    return first_block(scan, life) > 1 && block->flush < scan->manifest->checkpoint.flush;
}

static void chains_begin(struct scan *scan)
{
    for (size_t i = scan->first_life; i < scan->life_count; i++) {
        scan->lives[i].next_block = first_block(scan, i);
        scan->lives[i].ended = false;
    }
    scan->body_bytes = 0;
}

/* Whether the block continues its life's chain. Once one does not, none does any more. */
static bool chain_continues(struct scan *scan, const struct block *block, size_t life, const struct scan_place *place)
{
    struct scan_life *chain = &scan->lives[life];
    if (chain->ended && !MUTATED(gap_ignored))
        return false;
    if (block->number != chain->next_block && !MUTATED(gap_ignored)) {
        chain->ended = true;
        chain->gap_segment = place->segment;
        chain->gap_offset = place->offset;
        return false;
    }
    if (block->number == first_block(scan, life))
        scan->body_bytes = 0; /* of an earlier life's unfinished flush */
    chain->next_block = block->number + 1;
    return true;
}

static bool body_add(struct scan *scan, const struct block *block, size_t life)
{
    if (is_of_cut_flush(scan, block, life))
        return true;
    size_t more = block->bytes - sizeof *block, needed = scan->body_bytes + more, larger = scan->body_capacity;
    if (needed > larger) {
        larger = larger ? larger : BLOCK_MAX_BYTES;
        while (larger < needed)
            larger *= 2;
        char *body = mem_realloc(scan->body, scan->body_bytes, larger);
        if (!body)
            return false;
        scan->body = body;
        scan->body_capacity = larger;
    }
    if (more > 0)
        memcpy(scan->body + scan->body_bytes, block + 1, more);
    MAE_DCHECK(needed <= scan->body_capacity);
    scan->body_bytes = needed;
    return true;
}

static enum mae_status damaged(struct scan *scan, const struct scan_place *place, const char *what)
{
    char path[SEGMENT_PATH_BYTES];
    segment_path(scan->folder, place->segment, path);
    scan->damaged_segment = place->segment;
    return problem_set(scan->problem, MAE_CORRUPT, "%s at %" PRIu64 ": %s", path, place->offset, what);
}

/* Whether the body of a flush is whole records, and notes their highest timestamp. */
static bool body_is_sound(struct scan *scan)
{
    size_t at = 0;
    while (scan->body_bytes - at >= sizeof(struct record)) {
        const struct record *record = (const struct record *)(const void *)(scan->body + at);
        if (record->bytes < sizeof *record || record->bytes % 8 != 0 || record->bytes > scan->body_bytes - at)
            return false;
        if (record->ts > scan->highest_ts)
            scan->highest_ts = record->ts;
        at += record->bytes;
    }
    return at == scan->body_bytes;
}

/* ---- The cuts. ---- */

static enum mae_status measure_block(struct scan *scan, const struct block *block, size_t life,
                                     const struct scan_place *place)
{
    MAE_DCHECK(life < scan->life_count);
    struct scan_life *chain = &scan->lives[life];
    if (block->synced > chain->promised) {
        chain->promised = block->synced;
        chain->unsynced_segment = place->segment;
    }
    if (block->bound > scan->highest_ts)
        scan->highest_ts = block->bound;
    bool counts = chain_continues(scan, block, life, place);
    if (scan->note)
        scan->note(scan->note_arg, block, place, counts);
    if (!counts)
        return MAE_OK;
    if (!body_add(scan, block, life))
        return problem_set(scan->problem, MAE_NO_MEMORY, "out of memory for a flush of the log");
    if (!block->is_last)
        return MAE_OK;
    if (!body_is_sound(scan)) {
        chain->ended = chain->unsound = true;
        chain->gap_segment = place->segment;
        chain->gap_offset = place->offset;
        return MAE_OK; /* check_life refuses it */
    }
    chain->cut = block->bound;
    chain->end_block = block->number + 1;
    scan->body_bytes = 0;
    return MAE_OK;
}

/* D8. */
static enum mae_status salvage(struct scan *scan, size_t i, enum mae_status status)
{
    struct scan_life *chain = &scan->lives[i];
    const struct manifest_checkpoint *checkpoint = &scan->manifest->checkpoint;
    bool in_checkpoint = scan->manifest->lives[i].number == checkpoint->life && chain->measured < checkpoint->end;
    if (!scan->salvage || in_checkpoint)
        return status;
    chain->cut = chain->measured;
    chain->salvaged = scan->salvaged = true;
    return MAE_OK;
}

/* D8. */
static enum mae_status check_life(struct scan *scan, size_t i)
{
    struct scan_life *chain = &scan->lives[i];
    const struct manifest_life *life = &scan->manifest->lives[i];
    const struct manifest_checkpoint *checkpoint = &scan->manifest->checkpoint;
    uint64_t promised = life->salvaged ? 0 : chain->promised, ended = chain->cut;
    chain->measured = ended;
    if (life->number == checkpoint->life && promised < checkpoint->bound)
        promised = checkpoint->bound;
    bool whole = ended >= promised && (!chain->unsound || life->salvaged);
    if (life->number == checkpoint->life && ended < checkpoint->end)
        chain->cut = checkpoint->end; /* there was nothing to write between the two (D3) */
    if (promised < life->cut)
        promised = life->cut;
    if ((whole && chain->cut >= promised) || MUTATED(damage_unnoticed))
        return MAE_OK;
    const struct scan_place place = {.segment = chain->gap_segment, .offset = chain->gap_offset};
    if (chain->ended)
        return salvage(scan, i,
                       damaged(scan, &place,
                               chain->unsound ? "the flush that ends here has no whole records"
                                              : "a block before this one is missing or damaged, and it was on the disk "
                                                "for certain"));
    return salvage(scan, i,
                   problem_set(scan->problem, MAE_CORRUPT,
                               "%s: the log of life %" PRIu64 " ends at timestamp %" PRIu64 ", and %" PRIu64
                               " was on the disk for certain",
                               scan->folder, life->number, ended, promised));
}

enum mae_status scan_cuts(struct scan *scan)
{
    chains_begin(scan);
    for (size_t i = 0; i < scan->life_count; i++)
        scan->lives[i].cut = i < scan->first_life ? scan->manifest->lives[i].cut : scan->manifest->lives[i].start;
    enum mae_status status = visit_blocks(scan, 0, measure_block);
    for (size_t i = scan->first_life; i < scan->life_count && status == MAE_OK; i++) {
        if (scan->salvaged && !MUTATED(salvage_keeps_later)) { /* by an earlier life */
            scan->lives[i].cut = scan->manifest->lives[i].start;
            scan->lives[i].salvaged = true;
            continue;
        }
        status = check_life(scan, i);
        if (i + 1 < scan->life_count && !scan->lives[i].salvaged)
            scan->lives[i].cut = MUTATED(cut_unrecorded) ? UINT64_MAX : scan->manifest->lives[i].cut;
    }
    bool refuses = scan->has_foreign && (!scan->salvage || scan->has_later);
    return status == MAE_OK && refuses ? scan_refuse_foreign(scan) : status;
}

enum mae_status scan_refuse_foreign(struct scan *scan)
{
    const struct scan_place place = {.segment = scan->foreign_segment, .offset = scan->foreign_offset};
    /* A new life would have the same number as this block's, so salvage does not help, either (D7). */
    return damaged(scan, &place,
                   scan->has_later ? "a block of a later life than the manifest names: the manifest is an old one"
                                   : "a block of another database");
}

/* ---- What may be in memory only. ---- */

/* A block is unsynced for all that is known if no later one knows more than it did. Those of whole flushes count. */
static enum mae_status secure_block(struct scan *scan, const struct block *block, size_t life,
                                    const struct scan_place *place)
{
    const struct scan_life *chain = &scan->lives[life];
    if (life + 1 < scan->life_count || block->number >= chain->end_block || block->synced < chain->promised)
        return MAE_OK;
    int result = file_calls->write(place->file, block, padded(block->bytes, FILE_BLOCK_BYTES), place->offset);
    scan->rewritten = true;
    return result < 0 ? cannot(scan, place, "rewriting", result) : MAE_OK;
}

enum mae_status scan_secure(struct scan *scan)
{
    scan->rewrites = true;
    enum mae_status status = visit_blocks(scan, scan->lives[scan->life_count - 1].unsynced_segment, secure_block);
    scan->rewrites = false;
    return status;
}

/* ---- The records. ---- */

static enum mae_status visit_body(struct scan *scan, uint64_t cut)
{
    for (size_t at = 0; at < scan->body_bytes;) {
        const struct record *record = (const struct record *)(const void *)(scan->body + at);
        at += record->bytes;
        if (record->ts < scan->manifest->checkpoint.start) /* D10 */
            continue;
        if (record->ts >= cut && !MUTATED(cut_ignored)) { /* D4 */
            scan->cut_records++;
            continue;
        }
        enum mae_status status = scan->visit(scan->arg, record);
        if (status != MAE_OK)
            return status;
    }
    return MAE_OK;
}

static enum mae_status replay_block(struct scan *scan, const struct block *block, size_t life,
                                    const struct scan_place *place)
{
    if (block->number >= scan->lives[life].end_block || !chain_continues(scan, block, life, place))
        return MAE_OK;
    if (!body_add(scan, block, life))
        return problem_set(scan->problem, MAE_NO_MEMORY, "out of memory for a flush of the log");
    if (!block->is_last)
        return MAE_OK;
    scan->flush = *place;
    enum mae_status status = visit_body(scan, scan->lives[life].cut);
    scan->body_bytes = 0;
    return status; /* what is wrong with a record, the visitor says: it may be of an earlier flush */
}

enum mae_status scan_records(struct scan *scan, scan_record_fn visit, void *arg)
{
    chains_begin(scan);
    scan->visit = visit;
    scan->arg = arg;
    return visit_blocks(scan, 0, replay_block);
}

bool scan_read_all(const struct scan *scan)
{
    for (size_t i = scan->first_life; i < scan->life_count; i++)
        if (scan->lives[i].next_block < scan->lives[i].end_block)
            return false;
    return true;
}

/* ---- The blocks. ---- */

static enum mae_status pass_block(struct scan *scan, const struct block *block, size_t life,
                                  const struct scan_place *place)
{
    if (life + 1 < scan->life_count || !chain_continues(scan, block, life, place))
        return MAE_OK;
    return scan->visit_block(scan->arg, block);
}

enum mae_status scan_blocks(struct scan *scan, scan_block_fn visit, void *arg)
{
    chains_begin(scan);
    scan->visit_block = visit;
    scan->arg = arg;
    return visit_blocks(scan, 0, pass_block);
}
