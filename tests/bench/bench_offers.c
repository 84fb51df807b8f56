/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions alone: logins of customers in memory, one core, the playbook of tests/playbooks/offers: a login asks
 * five offers through all gates (a card with three learned variants, a loan, a fund that a person releases, a
 * bundle of two).
 * usage: bench_offers [PLAYBOOK [CUSTOMERS]], from the repository's folder
 *
 * Every customer logs in once a day for 90 days, and answers now and then. By CPU time, so a busy machine changes
 * little. Prints one figure a line; "offers" are offers decided, to a channel or to a person. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "base/random.h"
#include "commands/opened.h"
#include "support/engine_kit.h"

enum { DAYS = 90, ANSWER_EVERY = 20, EFFECTS_SIZE = 4 * ENGINE_ARENA_PER_STEP_MAX };

struct bench {
    struct opened opened;
    void *task;
    struct customer **customers;
    uint32_t customer_count;
    struct effects effects;
    uint64_t decisions, offers, candidates;
    double seconds;
};

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void count(struct bench *bench)
{
    for (uint32_t i = 0; i < bench->effects.count; i++) {
        if (bench->effects.outputs[i].kind == OUTPUT_OFFER_DECIDED) {
            const struct offer_decided *said = &bench->effects.outputs[i].offer_decided;
            bench->decisions += said->withdrawn_count == 0;
            bench->offers += said->offer_count + said->for_review_count;
            bench->candidates += said->offer_count + said->for_review_count + said->blocked_count;
        }
    }
    bench->effects.count = 0;
    arena_reset(&bench->effects.arena);
}

static void say(struct bench *bench, uint32_t customer, const struct event *event)
{
    enum engine_result result;
    do {
        double begin = cpu_s();
        result = engine_event(bench->opened.engine, bench->task, bench->customers[customer], event,
                              event->time_ms, &bench->effects);
        bench->seconds += event->source == SOURCE_APP_ENGAGEMENT ? cpu_s() - begin : 0;
        count(bench);
    } while (result == ENGINE_MORE);
}

static struct event profile_of(uint32_t customer, int64_t time_ms)
{
    struct event event = kit_profile(time_ms);
    event.profile.birth_day = 3000 + (int32_t)(customer % 10000);
    event.profile.income_band = (uint8_t)(customer % 6);
    event.profile.risk_profile = 1 + (int32_t)(customer % 7);
    event.profile.knowledge = 1U << ACCOUNT_INVESTMENT;
    event.profile.consent_count = CHANNEL_COUNT;
    for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
        event.profile.consents[i] = (struct consent){time_ms, PURPOSE_MARKETING, (uint8_t)i,
                                                     CONSENT_GRANTED, BASIS_CONSENT};
    }
    return event;
}

/* A day of the bank: everybody logs in at some moment of it, in the same order each day. */
static void live_day(struct bench *bench, int64_t day, struct random *random)
{
    char id[32];
    for (uint32_t i = 0; i < bench->customer_count; i++) {
        int64_t at_ms =
            KIT_START_MS + day * KIT_DAY_MS + (int64_t)i * (KIT_DAY_MS / bench->customer_count);
        struct event event = kit_app(at_ms, "login");
        event.event_id = slice_of(id, (size_t)snprintf(id, sizeof(id), "l%u-%d", i, (int)day));
        say(bench, i, &event);
        if (random_below(random, ANSWER_EVERY) == 0) {
            static const char *const offers[] = {"card", "loan", "saver", "round_up"};
            event = kit_outcome(at_ms + 1, offers[random_below(random, 4)],
                                (enum outcome)random_below(random, 5));
            event.event_id = slice_of(id, (size_t)snprintf(id, sizeof(id), "a%u-%d", i, (int)day));
            say(bench, i, &event);
        }
    }
}

static double mean_record(const struct bench *bench)
{
    static uint8_t bytes[ENGINE_RECORD_SIZE_MAX];
    size_t all = 0;
    for (uint32_t i = 0; i < bench->customer_count; i++) {
        all += engine_customer_pack(bench->opened.engine, bench->customers[i], bytes);
    }
    return (double)all / bench->customer_count;
}

static int open_bench(struct bench *bench, const char *playbook, uint32_t customers)
{
    struct engine_options options = {
        .clock = ENGINE_CLOCK_STREAM, .live_from_ms = INT64_MIN, .salt = 1, .task_count = 1};
    int code = opened_playbook("bench", playbook, false, &bench->opened);
    code = code == 0 ? opened_engine("bench", options, &bench->opened) : code;
    if (code != 0) {
        return code;
    }
    const struct engine *engine = bench->opened.engine;
    bench->customer_count = customers;
    bench->customers = malloc(customers * sizeof(*bench->customers));
    bench->task = malloc(engine_task_size(engine));
    bench->effects.capacity = 4 * ENGINE_OUTPUTS_PER_STEP_MAX;
    bench->effects.outputs = malloc(bench->effects.capacity * sizeof(*bench->effects.outputs));
    arena_init(&bench->effects.arena, malloc(EFFECTS_SIZE), EFFECTS_SIZE);
    engine_task_init(engine, bench->task, 0);
    for (uint32_t i = 0; i < customers; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "b-%u", i);
        bench->customers[i] = malloc(engine_customer_size(engine));
        engine_customer_init(engine, bench->customers[i], slice_text(id));
        struct event event = profile_of(i, KIT_START_MS);
        say(bench, i, &event);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct random random;
    uint32_t customers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2000;
    const char *playbook = argc > 1 ? argv[1] : "tests/playbooks/offers";
    if (customers == 0 || open_bench(&bench, playbook, customers) != 0) {
        (void)fprintf(stderr, "usage: bench_offers [PLAYBOOK [CUSTOMERS]]\n");
        return 64;
    }
    double before = mean_record(&bench);
    random_init(&random, 1);
    live_day(&bench, 1, &random);
    double first = mean_record(&bench);
    for (int64_t day = 2; day <= DAYS; day++) {
        live_day(&bench, day, &random);
    }
    printf("offers_decisions_per_s: %.0f\n", (double)bench.decisions / bench.seconds);
    printf("offers_asked_per_s: %.0f\n", (double)bench.candidates / bench.seconds);
    printf("offers_decided_per_s: %.0f\n", (double)bench.offers / bench.seconds);
    printf("offers_us_per_decision: %.2f\n", bench.seconds * 1e6 / (double)bench.decisions);
    printf("offers_per_decision: %.2f\n", (double)bench.offers / (double)bench.decisions);
    printf("offers_bytes_per_customer_after_a_decision: %.0f\n", first - before);
    printf("offers_bytes_per_customer_after_90_days: %.0f\n", mean_record(&bench) - before);
    return 0;
}
