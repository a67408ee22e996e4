/* scan.c - see scan.h. */
#include "engine/durable/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/durable/checkpoint.h"
#include "engine/log/segment.h"

/* ---- Segments. ---- */

static void add_segment(void *arg, const char *name)
{
    struct scan *scan = arg;
    struct scan_segment segment = {.folder = scan->listed};
    scan->has_checkpoint_file |= checkpoint_number(name, &segment.number);
    if (!segment_number(name, &segment.number) || scan->segment_count == SIZE_MAX)
        return;
    struct scan_segment *segments = mem_realloc(scan->segments, scan->segment_count * sizeof *segments,
                                                (scan->segment_count + 1) * sizeof *segments);
    if (!segments) {
        scan->segment_count = SIZE_MAX; /* no memory: scan_init says so */
        return;
    }
    scan->segments = segments;
    segments[scan->segment_count++] = segment;
}

static int by_folder_and_number(const void *left, const void *right)
{
    const struct scan_segment *a = left, *b = right;
    return a->folder != b->folder ? (a->folder > b->folder) - (a->folder < b->folder)
                                  : (a->number > b->number) - (a->number < b->number);
}

static enum mae_status list_segments(struct scan *scan)
{
    for (scan->listed = 0; scan->listed < scan->folder_count; scan->listed++) {
        const char *folder = scan->folders[scan->listed];
        int result = file_calls->list(folder, add_segment, scan);
        if (result < 0)
            return problem_set(scan->problem, MAE_IO, "%s cannot be listed: %s", folder, strerror(-result));
    }
    if (scan->segment_count == SIZE_MAX)
        return problem_set(scan->problem, MAE_NO_MEMORY, "out of memory for the list of segments");
    if (scan->segment_count > 0)
        qsort(scan->segments, scan->segment_count, sizeof *scan->segments, by_folder_and_number);
    return MAE_OK;
}

enum mae_status scan_init(struct scan *scan, const char *const *folders, unsigned folder_count,
                          const struct manifest *manifest, struct problem *problem)
{
    size_t chains = 0;
    *scan = (struct scan){.folders = folders,
                          .folder_count = folder_count,
                          .database = manifest->database,
                          .manifest = manifest,
                          .life_count = manifest->life_count,
                          .problem = problem};
    const struct manifest_checkpoint *checkpoint = &manifest->checkpoint;
    while (checkpoint->number > 0 && manifest->lives[scan->first_life].number != checkpoint->life)
        scan->first_life++;
    scan->highest_ts = checkpoint->end;
    scan->lives = mem_alloc((scan->life_count + 1) * sizeof *scan->lives);
    for (size_t i = scan->first_life; scan->lives && i < scan->life_count; i++) {
        scan->lives[i].first_chain = chains;
        chains += manifest->lives[i].streams;
    }
    scan->chains = mem_alloc((chains + 1) * sizeof *scan->chains);
    if (!scan->lives || !scan->chains)
        return problem_set(problem, MAE_NO_MEMORY, "out of memory for reading the log");
    return list_segments(scan);
}

/* Gives the segment memory that all of it can stay in, if there is so much. */
static void keep(struct scan *scan, struct window_image *image, int file)
{
    int64_t bytes = scan->keep_bytes > 0 ? file_calls->size(file) : 0;
    if (image->memory || bytes <= 0 || (uint64_t)bytes > scan->keep_bytes)
        return;
    image->memory = mem_alloc_large((size_t)bytes, scan->huge_pages);
    image->bytes = (uint64_t)bytes;
    if (image->memory)
        scan->keep_bytes -= image->bytes;
}

static void let_go(struct window_image *image)
{
    free(image->memory);
    *image = (struct window_image){0};
}

void scan_fini(struct scan *scan)
{
    for (size_t i = 0; i < scan->segment_count && scan->segment_count != SIZE_MAX; i++)
        let_go(&scan->segments[i].image);
    free(scan->segments);
    free(scan->lives);
    free(scan->chains);
    free(scan->gathered);
}

uint64_t scan_next_segment(const struct scan *scan, unsigned folder)
{
    uint64_t next = scan->manifest->checkpoint.kept[folder].segment;
    for (size_t i = 0; i < scan->segment_count; i++)
        if (scan->segments[i].folder == folder && scan->segments[i].number >= next)
            next = scan->segments[i].number + 1;
    return next > 0 ? next : 1;
}

static struct scan_chain *chain_of(const struct scan *scan, size_t life, unsigned stream)
{
    MAE_DCHECK(life >= scan->first_life && life < scan->life_count && stream < scan->manifest->lives[life].streams);
    return &scan->chains[scan->lives[life].first_chain + stream];
}

/* ---- Blocks. ---- */

typedef enum mae_status (*block_fn)(struct scan *scan, const struct block *block, size_t life,
                                    const struct scan_place *place);

static enum mae_status cannot(struct scan *scan, const struct scan_place *place, const char *what, int64_t result)
{
    char path[SEGMENT_PATH_BYTES];
    segment_path(scan->folders[place->folder], place->segment, path);
    return problem_set(scan->problem, MAE_IO, "%s of %s at %" PRIu64 ": %s", what, path, place->offset,
                       strerror((int)-result));
}

/* The place in the manifest of the life with this number; life_count: there is none, or it does not count. */
static size_t life_with_number(const struct scan *scan, uint64_t number)
{
    size_t i = scan->life_count;
    while (i > scan->first_life && scan->manifest->lives[i - 1].number != number)
        i--;
    return i > scan->first_life ? i - 1 : scan->life_count;
}

/* The same of the block's life; life_count also if it has no such stream. */
static size_t life_of(const struct scan *scan, const struct block *block)
{
    size_t i = life_with_number(scan, block->life);
    return i < scan->life_count && block->stream < scan->manifest->lives[i].streams ? i : scan->life_count;
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
    scan->foreign = *place;
    scan->foreign.offset += at;
}

/* A crash in the middle of the last write leaves the beginning of its block. */
static void note_torn(struct scan *scan, const struct block *block, const struct scan_place *place, size_t at)
{
    const struct manifest_life *life = &scan->manifest->lives[scan->life_count - 1];
    if (block->magic != BLOCK_MAGIC || block->database != scan->database || block->life != life->number ||
        block->stream >= life->streams)
        return;
    const struct scan_chain *chain = chain_of(scan, scan->life_count - 1, block->stream);
    if (chain->ended || block->number != chain->next_block)
        return;
    scan->torn = true;
    scan->torn_place = *place;
    scan->torn_place.offset += at;
}

/* A hole goes on to the next good block of the folder, also across segments. */
static bool is_in_hole(const struct scan *scan, const struct scan_place *place)
{
    return scan->in_hole && scan->hole.folder == place->folder;
}

static void note_hole(struct scan *scan, const struct scan_place *place, size_t at)
{
    if (is_in_hole(scan, place))
        return;
    scan->in_hole = true;
    scan->hole = *place;
    scan->hole.offset += at;
}

/* Visits the good blocks in the window. Returns in *used how far it has come: a block that is not all in the window is
 * left for the next one. */
static enum mae_status visit_window(struct scan *scan, const struct window *window, struct scan_place place,
                                    block_fn visit, size_t *used)
{
    size_t at = 0;
    while (window_reaches(window, at)) {
        const struct block *block = (const struct block *)(const void *)(window->memory + at);
        size_t life;
        if (!window_has_block(window, at) || (life = life_of(scan, block)) == scan->life_count) {
            note_foreign(scan, block, window->bytes - at, &place, at);
            note_torn(scan, block, &place, at);
            note_hole(scan, &place, at);
            at += FILE_BLOCK_BYTES;
            continue;
        }
        place.offset += at;
        enum mae_status status = visit(scan, block, life, &place);
        place.offset -= at;
        if (status != MAE_OK)
            return status;
        scan->in_hole = false;
        at += padded(block->bytes, FILE_BLOCK_BYTES);
    }
    *used = at;
    return MAE_OK;
}

static enum mae_status visit_file(struct scan *scan, struct scan_place *place, struct window *window,
                                  struct window_image *image, block_fn visit)
{
    const bool is_read = image->is_read;
    int result = window_open(window, place->file, image);
    enum mae_status status = result < 0 ? cannot(scan, place, "examination", result) : MAE_OK;
    for (size_t used = 0; status == MAE_OK && !window->is_end;) {
        int64_t got = window_move(window, used);
        place->offset = window->offset;
        if (got < 0) {
            status = cannot(scan, place, "read", got);
            break;
        }
        scan->read_bytes += is_read ? 0 : (uint64_t)got;
        status = visit_window(scan, window, *place, visit, &used);
    }
    window_close(window);
    return status;
}

static enum mae_status visit_segment(struct scan *scan, struct scan_segment *segment, struct window *window,
                                     block_fn visit)
{
    char path[SEGMENT_PATH_BYTES];
    struct scan_place place = {.folder = segment->folder, .segment = segment->number};
    segment_path(scan->folders[place.folder], place.segment, path);
    place.file = file_calls->open(path, (scan->rewrites ? FILE_WRITE : FILE_READ) | FILE_BLOCKS);
    if (place.file < 0)
        return cannot(scan, &place, "opening", place.file);
    scan->rewritten = false;
    keep(scan, &segment->image, place.file);
    enum mae_status status = visit_file(scan, &place, window, &segment->image, visit);
    if (scan->lets_go)
        let_go(&segment->image);
    int result = status == MAE_OK && scan->rewritten ? file_calls->sync(place.file) : 0;
    if (result < 0)
        status = cannot(scan, &place, "sync", result);
    (void)file_calls->close(place.file);
    return status;
}

/* Whether the segment can have blocks that count and are wanted now. */
static bool is_visited(const struct scan *scan, const struct scan_segment *segment)
{
    const struct scan_chain *securing = scan->securing;
    if (securing && (segment->folder != securing->unsynced.folder || segment->number < securing->unsynced.segment))
        return false;
    return segment->number >= scan->manifest->checkpoint.kept[segment->folder].segment;
}

/* reads_ahead: visits make no calls on files, so another thread may. */
static enum mae_status visit_blocks(struct scan *scan, block_fn visit, bool reads_ahead)
{
    struct window window;
    enum mae_status status = MAE_OK;
    if (!window_init(&window, scan->threads, scan->database, reads_ahead))
        status = problem_set(scan->problem, MAE_NO_MEMORY, "out of memory for reading the log");
    for (size_t i = 0; i < scan->segment_count && status == MAE_OK; i++)
        if (is_visited(scan, &scan->segments[i]))
            status = visit_segment(scan, &scan->segments[i], &window, visit);
    window_fini(&window);
    return status;
}

/* ---- The chain of a life's blocks. ---- */

/* Where a chain begins. */
static uint64_t first_block(const struct scan *scan, size_t life, unsigned stream)
{
    const struct manifest_checkpoint *checkpoint = &scan->manifest->checkpoint;
    return checkpoint->number > 0 && life == scan->first_life ? checkpoint->kept[stream].block : 1;
}

/* Whether the block is of a flush whose beginning is gone. Its records are below the checkpoint's start. */
static bool is_of_cut_flush(const struct scan *scan, const struct block *block, size_t life)
{
    return first_block(scan, life, block->stream) > 1 &&
           block->flush < scan->manifest->checkpoint.kept[block->stream].flush;
}

static void chains_begin(struct scan *scan)
{
    for (size_t i = scan->first_life; i < scan->life_count; i++)
        for (unsigned j = 0; j < scan->manifest->lives[i].streams; j++) {
            chain_of(scan, i, j)->next_block = first_block(scan, i, j);
            chain_of(scan, i, j)->ended = false;
        }
    scan->body_bytes = 0;
    scan->body_of = NULL;
    scan->in_hole = false;
}

/* Whether the block continues its chain. Once one does not, none does any more. */
static bool chain_continues(struct scan *scan, const struct block *block, struct scan_chain *chain,
                            const struct scan_place *place)
{
    if (chain->ended && !MUTATED(gap_ignored))
        return false;
    if (block->number != chain->next_block && !MUTATED(gap_ignored)) {
        chain->ended = true;
        chain->gap = is_in_hole(scan, place) ? scan->hole : *place;
        chain->gap_end = *place;
        return false;
    }
    if (scan->body_of != chain)
        scan->body_bytes = 0; /* of another chain's unfinished flush */
    scan->body_of = chain;
    chain->next_block = block->number + 1;
    return true;
}

static bool body_add(struct scan *scan, const struct block *block, size_t life)
{
    size_t more = block->bytes - sizeof *block, needed = scan->body_bytes + more, larger = scan->body_capacity;
    if (is_of_cut_flush(scan, block, life))
        return true;
    if (block->is_last && scan->body_bytes == 0) { /* all of its flush */
        scan->body = (const char *)(block + 1);
        scan->body_bytes = more;
        return true;
    }
    if (needed > larger) {
        larger = larger ? larger : BLOCK_MAX_BYTES;
        while (larger < needed)
            larger *= 2;
        char *gathered = mem_realloc(scan->gathered, scan->body_bytes, larger);
        if (!gathered)
            return false;
        scan->gathered = gathered;
        scan->body_capacity = larger;
    }
    if (more > 0)
        memcpy(scan->gathered + scan->body_bytes, block + 1, more);
    scan->body = scan->gathered;
    MAE_DCHECK(needed <= scan->body_capacity);
    scan->body_bytes = needed;
    return true;
}

static enum mae_status damaged(struct scan *scan, const struct scan_place *place, const char *what)
{
    char path[SEGMENT_PATH_BYTES];
    segment_path(scan->folders[place->folder], place->segment, path);
    scan->is_damaged = true;
    scan->damaged = *place;
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
    struct scan_chain *chain = chain_of(scan, life, block->stream);
    if (block->synced > chain->promised) {
        chain->promised = block->synced;
        chain->unsynced = *place;
    }
    if (block->all_synced > scan->lives[life].promised && !MUTATED(others_unpromised))
        scan->lives[life].promised = block->all_synced;
    if (block->bound > scan->highest_ts)
        scan->highest_ts = block->bound;
    bool counts = chain_continues(scan, block, chain, place);
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
        chain->gap = chain->gap_end = *place;
        return MAE_OK; /* check_chain refuses it */
    }
    chain->measured = block->bound;
    chain->end_block = block->number + 1;
    scan->body_bytes = 0;
    return MAE_OK;
}

/* The least bound at which a stream of the life ends (D4). */
static uint64_t least_measured(const struct scan *scan, size_t life)
{
    uint64_t least = chain_of(scan, life, 0)->measured;
    for (unsigned i = 1; i < scan->manifest->lives[life].streams && !MUTATED(first_cut_decides); i++)
        if (chain_of(scan, life, i)->measured < least)
            least = chain_of(scan, life, i)->measured;
    return least;
}

/* The chain ends before what was promised, and goes on behind a gap. */
static enum mae_status refuse_gap(struct scan *scan, const struct scan_chain *chain)
{
    const struct scan_place *end = &chain->gap_end;
    char text[SEGMENT_PATH_BYTES + 128], path[SEGMENT_PATH_BYTES];
    if (chain->unsound)
        return damaged(scan, &chain->gap, "the flush that ends here has no whole records");
    if (chain->gap.segment == end->segment && chain->gap.offset == end->offset)
        return damaged(scan, end, "a block before this one is missing, and it was on the disk for certain");
    segment_path(scan->folders[end->folder], end->segment, path);
    (void)snprintf(text, sizeof text,
                   "a block from here on is missing or damaged, up to %s at %" PRIu64
                   ", and it was on the disk for certain",
                   path, end->offset);
    return damaged(scan, &chain->gap, text);
}

/* D8. */
static enum mae_status check_chain(struct scan *scan, size_t i, unsigned stream)
{
    const struct scan_chain *chain = chain_of(scan, i, stream);
    const struct manifest_life *life = &scan->manifest->lives[i];
    const struct manifest_checkpoint *checkpoint = &scan->manifest->checkpoint;
    bool has_checkpoint = life->number == checkpoint->life && checkpoint->number > 0;
    uint64_t promised = chain->promised, ended = chain->measured, cut = ended;
    if (promised < scan->lives[i].promised)
        promised = scan->lives[i].promised;
    if (life->salvaged)
        promised = 0;
    if (has_checkpoint && promised < checkpoint->kept[stream].bound)
        promised = checkpoint->kept[stream].bound;
    bool whole = ended >= promised && (!chain->unsound || life->salvaged);
    if (has_checkpoint && cut < checkpoint->end)
        cut = checkpoint->end; /* there was nothing to write between the two (D3) */
    if (promised < life->cut)
        promised = life->cut;
    if ((whole && cut >= promised) || MUTATED(damage_unnoticed))
        return MAE_OK;
    if (chain->ended)
        return refuse_gap(scan, chain);
    return problem_set(scan->problem, MAE_CORRUPT,
                       "%s: the log of life %" PRIu64 " ends at timestamp %" PRIu64 ", and %" PRIu64
                       " was on the disk for certain",
                       scan->folders[stream < scan->folder_count ? stream : 0], life->number, ended, promised);
}

/* D4, D8. */
static enum mae_status check_life(struct scan *scan, size_t i)
{
    struct scan_life *life = &scan->lives[i];
    const struct manifest_checkpoint *checkpoint = &scan->manifest->checkpoint;
    const uint64_t measured = least_measured(scan, i);
    bool in_checkpoint = scan->manifest->lives[i].number == checkpoint->life && measured < checkpoint->end;
    life->cut = in_checkpoint ? checkpoint->end : measured;
    enum mae_status status = MAE_OK;
    for (unsigned j = 0; j < scan->manifest->lives[i].streams && status == MAE_OK; j++)
        status = check_chain(scan, i, j);
    if (status == MAE_OK || !scan->salvage || in_checkpoint)
        return status;
    life->cut = measured;
    life->salvaged = scan->salvaged = true;
    return MAE_OK;
}

static void limit(uint64_t *promised, uint64_t most)
{
    if (*promised > most)
        *promised = most;
}

static void forget_promises_since(struct scan *scan, const struct scan *earlier)
{
    for (size_t i = scan->first_life; i < scan->life_count; i++) {
        const size_t then = life_with_number(earlier, scan->manifest->lives[i].number);
        const bool was_there = then < earlier->life_count;
        limit(&scan->lives[i].promised, was_there ? earlier->lives[then].promised : 0);
        for (unsigned j = 0; j < scan->manifest->lives[i].streams; j++)
            limit(&chain_of(scan, i, j)->promised, was_there ? chain_of(earlier, then, j)->promised : 0);
    }
}

enum mae_status scan_cuts(struct scan *scan)
{
    chains_begin(scan);
    for (size_t i = 0; i < scan->first_life; i++)
        scan->lives[i].cut = scan->manifest->lives[i].cut;
    for (size_t i = scan->first_life; i < scan->life_count; i++)
        for (unsigned j = 0; j < scan->manifest->lives[i].streams; j++)
            chain_of(scan, i, j)->measured = scan->manifest->lives[i].start;
    enum mae_status status = visit_blocks(scan, measure_block, true);
    scan->is_measured = status == MAE_OK;
    if (scan->earlier && !MUTATED(written_since_promised))
        forget_promises_since(scan, scan->earlier);
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
    /* A new life would have the same number as this block's, so salvage does not help, either (D7). */
    return damaged(scan, &scan->foreign,
                   scan->has_later ? "a block of a later life than the manifest names: the manifest is an old one"
                                   : "a block of another database");
}

/* ---- What may be in memory only. ---- */

/* A block is unsynced for all that is known if no later one knows more than it did. Those of whole flushes count. */
static enum mae_status secure_block(struct scan *scan, const struct block *block, size_t life,
                                    const struct scan_place *place)
{
    const struct scan_chain *chain = scan->securing;
    if (life + 1 < scan->life_count || chain_of(scan, life, block->stream) != chain ||
        block->number >= chain->end_block || block->synced < chain->promised)
        return MAE_OK;
    int result = file_calls->write(place->file, block, padded(block->bytes, FILE_BLOCK_BYTES), place->offset);
    scan->rewritten = true;
    return result < 0 ? cannot(scan, place, "rewriting", result) : MAE_OK;
}

enum mae_status scan_secure(struct scan *scan)
{
    enum mae_status status = MAE_OK;
    size_t last = scan->life_count - 1;
    scan->rewrites = true;
    for (unsigned i = 0; i < scan->manifest->lives[last].streams && status == MAE_OK; i++) {
        scan->securing = chain_of(scan, last, i);
        if (scan->securing->end_block > 0)
            status = visit_blocks(scan, secure_block, false);
    }
    scan->securing = NULL;
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
    struct scan_chain *chain = chain_of(scan, life, block->stream);
    if (block->number >= chain->end_block || !chain_continues(scan, block, chain, place))
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
    scan->keep_bytes = 0; /* nobody reads it after this */
    scan->lets_go = true;
    return visit_blocks(scan, replay_block, true);
}

bool scan_read_all(const struct scan *scan)
{
    for (size_t i = scan->first_life; i < scan->life_count; i++)
        for (unsigned j = 0; j < scan->manifest->lives[i].streams; j++)
            if (chain_of(scan, i, j)->next_block < chain_of(scan, i, j)->end_block)
                return false;
    return true;
}

/* ---- The blocks. ---- */

static enum mae_status pass_block(struct scan *scan, const struct block *block, size_t life,
                                  const struct scan_place *place)
{
    struct scan_chain *chain = chain_of(scan, life, block->stream);
    if (life + 1 < scan->life_count || block->stream != scan->passed || !chain_continues(scan, block, chain, place))
        return MAE_OK;
    return scan->visit_block(scan->arg, block);
}

enum mae_status scan_blocks(struct scan *scan, unsigned stream, scan_block_fn visit, void *arg)
{
    chains_begin(scan);
    scan->passed = stream;
    scan->visit_block = visit;
    scan->arg = arg;
    return visit_blocks(scan, pass_block, false);
}
