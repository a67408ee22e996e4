/*
 * manifest.h - the file that says what a folder holds: which database, its tables and indexes, and its lives
 * (DURABLE.md).
 *
 * It is a text of lines, so that people can read it:
 *     maemio-log 2                               the version of the format; another one is refused
 *     database 8f3a52c01b6e77d4                  a random number
 *     next 4                                     the number of the next table or index: none is ever used twice
 *     folder 1 /mnt/b/log                        where the log is, too, and what it was called last
 *     life 1 2 4294967296 5368709120             an earlier life: its number, its streams, where its timestamps begin,
 *                                                its cut
 *     salvaged 1 2 4294967296 5368709120         the same, if it was cut at damage (recovery=salvage)
 *     current 2 2 922337203685                   the present life, its streams, and where its timestamps begin
 *     checkpoint 7 2 ...                         if there is one: the fields of struct manifest_checkpoint
 *     kept 0 5368709120 12 4711 815              of each stream of the checkpoint's life: struct log_kept
 *     table 1 100 0 accounts                     number, payload_max_bytes, expected_rows, name
 *     index 2 1 0 8 0 0 accounts-by-id           number, table, kind, key_bytes, non_unique, expected_rows, name.
 *                                                The kind: 0 hash, 1 ordered, 2 ordered with keys of variable length
 *     checksum 7be1a0c4                          CRC-32C of all that stands above
 * The folder with the manifest has the number 0. Names have blanks, control characters and '%' as %XX. The file is
 * replaced as a whole: written under another name, synced, renamed, and the folder synced. So a crash leaves the old
 * one or the new one.
 */
#ifndef ENGINE_DURABLE_MANIFEST_H
#define ENGINE_DURABLE_MANIFEST_H

#include "engine/durable/problem.h"
#include "engine/log/block.h"
#include "engine/log/segment.h"
#include "engine/maemio.h"

enum { MANIFEST_NAME_BYTES = MAE_NAME_MAX_BYTES + 1 };

enum manifest_kind { MANIFEST_TABLE, MANIFEST_INDEX };

struct manifest_object {
    enum manifest_kind kind;
    uint64_t number, table; /* table: of an index */
    struct mae_table_config table_config;
    struct mae_index_config index_config;
    char name[MANIFEST_NAME_BYTES];
};

/* Its transactions have timestamps above `start`; those below `cut` have survived. salvaged: more of them were safe,
 * and are lost. */
struct manifest_life {
    uint64_t number, start, cut;
    unsigned streams; /* of its log; each is in the folder with its number, but those of a copy are in the first one */
    bool salvaged;
};

/* D10, D11. Of a stream of the life `life` counts what `kept` says: what stands from its block on, which is in its
 * segment or in a later one. Of later lives everything counts, of earlier ones nothing. */
struct manifest_checkpoint {
    uint64_t number;                   /* 0: there is none */
    uint64_t life;                     /* in which it was made */
    uint64_t start, end;               /* of its timestamps: S and E */
    uint64_t blocks, rows, entries;    /* in its file */
    struct log_kept kept[STREAMS_MAX]; /* by stream. No segment with a smaller number counts in the folder, either */
};

struct manifest {
    uint64_t database, next_number;
    char *folders[STREAMS_MAX]; /* their names; of the first one NULL */
    unsigned folder_count;
    struct manifest_life *lives; /* the last one is the present one */
    size_t life_count;
    struct manifest_object *objects; /* in the order of their creation */
    size_t object_count;
    struct manifest_checkpoint checkpoint;
};

void manifest_fini(struct manifest *manifest);

/* MAE_OK; MAE_NOT_FOUND: there is none; MAE_IO; MAE_CORRUPT; MAE_UNSUPPORTED: of another version; MAE_NO_MEMORY. */
enum mae_status manifest_read(const char *folder, struct manifest *manifest, struct problem *problem);

/* MAE_OK, MAE_IO or MAE_NO_MEMORY. After MAE_IO a crash may leave the old one or the new one. */
enum mae_status manifest_write(const char *folder, const struct manifest *manifest, struct problem *problem);

/* MAE_OK or MAE_NO_MEMORY. */
enum mae_status manifest_add_life(struct manifest *manifest, uint64_t start, unsigned streams);
enum mae_status manifest_name_folders(struct manifest *manifest, const char *const *names, unsigned count);
enum mae_status manifest_add_object(struct manifest *manifest, const struct manifest_object *object);

#endif
