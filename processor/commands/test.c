/* SPDX-License-Identifier: Apache-2.0 */
/* segue test: run the tests written in a playbook, each on a customer and a task of its own with a
 * clock that is told. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "codec/ndjson.h"
#include "commands/all.h"
#include "commands/coverage.h"
#include "commands/opened.h"
#include "engine/explain.h"
#include "playbook/tests.h"

static const char help[] =
    "usage: segue test [--playbook PATH] [--verbose] [--coverage PERCENT] [FILTER]\n\n"
    "Runs the tests: of every life event, segment and offer (those whose id "
    "or name has FILTER in it).\n"
    "Exit 1 when one fails. Says at the end how many leaves of the rules "
    "were seen both true and false;\n"
    "  --verbose            also lists those that were not, and the tests that passed\n"
    "  --coverage PERCENT   exit 1 also when fewer leaves than that were seen both ways\n";

enum {
    OUTPUTS = 1024,
    EFFECTS_SIZE = 4 << 20,
    KEEP_SIZE = 4 << 20,
    LINE_ARENA_SIZE = 2 * NDJSON_LINE_SIZE_MAX,
    SALTS_TRIED = 100000,
};

struct tester {
    struct opened opened;
    struct customer *customer;
    void *task;
    struct effects effects;
    struct arena line_arena;
    bool verbose;
    const char *filter; /* NULL: all tests */
    uint32_t passed, failed;
    struct coverage coverage;
    struct arena keep; /* the playbook for tests */
    struct arena explain;
};

/* The last thing that was said about the definition under test. */
struct verdict {
    enum playbook_expect said;
    int64_t effective_at_ms;
    char gate[32];
    char reason[200];
    bool broken; /* an event of the test is none */
};

/* ---- verdicts ---- */

static bool is_among(const struct ranked_offer *offers, uint32_t count, struct slice id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slice_equal(offers[i].offer.id, id)) {
            return true;
        }
    }
    return false;
}

static void say_blocked(struct verdict *verdict, struct slice gate, struct slice reason)
{
    verdict->said = EXPECT_BLOCKED;
    (void)snprintf(verdict->gate, sizeof(verdict->gate), "%.*s", SLICE_ARG(gate));
    (void)snprintf(verdict->reason, sizeof(verdict->reason), "%.*s", SLICE_ARG(reason));
}

/* Offered, to a channel or to a reviewer; blocked, or withdrawn later. */
static void judge_offer(const struct offer_decided *decided, struct slice id,
                        struct verdict *verdict)
{
    if (is_among(decided->offers, decided->offer_count, id) ||
        is_among(decided->for_review, decided->for_review_count, id)) {
        verdict->said = EXPECT_OFFERED;
        return;
    }
    for (uint32_t i = 0; i < decided->blocked_count; i++) {
        if (slice_equal(decided->blocked[i].offer_id, id)) {
            say_blocked(verdict, decided->blocked[i].gate, decided->blocked[i].reason);
            return;
        }
    }
    for (uint32_t i = 0; i < decided->withdrawn_count; i++) {
        if (slice_equal(decided->withdrawn[i].offer_id, id)) {
            say_blocked(verdict, decided->withdrawn[i].gate, decided->withdrawn[i].reason);
            return;
        }
    }
}

static void judge(struct tester *tester, const struct playbook_test *test,
                  const struct output *output, struct verdict *verdict)
{
    static const enum playbook_expect of_state[] = {EXPECT_SUSPECTED, EXPECT_CONFIRMED,
                                                    EXPECT_EXPIRED, EXPECT_REFUTED};
    enum playbook_expect before = verdict->said;
    if (output->kind == OUTPUT_SEGMENT_CHANGED && test->kind == PLAYBOOK_SEGMENT &&
        slice_equal(output->segment_changed.segment.id, test->id)) {
        const struct segment_changed *changed = &output->segment_changed;
        verdict->said = changed->transition == TRANSITION_EXITED ? EXPECT_EXITED : EXPECT_ENTERED;
        verdict->effective_at_ms = changed->effective_at_ms;
        coverage_leaves(&tester->coverage, PLAYBOOK_SEGMENT, test->id, changed->proof,
                        changed->proof_count, true);
    } else if (output->kind == OUTPUT_LIFE_EVENT && test->kind == PLAYBOOK_LIFE_EVENT &&
               slice_equal(output->life_event.life_event.id, test->id) &&
               output->life_event.state < LIFE_EVENT_STATE_COUNT) {
        verdict->said = of_state[output->life_event.state];
        verdict->effective_at_ms = output->life_event.effective_at_ms;
        coverage_leaves(&tester->coverage, PLAYBOOK_LIFE_EVENT, test->id, output->life_event.proof,
                        output->life_event.proof_count, true);
    } else if (output->kind == OUTPUT_OFFER_DECIDED && test->kind == PLAYBOOK_OFFER) {
        judge_offer(&output->offer_decided, test->id, verdict);
        verdict->effective_at_ms = verdict->said == before ? verdict->effective_at_ms
                                                           : output->offer_decided.effective_at_ms;
    }
}

static bool explain(struct tester *tester, enum playbook_kind kind, uint32_t index, int64_t now_ms,
                    const struct event *event, struct explanation *out_explanation)
{
    static const enum explain_kind kinds[] = {[PLAYBOOK_LIFE_EVENT] = EXPLAIN_LIFE_EVENT,
                                              [PLAYBOOK_SEGMENT] = EXPLAIN_SEGMENT,
                                              [PLAYBOOK_OFFER] = EXPLAIN_OFFER};
    arena_reset(&tester->explain);
    return engine_explain(tester->opened.engine, tester->task, tester->customer, kinds[kind], index,
                          now_ms, event, &tester->explain, out_explanation) == STATUS_OK;
}

static void take_effects(struct tester *tester, const struct playbook_test *test,
                         struct verdict *verdict)
{
    for (uint32_t i = 0; i < tester->effects.count; i++) {
        judge(tester, test, &tester->effects.outputs[i], verdict);
    }
    tester->effects.count = 0;
    arena_reset(&tester->effects.arena);
}

static void advance(struct tester *tester, const struct playbook_test *test, int64_t now_ms,
                    struct verdict *verdict)
{
    enum engine_result result;
    do {
        result = engine_advance(tester->opened.engine, tester->task, tester->customer, now_ms,
                                &tester->effects);
        take_effects(tester, test, verdict);
    } while (result == ENGINE_MORE);
}

/* What the rule would say at `now_ms`, after `event` (may be NULL): leaves that hold back count as much as
 * those that let in. */
static void look(struct tester *tester, const struct playbook_test *test, int64_t now_ms,
                 const struct event *event)
{
    struct explanation explanation;
    if (explain(tester, (enum playbook_kind)test->kind, test->index, now_ms, event, &explanation)) {
        coverage_leaves(&tester->coverage, (enum playbook_kind)test->kind, test->id,
                        explanation.leaves, explanation.leaf_count, true);
    }
}

static struct verdict run_events(struct tester *tester, const struct playbook_test *test)
{
    struct verdict verdict = {.said = EXPECT_NEVER};
    const struct engine *engine = tester->opened.engine;
    int64_t now_ms = INT64_MIN;
    engine_task_init(engine, tester->task, 0);
    engine_customer_init(engine, tester->customer, slice_text("test"));
    for (uint32_t i = 0; i < test->line_count; i++) {
        struct event event = {0};
        struct ndjson_error error;
        arena_reset(&tester->line_arena);
        if (ndjson_parse(test->lines[i], &tester->line_arena, &event, &error) != STATUS_OK) {
            (void)printf("  event %u: %s\n  %.*s\n", i + 1, error.text.text,
                         SLICE_ARG(test->lines[i]));
            verdict.broken = true;
            return verdict;
        }
        event.offset = i;
        now_ms = event.time_ms > now_ms ? event.time_ms : now_ms;
        look(tester, test, now_ms, &event);
        while (engine_event(engine, tester->task, tester->customer, &event, now_ms,
                            &tester->effects) == ENGINE_MORE) {
            take_effects(tester, test, &verdict);
            advance(tester, test, now_ms, &verdict);
        }
        take_effects(tester, test, &verdict);
    }
    if (test->now_ms != INT64_MIN && test->now_ms > now_ms) {
        advance(tester, test, test->now_ms, &verdict);
        look(tester, test, test->now_ms, NULL);
    }
    return verdict;
}

static void describe(const struct tester *tester, const struct verdict *verdict, char *out,
                     size_t size)
{
    char day[CIVIL_TEXT_SIZE] = "";
    if (verdict->said == EXPECT_BLOCKED) {
        (void)snprintf(out, size, "blocked: %s%s%s", verdict->gate,
                       verdict->reason[0] == '\0' ? "" : ":", verdict->reason);
    } else if (verdict->said == EXPECT_NEVER) {
        (void)snprintf(out, size, "never");
    } else {
        civil_format_date(zones_local_day(tester->opened.zones, tester->opened.playbook->zone,
                                          verdict->effective_at_ms),
                          day);
        (void)snprintf(out, size, "%s: %s", playbook_expect_name(verdict->said), day);
    }
}

static bool agrees(const struct tester *tester, const struct playbook_test *test,
                   const struct verdict *verdict)
{
    const struct playbook *playbook = tester->opened.playbook;
    if (verdict->broken || verdict->said != test->expect) {
        return false;
    }
    if (test->expect == EXPECT_BLOCKED) {
        return slice_is(test->gate, verdict->gate) &&
               (test->reason.size == 0 || slice_is(test->reason, verdict->reason));
    }
    return test->expect_day == INT32_MIN ||
           zones_local_day(tester->opened.zones, playbook->zone, verdict->effective_at_ms) ==
               test->expect_day;
}

static void run_one(struct tester *tester, const struct playbook_test *test)
{
    struct verdict verdict = run_events(tester, test);
    bool good = agrees(tester, test, &verdict);
    tester->passed += good;
    tester->failed += !good;
    if (good && !tester->verbose) {
        return;
    }
    char said[300], wanted[300], day[CIVIL_TEXT_SIZE] = "";
    describe(tester, &verdict, said, sizeof(said));
    if (test->expect_day != INT32_MIN) {
        civil_format_date(test->expect_day, day);
    }
    (void)snprintf(wanted, sizeof(wanted), "%s%s%s%.*s%s%.*s", playbook_expect_name(test->expect),
                   test->expect_day != INT32_MIN || test->gate.size > 0 ? ": " : "", day,
                   SLICE_ARG(test->gate), test->reason.size > 0 ? ":" : "",
                   SLICE_ARG(test->reason));
    (void)printf("%s %.*s: %.*s\n", good ? "ok    " : "FAILED", SLICE_ARG(test->id),
                 SLICE_ARG(test->name));
    if (!good) {
        (void)printf("  --> %s:%u:%u\n  expected %s, got %s\n", test->span.file->path,
                     test->span.line, test->span.column, wanted,
                     verdict.broken ? "nothing: the event above is none" : said);
    }
}

/* ---- set-up ---- */

static bool held_out(const struct playbook *playbook, uint64_t salt)
{
    struct slice id = slice_text("test");
    const struct offers *offers = &playbook->offers;
    if (step_bucket(salt, id, offers->policy.holdout_layer) < offers->policy.holdout) {
        return true;
    }
    for (uint32_t i = 0; i < offers->count; i++) {
        if (step_bucket(salt, id, offers->defs[i].holdout_layer) < offers->defs[i].holdout) {
            return true;
        }
    }
    return false;
}

/* A salt under which the test's customer is in no control group: tests are about rules. */
static uint64_t open_salt(const struct playbook *playbook)
{
    uint64_t salt = 0;
    while (salt < SALTS_TRIED && held_out(playbook, salt)) {
        salt++;
    }
    return salt;
}

static int open_all(struct tester *tester, const char *path)
{
    int code = opened_playbook("test", path, false, &tester->opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    arena_init(&tester->keep, memory_take(KEEP_SIZE, "test"), KEEP_SIZE);
    tester->opened.playbook = playbook_for_tests(tester->opened.playbook, &tester->keep);
    INVARIANT(tester->opened.playbook != NULL); /* KEEP_SIZE is for the largest */
    struct engine_options options = {.clock = ENGINE_CLOCK_STREAM,
                                     .live_from_ms = INT64_MIN,
                                     .salt = open_salt(tester->opened.playbook),
                                     .task_count = 1};
    code = opened_engine("test", options, &tester->opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    tester->customer = memory_take(engine_customer_size(tester->opened.engine), "test");
    tester->task = memory_take(engine_task_size(tester->opened.engine), "test");
    tester->effects.outputs = memory_take(OUTPUTS * sizeof(struct output), "effects");
    tester->effects.capacity = OUTPUTS;
    coverage_open(&tester->coverage);
    arena_init(&tester->effects.arena, memory_take(EFFECTS_SIZE, "effects"), EFFECTS_SIZE);
    arena_init(&tester->line_arena, memory_take(LINE_ARENA_SIZE, "test"), LINE_ARENA_SIZE);
    arena_init(&tester->explain, memory_take(EXPLAIN_ARENA_SIZE, "test"), EXPLAIN_ARENA_SIZE);
    return EXIT_GOOD;
}

static bool has_text(struct slice text, const char *part)
{
    size_t size = strlen(part);
    for (size_t at = 0; at + size <= text.size; at++) {
        if (memcmp(text.data + at, part, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool wanted(const struct playbook_test *test, const char *filter)
{
    return filter == NULL || has_text(test->id, filter) || has_text(test->name, filter);
}

/* A definition whose leaves are counted: one whose tests run, or that ought to have some. */
static bool counts(const struct tester *tester, enum playbook_kind kind, uint32_t index,
                   struct slice id)
{
    const struct playbook *playbook = tester->opened.playbook;
    if (tester->filter == NULL || has_text(id, tester->filter)) {
        return true;
    }
    for (uint32_t i = 0; i < playbook->test_count; i++) {
        const struct playbook_test *test = &playbook->tests[i];
        if (test->kind == kind && test->index == index && wanted(test, tester->filter)) {
            return true;
        }
    }
    return false;
}

/* All leaves of a definition, as those of a customer of whom nothing is known; an exit shows only for who is
 * in. */
static void declare(struct tester *tester, enum playbook_kind kind, uint32_t index, struct slice id)
{
    struct explanation explanation;
    if (counts(tester, kind, index, id) && explain(tester, kind, index, 0, NULL, &explanation)) {
        coverage_leaves(&tester->coverage, kind, id, explanation.leaves, explanation.leaf_count,
                        false);
        if (kind == PLAYBOOK_SEGMENT) {
            coverage_condition(&tester->coverage, kind, id,
                               &tester->opened.playbook->segments.defs[index].exit_when);
        }
    }
}

static void declare_all(struct tester *tester)
{
    const struct playbook *playbook = tester->opened.playbook;
    engine_task_init(tester->opened.engine, tester->task, 0);
    engine_customer_init(tester->opened.engine, tester->customer, slice_text("test"));
    for (uint32_t i = 0; i < playbook->life.count; i++) {
        declare(tester, PLAYBOOK_LIFE_EVENT, i, playbook->life.defs[i].id);
    }
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        declare(tester, PLAYBOOK_SEGMENT, i, playbook->segments.defs[i].id);
    }
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        declare(tester, PLAYBOOK_OFFER, i, playbook->offers.defs[i].id);
    }
}

static bool has_test(const struct playbook *playbook, enum playbook_kind kind, uint32_t index)
{
    for (uint32_t i = 0; i < playbook->test_count; i++) {
        if (playbook->tests[i].kind == kind && playbook->tests[i].index == index) {
            return true;
        }
    }
    return false;
}

static void print_untested(const struct playbook *playbook)
{
    for (uint32_t i = 0; i < playbook->life.count; i++) {
        if (!has_test(playbook, PLAYBOOK_LIFE_EVENT, i)) {
            (void)printf("no test: life event %.*s\n", SLICE_ARG(playbook->life.defs[i].id));
        }
    }
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        if (!has_test(playbook, PLAYBOOK_SEGMENT, i)) {
            (void)printf("no test: segment %.*s\n", SLICE_ARG(playbook->segments.defs[i].id));
        }
    }
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        if (!has_test(playbook, PLAYBOOK_OFFER, i)) {
            (void)printf("no test: offer %.*s\n", SLICE_ARG(playbook->offers.defs[i].id));
        }
    }
}

/* Exit 1: a test failed, none has the filter, or too few leaves were seen. */
static int finish(const struct tester *tester, uint32_t coverage_min)
{
    uint32_t percent = coverage_percent(&tester->coverage);
    if (tester->filter == NULL) {
        print_untested(tester->opened.playbook);
    }
    coverage_print(&tester->coverage, tester->verbose, stdout);
    (void)printf("%u passed, %u failed\n", tester->passed, tester->failed);
    if (tester->filter != NULL && tester->passed + tester->failed == 0) {
        (void)fprintf(stderr, "segue test: no test has `%s` in its name or its definition's id\n",
                      tester->filter);
        return EXIT_NO;
    }
    if (percent < coverage_min) {
        (void)fprintf(stderr,
                      "segue test: %u%% of the leaves were seen both ways, %u%% are asked for; "
                      "--verbose lists "
                      "the others\n",
                      percent, coverage_min);
        return EXIT_NO;
    }
    return tester->failed == 0 ? EXIT_GOOD : EXIT_NO;
}

/* EXIT_GOOD, or the exit code; `out_done`: there is nothing more to do. */
static int take_options(struct tester *tester, int argument_count, char **arguments,
                        const char **out_path, uint32_t *out_coverage_min, bool *out_done)
{
    static const struct option options[] = {{"playbook", required_argument, NULL, 'p'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"coverage", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    char *end = NULL;
    unsigned long percent = 0;
    optind = 1;
    *out_done = true;
    while ((option = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            *out_path = optarg;
            break;
        case 'v':
            tester->verbose = true;
            break;
        case 'c':
            percent = strtoul(optarg, &end, 10);
            if (*end != '\0' || end == optarg || percent > 100) {
                (void)fprintf(stderr, "segue test: --coverage takes 0 to 100, not %s\n", optarg);
                return EXIT_USAGE;
            }
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_GOOD;
        default:
            (void)fputs(help, stderr);
            return EXIT_USAGE;
        }
    }
    if (argument_count - optind > 1) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    tester->filter = optind < argument_count ? arguments[optind] : NULL;
    *out_coverage_min = (uint32_t)percent;
    *out_done = false;
    return EXIT_GOOD;
}

int test_run(int argument_count, char **arguments)
{
    static struct tester tester;
    const char *path = "config/playbooks/retail";
    uint32_t coverage_min = 0;
    bool done;
    int code = take_options(&tester, argument_count, arguments, &path, &coverage_min, &done);
    if (code != EXIT_GOOD || done) {
        return code;
    }
    code = open_all(&tester, path);
    if (code != EXIT_GOOD) {
        return code;
    }
    const struct playbook *playbook = tester.opened.playbook;
    declare_all(&tester);
    for (uint32_t i = 0; i < playbook->test_count; i++) {
        if (wanted(&playbook->tests[i], tester.filter)) {
            run_one(&tester, &playbook->tests[i]);
        }
    }
    return finish(&tester, coverage_min);
}
