/* job.c - fuzzes the reader of job files that `maemio sweep` uses: any text gives a list of points or a message. */
#include "harness/options/job.h"

#include "tests/fuzz/fuzz.h"

enum { POINTS_TRIED = 16 };

/* A point that is refused is refused with a message. */
static void resolve(const struct jobfile_point *point)
{
    char error[OPTION_ERROR_BYTES] = "";
    struct options *options = options_create();
    FUZZ_EXPECT((job_apply(point, options, error) && job_resolve(point, options, error)) || error[0]);
    options_destroy(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char error[JOBFILE_ERROR_BYTES] = "";
    char *text = fuzz_text(data, bytes);
    struct jobfile *job = job_parse("fuzz.conf", text, bytes, 2, error);
    FUZZ_EXPECT(job ? job->count > 0 && job->count <= JOBFILE_POINTS_MAX : error[0] != '\0');
    for (size_t i = 0; job && i < job->count; i++) {
        const struct jobfile_point *point = &job->points[i];
        for (size_t k = 0; k < point->count; k++)
            FUZZ_EXPECT(point->settings[k].key[0] && point->settings[k].line > 0);
        if (i < POINTS_TRIED)
            resolve(point);
    }
    jobfile_destroy(job);
    free(text);
    return 0;
}
