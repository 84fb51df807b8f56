/* SPDX-License-Identifier: Apache-2.0 */
/* config/segue.yaml -> struct settings: how this process reaches the world. What it decides is the
 * playbook's.
 *
 * Every key, its default, its bounds and one line about it stand in one table (settings.c); the
 * parser, `segue check --defaults` and the reference in config/README.md all come from it. Secrets
 * only as *_file. */
#ifndef SETTINGS_SETTINGS_H
#define SETTINGS_SETTINGS_H

#include <stdio.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/log.h"
#include "model/mapping.h"
#include "model/output.h"

enum {
    SETTINGS_PROPERTIES_MAX = 64,
    SETTINGS_REGISTRY_URLS_MAX = 8,
    SETTINGS_NAME_SIZE_MAX = 63,   /* bytes of the application's and the instance's name */
    SETTINGS_ARENA_SIZE = 8 << 20, /* bytes that are enough for settings_load */
};

/* Where a source begins when nothing was committed yet. */
enum settings_start { START_UNSET, START_EARLIEST, START_LATEST, START_TIME };

/* How a source that is not partitioned as the tasks are gets there (decisions/0011). */
enum settings_repartition {
    REPARTITION_OFF,        /* keyed by the customer, as many partitions as there are tasks */
    REPARTITION_PARTITIONS, /* keyed by the customer, another number of partitions */
    REPARTITION_KEY,        /* keyed by something else; the customer is in the record */
};

struct settings_source {
    bool used;
    const char *topic; /* the bank's */
    /* What the tasks read: `topic`, or with repartitioning what `segue repartition` makes of it */
    const char *task_topic;
    enum settings_repartition repartition;
    enum settings_start start;
    int64_t start_ms;       /* START_TIME */
    int64_t stale_after_ms; /* silent for longer: absences that depend on it are held; 0: never */
    struct source_mapping mapping;
};

/* One librdkafka property under `kafka:`. A value of NAME_file has been read into NAME. */
struct settings_property {
    const char *name;
    const char *value;
};

enum settings_clock { CLOCK_LIVE, CLOCK_STREAM };

/* Texts are NUL-terminated, in the arena given to settings_load; "" when not set and without a
 * default. */
struct settings {
    const char *application; /* prefix of Redis keys, client ids and output topics */
    /* this process's stable name: group.instance.id, stem of transactional.id */
    const char *instance;
    const char *group;    /* consumer group; default the application */
    const char *playbook; /* file or folder, relative to the configuration file */
    const char *listen;   /* address:port for /metrics and probes; "": none */
    enum log_level log_level;
    const char *salt; /* of holdouts and arms; changing it deals customers anew */
    uint64_t salt_hash;

    const char *brokers;
    struct settings_property properties[SETTINGS_PROPERTIES_MAX];
    uint32_t property_count;

    struct {
        const char *urls[SETTINGS_REGISTRY_URLS_MAX];
        uint32_t url_count;
        const char *base_path, *user, *password_file, *token_file;
        const char *ca_file, *certificate_file, *key_file;
        const char *cache_folder;
        int64_t connect_timeout_ms, timeout_ms, missing_after_ms, negative_ttl_ms;
        bool auto_register;
    } registry;

    struct {
        const char *
            address; /* host:port, [v6]:port or unix:/path; of a cluster: some nodes, with commas */
        bool cluster;
        const char *sentinel_master, *sentinel_password_file;
        bool tls;
        const char *ca_file, *certificate_file, *key_file, *server_name;
        const char *user, *password_file;
        int64_t connect_timeout_ms; /* connection, TLS and AUTH */
        uint64_t reply_size_max;    /* bytes of the replies to one read of a worker */
        int64_t timeout_ms;         /* an answer that takes longer breaks the connection */
    } redis;

    struct settings_source sources[SOURCE_COUNT];

    const char *topic_prefix;              /* default "segue." */
    const char *topics[OUTPUT_KIND_COUNT]; /* whole names */
    const char *journal_topic, *checkpoint_topic, *playbook_topic;

    int64_t tasks; /* N: partitions of every source; checked at start; 0: as the topics have */
    int64_t journal_partitions; /* J */
    int64_t workers;            /* 0: auto, one per core but one */

    enum settings_clock clock;
    int64_t live_from_ms;      /* INT64_MIN: always live */
    int64_t merge_wait_ms;     /* clock stream: a record waits so long for a source at its end */
    int64_t future_max_ms;     /* events dated further ahead are rejected */
    int64_t clock_lead_max_ms; /* how far the wall clock may run ahead of our own last append */

    int64_t commit_interval_ms;
    int64_t commit_catch_up_ms;
    int64_t batch_records_max;
    uint64_t batch_size_max;  /* bytes of inputs in one commit */
    uint64_t record_size_max; /* bytes of one input value; a larger one is rejected */
    uint64_t cut_size_max;    /* bytes of one journal message; a longer cut is split */
    uint64_t commit_size_max; /* bytes of the cuts, and of the outputs, of one transaction */
    uint64_t cache_size;      /* bytes of cached records, all workers together */
    int64_t apply_queue_max;  /* cuts of a task that may wait for Redis */
    int64_t checkpoint_interval_ms;
    int64_t journal_keep_ms;
    /* Customers a second that are looked at under another playbook, all workers together */
    int64_t sweep_rate;
    int64_t watchdog_ms;            /* no progress for so long: leave with 75 */
    int64_t shutdown_ms;            /* SIGTERM: at most so long for the last cut */
    const char *repartition_listen; /* as `listen`, of `segue repartition` */
    /* The largest message of a repartition topic, as text: limits.record and room for key and headers */
    char repartition_message_size[24];
};

/* Read the file at `path` ("-": none, only defaults and what is required is missing). Relative
 * paths inside are made relative to its folder. False: at least one error was added. */
MUST_USE bool settings_load(const char *path, struct arena *arena, struct diagnostics *diagnostics,
                            struct settings *out_settings);

/* The same from a text called `name`; for tests and fuzzing. Files that it names are not opened
 * then. */
MUST_USE bool settings_load_text(const char *name, struct slice text, struct arena *arena,
                                 struct diagnostics *diagnostics, struct settings *out_settings);

/* Every key with its default, bounds and meaning, as a commented YAML file that loads. */
void settings_print_defaults(FILE *out);

/* The topic of a source when none is named: "bank.transactions", ... Static. */
const char *settings_default_topic(enum source source);

/* Does any source that is used go through `segue repartition`? */
bool settings_repartitions(const struct settings *settings);

/* The name of an enum settings_start: "earliest", ... Static. */
const char *settings_start_name(enum settings_start start);

#endif
