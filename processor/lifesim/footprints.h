/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by footprints.c (what happens) and decoys.c (what only looks like it). */
#ifndef LIFESIM_FOOTPRINTS_H
#define LIFESIM_FOOTPRINTS_H

#include "lifesim/bank.h"

/* A card payment between two prices of the uk world. */
void footprint_card(struct today *today, int32_t mcc, const char *merchant, int64_t low,
                    int64_t high);

/* A transfer; nothing when `minor` is 0. */
void footprint_pay(struct today *today, bool credit, int64_t minor, enum party party,
                   uint32_t number);

/* A direct debit. */
void footprint_debit(struct today *today, int64_t minor, enum party party, uint32_t number);

/* A day of a decoy. */
void sim_decoy_footprints(struct today *today);

#endif
