/*
 * version.h - one version of one row.
 *
 * A version is private to its writer until commit.c links it. Its writer decides it once. Its memory is reused only
 * after gc.h's conditions hold.
 *     UNUSED --claim--> PENDING --decide--> COMMITTED | MOVED | DELETED | ABORTED --gc--> UNUSED
 * or, if transactions may still stand on it, --gc--> UNLINKED --gc--> UNUSED. A version that notes operations (delta.h)
 * is decided as DELTA, which is committed, too. Whoever needs its value computes it:
 *     DELTA --resolve--> RESOLVING --resolve--> COMMITTED
 *   V1  wts is constant while the version is reachable.
 *   V2  rts >= wts and only grows.
 *   V3  Along `older`, wts strictly decreases.
 *   V4  Transactions reach only the newest part of a chain, down to the first committed version (COMMITTED, MOVED or
 *       DELETED) below the horizon. Older versions belong to the collector.
 *   V5  MOVED is the status of a committed version of a row that has lost an index entry since the row was inserted.
 *       Above a MOVED version there is no COMMITTED one, and no DELTA: later versions of the row inherit the status.
 *   V6  A version whose writer has read the version below it begins with rts = wts + 1. No transaction has a timestamp
 *       in between, so that this says nothing of readers. It says that the version may rest on the one below: where
 *       rts > wts, nothing is linked in between and commits. A version that was written blindly has that only once it
 *       has been read.
 * Checked by: db/verify.c.   Source: Cicada, SIGMOD 2017, section 3.2.
 * Not here: linking (txn/commit.c), reuse (version_pool.c), why reuse is safe (txn/gc.c).
 *
 * The header takes 24 bytes, so that with the row's 4-byte head a 100-byte payload fills exactly two cache lines: the
 * number of lines decides what an operation on a large table costs. Hence links are 32-bit handles instead of pointers,
 * and the size has 16 bits.
 */
#ifndef ENGINE_STORE_VERSION_H
#define ENGINE_STORE_VERSION_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names a version: HANDLE_NONE, the inline slot of the row whose chain this is, or a unit of the version arena. */
typedef uint32_t version_handle;
enum { HANDLE_NONE = 0, HANDLE_INLINE = 1, HANDLE_FIRST = 2 };

enum version_status {
    VERSION_UNUSED,
    VERSION_PENDING,
    VERSION_DELTA,     /* committed; the payload is a list of operations */
    VERSION_RESOLVING, /* one thread computes the payload, and waits for nobody meanwhile */
    VERSION_COMMITTED,
    VERSION_MOVED,
    VERSION_DELETED,
    VERSION_ABORTED,
    VERSION_UNLINKED
};

/* Whether the version is committed, as a tombstone is, too: a reader stops at it. */
static inline bool version_status_is_committed(uint8_t status)
{
    return status >= VERSION_DELTA && status <= VERSION_DELETED;
}

/* Whether it is committed and its payload is still to be computed. */
static inline bool version_status_is_unresolved(uint8_t status)
{
    return status == VERSION_DELTA || status == VERSION_RESOLVING;
}

/* Whether it is a committed version of a row that is there and has lost no entry. */
static inline bool version_status_is_plain(uint8_t status)
{
    return status >= VERSION_DELTA && status <= VERSION_COMMITTED;
}

/* Whether a reader goes on to what is older, whatever its timestamp. */
static inline bool version_status_is_aborted(uint8_t status)
{
    return status >= VERSION_ABORTED;
}

struct version {
    _Atomic version_handle older;
    _Atomic uint8_t status;
    _Atomic uint8_t tag; /* in the arena: the size class, constant; in an inline slot: the row's lock byte */
    uint16_t payload_bytes;
    _Atomic uint64_t wts; /* atomic, since a collector may load it from a version that is in use again (gc.h, G2) */
    _Atomic uint64_t rts;
    unsigned char payload[];
};

/* Relaxed: the caller reached the version through a link that it loaded with acquire (ORD-8). */
static inline uint64_t version_wts(const struct version *version)
{
    return atomic_load_explicit(&version->wts, memory_order_relaxed);
}

/* The version that has this payload. */
static inline const struct version *version_of_payload(const void *payload)
{
    return (const struct version *)(const void *)((const char *)payload - offsetof(struct version, payload));
}

enum { VERSION_HEADER_BYTES = 24 };
static_assert(sizeof(struct version) == VERSION_HEADER_BYTES, "the layout that table.h and the row stride rely on");
static_assert(offsetof(struct version, payload) % 8 == 0, "payloads are 8-byte aligned");

#endif
