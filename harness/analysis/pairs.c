/* pairs.c - see pairs.h. */
#include "harness/analysis/pairs.h"

#include "harness/analysis/results.h"

void pairs_add(struct pairs_side *side, double value, const char *block, const struct csv_table *table,
               const struct csv_table_row *row)
{
    side->runs = support_more(side->runs, side->count, sizeof *side->runs);
    struct pairs_run *run = &side->runs[side->count++];
    *run = (struct pairs_run){.value = value, .block = block};
    proximity_read(table, results_total_row(table, row), &run->place);
}

void pairs_free(struct pairs *pairs)
{
    free(pairs->a.runs);
    free(pairs->a.values);
    free(pairs->b.runs);
    free(pairs->b.values);
    free(pairs->blocks);
    *pairs = (struct pairs){0};
}

/* ---- Placement. ---- */

/* How many runs of one block were on CPUs as near as `place`. */
static size_t count_near(const struct pairs_side *side, const char *block, const struct proximity_span *place)
{
    size_t near = 0;
    for (size_t i = 0; i < side->count; i++)
        near += strcmp(side->runs[i].block, block) == 0 && proximity_same(place, &side->runs[i].place);
    return near;
}

/* The place of a block that the most runs of both sides agree with; NULL if all of them were moved about. */
static const struct proximity_span *place_of(const struct pairs *pairs, const char *block)
{
    const struct pairs_side *sides[] = {&pairs->a, &pairs->b};
    const struct proximity_span *best = NULL;
    size_t most = 0;
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < sides[side]->count; i++) {
            const struct pairs_run *run = &sides[side]->runs[i];
            if (strcmp(run->block, block) != 0)
                continue;
            size_t a = count_near(&pairs->a, block, &run->place), b = count_near(&pairs->b, block, &run->place);
            size_t agree = (a < b ? a : b) * (pairs->a.count + pairs->b.count + 1) + a + b;
            if (agree > most) {
                most = agree;
                best = &run->place;
            }
        }
    return best;
}

/* Marks the runs of one side that were on CPUs as near as the most of their block. */
static bool *mark_near(const struct pairs *pairs, const struct pairs_side *side)
{
    bool *kept = support_alloc(side->count + 1);
    const struct proximity_span *best = NULL;
    for (size_t i = 0; i < side->count; i++) {
        if (i == 0 || strcmp(side->runs[i].block, side->runs[i - 1].block) != 0)
            best = place_of(pairs, side->runs[i].block);
        kept[i] = best != NULL && proximity_same(best, &side->runs[i].place);
    }
    return kept;
}

static size_t keep(struct pairs_side *side, bool *kept)
{
    size_t count = 0, before = side->count;
    for (size_t i = 0; i < before; i++)
        if (kept[i])
            side->runs[count++] = side->runs[i];
    MAE_CHECK(count <= before);
    side->count = count;
    free(kept);
    return before - count;
}

static void keep_near(struct pairs *pairs)
{
    bool *a_kept = mark_near(pairs, &pairs->a), *b_kept = mark_near(pairs, &pairs->b);
    size_t a_far = keep(&pairs->a, a_kept), b_far = keep(&pairs->b, b_kept);
    pairs->far = a_far + b_far;
    pairs->apart = (a_far > 0 && pairs->a.count == 0) || (b_far > 0 && pairs->b.count == 0);
}

/* ---- Blocks. ---- */

/* The values of one block, NULL: of all; returns how many. */
static size_t values_of(const struct pairs_side *side, const char *block, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < side->count; i++)
        if (block == NULL || strcmp(side->runs[i].block, block) == 0)
            values[count++] = side->runs[i].value;
    return count;
}

/* Finds the blocks that both sides have, and the values in their order. */
static void find_blocks(struct pairs *pairs)
{
    struct pairs_side *a = &pairs->a, *b = &pairs->b;
    size_t a_at = 0, b_at = 0;
    pairs->block_count = 0;
    for (size_t i = 0; i < a->count; i++) {
        const char *block = a->runs[i].block;
        size_t earlier = 0;
        while (earlier < i && strcmp(a->runs[earlier].block, block) != 0)
            earlier++;
        size_t b_here = earlier == i ? values_of(b, block, &b->values[b_at]) : 0;
        if (b_here == 0)
            continue;
        size_t a_here = values_of(a, block, &a->values[a_at]);
        pairs->blocks[pairs->block_count++] =
            (struct statistics_block){&a->values[a_at], &b->values[b_at], a_here, b_here};
        a_at += a_here;
        b_at += b_here;
    }
    MAE_CHECK(a_at <= a->count && b_at <= b->count); /* no run is in two blocks */
    pairs->alone = a->count - a_at + b->count - b_at;
}

void pairs_make(struct pairs *pairs, bool blocks)
{
    struct pairs_side *a = &pairs->a, *b = &pairs->b;
    MAE_CHECK(a->values == NULL && b->values == NULL && pairs->blocks == NULL);
    a->values = support_alloc((a->count + 1) * sizeof *a->values);
    b->values = support_alloc((b->count + 1) * sizeof *b->values);
    pairs->blocks = support_alloc((a->count + 1) * sizeof *pairs->blocks);
    if (blocks) {
        find_blocks(pairs);
        pairs->common = pairs->block_count;
        keep_near(pairs);
        find_blocks(pairs);
        for (size_t i = a->count = b->count = 0; i < pairs->block_count; i++) {
            a->count += pairs->blocks[i].a_count;
            b->count += pairs->blocks[i].b_count;
        }
    } else {
        keep_near(pairs);
        (void)values_of(a, NULL, a->values);
        (void)values_of(b, NULL, b->values);
    }
}
