/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/opened.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "commands/commands.h"

bool opened_color(void)
{
    return isatty(STDERR_FILENO) != 0 && getenv("NO_COLOR") == NULL;
}

int opened_playbook(const char *command, const char *path, bool quiet, struct opened *out_opened)
{
    struct status_text text;
    struct arena arena;
    diagnostics_init(&out_opened->diagnostics,
                     memory_take(DIAGNOSTICS_MAX * sizeof(struct diagnostic), "diagnostics"));
    if (zones_load(&out_opened->zones, &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue %s: %s\n", command, text.text);
        return EXIT_CONFIG;
    }
    arena_init(&arena, memory_take(PLAYBOOK_ARENA_SIZE, "playbook"), PLAYBOOK_ARENA_SIZE);
    bool good = playbook_load(path, out_opened->zones, &arena, &out_opened->diagnostics,
                              &out_opened->playbook);
    if (!quiet && out_opened->diagnostics.count > 0) {
        diagnostics_print(&out_opened->diagnostics, stderr, opened_color());
    }
    return good ? EXIT_GOOD : EXIT_CONFIG;
}

int opened_engine(const char *command, struct engine_options options, struct opened *opened)
{
    struct status_text text;
    if (engine_open(opened->playbook, opened->zones, options, &opened->engine, &text) !=
        STATUS_OK) {
        (void)fprintf(stderr, "segue %s: %s\n", command, text.text);
        return EXIT_CONFIG;
    }
    return EXIT_GOOD;
}
