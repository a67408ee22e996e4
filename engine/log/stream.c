/* stream.c - see stream.h. */
#include "engine/log/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/mem.h"
#include "engine/base/options.h"
#include "engine/base/race.h"
#include "engine/base/tsc.h"

enum { BLOCK_CACHED_BYTES = 64 << 10 }; /* of a block that is copied past the caches */
#define FULL_INTERVAL_US 10e3
#define SYNC_INTERVAL_US 1e6 /* durability=async */

/* ---- What a round takes. ---- */

/* Whether the stream writes the records of the worker in this slot. */
static bool is_own(const struct log_stream *stream, unsigned slot)
{
    return slot % stream->config->stream_count == stream->number;
}

/* How many bytes this round takes: all that the workers' buffers hold now. */
static uint64_t note_filled(struct log_stream *stream)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < HORIZON_SLOTS; i++) {
        struct log_buffer *buffer = &stream->buffers[i];
        bool own = is_own(stream, i);
        sum += stream->taking[i] = own ? log_buffer_filled(buffer) : 0;
        /* It may be of a later record than those. Then a flush comes that would not be needed. */
        uint64_t last_ts = atomic_load_explicit(&buffer->last_ts, memory_order_relaxed);
        if (last_ts > stream->highest_ts && (own || !MUTATED(others_unnoticed)))
            stream->highest_ts = last_ts; /* D3 */
    }
    return sum;
}

/* Whether the disk must learn of the bound m although there is no record (D3). If a record is above the last bound, any
 * higher bound is news: it may make another commit safe, and who waits for that one must not wait for a transaction
 * that is still open between the two. From time to time the disk learns of the bound in any case, so that a new life of
 * the database, which starts an hour above what is on the disk, starts above all timestamps. */
static bool bound_is_news(const struct log_stream *stream, uint64_t m)
{
    uint64_t least = stream->highest_ts < stream->written_m ? stream->config->half_hour
                     : MUTATED(bound_withheld)              ? stream->highest_ts - stream->written_m
                                                            : 0;
    return m - stream->written_m > least;
}

/* A block that is copied past the caches is small, so that it does not drive out what they hold. */
static size_t block_capacity(const struct log_stream *stream)
{
    size_t left = segments_left(&stream->segments);
    size_t most = segments_are_mapped(&stream->segments) ? BLOCK_CACHED_BYTES : BLOCK_MAX_BYTES;
    return left < most ? left : most;
}

static void begin_block(struct log_stream *stream)
{
    MAE_DCHECK(stream->synced_m <= stream->written_m); /* D8: what a block says is synced has been written */
    *stream->block = (struct block){
        .bytes = sizeof(struct block),
        .database = stream->config->database,
        .life = stream->config->life,
        .number = stream->block_number++,
        .flush = stream->flush_number,
        .stream = (uint8_t)stream->number,
        .synced = stream->synced_m,
        .all_synced = stream->all_synced_m,
    };
}

/* `sync`: it is the last one of a flush, after which the file is synced. */
static bool write_block(struct log_stream *stream, bool sync)
{
    MAE_DCHECK(stream->block->is_last || stream->block->bytes > sizeof(struct block)); /* else it would hold nothing */
    size_t bytes = padded(stream->block->bytes, FILE_BLOCK_BYTES);
    memset((char *)stream->block + stream->block->bytes, 0, bytes - stream->block->bytes);
    block_seal(stream->block);
    atomic_store_explicit(&stream->written_bytes,
                          atomic_load_explicit(&stream->written_bytes, memory_order_relaxed) + bytes,
                          memory_order_relaxed);
    segments_note_block(&stream->segments, stream->block->number,
                        stream->flush_number + (stream->block->number != stream->first_block));
    return segments_write(&stream->segments, stream->block, bytes, stream->highest_ts, sync) == 0;
}

/* Moves `bytes` bytes from the buffer into blocks. */
static bool write_buffer(struct log_stream *stream, struct log_buffer *buffer, uint64_t bytes)
{
    while (bytes > 0) {
        size_t capacity = block_capacity(stream), used = stream->block->bytes;
        if (used == capacity) {
            if (!write_block(stream, false))
                return false;
            begin_block(stream);
            continue;
        }
        size_t part = bytes < capacity - used ? (size_t)bytes : capacity - used;
        log_buffer_take(buffer, (char *)stream->block + used, part);
        stream->block->bytes += (uint32_t)part;
        bytes -= part;
    }
    return true;
}

static bool write_flush(struct log_stream *stream, uint64_t m, bool sync)
{
    MAE_DCHECK(m >= stream->written_m); /* H3: bounds never go back */
    stream->first_block = stream->block_number;
    stream->all_synced_m = bounds_all_synced(stream->bounds);
    begin_block(stream);
    for (unsigned i = 0; i < HORIZON_SLOTS; i++)
        if (stream->taking[i] > 0 && !write_buffer(stream, &stream->buffers[i], stream->taking[i]))
            return false;
    stream->block->is_last = 1;
    stream->block->bound = m;
    if (!write_block(stream, sync && !MUTATED(sync_skipped)))
        return false;
    stream->flush_number++;
    stream->written_m = m;
    return true;
}

static bool sync_written(struct log_stream *stream, uint64_t now)
{
    if (!MUTATED(sync_skipped) && segments_sync(&stream->segments) != 0)
        return false;
    stream->synced_ticks = now;
    stream->synced_m = stream->written_m;
    stream->synced_flush = stream->flush_number - 1;
    bounds_synced(stream->bounds, stream->number, stream->synced_m);
    return true;
}

/* Whether the flush that comes now is to be synced. */
static bool is_sync_due(const struct log_stream *stream, uint64_t now)
{
    return stream->config->durability != DURABILITY_ASYNC ||
           (double)(now - stream->synced_ticks) > SYNC_INTERVAL_US * tsc_ticks_per_us();
}

/* ---- What checkpoints ask. ---- */

static struct log_kept find_kept(const struct log_stream *stream, uint64_t start_ts)
{
    const struct segment_used *needed = segments_needed(&stream->segments, start_ts, stream->synced_flush);
    struct log_kept kept = {.bound = stream->synced_m,
                            .segment = stream->config->places[stream->number].next_segment,
                            .block = 1,
                            .flush = 1};
    if (needed) {
        kept.segment = needed->number;
        kept.block = needed->block;
        kept.flush = needed->flush;
    }
    return kept;
}

/* False: the log fails. The stream must not have failed before: a second sync would say nothing of what the first has
 * lost (D9). */
static bool answer(struct log_stream *stream)
{
    struct bounds *bounds = stream->bounds;
    pthread_mutex_lock(&bounds->lock);
    bool asked = stream->asked;
    uint64_t start_ts = stream->asked_start, below = stream->release_below;
    pthread_mutex_unlock(&bounds->lock);
    segments_release(&stream->segments, below);
    if (!asked)
        return true;
    if (stream->synced_m != stream->written_m && !sync_written(stream, tsc_now()))
        return false;
    pthread_mutex_lock(&bounds->lock);
    stream->kept = find_kept(stream, start_ts);
    stream->asked = false;
    pthread_cond_broadcast(&bounds->changed);
    pthread_mutex_unlock(&bounds->lock);
    return true;
}

/* Space for the records, a header for each block and the padding behind the last. Blocks that a segment's end cuts
 * short have headers, too. */
static uint64_t space_for(const struct log_stream *stream, uint64_t bytes)
{
    uint64_t blocks = bytes / (BLOCK_CACHED_BYTES - sizeof(struct block)) + bytes / stream->config->segment_bytes + 4;
    return bytes + blocks * sizeof(struct block) + 2 * FILE_BLOCK_BYTES;
}

/* -ENOSPC: the round has to wait. A full disk is asked again only after a while. */
static int make_room(struct log_stream *stream, uint64_t bytes)
{
    uint64_t now = tsc_now();
    if (atomic_load_explicit(&stream->full, memory_order_relaxed) &&
        (double)(now - stream->full_ticks) < FULL_INTERVAL_US * tsc_ticks_per_us())
        return -ENOSPC;
    int result = segments_make_room(&stream->segments, space_for(stream, bytes));
    atomic_store_explicit(&stream->full, result == -ENOSPC, memory_order_relaxed);
    stream->full_ticks = now;
    if (result == -ENOSPC)
        bounds_wake(stream->bounds); /* a checkpoint does not wait for space */
    return result;
}

/* Whether another stream's disk is full. What comes after what waits there could not be acknowledged, so it waits, too.
 * A stream whose own disk is full asks it first, or two of them would wait for each other for ever. */
static bool another_is_full(const struct log_stream *stream)
{
    bool full = false;
    for (unsigned i = 0; i < stream->config->stream_count && !MUTATED(full_unheeded); i++)
        full |= i != stream->number && atomic_load_explicit(&stream->streams[i].full, memory_order_relaxed);
    return full;
}

static bool fail(struct log_stream *stream)
{
    bounds_failed(stream->bounds, stream->segments.problem);
    return false;
}

static bool round_of(struct log_stream *stream)
{
    const struct log_config *config = stream->config;
    if (bounds_has_failed(stream->bounds))
        return false;
    if (!answer(stream))
        return fail(stream);
    uint64_t m = MUTATED(bound_too_late) ? 0 : config->bound(config->arg); /* D2: before the buffers */
    RACE(LOG_TAKE);
    uint64_t bytes = note_filled(stream);
    RACE(LOG_TAKE);
    if (MUTATED(bound_too_late))
        m = config->bound(config->arg);
    if (bytes == 0 && (!bound_is_news(stream, m) || MUTATED(bound_unwritten))) {
        if (stream->highest_ts < stream->written_m || MUTATED(bound_unwritten))
            bounds_safe(stream->bounds, stream->number, m); /* D3 */
        return false;
    }
    const bool is_full = atomic_load_explicit(&stream->full, memory_order_relaxed) && !MUTATED(full_unasked);
    int result = bytes > 0 && !is_full && another_is_full(stream) ? -ENOSPC : make_room(stream, bytes);
    if (result == -ENOSPC || (is_full && result == 0 && bytes > 0 && another_is_full(stream)))
        return false;
    uint64_t now = tsc_now();
    bool sync = is_sync_due(stream, now);
    if (result != 0 || !write_flush(stream, m, sync) || (sync && !sync_written(stream, now)))
        return fail(stream);
    MAE_DCHECK(m == stream->written_m); /* D3 */
    atomic_store_explicit(&stream->flushes, stream->flush_number - 1, memory_order_relaxed);
    bounds_safe(stream->bounds, stream->number, m);
    if (segments_prepare(&stream->segments) < 0)
        return fail(stream);
    return true;
}

bool stream_round(struct log_stream *stream)
{
    if (stream->in_round)
        return false;
    stream->in_round = true;
    bool written = round_of(stream);
    stream->in_round = false;
    return written;
}

void stream_sync(struct log_stream *stream)
{
    if (stream->synced_m != stream->written_m && !sync_written(stream, tsc_now()))
        (void)fail(stream);
}

/* ---- Beginning and end. ---- */

enum mae_status stream_init(struct log_stream *stream)
{
    const struct log_config *config = stream->config;
    const struct log_place *place = &config->places[stream->number];
    stream->written_m = stream->synced_m = config->start_ts;
    stream->highest_ts = config->start_ts - 1;
    stream->block_number = stream->flush_number = 1;
    segments_init(&stream->segments, place->folder, config->segment_bytes, place->next_segment);
    errand_init(&stream->errand, !stream->has_threads);
    stream->segments.errand = &stream->errand;
    stream->block = mem_alloc_large(BLOCK_MAX_BYTES, config->budget->huge_pages);
    if (!stream->block)
        return MAE_NO_MEMORY;
    int result = config->uses_ring ? file_calls->ring_open(&stream->segments.ring) : 0;
    return result == 0 ? MAE_OK : result == -ENOMEM ? MAE_NO_MEMORY : MAE_IO;
}

void stream_fini(struct log_stream *stream)
{
    if (stream->block_number > 0) {
        segments_fini(&stream->segments);
        errand_fini(&stream->errand);
    }
    if (stream->segments.ring)
        file_calls->ring_close(stream->segments.ring);
    free(stream->block);
}
