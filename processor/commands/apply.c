/* SPDX-License-Identifier: Apache-2.0 */
/* segue apply: make a saved plan live on all processes of the application. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "commands/all.h"
#include "commands/bundle.h"
#include "commands/opened.h"
#include "io/clock.h"
#include "io/kafka_feeder.h"

static const char help[] =
    "usage: segue apply [--config FILE] PLAN\n\n"
    "Publishes the playbook of PLAN (written by `segue plan --out`) to the application's playbook "
    "topic. Every\n"
    "process takes it up at once: it finishes its cut, starts again under the new rules and looks "
    "at "
    "every\n"
    "customer (origin RULE_CHANGE; begin and complete on the control topic). Refused when the live "
    "playbook is\n"
    "another one than PLAN was made against.\n\n"
    "  --config FILE   default config/segue.yaml\n";

enum { APPLY_TIMEOUT_MS = 30000, BUNDLES_SIZE = 16 << 20 };

struct apply {
    struct connect connect;
    struct arena arena;
    struct bundle plan, live;
    struct opened opened;
};

static enum status read_plan(struct apply *apply, const char *path, struct status_text *out_text)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL) {
        if (error.line < 1) { /* not opened: the text names the file */
            return status_fail(out_text, STATUS_INVALID, "%s; segue plan --out FILE writes a plan",
                               error.text);
        }
        return status_fail(out_text, STATUS_INVALID, "%s:%d:%d: %s", path, error.line, error.column,
                           error.text);
    }
    char *bundle = json_dumps(json_object_get(root, "bundle"), JSON_COMPACT);
    bool plan = json_integer_value(json_object_get(root, "segue_plan")) == 1 && bundle != NULL;
    enum status status =
        plan ? bundle_read(slice_text(bundle), &apply->arena, &apply->plan, out_text)
             : status_fail(out_text, STATUS_INVALID,
                           "%s is no plan: write one with segue plan --out FILE", path);
    free(bundle);
    json_decref(root);
    return status;
}

/* The hash of what is live: the topic's, or of the files that the configuration names. */
static int find_live(struct apply *apply, uint64_t *out_hash)
{
    struct status_text text;
    struct kafka_reader *reader;
    enum status status = bundle_live(&apply->connect, &apply->arena, &apply->live, &reader, &text);
    if (status != STATUS_OK) {
        return connect_fail("apply", status, &text);
    }
    kafka_reader_close(reader);
    *out_hash = apply->live.hash;
    if (apply->live.hash != 0) {
        return EXIT_GOOD;
    }
    struct opened files = {.zones = apply->opened.zones};
    int code = opened_playbook("apply", apply->connect.settings.playbook, false, &files);
    if (code == EXIT_GOOD) {
        *out_hash = files.playbook->hash;
    }
    return code;
}

static enum status publish(struct apply *apply, struct status_text *out_text)
{
    struct kafka_feeder *feeder;
    char *value;
    apply->plan.applied_at_ms = clock_system()->ops->wall_ms(clock_system());
    value = bundle_write(&apply->plan, apply->connect.settings.application);
    if (value == NULL) {
        return status_fail(out_text, STATUS_INVALID, "the playbook is larger than %d KiB",
                           BUNDLE_SIZE_MAX / 1024);
    }
    struct log_write write = {.topic = apply->connect.settings.playbook_topic,
                              .key = slice_text(apply->connect.settings.application),
                              .value = slice_text(value),
                              .has_key = true,
                              .has_value = true};
    enum status status =
        kafka_feeder_open(&apply->connect.kafka, APPLY_TIMEOUT_MS, &feeder, out_text);
    if (status == STATUS_OK) {
        status = kafka_feeder_put(feeder, &write, out_text);
        status =
            status == STATUS_OK ? kafka_feeder_flush(feeder, APPLY_TIMEOUT_MS, out_text) : status;
        struct kafka_feeder_counts counts = kafka_feeder_counts(feeder);
        if (status == STATUS_OK && counts.failed > 0) {
            status = status_fail(out_text, STATUS_AWAY, "%s", counts.first_failure.text);
        }
        kafka_feeder_close(feeder);
    }
    free(value);
    return status;
}

/* Two people at the same moment: the last record counts, so say so. */
static int confirm(struct apply *apply)
{
    uint64_t hash = 0;
    int code = find_live(apply, &hash);
    if (code == EXIT_GOOD && hash != apply->plan.hash) {
        (void)fprintf(stderr,
                      "segue apply: somebody applied playbook %016" PRIx64
                      " at the same moment and that one is live; plan again\n",
                      hash);
        return EXIT_NO;
    }
    return code;
}

int apply_run(int argument_count, char **arguments)
{
    static struct apply apply;
    const char *config;
    int answered = connect_options(argument_count, arguments, help, &config);
    if (answered != CONNECT_GO_ON) {
        return answered;
    }
    if (optind + 1 != argument_count) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (!connect_load(config, &apply.connect)) {
        return EXIT_CONFIG;
    }
    struct status_text text;
    uint64_t live = 0;
    arena_init(&apply.arena, memory_take(BUNDLES_SIZE, "apply"), BUNDLES_SIZE);
    enum status status = read_plan(&apply, arguments[optind], &text);
    if (status != STATUS_OK) {
        return connect_fail("apply", status, &text);
    }
    int code = opened_texts("apply", arguments[optind], apply.plan.files, apply.plan.file_count,
                            &apply.opened);
    if (code == EXIT_GOOD && apply.opened.playbook->hash != apply.plan.hash) {
        (void)fprintf(stderr,
                      "segue apply: %s was edited, or written by another version: plan again\n",
                      arguments[optind]);
        return EXIT_NO;
    }
    code = code == EXIT_GOOD ? find_live(&apply, &live) : code;
    if (code != EXIT_GOOD) {
        return code;
    }
    if (live == apply.plan.hash) {
        (void)printf("playbook %016" PRIx64 " is live already\n", live);
        return EXIT_GOOD;
    }
    if (live != apply.plan.replaces) {
        (void)fprintf(stderr,
                      "segue apply: the plan was made against playbook %016" PRIx64
                      " but %016" PRIx64
                      " is live now: run segue plan again and look at what it says\n",
                      apply.plan.replaces, live);
        return EXIT_NO;
    }
    status = publish(&apply, &text);
    if (status != STATUS_OK) {
        return connect_fail("apply", status, &text);
    }
    code = confirm(&apply);
    if (code == EXIT_GOOD) {
        (void)printf("playbook %016" PRIx64 " is live; its progress: segue tail ", apply.plan.hash);
        connect_print_option(config, stdout);
        (void)puts("--from-start --once control");
    }
    return code;
}
