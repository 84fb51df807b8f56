/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reject.h"

#include "base/attributes.h"

#define REJECT_TEXT(name, text) text,
static const char *const texts[] = {REJECT_REASONS(REJECT_TEXT)};
_Static_assert(ARRAY_COUNT(texts) == REJECT_REASON_COUNT, "one text per reason");

const char *reject_reason_text(enum reject_reason reason)
{
    return (unsigned)reason < REJECT_REASON_COUNT ? texts[reason] : "?";
}
