/* SPDX-License-Identifier: Apache-2.0 */
/* Between evaluations: what the last one found, and of what this one must look again. Private to engine/. */
#ifndef ENGINE_RECALL_H
#define ENGINE_RECALL_H

#include "engine/work.h"

/* Before the stages, after the event went into features and series: work->touched and work->series_touched
 * say what it moved. What time has moved is added. */
void recall_begin(struct work *work);

/* Instead of the stages, when the event is not evaluated: those that it unsettled keep their moments right. */
void recall_pass_over(struct work *work);

/* After the stages: the least moment at which features, series, life events, segments or the profile's names change
 * with no event; INT64_MAX: none. */
int64_t recall_end(struct work *work);

#endif
