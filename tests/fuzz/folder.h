/*
 * folder.h - what the fuzzers of a database's folder share: a simulated disk with a manifest, described blocks, and the
 * demands on whoever opens or reads it. A folder is opened, or refused with a message. What has been opened is sound,
 * is the same when it is opened again, and is what was told before without opening it (mae_log_read).
 */
#ifndef TESTS_FUZZ_FOLDER_H
#define TESTS_FUZZ_FOLDER_H

#include "engine/base/crc32c.h"
#include "engine/base/file.h"
#include "engine/log/block.h"
#include "engine/log/logger.h"
#include "engine/maemio.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/disk.h"

enum { FOLDER_DATABASE = 7 };

/* An empty disk. The logger has no thread: whoever waits for it makes its rounds. */
static inline void folder_begin(void)
{
    log_by_hand = true;
    disk_open();
}

static inline void folder_end(void)
{
    disk_crash(NULL);
    disk_close();
}

static inline void folder_add(const char *path, const void *data, size_t bytes)
{
    int file = file_calls->open(path, FILE_WRITE | FILE_CREATE);
    FUZZ_EXPECT(file >= 0);
    FUZZ_EXPECT(bytes == 0 || file_calls->write(file, data, bytes, 0) == 0);
    FUZZ_EXPECT(file_calls->close(file) == 0);
}

/* Adds the first line and the last ones to what stands in between. */
static inline void folder_add_manifest(const char *lines)
{
    char text[1024];
    int bytes = snprintf(text, sizeof text,
                         "maemio-log 2\ndatabase %016x\nnext 4\n%stable 1 64 100 rows\nindex 2 1 0 8 0 100 by-hash\n"
                         "index 3 1 1 8 1 100 by-order\n",
                         FOLDER_DATABASE, lines);
    snprintf(text + bytes, sizeof text - (size_t)bytes, "checksum %08x\n", (unsigned)crc32c(0, text, (size_t)bytes));
    folder_add("db/manifest", text, strlen(text));
}

/* How an input describes a block; the body stands behind it. */
struct folder_block {
    uint16_t body_bytes;
    uint8_t is_last, is_damaged;
    uint8_t stream, unused[3];
    uint64_t life, number, flush, bound, synced; /* synced: of all streams, too */
};

/* Puts the next block into `block`, which has room for `room` bytes. False: there is none, or no room. Its checksum is
 * right, unless the description says otherwise: with wrong ones nothing else would ever be read. */
static inline bool folder_next_block(const uint8_t **data, size_t *left, struct block *block, size_t room)
{
    struct folder_block said;
    if (*left < sizeof said)
        return false;
    memcpy(&said, *data, sizeof said);
    *data += sizeof said;
    *left -= sizeof said;
    size_t body = said.body_bytes < *left ? said.body_bytes : *left;
    if (sizeof *block + body > room)
        return false;
    *block = (struct block){.bytes = (uint32_t)(sizeof *block + body),
                            .is_last = said.is_last & 1,
                            .database = FOLDER_DATABASE,
                            .life = said.life,
                            .number = said.number,
                            .flush = said.flush,
                            .bound = said.is_last & 1 ? said.bound : 0,
                            .stream = said.stream,
                            .synced = said.synced,
                            .all_synced = said.synced};
    memcpy(block + 1, *data, body);
    *data += body;
    *left -= body;
    block_seal(block);
    block->crc ^= said.is_damaged & 1;
    return true;
}

/* False: it is refused. */
static inline bool folder_open(bool salvage, bool threads, struct mae_recover_info *info)
{
    const char *const settings[][2] = {{"durability", "group"},
                                       {"log_dir", "db"},
                                       {"log_segment_bytes", "64K"},
                                       {"log_buffer_bytes", "64K"},
                                       {"memory_limit", "64M"},
                                       {"recovery", salvage ? "salvage" : "strict"},
                                       {"recovery_threads", threads ? "2" : "1"}};
    struct mae_options *options = mae_options_create();
    struct mae_db *db;
    char report[256];
    FUZZ_EXPECT(options);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        FUZZ_EXPECT(mae_options_set(options, settings[i][0], settings[i][1], NULL, 0) == MAE_OK);
    enum mae_status status = mae_open(options, &db);
    mae_options_destroy(options);
    if (status != MAE_OK) {
        FUZZ_EXPECT(mae_open_problem()[0]);
        return false;
    }
    mae_recover_info(db, info);
    enum mae_status sound = mae_db_verify(db, report, sizeof report);
    if (sound != MAE_OK)
        fprintf(stderr, "%s\n", report);
    FUZZ_EXPECT(sound == MAE_OK);
    mae_close(db);
    disk_crash(NULL);
    return true;
}

static inline enum mae_status folder_change(void *arg, const struct mae_log_change *change)
{
    uint64_t *bytes = arg;
    for (size_t i = 0; i < change->bytes; i++)
        *bytes += ((const uint8_t *)change->data)[i] > 0;
    *bytes += strlen(change->object);
    return MAE_OK;
}

/* Reads the log without opening the database. It is refused with a message, or what a recovery takes is told. */
static inline enum mae_status folder_read(struct mae_log_summary *summary)
{
    const struct mae_log_visitor visitor = {.change = folder_change};
    uint64_t bytes = 0;
    enum mae_status status = mae_log_read("db", &visitor, &bytes, summary);
    FUZZ_EXPECT(status == MAE_OK || mae_open_problem()[0]);
    return status;
}

static inline void folder_examine(bool salvage, bool threads)
{
    struct mae_recover_info first, second;
    struct mae_log_summary told;
    enum mae_status status = folder_read(&told);
    if (!folder_open(salvage, threads, &first))
        return;
    FUZZ_EXPECT(salvage || status == MAE_OK);
    FUZZ_EXPECT(first.salvaged || (told.transactions == first.transactions && told.cut == first.cut));
    bool again = folder_open(false, threads, &second);
    if (!again)
        fprintf(stderr, "%s\n", mae_open_problem());
    FUZZ_EXPECT(again);
    FUZZ_EXPECT(second.rows == first.rows && second.entries == first.entries);
}

#endif
