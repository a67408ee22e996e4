/* sweep_folder.c - see sweep_folder.h. */
#include "harness/sweep/sweep_folder.h"

#include <errno.h>
#include <unistd.h>

#include "harness/common/csv_table.h"
#include "harness/common/program.h"
#include "harness/common/text_file.h"

enum { ERROR_BYTES = 1200, FILE_BYTES_MAX = 1 << 30 };

char *sweep_path(const struct sweep *sweep, const struct sweep_run *run, const char *ending, const char *file)
{
    return support_format("%s/runs/%s-%u%s%s%s", sweep->out, run->point->id, run->repetition, ending,
                          file[0] == '\0' ? "" : "/", file);
}

void sweep_remove(const struct sweep *sweep, const struct sweep_run *run, const char *ending)
{
    SUPPORT_FREED char *path = sweep_path(sweep, run, ending, "");
    program_folder_remove(path);
}

static size_t types_of(const struct options *options)
{
    size_t beside = options->beside == NULL ? 0 : workload_type_count(options->beside, options->beside_values);
    return workload_type_count(options->workload, options->workload_values) + beside;
}

bool sweep_rows_whole(const struct sweep *sweep, const struct sweep_run *run, const char *ending, char *why)
{
    SUPPORT_ENDED_BY(csv_table_free) struct csv_table table = {0};
    SUPPORT_FREED char *path = sweep_path(sweep, run, ending, "results.csv");
    if (!csv_table_read(&table, path, why))
        return false;
    const struct options *options = run->point->options;
    size_t types = types_of(options), expected = types == 1 ? 1 : 1 + types;
    int point = csv_table_column(&table, "point"), repetition = csv_table_column(&table, "repetition");
    bool fine = table.row_count == expected && point >= 0 && repetition >= 0;
    for (size_t i = 0; fine && i < table.row_count; i++)
        fine = strcmp(table.rows[i].fields[point], run->point->id) == 0 &&
               strtoul(table.rows[i].fields[repetition], NULL, 10) == run->repetition;
    if (!fine)
        (void)snprintf(why, CSV_TABLE_ERROR_BYTES, "%zu rows, not the %zu of this run", table.row_count, expected);
    return fine;
}

/* ---- The merged files. ---- */

/* Whether a merged file begins with the header of what is to be added to it. */
static bool header_same(FILE *into, const char *text, size_t header)
{
    SUPPORT_FREED char *found = support_alloc(header + 1);
    rewind(into);
    return fread(found, 1, header, into) == header && memcmp(found, text, header) == 0;
}

/* Appends a file of a finished run to the merged file of that name; its header only if the merged file is empty. */
static bool merge(const struct sweep *sweep, const struct sweep_run *run, const char *file, bool has_header)
{
    char error[ERROR_BYTES];
    SUPPORT_FREED char *path = sweep_path(sweep, run, "", file);
    SUPPORT_FREED char *merged = support_format("%s/%s%s", sweep->out, file, sweep->ending);
    size_t bytes, header = 0;
    if (access(path, F_OK) != 0)
        return true; /* a histogram or an interval may have nothing to say */
    SUPPORT_FREED char *text = text_file_read(path, FILE_BYTES_MAX, true, &bytes, error, sizeof error);
    if (text == NULL)
        return support_complain(sweep->name, "%s", error);
    FILE *into = fopen(merged, "a+e");
    const char *end = memchr(text, '\n', bytes);
    if (into != NULL && has_header && fseek(into, 0, SEEK_END) == 0 && ftell(into) > 0)
        header = end == NULL ? bytes : (size_t)(end - text) + 1;
    bool same = into == NULL || header_same(into, text, header);
    bool fine = same && into != NULL && fseek(into, 0, SEEK_END) == 0 &&
                fwrite(text + header, 1, bytes - header, into) == bytes - header;
    if (into != NULL)
        fine = fclose(into) == 0 && fine;
    if (!same)
        support_complain(sweep->name,
                         "%s: has other columns than the runs before it, so another build made it; use a new --out",
                         path);
    else if (!fine)
        support_complain(sweep->name, "%s: cannot be written: %s", merged, strerror(errno));
    return fine;
}

bool sweep_merge(const struct sweep *sweep, const struct sweep_run *run)
{
    bool fine = merge(sweep, run, "results.csv", true) && merge(sweep, run, "results.jsonl", false);
    for (size_t i = 0; fine && i < SWEEP_FILE_COUNT; i++)
        fine = run->point->files[i][0] == '\0' || !sweep_files[i].is_merged ||
               merge(sweep, run, run->point->files[i], true);
    return fine;
}
