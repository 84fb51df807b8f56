/* SPDX-License-Identifier: Apache-2.0 */
/* The closed loop on LifeSim: its customers live through the retail playbook as it is, are made its offers, and
 * answer by rates that only this file knows, three days later; the answers go back in.
 *
 *   - of the learned variants the better one's share grows; what is lost against always-best is less than what
 *     dealing evenly would have lost of the same decisions
 *   - what the offers brought against the global control group: the interval never leaves out the truth, at twenty
 *     looks, in at least 95 of 100 banks
 *   - the split of the global layer: no alarm in any bank; an alarm where two thirds of the control group get lost
 *
 * Only the control group's share is the test's own: 2 % of so few would be nobody. BANKS=n takes n banks for the
 * intervals instead of 1, PEOPLE=n a bank of n for the variants (tests/run long: 100, 6000); SEED=n others. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "closed_loop.h"
#include "codec/ndjson.h"
#include "lifesim/lifesim.h"
#include "support/engine_kit.h"
#include "support/suite.h"

enum {
    CUSTOMERS = 300,        /* of one of the banks whose intervals are looked at */
    CUSTOMERS_LEARN = 2400, /* of the one whose variants are: some 70 decisions late */
    DAYS = 120,
    HOLDOUT = 3000, /* of 10,000 */
    ANSWERS = 65536,
    ANSWER_DAYS = 3,
    TEXT_SIZE = 48,
    ARENA_SIZE = 1 << 20,
    SAID_SIZE = 4 << 20,
    UNITS_LOOK = 10
};

/* Who buys anyway; who buys what is offered, and of learned offers by variant: the playbook's last is better. */
static const double rate_anyway = 0.03, rate_offered = 0.1, rate_worse = 0.05, rate_better = 0.2;

struct answer {
    int64_t due_ms;
    uint32_t customer;
    uint8_t channel;
    bool accepted;
    char offer[TEXT_SIZE], variant[TEXT_SIZE], decision[TEXT_SIZE];
};

struct bank {
    const struct playbook *playbook;
    const struct engine *engine;
    void *task;
    struct customer **customers;
    uint32_t count;
    bool *in_global; /* who is in the global experiment yet */
    struct effects effects;
    void *said; /* of the effects' arena */
    struct random random;
    struct answer answers[ANSWERS]; /* a ring: every answer takes as long */
    uint32_t first, waiting;
    uint64_t serial;
    /* of the learned offers */
    uint32_t drawn[2], better[2];
    double lost;
    /* of the global layer */
    struct looked looked;
    int64_t split[2];
    uint32_t units;
};

static void copy_text(char out[TEXT_SIZE], struct slice text)
{
    (void)snprintf(out, TEXT_SIZE, "%.*s", SLICE_ARG(text));
}

static const struct offer_def *offer_of(const struct bank *bank, struct slice id)
{
    const struct offers *offers = &bank->playbook->offers;
    uint32_t i = 0;
    while (i < offers->count && !slice_equal(offers->defs[i].id, id)) {
        i++;
    }
    ck_assert_uint_lt(i, offers->count);
    return &offers->defs[i];
}

static double rate_of(const struct offer_def *def, struct slice variant)
{
    if (!def->learn) {
        return rate_offered;
    }
    return slice_equal(variant, def->variants[def->variant_count - 1].id) ? rate_better
                                                                          : rate_worse;
}

static void will_answer(struct bank *bank, uint32_t customer, const struct answer *answer,
                        int64_t now_ms)
{
    ck_assert_uint_lt(bank->waiting, ANSWERS);
    struct answer *next = &bank->answers[(bank->first + bank->waiting++) % ANSWERS];
    *next = *answer;
    next->customer = customer;
    next->due_ms = now_ms + ANSWER_DAYS * (int64_t)KIT_DAY_MS;
}

static bool take_offer(struct bank *bank, uint32_t customer, const struct offer_decided *decided,
                       const struct ranked_offer *offer)
{
    const struct offer_def *def = offer_of(bank, offer->offer.id);
    double rate = rate_of(def, offer->variant);
    struct answer answer = {.channel = offer->channel,
                            .accepted = random_chance(&bank->random, rate)};
    copy_text(answer.offer, offer->offer.id);
    copy_text(answer.variant, offer->variant);
    copy_text(answer.decision, decided->decision_id);
    will_answer(bank, customer, &answer, decided->effective_at_ms);
    if (def->learn) {
        bank->drawn[0]++;
        bank->better[0] += rate == rate_better;
        bank->lost += rate_better - rate;
    }
    return answer.accepted;
}

/* The offer of that decision, when it was made in the end. */
static const struct ranked_offer *made(const struct offer_decided *decided, struct slice offer)
{
    for (uint32_t i = 0; i < decided->offer_count + decided->for_review_count; i++) {
        const struct ranked_offer *one = i < decided->offer_count
                                             ? &decided->offers[i]
                                             : &decided->for_review[i - decided->offer_count];
        if (slice_equal(one->offer.id, offer)) {
            return one;
        }
    }
    return NULL;
}

/* A customer and an offer meet in the global layer: what comes of it is drawn once, by what was done. */
static void take_exposure(struct bank *bank, uint32_t customer, const struct exposure *exposure,
                          bool offered, bool accepted)
{
    double rate = rate_anyway;
    if (!bank->in_global[customer]) {
        bank->in_global[customer] = true;
        bank->split[exposure->held_out]++;
    }
    if (offered) {
        rate = rate_of(offer_of(bank, exposure->offer_id), exposure->variant);
    } else {
        accepted = random_chance(&bank->random, rate);
    }
    looked_add(&bank->looked, exposure->held_out, accepted, rate);
    if (++bank->units % UNITS_LOOK == 0) {
        looked_look(&bank->looked, true);
    }
    if (!offered && accepted) { /* a control group buys too */
        struct answer answer = {.channel = exposure->channel, .accepted = true};
        copy_text(answer.offer, exposure->offer_id);
        copy_text(answer.variant, exposure->variant);
        copy_text(answer.decision, exposure->decision_id);
        will_answer(bank, customer, &answer, exposure->effective_at_ms);
    }
}

static const struct offer_decided *decided_of(const struct bank *bank, struct slice id)
{
    for (uint32_t i = 0; i < bank->effects.count; i++) {
        const struct output *output = &bank->effects.outputs[i];
        if (output->kind == OUTPUT_OFFER_DECIDED &&
            slice_equal(output->offer_decided.decision_id, id)) {
            return &output->offer_decided;
        }
    }
    return NULL;
}

static void take_outputs(struct bank *bank, uint32_t customer)
{
    bool bought[OFFERS_MAX] = {false};
    for (uint32_t i = 0; i < bank->effects.count; i++) {
        const struct output *output = &bank->effects.outputs[i];
        const struct offer_decided *decided = &output->offer_decided;
        for (uint32_t k = 0; output->kind == OUTPUT_OFFER_DECIDED &&
                             k < decided->offer_count + decided->for_review_count;
             k++) {
            const struct ranked_offer *offer = k < decided->offer_count
                                                   ? &decided->offers[k]
                                                   : &decided->for_review[k - decided->offer_count];
            size_t index = (size_t)(offer_of(bank, offer->offer.id) - bank->playbook->offers.defs);
            bought[index] = take_offer(bank, customer, decided, offer);
        }
    }
    for (uint32_t i = 0; i < bank->effects.count; i++) {
        const struct output *output = &bank->effects.outputs[i];
        if (output->kind != OUTPUT_EXPOSURE || !slice_is(output->exposure.layer, "global")) {
            continue;
        }
        struct exposure exposure = output->exposure;
        const struct offer_decided *decided = decided_of(bank, exposure.decision_id);
        const struct ranked_offer *offer =
            decided == NULL ? NULL : made(decided, exposure.offer_id);
        size_t index = (size_t)(offer_of(bank, exposure.offer_id) - bank->playbook->offers.defs);
        exposure.variant = offer == NULL ? exposure.variant : offer->variant;
        take_exposure(bank, customer, &exposure, offer != NULL, bought[index]);
    }
    bank->effects.count = 0;
    arena_reset(&bank->effects.arena);
}

/* `event` NULL: deadlines alone. */
static void step(struct bank *bank, uint32_t customer, const struct event *event, int64_t now_ms)
{
    enum engine_result result = ENGINE_MORE;
    while (result == ENGINE_MORE) {
        result = event == NULL ? engine_advance(bank->engine, bank->task, bank->customers[customer],
                                                now_ms, &bank->effects)
                               : engine_event(bank->engine, bank->task, bank->customers[customer],
                                              event, now_ms, &bank->effects);
        take_outputs(bank, customer);
    }
}

static void give_back(struct bank *bank, int64_t now_ms)
{
    while (bank->waiting > 0 && bank->answers[bank->first].due_ms <= now_ms) {
        struct answer answer = bank->answers[bank->first];
        bank->first = (bank->first + 1) % ANSWERS;
        bank->waiting--;
        for (int kind = 0; kind < 1 + answer.accepted; kind++) {
            char id[32];
            struct event event = kit_outcome(answer.due_ms, answer.offer,
                                             kind == 0 ? OUTCOME_PRESENTED : OUTCOME_ACCEPTED);
            (void)snprintf(id, sizeof(id), "a%llu", (unsigned long long)bank->serial++);
            event.event_id = slice_text(id);
            event.outcome.decision_id = slice_text(answer.decision);
            event.outcome.variant = slice_text(answer.variant);
            event.outcome.channel = answer.channel;
            event.present = UINT64_MAX;
            step(bank, answer.customer, &event, now_ms);
        }
    }
}

static void live(struct bank *bank, uint64_t seed, FILE *events)
{
    static char line[65536];
    struct lifesim_options options = lifesim_defaults();
    struct lifesim_counts counts;
    struct arena arena;
    int64_t now_ms = 0, middle_ms = (options.first_day + DAYS / 2) * (int64_t)KIT_DAY_MS;
    options.seed = seed;
    options.customers = bank->count;
    options.days = DAYS;
    ck_assert(lifesim_run(&options, events, NULL, NULL, &counts));
    rewind(events);
    void *block = malloc(ARENA_SIZE);
    arena_init(&arena, block, ARENA_SIZE);
    for (int64_t offset = 0; fgets(line, sizeof(line), events) != NULL; offset++) {
        struct event event = {.offset = offset}; /* names the decision, and so draws the variant */
        struct ndjson_error error;
        arena_reset(&arena);
        ck_assert_int_eq(ndjson_parse(slice_of(line, strcspn(line, "\n")), &arena, &event, &error),
                         STATUS_OK);
        now_ms = event.time_ms > now_ms ? event.time_ms : now_ms;
        if (now_ms >= middle_ms && bank->drawn[1] == 0) { /* the first half is over */
            bank->drawn[1] = bank->drawn[0];
            bank->better[1] = bank->better[0];
        }
        give_back(bank, now_ms);
        uint32_t customer =
            (uint32_t)strtoul((const char *)event.customer_id.data + 1, NULL, 10) % bank->count;
        step(bank, customer, &event, now_ms);
    }
    for (uint32_t i = 0; i < bank->count; i++) {
        step(bank, i, NULL, now_ms);
    }
    free(block);
}

static void bank_open(struct bank *bank, const struct kit *kit, const struct playbook *playbook,
                      uint64_t seed, uint32_t count)
{
    struct status_text text;
    struct engine_options options = {
        .clock = ENGINE_CLOCK_STREAM, .live_from_ms = INT64_MIN, .salt = seed, .task_count = 1};
    *bank = (struct bank){.playbook = playbook, .count = count};
    random_init(&bank->random, seed);
    ck_assert_int_eq(engine_open(playbook, kit->zones, options, &bank->engine, &text), STATUS_OK);
    bank->task = malloc(engine_task_size(bank->engine));
    engine_task_init(bank->engine, bank->task, 0);
    bank->customers = malloc(count * sizeof(*bank->customers));
    bank->in_global = calloc(count, sizeof(*bank->in_global));
    for (uint32_t i = 0; i < count; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "L%08u", i);
        bank->customers[i] = malloc(engine_customer_size(bank->engine));
        engine_customer_init(bank->engine, bank->customers[i], slice_text(id));
    }
    bank->effects.capacity = 2 * ENGINE_OUTPUTS_PER_STEP_MAX;
    bank->effects.outputs = malloc(bank->effects.capacity * sizeof(struct output));
    bank->said = malloc(SAID_SIZE);
    arena_init(&bank->effects.arena, bank->said, SAID_SIZE);
}

static void bank_close(struct bank *bank)
{
    for (uint32_t i = 0; i < bank->count; i++) {
        free(bank->customers[i]);
    }
    free(bank->customers);
    free(bank->in_global);
    free(bank->task);
    free(bank->effects.outputs);
    free(bank->said);
}

static struct kit kit;
static struct playbook retail;
static struct bank *bank;

static void setup(void)
{
    static struct diagnostic list[DIAGNOSTICS_MAX];
    static uint8_t block[PLAYBOOK_ARENA_SIZE];
    static struct arena arena;
    struct diagnostics diagnostics;
    const struct playbook *playbook;
    kit_open(&kit);
    arena_init(&arena, block, sizeof(block));
    diagnostics_init(&diagnostics, list);
    ck_assert(playbook_load(PLAYBOOK, kit.zones, &arena, &diagnostics, &playbook));
    retail = *playbook;
    retail.offers.policy.holdout = HOLDOUT;
    bank = malloc(sizeof(*bank));
}

static void teardown(void)
{
    free(bank);
    kit_close(&kit);
}

static void run_bank(uint64_t seed, uint32_t count)
{
    FILE *events = tmpfile();
    ck_assert_ptr_nonnull(events);
    bank_open(bank, &kit, &retail, seed, count);
    live(bank, seed, events);
    (void)fclose(events);
}

static uint64_t asked(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static double split_chance(int64_t treated, int64_t held)
{
    static const double shares[2] = {1 - HOLDOUT / 10000.0, HOLDOUT / 10000.0};
    return experiment_split_chance((int64_t[]){treated, held}, shares, 2);
}

START_TEST(the_better_variant_is_found_among_people_who_live)
{
    run_bank(asked("SEED", 1), (uint32_t)asked("PEOPLE", CUSTOMERS_LEARN));
    uint32_t late = bank->drawn[0] - bank->drawn[1];
    double first = (double)bank->better[1] / bank->drawn[1];
    double second = (double)(bank->better[0] - bank->better[1]) / late;
    double dealt = bank->drawn[0] * (rate_better - rate_worse) / 2;
    (void)printf("# learned offers: the better variant had %.2f of the first %u decisions, %.2f of "
                 "the next %u; lost against always best: %.1f acceptances, dealt evenly %.1f\n",
                 first, bank->drawn[1], second, late, bank->lost, dealt);
    (void)printf(
        "# global layer: %lld told, %lld held out, chance of that split %.3f; with two thirds of "
        "the control group lost %.1e\n",
        (long long)bank->split[0], (long long)bank->split[1],
        split_chance(bank->split[0], bank->split[1]),
        split_chance(bank->split[0], bank->split[1] / 3));
    ck_assert_double_gt(second, first);
    ck_assert_double_gt(second, 0.6);
    ck_assert_double_lt(bank->lost, dealt);
    ck_assert_double_gt(split_chance(bank->split[0], bank->split[1]), EXPERIMENT_SPLIT_ALARM);
    ck_assert_double_lt(split_chance(bank->split[0], bank->split[1] / 3), EXPERIMENT_SPLIT_ALARM);
    bank_close(bank);
}
END_TEST

START_TEST(what_offers_bring_is_in_the_interval_at_every_look)
{
    uint64_t banks = asked("BANKS", 1), first = asked("SEED", 1);
    uint64_t covered = 0, alarms = 0, units = 0;
    double truth = 0, estimate = 0, width = 0;
    for (uint64_t seed = first; seed < first + banks; seed++) {
        run_bank(1000 + seed, CUSTOMERS);
        const struct looked *looked = &bank->looked;
        covered += !looked->missed;
        alarms += split_chance(bank->split[0], bank->split[1]) < EXPERIMENT_SPLIT_ALARM;
        units += bank->units;
        truth += looked_truth(looked);
        width += looked->width;
        estimate += looked->sides[0].sum / (double)looked->sides[0].count -
                    looked->sides[1].sum / (double)looked->sides[1].count;
        bank_close(bank);
    }
    (void)printf("# %llu banks: truth in the interval at every look in %llu; on average %.0f "
                 "meetings, uplift %.4f, estimate %.4f, last width %.3f; split alarms: %llu\n",
                 (unsigned long long)banks, (unsigned long long)covered,
                 (double)units / (double)banks, truth / (double)banks, estimate / (double)banks,
                 width / (double)banks, (unsigned long long)alarms);
    ck_assert_uint_ge(covered * 100, banks * 95);
    ck_assert_uint_eq(alarms, 0);
    ck_assert_uint_ge(units, banks * 50);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifesim_loop");
    TCase *tests = tcase_create("lifesim_loop");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 3600);
    tcase_add_test(tests, the_better_variant_is_found_among_people_who_live);
    tcase_add_test(tests, what_offers_bring_is_in_the_interval_at_every_look);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
