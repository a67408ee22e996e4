/* plan.c - xBestIndex: which index serves a query best. See module.h for how the plan is told. */
#include <math.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "sql/module.h"

struct plan {
    unsigned index; /* as PLAN_INDEX has it */
    unsigned equal; /* how many columns, from the first on, are compared with = */
    bool below, above, unique;
    int list;       /* which of them is equal to one of a list, which xFilter gets as a whole; -1: none is */
    unsigned count; /* constraints that are used */
    int constraint[PLAN_LETTERS_MAX];
    char letter[PLAN_LETTERS_MAX + 1];
    double rows, cost;
};

static char letter_of(unsigned char op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return PLAN_EQ;
    case SQLITE_INDEX_CONSTRAINT_GT:
        return PLAN_GT;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return PLAN_GE;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return PLAN_LT;
    case SQLITE_INDEX_CONSTRAINT_LE:
        return PLAN_LE;
    default:
        return '\0';
    }
}

/* The number of a usable constraint of one of these kinds on the column, -1 for the rowid; -1: none. `collation` is
 * what the index compares texts by. */
static int find(const struct table *table, sqlite3_index_info *info, int column, enum collation collation,
                const char *letters)
{
    for (int i = 0; i < info->nConstraint; i++) {
        int on = info->aConstraint[i].iColumn;
        char letter = letter_of(info->aConstraint[i].op);
        if (on == table->key)
            on = -1;
        if (!info->aConstraint[i].usable || on != column || letter == '\0' || strchr(letters, letter) == NULL)
            continue;
        /* Another collation may hold texts for equal whose keys are not, and has another order. */
        if (column >= 0 && table->column[column].type == COLUMN_TEXT && !MUTATED(sql_collation_ignored) &&
            sqlite3_stricmp(sqlite3_vtab_collation(info, i), schema_collation_name(collation)) != 0)
            continue;
        return i;
    }
    return -1;
}

/* False: there is none, or it serves another column of the index, which is the same column of the table. */
static bool take(struct plan *plan, sqlite3_index_info *info, int constraint)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->constraint[i] == constraint)
            return false;
    if (constraint < 0)
        return false;
    plan->letter[plan->count] = letter_of(info->aConstraint[constraint].op);
    plan->constraint[plan->count++] = constraint;
    return true;
}

/* Notes the first IN of those that are used. The list can be taken as a whole, which SQLite else does with one xFilter
 * for each value. */
static void list_note(sqlite3_index_info *info, struct plan *plan)
{
    enum { VERSION_MIN = 3038000 };
    if (sqlite3_libversion_number() < VERSION_MIN)
        return;
    for (unsigned i = 0; i < plan->equal && plan->list < 0; i++)
        if (sqlite3_vtab_in(info, plan->constraint[i], -1)) {
            plan->list = (int)i;
            plan->letter[i] = PLAN_IN;
        }
}

/* The longest beginning of columns with =, then one range. */
static void match(const struct table *table, sqlite3_index_info *info, struct plan *plan)
{
    const struct index *index = plan->index == PLAN_ROWIDS ? NULL : &table->index[plan->index - 1];
    const bool hash = index != NULL && index->hash;
    unsigned columns = index == NULL ? 1 : hash ? index->columns : key_columns(table, index);
    while (plan->equal < columns) {
        int column =
            index == NULL || (int)index->column[plan->equal] == table->key ? -1 : (int)index->column[plan->equal];
        enum collation collation = index == NULL ? COLLATION_BINARY : index->collation[plan->equal];
        if (take(plan, info, find(table, info, column, collation, "e"))) {
            plan->equal++;
            continue;
        }
        if (hash) { /* of no use for a part of its columns */
            plan->equal = plan->count = 0;
            return;
        }
        plan->above = take(plan, info, find(table, info, column, collation, "gG"));
        plan->below = take(plan, info, find(table, info, column, collation, "lL"));
        break;
    }
    list_note(info, plan);
    plan->unique = plan->equal == columns && (index == NULL || (index->unique && columns == index->columns));
}

/* What ANALYZE has found, or else rough, but what matters is which plan is cheaper: a lookup, a range, or all rows. */
static void estimate(const struct table *table, struct plan *plan)
{
    double all = (double)mae_table_rows(table->rows) + 1;
    plan->rows = all;
    if (plan->unique) {
        plan->rows = 1;
    } else if (plan->index != PLAN_ROWIDS && plan->equal > 0) {
        const struct index *index = &table->index[plan->index - 1];
        const double alike = (double)index->alike[plan->equal - 1];
        plan->rows = alike > 0 && !MUTATED(sql_statistics_unread)
                         ? alike
                         : pow(all, 1 - (double)plan->equal / (index->columns + 0.25)) + 1;
    }
    if (plan->above)
        plan->rows = plan->rows / 4 + 1;
    if (plan->below)
        plan->rows = plan->rows / 4 + 1;
    if (plan->rows > all)
        plan->rows = all;
    const bool hash = plan->index != PLAN_ROWIDS && table->index[plan->index - 1].hash;
    plan->cost = (hash ? 1 : log2(all)) + plan->rows * (plan->index == PLAN_ROWIDS ? 1 : 2);
}

/* Whether the keys decide exactly on what is equal to a value or to one of a list. If a text is compared with a number,
 * several texts may be equal. */
static bool equals_are_exact(const struct table *table, const struct plan *plan)
{
    for (unsigned i = 0; i < plan->equal; i++)
        if (!key_is_exact(table, &table->index[plan->index - 1], i))
            return false;
    return true;
}

/* Whether the index gives the rows in the order that is wanted. */
static bool is_ordered(const struct table *table, const sqlite3_index_info *info, const struct plan *plan)
{
    const struct index *index = plan->index == PLAN_ROWIDS ? NULL : &table->index[plan->index - 1];
    unsigned at = plan->list >= 0 && !MUTATED(sql_list_is_one) ? (unsigned)plan->list : plan->equal;
    if (info->nOrderBy == 0 || (index != NULL && index->hash))
        return false;
    if (index != NULL && plan->list >= 0 && !equals_are_exact(table, plan) && !MUTATED(sql_list_behind_text))
        return false;
    if (index == NULL && plan->equal == 1 && plan->list < 0)
        return true; /* one row */
    for (int i = 0; i < info->nOrderBy; i++) {
        int column = info->aOrderBy[i].iColumn;
        if (info->aOrderBy[i].desc != info->aOrderBy[0].desc && !MUTATED(sql_order_by_first))
            return false;
        if (index == NULL)
            return column < 0 || column == table->key; /* rowids are unique: what follows does not matter */
        /* Columns behind that of the list are equal to one value each. */
        while (at < plan->equal && (int)index->column[at] != column && (int)at != plan->list)
            at++;
        if (at >= index->columns || (int)index->column[at] != column ||
            !(key_is_exact(table, index, at) || MUTATED(sql_prefix_is_order)))
            return false;
        at++;
    }
    return true;
}

/* Takes the plan's list. Which index is best does not depend on how long the lists are, which nobody knows. */
static void list_take(const struct table *table, sqlite3_index_info *info, struct plan *plan)
{
    enum { LIST_VALUES = 10 }; /* a guess */
    const double all = (double)mae_table_rows(table->rows) + 1;
    if (plan->list < 0 || !sqlite3_vtab_in(info, plan->constraint[plan->list], 1))
        return;
    plan->cost *= LIST_VALUES;
    plan->rows = fmin(plan->rows * LIST_VALUES, all);
}

/* Whether the keys decide exactly on the list: it is one of integers, behind nothing but integers. */
static bool list_is_exact(const struct table *table, const struct plan *plan)
{
    const struct index *index = &table->index[plan->index - 1];
    for (int i = 0; i <= plan->list; i++)
        if (table->column[index->column[i]].type != COLUMN_INTEGER)
            return false;
    return !index->hash; /* different values may have one hash */
}

static void choose(const struct table *table, sqlite3_index_info *info, const struct plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++) {
        struct sqlite3_index_constraint_usage *usage = &info->aConstraintUsage[plan->constraint[i]];
        usage->argvIndex = (int)i + 1;
        /* The index of rowids decides exactly, and so do others on lists of integers, of which a test takes long. Of
         * what they find else SQLite tests the rows again. */
        usage->omit = plan->index == PLAN_ROWIDS || ((int)i == plan->list && list_is_exact(table, plan));
    }
    info->idxNum = (int)plan->index;
    if (is_ordered(table, info, plan)) {
        info->orderByConsumed = 1;
        info->idxNum |= PLAN_ORDERED | (info->aOrderBy[0].desc ? PLAN_BACKWARD : 0);
    }
    info->estimatedCost = plan->cost;
    info->estimatedRows = (sqlite3_int64)plan->rows;
    if (plan->unique && plan->index == PLAN_ROWIDS && plan->list < 0)
        info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
}

int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct table *table = ((struct vtab *)base)->table;
    struct plan best = {.list = -1, .cost = HUGE_VAL};
    for (unsigned i = 0; i <= table->indexes; i++) {
        struct plan plan = {.index = i, .list = -1};
        match(table, info, &plan);
        if (i > 0 && plan.count == 0 && !is_ordered(table, info, &plan))
            continue;
        estimate(table, &plan);
        if (info->nOrderBy > 0 && !is_ordered(table, info, &plan))
            plan.cost += plan.rows * log2(plan.rows + 1) / 4; /* what SQLite sorts */
        if (plan.cost < best.cost)
            best = plan;
    }
    list_take(table, info, &best);
    info->idxStr = sqlite3_mprintf("%s", best.letter);
    info->needToFreeIdxStr = 1;
    if (info->idxStr == NULL)
        return SQLITE_NOMEM;
    choose(table, info, &best);
    return SQLITE_OK;
}
