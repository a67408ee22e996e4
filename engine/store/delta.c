/* delta.c - see delta.h. */
#include "engine/store/delta.h"

#include <assert.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/maemio.h"

static_assert(sizeof(struct delta_op) == 8, "the format of the log");

static bool is_integer(size_t bytes)
{
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

bool delta_op_is_valid(unsigned function, size_t offset, size_t bytes, size_t payload_max)
{
    switch (function) {
    case MAE_ADD:
    case MAE_MAX:
        return is_integer(bytes) && offset <= payload_max && bytes <= payload_max - offset;
    case MAE_APPEND:
        return offset == 0 && bytes <= payload_max;
    default:
        return false;
    }
}

/* ---- Integers of 1, 2, 4 or 8 bytes. ---- */

static int64_t integer_load(const unsigned char *at, size_t bytes)
{
    int8_t one;
    int16_t two;
    int32_t four;
    int64_t eight;
    MAE_DCHECK(is_integer(bytes));
    switch (bytes) {
    case sizeof one:
        memcpy(&one, at, sizeof one);
        return one;
    case sizeof two:
        memcpy(&two, at, sizeof two);
        return two;
    case sizeof four:
        memcpy(&four, at, sizeof four);
        return four;
    default:
        memcpy(&eight, at, sizeof eight);
        return eight;
    }
}

/* Stores the value modulo 2 to the power of its bits. */
static void integer_store(unsigned char *at, size_t bytes, uint64_t value)
{
    const uint8_t one = (uint8_t)value;
    const uint16_t two = (uint16_t)value;
    const uint32_t four = (uint32_t)value;
    switch (bytes) {
    case sizeof one:
        memcpy(at, &one, sizeof one);
        break;
    case sizeof two:
        memcpy(at, &two, sizeof two);
        break;
    case sizeof four:
        memcpy(at, &four, sizeof four);
        break;
    default:
        memcpy(at, &value, sizeof value);
        break;
    }
}

/* `at` becomes what the function makes of it and the operand. */
static void integer_do(unsigned function, unsigned char *at, const unsigned char *operand, size_t bytes)
{
    int64_t old = integer_load(at, bytes), new = integer_load(operand, bytes);
    if (function == MAE_ADD)
        integer_store(at, bytes, (uint64_t)old + (uint64_t) new);
    else if (new > old)
        integer_store(at, bytes, (uint64_t) new);
}

/* ---- One operation. ---- */

size_t delta_size_after(const struct delta_op *op, size_t bytes, size_t payload_max)
{
    if (op->function == MAE_APPEND)
        return op->bytes < payload_max - bytes ? bytes + op->bytes : payload_max;
    size_t end = (size_t)op->offset + op->bytes;
    return end > bytes ? end : bytes;
}

size_t delta_do(const struct delta_op *op, const void *operand, unsigned char *payload, size_t bytes,
                size_t payload_max)
{
    MAE_DCHECK(bytes <= payload_max && delta_op_is_valid(op->function, op->offset, op->bytes, payload_max));
    size_t after = delta_size_after(op, bytes, payload_max);
    if (op->function == MAE_APPEND) {
        memcpy(payload + bytes, operand, after - bytes);
        return after;
    }
    memset(payload + bytes, 0, after - bytes);
    integer_do(op->function, payload + op->offset, operand, op->bytes);
    return after;
}

/* ---- Lists. ---- */

/* The last operation of a list, which is not empty. */
static unsigned char *last_op(unsigned char *list, size_t list_bytes)
{
    struct delta_op op;
    size_t at = 0;
    for (;;) {
        memcpy(&op, list + at, sizeof op);
        size_t next = at + delta_op_bytes(&op);
        if (next >= list_bytes)
            return list + at;
        at = next;
    }
}

bool delta_add(unsigned char *list, size_t *list_bytes, size_t capacity, const struct delta_op *op, const void *operand)
{
    if (*list_bytes > 0 && op->function != MAE_APPEND) {
        unsigned char *last = MUTATED(delta_joins_first) ? list : last_op(list, *list_bytes);
        if (memcmp(last, op, sizeof *op) == 0) { /* the same function of the same integer */
            integer_do(op->function, last + sizeof *op, operand, op->bytes);
            return true;
        }
    }
    const size_t room = delta_op_bytes(op);
    MAE_DCHECK(capacity <= DELTA_MOST_BYTES);
    if (*list_bytes + room > capacity)
        return false;
    unsigned char *at = list + *list_bytes;
    memset(at, 0, room);
    memcpy(at, op, sizeof *op);
    memcpy(at + sizeof *op, operand, op->bytes);
    *list_bytes += room;
    return true;
}

size_t delta_compute(const unsigned char *list, size_t list_bytes, unsigned char *payload, size_t bytes,
                     size_t payload_max)
{
    struct delta_op op;
    for (size_t at = 0; at < list_bytes; at += delta_op_bytes(&op)) {
        memcpy(&op, list + at, sizeof op);
        bytes = delta_do(&op, list + at + sizeof op, payload, bytes, payload_max);
    }
    return bytes;
}

bool delta_is_whole(const unsigned char *list, size_t list_bytes, size_t payload_max)
{
    struct delta_op op;
    size_t at = 0;
    while (at < list_bytes) {
        if (list_bytes - at < sizeof op)
            return false;
        memcpy(&op, list + at, sizeof op);
        if (!delta_op_is_valid(op.function, op.offset, op.bytes, payload_max) || list_bytes - at < delta_op_bytes(&op))
            return false;
        at += delta_op_bytes(&op);
    }
    return list_bytes > 0 && list_bytes <= DELTA_MOST_BYTES;
}
