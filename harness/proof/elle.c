/*
 * elle.c - the history as Elle's list-append checker reads it; see elle.h.
 *
 * Each register is a list. A version appends the element "name * 256 + sequence" of its write; a read returns the
 * elements of the versions from the first to the one read, each found from its successor, which names what it replaced.
 * So lists say what was read and nothing of timestamps is taken for order: a lost update gives two lists neither of
 * which begins with the other, which is what Elle looks for.
 *
 * Every read writes its whole list, so the output grows with the square of the appends to a list; it is bounded.
 */
#include "harness/proof/elle.h"

#include "harness/proof/collect.h"

enum { SEQ_BITS = 8, PRINTED_MAX = 100000000 };

/* A version: what it appends, and the version before. */
struct element {
    uint64_t name, value; /* register; name << SEQ_BITS | seq */
    uint64_t before;      /* the value before, 0: none */
    uint64_t length;      /* of the list that ends here, as far as known */
};

struct elle {
    struct history_checker *checker;
    FILE *out;
    struct history_map by_value; /* number of an element from its register and value */
    struct history_array elements;
    struct history_array list; /* scratch */
    uint64_t index, printed;   /* lines; elements that reads will print */
    char *error;
    size_t error_bytes;
};

static uint64_t value_of(uint64_t name, uint64_t seq)
{
    return name << SEQ_BITS | seq;
}

static struct element *element_of(struct elle *elle, uint64_t name, uint64_t value)
{
    uint32_t number = history_map_number(&elle->by_value, history_pair(name, value));
    if (number == elle->elements.count) {
        struct element *added = history_array_add(&elle->elements, sizeof *added);
        *added = (struct element){.name = name, .value = value};
    }
    return (struct element *)elle->elements.items + number;
}

static bool define(struct elle *elle, const struct history_txn *txn)
{
    for (const uint64_t *at = txn->words; at < txn->end;) {
        struct element *element;
        uint64_t before, length;
        switch (history_kind(at[0])) {
        case HISTORY_WRITE:
            before = value_of(at[2], history_b(at[0]));
            length = element_of(elle, at[1], before)->length;
            element = element_of(elle, at[1], value_of(txn->name, history_a(at[0])));
            element->before = before;
            element->length = length + 1;
            elle->printed += length;
            break;
        case HISTORY_INSERT:
            element_of(elle, at[1], value_of(txn->name, history_a(at[0])))->length = 1;
            break;
        case HISTORY_READ:
            elle->printed += element_of(elle, at[1], value_of(at[2], history_a(at[0])))->length;
            break;
        case HISTORY_BLIND:
        case HISTORY_APPLY:
        case HISTORY_DELETE:
            snprintf(elle->error, elle->error_bytes, "not a history of list appends: transaction %" PRIu64 " does '%s'",
                     txn->name, history_record_text(elle->checker, at));
            return false;
        default:
            break;
        }
        at += history_record_words(elle->checker->history, at, (size_t)(txn->end - at));
    }
    return true;
}

static void print_list(struct elle *elle, uint64_t name, uint64_t value)
{
    elle->list.count = 0;
    /* A list without a beginning cannot be: its length is bounded, and Elle will complain. */
    for (uint64_t at = value; at && elle->list.count <= elle->elements.count; at = element_of(elle, name, at)->before)
        *(uint64_t *)history_array_add(&elle->list, sizeof(uint64_t)) = at;
    fprintf(elle->out, "[:r %" PRIu64 " [", name);
    const uint64_t *items = elle->list.items;
    for (size_t i = elle->list.count; i-- > 0;)
        fprintf(elle->out, "%" PRIu64 "%s", items[i], i ? " " : "");
    fputs("]]", elle->out);
}

static void print_ops(struct elle *elle, const struct history_txn *txn, bool invoke)
{
    const char *blank = "";
    for (const uint64_t *at = txn->words; at < txn->end;) {
        enum history_kind kind = history_kind(at[0]);
        if (kind == HISTORY_READ || kind == HISTORY_WRITE || kind == HISTORY_INSERT) {
            fputs(blank, elle->out);
            blank = " ";
        }
        /* An update has read what it replaced: that counts. */
        if (invoke && (kind == HISTORY_READ || kind == HISTORY_WRITE))
            fprintf(elle->out, "[:r %" PRIu64 " nil]", at[1]);
        else if (kind == HISTORY_READ || kind == HISTORY_WRITE)
            print_list(elle, at[1], value_of(at[2], kind == HISTORY_READ ? history_a(at[0]) : history_b(at[0])));
        if (kind == HISTORY_WRITE || kind == HISTORY_INSERT)
            fprintf(elle->out, "%s[:append %" PRIu64 " %" PRIu64 "]", kind == HISTORY_WRITE ? " " : "", at[1],
                    value_of(txn->name, history_a(at[0])));
        at += history_record_words(elle->checker->history, at, (size_t)(txn->end - at));
    }
}

static void print_txn(struct elle *elle, const struct history_txn *txn, bool committed)
{
    uint64_t process = history_b(txn->words[0]);
    static const char *const types[] = {":invoke", ":fail", ":ok"};
    for (int i = 0; i < 2; i++) {
        int type = i ? 1 + committed : 0;
        fprintf(elle->out, "{:index %" PRIu64 ", :type %s, :f :txn, :process %" PRIu64 ", :value [", elle->index++,
                types[type], process);
        print_ops(elle, txn, type != 2);
        fputs("]}\n", elle->out);
    }
}

bool history_export_elle(struct history_checker *checker, const struct history *history, FILE *out, char *error,
                         size_t error_bytes)
{
    struct history_verdict verdict = {0};
    struct elle elle = {.checker = checker, .out = out, .error = error, .error_bytes = error_bytes};
    bool ok = history_collect(checker, history, &history_serializable, &verdict);
    if (!ok)
        snprintf(error, error_bytes, "the history is malformed");
    for (size_t i = 0; ok && i < checker->txns.count; i++)
        ok = define(&elle, history_txn_at(checker, i));
    for (size_t i = 0; ok && i < checker->aborted.count; i++)
        ok = define(&elle, (const struct history_txn *)checker->aborted.items + i);
    if (ok && elle.printed > PRINTED_MAX) {
        snprintf(error, error_bytes,
                 "every read repeats its list, which makes %" PRIu64 " elements, more than %d: "
                 "record fewer transactions, or more rows",
                 elle.printed, PRINTED_MAX);
        ok = false;
    }
    for (size_t i = 0; ok && i < checker->txns.count; i++)
        print_txn(&elle, history_txn_at(checker, i), true);
    for (size_t i = 0; ok && i < checker->aborted.count; i++)
        print_txn(&elle, (const struct history_txn *)checker->aborted.items + i, false);
    history_map_fini(&elle.by_value);
    free(elle.elements.items);
    free(elle.list.items);
    history_verdict_fini(&verdict);
    return ok;
}
