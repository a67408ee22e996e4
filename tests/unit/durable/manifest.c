/* manifest.c - a manifest comes back as it was written; a damaged or later one is refused. */
#include "engine/durable/manifest.h"

#include "engine/base/crc32c.h"
#include "engine/base/file.h"
#include "tests/support/disk.h"
#include "tests/support/world.h"

static struct problem problem;

static struct manifest example(void)
{
    struct manifest manifest = {.database = UINT64_C(0xFEDCBA9876543210), .next_number = 3};
    struct manifest_object table = {.kind = MANIFEST_TABLE, .number = 1, .table_config = {100, 5}};
    struct manifest_object index = {
        .kind = MANIFEST_INDEX, .number = 2, .table = 1, .index_config = {MAE_INDEX_ORDERED, 16, true, 9, true}};
    strcpy(table.name, " 100% of\nchecksum ");
    memset(index.name, 'n', MAE_NAME_MAX_BYTES);
    assert_ok(manifest_add_life(&manifest, 10, 1));
    manifest.lives[0].cut = 20;
    assert_ok(manifest_add_life(&manifest, 30, 2));
    assert_ok(manifest_name_folders(&manifest, (const char *const[]){"db", "/mnt/the other"}, 2));
    manifest.checkpoint = (struct manifest_checkpoint){
        .number = 1, .life = 2, .start = 40, .end = 50, .kept = {{60, 1, 1, 1}, {70, 2, 9, 8}}};
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
    assert_int_equal(read.lives[1].streams, 2);
    assert_int_equal(read.folder_count, 2);
    assert_string_equal(read.folders[1], "/mnt/the other");
    assert_memory_equal(&read.checkpoint, &written.checkpoint, sizeof read.checkpoint);
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
    assert_true(read.objects[1].index_config.variable);
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
    for (; disk_damage("db/manifest", bytes); bytes++) {
        enum mae_status status = manifest_read("db", &read, &problem);
        assert_true(status == MAE_CORRUPT || status == MAE_UNSUPPORTED);
        assert_non_null(strstr(problem.text, "db/manifest"));
        assert_true(disk_damage("db/manifest", bytes)); /* back */
    }
    assert_true(bytes > 100);
    assert_ok(manifest_read("db", &read, &problem));
    manifest_fini(&read);
    manifest_fini(&manifest);
    disk_close();
}

/* The checksum is right, and still it is none: a line that is written otherwise, twice, at another place, or that names
 * what there is not. */
static void only_what_was_written_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "next 3\ncurrent 1 1 10\n",
        "database 000000000000000a\nnext 3\n",
        "database 0xa\nnext 3\ncurrent 1 1 10\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10 \n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 -10\n",
        "database 000000000000000a\nnext 3\nnext 3\ncurrent 1 1 10\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ncurrent 2 1 20\n",
        "database 000000000000000a\nnext 3\nlife 2 1 10 15\ncurrent 1 1 20\n",
        "database 000000000000000a\nnext 3\nlife 1 1 30 35\ncurrent 2 1 20\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ncheckpoint 1 2 10 20 1 0 0\nkept 0 20 1 1 1\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ncheckpoint 1 1 10 20 1 0 0\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ncheckpoint 1 1 10 20 1 0 0\nkept 1 20 1 1 1\n",
        "database 000000000000000a\nnext 3\ncurrent 1 0 10\n",
        "database 000000000000000a\nnext 3\ncurrent 1 17 10\n",
        "database 000000000000000a\nnext 3\nfolder 2 b\ncurrent 1 1 10\n",
        "database 000000000000000a\nnext 3\nfolder 1 \ncurrent 1 1 10\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ntable 3 8 0 a\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ntable 2 8 0 a\ntable 2 8 0 b\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\nindex 2 1 0 8 0 0 b\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ntable 1 8 0 %\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ntable 1 8 0 %2\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ntable 1 8 0 %-1\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ntable 1 8 0 %41\n",
        "database 000000000000000a\nnext 3\ncurrent 1 1 10\ntable 1 8 0 %00\n",
    };
    char text[400];
    struct manifest read;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        disk_open();
        int bytes = snprintf(text, sizeof text, "maemio-log 2\n%s", texts[i]);
        bytes += snprintf(text + bytes, sizeof text - (size_t)bytes, "checksum %08x\n",
                          (unsigned)crc32c(0, text, (size_t)bytes));
        int file = file_calls->open("db/manifest", FILE_WRITE | FILE_CREATE);
        assert_int_equal(file_calls->write(file, text, (size_t)bytes, 0), 0);
        (void)file_calls->close(file);
        assert_status(MAE_CORRUPT, manifest_read("db", &read, &problem));
        assert_non_null(strstr(problem.text, "db/manifest: "));
    }
    disk_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_comes_back), cmocka_unit_test(every_damage_is_noticed),
                                       cmocka_unit_test(only_what_was_written_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
