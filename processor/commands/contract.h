/* SPDX-License-Identifier: Apache-2.0 */
/* The contract's schemas (schemas/) in the registry, under TOPIC-value. */
#ifndef COMMANDS_CONTRACT_H
#define COMMANDS_CONTRACT_H

#include "io/registry.h"
#include "settings/settings.h"

/* The id of schemas/`folder` for `topic`. With `may_register` it is registered when it is not
 * known. STATUS_INVALID: it is not registered, or the registry refuses it; STATUS_AWAY. */
MUST_USE enum status contract_id(struct registry *registry, const char *topic, const char *folder,
                                 bool may_register, uint32_t *out_id, struct status_text *out_text);

/* Register all inputs in use and all outputs. A source with a mapping has a schema of the bank's
 * own and is left alone. `out_count`: how many are there now. */
MUST_USE enum status contract_register(struct registry *registry, const struct settings *settings,
                                       uint32_t *out_count, struct status_text *out_text);

#endif
