/* crc32c.c - the checksum is CRC-32C, whatever the length and however the data is cut. */
#include "engine/base/crc32c.h"

#include "tests/support/world.h"

/* From RFC 3720, B.4, and the check value of the catalogue of CRCs. */
static void known_values(void **state)
{
    (void)state;
    unsigned char data[32];
    memset(data, 0, sizeof data);
    assert_int_equal(crc32c(0, data, sizeof data), 0x8A9136AA);
    memset(data, 0xFF, sizeof data);
    assert_int_equal(crc32c(0, data, sizeof data), 0x62A8AB43);
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, data, sizeof data), 0x46DD794E);
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(crc32c(0, data, 0), 0);
}

static void parts_make_the_whole(void **state)
{
    (void)state;
    unsigned char data[100];
    uint64_t random = seed_from_environment();
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)random_next(&random);
    uint32_t whole = crc32c(0, data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut++)
        assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, sizeof data - cut), whole);
}

/* As the header says: of three checksums, the last of which is of all that is left. */
static void thirds_are_of_the_parts(void **state)
{
    (void)state;
    unsigned char data[200];
    uint64_t random = seed_from_environment();
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)random_next(&random);
    for (size_t bytes = 0; bytes <= sizeof data; bytes++) {
        size_t third = bytes / 24 * 8;
        const uint32_t parts[3] = {crc32c(0, data, third), crc32c(0, data + third, third),
                                   crc32c(0, data + 2 * third, bytes - 2 * third)};
        assert_int_equal(crc32c_of_thirds(data, bytes), crc32c(0, parts, sizeof parts));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(parts_make_the_whole),
                                       cmocka_unit_test(thirds_are_of_the_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
