/* manifest.c - a manifest comes back as it was written; a damaged or later one is refused. */
#include "engine/durable/manifest.h"

#include "tests/support/disk.h"
#include "tests/support/world.h"

static struct problem problem;

static struct manifest example(void)
{
    struct manifest manifest = {.database = UINT64_C(0xFEDCBA9876543210), .next_number = 3};
    struct manifest_object table = {.kind = MANIFEST_TABLE, .number = 1, .table_config = {100, 5}};
    struct manifest_object index = {
        .kind = MANIFEST_INDEX, .number = 2, .table = 1, .index_config = {MAE_INDEX_ORDERED, 16, true, 9}};
    strcpy(table.name, " 100% of\nchecksum ");
    memset(index.name, 'n', MAE_NAME_MAX_BYTES);
    assert_ok(manifest_add_life(&manifest, 10));
    manifest.lives[0].cut = 20;
    assert_ok(manifest_add_life(&manifest, 30));
    assert_ok(manifest_add_object(&manifest, &table));
    assert_ok(manifest_add_object(&manifest, &index));
    return manifest;
}

static void it_comes_back(void **state)
{
    (void)state;
    struct manifest written = example(), read;
    disk_open();
    assert_ok(manifest_write("db", &written, &problem));
    disk_crash(NULL);
    assert_ok(manifest_read("db", &read, &problem));
    assert_int_equal(read.database, written.database);
    assert_int_equal(read.next_number, 3);
    assert_int_equal(read.life_count, 2);
    assert_int_equal(read.lives[0].cut, 20);
    assert_int_equal(read.lives[1].number, 2);
    assert_int_equal(read.lives[1].start, 30);
    assert_int_equal(read.object_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(read.objects[i].name, written.objects[i].name);
        assert_int_equal(read.objects[i].number, written.objects[i].number);
        assert_int_equal(read.objects[i].kind, written.objects[i].kind);
    }
    assert_int_equal(read.objects[0].table_config.payload_max_bytes, 100);
    assert_int_equal(read.objects[0].table_config.expected_rows, 5);
    assert_int_equal(read.objects[1].index_config.key_bytes, 16);
    assert_int_equal(read.objects[1].index_config.expected_rows, 9);
    assert_true(read.objects[1].index_config.non_unique);
    assert_int_equal(read.objects[1].index_config.kind, MAE_INDEX_ORDERED);
    manifest_fini(&read);
    manifest_fini(&written);
    disk_close();
}

static void every_damage_is_noticed(void **state)
{
    (void)state;
    struct manifest manifest = example(), read;
    disk_open();
    assert_status(MAE_NOT_FOUND, manifest_read("db", &read, &problem));
    assert_ok(manifest_write("db", &manifest, &problem));
    uint64_t bytes = 0;
    for (; disk_damage("manifest", bytes); bytes++) {
        enum mae_status status = manifest_read("db", &read, &problem);
        assert_true(status == MAE_CORRUPT || status == MAE_UNSUPPORTED);
        assert_non_null(strstr(problem.text, "db/manifest"));
        assert_true(disk_damage("manifest", bytes)); /* back */
    }
    assert_true(bytes > 100);
    assert_ok(manifest_read("db", &read, &problem));
    manifest_fini(&read);
    manifest_fini(&manifest);
    disk_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_comes_back), cmocka_unit_test(every_damage_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
