/* disk.c - see disk.h. */
#include "harness/machine/disk.h"

#include <limits.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "harness/common/support.h"

enum { LINE_BYTES = 4096 };

/* Turns \040 and the like, which stand for blanks in mountinfo, into what they are. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; to++) {
        unsigned code;
        bool escaped = sscanf(from, "\\%3o", &code) == 1;
        *to = escaped ? (char)code : *from;
        from += escaped ? 4 : 1;
    }
    *to = '\0';
}

static bool is_below(const char *folder, const char *mount)
{
    size_t bytes = strlen(mount);
    while (bytes > 0 && mount[bytes - 1] == '/')
        bytes--;
    return strncmp(folder, mount, bytes) == 0 && (folder[bytes] == '/' || folder[bytes] == '\0');
}

/* Of the mounts above the folder the longest path counts, and of equal ones the last, which covers the others. */
bool disk_describe(const char *root, const char *folder, char text[DISK_TEXT_BYTES])
{
    char line[LINE_BYTES], mount[LINE_BYTES], type[64], source[LINE_BYTES];
    size_t longest = 0;
    SUPPORT_FREED char *path = support_format("%s/proc/self/mountinfo", root);
    SUPPORT_FREED char *real = realpath(folder, NULL);
    FILE *file = fopen(path, "re");
    text[0] = '\0';
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *rest = strstr(line, " - "); /* between the two stand optional fields, any number */
        if (rest == NULL || sscanf(line, "%*s %*s %*s %*s %4095s", mount) != 1 ||
            sscanf(rest + 3, "%63s %4095s", type, source) != 2)
            continue;
        unescape(mount);
        unescape(source);
        if (strlen(mount) < longest || !is_below(real != NULL ? real : folder, mount))
            continue;
        longest = strlen(mount);
        (void)snprintf(text, DISK_TEXT_BYTES, "%.40s on %.80s", type, source);
    }
    if (file != NULL)
        (void)fclose(file);
    return text[0] != '\0';
}

const char *disk_scratch(void)
{
    const char *chosen = getenv("TMPDIR");
    return chosen != NULL && chosen[0] != '\0' ? chosen : "/var/tmp";
}

bool disk_is_lasting(const char *folder)
{
    return file_calls_system.is_lasting(folder) != 0;
}

char *disk_scratch_make(void)
{
    char *path = support_format("%s/maemio-log-XXXXXX", disk_scratch());
    if (mkdtemp(path) != NULL)
        return path;
    free(path);
    return NULL;
}
