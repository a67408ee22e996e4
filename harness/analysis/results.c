/* results.c - see results.h. */
#define _GNU_SOURCE /* qsort_r */
#include "harness/analysis/results.h"

#include "harness/common/nearest.h"
#include "harness/common/quantity.h"
#include "harness/common/statistics.h"
#include "harness/record/columns.h"
#include "harness/record/csv.h"

static const char *field(const struct csv_table *table, const struct csv_table_row *row, const char *column)
{
    int at = csv_table_column(table, column);
    return at < 0 ? "" : row->fields[at];
}

const char *results_text(const struct results *results, size_t i, const char *column)
{
    return field(&results->table, results->rows[i], column);
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
    return field(table, results_total_row(table, row), column);
}

/* ---- Reading. ---- */

bool results_is_of(const struct csv_table *table, const struct csv_table_row *row, const char *type)
{
    int at = csv_table_column(table, "txn_type");
    return at < 0 || strcmp(row->fields[at], type) == 0;
}

const char *results_flaw(const struct csv_table *table, const struct csv_table_row *row)
{
    const char *check = results_total_text(table, row, "check_result");
    if (csv_table_column(table, "outcome") >= 0 && strcmp(field(table, row, "outcome"), "complete") != 0)
        return "outcome";
    if (csv_table_column(table, "check_result") >= 0 && strcmp(check, "passed") != 0 && strcmp(check, "skipped") != 0)
        return "check_result";
    return NULL;
}

bool results_has(const struct results *results, const char *column, char *error)
{
    struct nearest nearest = {.wanted = column};
    if (csv_table_column(&results->table, column) >= 0)
        return true;
    for (size_t i = 0; i < results->table.column_count; i++)
        nearest_offer(&nearest, results->table.columns[i]);
    return support_error_at(error, CSV_TABLE_ERROR_BYTES, results->table.path, 1, "has no column '%.100s'%.100s",
                            column, nearest_hint(&nearest, ""));
}

/* Refuses a type that no row is of, and says which there are. */
static bool check_type(const struct csv_table *table, const char *type, char *error)
{
    SUPPORT_ENDED_BY(support_list_free) struct support_list types = {0};
    SUPPORT_FREED struct support_text text = {0};
    for (size_t i = 0; i < table->row_count; i++) {
        if (results_is_of(table, &table->rows[i], type))
            return true;
        const char *here = field(table, &table->rows[i], "txn_type");
        if (support_list_place(types.items, here) == types.count) {
            support_list_add(&types, "%s", here);
            support_text_add(&text, "%s%s", text.bytes > 0 ? ", " : "", here);
        }
    }
    return types.count == 0 || support_error(error, CSV_TABLE_ERROR_BYTES,
                                             "%.300s: no row is of the transaction type '%.100s'; there are %.300s",
                                             table->path, type, text.text);
}

bool results_load(struct results *results, const char *path, const char *type, char *error)
{
    memset(results, 0, sizeof(*results));
    if (!csv_table_read(&results->table, path, error) || !check_type(&results->table, type, error))
        return false;
    results->rows = support_alloc((results->table.row_count + 1) * sizeof(const struct csv_table_row *));
    for (size_t i = 0; i < results->table.row_count; i++) {
        const struct csv_table_row *row = &results->table.rows[i];
        if (!results_is_of(&results->table, row, type))
            continue;
        const char *flaw = results_flaw(&results->table, row);
        if (flaw == NULL)
            results->rows[results->count++] = row;
        else
            ++*(strcmp(flaw, "outcome") == 0 ? &results->interrupted : &results->failed);
    }
    return true;
}

static void find_cores(struct results *results)
{
    unsigned long most = 0;
    for (size_t i = 0; i < results->count; i++) {
        unsigned long threads = strtoul(results_text(results, i, "threads"), NULL, 10);
        if (threads > most && strcmp(results_text(results, i, "oversubscribed"), "1") != 0)
            most = threads;
    }
    if (most > 0)
        (void)snprintf(results->cores, sizeof(results->cores), "%lu", most);
}

bool results_read(struct results *results, const char *path, char *error)
{
    static const char *const needed[] = {"txn_type", "outcome", "check_result", "threads", "throughput_txn_per_s"};
    if (!results_load(results, path, "all", error))
        return false;
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (csv_table_column(&results->table, needed[i]) < 0)
            return support_error_at(error, CSV_TABLE_ERROR_BYTES, path, 1,
                                    "no column %s: these are no results of maemio", needed[i]);
    find_cores(results);
    return true;
}

void results_free(struct results *results)
{
    free(results->rows);
    csv_table_free(&results->table);
    memset(results, 0, sizeof(*results));
}

char *results_unused_text(const struct results *results)
{
    struct support_text text = {0};
    size_t all = results->count + results->failed + results->interrupted;
    support_text_add(&text, "%s", "");
    if (results->failed > 0)
        support_text_add(&text, "%zu of %zu rows failed their check", results->failed, all);
    if (results->interrupted > 0)
        support_text_add(&text, "%s%zu of %zu rows are of interrupted windows", text.bytes > 0 ? ", " : "",
                         results->interrupted, all);
    return text.text;
}

/* ---- Selectors. ---- */

bool results_fits(const struct results *results, size_t i, const char *selector)
{
    char copy[RESULTS_SELECTOR_BYTES], *rest = copy, *condition;
    if ((size_t)snprintf(copy, sizeof(copy), "%s", selector) >= sizeof(copy))
        abort(); /* catalogue.c refuses longer ones */
    while ((condition = strsep(&rest, "&")) != NULL) {
        char *value = strchr(condition, '=');
        if (!value)
            continue; /* an empty selector */
        bool differs = value > condition && value[-1] == '!';
        value[differs ? -1 : 0] = '\0';
        value++;
        const char *wanted = strcmp(value, "@cores") == 0 ? results->cores : value;
        if ((strcmp(results_text(results, i, condition), wanted) == 0) == differs)
            return false;
    }
    return true;
}

size_t results_numbers(const struct results *results, const size_t *rows, size_t count, const char *column,
                       double *values)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += quantity_parse_f64(results_text(results, rows[i], column), &values[found]);
    return found;
}

/* As results_values, of the rows that have `text` in the column `group`: a text of the file may hold anything, so it
 * never becomes part of a selector. A `group` of NULL takes all. */
static size_t group_values(const struct results *results, const char *selector, const char *group, const char *text,
                           const char *column, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        if ((group == NULL || strcmp(results_text(results, i, group), text) == 0) &&
            results_fits(results, i, selector) && quantity_parse_f64(results_text(results, i, column), &values[count]))
            count++;
    return count;
}

bool results_range(const struct results *results, const char *column, double *least, double *most)
{
    bool any = false;
    double value;
    for (size_t i = 0; i < results->count; i++)
        if (quantity_parse_f64(results_text(results, i, column), &value)) {
            *least = any && *least < value ? *least : value;
            *most = any && *most > value ? *most : value;
            any = true;
        }
    return any;
}

size_t results_values(const struct results *results, const char *selector, const char *column, double *values)
{
    return group_values(results, selector, NULL, NULL, column, values);
}

size_t results_best(const struct results *results, const char *selector, const char *group, const char *column,
                    double *values, const char **text)
{
    double best = 0;
    *text = "";
    for (size_t i = 0; i < results->count; i++) {
        if (!results_fits(results, i, selector))
            continue;
        size_t count = group_values(results, selector, group, results_text(results, i, group), column, values);
        double median = statistics_median(values, count);
        if (count > 0 && (**text == '\0' || median > best)) {
            best = median;
            *text = results_text(results, i, group);
        }
    }
    return **text == '\0' ? 0 : group_values(results, selector, group, *text, column, values);
}

/* ---- Rows that belong together. ---- */

void results_key_add(struct results_key *key, int column)
{
    key->columns = support_more(key->columns, key->count, sizeof *key->columns);
    key->columns[key->count++] = (struct results_column){.at = column};
}

void results_key_free(struct results_key *key)
{
    free(key->columns);
    *key = (struct results_key){0};
}

void results_key_add_configuration(struct results_key *key, const struct results *results)
{
    for (size_t i = 0; i < results->table.column_count; i++)
        if (column_is_configuration(results->table.columns[i]))
            results_key_add(key, (int)i);
}

static const char *key_text(const struct results_key *key, size_t i, const struct csv_table_row *row)
{
    MAE_DCHECK(i < key->count);
    return key->columns[i].at < 0 ? "" : row->fields[key->columns[i].at];
}

/* What one column shows over the rows seen so far. */
struct look {
    const char *first, *value; /* the first text, and the first that is not empty */
    bool varies, differs;      /* there are others */
};

static void look_at(struct look *look, const struct results_key *key, size_t i, const struct results *results)
{
    for (size_t k = 0; k < results->count; k++) {
        const char *text = key_text(key, i, results->rows[k]);
        look->first = look->first == NULL ? text : look->first;
        look->value = look->value == NULL && *text != '\0' ? text : look->value;
        look->varies |= strcmp(text, look->first) != 0;
        look->differs |= *text != '\0' && strcmp(text, look->value) != 0;
    }
}

void results_key_look(struct results_key *a_key, const struct results *a, struct results_key *b_key,
                      const struct results *b)
{
    for (size_t i = 0; i < a_key->count; i++) {
        struct look look = {0};
        const char *name = a_key->columns[i].at < 0 ? "" : a->table.columns[a_key->columns[i].at];
        bool optional = strncmp(name, "wl_", 3) == 0 || strncmp(name, "opt_", 4) == 0;
        look_at(&look, a_key, i, a);
        if (b != NULL)
            look_at(&look, b_key, i, b);
        a_key->columns[i].varies = look.varies;
        a_key->columns[i].telling = look.varies && (!optional || look.differs);
        if (b != NULL) {
            b_key->columns[i].varies = look.varies;
            b_key->columns[i].telling = a_key->columns[i].telling;
        }
    }
}

/* Below 0, 0 or above 0, as strcmp. */
static int compare_rows(const struct results_key *a_key, const struct csv_table_row *a, const struct results_key *b_key,
                        const struct csv_table_row *b)
{
    MAE_CHECK(a_key->count == b_key->count);
    int order = 0;
    for (size_t i = 0; order == 0 && i < a_key->count; i++)
        order = strcmp(key_text(a_key, i, a), key_text(b_key, i, b));
    return order;
}

bool results_agree(const struct results_key *a_key, const struct csv_table_row *a, const struct results_key *b_key,
                   const struct csv_table_row *b)
{
    return compare_rows(a_key, a, b_key, b) == 0;
}

char *results_label(const struct results_key *key, const struct csv_table *table, const struct csv_table_row *row)
{
    struct support_text text = {0};
    for (size_t i = 0; i < key->count; i++)
        if (key->columns[i].telling && *key_text(key, i, row) != '\0')
            support_text_add(&text, "%s%s=%s", text.bytes > 0 ? " " : "", table->columns[key->columns[i].at],
                             key_text(key, i, row));
    if (text.bytes == 0)
        support_text_add(&text, "(one configuration)");
    return text.text;
}

void results_varying_csv(const struct results_key *key, char *const *fields, struct support_text *csv)
{
    for (size_t i = 0; i < key->count; i++)
        if (key->columns[i].varies) {
            csv_field_add(csv, fields[key->columns[i].at]);
            support_text_add(csv, ",");
        }
}

struct grouping {
    const struct results *results;
    const struct results_key *key;
};

static int by_key(const void *left, const void *right, void *arg)
{
    const struct grouping *grouping = arg;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int order = compare_rows(grouping->key, grouping->results->rows[a], grouping->key, grouping->results->rows[b]);
    return order != 0 ? order : (a > b) - (a < b);
}

static int by_first_row(const void *left, const void *right)
{
    const struct results_group *a = left, *b = right;
    return (a->rows[0] > b->rows[0]) - (a->rows[0] < b->rows[0]);
}

struct results_groups results_group(const struct results *results, const struct results_key *key, const size_t *rows,
                                    size_t count)
{
    MAE_CHECK(rows != NULL || count == 0);
    struct grouping grouping = {results, key};
    struct results_groups groups = {0};
    count = rows == NULL ? results->count : count;
    groups.rows = support_alloc((count + 1) * sizeof *groups.rows);
    groups.items = support_alloc((count + 1) * sizeof *groups.items);
    for (size_t i = 0; i < count; i++)
        groups.rows[i] = rows == NULL ? i : rows[i];
    qsort_r(groups.rows, count, sizeof *groups.rows, by_key, &grouping);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !results_agree(key, results->rows[groups.rows[i - 1]], key, results->rows[groups.rows[i]]))
            groups.items[groups.count++].rows = &groups.rows[i];
        groups.items[groups.count - 1].count++;
    }
    qsort(groups.items, groups.count, sizeof *groups.items, by_first_row);
    return groups;
}

const struct results_group *results_group_like(const struct results_groups *groups, const struct results *results,
                                               const struct results_key *key, const struct csv_table_row *row,
                                               const struct results_key *row_key)
{
    for (size_t i = 0; i < groups->count; i++)
        if (results_agree(key, results->rows[groups->items[i].rows[0]], row_key, row))
            return &groups->items[i];
    return NULL;
}

void results_groups_free(struct results_groups *groups)
{
    free(groups->items);
    free(groups->rows);
    *groups = (struct results_groups){0};
}
