/*
 * support.h - memory and text for the harness's cold paths. If memory runs out there, the program ends. It brings the
 * headers that whoever has memory and text needs: free, strlen, PRIu64, MAE_CHECK.
 */
#ifndef HARNESS_COMMON_SUPPORT_H
#define HARNESS_COMMON_SUPPORT_H

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

enum { SUPPORT_LINE_BYTES = 128 }; /* two cache lines: the adjacent-line prefetcher pairs them */

void *support_alloc(size_t bytes);         /* zeroed */
void *support_alloc_aligned(size_t bytes); /* zeroed, SUPPORT_LINE_BYTES aligned and rounded up */
void *support_realloc(void *block, size_t bytes);
/* An array of `count` items with room for one more; it was NULL and only ever grew by this. It doubles at powers of
 * two, so nobody has to keep its capacity. */
void *support_more(void *items, size_t count, size_t item_bytes);
char *support_copy(const char *text);
/* Without white space at both ends: cuts off the one, skips the other. */
char *support_trimmed(char *text);
char *support_format(const char *format, ...) __attribute__((format(printf, 1, 2))); /* the caller frees it */

/*
 * What ends where its block is left, by whatever way: `SUPPORT_FREED char *path = support_format(...);`. FREED takes a
 * pointer from malloc, or a struct whose first member is one; ENDED_BY takes anything that the function, which gets its
 * address, can end. Both want an initial value.
 */
#define SUPPORT_ENDED_BY(function) __attribute__((cleanup(function)))
#define SUPPORT_FREED SUPPORT_ENDED_BY(support_freed)
void support_freed(void *variable);

/* What is made of the rows of a table, X(name, ...), where their fields are all that is wanted. */
#define TABLE_NAMES(name, ...) #name,
#define TABLE_SECONDS(first, second, ...) second,
#define TABLE_RESTS(first, ...) {__VA_ARGS__},
#define TABLE_FIELDS(name, ...) {#name, __VA_ARGS__},

/* FNV-1a, which is the same everywhere and always: of SUPPORT_HASH_BEGIN, or of what came before, and these bytes. */
#define SUPPORT_HASH_BEGIN 0xcbf29ce484222325u
uint64_t support_hash(uint64_t hash, const void *data, size_t bytes);

/* A text for a message, cut off at SUPPORT_SHORT_BYTES. It stays until this thread has made SUPPORT_SHORTS more. */
enum { SUPPORT_SHORT_BYTES = 640, SUPPORT_SHORTS = 16 };
char *support_short(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A text that grows. {0} is empty. `text` is NULL until something is added; its owner frees it. */
struct support_text {
    char *text;
    size_t bytes;
};
void support_text_add(struct support_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A list of texts that grows. {0} is empty. `items` is NULL until something is added, then ends with a NULL. */
struct support_list {
    char **items;
    size_t count;
};
/* Returns what it has added; it stays where it is. */
char *support_list_add(struct support_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
void support_list_free(struct support_list *list);

/* The place of a text in a list that NULL ends; that of the NULL if the list lacks the text, 0 if there is no list. */
size_t support_list_place(char *const *items, const char *text);

/* What is wrong, into `error`; the second says where: "file:line: ...". Both return false. */
bool support_error(char *error, size_t error_bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool support_error_at(char *error, size_t error_bytes, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* "who: what is wrong" as a line on stderr; `who` is the command's name. Returns false. */
bool support_complain(const char *who, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A thread that takes no signals: those go to the thread that starts it. False if there is none. */
bool support_thread_start(pthread_t *thread, void *(*main)(void *arg), void *arg);

/* A condition to be waited for until support_clock_ns() shows a time. The wait may end before. */
void support_cond_init(pthread_cond_t *cond);
void support_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t at_ns);

/* All of it, however many calls that takes; false with errno. */
bool support_write(int fd, const void *data, size_t bytes);

uint64_t support_clock_ns(void); /* CLOCK_MONOTONIC */

#endif
