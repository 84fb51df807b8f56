/* SPDX-License-Identifier: Apache-2.0 */
#include "support/engine_kit.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "engine/sweep.h"
#include "model/fields.h"

enum { SALARY_AT = 4, NAMES_COUNT = SALARY_AT + SERIES_FIELD_COUNT };

static const struct cel_program *compile(struct kit *kit, const struct cel_environment *environment,
                                         const char *text)
{
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics,
                     arena_take(&kit->arena, DIAGNOSTICS_MAX * sizeof(struct diagnostic)));
    const struct cel_program *program =
        cel_compile(environment, slice_text(text), (struct source_span){.line = 1, .column = 1},
                    &kit->arena, &diagnostics);
    if (program == NULL) {
        diagnostics_print(&diagnostics, stderr, false);
    }
    INVARIANT(program != NULL);
    return program;
}

struct condition kit_condition(struct kit *kit, const char *name, const char *text)
{
    return (struct condition){slice_text(name), slice_text(text),
                              compile(kit, kit->playbook.environment, text)};
}

static struct condition *conditions(struct kit *kit, const char *name, const char *text)
{
    struct condition *one = arena_take(&kit->arena, sizeof(*one));
    *one = kit_condition(kit, name, text);
    return one;
}

/* Definitions read better with several fields a line. */
/* clang-format off */
static void build_features(struct kit *kit)
{
    struct playbook *playbook = &kit->playbook;
    const struct cel_environment *tx =
        rules_environment(RULES_EVENT, SOURCE_TRANSACTIONS, NULL, 0, kit->zones, &kit->arena);
    const struct cel_environment *app =
        rules_environment(RULES_EVENT, SOURCE_APP_ENGAGEMENT, NULL, 0, kit->zones, &kit->arena);
    const char *debit = "tx.direction == \"DEBIT\"";
    const char *active = "tx.kind != \"INTEREST\" && tx.kind != \"FEE\"";
    const char *login = "app.event == \"login\"";
    struct feature_def *defs = arena_take(&kit->arena, 4 * sizeof(*defs));
    defs[0] = (struct feature_def){.name = "count_tx", .hash = 11, .kind = FEATURE_COUNT,
                                   .source = SOURCE_TRANSACTIONS, .publish = true};
    defs[1] = (struct feature_def){
        .name = "spend", .hash = 12, .kind = FEATURE_SUM, .source = SOURCE_TRANSACTIONS,
        .where = compile(kit, tx, debit), .where_text = slice_text(debit), .from = FEATURE_FROM_FIELD,
        .value_field = (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text("amount_minor"))};
    defs[2] = (struct feature_def){.name = "last_activity", .hash = 13, .kind = FEATURE_LAST,
                                   .source = SOURCE_TRANSACTIONS, .where = compile(kit, tx, active),
                                   .where_text = slice_text(active), .from = FEATURE_FROM_TIME};
    defs[3] = (struct feature_def){.name = "logins", .hash = 14, .kind = FEATURE_COUNT,
                                   .source = SOURCE_APP_ENGAGEMENT, .where = compile(kit, app, login),
                                   .where_text = slice_text(login)};
    struct features_problem problem;
    playbook->feature_defs = defs;
    playbook->feature_count = SALARY_AT;
    playbook->feature_options = features_options_default();
    INVARIANT(features_plan_build(defs, SALARY_AT, &playbook->feature_options, &kit->arena,
                                      &playbook->features, &problem) == STATUS_OK);
    struct series_def *series = arena_take(&kit->arena, sizeof(*series));
    *series = (struct series_def){.id = slice_text("salary"), .hash = 21, .min_hits = 3,
                                  .tolerance_days = 4, .first_feature = SALARY_AT,
                                  .direction = DIRECTION_CREDIT, .publish = true};
    playbook->series = series;
    playbook->series_count = 1;
}

static void build_names(struct kit *kit)
{
    static const char *const plain[SALARY_AT] = {"count_tx", "spend", "last_activity", "logins"};
    struct rules_feature *names = arena_take(&kit->arena, NAMES_COUNT * sizeof(*names));
    for (uint32_t i = 0; i < SALARY_AT; i++) {
        names[i] = (struct rules_feature){plain[i], i == 2 ? FEATURE_TIME : FEATURE_INT};
    }
    for (uint32_t i = 0; i < SERIES_FIELD_COUNT; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "salary.%s", series_field_name((enum series_field)i));
        struct slice kept = arena_copy(&kit->arena, slice_text(name));
        names[SALARY_AT + i] = (struct rules_feature){(const char *)kept.data,
                                                      series_field_type((enum series_field)i)};
    }
    kit->playbook.names = names;
    kit->playbook.name_count = NAMES_COUNT;
    kit->playbook.environment =
        rules_environment(RULES_CUSTOMER, SOURCE_TRANSACTIONS, names, NAMES_COUNT, kit->zones,
                          &kit->arena);
}

static void build_life(struct kit *kit)
{
    struct life_def *defs = arena_take(&kit->arena, 4 * sizeof(*defs));
    struct life_signal *signals = arena_take(&kit->arena, 2 * sizeof(*signals));
    defs[0] = (struct life_def){
        .id = slice_text("salary.stopped"), .version = 1, .hash = 31, .weight = 1, .suspect_at = 0.3,
        .confirm_at = 0.7, .expires_ms = INT64_C(180) * KIT_DAY_MS, .vulnerable = true, .publish = true,
        .absent = {.used = true, .feature = SALARY_AT + SERIES_LAST_AT,
                   .for_ms = INT64_C(45) * KIT_DAY_MS, .name = slice_text("f.salary.last_at"),
                   .text = slice_text("45d")},
        .ends = kit_condition(kit, "ends", "f.salary.active > 0")};
    defs[1] = (struct life_def){
        .id = slice_text("windfall"), .version = 1, .hash = 32, .weight = 1, .suspect_at = 0.3,
        .confirm_at = 0.7, .expires_ms = INT64_C(30) * KIT_DAY_MS, .publish = true,
        .when = kit_condition(kit, "when",
                              "tx.direction == \"CREDIT\" && tx.amount_minor >= 1000000")};
    defs[2] = (struct life_def){
        .id = slice_text("dormant"), .version = 1, .hash = 33, .weight = 1, .suspect_at = 0.3,
        .confirm_at = 0.7, .expires_ms = INT64_C(60) * KIT_DAY_MS,
        .absent = {.used = true, .feature = 2, .for_ms = INT64_C(90) * KIT_DAY_MS,
                   .name = slice_text("f.last_activity"), .text = slice_text("90d")}};
    signals[0] = (struct life_signal){kit_condition(kit, "help", "app.event == \"help\""), 0.5,
                                      INT64_C(10) * KIT_DAY_MS};
    signals[1] = (struct life_signal){kit_condition(kit, "many_logins", "f.logins >= 5"), 0.3, 0};
    defs[3] = (struct life_def){.id = slice_text("stress"), .version = 1, .hash = 34, .weight = 0.7,
                                .suspect_at = 0.4, .confirm_at = 0.7,
                                .expires_ms = INT64_C(20) * KIT_DAY_MS, .signals = signals,
                                .signal_count = 2};
    kit->playbook.life = (struct life_events){defs, 4};
}

static void build_segments(struct kit *kit)
{
    struct segment_def *defs = arena_take(&kit->arena, 3 * sizeof(*defs));
    defs[0] = (struct segment_def){
        .id = slice_text("active"), .version = 2, .hash = 41, .need = slice_text("uses the account"),
        .purpose = slice_text("MARKETING"), .including = conditions(kit, "often", "f.count_tx >= 3"),
        .including_count = 1, .exit_when = kit_condition(kit, "exit_when", "f.salary.misses >= 2"),
        .dwell_ms = INT64_C(2) * KIT_DAY_MS, .min_stay_ms = INT64_C(5) * KIT_DAY_MS,
        .cool_down_ms = INT64_C(7) * KIT_DAY_MS, .publish = true};
    defs[1] = (struct segment_def){
        .id = slice_text("spender"), .version = 1, .hash = 42,
        .including = conditions(kit, "spends", "f.spend >= 20000"), .including_count = 1,
        .excluding = conditions(kit, "active", "\"active\" in seg"), .excluding_count = 1,
        .publish = true};
    defs[2] = (struct segment_def){
        .id = slice_text("lucky"), .version = 1, .hash = 43,
        .including = conditions(kit, "windfall", "\"windfall\" in life"), .including_count = 1,
        .expires_ms = INT64_C(10) * KIT_DAY_MS};
    kit->playbook.segments = (struct segments){defs, 3};
}

static void build_offers(struct kit *kit)
{
    static const struct offer_cap caps[] = {
        {2, INT64_C(30) * KIT_DAY_MS, CAP_GROUP, CHANNEL_COUNT}};
    static const struct offer_cap overall[] = {{4, INT64_C(7) * KIT_DAY_MS, CAP_ALL, CHANNEL_COUNT}};
    static const uint32_t lucky[] = {2};
    static const struct offer_variant variants[] = {{{(const uint8_t *)"a", 1}, 1},
                                                    {{(const uint8_t *)"b", 1}, 3}};
    struct slice *login = arena_take(&kit->arena, sizeof(*login));
    *login = slice_text("login");
    struct offer_def *defs = arena_take(&kit->arena, 3 * sizeof(*defs));
    defs[0] = (struct offer_def){
        .id = slice_text("savings"), .version = 1, .hash = 51, .purpose = PURPOSE_MARKETING,
        .channels = 1U << CHANNEL_PUSH | 1U << CHANNEL_EMAIL, .publish = true,
        .eligible = kit_condition(kit, "eligible", "f.count_tx >= 1"),
        .suitable = kit_condition(kit, "suitable", "c.risk_profile >= 3"), .value_minor = 4200,
        .priority = 1, .segments_any = lucky, .segments_any_count = 1, .not_life = 1,
        .group = slice_text("money"), .caps = caps, .cap_count = 1,
        .cool_down_ms = {[OUTCOME_REJECTED] = INT64_C(60) * KIT_DAY_MS},
        .valid_from_ms = INT64_MIN, .valid_until_ms = INT64_MAX, .variants = variants,
        .variant_count = 2};
    defs[1] = (struct offer_def){
        .id = slice_text("card"), .version = 1, .hash = 52, .purpose = PURPOSE_MARKETING,
        .channels = 1U << CHANNEL_PUSH, .publish = true,
        .eligible = kit_condition(kit, "eligible", "f.spend >= 1000"), .value_minor = 9000,
        .priority = 1, .on_app = login, .on_app_count = 1, .group = slice_text("money"), .caps = caps,
        .cap_count = 1, .repeat_after_ms = INT64_C(3) * KIT_DAY_MS, .valid_from_ms = INT64_MIN,
        .valid_until_ms = INT64_MAX};
    defs[2] = (struct offer_def){
        .id = slice_text("notice"), .version = 1, .hash = 53, .purpose = PURPOSE_SERVICE,
        .contact_class = OFFER_MANDATORY, .channels = 1U << CHANNEL_POST, .on_life = 1,
        .valid_from_ms = INT64_MIN, .valid_until_ms = INT64_MAX};
    kit->playbook.offers = (struct offers){
        .defs = defs, .count = 3,
        .policy = {.top = 2, .caps = overall, .cap_count = 1, .quiet_from_minute = 1260,
                   .quiet_to_minute = 480, .quiet_channels = 1U << CHANNEL_PUSH,
                   .max_age_ms = INT64_C(2) * KIT_DAY_MS, .publish_no_offer = true}};
}
/* clang-format on */

void kit_open(struct kit *kit)
{
    struct status_text text;
    *kit = (struct kit){.now_ms = KIT_START_MS};
    memory_unseal();
    INVARIANT(zones_load(&kit->zones, &text) == STATUS_OK);
    arena_init(&kit->arena, malloc(KIT_ARENA_SIZE), KIT_ARENA_SIZE);
    kit->playbook.hash = 7;
    build_features(kit);
    build_names(kit);
    build_life(kit);
    build_segments(kit);
    build_offers(kit);
    struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, 99, 1};
    INVARIANT(engine_open(&kit->playbook, kit->zones, options, &kit->engine, &text) == STATUS_OK);
    kit->effects.capacity = ENGINE_OUTPUTS_PER_STEP_MAX;
    kit->effects.outputs = malloc(kit->effects.capacity * sizeof(struct output));
    arena_init(&kit->effects.arena, malloc(ENGINE_ARENA_PER_STEP_MAX), ENGINE_ARENA_PER_STEP_MAX);
    kit->task = malloc(engine_task_size(kit->engine));
    for (uint32_t i = 0; i < KIT_CUSTOMERS_MAX; i++) {
        kit->customers[i] = malloc(engine_customer_size(kit->engine));
    }
    kit->said_limit = 4 << 20;
    kit->said = malloc(kit->said_limit);
    kit_reset(kit);
}

const struct engine *kit_other_layout(struct kit *kit, bool retire)
{
    struct playbook *other = arena_take(&kit->arena, sizeof(*other));
    struct segment_def *segments = arena_take(&kit->arena, 3 * sizeof(*segments));
    *other = kit->playbook;
    memcpy(segments, kit->playbook.segments.defs, 3 * sizeof(*segments));
    segments[1].hash = 4242;
    segments[0].retired = retire;
    segments[0].hash += retire;
    segments[0].including_count = retire ? 0 : segments[0].including_count;
    other->segments.defs = segments;
    other->life.count = 3;
    other->hash = 8;
    const struct engine *engine = NULL;
    struct status_text text;
    struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, 99, 1};
    INVARIANT(engine_open(other, kit->zones, options, &engine, &text) == STATUS_OK);
    return engine;
}

void kit_close(struct kit *kit)
{
    for (uint32_t i = 0; i < KIT_CUSTOMERS_MAX; i++) {
        free(kit->customers[i]);
    }
    free(kit->task);
    free(kit->said);
    free(kit->effects.outputs);
    free(kit->effects.arena.block);
    free(kit->arena.block);
}

void kit_reset(struct kit *kit)
{
    engine_task_init(kit->engine, kit->task, 0);
    for (uint32_t i = 0; i < KIT_CUSTOMERS_MAX; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "c-%02u", i);
        engine_customer_init(kit->engine, kit->customers[i], slice_text(id));
    }
    kit->said_size = 0;
    kit->said[0] = 0;
    kit->outputs = 0;
    kit->now_ms = KIT_START_MS;
}

static void say(struct kit *kit, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct kit *kit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size =
        vsnprintf(kit->said + kit->said_size, kit->said_limit - kit->said_size, format, arguments);
    va_end(arguments);
    INVARIANT(size >= 0 && (size_t)size < kit->said_limit - kit->said_size);
    kit->said_size += (size_t)size;
}

static void say_proof(struct kit *kit, const struct proof_leaf *leaves, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        say(kit, " [%.*s: %.*s = %.*s / %.*s %d]", SLICE_ARG(leaves[i].leaf_id),
            SLICE_ARG(leaves[i].expr), SLICE_ARG(leaves[i].value), SLICE_ARG(leaves[i].threshold),
            leaves[i].holds);
    }
}

static void say_offers(struct kit *kit, const struct offer_decided *decided)
{
    for (uint32_t i = 0; i < decided->offer_count; i++) {
        const struct ranked_offer *offer = &decided->offers[i];
        say(kit, " offer %.*s/%.*s %s after %lld p %.4f score %.4f", SLICE_ARG(offer->offer.id),
            SLICE_ARG(offer->variant), codes_text(&codes_channel, offer->channel),
            (long long)offer->send_after_ms, offer->p, offer->score);
    }
    for (uint32_t i = 0; i < decided->blocked_count; i++) {
        say(kit, " blocked %.*s by %.*s:%.*s", SLICE_ARG(decided->blocked[i].offer_id),
            SLICE_ARG(decided->blocked[i].gate), SLICE_ARG(decided->blocked[i].reason));
    }
    say(kit, " no_offer '%.*s'", SLICE_ARG(decided->no_offer_reason));
}

static void say_output(struct kit *kit, const struct output *output)
{
    say(kit, "%.*s %s %lld seq %llu id %016llx%s", SLICE_ARG(output->key),
        output_topic(output->kind), (long long)(output->effective_at_ms - KIT_START_MS),
        (unsigned long long)output->sequence, (unsigned long long)output->id[0],
        output->tombstone ? " tombstone" : "");
    if (output->kind == OUTPUT_SEGMENT_CHANGED || output->kind == OUTPUT_SEGMENT_STATE) {
        const struct segment_changed *changed = &output->segment_changed;
        say(kit, " %.*s %s %s m%llu by %.*s@%lld", SLICE_ARG(changed->segment.id),
            codes_text(&codes_segment_transition, changed->transition),
            codes_text(&codes_origin, changed->origin), (unsigned long long)changed->membership_seq,
            SLICE_ARG(changed->cause.type), (long long)changed->cause.offset);
        say_proof(kit, changed->proof, changed->proof_count);
    } else if (output->kind == OUTPUT_CONTROL) {
        say(kit, " %.*s task %u", SLICE_ARG(output->control.what), output->control.task);
    } else if (output->kind == OUTPUT_LIFE_EVENT) {
        const struct life_event_detected *life = &output->life_event;
        say(kit, " %.*s %s %s confidence %.3f", SLICE_ARG(life->life_event.id),
            codes_text(&codes_life_event_state, life->state),
            codes_text(&codes_origin, life->origin), life->confidence);
        for (uint32_t i = 0; i < life->evidence_count; i++) {
            say(kit, " {%.*s %.3f}", SLICE_ARG(life->evidence[i].signal), life->evidence[i].weight);
        }
        say_proof(kit, life->proof, life->proof_count);
    } else if (output->kind == OUTPUT_OFFER_DECIDED) {
        say_offers(kit, &output->offer_decided);
    } else if (output->kind == OUTPUT_OFFER_STATS) {
        say(kit, " presented %lld accepted %lld", (long long)output->offer_stats.presented,
            (long long)output->offer_stats.accepted);
        for (uint32_t i = 0; i < output->offer_stats.side_count; i++) {
            const struct offer_stats_side *side = &output->offer_stats.sides[i];
            say(kit, " %s %lld converted %lld", side->control ? "held_out" : "told",
                (long long)side->customers, (long long)side->converted);
        }
    }
    say(kit, "\n");
}

static void say_effects(struct kit *kit)
{
    INVARIANT(!kit->effects.full);
    for (uint32_t i = 0; i < kit->effects.count; i++) {
        say_output(kit, &kit->effects.outputs[i]);
    }
    kit->outputs += kit->effects.count;
    kit->effects.count = 0;
    arena_reset(&kit->effects.arena);
}

void kit_event(struct kit *kit, uint32_t customer, const struct event *event)
{
    kit->now_ms = event->time_ms > kit->now_ms ? event->time_ms : kit->now_ms;
    enum engine_result result = ENGINE_MORE;
    while (result == ENGINE_MORE) {
        result = engine_event(kit->engine, kit->task, kit->customers[customer], event, kit->now_ms,
                              &kit->effects);
        say_effects(kit);
    }
}

void kit_advance(struct kit *kit, uint32_t customer, int64_t now_ms)
{
    enum engine_result result = ENGINE_MORE;
    while (result == ENGINE_MORE) {
        result =
            engine_advance(kit->engine, kit->task, kit->customers[customer], now_ms, &kit->effects);
        say_effects(kit);
    }
}

void kit_change_rules(struct kit *kit, const struct engine *other)
{
    static uint8_t bytes[ENGINE_RECORD_SIZE_MAX];
    struct status_text text;
    size_t size = engine_task_pack(kit->engine, kit->task, bytes);
    kit->task = realloc(kit->task, engine_task_size(other));
    INVARIANT(engine_task_unpack(other, kit->task, 0, slice_of(bytes, size), &text) == STATUS_OK);
    for (uint32_t i = 0; i < KIT_CUSTOMERS_MAX; i++) {
        uint8_t id[CUSTOMER_ID_SIZE_MAX];
        uint8_t id_size = kit->customers[i]->id_size;
        memcpy(id, kit->customers[i]->id, id_size);
        size = engine_customer_pack(kit->engine, kit->customers[i], bytes);
        kit->customers[i] = realloc(kit->customers[i], engine_customer_size(other));
        INVARIANT(engine_customer_unpack(other, kit->customers[i], slice_of(id, id_size),
                                         slice_of(bytes, size), &text) == STATUS_OK);
    }
    kit->engine = other;
}

void kit_cut(struct kit *kit)
{
    kit_change_rules(kit, kit->engine);
}

void kit_sweep(struct kit *kit, int64_t now_ms)
{
    engine_sweep_begin(kit->engine, kit->task, now_ms, &kit->effects);
    say_effects(kit);
    for (uint32_t i = 0; i < KIT_CUSTOMERS_MAX; i++) {
        kit_advance(kit, i, now_ms);
    }
    engine_sweep_complete(kit->engine, kit->task, now_ms, &kit->effects);
    say_effects(kit);
}

uint32_t kit_count(const struct kit *kit, const char *text)
{
    uint32_t count = 0;
    const char *line = kit->said;
    while (*line != 0) {
        const char *end = strchr(line, '\n');
        const char *found = strstr(line, text);
        count += found != NULL && found < end;
        line = end + 1;
    }
    return count;
}

static uint64_t all_present(enum source source)
{
    return (UINT64_C(1) << fields_of(source)->count) - 1;
}

static uint64_t without(enum source source, uint64_t present, const char *field)
{
    return present & ~(UINT64_C(1) << fields_find(source, slice_text(field)));
}

struct event kit_tx(int64_t time_ms, enum direction direction, int64_t amount_minor,
                    const char *payer)
{
    struct event event = {.source = SOURCE_TRANSACTIONS,
                          .time_ms = time_ms,
                          .present = all_present(SOURCE_TRANSACTIONS)};
    event.present = without(SOURCE_TRANSACTIONS, event.present, "reverses");
    event.tx = (struct transaction){.currency = slice_text("GBP"),
                                    .amount_minor = amount_minor,
                                    .direction = (uint8_t)direction,
                                    .status = TX_POSTED,
                                    .kind = KIND_TRANSFER,
                                    .counterparty_id = slice_text(payer)};
    return event;
}

struct event kit_app(int64_t time_ms, const char *what)
{
    struct event event = {.source = SOURCE_APP_ENGAGEMENT,
                          .time_ms = time_ms,
                          .present = all_present(SOURCE_APP_ENGAGEMENT)};
    event.app.event = slice_text(what);
    return event;
}

struct event kit_profile(int64_t time_ms)
{
    struct event event = {.source = SOURCE_CUSTOMER_PROFILES,
                          .time_ms = time_ms,
                          .present = all_present(SOURCE_CUSTOMER_PROFILES)};
    event.profile.country = slice_text("GB");
    event.profile.timezone = slice_text("Europe/London");
    event.profile.risk_profile = 4;
    event.profile.preferred_channel = CHANNEL_PUSH;
    event.profile.consent_count = 2;
    event.profile.consents[0] =
        (struct consent){time_ms, PURPOSE_MARKETING, CHANNEL_PUSH, CONSENT_GRANTED, BASIS_CONSENT};
    event.profile.consents[1] =
        (struct consent){time_ms, PURPOSE_MARKETING, CHANNEL_EMAIL, CONSENT_GRANTED, BASIS_CONSENT};
    return event;
}

struct event kit_outcome(int64_t time_ms, const char *offer, enum outcome outcome)
{
    struct event event = {.source = SOURCE_OFFER_OUTCOMES,
                          .time_ms = time_ms,
                          .present = all_present(SOURCE_OFFER_OUTCOMES)};
    event.outcome.offer_id = slice_text(offer);
    event.outcome.variant = slice_text(strcmp(offer, "savings") == 0 ? "a" : "default");
    event.outcome.channel = CHANNEL_PUSH;
    event.outcome.outcome = (uint8_t)outcome;
    return event;
}

void kit_stream_init(struct kit_stream *stream, uint64_t seed, uint32_t customers, bool outcomes)
{
    *stream =
        (struct kit_stream){.time_ms = KIT_START_MS, .customers = customers, .outcomes = outcomes};
    random_init(&stream->random, seed);
}

static struct event random_profile(struct kit_stream *stream)
{
    struct event event = kit_profile(stream->time_ms);
    event.profile.erase = random_chance(&stream->random, 0.03);
    event.profile.complaint_open = random_chance(&stream->random, 0.1);
    if (random_chance(&stream->random, 0.2)) {
        event.profile.consents[0].status = CONSENT_WITHDRAWN;
    }
    if (random_chance(&stream->random, 0.1)) {
        event.profile.timezone = slice_text("Pacific/Auckland");
    }
    return event;
}

static struct event random_tx(struct kit_stream *stream)
{
    static const char *const payers[] = {"acme", "shop", "landlord", "aunt"};
    /* Payday is in the first days of a month; some months it does not come. */
    int32_t day = civil_date((int32_t)civil_floor(stream->time_ms, MS_PER_DAY)).day;
    uint64_t payer = 1 + random_below(&stream->random, 3);
    bool salary = day <= 4 && random_chance(&stream->random, 0.8);
    payer = salary ? 0 : payer;
    int64_t amount = salary ? 250000 : random_between(&stream->random, 100, 30000);
    if (random_chance(&stream->random, 0.02)) {
        amount = 2000000;
    }
    struct event event =
        kit_tx(stream->time_ms,
               salary || random_chance(&stream->random, 0.1) ? DIRECTION_CREDIT : DIRECTION_DEBIT,
               amount, payers[payer]);
    event.tx.kind = random_chance(&stream->random, 0.1) ? KIND_FEE : KIND_TRANSFER;
    return event;
}

struct event kit_stream_next(struct kit_stream *stream, uint32_t *out_customer)
{
    static const char *const pages[] = {"login", "view", "help"};
    static const char *const offers[] = {"savings", "card"};
    struct random *random = &stream->random;
    stream->time_ms += (int64_t)random_below(random, (uint64_t)KIT_DAY_MS * 6 / stream->customers);
    *out_customer = (uint32_t)random_below(random, stream->customers);
    uint64_t kind = random_below(random, 20);
    struct event event;
    if (kind < 2) {
        event = random_profile(stream);
    } else if (kind < 7) {
        event = kit_app(stream->time_ms, pages[random_below(random, 3)]);
    } else if (kind < 8 && stream->outcomes) {
        event = kit_outcome(stream->time_ms, offers[random_below(random, 2)],
                            (enum outcome)random_below(random, OUTCOME_COUNT));
    } else {
        event = random_tx(stream);
    }
    stream->made++;
    if (event.source != SOURCE_CUSTOMER_PROFILES) {
        uint32_t number =
            random_chance(random, 0.05) ? stream->made - 1 : stream->made; /* duplicates */
        char *id = stream->ids[stream->made % 2];
        int size = snprintf(id, sizeof(stream->ids[0]), "e-%u", number);
        event.event_id = slice_of(id, (size_t)size);
    }
    event.offset = stream->made;
    return event;
}

uint64_t kit_seed(uint64_t otherwise)
{
    const char *text = getenv("SEED");
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}
