/* SPDX-License-Identifier: Apache-2.0 */
/* The marks that pack.c writes and unpack.c reads. */
#ifndef FEATURES_PACK_H
#define FEATURES_PACK_H

#include "features/plan.h"

enum { PACK_VERSION = 1, PACK_CELLS_MAX = PLAN_PARTS_MAX };

enum part_kind { PART_GROUP = 1, PART_SAMPLES, PART_TABLE, PART_REMEMBERED };

enum samples_flag {
    SAMPLES_LOST = 1,
    SAMPLES_TEXT = 2,
    SAMPLES_STRICT = 4,
    SAMPLES_RAW = 8, /* values are 8 bytes: hashes and doubles do not shorten */
    SAMPLES_FLAGS = 15,
};

/* A text this short was not cut, so its hash can be made again. */
enum { TEXT_UNCUT_SIZE = FEATURES_TEXT_SIZE - 4 };

/* Bytes that features_pack writes at most of a plan that is laid out, and how many of them are ids behind the
 * remembered events: the sum of the room that each part's packer takes. */
size_t pack_size_max(const struct features_plan *plan, size_t *out_ids_size);

#endif
