/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/shape.h"

#include <stdio.h>

#include "base/attributes.h"
#include "base/invariant.h"
#include "codec/encode.h"

/* NOLINTBEGIN(bugprone-macro-parentheses): a type's and a member's name stand bare */
#define AT(type, member) (uint16_t) offsetof(struct type, member)
#define SHAPE(fields, type)                                                                        \
    {                                                                                              \
        fields, ARRAY_COUNT(fields), sizeof(struct type)                                           \
    }
#define OUT(member) (uint16_t) offsetof(struct output, member)
#define DEFINITION(of, place)                                                                      \
    {"definition_version",                                                                         \
     SHAPE_INT32,                                                                                  \
     (uint16_t)(place + AT(definition_ref, version)),                                              \
     false,                                                                                        \
     0,                                                                                            \
     NULL,                                                                                         \
     NULL},                                                                                        \
    {                                                                                              \
        "definition_hash", SHAPE_HASH, (uint16_t)(place + AT(definition_ref, hash)), false, 0,     \
            NULL, NULL                                                                             \
    }
#define PLAIN(name, type, place)                                                                   \
    {                                                                                              \
        name, type, place, false, 0, NULL, NULL                                                    \
    }
#define MAYBE(name, type, place)                                                                   \
    {                                                                                              \
        name, type, place, true, 0, NULL, NULL                                                     \
    }
#define CODED(name, place, codes)                                                                  \
    {                                                                                              \
        name, SHAPE_CODE, place, false, 0, codes, NULL                                             \
    }
#define LISTED(name, place, n, items)                                                              \
    {                                                                                              \
        name, SHAPE_LIST, place, false, n, NULL, items                                             \
    }
#define CUSTOMER          PLAIN("customer_id", SHAPE_STRING, OUT(customer_id))
#define EFFECTIVE(member) PLAIN("effective_at", SHAPE_TIME, OUT(member))
#define PROCESSED         PLAIN("processed_at", SHAPE_PROCESSED_AT, 0)
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct shape_field cause_fields[] = {
    PLAIN("topic", SHAPE_TOPIC, AT(cause, source)),
    PLAIN("partition", SHAPE_UINT32, AT(cause, partition)),
    PLAIN("offset", SHAPE_INT64, AT(cause, offset)),
    PLAIN("time", SHAPE_TIME, AT(cause, time_ms)),
    MAYBE("event_id", SHAPE_STRING, AT(cause, event_id)),
    PLAIN("type", SHAPE_STRING, AT(cause, type)),
};
static const struct shape cause_shape = SHAPE(cause_fields, cause);
#define CAUSE(member)                                                                              \
    {                                                                                              \
        "cause", SHAPE_CAUSE, OUT(member), true, 0, NULL, &cause_shape                             \
    }

static const struct shape_field proof_fields[] = {
    PLAIN("leaf_id", SHAPE_STRING, AT(proof_leaf, leaf_id)),
    PLAIN("expr", SHAPE_STRING, AT(proof_leaf, expr)),
    MAYBE("value", SHAPE_STRING, AT(proof_leaf, value)),
    MAYBE("threshold", SHAPE_STRING, AT(proof_leaf, threshold)),
    CODED("polarity", AT(proof_leaf, polarity), &codes_polarity),
    MAYBE("feature", SHAPE_STRING, AT(proof_leaf, feature)),
    PLAIN("as_of", SHAPE_TIME, AT(proof_leaf, as_of_ms)),
    PLAIN("holds", SHAPE_BOOL, AT(proof_leaf, holds)),
};
static const struct shape proof_shape = SHAPE(proof_fields, proof_leaf);

#define MEMBERSHIP                                                                                 \
    CUSTOMER, PLAIN("segment_id", SHAPE_STRING, OUT(segment_changed.segment.id)),                  \
        DEFINITION(segment, OUT(segment_changed.segment)),                                         \
        CODED("transition", OUT(segment_changed.transition), &codes_segment_transition),           \
        CODED("origin", OUT(segment_changed.origin), &codes_origin),                               \
        EFFECTIVE(segment_changed.effective_at_ms), PROCESSED,                                     \
        MAYBE("valid_until", SHAPE_TIME, OUT(segment_changed.valid_until_ms)),                     \
        PLAIN("membership_seq", SHAPE_UINT64, OUT(segment_changed.membership_seq)),                \
        MAYBE("entered_at", SHAPE_TIME, OUT(segment_changed.entered_at_ms)),                       \
        MAYBE("previous_exit_at", SHAPE_TIME, OUT(segment_changed.previous_exit_at_ms))
#define USE                                                                                        \
    MAYBE("purpose", SHAPE_STRING, OUT(segment_changed.purpose)),                                  \
        MAYBE("data_category", SHAPE_STRING, OUT(segment_changed.data_category))

static const struct shape_field segment_changed_fields[] = {
    MEMBERSHIP,
    CAUSE(segment_changed.cause),
    LISTED("proof", OUT(segment_changed.proof), OUT(segment_changed.proof_count), &proof_shape),
    {"missing_features", SHAPE_TEXTS, OUT(segment_changed.missing_features), false,
     OUT(segment_changed.missing_count), NULL, NULL},
    USE,
    MAYBE("need", SHAPE_STRING, OUT(segment_changed.need)),
};

static const struct shape_field segment_state_fields[] = {MEMBERSHIP, USE};

static const struct shape_field evidence_fields[] = {
    PLAIN("signal", SHAPE_STRING, AT(evidence, signal)),
    PLAIN("weight", SHAPE_DOUBLE, AT(evidence, weight)),
    PLAIN("at", SHAPE_TIME, AT(evidence, at_ms)),
};
static const struct shape evidence_shape = SHAPE(evidence_fields, evidence);

static const struct shape_field life_event_fields[] = {
    CUSTOMER,
    PLAIN("life_event", SHAPE_STRING, OUT(life_event.life_event.id)),
    DEFINITION(life event, OUT(life_event.life_event)),
    CODED("state", OUT(life_event.state), &codes_life_event_state),
    CODED("origin", OUT(life_event.origin), &codes_origin),
    PLAIN("confidence", SHAPE_DOUBLE, OUT(life_event.confidence)),
    EFFECTIVE(life_event.effective_at_ms),
    PROCESSED,
    MAYBE("window_from", SHAPE_TIME, OUT(life_event.window_from_ms)),
    MAYBE("window_to", SHAPE_TIME, OUT(life_event.window_to_ms)),
    CAUSE(life_event.cause),
    LISTED("evidence", OUT(life_event.evidence), OUT(life_event.evidence_count), &evidence_shape),
    LISTED("proof", OUT(life_event.proof), OUT(life_event.proof_count), &proof_shape),
    PLAIN("vulnerable", SHAPE_BOOL, OUT(life_event.vulnerable)),
};

static const struct shape_field terms_fields[] = {
    PLAIN("p", SHAPE_DOUBLE, AT(ranked_offer, p)),
    PLAIN("c", SHAPE_DOUBLE, AT(ranked_offer, c)),
    PLAIN("v", SHAPE_DOUBLE, AT(ranked_offer, v)),
    PLAIN("l", SHAPE_DOUBLE, AT(ranked_offer, l)),
};
static const struct shape terms_shape = SHAPE(terms_fields, ranked_offer);

static const struct shape_field ranked_fields[] = {
    PLAIN("offer_id", SHAPE_STRING, AT(ranked_offer, offer.id)),
    DEFINITION(offer, AT(ranked_offer, offer)),
    MAYBE("variant", SHAPE_STRING, AT(ranked_offer, variant)),
    CODED("channel", AT(ranked_offer, channel), &codes_channel),
    PLAIN("send_after", SHAPE_TIME, AT(ranked_offer, send_after_ms)),
    PLAIN("score", SHAPE_DOUBLE, AT(ranked_offer, score)),
    {"terms", SHAPE_RECORD, 0, false, 0, NULL, &terms_shape}, /* p, c, v, l of the same struct */
    PLAIN("selection_probability", SHAPE_DOUBLE, AT(ranked_offer, selection_probability)),
    MAYBE("context", SHAPE_STRING, AT(ranked_offer, context)),
    MAYBE("channel_reason", SHAPE_STRING, AT(ranked_offer, channel_reason)),
    MAYBE("bundle", SHAPE_STRING, AT(ranked_offer, bundle)),
    MAYBE("propensity_from", SHAPE_STRING, AT(ranked_offer, propensity_from)),
};
static const struct shape ranked_shape = SHAPE(ranked_fields, ranked_offer);

static const struct shape_field blocked_fields[] = {
    PLAIN("offer_id", SHAPE_STRING, AT(blocked_offer, offer_id)),
    PLAIN("gate", SHAPE_STRING, AT(blocked_offer, gate)),
    PLAIN("reason", SHAPE_STRING, AT(blocked_offer, reason)),
};
static const struct shape blocked_shape = SHAPE(blocked_fields, blocked_offer);

static const struct shape_field withdrawn_fields[] = {
    PLAIN("decision_id", SHAPE_STRING, AT(withdrawn_offer, decision_id)),
    PLAIN("offer_id", SHAPE_STRING, AT(withdrawn_offer, offer_id)),
    CODED("channel", AT(withdrawn_offer, channel), &codes_channel),
    PLAIN("gate", SHAPE_STRING, AT(withdrawn_offer, gate)),
    PLAIN("reason", SHAPE_STRING, AT(withdrawn_offer, reason)),
};
static const struct shape withdrawn_shape = SHAPE(withdrawn_fields, withdrawn_offer);

static const struct shape_field offer_decided_fields[] = {
    CUSTOMER,
    PLAIN("decision_id", SHAPE_STRING, OUT(offer_decided.decision_id)),
    CODED("origin", OUT(offer_decided.origin), &codes_origin),
    EFFECTIVE(offer_decided.effective_at_ms),
    PROCESSED,
    CAUSE(offer_decided.cause),
    LISTED("offers", OUT(offer_decided.offers), OUT(offer_decided.offer_count), &ranked_shape),
    LISTED("blocked", OUT(offer_decided.blocked), OUT(offer_decided.blocked_count), &blocked_shape),
    MAYBE("holdout", SHAPE_STRING, OUT(offer_decided.holdout)),
    MAYBE("no_offer_reason", SHAPE_STRING, OUT(offer_decided.no_offer_reason)),
    PLAIN("policy_hash", SHAPE_HASH, OUT(offer_decided.policy_hash)),
    LISTED("for_review", OUT(offer_decided.for_review), OUT(offer_decided.for_review_count),
           &ranked_shape),
    LISTED("withdrawn", OUT(offer_decided.withdrawn), OUT(offer_decided.withdrawn_count),
           &withdrawn_shape),
};

static const struct shape_field exposure_fields[] = {
    CUSTOMER,
    PLAIN("decision_id", SHAPE_STRING, OUT(exposure.decision_id)),
    PLAIN("offer_id", SHAPE_STRING, OUT(exposure.offer_id)),
    MAYBE("variant", SHAPE_STRING, OUT(exposure.variant)),
    MAYBE("layer", SHAPE_STRING, OUT(exposure.layer)),
    CODED("channel", OUT(exposure.channel), &codes_channel),
    PLAIN("held_out", SHAPE_BOOL, OUT(exposure.held_out)),
    EFFECTIVE(exposure.effective_at_ms),
    PROCESSED,
};

static const struct shape_field side_fields[] = {
    PLAIN("layer", SHAPE_STRING, AT(offer_stats_side, layer)),
    PLAIN("control", SHAPE_BOOL, AT(offer_stats_side, control)),
    PLAIN("customers", SHAPE_INT64, AT(offer_stats_side, customers)),
    PLAIN("converted", SHAPE_INT64, AT(offer_stats_side, converted)),
    PLAIN("revenue_minor", SHAPE_INT64, AT(offer_stats_side, revenue_minor)),
    PLAIN("revenue_squares", SHAPE_DOUBLE, AT(offer_stats_side, revenue_squares)),
};
static const struct shape side_shape = SHAPE(side_fields, offer_stats_side);

static const struct shape_field offer_stats_fields[] = {
    PLAIN("offer_id", SHAPE_STRING, OUT(offer_stats.offer_id)),
    MAYBE("variant", SHAPE_STRING, OUT(offer_stats.variant)),
    MAYBE("context", SHAPE_STRING, OUT(offer_stats.context)),
    CODED("channel", OUT(offer_stats.channel), &codes_channel),
    PLAIN("task", SHAPE_UINT32, OUT(offer_stats.task)),
    PLAIN("presented", SHAPE_INT64, OUT(offer_stats.presented)),
    PLAIN("clicked", SHAPE_INT64, OUT(offer_stats.clicked)),
    PLAIN("accepted", SHAPE_INT64, OUT(offer_stats.accepted)),
    PLAIN("rejected", SHAPE_INT64, OUT(offer_stats.rejected)),
    PLAIN("complained", SHAPE_INT64, OUT(offer_stats.complained)),
    PLAIN("opted_out", SHAPE_INT64, OUT(offer_stats.opted_out)),
    PLAIN("revenue_minor", SHAPE_INT64, OUT(offer_stats.revenue_minor)),
    MAYBE("experiment", SHAPE_STRING, OUT(offer_stats.experiment)),
    LISTED("sides", OUT(offer_stats.sides), OUT(offer_stats.side_count), &side_shape),
};

static const struct shape_field control_fields[] = {
    PLAIN("what", SHAPE_STRING, OUT(control.what)),
    PLAIN("definition_id", SHAPE_STRING, OUT(control.definition.id)),
    DEFINITION(rule, OUT(control.definition)),
    PLAIN("task", SHAPE_UINT32, OUT(control.task)),
    EFFECTIVE(control.effective_at_ms),
    PROCESSED,
};

static const struct shape_field dead_letter_fields[] = {
    PLAIN("topic", SHAPE_STRING, OUT(dead_letter.topic)),
    PLAIN("partition", SHAPE_UINT32, OUT(dead_letter.partition)),
    PLAIN("offset", SHAPE_INT64, OUT(dead_letter.offset)),
    PLAIN("reason", SHAPE_REASON, OUT(dead_letter.reason)),
    PLAIN("at", SHAPE_UINT32, OUT(dead_letter.at)),
    PLAIN("schema_id", SHAPE_UINT64, OUT(dead_letter.schema_id)),
    MAYBE("field", SHAPE_STRING, OUT(dead_letter.field)),
    PROCESSED,
};

static const struct shape outputs[] = {
    SHAPE(segment_changed_fields, output), SHAPE(segment_state_fields, output),
    SHAPE(life_event_fields, output),      SHAPE(offer_decided_fields, output),
    SHAPE(exposure_fields, output),        SHAPE(offer_stats_fields, output),
    SHAPE(control_fields, output),         SHAPE(dead_letter_fields, output),
};
_Static_assert(ARRAY_COUNT(outputs) == OUTPUT_KIND_COUNT, "one shape per output");

const struct shape *shape_of_output(enum output_kind kind)
{
    INVARIANT((unsigned)kind < OUTPUT_KIND_COUNT);
    return &outputs[kind];
}

static const struct shape_field consent_fields[] = {
    CODED("purpose", AT(consent, purpose), &codes_purpose),
    CODED("channel", AT(consent, channel), &codes_channel),
    CODED("status", AT(consent, status), &codes_consent_status),
    {"lawful_basis", SHAPE_CODE_OR_NULL, AT(consent, basis), true, 0, &codes_lawful_basis, NULL},
    PLAIN("updated_at", SHAPE_TIME, AT(consent, updated_at_ms)),
};
static const struct shape consent_shape = SHAPE(consent_fields, consent);

static const enum shape_type types_of_fields[] = {
    SHAPE_STRING, SHAPE_INT64, SHAPE_INT32,    SHAPE_DOUBLE, SHAPE_BOOL,       SHAPE_TIME,
    SHAPE_DATE,   SHAPE_CODE,  SHAPE_CODE_SET, SHAPE_MAP,    SHAPE_INLINE_LIST};
_Static_assert(ARRAY_COUNT(types_of_fields) == FIELD_TYPE_COUNT, "one shape per field type");

struct shape shape_of_event(enum source source, struct shape_field out_fields[FIELDS_MAX])
{
    const struct field_table *table = fields_of(source);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        bool consents = field->type == FIELD_CONSENTS;
        out_fields[i] =
            (struct shape_field){.name = field->name,
                                 .type = types_of_fields[field->type],
                                 .offset = field->offset,
                                 .nullable = !field->required,
                                 .count_offset = consents ? AT(event, profile.consent_count)
                                                          : AT(event, app.attribute_count),
                                 .codes = field->codes,
                                 .items = consents ? &consent_shape : NULL};
    }
    return (struct shape){out_fields, table->count, sizeof(struct event)};
}

/* Reading -----------------------------------------------------------------------------------------
 */

/* The value of type `type` at a place that is aligned by its struct. */
#define READ(type, view, place) (*(const type *)(const void *)((view)->base + (place)))

int64_t shape_number(const struct shape_view *view, const struct shape_field *field)
{
    switch (field->type) {
    case SHAPE_INT32:
    case SHAPE_DATE:
        return READ(int32_t, view, field->offset);
    case SHAPE_UINT32:
        return READ(uint32_t, view, field->offset);
    case SHAPE_INT64:
    case SHAPE_UINT64:
    case SHAPE_TIME:
        return READ(int64_t, view, field->offset);
    case SHAPE_PROCESSED_AT:
        return view->facts->processed_at_ms;
    case SHAPE_BOOL:
    case SHAPE_CODE:
    case SHAPE_CODE_OR_NULL:
        return READ(uint8_t, view, field->offset);
    case SHAPE_CODE_SET:
        return READ(uint32_t, view, field->offset);
    case SHAPE_STRING:
    case SHAPE_DOUBLE:
    case SHAPE_HASH:
    case SHAPE_TOPIC:
    case SHAPE_REASON:
    case SHAPE_RECORD:
    case SHAPE_CAUSE:
    case SHAPE_LIST:
    case SHAPE_INLINE_LIST:
    case SHAPE_TEXTS:
    case SHAPE_MAP:
    case SHAPE_TYPE_COUNT:
        break;
    }
    invariant_failed(__FILE__, __LINE__, "a number is asked of a field that has none");
}

bool shape_is_null(const struct shape_view *view, const struct shape_field *field, uint32_t index)
{
    if (view->by_present) {
        return (view->present >> index & 1) == 0;
    }
    if (!field->nullable) {
        return false;
    }
    if (field->type == SHAPE_STRING) {
        return READ(struct slice, view, field->offset).size == 0;
    }
    if (field->type == SHAPE_TIME) {
        int64_t time_ms = READ(int64_t, view, field->offset);
        return time_ms == 0 || time_ms == INT64_MAX || time_ms == INT64_MIN;
    }
    if (field->type == SHAPE_CODE_OR_NULL) {
        return READ(uint8_t, view, field->offset) == 0;
    }
    return field->type == SHAPE_CAUSE &&
           READ(struct cause, view, field->offset).source >= SOURCE_COUNT;
}

struct slice shape_text(const struct shape_view *view, const struct shape_field *field,
                        char *scratch)
{
    if (field->type == SHAPE_STRING) {
        return READ(struct slice, view, field->offset);
    }
    if (field->type == SHAPE_HASH) {
        (void)snprintf(scratch, 17, "%016llx",
                       (unsigned long long)READ(uint64_t, view, field->offset));
        return slice_of(scratch, 16);
    }
    uint8_t code = READ(uint8_t, view, field->offset);
    if (field->type == SHAPE_TOPIC) {
        struct slice topic = code < SOURCE_COUNT ? view->facts->topics[code] : slice_text("");
        return topic.size > 0 ? topic : slice_text(source_name((enum source)code));
    }
    return slice_text(field->type == SHAPE_REASON ? reject_reason_text((enum reject_reason)code)
                                                  : codes_text(field->codes, code));
}

uint32_t shape_items(const struct shape_view *view, const struct shape_field *field,
                     const uint8_t **out_first)
{
    if (field->type == SHAPE_LIST || field->type == SHAPE_TEXTS) {
        *out_first = READ(uint8_t *, view, field->offset);
        return READ(uint32_t, view, field->count_offset);
    }
    *out_first = view->base + field->offset;
    return READ(uint8_t, view, field->count_offset);
}
