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

static int begin(const char *command, struct opened *opened, struct arena *out_arena)
{
    struct status_text text;
    diagnostics_init(&opened->diagnostics,
                     memory_take(DIAGNOSTICS_MAX * sizeof(struct diagnostic), "diagnostics"));
    opened->diagnostics.applied = opened->applied;
    if (opened->zones == NULL && zones_load(&opened->zones, &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue %s: %s\n", command, text.text);
        return EXIT_CONFIG;
    }
    arena_init(out_arena, memory_take(PLAYBOOK_ARENA_SIZE, "playbook"), PLAYBOOK_ARENA_SIZE);
    return EXIT_GOOD;
}

static int end(bool good, bool quiet, const struct opened *opened)
{
    if (!quiet && opened->diagnostics.count > 0) {
        diagnostics_print(&opened->diagnostics, stderr, opened_color());
    }
    return good ? EXIT_GOOD : EXIT_CONFIG;
}

int opened_playbook(const char *command, const char *path, bool quiet, struct opened *out_opened)
{
    struct arena arena;
    int code = begin(command, out_opened, &arena);
    if (code != EXIT_GOOD) {
        return code;
    }
    return end(playbook_load(path, out_opened->zones, &arena, &out_opened->diagnostics,
                             &out_opened->playbook),
               quiet, out_opened);
}

int opened_texts(const char *command, const char *name, const struct playbook_text *texts,
                 uint32_t count, struct opened *out_opened)
{
    struct arena arena;
    int code = begin(command, out_opened, &arena);
    if (code != EXIT_GOOD) {
        return code;
    }
    return end(playbook_load_texts(name, texts, count, out_opened->zones, &arena,
                                   &out_opened->diagnostics, &out_opened->playbook),
               false, out_opened);
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
