/* support.c - see support.h. */
#define _GNU_SOURCE /* vasprintf */
#include "harness/common/support.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

static void *need(void *block)
{
    if (block == NULL) {
        fputs("maemio: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

void *support_alloc(size_t bytes)
{
    return need(calloc(1, bytes));
}

void *support_alloc_aligned(size_t bytes)
{
    size_t rounded = (bytes + SUPPORT_LINE_BYTES - 1) / SUPPORT_LINE_BYTES * SUPPORT_LINE_BYTES;
    MAE_CHECK(rounded >= bytes); /* no overflow */
    return memset(need(aligned_alloc(SUPPORT_LINE_BYTES, rounded)), 0, rounded);
}

void *support_realloc(void *block, size_t bytes)
{
    return need(realloc(block, bytes));
}

void *support_more(void *items, size_t count, size_t item_bytes)
{
    enum { FIRST = 8 };
    bool full = count == 0 || (count >= FIRST && (count & (count - 1)) == 0);
    return full ? support_realloc(items, (count == 0 ? FIRST : 2 * count) * item_bytes) : items;
}

void support_freed(void *variable)
{
    void *block;
    memcpy(&block, variable, sizeof block); /* whatever it points to */
    free(block);
}

char *support_copy(const char *text)
{
    return need(strdup(text));
}

char *support_trimmed(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t bytes = strlen(text);
    while (bytes > 0 && isspace((unsigned char)text[bytes - 1]))
        text[--bytes] = '\0';
    return text;
}

char *support_format(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    return need(bytes < 0 ? NULL : text);
}

uint64_t support_hash(uint64_t hash, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return hash;
}

char *support_short(const char *format, ...)
{
    static _Thread_local char texts[SUPPORT_SHORTS][SUPPORT_SHORT_BYTES];
    static _Thread_local unsigned made;
    char *text = texts[made++ % SUPPORT_SHORTS];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, SUPPORT_SHORT_BYTES, format, arguments);
    va_end(arguments);
    return text;
}

/* The memory that a text of so many bytes has: a power of two that follows from its length, so it is stored nowhere. */
static size_t room_of(size_t bytes)
{
    size_t room = 32;
    while (room < bytes)
        room *= 2;
    return room;
}

void support_text_add(struct support_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(NULL, 0, format, arguments);
    MAE_CHECK(added >= 0); /* the format is one of ours */
    va_end(arguments);
    size_t room = room_of(text->bytes + (size_t)added + 1);
    if (text->text == NULL || room > room_of(text->bytes + 1))
        text->text = support_realloc(text->text, room);
    va_start(arguments, format);
    (void)vsnprintf(text->text + text->bytes, (size_t)added + 1, format, arguments);
    va_end(arguments);
    text->bytes += (size_t)added;
}

char *support_list_add(struct support_list *list, const char *format, ...)
{
    va_list arguments;
    list->items = support_realloc(list->items, (list->count + 2) * sizeof *list->items);
    char **item = &list->items[list->count++];
    va_start(arguments, format);
    *item = need(vasprintf(item, format, arguments) < 0 ? NULL : *item);
    va_end(arguments);
    list->items[list->count] = NULL;
    return *item;
}

void support_list_free(struct support_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct support_list){0};
}

size_t support_list_place(char *const *items, const char *text)
{
    size_t place = 0;
    while (items && items[place] && strcmp(items[place], text) != 0)
        place++;
    return place;
}

bool support_error(char *error, size_t error_bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error, error_bytes, format, arguments);
    va_end(arguments);
    return false;
}

bool support_error_at(char *error, size_t error_bytes, const char *file, unsigned line, const char *format, ...)
{
    va_list arguments;
    int used = snprintf(error, error_bytes, "%.300s:%u: ", file, line);
    va_start(arguments, format);
    (void)vsnprintf(error + used, error_bytes - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

bool support_complain(const char *who, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(stderr, "%s: ", who);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return false;
}

bool support_thread_start(pthread_t *thread, void *(*main)(void *arg), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

void support_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

void support_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t at_ns)
{
    const struct timespec at = {.tv_sec = (time_t)(at_ns / 1000000000U), .tv_nsec = (long)(at_ns % 1000000000U)};
    if (at_ns == UINT64_MAX)
        pthread_cond_wait(cond, lock);
    else
        (void)pthread_cond_timedwait(cond, lock, &at);
}

bool support_write(int fd, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        ssize_t n = write(fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

uint64_t support_clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}
