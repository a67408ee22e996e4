/* catalogue.c - see catalogue.h. */
#define _GNU_SOURCE /* strverscmp */
#include "harness/figures/catalogue.h"

#include "harness/common/program.h"
#include "harness/common/quantity.h"

#include "harness/record/columns.h"

/* ---- What may be said. ---- */

enum kind { TEXT, COLUMNS, SELECTOR, NUMBER, EFFORT };

struct key {
    const char *name;
    size_t at; /* of the member that it is for: a double for a NUMBER, else a text */
    enum kind kind;
    const char *required; /* what to write, where there must be something; NULL */
};

static const struct key figure_keys[] = {
    {"title", offsetof(struct figure, title), TEXT, "what the figure shows, in a line"},
    {"where", offsetof(struct figure, where), TEXT, NULL},
    {"kind", offsetof(struct figure, kind), TEXT, NULL},
    {"axis", offsetof(struct figure, axis), COLUMNS, "the column of the results along the axis, such as threads"},
    {"lines", offsetof(struct figure, lines), COLUMNS, "the column that tells the lines apart, such as label"},
    {"claim", offsetof(struct figure, says), TEXT, "what the paper says"},
    {"paper", offsetof(struct figure, paper), TEXT, "with which parameters the paper's authors ran it"},
    {"here", offsetof(struct figure, here), TEXT, "how these scale on this machine"},
    {"all", offsetof(struct figure, all), EFFORT, NULL},
    {0}};

static const struct key claim_keys[] = {{"text", offsetof(struct claim, text), TEXT, "the claim in words"},
                                        {"where", offsetof(struct claim, where), TEXT, NULL},
                                        {"paper", offsetof(struct claim, paper), TEXT, NULL},
                                        {"metric", offsetof(struct claim, metric), COLUMNS, NULL},
                                        {"of", offsetof(struct claim, of), SELECTOR, NULL},
                                        {"against", offsetof(struct claim, against), SELECTOR, NULL},
                                        {"ratio", offsetof(struct claim, ratio), NUMBER, NULL},
                                        {"from", offsetof(struct claim, from), NUMBER, NULL},
                                        {"to", offsetof(struct claim, to), NUMBER, NULL},
                                        {"cores", offsetof(struct claim, cores), NUMBER, NULL},
                                        {"remark", offsetof(struct claim, remark), TEXT, NULL},
                                        {0}};

#define WRONG(error, file, line, ...) support_error_at(error, CATALOGUE_ERROR_BYTES, file, line, __VA_ARGS__)

static bool column_check(const struct jobfile_setting *setting, const char *name, size_t bytes, char *error)
{
    for (size_t i = 0; i < column_count(); i++)
        if (strncmp(column_info(i)->name, name, bytes) == 0 && column_info(i)->name[bytes] == '\0')
            return true;
    return WRONG(error, setting->file, setting->line,
                 "key '%s': results have no column '%.*s': see `maemio list columns`", setting->key, (int)bytes, name);
}

/* `label`, or several columns with blanks between; or conditions joined by &, see results.h, before them perhaps
 * best:COLUMN: */
static bool columns_check(const struct jobfile_setting *setting, bool conditions, char *error)
{
    const char *at = setting->value;
    if (strlen(at) >= RESULTS_SELECTOR_BYTES)
        return WRONG(error, setting->file, setting->line, "key '%s': is longer than %d bytes", setting->key,
                     RESULTS_SELECTOR_BYTES - 1);
    if (conditions && strncmp(at, "best:", 5) == 0) {
        size_t bytes = strcspn(at + 5, ":");
        if (at[5 + bytes] == '\0')
            return WRONG(error, setting->file, setting->line, "key '%s': want best:COLUMN:CONDITIONS", setting->key);
        if (!column_check(setting, at + 5, bytes, error))
            return false;
        at += 5 + bytes + 1;
    }
    for (; *at != '\0'; at += *at == '&' || *at == ' ') {
        size_t bytes = strcspn(at, conditions ? "!=&" : " ");
        if (conditions && at[bytes + (at[bytes] == '!')] != '=')
            return WRONG(error, setting->file, setting->line,
                         "key '%s': '%s': want COLUMN=VALUE or COLUMN!=VALUE, several with & between", setting->key,
                         at);
        if (!column_check(setting, at, bytes, error))
            return false;
        at += conditions ? strcspn(at, "&") : bytes;
    }
    return true;
}

/* The efforts by how long they take, from 0; -1: none of them. */
static int effort_rank(const char *effort)
{
    return strcmp(effort, "quick") == 0 ? 0 : strcmp(effort, "normal") == 0 ? 1 : strcmp(effort, "paper") == 0 ? 2 : -1;
}

static bool value_take(const struct key *key, const struct jobfile_setting *setting, void *into, char *error)
{
    char *member = (char *)into + key->at;
    if (key->kind == NUMBER)
        return quantity_parse_f64(setting->value, (double *)(void *)member) ||
               WRONG(error, setting->file, setting->line, "key '%s': '%s' is no number: want one such as 0.868",
                     setting->key, setting->value);
    if (key->kind == EFFORT && effort_rank(setting->value) < 0)
        return WRONG(error, setting->file, setting->line, "key '%s': '%s' is none of quick, normal or paper",
                     setting->key, setting->value);
    *(const char **)(void *)member = setting->value;
    return key->kind == TEXT || key->kind == EFFORT || columns_check(setting, key->kind == SELECTOR, error);
}

static bool setting_take(const struct jobfile_note *note, const struct key *keys, const struct jobfile_setting *setting,
                         void *into, char *error)
{
    SUPPORT_FREED struct support_text known = {0};
    for (const struct key *key = keys; key->name != NULL; key++) {
        if (strcmp(key->name, setting->key) == 0)
            return value_take(key, setting, into, error);
        support_text_add(&known, "%s%s", key == keys ? "" : key[1].name == NULL ? " or " : ", ", key->name);
    }
    return WRONG(error, setting->file, setting->line, "unknown key '%s' in [%s]: want %s", setting->key, note->section,
                 known.text);
}

/* A section's values into the members of `into`, whose texts become "" where nothing is given. */
static bool note_take(const struct jobfile_note *note, const struct key *keys, void *into, char *error)
{
    for (const struct key *key = keys; key->name != NULL; key++)
        if (key->kind != NUMBER)
            *(const char **)(void *)((char *)into + key->at) = "";
    for (size_t i = 0; i < note->count; i++)
        if (!setting_take(note, keys, &note->settings[i], into, error))
            return false;
    for (const struct key *key = keys; key->name != NULL; key++)
        if (key->required != NULL && **(const char **)(void *)((char *)into + key->at) == '\0')
            return WRONG(error, note->file, note->line, "[%s] lacks the key '%s': %s", note->section, key->name,
                         key->required);
    return true;
}

/* ---- One file. ---- */

static bool claim_take(struct figure *figure, const struct jobfile_note *note, char *error)
{
    figure->claims = support_more(figure->claims, figure->claim_count, sizeof *figure->claims);
    struct claim *claim = &figure->claims[figure->claim_count++];
    *claim = (struct claim){.to = INFINITY, .cores = 1};
    if (!note_take(note, claim_keys, claim, error))
        return false;
    claim->experiment = figure->name;
    claim->where = claim->where[0] == '\0' ? figure->where : claim->where;
    claim->metric = claim->metric[0] == '\0' ? "throughput_txn_per_s" : claim->metric;
    bool has_ratio = claim->against[0] != '\0';
    if (has_ratio && claim->of[0] == '\0')
        return WRONG(error, note->file, note->line, "[%s] lacks the key 'of': what is compared", note->section);
    if (has_ratio &&
        !(claim->from < claim->to && (claim->ratio == 0 || (claim->from < claim->ratio && claim->ratio < claim->to))))
        return WRONG(error, note->file, note->line, "[%s]: want from < to, and the paper's ratio between them",
                     note->section);
    return true;
}

bool figure_read(struct figure *figure, const char *path, char *error)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    struct jobfile_rules rules = {.cores = 1}; /* what keys of points are worth the sweep says */
    *figure = (struct figure){.name = support_copy(name)};
    figure->name[strcspn(figure->name, ".")] = '\0';
    figure->jobfile = jobfile_read(path, &rules, error);
    if (figure->jobfile == NULL)
        return false;
    for (size_t i = 0; i < figure->jobfile->note_count; i++)
        if (strcmp(figure->jobfile->notes[i].section, "figure") == 0 &&
            !note_take(&figure->jobfile->notes[i], figure_keys, figure, error))
            return false;
    if (figure->title == NULL)
        return WRONG(error, path, 1, "has no section [figure]: it says title, axis and lines, see docs/figures.md");
    for (size_t i = 0; i < figure->jobfile->note_count; i++)
        if (strcmp(figure->jobfile->notes[i].section, "figure") != 0 &&
            !claim_take(figure, &figure->jobfile->notes[i], error))
            return false;
    return true;
}

void figure_free(struct figure *figure)
{
    free(figure->name);
    free(figure->claims);
    jobfile_destroy(figure->jobfile);
}

bool figure_is_in_all(const struct figure *figure, const char *effort)
{
    return figure->all[0] == '\0' || effort_rank(effort) >= effort_rank(figure->all);
}

bool figure_compares_systems(const struct figure *figure)
{
    return strcmp(figure->kind, "systems") == 0;
}

struct support_list figure_labels(const struct figure *figure, const char *job)
{
    char unused[JOBFILE_ERROR_BYTES];
    struct jobfile_rules rules = {.cores = 1};
    struct jobfile *kept = jobfile_read(job, &rules, unused);
    struct support_list labels = {0};
    if (kept != NULL || figure != NULL)
        labels = jobfile_labels(kept != NULL ? kept : figure->jobfile);
    jobfile_destroy(kept);
    return labels;
}

char *figure_heading(const struct figure *figure)
{
    return support_format("%s%s%s", figure->where, figure->where[0] == '\0' ? "" : ": ", figure->title);
}

/* ---- All of them. ---- */

static int by_place(const void *left, const void *right)
{
    const struct figure *a = left, *b = right;
    int places = strverscmp(a->where, b->where);
    if ((a->where[0] == '\0') != (b->where[0] == '\0'))
        return a->where[0] == '\0' ? 1 : -1;
    return places != 0 ? places : strverscmp(a->name, b->name);
}

bool catalogue_read(struct catalogue *catalogue, const char *share, char *error)
{
    SUPPORT_FREED char *folder = support_format("%splots", share);
    SUPPORT_ENDED_BY(support_list_free) struct support_list names = program_folder_names(folder);
    bool fine =
        program_is_folder(folder) || support_error(error, CATALOGUE_ERROR_BYTES, "%.900s: cannot be read", folder);
    *catalogue = (struct catalogue){0};
    for (size_t i = 0; fine && i < names.count; i++) {
        const char *dot = strchr(names.items[i], '.');
        if (dot == NULL || strcmp(dot, ".conf") != 0)
            continue;
        SUPPORT_FREED char *path = support_format("%s/%s", folder, names.items[i]);
        catalogue->figures = support_more(catalogue->figures, catalogue->count, sizeof *catalogue->figures);
        fine = figure_read(&catalogue->figures[catalogue->count++], path, error);
    }
    if (fine && catalogue->count > 0)
        qsort(catalogue->figures, catalogue->count, sizeof *catalogue->figures, by_place);
    if (!fine)
        catalogue_free(catalogue);
    return fine;
}

void catalogue_free(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        figure_free(&catalogue->figures[i]);
    free(catalogue->figures);
    *catalogue = (struct catalogue){0};
}

const struct figure *catalogue_find(const struct catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (strcmp(catalogue->figures[i].name, name) == 0)
            return &catalogue->figures[i];
    return NULL;
}
