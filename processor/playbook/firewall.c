/* SPDX-License-Identifier: Apache-2.0 */
/* The firewall for special-category data (GDPR article 9; CJEU C-184/20: what can be inferred counts too).
 *
 *   merchant codes, payees, c.vulnerability -> features -> life events, segments -> offers -> headers of outputs
 *
 * What comes in is found by asking, not by reading the text: the parts of a condition that read nothing but the
 * code (or payee) are evaluated for every listed one. If one is treated otherwise than the rest, it is singled
 * out, however it is written: `tx.mcc in [8011]`, `tx.mcc >= 8000 && tx.mcc < 8100`,
 * `string(tx.mcc).startsWith("80")`, `tx.amount_minor * (tx.mcc == 8011 ? 1 : 0)`.
 *
 * Who is left out tells as much as who is in, once it is turned round: a segment that only leaves sick people
 * out is not tainted, but whoever reads it the other way, `excluding: '"well" in seg'`, is (struct definition,
 * shadow). */
#include "base/hash.h"
#include "playbook/loader.h"

enum {
    SCRATCH_SIZE = 16384,
    CODE_STEP = 8, /* of the 10,000 codes every 8th stands for its neighbours */
    CODE_SAMPLES = 10000 / CODE_STEP,
    PARTS_MAX = 16, /* of one expression; with more its code is taken as kept */
    /* An outcome that fewer than a quarter of all codes share is special treatment; `tx.mcc > 0` is none. */
    NARROW = CODE_SAMPLES / 4,
};

static const char *const categories[] = {
    "none",  "special_category", "health",    "religion", "politics",
    "union", "sex_life",         "ethnicity", "genetic",  "biometric"};
enum { CATEGORY_COUNT = sizeof(categories) / sizeof(categories[0]) };

static const struct {
    int32_t code;
    const char *category;
} known_codes[] = {
    {4119, "health"},   /* ambulances */
    {5047, "health"},   /* medical equipment */
    {5122, "health"},   /* drugs, wholesale */
    {5912, "health"},   /* pharmacies */
    {5975, "health"},   /* hearing aids */
    {5976, "health"},   /* orthopaedic goods */
    {7273, "sex_life"}, /* dating */
    {8011, "health"},   /* doctors */
    {8021, "health"},   /* dentists */
    {8031, "health"},   /* osteopaths */
    {8041, "health"},   /* chiropractors */
    {8042, "health"},   /* optometrists */
    {8043, "health"},   /* opticians */
    {8049, "health"},   /* podiatrists */
    {8050, "health"},   /* nursing and care homes */
    {8062, "health"},   /* hospitals */
    {8071, "health"},   /* laboratories */
    {8099, "health"},   /* other medical services */
    {8398, "religion"}, /* charities; beliefs show in them */
    {8641, "union"},    /* civic and fraternal associations */
    {8651, "politics"}, /* political organisations */
    {8661, "religion"}, /* religious organisations */
    {8699, "union"},    /* membership organisations, trade unions among them */
};
enum { KNOWN_COUNT = sizeof(known_codes) / sizeof(known_codes[0]) };

bool taint_is(const struct taint *taint)
{
    return taint->category.size > 0;
}

void taint_add(struct taint *to, const struct taint *from)
{
    if (!taint_is(to)) {
        *to = *from;
    } else if (taint_is(from) && !slice_equal(to->category, from->category)) {
        to->category = slice_text(DATA_CATEGORY_SPECIAL);
    }
}

static struct taint taint_of(struct loader *loader, const char *category, const char *name,
                             struct slice what)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "%s %.*s", name, SLICE_ARG(what));
    return (struct taint){slice_text(category), arena_copy(loader->arena, slice_text(text))};
}

/* ---- the lists ---- */

/* As tx.text has it. No room: the loader says so, and the playbook does not load; a payee that could not be asked
 * about must not pass for one that is harmless. */
static struct slice lower_case(struct loader *loader, struct slice text)
{
    uint8_t *lower = loader_take(loader, text.size);
    for (size_t i = 0; lower != NULL && i < text.size; i++) {
        uint8_t c = text.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
    }
    return lower == NULL ? text : slice_of(lower, text.size);
}

static void add_entry(struct loader *loader, const struct yaml_node *item, const char *category,
                      bool codes)
{
    struct sensitive *list = &loader->sensitive;
    int64_t code;
    struct slice text;
    if (codes && list->code_count == SENSITIVE_CODES_MAX) {
        yaml_error(item, loader->diagnostics, NULL, "more than %d codes", SENSITIVE_CODES_MAX);
    } else if (!codes && list->payee_count == SENSITIVE_PAYEES_MAX) {
        yaml_error(item, loader->diagnostics, NULL, "more than %d payees", SENSITIVE_PAYEES_MAX);
    } else if (codes && yaml_integer(item, loader->diagnostics, 0, 9999, &code)) {
        list->codes[list->code_count++] = (struct sensitive_code){(int32_t)code, category};
        canon_integer(loader, category, code);
    } else if (!codes && yaml_text(item, loader->diagnostics, &text) && text.size > 0) {
        list->payees[list->payee_count++] =
            (struct sensitive_payee){text, lower_case(loader, text), category};
        canon_text(loader, category, text);
    }
}

static void load_list(struct loader *loader, const struct yaml_node *node, bool codes)
{
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    yaml_refuse_unknown(node, categories + 1, CATEGORY_COUNT - 1, loader->diagnostics);
    for (uint32_t i = 1; i < CATEGORY_COUNT; i++) {
        const struct yaml_node *list = yaml_get(node, categories[i]);
        if (yaml_is_sequence(list, loader->diagnostics)) {
            for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
                add_entry(loader, item, categories[i], codes);
            }
        }
    }
}

void firewall_load(struct loader *loader, const struct yaml_node *node)
{
    struct sensitive *list = &loader->sensitive;
    list->codes = loader_take(loader, SENSITIVE_CODES_MAX * sizeof(*list->codes));
    list->payees = loader_take(loader, SENSITIVE_PAYEES_MAX * sizeof(*list->payees));
    if (list->codes == NULL || list->payees == NULL) {
        return;
    }
    for (uint32_t i = 0; i < KNOWN_COUNT; i++) {
        list->codes[list->code_count++] =
            (struct sensitive_code){known_codes[i].code, known_codes[i].category};
    }
    canon_begin(loader, "sensitive");
    if (yaml_is_mapping(node, loader->diagnostics)) {
        keys_refuse_unknown(node, KEYS_SENSITIVE, loader->diagnostics);
        load_list(loader, yaml_get(node, "mcc"), true);
        load_list(loader, yaml_get(node, "payees"), false);
    }
    list->hash = canon_end(loader);
}

/* ---- asking an expression ---- */

/* What comes out, as a number to compare; every error is the same. */
static uint64_t outcome(const struct cel_program *program, uint32_t slot, struct cel_value value)
{
    uint8_t block[SCRATCH_SIZE];
    char text[128];
    struct arena scratch;
    arena_init(&scratch, block, sizeof(block));
    struct cel_value others = {.kind = CEL_ABSENT};
    struct cel_value result = loader_probe(program, slot, value, others, &scratch);
    if (result.kind == CEL_ERROR || result.kind == CEL_ABSENT) {
        return 0;
    }
    return hash64(slice_of(text, cel_format(&result, text, sizeof(text))),
                  (uint64_t)result.kind + 1);
}

static bool reads_slot(const struct cel_program *program, uint32_t slot)
{
    uint32_t count = 0;
    const uint32_t *slots = program == NULL ? NULL : cel_program_slots(program, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i] == slot) {
            return true;
        }
    }
    return false;
}

static uint32_t event_slot(const char *field)
{
    int32_t index = fields_find(SOURCE_TRANSACTIONS, slice_text(field));
    return SCOPE_SLOT(SCOPE_EVENT, (uint32_t)index + RULES_EVENT_FIELDS_EACH * SOURCE_TRANSACTIONS);
}

/* One part that reads nothing but the code. */
static struct taint ask_code(struct loader *loader, const struct cel_program *program,
                             uint32_t slot)
{
    uint64_t samples[CODE_SAMPLES];
    struct taint taint = {0};
    for (uint32_t i = 0; i < CODE_SAMPLES; i++) {
        samples[i] = outcome(program, slot, cel_int((int64_t)i * CODE_STEP));
    }
    for (uint32_t i = 0; i < loader->sensitive.code_count; i++) {
        const struct sensitive_code *code = &loader->sensitive.codes[i];
        uint64_t said = outcome(program, slot, cel_int(code->code));
        uint32_t alike = 0;
        for (uint32_t j = 0; j < CODE_SAMPLES; j++) {
            alike += samples[j] == said;
        }
        if (alike < NARROW) {
            char digits[16];
            (void)snprintf(digits, sizeof(digits), "%d", code->code);
            struct taint found = taint_of(loader, code->category, "tx.mcc", slice_text(digits));
            taint_add(&taint, &found);
        }
    }
    return taint;
}

/* Its parts that read nothing but this name; more than PARTS_MAX: nobody has looked. */
static uint32_t parts_of(struct loader *loader, const struct cel_program *program, uint32_t slot,
                         const struct cel_program *out[PARTS_MAX])
{
    uint32_t count = cel_program_parts(program, slot, loader->arena, out, PARTS_MAX);
    if (count == UINT32_MAX) {
        (void)loader_take(loader, SIZE_MAX / 2); /* says that the arena is full */
        return 0;
    }
    return count;
}

static struct taint unread(struct loader *loader, const char *name)
{
    return taint_of(loader, DATA_CATEGORY_SPECIAL, name, slice_text("in many places"));
}

static struct taint ask_codes(struct loader *loader, const struct cel_program *program)
{
    const struct cel_program *parts[PARTS_MAX];
    struct taint taint = {0};
    uint32_t slot = event_slot("mcc");
    uint32_t count = reads_slot(program, slot) ? parts_of(loader, program, slot, parts) : 0;
    for (uint32_t i = 0; i < count && count <= PARTS_MAX; i++) {
        struct taint found = ask_code(loader, parts[i], slot);
        taint_add(&taint, &found);
    }
    return count > PARTS_MAX ? unread(loader, "tx.mcc") : taint;
}

/* One part that reads nothing but this name of a payee; `lower`: the name is in lower case. */
static struct taint ask_payee(struct loader *loader, const struct cel_program *program,
                              uint32_t slot, const char *name, bool lower)
{
    static const char *const anybody[] = {"the quick brown fox jumps over the lazy dog 0123456789",
                                          "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG 0123456789"};
    struct taint taint = {0};
    uint64_t small = outcome(program, slot, cel_string(slice_text(anybody[0])));
    uint64_t large = lower ? small : outcome(program, slot, cel_string(slice_text(anybody[1])));
    for (uint32_t i = 0; i < loader->sensitive.payee_count; i++) {
        const struct sensitive_payee *payee = &loader->sensitive.payees[i];
        struct slice text = lower ? payee->lower : payee->text;
        uint64_t said = outcome(program, slot, cel_string(text));
        if (said != small && said != large) {
            struct taint found = taint_of(loader, payee->category, name, payee->text);
            taint_add(&taint, &found);
        }
    }
    return taint;
}

static struct taint ask_payees(struct loader *loader, const struct cel_program *program)
{
    const struct {
        const char *name;
        uint32_t slot;
        bool lower;
    } names[] = {{"tx.counterparty_id", event_slot("counterparty_id"), false},
                 {"tx.counterparty_name", event_slot("counterparty_name"), false},
                 {"tx.merchant_name", event_slot("merchant_name"), false},
                 {"tx.reference", event_slot("reference"), false},
                 {"tx.text", RULES_SLOT_TEXT, true}};
    struct taint taint = {0};
    for (uint32_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        const struct cel_program *parts[PARTS_MAX];
        uint32_t count = loader->sensitive.payee_count > 0 && reads_slot(program, names[n].slot)
                             ? parts_of(loader, program, names[n].slot, parts)
                             : 0;
        for (uint32_t i = 0; i < count; i++) {
            struct taint found = count > PARTS_MAX ? unread(loader, names[n].name)
                                                   : ask_payee(loader, parts[i], names[n].slot,
                                                               names[n].name, names[n].lower);
            taint_add(&taint, &found);
        }
    }
    return taint;
}

struct taint firewall_ask(struct loader *loader, const struct cel_program *program)
{
    struct taint taint = {0};
    if (program == NULL) {
        return taint;
    }
    if (reads_slot(program, SCOPE_SLOT(SCOPE_PROFILE, PROFILE_VULNERABILITY))) {
        taint = (struct taint){slice_text("health"), slice_text("c.vulnerability")};
    }
    struct taint codes = ask_codes(loader, program), payees = ask_payees(loader, program);
    taint_add(&taint, &codes);
    taint_add(&taint, &payees);
    return taint;
}

/* ---- features ---- */

/* A field kept as it came tells what it was, unless `where` lets nothing special through. */
static struct taint ask_field(struct loader *loader, const struct feature_def *def)
{
    const struct sensitive *list = &loader->sensitive;
    const struct field_table *table = fields_of(def->source);
    struct taint taint = {0};
    if (def->from != FEATURE_FROM_FIELD || def->source != SOURCE_TRANSACTIONS) {
        return taint;
    }
    const char *field = table->fields[def->value_field].name;
    bool codes = strcmp(field, "mcc") == 0;
    bool payee = strcmp(field, "counterparty_id") == 0 || strcmp(field, "counterparty_name") == 0 ||
                 strcmp(field, "merchant_name") == 0 || strcmp(field, "reference") == 0;
    uint32_t slot = event_slot(field), count = codes   ? list->code_count
                                               : payee ? list->payee_count
                                                       : 0;
    uint64_t no = hash64(slice_text("false"), (uint64_t)CEL_BOOL + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct cel_value value =
            codes ? cel_int(list->codes[i].code) : cel_string(list->payees[i].text);
        if (def->where == NULL || outcome(def->where, slot, value) != no) {
            char name[64];
            (void)snprintf(name, sizeof(name), "the value of tx.%s", field);
            struct taint found = {
                slice_text(codes ? list->codes[i].category : list->payees[i].category),
                arena_copy(loader->arena, slice_text(name))};
            taint_add(&taint, &found);
        }
    }
    return taint;
}

struct taint firewall_feature(struct loader *loader, const struct feature_def *def)
{
    struct taint where = firewall_ask(loader, def->where), then = firewall_ask(loader, def->then);
    struct taint taint = where;
    taint_add(&taint, &then);
    /* How many different ones there were tells nothing of any of them; of `tx.mcc == 8011` it tells all. */
    bool counts = def->kind == FEATURE_DISTINCT || def->kind == FEATURE_TOP_COUNT;
    if (!counts || def->from != FEATURE_FROM_FIELD) {
        struct taint value = firewall_ask(loader, def->value), field = ask_field(loader, def);
        taint_add(&taint, &value);
        taint_add(&taint, &field);
    }
    return taint;
}

struct taint firewall_through(struct loader *loader, const struct feature_facts *facts)
{
    struct taint taint = facts->taint;
    if (taint_is(&taint)) {
        char text[300];
        (void)snprintf(text, sizeof(text), "f.%.*s <- %.*s", SLICE_ARG(facts->name),
                       SLICE_ARG(taint.origin));
        taint.origin = arena_copy(loader->arena, slice_text(text));
    }
    return taint;
}

struct taint firewall_turned(struct loader *loader, const struct definition *segment)
{
    return taint_of(loader, (const char *)segment->shadow.category.data,
                    "whom it leaves out, segment", segment->id);
}

struct taint firewall_judge(struct loader *loader, const struct yaml_node *node, struct taint seen)
{
    uint32_t word;
    const struct yaml_node *said = yaml_get(node, "sensitivity");
    if (!yaml_word(said, loader->diagnostics, categories, CATEGORY_COUNT, &word)) {
        return seen;
    }
    if (word == 0) {
        if (taint_is(&seen)) {
            yaml_warning(said, loader->diagnostics, "leave `sensitivity` away",
                         "`%.*s` says that it is not sensitive, and reads %.*s (%.*s)",
                         SLICE_ARG(node->key->text), SLICE_ARG(seen.origin),
                         SLICE_ARG(seen.category));
        }
        return (struct taint){0};
    }
    return (struct taint){slice_text(categories[word]), slice_text("its sensitivity")};
}

void firewall_publish(struct loader *loader, const struct yaml_node *node, bool publish,
                      const struct taint *taint)
{
    if (publish && taint_is(taint) && yaml_get(node, "sensitivity") == NULL) {
        char mend[120];
        (void)snprintf(mend, sizeof(mend), "write `sensitivity: %.*s`, or leave `publish` away",
                       SLICE_ARG(taint->category));
        yaml_error(yaml_get(node, "publish"), loader->diagnostics, mend,
                   "the view has no place for a class, and `%.*s` is sensitive: f.%.*s <- %.*s "
                   "(%.*s)",
                   SLICE_ARG(node->key->text), SLICE_ARG(node->key->text), SLICE_ARG(taint->origin),
                   SLICE_ARG(taint->category));
    }
}

/* ---- the path ---- */

static int put_step(char *out, size_t room, const char *what, struct slice name)
{
    return snprintf(out, room, " <- %s%.*s", what, SLICE_ARG(name));
}

/* " <- f.doctor <- tx.mcc 8011 (health)" */
static int put_feature(const struct loader *loader, const struct reads *reads, char *out,
                       size_t room)
{
    for (uint32_t i = 0; i < loader->playbook->name_count; i++) {
        const struct feature_facts *facts = &loader->facts[i];
        if ((reads->features[i / 64] >> i % 64 & 1) != 0 && taint_is(&facts->taint)) {
            int size = put_step(out, room, "f.", facts->name);
            return size + snprintf(out + size, room - (size_t)size, " <- %.*s (%.*s)",
                                   SLICE_ARG(facts->taint.origin),
                                   SLICE_ARG(facts->taint.category));
        }
    }
    return 0;
}

static int put_path(const struct loader *loader, const struct reads *reads, char *out, size_t room,
                    int depth)
{
    static const char *const names[] = {"", "life event ", "segment "};
    if (taint_is(&reads->taint)) {
        return snprintf(out, room, " <- %.*s (%.*s)", SLICE_ARG(reads->taint.origin),
                        SLICE_ARG(reads->taint.category));
    }
    int size = put_feature(loader, reads, out, room);
    for (int kind = PLAYBOOK_LIFE_EVENT; size == 0 && kind <= PLAYBOOK_SEGMENT; kind++) {
        const struct section *section = &loader->sections[kind];
        for (uint32_t i = 0; size == 0 && i < section->count; i++) {
            const struct definition *read = &section->list[i];
            uint64_t bits = kind == PLAYBOOK_LIFE_EVENT ? reads->tainting_life
                                                        : reads->tainting_segments[i / 64];
            if ((bits >> i % 64 & 1) == 0 || !taint_is(&read->taint)) {
                continue;
            }
            size = put_step(out, room, names[kind], read->id);
            if (depth < 8 && (size_t)size < room) {
                size += put_path(loader, &read->reads, out + size, room - (size_t)size, depth + 1);
            }
        }
    }
    return size;
}

void firewall_refuse(struct loader *loader, enum playbook_kind kind, uint32_t index,
                     const char *mend)
{
    const struct definition *definition = &loader->sections[kind].list[index];
    char path[256] = "";
    (void)put_path(loader, &definition->reads, path, sizeof(path), 0);
    yaml_error(definition->node->key, loader->diagnostics, mend,
               "marketing reads special-category data without explicit consent: %s %.*s%s",
               loader->sections[kind].what, SLICE_ARG(definition->id), path);
}

void firewall_publish_named(struct loader *loader, enum playbook_kind kind, uint32_t index,
                            bool publish)
{
    const struct definition *definition = &loader->sections[kind].list[index];
    const struct yaml_node *node = definition->node, *said = yaml_get(node, "data_category");
    struct slice category = {NULL, 0};
    if (said != NULL) {
        (void)yaml_text(said, loader->diagnostics, &category);
    }
    bool named = category.size > 0 && !slice_is(category, categories[0]);
    if (publish && taint_is(&definition->taint) && !named) {
        char path[256] = "", mend[120];
        (void)put_path(loader, &definition->reads, path, sizeof(path), 0);
        (void)snprintf(mend, sizeof(mend), "write `data_category: %.*s`, or leave `publish` away",
                       SLICE_ARG(definition->taint.category));
        yaml_new_rule(yaml_get(node, "publish"), loader->diagnostics, mend,
                      "the view has no place for a class, and `%.*s` is sensitive: %s %.*s%s",
                      SLICE_ARG(definition->id), loader->sections[kind].what,
                      SLICE_ARG(definition->id), path);
    }
}
