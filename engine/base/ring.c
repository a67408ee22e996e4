/* ring.c - see ring.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engine/base/ring.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/mem.h"

enum { ENTRIES = 2, WRITE = 1, SYNC = 2 };

struct file_ring {
    int file;
    size_t bytes; /* of the memory with both queues */
    char *queues;
    struct io_uring_sqe *orders; /* ENTRIES of them */
    /* In `queues`, which the system shares: ORD-16. */
    _Atomic uint32_t *order_tail, *answer_head, *answer_tail;
    uint32_t *order_at; /* by place in the queue: which of `orders` */
    uint32_t order_mask, answer_mask;
    struct io_uring_cqe *answers;
};

static int map(struct file_ring *ring, const struct io_uring_params *params)
{
    size_t orders = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
    size_t answers = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    if (!(params->features & IORING_FEAT_SINGLE_MMAP) || !(params->features & IORING_FEAT_RW_CUR_POS))
        return -ENOSYS; /* before Linux 5.6, which has brought IORING_OP_WRITE and the second of these */
    ring->bytes = orders > answers ? orders : answers;
    void *queues = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->file, IORING_OFF_SQ_RING);
    if (queues == MAP_FAILED)
        return -errno;
    ring->queues = queues;
    void *entries =
        mmap(NULL, ENTRIES * sizeof *ring->orders, PROT_READ | PROT_WRITE, MAP_SHARED, ring->file, IORING_OFF_SQES);
    if (entries == MAP_FAILED)
        return -errno;
    ring->orders = entries;
    ring->order_tail = (void *)(ring->queues + params->sq_off.tail);
    ring->order_at = (void *)(ring->queues + params->sq_off.array);
    ring->order_mask = *(uint32_t *)(void *)(ring->queues + params->sq_off.ring_mask);
    ring->answer_head = (void *)(ring->queues + params->cq_off.head);
    ring->answer_tail = (void *)(ring->queues + params->cq_off.tail);
    ring->answer_mask = *(uint32_t *)(void *)(ring->queues + params->cq_off.ring_mask);
    ring->answers = (void *)(ring->queues + params->cq_off.cqes);
    return 0;
}

int ring_open(struct file_ring **opened)
{
    struct io_uring_params params = {0};
    struct file_ring *ring = mem_alloc(sizeof *ring);
    if (!ring)
        return -ENOMEM;
    ring->file = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
    int result = ring->file < 0 ? -errno : map(ring, &params);
    if (result == 0)
        *opened = ring;
    else
        ring_close(ring);
    return result;
}

void ring_close(struct file_ring *ring)
{
    if (!ring)
        return;
    if (ring->orders)
        (void)munmap(ring->orders, ENTRIES * sizeof *ring->orders);
    if (ring->queues)
        (void)munmap(ring->queues, ring->bytes);
    if (ring->file >= 0)
        (void)close(ring->file);
    free(ring);
}

/* Puts the i-th order at the end of the queue, which has room for all. */
static void put(struct file_ring *ring, uint32_t i, const struct io_uring_sqe *order)
{
    uint32_t tail = atomic_load_explicit(ring->order_tail, memory_order_relaxed);
    ring->orders[i] = *order;
    ring->order_at[tail & ring->order_mask] = i;
    atomic_store_explicit(ring->order_tail, tail + 1, memory_order_release); /* ORD-16 */
}

/* Takes the answers that are there: to the write and to the sync. Returns how many. */
static unsigned take(struct file_ring *ring, int *results)
{
    uint32_t head = atomic_load_explicit(ring->answer_head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(ring->answer_tail, memory_order_acquire); /* ORD-16 */
    unsigned count = 0;
    for (; head != tail; head++, count++) {
        const struct io_uring_cqe *answer = &ring->answers[head & ring->answer_mask];
        results[answer->user_data == SYNC] = answer->res;
    }
    atomic_store_explicit(ring->answer_head, head, memory_order_release); /* ORD-16 */
    return count;
}

/* What the two answers mean. A sync that has failed is told as such, whatever has become of the write. */
static int result_of(int written, int synced, uint32_t bytes, bool linked)
{
    if (written < 0 && written != -EINTR && written != -EAGAIN)
        return written;
    if (synced < 0 && synced != -ECANCELED && synced != -EINTR)
        return synced == -EAGAIN ? -EIO : synced;
    return written == (int)bytes && synced == 0 && linked ? 0 : -EAGAIN;
}

int ring_write_sync(struct file_ring *ring, int file, const void *data, uint32_t bytes, uint64_t offset)
{
    int results[2] = {0};
    const struct io_uring_sqe write = {.opcode = IORING_OP_WRITE,
                                       .flags = IOSQE_IO_LINK,
                                       .fd = file,
                                       .addr = (uintptr_t)data,
                                       .len = bytes,
                                       .off = offset,
                                       .user_data = WRITE};
    const struct io_uring_sqe sync = {
        .opcode = IORING_OP_FSYNC, .fd = file, .fsync_flags = IORING_FSYNC_DATASYNC, .user_data = SYNC};
    put(ring, 0, &write);
    put(ring, 1, &sync);
    bool linked = true;
    for (unsigned given = 0, taken = 0; taken < ENTRIES;) { /* ends: the system answers each order */
        long now = syscall(SYS_io_uring_enter, ring->file, ENTRIES - given, ENTRIES - taken, IORING_ENTER_GETEVENTS,
                           NULL, (size_t)0);
        if (now < 0 && errno != EINTR && errno != EAGAIN && errno != EBUSY)
            return -EIO;    /* the orders may still be carried out: the log fails, and they do no harm */
        linked &= now != 1; /* the system has taken one alone: the sync may have begun before the write has ended */
        given += now > 0 ? (unsigned)now : 0;
        taken += take(ring, results);
    }
    return result_of(results[0], results[1], bytes, linked);
}
