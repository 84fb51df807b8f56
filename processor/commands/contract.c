/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/contract.h"

#include <stdio.h>

#include "codec/schemas.h"

enum status contract_id(struct registry *registry, const char *topic, const char *folder,
                        bool may_register, uint32_t *out_id, struct status_text *out_text)
{
    char subject[REGISTRY_SUBJECT_SIZE_MAX];
    struct slice text = schemas_text(folder);
    (void)snprintf(subject, sizeof(subject), "%s-value", topic);
    if (may_register) {
        return registry_register(registry, subject, text, out_id,
                                 out_text); /* a known one keeps its id */
    }
    enum status status = registry_lookup(registry, subject, text, out_id, out_text);
    if (status == STATUS_INVALID) {
        return status_fail(
            out_text, status,
            "schemas/%s is not registered as %s: `segue topics --create` registers it, or set "
            "registry.auto_register",
            folder, subject);
    }
    return status;
}

/* Does the source have a shape of the bank's own? */
static bool is_mapped(const struct source_mapping *mapping)
{
    for (uint32_t f = 0; f < FIELDS_MAX; f++) {
        if (mapping->fields[f].path.size > 0 || mapping->fields[f].has_constant) {
            return true;
        }
    }
    return false;
}

enum status contract_register(struct registry *registry, const struct settings *settings,
                              uint32_t *out_count, struct status_text *out_text)
{
    enum status status = STATUS_OK;
    uint32_t count = 0;
    uint32_t id;
    for (uint32_t s = 0; s < SOURCE_COUNT && status == STATUS_OK; s++) {
        const struct settings_source *source = &settings->sources[s];
        if (source->used && !is_mapped(&source->mapping)) {
            status = contract_id(registry, source->topic, schemas_name_of_source((enum source)s),
                                 true, &id, out_text);
            count++;
        }
    }
    for (uint32_t k = 0; k < OUTPUT_KIND_COUNT && status == STATUS_OK; k++) {
        status = contract_id(registry, settings->topics[k],
                             schemas_name_of_output((enum output_kind)k), true, &id, out_text);
        count++;
    }
    if (status == STATUS_OK) {
        *out_count = count;
    }
    return status;
}
