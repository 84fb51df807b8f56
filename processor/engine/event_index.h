/* SPDX-License-Identifier: Apache-2.0 */
/* Which conditions an event can meet at all. Private to engine/. */
#ifndef ENGINE_EVENT_INDEX_H
#define ENGINE_EVENT_INDEX_H

#include "engine/work.h"

/* From engine->playbook; engine->indexed says whether it could be built (its limits are wide) and is wanted. */
void event_index_build(struct engine *engine);

/* For work->scope.event: work->holds, when work->indexed. */
void event_index_match(struct work *work);

/* After it: unsettle the life events of which a signal may hold for the event. */
void event_index_wake(struct work *work);

#endif
