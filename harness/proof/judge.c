/* judge.c - see judge.h. */
#include "harness/proof/judge.h"

#include "harness/proof/graph.h"
#include "harness/proof/replay.h"

struct history_checker *history_checker_create(void)
{
    return support_alloc(sizeof(struct history_checker));
}

void history_checker_destroy(struct history_checker *checker)
{
    if (checker == NULL)
        return;
    for (unsigned i = 0; i < HISTORY_INDEXES_MAX; i++) {
        free(checker->entries[i].items);
        free(checker->entry_states[i].items);
        free(checker->entry_present[i].items);
    }
    struct history_array *arrays[] = {&checker->txns,           &checker->aborted,  &checker->named,
                                      &checker->states,         &checker->tables,   &checker->edges,
                                      &checker->objects_states, &checker->versions, &checker->version_places,
                                      &checker->unresolved,     &checker->open};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]->items);
    history_map_fini(&checker->registers);
    history_map_fini(&checker->objects);
    history_map_fini(&checker->version_numbers);
    free(checker);
}

struct graph_job {
    struct history_checker *checker;
    bool forward;
};

static void *graph_run(void *arg)
{
    struct graph_job *job = arg;
    job->forward = history_graph_is_forward(job->checker);
    return NULL;
}

/* The two checks share nothing they write; side by side when that is worth a thread. */
static void check_both(struct history_checker *checker)
{
    enum { WORTH_A_THREAD = 10000 };
    struct graph_job job = {.checker = checker};
    pthread_t thread;
    bool parallel = checker->txns.count >= WORTH_A_THREAD && pthread_create(&thread, NULL, graph_run, &job) == 0;
    history_replay(checker);
    if (parallel)
        pthread_join(thread, NULL);
    else
        (void)graph_run(&job);
    if (!job.forward || checker->verdict->found)
        history_graph_search(checker);
}

bool history_check(struct history_checker *checker, const struct history *history,
                   const struct target_promises *promises, struct history_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    if (history_collect(checker, history, promises, verdict)) {
        if (checker->ordered)
            check_both(checker);
        else
            history_graph_search(checker);
    }
    if (verdict->found > HISTORY_FINDINGS_SHOWN)
        support_text_add(&verdict->report, "... and %" PRIu64 " findings more\n",
                         verdict->found - HISTORY_FINDINGS_SHOWN);
    return verdict->found == 0;
}
