/* epoch.c - nothing is given back while a transaction runs that could have reached it, and everything is afterwards. */
#include "schemes/base/epoch.h"

#include "engine/base/mem.h"
#include "tests/support/world.h"

enum { WORKERS = 4, ITEMS = 64, STEPS = 20000 / WORLD_SLOWNESS };

struct thing {
    struct retired retired; /* first, so that the item is the thing */
    bool out_of_reach, free;
    bool reached[WORKERS]; /* by the transaction that the worker runs */
};

static void give_back(struct retired *item, void *owner)
{
    struct thing *thing = (struct thing *)(void *)item;
    unsigned *freed = owner;
    for (unsigned i = 0; i < WORKERS; i++)
        assert_false(thing->reached[i]); /* E2 */
    thing->free = true;
    ++*freed;
}

/* Workers begin, reach things, take them out of reach and end, in a random order; the counter moves on meanwhile. */
static void nothing_is_given_back_early(void **state)
{
    (void)state;
    struct epochs *epochs = mem_alloc(sizeof *epochs);
    static struct thing things[ITEMS];
    uint64_t random = seed_from_environment();
    unsigned freed = 0, retired = 0;
    bool running[WORKERS] = {false};
    assert_non_null(epochs);
    epochs_init(epochs);
    for (unsigned i = 0; i < WORKERS; i++)
        epoch_use(epochs, i);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned worker = (unsigned)random_below(&random, WORKERS);
        struct thing *thing = &things[random_below(&random, ITEMS)];
        struct epoch_slot *slot = &epochs->slots[worker];
        switch (random_below(&random, 5)) {
        case 0:
            if (!running[worker])
                epoch_enter(epochs, slot);
            running[worker] = true;
            break;
        case 1:
            if (running[worker])
                epoch_leave(slot);
            running[worker] = false;
            for (unsigned i = 0; i < ITEMS; i++)
                things[i].reached[worker] = false;
            epoch_collect(epochs, slot, give_back, &freed);
            break;
        case 2:
            thing->reached[worker] |= running[worker] && !thing->out_of_reach;
            break;
        case 3:
            if (running[worker] && !thing->out_of_reach) {
                thing->out_of_reach = true;
                epoch_retire(slot, &thing->retired);
                retired++;
            }
            break;
        default:
            (void)epoch_advance(epochs);
        }
        if (thing->free) /* another one in its place */
            *thing = (struct thing){.free = false};
    }
    assert_true(retired > ITEMS);
    for (unsigned i = 0; i < WORKERS; i++) {
        if (running[i])
            epoch_leave(&epochs->slots[i]);
        for (unsigned k = 0; k < ITEMS; k++)
            things[k].reached[i] = false;
    }
    for (unsigned i = 0; i < EPOCH_SAFE; i++)
        assert_true(epoch_advance(epochs));
    for (unsigned i = 0; i < WORKERS; i++)
        epoch_collect(epochs, &epochs->slots[i], give_back, &freed);
    assert_int_equal(freed, retired);
    free(epochs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_given_back_early)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
