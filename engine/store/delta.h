/*
 * delta.h - changes of a row that are noted as operations, and computed once somebody needs the row's value.
 *
 * A list of operations is what a version with the status DELTA has as its payload. Each operation is a struct delta_op,
 * followed by its operand and zeros up to a multiple of 8 bytes. The list says what to do with the payload of the
 * version below, whatever that is: each operation is defined for a payload of any size, and none can fail.
 * Checked by: tests/unit/store/delta.c.   Source: Huang et al., STOv2, PVLDB 13(5), 2020 ("commit-time updates").
 * Not here: when a list is computed (txn/resolve.h).
 */
#ifndef ENGINE_STORE_DELTA_H
#define ENGINE_STORE_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delta_op {
    uint8_t function; /* enum mae_function */
    uint8_t zero[3];
    uint16_t offset; /* of the integer; 0 for MAE_APPEND */
    uint16_t bytes;  /* of the operand */
};

/* The longest list, which whoever computes it copies to the stack. And how much of one has room in a version of any
 * table. */
enum { DELTA_MOST_BYTES = 512, DELTA_LEAST_BYTES = 64 };

/* How much of a list an operation takes. */
static inline size_t delta_op_bytes(const struct delta_op *op)
{
    return sizeof *op + (op->bytes + 7u) / 8 * 8;
}

/* Whether there is such an operation on payloads of at most payload_max bytes. */
bool delta_op_is_valid(unsigned function, size_t offset, size_t bytes, size_t payload_max);

/* Adds an operation to a list of *list_bytes bytes, or makes it one with the last one of the list. False: the list
 * would be longer than `capacity`, which is at most DELTA_MOST_BYTES, and is unchanged. */
bool delta_add(unsigned char *list, size_t *list_bytes, size_t capacity, const struct delta_op *op,
               const void *operand);

/* How many bytes the payload, which has `bytes` now, has after the operation. */
size_t delta_size_after(const struct delta_op *op, size_t bytes, size_t payload_max);

/* Does one operation to a payload of `bytes` bytes, which has room for as many as delta_size_after says. Returns
 * those. */
size_t delta_do(const struct delta_op *op, const void *operand, unsigned char *payload, size_t bytes,
                size_t payload_max);

/* Does all operations of a list. There is room for payload_max bytes. Returns how many the payload has now. */
size_t delta_compute(const unsigned char *list, size_t list_bytes, unsigned char *payload, size_t bytes,
                     size_t payload_max);

/* Whether these bytes, which come from a disk, are a list for payloads of at most payload_max bytes. */
bool delta_is_whole(const unsigned char *list, size_t list_bytes, size_t payload_max);

#endif
