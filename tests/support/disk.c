/* disk.c - see disk.h. */
#define _GNU_SOURCE /* PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP */
#include "tests/support/disk.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "tests/support/world.h"

enum { SECTOR_BYTES = 512, FILES_MAX = 2048, NAMES_MAX = 128, NAME_BYTES_MAX = 32, STEPS_MAX = 1024, OPEN_MAX = 128 };

struct content {
    char *cached, *safe;
    bool *unsafe; /* by sector: written since the last sync */
    uint64_t bytes, safe_bytes;
};

struct names {
    struct {
        char name[NAME_BYTES_MAX]; /* "": none */
        int content;
    } entry[NAMES_MAX];
};

struct disk {
    struct content contents[FILES_MAX];
    int content_count;
    struct names now, safe;
    struct names steps[STEPS_MAX]; /* after each change since the last sync of the folder */
    int step_count;
};

struct disk_image {
    struct disk disk;
};

static struct disk disk;
static struct {
    int content; /* -1: closed */
    bool locked;
} opened[OPEN_MAX];
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP; /* of all that is here; calls call each other */
static uint64_t calls, fail_call, stop_call, limit_bytes;
static const char *full_folder; /* NULL: none is */
static int ring_error;

/* The loggers, their errands, a recovery's threads and the test call at the same time. */
static pthread_mutex_t *enter(void)
{
    pthread_mutex_lock(&lock);
    return &lock;
}

static void leave(pthread_mutex_t **entered)
{
    pthread_mutex_unlock(*entered);
}

/* Nobody else is in here until the caller returns. */
#define ALONE __attribute__((cleanup(leave), unused)) pthread_mutex_t *entered = enter()

/* ---- Faults. ---- */

/* Counts a call; false: it is to fail. */
static bool is_well(void)
{
    calls++;
    return calls != fail_call && (stop_call == 0 || calls < stop_call);
}

static bool is_stopped(void)
{
    return stop_call != 0 && calls >= stop_call;
}

/* ---- Contents. ---- */

static void content_resize(struct content *content, uint64_t bytes)
{
    uint64_t sectors = bytes / SECTOR_BYTES + 1, old = content->bytes / SECTOR_BYTES + 1;
    if (bytes <= content->bytes && content->cached)
        return;
    content->cached = realloc(content->cached, sectors * SECTOR_BYTES);
    content->safe = realloc(content->safe, sectors * SECTOR_BYTES);
    content->unsafe = realloc(content->unsafe, sectors * sizeof(bool));
    assert(content->cached && content->safe && content->unsafe);
    if (content->bytes == 0)
        old = 0;
    memset(content->cached + old * SECTOR_BYTES, 0, (sectors - old) * SECTOR_BYTES);
    memset(content->safe + old * SECTOR_BYTES, 0, (sectors - old) * SECTOR_BYTES);
    memset(content->unsafe + old, 0, (sectors - old) * sizeof(bool));
    content->bytes = bytes;
}

static void content_free(struct content *content)
{
    free(content->cached);
    free(content->safe);
    free(content->unsafe);
}

static struct content content_copy(const struct content *content)
{
    struct content copy = {0};
    if (!content->cached)
        return copy;
    content_resize(&copy, content->bytes);
    uint64_t sectors = content->bytes / SECTOR_BYTES + 1;
    memcpy(copy.cached, content->cached, sectors * SECTOR_BYTES);
    memcpy(copy.safe, content->safe, sectors * SECTOR_BYTES);
    memcpy(copy.unsafe, content->unsafe, sectors * sizeof(bool));
    copy.safe_bytes = content->safe_bytes;
    return copy;
}

static struct content *content_of(int file)
{
    assert(file >= 0 && file < OPEN_MAX && opened[file].content >= 0);
    return &disk.contents[opened[file].content];
}

/* ---- Names. ---- */

/* Whether the file with this path is in the folder. */
static bool is_in(const char *path, const char *folder)
{
    size_t bytes = strlen(folder);
    return strncmp(path, folder, bytes) == 0 && path[bytes] == '/';
}

static int name_find(const struct names *names, const char *name)
{
    for (int i = 0; i < NAMES_MAX; i++)
        if (strcmp(names->entry[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_free(const struct names *names, int i, const char *path)
{
    const char *name = names->entry[i].name;
    size_t folder_bytes = (size_t)(strrchr(path, '/') - path) + 1;
    return name[0] == '\0' || strncmp(name, path, folder_bytes) == 0;
}

/* An entry that is free, and that no crash gives to a file of another folder. */
static int free_entry(const char *path)
{
    for (int i = 0; i < NAMES_MAX; i++) {
        bool fits = disk.now.entry[i].name[0] == '\0' && is_free(&disk.safe, i, path);
        for (int step = 0; step < disk.step_count && fits; step++)
            fits = is_free(&disk.steps[step], i, path);
        if (fits)
            return i;
    }
    return -1;
}

static void name_set(const char *name, int content)
{
    int i = name_find(&disk.now, name);
    if (i < 0)
        i = free_entry(name);
    assert(i >= 0 && strlen(name) < NAME_BYTES_MAX);
    strcpy(disk.now.entry[i].name, name);
    disk.now.entry[i].content = content;
}

static void names_changed(void)
{
    assert(disk.step_count < STEPS_MAX);
    disk.steps[disk.step_count++] = disk.now;
}

/* ---- The calls. ---- */

static int disk_file_open(const char *path, unsigned mode)
{
    ALONE;
    if (!is_well())
        return -EIO;
    int name = name_find(&disk.now, path);
    if (name < 0 && !(mode & FILE_CREATE))
        return -ENOENT;
    if (name < 0) {
        assert(disk.content_count < FILES_MAX);
        name_set(path, disk.content_count++);
        names_changed();
        name = name_find(&disk.now, path);
    }
    for (int file = 0; file < OPEN_MAX; file++)
        if (opened[file].content < 0) {
            opened[file].content = disk.now.entry[name].content;
            opened[file].locked = false;
            return file;
        }
    return -EMFILE;
}

static int disk_file_close(int file)
{
    ALONE;
    (void)is_well();
    opened[file].content = -1;
    return 0;
}

static bool is_in_full_folder(int file)
{
    bool found = false;
    for (int i = 0; i < NAMES_MAX && full_folder; i++)
        found |= disk.now.entry[i].content == opened[file].content && is_in(disk.now.entry[i].name, full_folder);
    return found;
}

/* Whether the file can be as long as that. */
static bool has_space(int file, uint64_t bytes)
{
    uint64_t sum = bytes, own = content_of(file)->bytes;
    for (int i = 0; i < NAMES_MAX; i++)
        if (disk.now.entry[i].name[0] && disk.now.entry[i].content != opened[file].content)
            sum += disk.contents[disk.now.entry[i].content].bytes;
    return bytes <= own || ((limit_bytes == 0 || sum <= limit_bytes) && !is_in_full_folder(file));
}

static int disk_file_write(int file, const void *data, size_t bytes, uint64_t offset)
{
    ALONE;
    bool well = is_well();
    struct content *content = content_of(file);
    if (is_stopped() && calls != stop_call)
        return -EIO;
    if (!has_space(file, offset + bytes))
        return -ENOSPC;
    if (!well && !is_stopped())
        bytes = bytes / 2 / SECTOR_BYTES * SECTOR_BYTES; /* it has written a part, and has failed then */
    if (bytes == 0)
        return well ? 0 : -EIO;
    content_resize(content, offset + bytes);
    memcpy(content->cached + offset, data, bytes); /* the call in which the machine stops may still write */
    for (uint64_t i = offset / SECTOR_BYTES; i <= (offset + bytes - 1) / SECTOR_BYTES; i++)
        content->unsafe[i] = true;
    return well ? 0 : -EIO;
}

static int64_t disk_file_read(int file, void *data, size_t bytes, uint64_t offset)
{
    ALONE;
    if (!is_well())
        return -EIO;
    const struct content *content = content_of(file);
    if (offset >= content->bytes)
        return 0;
    size_t got = bytes < content->bytes - offset ? bytes : (size_t)(content->bytes - offset);
    memcpy(data, content->cached + offset, got);
    return (int64_t)got;
}

static int64_t disk_file_size(int file)
{
    ALONE;
    return is_well() ? (int64_t)content_of(file)->bytes : -EIO;
}

static int disk_file_reserve(int file, uint64_t bytes)
{
    ALONE;
    if (!is_well())
        return -EIO;
    if (!has_space(file, bytes))
        return -ENOSPC;
    content_resize(content_of(file), bytes);
    return 0;
}

static int disk_file_sync(int file)
{
    ALONE;
    bool well = is_well();
    struct content *content = content_of(file);
    if (is_stopped())
        return -EIO;
    for (uint64_t i = 0; i < content->bytes / SECTOR_BYTES + 1 && content->cached; i++) {
        if (well && content->unsafe[i])
            memcpy(content->safe + i * SECTOR_BYTES, content->cached + i * SECTOR_BYTES, SECTOR_BYTES);
        content->unsafe[i] = false; /* after a failure, too: it is not safe, and no sync will write it */
    }
    if (well)
        content->safe_bytes = content->bytes;
    return well ? 0 : -EIO;
}

static int disk_write_sync(struct file_ring *ring, int file, const void *data, size_t bytes, uint64_t offset)
{
    ALONE;
    (void)ring;
    int result = disk_file_write(file, data, bytes, offset);
    return result == 0 ? disk_file_sync(file) : result;
}

static int disk_ring_open(struct file_ring **ring)
{
    ALONE;
    if (!is_well())
        return -EIO;
    if (ring_error < 0)
        return ring_error;
    *ring = (struct file_ring *)(void *)&disk; /* there is nothing in it */
    return 0;
}

static void disk_ring_close(struct file_ring *ring)
{
    (void)ring;
}

static int disk_file_lock(int file)
{
    ALONE;
    if (!is_well())
        return -EIO;
    for (int i = 0; i < OPEN_MAX; i++)
        if (opened[i].locked && opened[i].content == opened[file].content)
            return -EWOULDBLOCK;
    opened[file].locked = true;
    return 0;
}

static int disk_file_rename(const char *from, const char *to)
{
    ALONE;
    if (!is_well())
        return -EIO;
    int name = name_find(&disk.now, from);
    if (name < 0)
        return -ENOENT;
    int content = disk.now.entry[name].content;
    disk.now.entry[name].name[0] = '\0';
    name_set(to, content);
    names_changed();
    return 0;
}

static int disk_file_remove(const char *path)
{
    ALONE;
    if (!is_well())
        return -EIO;
    int name = name_find(&disk.now, path);
    if (name < 0)
        return -ENOENT;
    disk.now.entry[name].name[0] = '\0';
    names_changed();
    return 0;
}

static int disk_make_folder(const char *path)
{
    ALONE;
    (void)path;
    return is_well() ? 0 : -EIO;
}

static bool names_are(const struct names *names, const struct names *others)
{
    for (int i = 0; i < NAMES_MAX; i++)
        if (strcmp(names->entry[i].name, others->entry[i].name) != 0 ||
            (names->entry[i].name[0] && names->entry[i].content != others->entry[i].content))
            return false;
    return true;
}

/* The folder's names become what they are now. */
static void names_take(struct names *names, const char *folder)
{
    for (int i = 0; i < NAMES_MAX; i++)
        if (is_in(disk.now.entry[i].name, folder) || is_in(names->entry[i].name, folder))
            names->entry[i] = disk.now.entry[i];
}

static int disk_sync_folder(const char *path)
{
    ALONE;
    if (!is_well())
        return -EIO;
    names_take(&disk.safe, path);
    for (int i = 0; i < disk.step_count; i++)
        names_take(&disk.steps[i], path);
    if (names_are(&disk.safe, &disk.now))
        disk.step_count = 0;
    return 0;
}

static int disk_list(const char *folder, void (*visit)(void *arg, const char *name), void *arg)
{
    ALONE;
    if (!is_well())
        return -EIO;
    for (int i = NAMES_MAX; i-- > 0;)
        if (is_in(disk.now.entry[i].name, folder))
            visit(arg, disk.now.entry[i].name + strlen(folder) + 1);
    return 0;
}

static int disk_is_lasting(const char *folder)
{
    ALONE;
    (void)folder;
    return is_well() ? 1 : -EIO;
}

/* As for any disk. */
static void *disk_map(int file, uint64_t bytes)
{
    (void)file;
    (void)bytes;
    return NULL;
}

static const struct file_calls disk_calls_table = {
    .open = disk_file_open,
    .close = disk_file_close,
    .write = disk_file_write,
    .read = disk_file_read,
    .size = disk_file_size,
    .reserve = disk_file_reserve,
    .sync = disk_file_sync,
    .write_sync = disk_write_sync,
    .ring_open = disk_ring_open,
    .ring_close = disk_ring_close,
    .lock = disk_file_lock,
    .rename = disk_file_rename,
    .remove = disk_file_remove,
    .make_folder = disk_make_folder,
    .sync_folder = disk_sync_folder,
    .list = disk_list,
    .is_lasting = disk_is_lasting,
    .map = disk_map,
};

/* ---- The test's side. ---- */

static void clear(void)
{
    for (int i = 0; i < FILES_MAX; i++)
        content_free(&disk.contents[i]);
    memset(&disk, 0, sizeof disk);
}

static void power_up(void)
{
    for (int i = 0; i < OPEN_MAX; i++)
        opened[i].content = -1, opened[i].locked = false;
    calls = fail_call = stop_call = limit_bytes = 0;
    full_folder = NULL;
    ring_error = 0;
}

void disk_open(void)
{
    ALONE;
    clear();
    power_up();
    file_calls = &disk_calls_table;
}

void disk_close(void)
{
    ALONE;
    clear();
    file_calls = &file_calls_system;
}

void disk_count_from_here(void)
{
    ALONE;
    calls = fail_call = stop_call = 0;
}

uint64_t disk_calls(void)
{
    ALONE;
    return calls;
}

void disk_fail_at(uint64_t n)
{
    ALONE;
    fail_call = n ? calls + n : 0;
}

void disk_stop_at(uint64_t n)
{
    ALONE;
    stop_call = n ? calls + n : 0;
}

void disk_limit(uint64_t bytes)
{
    ALONE;
    limit_bytes = bytes;
}

void disk_limit_folder(const char *folder)
{
    ALONE;
    full_folder = folder;
}

void disk_refuse_rings(int error)
{
    ALONE;
    ring_error = error;
}

/* Decides what of a file the loss of power has kept. Sometimes all or nothing, which a random choice hardly ever is. */
static void content_lose(struct content *content, uint64_t *random)
{
    uint64_t kind = random_below(random, 4);
    for (uint64_t i = 0; content->cached && i < content->bytes / SECTOR_BYTES + 1; i++) {
        bool keep = kind == 0 || (kind != 1 && random_below(random, 2));
        char *cached = content->cached + i * SECTOR_BYTES, *safe = content->safe + i * SECTOR_BYTES;
        if (content->unsafe[i] && keep)
            memcpy(safe, cached, SECTOR_BYTES);
        else
            memcpy(cached, safe, SECTOR_BYTES);
        content->unsafe[i] = false;
    }
    content->safe_bytes = content->bytes;
}

void disk_crash(uint64_t *random)
{
    ALONE;
    power_up();
    if (!random)
        return;
    for (int i = 0; i < disk.content_count; i++)
        content_lose(&disk.contents[i], random);
    uint64_t step = random_below(random, (uint64_t)disk.step_count + 1);
    disk.now = step == 0 ? disk.safe : disk.steps[step - 1];
    disk.safe = disk.now;
    disk.step_count = 0;
}

struct disk_image *disk_save(void)
{
    ALONE;
    struct disk_image *image = malloc(sizeof *image);
    assert(image);
    image->disk = disk;
    for (int i = 0; i < disk.content_count; i++)
        image->disk.contents[i] = content_copy(&disk.contents[i]);
    return image;
}

void disk_load(const struct disk_image *image)
{
    ALONE;
    clear();
    power_up();
    disk = image->disk;
    for (int i = 0; i < disk.content_count; i++)
        disk.contents[i] = content_copy(&image->disk.contents[i]);
}

void disk_image_free(struct disk_image *image)
{
    for (int i = 0; i < image->disk.content_count; i++)
        content_free(&image->disk.contents[i]);
    free(image);
}

bool disk_damage(const char *path, uint64_t offset)
{
    ALONE;
    int i = name_find(&disk.now, path);
    if (i < 0 || offset >= disk.contents[disk.now.entry[i].content].bytes)
        return false;
    struct content *content = &disk.contents[disk.now.entry[i].content];
    content->cached[offset] ^= 1;
    content->safe[offset] ^= 1;
    return true;
}

bool disk_has(const char *path)
{
    ALONE;
    return name_find(&disk.now, path) >= 0;
}

void disk_erase(const char *path)
{
    ALONE;
    int i = name_find(&disk.now, path);
    assert(i >= 0);
    disk.now.entry[i].name[0] = '\0';
    disk.safe = disk.now;
    disk.step_count = 0;
}

void disk_erase_folder(const char *folder)
{
    ALONE;
    for (int i = 0; i < NAMES_MAX; i++)
        if (is_in(disk.now.entry[i].name, folder))
            disk.now.entry[i].name[0] = '\0';
    names_take(&disk.safe, folder);
    for (int i = 0; i < disk.step_count; i++)
        names_take(&disk.steps[i], folder);
}
