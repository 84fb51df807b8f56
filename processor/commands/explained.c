/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/explained.h"

#include <inttypes.h>

#include "base/civil.h"
#include "base/show.h"
#include "commands/explained_leaves.h"
#include "commands/explained_series.h"
#include "commands/plain_words.h"

static void put_time(int64_t time_ms, FILE *out)
{
    char text[CIVIL_TEXT_SIZE];
    civil_format_time(time_ms, text);
    (void)fputs(text, out);
}

static void put_value(const struct feature_value *value, bool json, FILE *out)
{
    if (!value->present) {
        (void)fputs(json ? "null" : "-", out);
        return;
    }
    switch (value->type) {
    case FEATURE_INT:
        (void)fprintf(out, "%" PRId64, value->i);
        return;
    case FEATURE_DOUBLE:
        (void)fprintf(out, "%.10g", value->d);
        return;
    case FEATURE_BOOL:
        (void)fputs(value->i != 0 ? "true" : "false", out);
        return;
    case FEATURE_TIME:
        (void)fputs(json ? "\"" : "", out);
        put_time(value->i, out);
        (void)fputs(json ? "\"" : "", out);
        return;
    case FEATURE_STRING:
        if (json) {
            show_json(value->text, out);
        } else {
            show_text(value->text, out);
        }
        return;
    }
}

/* Does it say no more than of a customer of whom nothing has come? A count of 0 does not, of whatever it is 0;
 * a last balance or days since the last visit that are 0 were written by an event. */
static bool says_nothing(const struct feature_value *value, const struct feature_value *of_stranger)
{
    if (!value->present || !of_stranger->present) {
        return !value->present;
    }
    return value->type == FEATURE_DOUBLE   ? value->d == of_stranger->d
           : value->type == FEATURE_STRING ? slice_equal(value->text, of_stranger->text)
                                           : value->i == of_stranger->i;
}

/* `stranger`: the values of a customer of whom nothing has come. */
static void put_features(const struct playbook *playbook, const struct feature_value *values,
                         const struct feature_value *stranger, enum explained_form form, FILE *out)
{
    bool json = form == EXPLAINED_JSON;
    uint32_t left_out = 0;
    (void)fputs(json ? ",\"features\":{" : "features\n", out);
    for (uint32_t i = 0; i < playbook->name_count; i++) {
        if (form == EXPLAINED_SHORT && says_nothing(&values[i], &stranger[i])) {
            left_out++;
            continue;
        }
        (void)fprintf(out, json ? "%s\"%s\":" : "%s  %-32s ", json && i > 0 ? "," : "",
                      playbook->names[i].name);
        if (json || !plain_amount(playbook, i, &values[i], out)) {
            put_value(&values[i], json, out);
        }
        (void)fputs(json ? "" : "\n", out);
    }
    if (left_out > 0) {
        (void)fprintf(out,
                      "  and %u not known, or as of a customer with no events (a count of 0); "
                      "--all shows them\n",
                      left_out);
    }
    (void)fputs(json ? "}" : "", out);
}

/* One line of get: who, since when. */
static void put_short(const struct explanation *explanation, bool json, bool first, FILE *out)
{
    bool life = explanation->kind == EXPLAIN_LIFE_EVENT;
    if (json) {
        (void)fputs(first ? "" : ",", out);
        show_json(explanation->definition.id, out);
        (void)fprintf(out, ":{\"since\":");
        if (explanation->since_ms != 0) {
            (void)fputc('"', out);
            put_time(explanation->since_ms, out);
            (void)fputc('"', out);
        } else {
            (void)fputs("null", out);
        }
        if (life) {
            (void)fprintf(out, ",\"state\":\"%s\",\"confidence\":%.3g",
                          explanation->confirmed ? "CONFIRMED" : "SUSPECTED",
                          explanation->confidence);
        }
        (void)fputc('}', out);
        return;
    }
    (void)fprintf(out, "  %-32.*s ", SLICE_ARG(explanation->definition.id));
    if (life) {
        (void)fprintf(out, "%s %.2g ", explanation->confirmed ? "CONFIRMED" : "SUSPECTED",
                      explanation->confidence);
    }
    if (explanation->since_ms != 0) {
        (void)fputs("since ", out);
        put_time(explanation->since_ms, out);
    }
    (void)fputc('\n', out);
}

/* What holds of one kind. Offers: those that no gate blocks now. */
static enum status put_kind(const struct engine *engine, const void *task,
                            const struct customer *customer, enum explain_kind kind, uint32_t count,
                            int64_t now_ms, bool json, struct arena *arena, FILE *out)
{
    static const char *const names[] = {"segments", "life_events", "offers"};
    static const char *const words[] = {"segments", "life events",
                                        "offers that nothing blocks now"};
    bool first = true;
    (void)fprintf(out, json ? ",\"%s\":{" : "%s\n", json ? names[kind] : words[kind]);
    for (uint32_t i = 0; i < count; i++) {
        struct explanation explanation;
        arena_reset(arena);
        enum status status =
            engine_explain(engine, task, customer, kind, i, now_ms, NULL, arena, &explanation);
        if (status != STATUS_OK) {
            return status;
        }
        if (explanation.holds) {
            put_short(&explanation, json, first, out);
            first = false;
        }
    }
    (void)fputs(json ? "}" : first ? "  none\n" : "", out);
    return STATUS_OK;
}

static void put_head(const struct customer *customer, int64_t now_ms, bool json, FILE *out)
{
    (void)fputs(json ? "{\"customer\":" : "customer ", out);
    if (json) {
        show_json(customer_id(customer), out);
    } else {
        show_text(customer_id(customer), out);
    }
    (void)fputs(json ? ",\"at\":\"" : " at ", out);
    put_time(now_ms, out);
    (void)fprintf(out, json ? "\",\"outputs\":%" PRIu64 : ", %" PRIu64, customer->changes);
    if (!json) {
        (void)fprintf(out, " output%s so far", show_s(customer->changes));
    }
    if (customer->deadline_ms != INT64_MAX) {
        (void)fputs(json ? ",\"next_look\":\"" : ", next look ", out);
        put_time(customer->deadline_ms, out);
        (void)fputs(json ? "\"" : "", out);
    }
    (void)fputs(json ? "" : "\n", out);
}

static enum status put_all_features(const struct engine *engine, const struct playbook *playbook,
                                    const struct customer *customer, int64_t now_ms,
                                    enum explained_form form, struct arena *arena, FILE *out)
{
    const struct feature_value *values, *of_stranger;
    arena_reset(arena);
    struct customer *stranger = arena_take(arena, engine_customer_size(engine));
    if (stranger == NULL) {
        return STATUS_FULL;
    }
    engine_customer_init(engine, stranger, customer_id(customer));
    enum status status = engine_values(engine, customer, now_ms, arena, &values);
    if (status == STATUS_OK) {
        status = engine_values(engine, stranger, now_ms, arena, &of_stranger);
    }
    if (status == STATUS_OK) {
        put_features(playbook, values, of_stranger, form, out);
    }
    return status;
}

enum status explained_customer(const struct engine *engine, const struct playbook *playbook,
                               const void *task, const struct customer *customer, int64_t now_ms,
                               enum explained_form form, struct arena *arena, FILE *out)
{
    bool json = form == EXPLAINED_JSON;
    put_head(customer, now_ms, json, out);
    enum status status = STATUS_OK;
    if (json) {
        status = put_all_features(engine, playbook, customer, now_ms, form, arena, out);
    }
    const struct {
        enum explain_kind kind;
        uint32_t count;
    } kinds[] = {{EXPLAIN_LIFE_EVENT, playbook->life.count},
                 {EXPLAIN_SEGMENT, playbook->segments.count},
                 {EXPLAIN_OFFER, playbook->offers.count}};
    for (size_t i = 0; i < 3 && status == STATUS_OK; i++) {
        status = put_kind(engine, task, customer, kinds[i].kind, kinds[i].count, now_ms, json,
                          arena, out);
    }
    if (!json && status == STATUS_OK) {
        status = put_all_features(engine, playbook, customer, now_ms, form, arena, out);
    }
    /* What is cut short must not look whole. */
    (void)fputs(json && status == STATUS_OK ? "}\n" : "", out);
    return status;
}

/* ---- why ---- */

static void put_verdict(const struct explanation *e, FILE *out)
{
    if (e->kind == EXPLAIN_OFFER) {
        (void)fputs(e->holds ? "NOTHING BLOCKS IT NOW" : "BLOCKED NOW", out);
    } else if (e->kind == EXPLAIN_LIFE_EVENT) {
        (void)fputs(e->confirmed ? "CONFIRMED" : e->holds ? "SUSPECTED" : "NO", out);
    } else {
        (void)fputs(e->holds ? "IN" : "OUT", out);
    }
    if (e->since_ms != 0) {
        (void)fputs(" since ", out);
        put_time(e->since_ms, out);
    }
    (void)fprintf(out, " (v%d, %016" PRIx64 ")", e->definition.version, e->definition.hash);
    if (e->kind == EXPLAIN_LIFE_EVENT && e->holds) {
        (void)fprintf(out, " confidence %.2g", e->confidence);
    }
    if (e->waiting_until_ms != 0) {
        (void)fputs(" waiting until ", out);
        put_time(e->waiting_until_ms, out);
    }
    (void)fputc('\n', out);
}

/* The evidence that speaks for a life event (`against`: that speaks against it), seen or not. */
static void put_side(const struct explanation *e, bool against, bool seen, const char *title,
                     FILE *out)
{
    bool any = false;
    for (uint32_t i = 0; i < e->signal_count; i++) {
        const struct explain_signal *signal = &e->signals[i];
        if ((signal->weight < 0) != against || (signal->weighs != 0) != seen) {
            continue;
        }
        struct slice words = signal->about.size > 0 ? signal->about : signal->id;
        (void)fprintf(out, "%s    - ", any ? "" : title);
        show_text(words, out);
        if (seen && signal->seen_ms != 0) {
            (void)fputs(", last on ", out); /* it need not hold any more: it fades */
            explained_date(e, signal->seen_ms, out);
        }
        (void)fputc('\n', out);
        any = true;
    }
}

/* Is what it means so at present, and if so, why is it not open? */
static void put_meaning(const struct explanation *e, FILE *out)
{
    bool yes = e->has_primary && e->rule == EXPLAIN_YES;
    (void)fputs("  It means: ", out);
    show_text(e->about, out);
    (void)fputs(!e->has_primary              ? "."
                : e->rule == EXPLAIN_UNKNOWN ? ". Whether that is so at present is not known."
                : !yes                       ? ". That is not so at present."
                : e->holds                   ? ". That is so at present."
                                             : ". That is so at present, but",
                out);
    if (!yes || e->holds) {
        (void)fputc('\n', out);
    } else if (e->ruled_out.size == 0) {
        (void)fputs(e->spent ? " it was judged before and nothing has changed since.\n"
                             : " there is not enough evidence.\n",
                    out);
    } else {
        (void)fputs(" it is ruled out.\n", out);
    }
    if (!e->holds && e->ruled_out.size > 0) {
        (void)fputs("  What rules it out: ", out);
        show_text(e->ruled_out, out);
        (void)fputc('\n', out);
    }
    if (e->ended_ms != 0) {
        (void)fputs("  The last one was over on ", out);
        explained_date(e, e->ended_ms, out);
        (void)fputs(".\n", out);
    }
}

static void put_policy(const struct explanation *e, FILE *out)
{
    if (e->vulnerable) {
        (void)fputs("  Care, never marketing, while it is open. The customer's own word decides: "
                    "report it as feedback.\n",
                    out);
    }
    if (e->route.size > 0) {
        (void)fputs("  Who acts on it: ", out);
        show_text(e->route, out);
        (void)fputs(".\n", out);
    }
}

/* For an adviser who sits beside the customer: words first, the rule's own leaves with their values last. */
static void put_life(const struct explanation *e, FILE *out)
{
    if (e->about.size > 0) {
        put_meaning(e, out);
    }
    if (e->holds && e->calibrated) {
        (void)fprintf(
            out, "  How sure: of 100 customers with the same evidence it is true of about %.0f.\n",
            e->confidence * 100);
    }
    explained_series(e, out);
    put_side(e, false, true, "  What speaks for it:\n", out);
    put_side(e, true, true, "  What speaks against it:\n", out);
    put_side(e, false, false, "  Not seen, and would speak for it:\n", out);
    put_side(e, true, false, "  Not seen, and would speak against it:\n", out);
    if (e->holds) {
        put_policy(e, out);
    }
    (void)fputs(e->leaf_count > 0 ? "  The rule, condition by condition:\n" : "", out);
}

/* Was it offered, and what came of that? What stands below is as of now. */
static void put_offered(const struct explanation *e, FILE *out)
{
    if (e->offered_ms == 0) {
        (void)fputs("  Never offered.", out);
    } else {
        (void)fputs("  Last offered ", out);
        put_time(e->offered_ms, out);
        (void)fprintf(out, " by %s, decision %.*s; ", codes_text(&codes_channel, e->channel),
                      SLICE_ARG(e->decision_id));
        (void)fputs(e->heard_ms == 0 ? "nothing that counts was heard of it since"
                                     : codes_text(&codes_outcome, e->heard),
                    out);
        if (e->heard_ms != 0) {
            (void)fputc(' ', out);
            put_time(e->heard_ms, out);
        }
        (void)fputc('.', out);
    }
    if (e->held_until_ms != 0) {
        (void)fputs(" Quiet hours hold it until ", out);
        put_time(e->held_until_ms, out);
        (void)fputc('.', out);
    }
    (void)fputs("\n  Decided whenever ", out);
    show_text(e->trigger, out);
    (void)fputs(".\n  As things stand now:\n", out);
}

static void put_text(const struct explanation *e, FILE *out)
{
    put_verdict(e, out);
    if (e->kind == EXPLAIN_OFFER) {
        put_offered(e, out);
    }
    if (e->kind == EXPLAIN_LIFE_EVENT) {
        put_life(e, out);
    }
    explained_leaves(e, out);
    for (uint32_t i = 0; i < e->gate_count; i++) {
        bool passed = e->gates[i].reason.size == 0;
        (void)fprintf(out, "  %-14.*s %s%.*s\n", SLICE_ARG(e->gates[i].gate),
                      passed ? "passed" : "blocks: ", SLICE_ARG(e->gates[i].reason));
    }
    for (uint32_t i = 0; i < e->missing_count; i++) {
        (void)fprintf(out, "  missing: %.*s\n", SLICE_ARG(e->missing[i]));
    }
    const struct {
        const char *name;
        struct slice text;
    } words[] = {{"need", e->need},
                 {"purpose", e->purpose},
                 {"data category", e->data_category},
                 {"to the customer", e->disclosure}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].text.size > 0) {
            (void)fprintf(out, "  %s: ", words[i].name);
            show_text(words[i].text, out);
            (void)fputc('\n', out);
        }
    }
}

/* Of a life event no leaf has to be otherwise: evidence adds up. */
static void put_life_in_the_way(const struct explanation *e, FILE *out)
{
    if (e->ruled_out.size > 0) {
        (void)fputs("  in the way: it is ruled out: ", out);
        show_text(e->ruled_out, out);
        (void)fputc('\n', out);
    }
    if (e->has_primary && e->rule != EXPLAIN_YES) {
        (void)fputs(e->rule == EXPLAIN_NO ? "  in the way: this is not so at present: "
                                          : "  in the way: nobody knows whether this is so: ",
                    out);
        show_text(e->about.size > 0 ? e->about : e->definition.id, out);
        (void)fputc('\n', out);
    }
    if (e->spent) {
        (void)fputs("  in the way: it was judged before and nothing has changed since\n", out);
    }
    put_side(e, true, true, "  What speaks against it:\n", out);
    put_side(e, false, false, "  Not seen, and would speak for it:\n", out);
}

void explained_in_the_way(const struct explanation *e, FILE *out)
{
    bool life = e->kind == EXPLAIN_LIFE_EVENT;
    put_verdict(e, out);
    if (life ? e->confirmed : e->holds) {
        (void)fputs("  nothing is in the way\n", out);
        return;
    }
    if (!life) {
        explained_leaves_in_the_way(e, out);
    }
    for (uint32_t i = 0; i < e->gate_count; i++) {
        if (e->gates[i].reason.size > 0) {
            (void)fprintf(out, "  blocks: %.*s: %.*s\n", SLICE_ARG(e->gates[i].gate),
                          SLICE_ARG(e->gates[i].reason));
        }
    }
    for (uint32_t i = 0; i < e->missing_count; i++) {
        (void)fprintf(out, "  missing: %.*s\n", SLICE_ARG(e->missing[i]));
    }
    if (life) {
        put_life_in_the_way(e, out);
    }
}

static void put_json_life(const struct explanation *e, FILE *out)
{
    (void)fprintf(out, ",\"confidence\":%.3g,\"ended\":%" PRId64 ",\"vulnerable\":%s,\"about\":",
                  e->confidence, e->ended_ms, e->vulnerable ? "true" : "false");
    show_json(e->about, out);
    (void)fputs(",\"route\":", out);
    show_json(e->route, out);
    (void)fputs(",\"ruled_out\":", out);
    show_json(e->ruled_out, out);
    (void)fputs(",\"evidence\":[", out);
    for (uint32_t i = 0; i < e->signal_count; i++) {
        const struct explain_signal *signal = &e->signals[i];
        (void)fputs(i == 0 ? "{\"signal\":" : ",{\"signal\":", out);
        show_json(signal->id, out);
        (void)fputs(",\"about\":", out);
        show_json(signal->about, out);
        (void)fprintf(out, ",\"weight\":%.4g,\"weighs\":%.4g,\"seen\":%" PRId64 "}", signal->weight,
                      signal->weighs, signal->seen_ms);
    }
    (void)fputc(']', out);
}

static void put_json(const struct explanation *e, FILE *out)
{
    static const char *const rules[] = {"no", "yes", "unknown"};
    (void)fputs("{\"id\":", out);
    show_json(e->definition.id, out);
    (void)fprintf(out,
                  ",\"version\":%d,\"hash\":\"%016" PRIx64
                  "\",\"holds\":%s,\"confirmed\":%s,\"rule\":\"%s\"",
                  e->definition.version, e->definition.hash, e->holds ? "true" : "false",
                  e->confirmed ? "true" : "false", rules[e->rule]);
    (void)fprintf(out, ",\"since\":%" PRId64 ",\"waiting_until\":%" PRId64, e->since_ms,
                  e->waiting_until_ms);
    if (e->kind == EXPLAIN_LIFE_EVENT) {
        put_json_life(e, out);
    }
    if (e->kind == EXPLAIN_OFFER) {
        (void)fprintf(out, ",\"offered\":%" PRId64 ",\"decision_id\":", e->offered_ms);
        show_json(e->decision_id, out);
        (void)fprintf(out, ",\"held_until\":%" PRId64, e->held_until_ms);
    }
    (void)fputs(",\"leaves\":[", out);
    for (uint32_t i = 0; i < e->leaf_count; i++) {
        (void)fputs(i == 0 ? "" : ",", out);
        explained_json_leaf(&e->leaves[i], out);
    }
    (void)fputs("],\"gates\":{", out);
    for (uint32_t i = 0; i < e->gate_count; i++) {
        (void)fputs(i == 0 ? "" : ",", out);
        show_json(e->gates[i].gate, out);
        (void)fputc(':', out);
        show_json(e->gates[i].reason, out);
    }
    (void)fputs("},\"missing\":[", out);
    for (uint32_t i = 0; i < e->missing_count; i++) {
        (void)fputs(i == 0 ? "" : ",", out);
        show_json(e->missing[i], out);
    }
    const struct {
        const char *name;
        struct slice text;
    } words[] = {{"need", e->need},
                 {"purpose", e->purpose},
                 {"data_category", e->data_category},
                 {"disclosure", e->disclosure}};
    (void)fputs("]", out);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        (void)fprintf(out, ",\"%s\":", words[i].name);
        show_json(words[i].text, out);
    }
    (void)fputs("}\n", out);
}

void explained_print(const struct explanation *explanation, bool json, FILE *out)
{
    if (json) {
        put_json(explanation, out);
    } else {
        put_text(explanation, out);
    }
}
