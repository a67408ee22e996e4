/* reader.c - see reader.h. */
#include "engine/durable/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/durable/checkpoint.h"
#include "engine/durable/folders.h"
#include "engine/durable/scan.h"
#include "engine/log/segment.h"

enum { LOOKS_MAX = 8 };

struct reader {
    struct folders folders;
    const struct mae_log_visitor *visitor;
    void *arg;
    struct mae_log_summary *summary;
    struct problem *problem;
    struct manifest manifest;
    struct scan scan;
    struct manifest earlier_manifest;
    struct scan earlier;              /* the last look that has read all of the log, before this one */
    struct mae_log_segment *segments; /* as the scan's */
    enum mae_status found;            /* MAE_CORRUPT: there is damage, which the problem's text describes */
};

/* ---- What stands in the segments. ---- */

static struct mae_log_segment *segment_of(struct reader *reader, const struct scan_place *place)
{
    for (size_t i = 0; i < reader->scan.segment_count; i++)
        if (reader->scan.segments[i].folder == place->folder && reader->scan.segments[i].number == place->segment)
            return &reader->segments[i];
    return NULL;
}

static void note_block(void *arg, const struct block *block, const struct scan_place *place, bool counts)
{
    struct mae_log_segment *segment = segment_of(arg, place);
    if (!counts)
        return;
    if (segment->blocks == 0)
        segment->first_block = block->number;
    segment->life = block->life;
    segment->stream = block->stream;
    segment->blocks++;
    segment->bytes = place->offset + padded(block->bytes, FILE_BLOCK_BYTES);
    if (block->is_last)
        segment->bound = block->bound;
}

/* Whether a life's stream that has blocks in this segment goes on in the next one that has any. */
static bool goes_on(const struct reader *reader, size_t i)
{
    const struct mae_log_segment *segment = &reader->segments[i];
    for (size_t j = i + 1; j < reader->scan.segment_count; j++)
        if (reader->segments[j].blocks > 0)
            return reader->scan.segments[j].folder == reader->scan.segments[i].folder &&
                   reader->segments[j].life == segment->life && reader->segments[j].stream == segment->stream;
    return false;
}

/* The last segment of a life's stream with a block that counts is where its log ends. */
static void judge_segments(struct reader *reader)
{
    const struct scan *scan = &reader->scan;
    for (size_t i = 0; i < scan->segment_count; i++) {
        struct mae_log_segment *segment = &reader->segments[i];
        const unsigned folder = scan->segments[i].folder;
        segment->number = scan->segments[i].number;
        bool is_damaged = reader->found == MAE_CORRUPT && scan->is_damaged && folder == scan->damaged.folder &&
                          segment->number == scan->damaged.segment;
        if (is_damaged)
            segment->state = MAE_LOG_DAMAGED;
        else if (segment->number < reader->manifest.checkpoint.kept[folder].segment)
            segment->state = MAE_LOG_SUPERFLUOUS;
        else if (scan->torn && folder == scan->torn_place.folder && segment->number == scan->torn_place.segment)
            segment->state = MAE_LOG_TORN;
        else if (segment->blocks == 0)
            segment->state = MAE_LOG_UNUSED;
        else
            segment->state = goes_on(reader, i) ? MAE_LOG_WHOLE : MAE_LOG_END;
    }
}

/* ---- Looks. ---- */

static void earlier_end(struct reader *reader)
{
    scan_fini(&reader->earlier);
    manifest_fini(&reader->earlier_manifest);
}

static void look_end(struct reader *reader)
{
    free(reader->segments);
    reader->segments = NULL;
    scan_fini(&reader->scan);
    manifest_fini(&reader->manifest);
    reader->scan = (struct scan){0};
}

/* Ends this look, too. */
static void look_becomes_earlier(struct reader *reader)
{
    if (reader->scan.is_measured) {
        earlier_end(reader);
        reader->earlier = reader->scan;
        reader->earlier_manifest = reader->manifest;
        reader->earlier.manifest = &reader->earlier_manifest;
        reader->scan = (struct scan){0};
        reader->manifest = (struct manifest){0};
    }
    look_end(reader);
}

/* Finds the cuts, as they are now. */
static enum mae_status look(struct reader *reader)
{
    reader->found = MAE_OK;
    reader->problem->text[0] = '\0';
    enum mae_status status = manifest_read(reader->folders.names[0], &reader->manifest, reader->problem);
    if (status == MAE_NOT_FOUND || (status == MAE_OK && reader->manifest.life_count == 0))
        return problem_set(reader->problem, MAE_NOT_FOUND, "%s: there is no database in this folder",
                           reader->folders.names[0]);
    if (status == MAE_OK)
        status = folders_check(&reader->folders, &reader->manifest, reader->problem);
    if (status == MAE_OK)
        status =
            scan_init(&reader->scan, reader->folders.names, reader->folders.count, &reader->manifest, reader->problem);
    if (status != MAE_OK)
        return status;
    reader->scan.salvage = true; /* so that what stands before damage has a cut */
    reader->scan.note = note_block;
    reader->scan.note_arg = reader;
    reader->scan.earlier = reader->earlier.is_measured ? &reader->earlier : NULL;
    reader->segments = mem_alloc((reader->scan.segment_count + 1) * sizeof *reader->segments);
    if (!reader->segments)
        return problem_set(reader->problem, MAE_NO_MEMORY, "out of memory for the list of segments");
    status = scan_cuts(&reader->scan);
    if (status == MAE_OK && reader->scan.has_foreign)
        status = scan_refuse_foreign(&reader->scan);
    if (status == MAE_CORRUPT || reader->scan.salvaged)
        reader->found = MAE_CORRUPT;
    return status;
}

/* R1. A file that has gone since the folder was listed is the same case. */
static enum mae_status look_until_steady(struct reader *reader)
{
    struct problem before;
    enum mae_status status = look(reader);
    for (int looks = 1; status == MAE_IO || reader->found == MAE_CORRUPT; looks++) {
        if (looks == LOOKS_MAX)
            return problem_set(reader->problem, MAE_BUSY, "%s is being written, and differs from look to look",
                               reader->folders.names[0]);
        before = *reader->problem;
        look_becomes_earlier(reader);
        status = look(reader);
        if (strcmp(before.text, reader->problem->text) == 0)
            break;
    }
    return status;
}

/* ---- What is visited. ---- */

static enum mae_status visit_lives(struct reader *reader)
{
    enum mae_status status = MAE_OK;
    for (size_t i = 0; i < reader->manifest.life_count && reader->visitor->life && status == MAE_OK; i++) {
        const struct manifest_life *life = &reader->manifest.lives[i];
        const struct mae_log_life told = {.number = life->number,
                                          .streams = life->streams,
                                          .start = life->start,
                                          .cut = reader->scan.lives[i].cut,
                                          .salvaged = life->salvaged || reader->scan.lives[i].salvaged};
        status = reader->visitor->life(reader->arg, &told);
    }
    return status;
}

static enum mae_status visit_segments(struct reader *reader)
{
    enum mae_status status = MAE_OK;
    for (size_t i = 0; i < reader->scan.segment_count && reader->visitor->segment && status == MAE_OK; i++) {
        char path[SEGMENT_PATH_BYTES];
        segment_path(reader->folders.names[reader->scan.segments[i].folder], reader->segments[i].number, path);
        reader->segments[i].path = path;
        status = reader->visitor->segment(reader->arg, &reader->segments[i]);
    }
    return status;
}

static const struct manifest_object *object_of(const struct reader *reader, uint64_t number)
{
    for (size_t i = 0; i < reader->manifest.object_count; i++)
        if (reader->manifest.objects[i].number == number)
            return &reader->manifest.objects[i];
    return NULL;
}

/* Whether the manifest has a table or index that this piece can be of. */
static bool piece_fits(const struct manifest_object *object, const struct piece *piece)
{
    if ((object->kind == MANIFEST_TABLE) != piece_is_row(piece))
        return false;
    if (piece->kind == PIECE_DELTA)
        return delta_is_whole((const unsigned char *)(piece + 1), piece->payload_bytes,
                              object->table_config.payload_max_bytes);
    return object->kind == MANIFEST_TABLE ? piece->payload_bytes <= object->table_config.payload_max_bytes
                                          : index_has_keys_of(&object->index_config, piece->key_bytes);
}

/* Checks a record, and tells its changes unless they are only to be checked. False: it makes no sense. */
static bool tell_record(struct reader *reader, const struct record *record, bool tells, enum mae_status *status)
{
    const char *at = (const char *)(record + 1), *end = (const char *)record + record->bytes;
    for (uint32_t i = 0; i < record->count && *status == MAE_OK; i++) {
        const struct piece *piece = piece_take(&at, end);
        const struct manifest_object *object = piece ? object_of(reader, piece->object) : NULL;
        if (!piece || !(object ? piece_fits(object, piece) : piece->object < reader->manifest.next_number))
            return false;
        const struct mae_log_change change = {.timestamp = record->ts,
                                              .kind = (enum mae_log_kind)piece->kind,
                                              .object = object ? object->name : "",
                                              .row = piece->row,
                                              .data = piece + 1,
                                              .bytes = piece_is_row(piece) ? piece->payload_bytes : piece->key_bytes};
        if (tells)
            *status = reader->visitor->change(reader->arg, &change);
        reader->summary->changes += tells;
    }
    return *status != MAE_OK || at == end;
}

static enum mae_status visit_record(void *arg, const struct record *record)
{
    struct reader *reader = arg;
    enum mae_status status = MAE_OK;
    char path[SEGMENT_PATH_BYTES];
    reader->summary->transactions++;
    if (tell_record(reader, record, true, &status))
        return status;
    segment_path(reader->folders.names[reader->scan.flush.folder], reader->scan.flush.segment, path);
    return problem_set(reader->problem, MAE_CORRUPT,
                       "%s at %" PRIu64 ": in the flush that ends here the record with the timestamp %" PRIu64
                       " makes no sense",
                       path, reader->scan.flush.offset, record->ts);
}

/* R2. */
static enum mae_status visit_records(struct reader *reader)
{
    enum mae_status status = scan_records(&reader->scan, visit_record, reader);
    reader->summary->lost = reader->scan.cut_records;
    if (status == MAE_OK && scan_read_all(&reader->scan))
        return MAE_OK;
    if (status != MAE_OK && status != MAE_IO)
        return status;
    return problem_set(reader->problem, MAE_BUSY, "%s: segments have gone while they were read: it is in use",
                       reader->folders.names[0]);
}

/* ---- The checkpoint. ---- */

static enum mae_status check_slot(struct reader *reader, const char *path, uint64_t i, const struct block *slot)
{
    const char *at = (const char *)(slot + 1), *end = (const char *)slot + slot->bytes;
    enum mae_status status = MAE_OK;
    while (at < end) {
        const struct record *record = (const struct record *)(const void *)at;
        if (end - at < (ptrdiff_t)sizeof *record || record->bytes < sizeof *record || record->bytes % 8 != 0 ||
            end - at < record->bytes || !tell_record(reader, record, false, &status))
            return problem_set(reader->problem, MAE_CORRUPT, "%s at %" PRIu64 ": a record makes no sense", path,
                               i * CHECKPOINT_SLOT_BYTES);
        at += record->bytes;
    }
    return status;
}

static enum mae_status check_checkpoint(struct reader *reader)
{
    const struct manifest_checkpoint *checkpoint = &reader->manifest.checkpoint;
    char path[SEGMENT_PATH_BYTES];
    if (checkpoint->number == 0)
        return MAE_OK;
    checkpoint_path(reader->folders.names[0], checkpoint->number, path);
    int file = file_calls->open(path, FILE_READ | FILE_BLOCKS);
    if (file < 0)
        return problem_set(reader->problem, MAE_IO, "%s cannot be opened: %s", path, strerror(-file));
    struct block *slot = aligned_alloc(FILE_BLOCK_BYTES, CHECKPOINT_SLOT_BYTES);
    enum mae_status status = slot ? MAE_OK : MAE_NO_MEMORY;
    for (uint64_t i = 0; i < checkpoint->blocks && status == MAE_OK; i++) {
        status = checkpoint_read(file, path, reader->manifest.database, checkpoint, i, slot, reader->problem);
        if (status == MAE_OK)
            status = check_slot(reader, path, i, slot);
    }
    free(slot);
    (void)file_calls->close(file);
    return status;
}

/* R3. Whether the manifest names another checkpoint by now. */
static bool is_replaced(const struct reader *reader)
{
    struct manifest now = {0};
    struct problem problem;
    bool replaced = manifest_read(reader->folders.names[0], &now, &problem) == MAE_OK &&
                    now.checkpoint.number != reader->manifest.checkpoint.number;
    manifest_fini(&now);
    return replaced;
}

static enum mae_status visit_checkpoint(struct reader *reader)
{
    enum mae_status status = check_checkpoint(reader);
    if ((status != MAE_IO && status != MAE_CORRUPT) || !is_replaced(reader))
        return status;
    return problem_set(reader->problem, MAE_BUSY, "%s: the checkpoint has gone while it was read: it is in use",
                       reader->folders.names[0]);
}

/* ---- All of it. ---- */

static void summarize(struct reader *reader)
{
    const struct manifest_checkpoint *checkpoint = &reader->manifest.checkpoint;
    *reader->summary = (struct mae_log_summary){.database = reader->manifest.database,
                                                .lives = reader->manifest.life_count,
                                                .cut = reader->scan.lives[reader->manifest.life_count - 1].cut,
                                                .checkpoint = checkpoint->number,
                                                .checkpoint_start = checkpoint->start,
                                                .checkpoint_end = checkpoint->end,
                                                .checkpoint_rows = checkpoint->rows,
                                                .checkpoint_entries = checkpoint->entries};
}

/* Where cuts are not known, since damage is below the checkpoint's end or in the order of lives, no record is told. */
static enum mae_status visit_all(struct reader *reader, enum mae_status looked)
{
    summarize(reader);
    judge_segments(reader);
    enum mae_status status = visit_lives(reader);
    if (status == MAE_OK)
        status = visit_segments(reader);
    if (status != MAE_OK || looked != MAE_OK || !reader->visitor->change)
        return status;
    const struct problem damage = *reader->problem;
    status = visit_records(reader);
    if (status == MAE_OK)
        status = visit_checkpoint(reader);
    if (status == MAE_OK)
        *reader->problem = damage;
    return status;
}

enum mae_status reader_read(const char *log_dir, const struct mae_log_visitor *visitor, void *arg,
                            struct mae_log_summary *summary, struct problem *problem)
{
    struct reader reader = {.visitor = visitor, .arg = arg, .summary = summary, .problem = problem};
    enum mae_status status = folders_name(&reader.folders, log_dir, problem);
    if (status == MAE_OK)
        status = look_until_steady(&reader);
    if (status == MAE_OK || status == MAE_CORRUPT) {
        if (reader.segments) {
            enum mae_status visited = visit_all(&reader, status);
            status = visited != MAE_OK ? visited : reader.found;
        }
    }
    look_end(&reader);
    earlier_end(&reader);
    folders_close(&reader.folders);
    return status;
}
