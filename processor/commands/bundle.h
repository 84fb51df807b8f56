/* SPDX-License-Identifier: Apache-2.0 */
/* A playbook as one record: what `segue.playbook` (compacted, key = application) holds and every
 * process of the application runs. JSON, so that a person with any Kafka client can read it:
 *
 *   {"format":1, "application":"bank", "playbook_hash":"<16 hex>", "replaces":"<16 hex>",
 *    "applied_at":<ms>, "files":[{"path":"segments.yaml", "text":"..."}, ..]}
 *
 * The last record counts. Without one, a process runs the files that its configuration names. */
#ifndef COMMANDS_BUNDLE_H
#define COMMANDS_BUNDLE_H

#include "commands/connect.h"
#include "io/kafka_reader.h"
#include "playbook/playbook.h"

enum { BUNDLE_SIZE_MAX = 900 * 1024 }; /* bytes: below Kafka's default max.message.bytes */

struct bundle {
    uint64_t hash; /* of the playbook; 0: there is none */
    uint64_t replaces;
    int64_t applied_at_ms;
    struct playbook_text files[PLAYBOOK_FILES_MAX];
    uint32_t file_count;
};

/* Read one. Texts are copied into `arena`. STATUS_INVALID: not a bundle, or of a newer format. */
MUST_USE enum status bundle_read(struct slice json, struct arena *arena, struct bundle *out_bundle,
                                 struct status_text *out_text);

/* The bundle's JSON, malloc'd and NUL-terminated; the caller frees it. NULL: larger than
 * BUNDLE_SIZE_MAX, or a text that is no UTF-8. */
char *bundle_write(const struct bundle *bundle, const char *application);

/* The files of a loaded playbook, by reference; paths are made relative to its folder. */
void bundle_of(const struct playbook *playbook, struct bundle *out_bundle);

/* The topic as it is now. `out_bundle->hash` 0: no record for this application.
 * `out_reader`: stays open at the end of the topic for bundle_news; close it with
 * kafka_reader_close. STATUS_INVALID: the topic does not exist, may not be read, or holds something
 * else. STATUS_AWAY: its end was not reached in half a minute. */
MUST_USE enum status bundle_live(const struct connect *connect, struct arena *arena,
                                 struct bundle *out_bundle, struct kafka_reader **out_reader,
                                 struct status_text *out_text);

/* Was another playbook published since? Does not wait; that the topic may not be read any more is
 * logged. `out_hash`: of the newest one. */
bool bundle_news(struct kafka_reader *reader, const char *application, uint64_t *out_hash);

#endif
