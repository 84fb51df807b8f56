/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the text, the loader answers with a playbook or with an error that points into the file;
 * the same text as a configuration likewise. */
#include "fuzz.h"

#include <stdlib.h>

#include "base/invariant.h"
#include "playbook/playbook.h"
#include "settings/settings.h"

static void check_places(const struct diagnostics *diagnostics, struct slice text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.size; i++) {
        lines += text.data[i] == '\n';
    }
    for (uint32_t i = 0; i < diagnostics->count; i++) {
        const struct source_span *span = &diagnostics->list[i].span;
        INVARIANT(span->file == NULL || (span->line >= 1 && span->line <= lines));
        INVARIANT(span->file == NULL || (span->column >= 1 && span->column <= text.size + 2));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct diagnostic list[DIAGNOSTICS_MAX];
    static const struct zones *zones;
    static uint8_t *block;
    struct diagnostics diagnostics;
    struct status_text why;
    struct arena arena;
    struct slice text = slice_of(data, size);
    const struct playbook *playbook;
    static struct settings settings;
    if (block == NULL) {
        block = malloc(PLAYBOOK_ARENA_SIZE);
        INVARIANT(block != NULL && zones_load(&zones, &why) == STATUS_OK);
    }
    arena_init(&arena, block, PLAYBOOK_ARENA_SIZE);
    diagnostics_init(&diagnostics, list);
    bool good = playbook_load_text("f.yaml", text, zones, &arena, &diagnostics, &playbook);
    INVARIANT(good == (diagnostics.error_count == 0));
    check_places(&diagnostics, text);
    arena_reset(&arena);
    diagnostics_init(&diagnostics, list);
    good = settings_load_text("f.yaml", text, &arena, &diagnostics, &settings);
    INVARIANT(good == (diagnostics.error_count == 0));
    check_places(&diagnostics, text);
    return 0;
}
