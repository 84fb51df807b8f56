/* SPDX-License-Identifier: Apache-2.0 */
/* What a loaded playbook defines, by name. */
#include "playbook/playbook.h"

static uint32_t count_of(const struct playbook *playbook, enum playbook_kind kind)
{
    const uint32_t counts[] = {playbook->name_count, playbook->life.count, playbook->segments.count,
                               playbook->offers.count};
    return counts[kind];
}

/* Ends with NUL: it is a text of the YAML, or made from one. */
static const char *id_of(const struct playbook *playbook, enum playbook_kind kind, uint32_t index)
{
    switch (kind) {
    case PLAYBOOK_FEATURE:
        break;
    case PLAYBOOK_LIFE_EVENT:
        return (const char *)playbook->life.defs[index].id.data;
    case PLAYBOOK_SEGMENT:
        return (const char *)playbook->segments.defs[index].id.data;
    case PLAYBOOK_OFFER:
        return (const char *)playbook->offers.defs[index].id.data;
    }
    return playbook->names[index].name;
}

int32_t playbook_find(const struct playbook *playbook, enum playbook_kind kind, struct slice id)
{
    uint32_t count = count_of(playbook, kind);
    for (uint32_t i = 0; i < count; i++) {
        if (slice_is(id, id_of(playbook, kind, i))) {
            return (int32_t)i;
        }
    }
    return -1;
}

const char *playbook_nearest(const struct playbook *playbook, struct slice name, uint32_t kinds)
{
    const char *ids[RULES_FEATURES_MAX + LIFE_DEFS_MAX + SEGMENTS_MAX + OFFERS_MAX];
    size_t count = 0;
    for (enum playbook_kind kind = PLAYBOOK_FEATURE; kind <= PLAYBOOK_OFFER; kind++) {
        uint32_t of_kind = (kinds >> kind & 1) != 0 ? count_of(playbook, kind) : 0;
        for (uint32_t i = 0; i < of_kind; i++) {
            ids[count++] = id_of(playbook, kind, i);
        }
    }
    return diagnostic_nearest(name, ids, count);
}
