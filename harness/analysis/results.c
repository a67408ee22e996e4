/* results.c - see results.h. */
#include "harness/analysis/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/quantity.h"
#include "harness/common/statistics.h"
#include "harness/common/support.h"

const char *results_text(const struct results *set, size_t i, const char *column)
{
    int at = csv_table_column(&set->table, column);
    return at < 0 ? "" : set->rows[i]->fields[at];
}

const struct csv_table_row *results_total_row(const struct csv_table *table, const struct csv_table_row *row)
{
    int type = csv_table_column(table, "txn_type");
    while (type >= 0 && row > table->rows && strcmp(row->fields[type], "all") != 0)
        row--;
    return row;
}

const char *results_total_text(const struct csv_table *table, const struct csv_table_row *row, const char *column)
{
    int at = csv_table_column(table, column);
    return at < 0 ? "" : results_total_row(table, row)->fields[at];
}

static void find_cores(struct results *set)
{
    unsigned long most = 0;
    for (size_t i = 0; i < set->count; i++) {
        unsigned long threads = strtoul(results_text(set, i, "threads"), NULL, 10);
        if (threads > most && strcmp(results_text(set, i, "oversubscribed"), "1") != 0)
            most = threads;
    }
    if (most > 0)
        (void)snprintf(set->cores, sizeof(set->cores), "%lu", most);
}

bool results_read(struct results *set, const char *path, char *error)
{
    static const char *const needed[] = {"txn_type", "outcome", "check_result", "threads", "throughput_txn_per_s"};
    memset(set, 0, sizeof(*set));
    if (!csv_table_read(&set->table, path, error))
        return false;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (csv_table_column(&set->table, needed[i]) < 0) {
            (void)snprintf(error, CSV_TABLE_ERROR_BYTES, "%.300s:1: no column %s: these are no results of maemio", path,
                           needed[i]);
            results_free(set);
            return false;
        }
    set->rows = support_alloc((set->table.row_count + 1) * sizeof(const struct csv_table_row *));
    for (size_t i = 0; i < set->table.row_count; i++) {
        set->rows[set->count++] = &set->table.rows[i];
        if (!results_fits(set, set->count - 1, "txn_type=all&outcome=complete&check_result!=failed"))
            set->count--;
    }
    find_cores(set);
    return true;
}

void results_free(struct results *set)
{
    free(set->rows);
    csv_table_free(&set->table);
    memset(set, 0, sizeof(*set));
}

bool results_fits(const struct results *set, size_t i, const char *selector)
{
    char copy[RESULTS_SELECTOR_BYTES], *rest = copy, *condition;
    if ((size_t)snprintf(copy, sizeof(copy), "%s", selector) >= sizeof(copy))
        abort(); /* selectors stand in the program; this one needs a larger RESULTS_SELECTOR_BYTES */
    while ((condition = strsep(&rest, "&")) != NULL) {
        char *value = strchr(condition, '=');
        if (!value)
            continue; /* an empty selector */
        bool differs = value > condition && value[-1] == '!';
        value[differs ? -1 : 0] = '\0';
        value++;
        const char *wanted = strcmp(value, "@cores") == 0 ? set->cores : value;
        if ((strcmp(results_text(set, i, condition), wanted) == 0) == differs)
            return false;
    }
    return true;
}

size_t results_values(const struct results *set, const char *selector, const char *column, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const char *text = results_text(set, i, column);
        if (results_fits(set, i, selector) && quantity_parse_f64(text, &values[count]))
            count++;
    }
    return count;
}

/* As results_values, of the rows that have `text` in the column `group`: a text of the file may hold anything, so it
 * never becomes part of a selector. */
static size_t group_values(const struct results *set, const char *selector, const char *group, const char *text,
                           const char *column, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(results_text(set, i, group), text) == 0 && results_fits(set, i, selector) &&
            quantity_parse_f64(results_text(set, i, column), &values[count]))
            count++;
    return count;
}

size_t results_best(const struct results *set, const char *selector, const char *group, const char *column,
                    double *values, const char **text)
{
    double best = 0;
    *text = "";
    for (size_t i = 0; i < set->count; i++) {
        if (!results_fits(set, i, selector))
            continue;
        size_t count = group_values(set, selector, group, results_text(set, i, group), column, values);
        double median = statistics_median(values, count);
        if (count > 0 && (**text == '\0' || median > best)) {
            best = median;
            *text = results_text(set, i, group);
        }
    }
    return **text == '\0' ? 0 : group_values(set, selector, group, *text, column, values);
}
