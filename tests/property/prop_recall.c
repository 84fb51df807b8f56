/* SPDX-License-Identifier: Apache-2.0 */
/* Looking only at what changed says what looking at everything says: two engines over one playbook, one of which
 * forgets before every moment, give the same outputs and the same records, byte for byte, after every event and
 * deadline. Playbooks: the retail one, one of offers, and random rules over features of every kind; of the rules'
 * table each row is taken away once, which must be seen. SEED=n repeats one. */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "codec/encode_json.h"
#include "engine/layout.h"
#include "model/fields.h"
#include "support/engine_kit.h"
#include "support/suite.h"

enum {
    CUSTOMERS = 4,
    IDS = 24,
    SIZE = 1 << 20,
    ROUNDS = 8,
    ROW_SEEDS = 60,
    ROWS_MAX = 40,
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

static void open_world(struct world *world, struct kit *kit, uint64_t seed, const char *path,
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
    if (!good) {
        diagnostics_print(&diagnostics, stderr, false);
    }
    ck_assert(good);
    side_open(world, &world->sides[0], false);
    side_open(world, &world->sides[1], true);
}

/* ---- random rules ---- */

static const char features[] =
    "features:\n"
    "  spent: {sum: tx.amount_minor, where: 'tx.direction == \"DEBIT\"', window: 30d, currency: "
    "any}\n"
    "  often: {count: tx, window: 7d}\n"
    "  most: {max: tx.amount_minor, window: 10d, currency: any, publish: true}\n"
    "  mean: {avg: tx.amount_minor, where: 'tx.kind == \"CARD\"', window: 20d, currency: any}\n"
    "  hours: {count: tx, window: 6h}\n"
    "  since: {time_since: tx}\n"
    "  idle: {days_since: tx, where: 'tx.direction == \"DEBIT\"'}\n"
    "  away: {days_since: app}\n"
    "  known: {days_since_first: tx}\n"
    "  kinds: {distinct: tx.mcc, window: 14d}\n"
    "  lands: {distinct: tx.merchant_country, window: last 5 events}\n"
    "  own: {count: tx, window: 5d, anchor: customer}\n"
    "  waits: {count: tx, pending: include, window: 20d}\n"
    "  row: {streak: tx, window: 30d}\n"
    "  slope: {trend: tx.amount_minor, window: 15d, currency: any}\n"
    "  balance: {last: tx.balance_after_minor}\n"
    "  after: {sequence: tx, where: 'tx.mcc == 5411', then: 'tx.mcc == 5812', within: 5d}\n"
    "  gone: {absence: tx, where: 'tx.mcc == 7011', then: 'tx.mcc == 4511', within: 9d}\n"
    "  seen: {last: event.time}\n"
    "  late: {count: tx, late: include, window: 60d}\n"
    "  share: {ratio: [f.spent, f.most]}\n"
    "  pace: {ratio: [f.idle, f.known]}\n"
    "  pay: {series: tx.credit, min_hits: 2, amount_tolerance: 90%, tolerance: 6d}\n";

static size_t random_condition(struct world *world, char *out, size_t size, bool segment)
{
    static const char *const forms[] = {
        "f.spent >= %d000", "f.often >= %d / 9", "f.most < %d000", "f.mean > %d00.0",
        "f.hours >= %d %% 4", "f.since >= %d000000", "f.idle >= %d / 3", "f.away > %d",
        "f.known >= %d * 5", "f.kinds < 1 + %d / 9", "f.lands >= 1 + %d %% 3", "f.own >= %d / 8",
        "f.waits > %d", "f.row >= %d / 12", "f.slope > %d.0 - 30.0", "f.balance < %d000",
        "has(f.after) && f.after > now - duration(\"%dh\")", "f.gone || f.often > %d",
        "f.late > %d", "f.share < 0.1 * %d.0", "f.pace > 0.02 * %d.0",
        "f.pay.misses >= 1 + %d %% 2", "f.pay.hits >= %d %% 5", "c.age >= %d",
        "c.tenure_days > 10 * %d", "c.risk_profile >= %d %% 7",
        "tx.mcc == 5411 && f.often > %d %% 5", "tx.amount_minor > %d00",
        "app.event == \"login\" && f.away < %d", "now - f.seen > duration(\"%dh\")",
        "f.spent > f.most * (%d %% 4)", "!has(f.balance) || f.idle > %d",
        "f.idle < 2 && f.known > %d",
        /* of several leaves, of which now one decides, now another */
        "f.often > %d %% 9 && f.spent > f.most * 2 || f.idle > 3",
        "!(f.often >= 1 && f.away < %d) || f.gone",
        "f.often > %d %% 4 && f.after > f.seen - duration(\"480h\")",
        "f.balance < 0 || f.often >= %d / 9 || f.kinds > 5 && f.own > 2",
        "(f.idle > 2 || f.seen < now - duration(\"%dh\")) && f.often > 1",
        "f.pay.hits >= 2 && f.mean > %d00.0 || c.age > 40 && f.row >= 2",
        "f.after > f.seen - duration(\"48h\") && f.often > %d %% 6 || f.gone",
        /* of an event and features */
        "f.often > %d %% 3 || tx.balance_after_minor > tx.amount_minor * 2",
        "f.idle < 2 && tx.amount_minor * (1 + %d %% 3) > tx.balance_after_minor",
        "f.known > %d || tx.mcc == 5411", "f.idle > %d %% 6 || tx.mcc == 5812",
        "f.kinds > 2 && tx.amount_minor > tx.balance_after_minor || f.often > %d",
        /* with leaves of each other, and twice the same */
        "f.often >= 3 && f.spent > f.most * (%d %% 4)", "f.often >= 3 || f.kinds > %d %% 3",
        "f.often >= 3 && f.kinds > 2 || f.often >= 3 && f.own > %d %% 4",
        "f.idle < 2 || f.kinds > 2 && f.own > %d %% 4",
        /* of segments only */
        "\"l1\" in life || f.often > %d", "\"s0\" in seg && f.idle < %d",
        "!(\"s0\" in seg) || f.often > %d %% 5", "!(\"l0\" in life) || f.away > %d"};
    uint64_t count = ARRAY_COUNT(forms) - (segment ? 0 : 4);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return (size_t)snprintf(out, size, forms[random_below(&world->random, count)],
                            (int)below(world, 50));
#pragma GCC diagnostic pop
}

/* Nothing but an event that may meet a signal makes anybody look at it. */
static const char bare_signals[] =
    "  bare:\n    suspect_at: 0.2\n    confirm_at: 0.6\n    expires: 9d\n    evidence:\n"
    "      - {id: food, if: 'tx.mcc == 5411', weight: 0.7}\n"
    "      - {id: login, if: 'app.event == \"login\"', weight: -0.5, half_life: 4d}\n";

/* Features of transactions with more terms than an index has room for. */
static size_t crowd(char *out, size_t size)
{
    size_t at = 0;
    for (uint32_t i = 0; i < 45; i++) {
        at += (size_t)snprintf(out + at, size - at,
                               "  more%u: {count: tx, window: 9d, where: 'tx.amount_minor > %u00",
                               i, i + 1);
        for (uint32_t k = 0; k < 23; k++) {
            at += (size_t)snprintf(out + at, size - at, " || tx.mcc == %u", 5400 + k);
        }
        at += (size_t)snprintf(out + at, size - at, "'}\n");
    }
    return at;
}

/* Behind the random segments. */
static const char offers_text[] =
    "  halt: {including: {a: 'f.hours >= 2'}}\n"
    "contact_policy:\n"
    "  quiet_hours: {from: '21:00', to: '08:00', channels: [PUSH]}\n"
    "  stops: {segments: [halt]}\n"
    "offers:\n"
    "  o0: {purpose: MARKETING, product: SAVINGS, channels: [PUSH], on: {app: [login]}, value: "
    "10}\n"
    "  o1: {purpose: MARKETING, product: SAVINGS, channels: [EMAIL], on: {life: [l1]}, value: 20,\n"
    "       not_life: [l3], publish: true}\n"
    "  o2: {purpose: MARKETING, product: SAVINGS, channels: [EMAIL], on: {segments: [s1, s5]},\n"
    "       value: 30, review: true}\n"
    "  o3: {purpose: MARKETING, product: SAVINGS, channels: [PUSH, EMAIL], segments_any: [s3],\n"
    "       value: 40}\n";

static const char *random_playbook(struct world *world, char *text, size_t limit, bool crowded,
                                   bool offering)
{
    size_t at = (size_t)snprintf(text, limit, "late_after: 40d\n%s", features);
    at += crowded ? crowd(text + at, limit - at) : 0;
    at += (size_t)snprintf(text + at, limit - at, "life_events:\n%s", crowded ? bare_signals : "");
    for (uint32_t i = 0; i < 6; i++) {
        at += (size_t)snprintf(text + at, limit - at, "  l%u:\n", i);
        if (random_chance(&world->random, 0.3)) {
            at +=
                (size_t)snprintf(text + at, limit - at, "    absent: {feature: f.seen, for: %dd}\n",
                                 2 + (int)below(world, 20));
        }
        static const char *const keys[] = {"when", "unless", "ends"};
        for (uint32_t k = 0; k < 3; k++) {
            if (random_chance(&world->random, k == 0 ? 0.8 : 0.3) || (k == 0 && i == 0)) {
                at += (size_t)snprintf(text + at, limit - at, "    %s: '", keys[k]);
                at += random_condition(world, text + at, limit - at, false);
                at += (size_t)snprintf(text + at, limit - at, "'\n");
            }
        }
        at += (size_t)snprintf(
            text + at, limit - at,
            "    suspect_at: 0.2\n    confirm_at: 0.6\n    expires: %dd\n    evidence:\n",
            3 + (int)below(world, 40));
        for (uint32_t k = 0; k < 4; k++) {
            at += (size_t)snprintf(text + at, limit - at, "      - {id: e%u, if: '", k);
            at += random_condition(world, text + at, limit - at, false);
            at += (size_t)snprintf(text + at, limit - at, "', weight: %s0.%d%s}\n",
                                   k > 0 && random_chance(&world->random, 0.3) ? "-" : "",
                                   k == 0 ? 7 : 1 + (int)below(world, 5),
                                   random_chance(&world->random, 0.4) ? ", half_life: 4d" : "");
        }
    }
    at += (size_t)snprintf(text + at, limit - at, "segments:\n");
    for (uint32_t i = 0; i < 10; i++) {
        at += (size_t)snprintf(text + at, limit - at, "  s%u:\n    including: {a: '", i);
        at += random_condition(world, text + at, limit - at, i > 0);
        at += (size_t)snprintf(text + at, limit - at, "'}\n");
        if (random_chance(&world->random, 0.4)) {
            at += (size_t)snprintf(text + at, limit - at, "    excluding: {b: '");
            at += random_condition(world, text + at, limit - at, i > 0);
            at += (size_t)snprintf(text + at, limit - at, "'}\n");
        }
        static const char *const extras[] = {"    dwell: 2d\n",
                                             "    cool_down: 3d\n",
                                             "    evaluate: on_event\n",
                                             "    min_size: 2\n",
                                             "    stay: {min: 2d, max: 20d}\n",
                                             "    publish: true\n"};
        for (uint32_t k = 0; k < ARRAY_COUNT(extras); k++) {
            if (random_chance(&world->random, 0.3)) {
                at += (size_t)snprintf(text + at, limit - at, "%s", extras[k]);
            }
        }
    }
    at += (size_t)snprintf(text + at, limit - at, "%s", offering ? offers_text : "");
    ck_assert(at < limit);
    return text;
}

/* ---- laws ---- */

enum variant { AS_IT_IS, CROWDED, BROKEN };

static uint64_t compare(uint64_t seed, const char *path, uint32_t steps, enum variant variant)
{
    static char text[65536];
    static struct kit kit;
    static struct world world;
    bool break_it = variant == BROKEN;
    random_init(&world.random, seed);
    open_world(&world, &kit, seed, path,
               path == NULL ? random_playbook(&world, text, sizeof(text), variant == CROWDED,
                                              variant == AS_IT_IS)
                            : NULL);
    ck_assert(engine_indexed(world.sides[0].engine, SOURCE_TRANSACTIONS) == (variant != CROWDED));
    ck_assert(engine_indexed(world.sides[0].engine, SOURCE_APP_ENGAGEMENT));
    ck_assert(!engine_indexed(world.sides[1].engine, SOURCE_APP_ENGAGEMENT));
    if (break_it) { /* who reads the features is forgotten */
        const struct reads *reads = &world.sides[0].engine->reads;
        memset((void *)(uintptr_t)reads->rows, 0,
               (size_t)reads->series_rows * reads->width * sizeof(uint64_t));
    }
    world.sides[0].tally = variant != AS_IT_IS ? NULL : &tallies[path == NULL];
    uint32_t differ = run(&world, steps);
    if ((differ == UINT32_MAX) == break_it) {
        (void)fprintf(stderr, "%s\n%.*s\nlooking at everything:\n%.*s", path == NULL ? text : path,
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
    ck_assert_uint_gt(compare(kit_seed(7150) + (uint64_t)_i, OFFERS_PLAYBOOK, 600, AS_IT_IS), 200);
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

/* Takes a row of the table away. False: nobody reads that. */
static bool lose_row(const struct world *world, uint32_t row)
{
    const struct reads *reads = &world->sides[0].engine->reads;
    uint64_t *bits = (uint64_t *)(uintptr_t)reads_row(reads, row);
    bool any = false;
    for (uint32_t i = 0; i < reads->width; i++) {
        any = any || bits[i] != 0;
        bits[i] = 0;
    }
    return any;
}

/* Each row is needed: some random rules say something else without it. */
START_TEST(canary_each_row_is_missed)
{
    static char text[65536];
    static struct kit kits[ROW_SEEDS]; /* what engines take is theirs until the process ends */
    static struct world worlds[ROW_SEEDS];
    uint32_t rows = (uint32_t)_i + 1; /* how many there are */
    bool differ = false;
    for (uint32_t seed = 0; (uint32_t)_i < rows && !differ && seed < ROW_SEEDS; seed++) {
        struct world *world = &worlds[seed];
        random_init(&world->random, kit_seed(7300) + seed);
        open_world(world, &kits[seed], kit_seed(7300) + seed, NULL,
                   random_playbook(world, text, sizeof(text), false, false));
        rows = world->sides[0].engine->reads.input_rows + READS_COUNT;
        ck_assert_uint_lt(rows, ROWS_MAX);
        differ =
            (uint32_t)_i < rows && lose_row(world, (uint32_t)_i) && run(world, 900) != UINT32_MAX;
    }
    ck_assert_msg(differ || (uint32_t)_i >= rows, "nobody misses row %d of %u", _i, rows);
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
    Suite *suite = suite_create("prop_recall");
    TCase *tests = tcase_create("recall");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, the_retail_playbook_says_the_same, 0, 2);
    tcase_add_loop_test(tests, offers_say_the_same, 0, 2);
    tcase_add_loop_test(tests, random_rules_say_the_same, 0, ROUNDS);
    tcase_add_loop_test(tests, the_runs_had_offers_of_every_fate, 0, TALLIES);
    tcase_add_loop_test(tests, random_rules_beyond_a_limit_of_the_index_say_the_same, 0, 2);
    tcase_add_test(tests, canary_a_forgotten_reader_is_seen);
    tcase_add_loop_test(tests, canary_each_row_is_missed, 0, ROWS_MAX);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
