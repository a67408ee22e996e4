/* html.c - see html.h. */
#define _GNU_SOURCE /* vasprintf */
#include "harness/figures/html.h"

#include <ctype.h>
#include <stdarg.h>

#include "harness/common/quantity.h"
#include "harness/common/text_file.h"

enum { FILE_BYTES_MAX = 16 << 20 };

/* ---- Data. ---- */

void html_put(json_t *object, const char *key, const char *format, ...)
{
    va_list arguments;
    SUPPORT_FREED char *text = NULL;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    html_put_texts(object, key, text, NULL);
}

void html_put_texts(json_t *object, ...)
{
    va_list arguments;
    const char *key;
    va_start(arguments, object);
    while ((key = va_arg(arguments, const char *)) != NULL) /* of any bytes: they are only printed again */
        (void)json_object_set_new(object, key, json_string_nocheck(va_arg(arguments, const char *)));
    va_end(arguments);
}

json_t *html_row(json_t *object, const char *key)
{
    json_t *list = json_object_get(object, key), *row = json_object();
    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(object, key, list);
    }
    (void)json_array_append_new(list, row);
    return row;
}

const char *html_count(double value)
{
    return isnan(value) ? "-" : quantity_count(value);
}

/* ---- Pictures. ---- */

void html_put_svg(json_t *object, const char *key, const char *path)
{
    char why[256];
    size_t bytes;
    SUPPORT_FREED char *text = text_file_read(path, FILE_BYTES_MAX, true, &bytes, why, sizeof(why));
    if (text == NULL || strstr(text, "<svg") == NULL)
        return;
    SUPPORT_FREED char *url = support_alloc(3 * bytes + 1);
    char *at = url;
    for (const char *c = text; *c != '\0'; c++)
        if (isalnum((unsigned char)*c))
            *at++ = *c;
        else
            at += sprintf(at, "%%%02X", (unsigned char)*c);
    html_put_texts(object, key, url, NULL);
}

/* ---- Templates. ---- */

/* An object, and the one that it stands in. */
struct scope {
    const struct scope *outer;
    const json_t *object;
};

struct tag {
    char kind; /* # ^ / { or, for {{name}}, a blank */
    char name[64];
    const char *text; /* where the tag begins */
};

struct render {
    struct support_text *page;
    const char *name, *template, *at; /* at: what is not rendered yet */
    char *error;
};

static bool wrong(const struct render *render, const char *at, const char *what)
{
    unsigned line = 1;
    for (const char *c = render->template; c < at; c++)
        line += *c == '\n';
    return support_error_at(render->error, HTML_ERROR_BYTES, render->name, line, "%s: %.*s", what,
                            (int)strcspn(at, "\n"), at);
}

/* Steps over the tag that begins at `text`. */
static bool tag_read(struct render *render, const char *text, struct tag *tag)
{
    const char *close = text[2] == '{' ? "}}}" : "}}", *name = text + 2 + (strchr("#^/{", text[2]) != NULL);
    const char *stop = strstr(name, close);
    if (stop == NULL || (size_t)(stop - name) >= sizeof(tag->name))
        return wrong(render, text, "want {{name}}, {{{name}}}, {{#name}}, {{^name}} or {{/name}}");
    tag->text = text;
    tag->kind = name == text + 2 ? ' ' : text[2];
    (void)snprintf(tag->name, sizeof(tag->name), "%.*s", (int)(stop - name), name);
    render->at = stop + strlen(close);
    bool alone = (text == render->template || text[-1] == '\n') && *render->at == '\n';
    render->at += alone && strchr("#^/", tag->kind) != NULL;
    return true;
}

static const json_t *value_of(const struct scope *scope, const char *name)
{
    for (; scope != NULL; scope = scope->outer) {
        const json_t *value = json_object_get(scope->object, name);
        if (value != NULL)
            return value;
    }
    return NULL;
}

static bool is_empty(const json_t *value)
{
    return value == NULL || (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

static void value_write(struct support_text *page, const struct tag *tag, const json_t *value)
{
    for (const char *c = json_is_string(value) ? json_string_value(value) : ""; *c != '\0'; c++) {
        const char *escaped = *c == '&' ? "&amp;" : *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : "&quot;";
        if (tag->kind != '{' && strchr("&<>\"", *c) != NULL)
            support_text_add(page, "%s", escaped);
        else
            support_text_add(page, "%c", *c);
    }
}

static bool part_write(struct render *render, const struct tag *section, const struct scope *scope, bool shown);

/* Writes the section once for each object. If there is none, steps over the section and writes nothing. */
static bool section_write(struct render *render, const struct tag *section, const struct scope *scope, bool shown)
{
    const json_t *value = value_of(scope, section->name);
    const char *begin = render->at;
    bool wanted = shown && is_empty(value) == (section->kind == '^');
    size_t count = wanted && section->kind == '#' && json_is_array(value) ? json_array_size(value) : 1;
    for (size_t i = 0; i < count; i++) {
        struct scope inner = {scope, json_is_array(value) ? json_array_get(value, i) : value};
        render->at = begin;
        if (!part_write(render, section, json_is_object(inner.object) ? &inner : scope, wanted))
            return false;
    }
    return true;
}

/* From render->at to the end of the section, NULL: of the template. Sections nest as deep as the template's do. */
static bool part_write(struct render *render, const struct tag *section, const struct scope *scope, bool shown)
{
    const char *begin;
    struct tag tag;
    while ((begin = strstr(render->at, "{{")) != NULL) {
        if (shown)
            support_text_add(render->page, "%.*s", (int)(begin - render->at), render->at);
        if (!tag_read(render, begin, &tag))
            return false;
        if (tag.kind == '/' && section == NULL)
            return wrong(render, tag.text, "ends a section that has not begun");
        if (tag.kind == '/')
            return strcmp(tag.name, section->name) == 0 || wrong(render, section->text, "this section has no end");
        if (tag.kind != '#' && tag.kind != '^' && shown)
            value_write(render->page, &tag, value_of(scope, tag.name));
        else if ((tag.kind == '#' || tag.kind == '^') && !section_write(render, &tag, scope, shown))
            return false;
    }
    if (section != NULL)
        return wrong(render, section->text, "this section has no end");
    support_text_add(render->page, "%s", render->at);
    return true;
}

bool html_render(const char *name, const char *template, const json_t *data, struct support_text *page, char *error)
{
    struct render render = {page, name, template, template, error};
    struct scope scope = {NULL, data};
    return part_write(&render, NULL, &scope, true);
}
