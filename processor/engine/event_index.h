/* SPDX-License-Identifier: Apache-2.0 */
/* Which conditions an event can meet at all. Private to engine/. */
#ifndef ENGINE_EVENT_INDEX_H
#define ENGINE_EVENT_INDEX_H

#include "engine/work.h"

/* From engine->playbook and engine->reads. Of a source whose conditions are beyond a limit there is none: they are
 * evaluated one by one. */
void event_index_build(struct engine *engine);

/* For work->scope.event: work->found, when work->indexed. */
void event_index_match(struct work *work);

/* After it, when features have taken the event in: of the signals that may hold, those that do stay in work->found
 * (and those that read `life` or `seg`), and their life events are unsettled; without an index all of which a
 * signal reads the event. */
void event_index_wake(struct work *work);

#endif
