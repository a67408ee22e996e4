/*
 * colliding.h - keys that a hash index puts into one bucket.
 */
#ifndef TESTS_SUPPORT_COLLIDING_H
#define TESTS_SUPPORT_COLLIDING_H

#include <stdint.h>

/* Times a small number: an 8-byte key whose hash, a multiplication by the golden ratio, is that number. */
#define COLLIDING_KEY UINT64_C(0xF1DE83E19937733D)

#endif
