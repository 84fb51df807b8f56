/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sweep.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "engine/layout.h"

bool engine_sweep_due(const struct engine *engine, const void *task)
{
    return ((const struct task_head *)task)->swept_hash != engine->playbook->hash;
}

static void mark(const struct task_head *head, const char *what, struct definition_ref definition,
                 int64_t now_ms, struct effects *effects)
{
    struct output *output = effects_add(effects, OUTPUT_CONTROL);
    char name[64];
    int size = snprintf(name, sizeof(name), "%s:%u:%016llx", what, head->number,
                        (unsigned long long)definition.hash);
    INVARIANT(output != NULL); /* the caller asked engine_room */
    output->key = definition.id;
    output->effective_at_ms = now_ms;
    output->id[0] = hash64(definition.id, hash64(slice_of(name, (size_t)size), 0));
    output->id[1] = hash64(definition.id, hash64(slice_of(name, (size_t)size), 1));
    output->control = (struct control){.what = slice_text(what),
                                       .definition = definition,
                                       .task = head->number,
                                       .effective_at_ms = now_ms};
}

static void mark_all(const struct engine *engine, const void *task, const char *what,
                     int64_t now_ms, struct effects *effects)
{
    const struct playbook *playbook = engine->playbook;
    const struct task_head *head = task;
    const uint64_t *swept = part_of(task, engine->segments_swept);
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        const struct segment_def *def = &playbook->segments.defs[i];
        if (swept[i] != def->hash) {
            mark(head, what, (struct definition_ref){def->id, def->version, def->hash}, now_ms,
                 effects);
        }
    }
    mark(head, what, (struct definition_ref){slice_text("playbook"), 0, playbook->hash}, now_ms,
         effects);
}

void engine_sweep_begin(const struct engine *engine, void *task, int64_t now_ms,
                        struct effects *effects)
{
    struct task_head *head = task;
    if (head->begun_hash != engine->playbook->hash) {
        head->begun_hash = engine->playbook->hash;
        head->swept_hash =
            0; /* some customers under this one, some under another: whoever comes next must sweep */
        mark_all(engine, task, "begin", now_ms, effects);
    }
}

void engine_sweep_complete(const struct engine *engine, void *task, int64_t now_ms,
                           struct effects *effects)
{
    mark_all(engine, task, "complete", now_ms, effects);
    sweep_is_done(engine, task);
}
