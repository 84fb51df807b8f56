/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of tiles and the windows that run over them. A group is a ring of rows:
 *
 *             tile 19998   19999   20000 = head            window of 2 tiles ending at 20000
 *   row      | 3 | 410 |  (empty) | 1 | 95 |                totals | 1 | 95 |
 *              count sum            count sum
 *
 * Only tiles in which something happened have a row, one behind the other in no order; the ring has their places.
 * An event touches one row and the totals of the windows that hold its tile; a window that moves subtracts the
 * rows that leave and adds those that come in. */
#ifndef FEATURES_TILES_H
#define FEATURES_TILES_H

#include "features/plan.h"

/* On zeroed bytes. */
void tiles_init(const struct features_plan *plan, void *state);

/* Give (`sign` 1) or take back (-1) what an event means to every cell of its source. `additive_only`: counts
 * and sums alone, for a reversal whose event is not remembered. */
void tiles_apply(const struct features_plan *plan, void *state, const struct source_plan *source,
                 const struct facts *facts, int32_t sign, bool additive_only);

/* An event that was given is remembered no more: from now on it cannot be taken back, so it counts in the extremes
 * of its tile for good. */
void tiles_forget(const struct features_plan *plan, void *state, const struct source_plan *source,
                  const struct facts *facts);

/* The same for whatever stands in a cell: what is remembered does not say what it gave. */
void tiles_forget_cell(const struct features_plan *plan, void *state, const struct cell *cell);

/* Is the tile in the ring? One newer than the head moves the head, and the rows that leave are dropped. */
bool tiles_reach(const struct features_plan *plan, void *state, uint32_t number, int32_t tile);

/* The row of a tile in the ring, for writing; an empty one when nothing was put there yet. Rows of the same group
 * that were asked for before may have moved after the next tiles_reach. */
int64_t *tiles_take(const struct group *group, void *state, int32_t tile);

/* The row of a tile for reading; NULL when it is outside the ring or nothing was ever put there. */
const int64_t *tiles_row(const struct group *group, const void *state, int32_t tile);

/* The first tile in from..to whose row was touched; `to` + 1 when there is none. */
int64_t tiles_next(const struct group *group, const void *state, int64_t from, int64_t to);

/* The first tile in from..to with something in the cell; `to` + 1 when there is none. */
int64_t tiles_first(const struct group *group, const void *state, uint32_t cell, int64_t from,
                    int64_t to);

/* In how many of the tiles from..to the cell is above 0. */
uint32_t tiles_positive(const struct group *group, const void *state, uint32_t cell, int64_t from,
                        int64_t to);

/* Make the window end at `end` and return its totals. */
const int64_t *tiles_move_window(const struct features_plan *plan, void *state, uint32_t number,
                                 int32_t end);

#endif
