/* SPDX-License-Identifier: Apache-2.0 */
/* All that `segue check` does, over valid playbooks that were changed at random (mutate.h): load, lay out,
 * explain the cost. Whatever the text, the answer is a playbook or errors that point into the file; never a
 * crash, never a hang.
 *
 * usage: mutate_playbook COUNT SEED FILE_OR_FOLDER..
 *
 * Children take CHUNK texts each (an engine's memory is for good), with seeds SEED, SEED + 1, ..; a text that
 * kills one is left in
 * ./mutant-SEED.yaml. SIGTERM ends it behind the present chunk, with the figures so far. To see that it
 * notices: SEGUE_MUTATE_CANARY=1 makes it fall over the first playbook that loads. */
#include "mutate.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/invariant.h"
#include "engine/engine.h"
#include "playbook/playbook.h"

enum { CHUNK = 2000, HANG_SECONDS = 120, FILE_SIZE_MAX = 1 << 20 };

/* Seen by parent and child. */
struct shared {
    uint8_t text[MUTATE_SIZE_MAX];
    size_t size;
    uint64_t done, loaded;
};

static struct mutate_seeds seeds;
static volatile sig_atomic_t stopping;
static struct diagnostic list[DIAGNOSTICS_MAX];

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

/* True: it is a playbook. */
static bool check_one(struct slice text, const struct zones *zones, uint8_t *block, FILE *nowhere)
{
    struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, 1, 1};
    struct diagnostics diagnostics;
    const struct playbook *playbook;
    const struct engine *engine;
    struct status_text why;
    struct arena arena;
    arena_init(&arena, block, PLAYBOOK_ARENA_SIZE);
    diagnostics_init(&diagnostics, list);
    bool good = playbook_load_text("mutant.yaml", text, zones, &arena, &diagnostics, &playbook);
    INVARIANT(good == (diagnostics.error_count == 0));
    check_places(&diagnostics, text);
    if (good && engine_open(playbook, zones, options, &engine, &why) == STATUS_OK) {
        INVARIANT(engine_customer_size(engine) > 0 && engine_task_size(engine) > 0);
        features_plan_describe(playbook->features, nowhere);
    }
    return good;
}

static void run_chunk(struct shared *shared, uint64_t seed, uint64_t count)
{
    const struct zones *zones;
    struct status_text why;
    struct random random;
    uint8_t *block = malloc(PLAYBOOK_ARENA_SIZE);
    FILE *nowhere = fopen("/dev/null", "w");
    INVARIANT(block != NULL && nowhere != NULL && zones_load(&zones, &why) == STATUS_OK);
    random_init(&random, seed);
    for (uint64_t i = 0; i < count; i++) {
        (void)alarm(HANG_SECONDS);
        shared->size = mutate(&seeds, &random, shared->text);
        uint8_t *exact = malloc(shared->size + 1); /* so that ASan sees one byte too many */
        INVARIANT(exact != NULL);
        memcpy(exact, shared->text, shared->size);
        bool loaded = check_one(slice_of(exact, shared->size), zones, block, nowhere);
        INVARIANT(!loaded || getenv("SEGUE_MUTATE_CANARY") == NULL);
        free(exact);
        shared->loaded += loaded;
        shared->done++;
    }
    free(block);
    (void)fclose(nowhere);
}

static void add_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *text = malloc(FILE_SIZE_MAX);
    INVARIANT(text != NULL);
    if (file == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    mutate_seed(&seeds, slice_of(text, fread(text, 1, FILE_SIZE_MAX, file)));
    (void)fclose(file);
}

static void add(const char *path)
{
    struct dirent **entries;
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISDIR(about.st_mode)) {
        add_file(path);
        return;
    }
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        (void)snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            add(file);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

/* A seed must be what it is meant to be: a playbook. */
static bool seeds_load(void)
{
    const struct zones *zones;
    struct status_text why;
    uint8_t *block = malloc(PLAYBOOK_ARENA_SIZE);
    bool good = seeds.text_count > 0;
    INVARIANT(block != NULL && zones_load(&zones, &why) == STATUS_OK);
    for (uint32_t i = 0; i < seeds.text_count; i++) {
        struct arena arena;
        struct diagnostics diagnostics;
        const struct playbook *playbook;
        arena_init(&arena, block, PLAYBOOK_ARENA_SIZE);
        diagnostics_init(&diagnostics, list);
        if (!playbook_load_text("seed.yaml", seeds.texts[i], zones, &arena, &diagnostics,
                                &playbook)) {
            (void)fprintf(stderr, "seed %u is no playbook:\n", i + 1);
            diagnostics_print(&diagnostics, stderr, false);
            good = false;
        }
    }
    free(block);
    return good;
}

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static bool chunk_fails(struct shared *shared, uint64_t seed, uint64_t count)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        run_chunk(shared, seed, count);
        _exit(0);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) {
        return false;
    }
    char path[64];
    (void)snprintf(path, sizeof(path), "mutant-%llu.yaml", (unsigned long long)seed);
    FILE *out = fopen(path, "wb");
    if (out != NULL) {
        (void)fwrite(shared->text, 1, shared->size, out);
        (void)fclose(out);
    }
    (void)printf("seed %llu: status %d; the text is in %s\n", (unsigned long long)seed, status,
                 path);
    return true;
}

int main(int argc, char **argv)
{
    uint64_t count = argc < 4 ? 0 : strtoull(argv[1], NULL, 10),
             seed = argc < 4 ? 0 : strtoull(argv[2], NULL, 10), failed = 0;
    time_t begin = time(NULL);
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 3; i < argc; i++) {
        add(argv[i]);
    }
    if (count == 0 || shared == MAP_FAILED || !seeds_load()) {
        (void)fputs("usage: mutate_playbook COUNT SEED FILE_OR_FOLDER..\n", stderr);
        return EXIT_FAILURE;
    }
    (void)signal(SIGTERM, on_signal);
    for (uint64_t at = 0; at < count && !stopping; at += CHUNK, seed++) {
        failed += chunk_fails(shared, seed, count - at < CHUNK ? count - at : CHUNK);
    }
    (void)printf(
        "mutation_seeds: %u\nmutations: %llu\nmutations_that_load: %llu\nmutations_that_crash: "
        "%llu\nmutation_seconds: %lld\n",
        seeds.text_count, (unsigned long long)shared->done, (unsigned long long)shared->loaded,
        (unsigned long long)failed, (long long)(time(NULL) - begin));
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
