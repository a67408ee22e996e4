/* csv.c - see csv.h. Columns come from columns.def. */
#include "harness/record/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/record/columns.h"

struct csv {
    int fd;
    bool is_file; /* ours to close, lock and cut */
    char *path;
    const char *option; /* that names it; messages begin with it */
};

static bool fail(const struct csv *csv, const char *what, char *error)
{
    return support_error(error, CSV_ERROR_BYTES, "%s: %.700s: %s: %s", csv->option, csv->path, what, strerror(errno));
}

/* Quoted only where it must be: comma, quote, line break, or a blank at either end. */
void csv_field_add(struct support_text *line, const char *text)
{
    size_t length = strlen(text);
    bool quote = strpbrk(text, ",\"\r\n") != NULL || (length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
    if (!quote) {
        support_text_add(line, "%s", text);
        return;
    }
    support_text_add(line, "\"");
    for (const char *at = text; *at != '\0'; at++)
        support_text_add(line, *at == '"' ? "\"\"" : "%c", *at);
    support_text_add(line, "\"");
}

void csv_number_add(struct support_text *line, int digits, double value)
{
    support_text_add(line, ",");
    if (!isnan(value))
        support_text_add(line, "%.*g", digits, value);
}

/* A row of the result; without a result the names of the columns. */
static void row_add(struct support_text *line, const struct result *result, int type)
{
    for (size_t i = 0; i < column_count(); i++) {
        SUPPORT_FREED char *text = result == NULL ? NULL : column_text(i, result, type);
        support_text_add(line, "%s", i == 0 ? "" : ",");
        csv_field_add(line, result == NULL ? column_info(i)->name : text);
    }
    support_text_add(line, "\n");
}

/* Everything or, in a file, nothing. */
bool csv_write_text(struct csv *csv, const char *text, char *error)
{
    struct stat before;
    if (csv->is_file && (flock(csv->fd, LOCK_EX) != 0 || fstat(csv->fd, &before) != 0))
        return fail(csv, "cannot be locked", error);
    bool fine = support_write(csv->fd, text, strlen(text)) || fail(csv, "cannot be written", error);
    if (csv->is_file) {
        if (!fine)
            (void)!ftruncate(csv->fd, before.st_size);
        (void)flock(csv->fd, LOCK_UN);
    }
    return fine;
}

/* The file's header is ours and its last line is whole. */
static bool existing_fits(const struct csv *csv, const char *header, off_t size, char *error)
{
    size_t bytes = strlen(header);
    SUPPORT_FREED char *found = support_alloc(bytes + 1);
    char last = '\0';
    bool same = pread(csv->fd, found, bytes, 0) == (ssize_t)bytes && memcmp(found, header, bytes) == 0;
    bool ended = pread(csv->fd, &last, 1, size - 1) == 1 && last == '\n';
    return (same && ended) || support_error(error, CSV_ERROR_BYTES, "%s: %.700s: %s", csv->option, csv->path,
                                            same ? "the last line is incomplete; remove it, or name a new file"
                                                 : "has other columns than this build writes; name a new file, or move "
                                                   "this one away");
}

/* The header is there or, in a file that is new or empty, is written. */
static bool header_settle(struct csv *csv, const char *header, char *error)
{
    struct stat now = {0};
    if (csv->is_file && (flock(csv->fd, LOCK_EX) != 0 || fstat(csv->fd, &now) != 0))
        return fail(csv, "cannot be locked", error);
    bool fine = S_ISREG(now.st_mode) && now.st_size > 0 ? existing_fits(csv, header, now.st_size, error)
                                                        : csv_write_text(csv, header, error);
    if (csv->is_file)
        (void)flock(csv->fd, LOCK_UN);
    return fine;
}

struct csv *csv_open_other(const char *path, const char *option, const char *header, char *error)
{
    struct csv *csv = support_alloc(sizeof *csv);
    char ignored[CSV_ERROR_BYTES];
    bool is_file = strcmp(path, "-") != 0;
    csv->option = option;
    csv->path = support_copy(is_file ? path : "stdout");
    csv->fd = is_file ? open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : STDOUT_FILENO;
    csv->is_file = is_file && csv->fd >= 0;
    if (csv->fd >= 0 ? header_settle(csv, header, error) : fail(csv, "cannot be opened", error))
        return csv;
    (void)csv_close(csv, ignored);
    return NULL;
}

struct csv *csv_open(const char *path, char *error)
{
    SUPPORT_FREED struct support_text header = {0};
    row_add(&header, NULL, COLUMN_ALL_TYPES);
    return csv_open_other(path, "--csv", header.text, error);
}

bool csv_write(struct csv *csv, const struct result *result, char *error)
{
    SUPPORT_FREED struct support_text rows = {0};
    row_add(&rows, result, COLUMN_ALL_TYPES);
    for (unsigned type = 0; result->type_count > 1 && type < result->type_count; type++)
        row_add(&rows, result, (int)type);
    return csv_write_text(csv, rows.text, error);
}

bool csv_close(struct csv *csv, char *error)
{
    if (csv == NULL)
        return true;
    bool fine = !csv->is_file || close(csv->fd) == 0 || fail(csv, "cannot be written", error);
    free(csv->path);
    free(csv);
    return fine;
}
