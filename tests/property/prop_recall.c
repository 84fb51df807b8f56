/* SPDX-License-Identifier: Apache-2.0 */
/* Looking only at what changed says what looking at everything says: two engines over one playbook, one of which
 * forgets before every moment, give the same outputs and the same records, byte for byte, after every event and
 * deadline. Playbooks: the retail one, one of offers, and random rules over features of every kind; of the rules'
 * table each row is taken away once, which must be seen. SEED=n repeats one; ROUNDS=n takes n playbooks of random
 * rules instead of 8 (tests/run long: 500). */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "codec/encode_json.h"
#include "engine/layout.h"
#include "model/fields.h"
#include "random_rules.h"
#include "support/engine_kit.h"
#include "support/suite.h"

enum {
    CUSTOMERS = 4,
    IDS = 24,
    SIZE = 1 << 20,
    ROUNDS = 8,
    ROW_SEEDS = 60,
    READER_SEEDS = 12, /* a row that is read is in one of them */
    ROWS_MAX = 80,
    TALLIES = 2,
    HURRIED = 12,
    HURRY_MS = 10000,
};

/* What was seen of offers, by all the processes that the tests run in. */
struct tally {
    uint64_t made, held, withdrawn;
};
static struct tally *tallies; /* of the playbooks, of random rules */

struct side {
    const struct engine *engine;
    void *task;
    struct customer *customers[CUSTOMERS];
    struct effects effects;
    uint8_t *said, *record;
    size_t said_size;
    uint64_t outputs;
    struct tally *tally; /* NULL: offers are not counted */
};

struct world {
    struct side sides[2]; /* one recalls, one looks at everything */
    const struct playbook *playbook;
    const struct zones *zones;
    struct random random;
    int64_t now_ms;
    uint32_t made;
    char ids[IDS][16];
    bool silent;
    uint32_t
        hurried; /* so many steps are seconds apart: what is asked again every minute is not yet */
};

static void side_open(struct world *world, struct side *side, bool look_at_all)
{
    struct status_text text;
    struct engine_options options = {.clock = ENGINE_CLOCK_STREAM,
                                     .live_from_ms = INT64_MIN,
                                     .salt = 9,
                                     .task_count = 1,
                                     .look_at_all = look_at_all};
    ck_assert(engine_open(world->playbook, world->zones, options, &side->engine, &text) ==
              STATUS_OK);
    side->task = malloc(engine_task_size(side->engine));
    engine_task_init(side->engine, side->task, 0);
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "c-%u", i);
        side->customers[i] = malloc(engine_customer_size(side->engine));
        engine_customer_init(side->engine, side->customers[i], slice_text(id));
    }
    side->effects.capacity = 2 * ENGINE_OUTPUTS_PER_STEP_MAX;
    side->effects.outputs = malloc(side->effects.capacity * sizeof(struct output));
    arena_init(&side->effects.arena, malloc(4 << 20), 4 << 20);
    side->said = malloc(SIZE);
    side->record = malloc(ENGINE_RECORD_SIZE_MAX);
}

/* ---- events ---- */

static int64_t below(struct world *world, uint32_t limit)
{
    return (int64_t)random_below(&world->random, limit);
}

static struct event random_tx(struct world *world, int64_t time_ms)
{
    static const char *const texts[] = {"salary",     "rent letting", "pension",     "Acme Ltd",
                                        "tesco",      "nursery",      "mortgage",    "invoice 12",
                                        "jsa",        "student loan", "own account", "power",
                                        "quick loan", "estate",       "aunt",        "returned"};
    static const int32_t mccs[] = {5411, 5812, 7011, 7995, 5641, 8351,
                                   6513, 5712, 7361, 8931, 9311, 4511};
    static const enum tx_kind kinds[] = {KIND_CARD,     KIND_CARD,         KIND_CARD,
                                         KIND_TRANSFER, KIND_DIRECT_DEBIT, KIND_STANDING_ORDER,
                                         KIND_FEE,      KIND_INTEREST,     KIND_CASH};
    uint64_t word = random_below(&world->random, ARRAY_COUNT(texts));
    bool credit = random_chance(&world->random, 0.25);
    int64_t amount = credit ? 10000 * (1 + below(world, 30)) : 1 + below(world, 20000);
    word = credit && random_chance(&world->random, 0.7) ? word % 2 : word; /* some pay often */
    struct event event =
        kit_tx(time_ms, credit ? DIRECTION_CREDIT : DIRECTION_DEBIT, amount, texts[word]);
    event.tx.counterparty_name = slice_text(texts[word]);
    event.tx.reference = slice_text(texts[random_below(&world->random, ARRAY_COUNT(texts))]);
    event.tx.merchant_name = slice_text("shop");
    event.tx.merchant_country = slice_text(random_chance(&world->random, 0.2) ? "FR" : "GB");
    event.tx.mcc = mccs[random_below(&world->random, ARRAY_COUNT(mccs))];
    event.tx.kind = (uint8_t)kinds[random_below(&world->random, ARRAY_COUNT(kinds))];
    event.tx.account_type =
        (uint8_t)(random_chance(&world->random, 0.2) ? ACCOUNT_SAVINGS : ACCOUNT_CURRENT);
    event.tx.balance_after_minor = below(world, 300000) - 50000;
    if (random_chance(&world->random,
                      0.1)) { /* whose, and which status it had, is left to chance */
        event.tx.status = random_chance(&world->random, 0.5) ? TX_PENDING : TX_REVERSED;
        event.tx.reverses = slice_text(world->ids[random_below(&world->random, IDS)]);
        event.present |= UINT64_C(1) << fields_find(SOURCE_TRANSACTIONS, slice_text("reverses"));
    }
    return event;
}

static struct event random_profile(struct world *world, int64_t time_ms)
{
    struct event event = kit_profile(time_ms);
    event.profile.erase = random_chance(&world->random, 0.03);
    event.profile.birth_day = (int32_t)below(world, 15000);
    event.profile.relationship_day = (int32_t)(20000 + below(world, 400));
    event.profile.risk_profile = (int32_t)(1 + below(world, 7));
    event.profile.consents[0].status =
        random_chance(&world->random, 0.2) ? CONSENT_WITHDRAWN : CONSENT_GRANTED;
    event.profile.timezone =
        slice_text(random_chance(&world->random, 0.3) ? "Pacific/Auckland" : "Europe/London");
    return event;
}

static struct event random_event(struct world *world)
{
    static const char *const pages[] = {"login", "view", "help"};
    int64_t time_ms = world->now_ms;
    uint32_t kind = (uint32_t)below(world, 40);
    if (random_chance(&world->random, 0.05)) {
        time_ms -= below(world, 60) * KIT_DAY_MS;
    } else if (random_chance(&world->random, 0.05)) {
        time_ms += below(world, 300000);
    }
    struct event event =
        kind < 1   ? random_profile(world, time_ms)
        : kind < 7 ? kit_app(time_ms, pages[below(world, 3)])
        : kind < 8 ? kit_outcome(time_ms, "savings", (enum outcome)below(world, OUTCOME_COUNT))
                   : random_tx(world, time_ms);
    if (kind == 7 && world->playbook->offers.count > 0) {
        const struct offers *offers = &world->playbook->offers;
        event.outcome.offer_id = offers->defs[below(world, offers->count)].id;
    }
    if (kind == 8 && world->playbook->life.count > 0) {
        event = (struct event){
            .source = SOURCE_LIFE_EVENT_FEEDBACK, .time_ms = time_ms, .present = UINT64_MAX};
        event.feedback = (struct life_event_feedback){
            .life_event = world->playbook->life.defs[below(world, world->playbook->life.count)].id,
            .given_by = slice_text("CUSTOMER"),
            .is_true = random_chance(&world->random, 0.5)};
    }
    char *id = world->ids[world->made++ % IDS];
    (void)snprintf(id, sizeof(world->ids[0]), "e-%u", world->made);
    bool again = random_chance(&world->random, 0.06);
    event.event_id = slice_text(again ? world->ids[random_below(&world->random, IDS)] : id);
    event.offset = world->made;
    return event;
}

/* ---- both sides ---- */

static void count_offers(struct tally *tally, const struct offer_decided *decided)
{
    tally->made += decided->offer_count;
    tally->withdrawn += decided->withdrawn_count;
    for (uint32_t i = 0; i < decided->blocked_count; i++) {
        struct slice reason = decided->blocked[i].reason;
        tally->held += reason.size >= 4 && memcmp(reason.data, "held", 4) == 0;
    }
}

static void keep_outputs(struct side *side)
{
    struct encode_facts facts = {.processed_at_ms = 1, .application = slice_text("law")};
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        facts.topics[i] = slice_text("t");
    }
    for (uint32_t i = 0; i < side->effects.count; i++) {
        side->said_size += encode_json_output(&side->effects.outputs[i], &facts, slice_text("o"),
                                              &side->effects.arena, side->said + side->said_size,
                                              SIZE - side->said_size);
        if (side->tally != NULL && side->effects.outputs[i].kind == OUTPUT_OFFER_DECIDED) {
            count_offers(side->tally, &side->effects.outputs[i].offer_decided);
        }
    }
    side->outputs += side->effects.count;
    side->effects.count = 0;
    arena_reset(&side->effects.arena);
}

/* `event` NULL: deadlines only. Returns the record's size. */
static size_t side_step(struct side *side, uint32_t whose, const struct event *event,
                        int64_t now_ms)
{
    enum engine_result result = ENGINE_MORE;
    side->said_size = 0;
    while (result == ENGINE_MORE) {
        result = event == NULL ? engine_advance(side->engine, side->task, side->customers[whose],
                                                now_ms, &side->effects)
                               : engine_event(side->engine, side->task, side->customers[whose],
                                              event, now_ms, &side->effects);
        keep_outputs(side);
    }
    return engine_customer_pack(side->engine, side->customers[whose], side->record);
}

static bool equal_step(struct world *world, uint32_t whose, const struct event *event)
{
    struct side *a = &world->sides[0], *b = &world->sides[1];
    size_t size = side_step(a, whose, event, world->now_ms);
    bool same = side_step(b, whose, event, world->now_ms) == size &&
                memcmp(a->record, b->record, size) == 0;
    return same && a->said_size == b->said_size && memcmp(a->said, b->said, a->said_size) == 0;
}

/* Reads a customer back from its record on the recalling side only: nothing is known of it then. */
static void reload(struct world *world, uint32_t whose)
{
    struct side *side = &world->sides[0];
    struct status_text text;
    uint8_t id[8];
    size_t id_size = side->customers[whose]->id_size;
    memcpy(id, side->customers[whose]->id, id_size);
    size_t size = engine_customer_pack(side->engine, side->customers[whose], side->record);
    ck_assert(engine_customer_unpack(side->engine, side->customers[whose], slice_of(id, id_size),
                                     slice_of(side->record, size), &text) == STATUS_OK);
}

/* Since when is noticed late: meanwhile it was judged that something had not come. */
static void fall_silent(struct world *world)
{
    world->silent = !world->silent;
    world->hurried = HURRIED;
    int64_t from_ms = world->silent ? world->now_ms - below(world, 20) * KIT_DAY_MS : INT64_MAX;
    for (uint32_t i = 0; i < 2; i++) {
        engine_task_silent(world->sides[i].engine, world->sides[i].task, SOURCE_TRANSACTIONS,
                           from_ms);
    }
}

static void pass_time(struct world *world)
{
    bool far = world->hurried == 0 && random_chance(&world->random, 0.03);
    world->now_ms += far ? below(world, 50) * KIT_DAY_MS
                         : below(world, world->hurried > 0 ? HURRY_MS : KIT_DAY_MS);
    world->hurried -= world->hurried > 0;
}

/* The first step at which they differ; UINT32_MAX: never. */
static uint32_t run(struct world *world, uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++) {
        pass_time(world);
        uint32_t whose = (uint32_t)below(world, CUSTOMERS);
        if (random_chance(&world->random, world->silent ? 0.1 : 0.004)) {
            fall_silent(world);
        }
        if (random_chance(&world->random, 0.01)) {
            reload(world, whose);
        }
        struct event event = random_event(world);
        if (!equal_step(world, whose, random_chance(&world->random, 0.15) ? NULL : &event)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* Takes a row of the table away. False: nobody reads that. */
static bool lose_row(const struct reads *reads, uint32_t row)
{
    uint64_t *bits = (uint64_t *)(uintptr_t)reads_row(reads, row);
    struct read_word *words = (struct read_word *)(uintptr_t)reads->row_words;
    uint32_t first = row > 0 ? reads->row_ends[row - 1] : 0;
    memset(bits, 0, reads->width * sizeof(*bits));
    for (uint32_t i = first; i < reads->row_ends[row]; i++) {
        words[i].bits = 0;
    }
    return reads->row_ends[row] > first;
}

/* False: the playbook is refused. */
static bool open_world(struct world *world, struct kit *kit, uint64_t seed, const char *path,
                       const char *text)
{
    static struct diagnostic list[DIAGNOSTICS_MAX];
    static uint8_t block[PLAYBOOK_ARENA_SIZE];
    struct arena arena;
    struct diagnostics diagnostics;
    kit_open(kit);
    *world = (struct world){.zones = kit->zones, .now_ms = KIT_START_MS};
    random_init(&world->random, seed);
    arena_init(&arena, block, sizeof(block));
    diagnostics_init(&diagnostics, list);
    bool good = path != NULL
                    ? playbook_load(path, kit->zones, &arena, &diagnostics, &world->playbook)
                    : playbook_load_text("law", slice_text(text), kit->zones, &arena, &diagnostics,
                                         &world->playbook);
    if (good) {
        side_open(world, &world->sides[0], false);
        side_open(world, &world->sides[1], true);
    } else {
        kit_close(kit); /* it is opened again for the next text */
    }
    return good;
}

/* Of random rules, the first that are a playbook. Returns their text. */
static const char *open_random(struct world *world, struct kit *kit, uint64_t seed, bool crowded,
                               bool offering)
{
    static char text[65536];
    struct random random;
    random_init(&random, seed);
    do {
        (void)random_playbook(&random, text, sizeof(text), crowded, offering);
    } while (!open_world(world, kit, seed, NULL, text));
    return text;
}

/* ---- laws ---- */

enum variant { AS_IT_IS, CROWDED, BROKEN };

static uint64_t compare(uint64_t seed, const char *path, uint32_t steps, enum variant variant)
{
    static struct kit kit;
    static struct world world;
    bool break_it = variant == BROKEN;
    const char *text = path;
    if (path == NULL) {
        text = open_random(&world, &kit, seed, variant == CROWDED, variant == AS_IT_IS);
    } else {
        ck_assert(open_world(&world, &kit, seed, path, NULL));
    }
    ck_assert(engine_indexed(world.sides[0].engine, SOURCE_TRANSACTIONS) == (variant != CROWDED));
    ck_assert(engine_indexed(world.sides[0].engine, SOURCE_APP_ENGAGEMENT));
    ck_assert(!engine_indexed(world.sides[1].engine, SOURCE_APP_ENGAGEMENT));
    if (break_it) { /* who reads the features is forgotten */
        const struct reads *reads = &world.sides[0].engine->reads;
        for (uint32_t row = 0; row < reads->input_rows; row++) {
            (void)lose_row(reads, row);
        }
    }
    world.sides[0].tally = variant != AS_IT_IS ? NULL : &tallies[path == NULL];
    uint32_t differ = run(&world, steps);
    if ((differ == UINT32_MAX) == break_it) {
        (void)fprintf(stderr, "%s\n%.*s\nlooking at everything:\n%.*s", text,
                      (int)world.sides[0].said_size, (const char *)world.sides[0].said,
                      (int)world.sides[1].said_size, (const char *)world.sides[1].said);
    }
    ck_assert_msg((differ == UINT32_MAX) == !break_it, "SEED=%llu, step %u",
                  (unsigned long long)seed, differ);
    return world.sides[0].outputs;
}

START_TEST(the_retail_playbook_says_the_same)
{
    ck_assert_uint_gt(compare(kit_seed(7100) + (uint64_t)_i, PLAYBOOK, 700, AS_IT_IS), 100);
}
END_TEST

/* Offers that quiet hours hold, that are taken back, that the view still shows. */
START_TEST(offers_say_the_same)
{
    ck_assert_uint_gt(compare(kit_seed(7150) + (uint64_t)_i, OFFERS_PLAYBOOK, 600, AS_IT_IS), 100);
}
END_TEST

START_TEST(random_rules_say_the_same)
{
    ck_assert_uint_gt(compare(kit_seed(7200) + (uint64_t)_i, NULL, 900, AS_IT_IS), 50);
}
END_TEST

/* What no run has cannot differ: offers were made, held until the morning and taken back. */
START_TEST(the_runs_had_offers_of_every_fate)
{
    const struct tally *tally = &tallies[_i];
    ck_assert_msg(tally->made > 0 && tally->held > 0 && tally->withdrawn > 0,
                  "made %llu, held %llu, withdrawn %llu", (unsigned long long)tally->made,
                  (unsigned long long)tally->held, (unsigned long long)tally->withdrawn);
}
END_TEST

START_TEST(random_rules_beyond_a_limit_of_the_index_say_the_same)
{
    ck_assert_uint_gt(compare(kit_seed(7250) + (uint64_t)_i, NULL, 600, CROWDED), 50);
}
END_TEST

START_TEST(canary_a_forgotten_reader_is_seen)
{
    (void)compare(kit_seed(7200) + (uint64_t)_i, NULL, 900, BROKEN);
}
END_TEST

/* Each row is needed: some random rules say something else without it. */
START_TEST(canary_each_row_is_missed)
{
    static struct kit kits[ROW_SEEDS]; /* what engines take is theirs until the process ends */
    static struct world worlds[ROW_SEEDS];
    uint32_t rows = (uint32_t)_i + 1; /* how many there are */
    bool differ = false, read = false;
    uint32_t seeds = READER_SEEDS;
    for (uint32_t seed = 0; (uint32_t)_i < rows && !differ && seed < seeds; seed++) {
        struct world *world = &worlds[seed];
        (void)open_random(world, &kits[seed], kit_seed(7300) + seed, false, false);
        rows = world->sides[0].engine->reads.input_rows + READS_COUNT;
        ck_assert_uint_lt(rows, ROWS_MAX);
        bool reads = (uint32_t)_i < rows && lose_row(&world->sides[0].engine->reads, (uint32_t)_i);
        differ = reads && run(world, 900) != UINT32_MAX;
        read = read || reads;
        seeds = read ? ROW_SEEDS : READER_SEEDS;
    }
    /* Some fields of a series are in no random rule. */
    ck_assert_msg(differ || !read, "nobody misses row %d of %u", _i, rows);
}
END_TEST

int main(void)
{
    tallies = mmap(NULL, TALLIES * sizeof(*tallies), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tallies == MAP_FAILED) {
        perror("prop_recall");
        return EXIT_FAILURE;
    }
    const char *rounds = getenv("ROUNDS");
    Suite *suite = suite_create("prop_recall");
    TCase *tests = tcase_create("recall");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, the_retail_playbook_says_the_same, 0, 2);
    tcase_add_loop_test(tests, offers_say_the_same, 0, 2);
    tcase_add_loop_test(tests, random_rules_say_the_same, 0,
                        rounds == NULL ? ROUNDS : (int)strtol(rounds, NULL, 10));
    tcase_add_loop_test(tests, the_runs_had_offers_of_every_fate, 0, TALLIES);
    tcase_add_loop_test(tests, random_rules_beyond_a_limit_of_the_index_say_the_same, 0, 2);
    tcase_add_test(tests, canary_a_forgotten_reader_is_seen);
    tcase_add_loop_test(tests, canary_each_row_is_missed, 0, ROWS_MAX);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
