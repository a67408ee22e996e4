/* log.c - `maemio log': what stands in a log's folder, without opening the database (mae_log_read). */
#include <ctype.h>

#include "engine/maemio.h"
#include "harness/cli/commands.h"

enum { DATA_SHOWN_BYTES = 16 };

struct log_print {
    bool records; /* they are printed; else they are counted */
    bool verify;
    uint64_t after; /* only those with larger timestamps */
    uint64_t limit; /* at most so many; 0: all */
    uint64_t shown;
    bool has_header; /* of the segments or of the records */
};

static enum mae_status print_life(void *arg, const struct mae_log_life *life)
{
    (void)arg;
    (void)printf("life %-5" PRIu64 " from %" PRIu64 ", cut at %" PRIu64 "%s\n", life->number, life->start, life->cut,
                 life->salvaged ? ", at damage" : "");
    return MAE_OK;
}

static enum mae_status print_segment(void *arg, const struct mae_log_segment *segment)
{
    static const char *const states[] = {[MAE_LOG_WHOLE] = "whole",
                                         [MAE_LOG_END] = "end",
                                         [MAE_LOG_TORN] = "torn end",
                                         [MAE_LOG_UNUSED] = "unused",
                                         [MAE_LOG_SUPERFLUOUS] = "superfluous",
                                         [MAE_LOG_DAMAGED] = "damaged"};
    struct log_print *print = arg;
    const char *slash = strrchr(segment->path, '/');
    if (!print->has_header)
        (void)printf("%-14s %5s %6s %8s %8s %12s %20s  %s\n", "segment", "life", "stream", "block", "blocks", "bytes",
                     "bound", "state");
    print->has_header = true;
    (void)printf("%-14s %5" PRIu64 " %6u %8" PRIu64 " %8" PRIu64 " %12" PRIu64 " %20" PRIu64 "  %s\n",
                 slash ? slash + 1 : segment->path, segment->life, segment->stream, segment->first_block,
                 segment->blocks, segment->bytes, segment->bound, states[segment->state]);
    return MAE_OK;
}

/* The first bytes of a row or key, as hexadecimal digits and as text. */
static void print_data(const struct mae_log_change *change)
{
    size_t shown = change->bytes < DATA_SHOWN_BYTES ? change->bytes : DATA_SHOWN_BYTES;
    const unsigned char *data = change->data;
    for (size_t i = 0; i < shown; i++)
        (void)printf("%02x", data[i]);
    (void)printf("%s", change->bytes > shown ? ".. " : shown > 0 ? " " : "");
    for (size_t i = 0; i < shown; i++)
        (void)putchar(isprint(data[i]) ? data[i] : '.');
    (void)putchar('\n');
}

static enum mae_status print_change(void *arg, const struct mae_log_change *change)
{
    static const char *const kinds[] = {[MAE_LOG_PUT] = "PUT",
                                        [MAE_LOG_DELETE] = "DELETE",
                                        [MAE_LOG_ADD] = "ADD",
                                        [MAE_LOG_REMOVE] = "REMOVE",
                                        [MAE_LOG_APPLY] = "APPLY"};
    struct log_print *print = arg;
    if (!print->records || change->timestamp <= print->after)
        return MAE_OK;
    if (print->limit > 0 && print->shown == print->limit)
        return print->verify ? MAE_OK : MAE_ABORT_USER; /* enough */
    if (print->shown++ == 0)
        (void)printf("%-20s %-6s %-24s %12s %6s  %s\n", "timestamp", "change", "table or index", "row", "bytes",
                     "data");
    (void)printf("%-20" PRIu64 " %-6s %-24s %12" PRIu64 " %6zu  ", change->timestamp, kinds[change->kind],
                 change->object, change->row, change->bytes);
    print_data(change);
    return MAE_OK;
}

static void print_summary(const struct mae_log_summary *summary, bool has_read, bool is_damaged)
{
    if (summary->checkpoint > 0)
        (void)printf("checkpoint %" PRIu64 ": %" PRIu64 " rows, %" PRIu64 " entries, of the time from %" PRIu64
                     " to %" PRIu64 "; no change before it counts\n",
                     summary->checkpoint, summary->checkpoint_rows, summary->checkpoint_entries,
                     summary->checkpoint_start, summary->checkpoint_end);
    (void)printf("database %016" PRIx64 ", opened %" PRIu64 " times; of each life the commits below its cut %s\n",
                 summary->database, summary->lives,
                 is_damaged ? "are there, and `maemio recover --salvage' keeps them" : "have survived");
    if (has_read)
        (void)printf("read: %" PRIu64 " transactions with %" PRIu64 " changes, and %" PRIu64
                     " above the cut, which do not count\n",
                     summary->transactions, summary->changes, summary->lost);
}

enum exit_code log_command(int argc, char **argv)
{
    struct log_print print = {0};
    struct command_option options[] = {
        COMMAND_OPTION("records", FLAG, &print.records, NULL,
                       "print every change that a recovery would take: timestamp, kind, table or index, row, bytes"),
        COMMAND_OPTION("after", COUNT, &print.after, "TIMESTAMP",
                       "of the changes only those of transactions with larger timestamps"),
        COMMAND_OPTION("limit", COUNT, &print.limit, "COUNT", "of the changes at most so many"),
        COMMAND_OPTION(
            "verify", FLAG, &print.verify, NULL,
            "read and check every record of the log and of the checkpoint; without it the blocks of the log"),
        {0},
    };
    struct command_line line = {
        .options = options,
        .arguments = "DIR",
        .doc = "Prints what stands in DIR, the folder of a log, or all of its folders (log_dir): the database's lives, "
               "of each when it began "
               "and where it ends; the segments with the blocks that count; with --records what the transactions have "
               "changed. It opens no database and changes nothing, so DIR may be one that is in use, or can only be "
               "read. Ends with 3, and the file and place, if something that was safe is damaged or missing.",
        .least = 1,
        .most = 1,
        .wanted = "name the folder of a log"};
    (void)command_read(&line, argc, argv);
    if (!print.records && (options[1].given || options[2].given))
        return command_refuse(argv[0], "--after, --limit: they choose among --records");
    const struct mae_log_visitor visitor = {
        .life = print_life, .segment = print_segment, .change = print.records || print.verify ? print_change : NULL};
    struct mae_log_summary summary;
    enum mae_status status = mae_log_read(argv[1], &visitor, &print, &summary);
    bool stopped = status == MAE_ABORT_USER;
    if (summary.lives > 0)
        print_summary(&summary, visitor.change && !stopped, status == MAE_CORRUPT);
    if (status == MAE_OK && print.verify)
        (void)printf("verification: ok\n");
    if (status != MAE_OK && !stopped)
        support_complain(argv[0], "%s", mae_open_problem()[0] ? mae_open_problem() : mae_status_text(status));
    return command_end(argv[0], status == MAE_OK || stopped ? EXIT_FINE
                                : status == MAE_CORRUPT     ? EXIT_CHECK
                                                            : EXIT_FAILED);
}
