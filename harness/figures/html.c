/* html.c - see html.h. */
#define _GNU_SOURCE /* vasprintf */
#include "harness/figures/html.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/quantity.h"
#include "harness/common/support.h"
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

const char *html_count(double value, char *text)
{
    char number[QUANTITY_TEXT_BYTES];
    (void)snprintf(text, HTML_NUMBER_BYTES, "%s", isnan(value) ? "-" : quantity_format_count(value, number));
    return text;
}

static void text_write(FILE *page, const char *text)
{
    for (; *text != '\0'; text++) {
        const char *escaped = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&quot;";
        if (strchr("&<>\"", *text) != NULL)
            (void)fputs(escaped, page);
        else
            (void)fputc(*text, page);
    }
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
    const char *text; /* where the tag begins and where the text after it does */
    const char *after;
};

struct render {
    FILE *page;
    const char *name, *template;
    char *error;
};

static bool wrong(const struct render *render, const char *at, const char *what)
{
    unsigned line = 1;
    for (const char *c = render->template; c < at; c++)
        line += *c == '\n';
    (void)snprintf(render->error, HTML_ERROR_BYTES, "%.200s:%u: %s: %.*s", render->name, line, what,
                   (int)strcspn(at, "\n"), at);
    return false;
}

/* The next tag in [at, end); `text` is `end` if there is none. */
static bool tag_find(const struct render *render, const char *at, const char *end, struct tag *tag)
{
    const char *begin = strstr(at, "{{");
    tag->text = begin == NULL || begin >= end ? end : begin;
    if (tag->text == end)
        return true;
    const char *close = begin[2] == '{' ? "}}}" : "}}", *name = begin + 2 + (strchr("#^/{", begin[2]) != NULL);
    const char *stop = strstr(name, close);
    if (stop == NULL || stop >= end || (size_t)(stop - name) >= sizeof(tag->name))
        return wrong(render, begin, "want {{name}}, {{{name}}}, {{#name}}, {{^name}} or {{/name}}");
    tag->kind = name == begin + 2 ? ' ' : begin[2];
    (void)snprintf(tag->name, sizeof(tag->name), "%.*s", (int)(stop - name), name);
    tag->after = stop + strlen(close);
    bool alone = (begin == render->template || begin[-1] == '\n') && *tag->after == '\n';
    if (alone && strchr("#^/", tag->kind) != NULL)
        tag->after++;
    return true;
}

/* The {{/name}} that belongs to the section. */
static bool section_end(const struct render *render, const struct tag *section, const char *end, struct tag *close)
{
    size_t depth = 1;
    close->after = section->after;
    while (depth > 0) {
        if (!tag_find(render, close->after, end, close))
            return false;
        if (close->text == end)
            return wrong(render, section->text, "this section has no end");
        if (strcmp(close->name, section->name) == 0)
            depth = close->kind == '/' ? depth - 1 : depth + (close->kind == '#' || close->kind == '^');
    }
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

static bool part_write(const struct render *render, const char *at, const char *end, const struct scope *scope);

static bool section_write(const struct render *render, const struct tag *section, const char *end,
                          const struct scope *scope)
{
    const json_t *value = value_of(scope, section->name);
    if (section->kind == '^')
        return !is_empty(value) || part_write(render, section->after, end, scope);
    if (is_empty(value))
        return true;
    if (!json_is_array(value)) {
        struct scope inner = {scope, value};
        return part_write(render, section->after, end, json_is_object(value) ? &inner : scope);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        struct scope inner = {scope, json_array_get(value, i)};
        if (!part_write(render, section->after, end, &inner))
            return false;
    }
    return true;
}

/* Sections nest as deep as the template's, which is finite. */
static bool part_write(const struct render *render, const char *at, const char *end, const struct scope *scope)
{
    struct tag tag, close;
    while (at < end) {
        if (!tag_find(render, at, end, &tag))
            return false;
        (void)fwrite(at, 1, (size_t)(tag.text - at), render->page);
        if (tag.text == end)
            return true;
        if (tag.kind == '/')
            return wrong(render, tag.text, "ends a section that has not begun");
        at = tag.after;
        const json_t *value = value_of(scope, tag.name);
        if (tag.kind == '#' || tag.kind == '^') {
            if (!section_end(render, &tag, end, &close) || !section_write(render, &tag, close.text, scope))
                return false;
            at = close.after;
        } else if (tag.kind == '{' && json_is_string(value)) {
            (void)fputs(json_string_value(value), render->page);
        } else if (json_is_string(value)) {
            text_write(render->page, json_string_value(value));
        }
    }
    return true;
}

char *html_render(const char *name, const char *template, const json_t *data, size_t *bytes, char *error)
{
    char *text;
    struct render render = {open_memstream(&text, bytes), name, template, error};
    struct scope scope = {NULL, data};
    if (render.page == NULL)
        abort(); /* no memory */
    bool fine = part_write(&render, template, template + strlen(template), &scope);
    if (fclose(render.page) == 0 && fine)
        return text;
    free(text);
    return NULL;
}
