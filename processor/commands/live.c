/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/live.h"

#include "base/memory.h"
#include "commands/bundle.h"
#include "commands/commands.h"

enum { BUNDLES_SIZE = 16 << 20 };

int live_open(const char *command, const struct connect *connect, struct opened *opened,
              uint64_t *out_applied)
{
    struct bundle *bundle = memory_take(sizeof(*bundle), "playbook");
    struct kafka_reader *reader;
    struct status_text text;
    struct arena arena;
    arena_init(&arena, memory_take(BUNDLES_SIZE, "playbook"), BUNDLES_SIZE);
    enum status status = bundle_live(connect, &arena, bundle, &reader, &text);
    if (status != STATUS_OK) {
        return connect_fail(command, status, &text);
    }
    kafka_reader_close(reader);
    *out_applied = bundle->hash;
    opened->applied = bundle->hash != 0;
    return bundle->hash != 0 ? opened_texts(command, connect->settings.playbook_topic,
                                            bundle->files, bundle->file_count, opened)
                             : opened_playbook(command, connect->settings.playbook, false, opened);
}
