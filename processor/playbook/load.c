/* SPDX-License-Identifier: Apache-2.0 */
/* From files to a playbook: which files, which sections, in which order. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/civil.h"
#include "base/hash.h"
#include "playbook/loader.h"

enum { PATH_SIZE = 512, FOLDER_DEPTH_MAX = 8, MONTH_DAYS_X_100 = 3044 };

void *loader_take(struct loader *loader, size_t size)
{
    void *room = arena_take(loader->arena, size);
    if (room == NULL && !loader->full) {
        loader->full = true;
        diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0},
                        "split the playbook", "the playbook is too large");
    }
    return room;
}

int32_t loader_find(const struct loader *loader, enum playbook_kind kind, struct slice id)
{
    for (uint32_t i = 0; i < loader->sections[kind].count; i++) {
        if (slice_equal(loader->sections[kind].list[i].id, id)) {
            return (int32_t)i;
        }
    }
    return -1;
}

void loader_unknown(struct loader *loader, enum playbook_kind kind, const struct yaml_node *node,
                    struct slice id, struct source_span span)
{
    const struct section *section = &loader->sections[kind];
    const char *ids[RULES_FEATURES_MAX];
    char mend[DIAGNOSTIC_TEXT_SIZE] = "";
    uint32_t count = section->count < RULES_FEATURES_MAX ? section->count : RULES_FEATURES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = (const char *)section->list[i].id.data; /* NUL-terminated: a scalar's text */
    }
    for (uint32_t i = 0; kind == PLAYBOOK_FEATURE && i < loader->playbook->name_count; i++) {
        ids[i] = loader->playbook->names[i].name; /* with the fields of series */
        count = i + 1;
    }
    const char *near = diagnostic_nearest(id, ids, count);
    if (near != NULL) {
        (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near);
    }
    diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, span.file == NULL ? node->span : span,
                    mend, "there is no %s `%.*s`", section->what, SLICE_ARG(id));
}

int64_t load_length_ms(const struct duration *duration)
{
    return duration->ms +
           (duration->months * (int64_t)MONTH_DAYS_X_100 + 99) / 100 * (int64_t)MS_PER_DAY;
}

void load_kept(struct loader *loader, const struct yaml_node *node, int64_t length_ms)
{
    if (loader->data_kept_ms > 0 && length_ms > loader->data_kept_ms) {
        yaml_error(node, loader->diagnostics, "shorten it, or change `data_kept`",
                   "`%.*s` is longer than data is kept, %lld days", SLICE_ARG(node->text),
                   (long long)(loader->data_kept_ms / MS_PER_DAY));
    }
}

int32_t load_version(struct loader *loader, const struct yaml_node *node)
{
    int64_t version = 1;
    (void)yaml_integer(yaml_get(node, "version"), loader->diagnostics, 1, INT32_MAX, &version);
    return (int32_t)version;
}

/* ---- sections ---- */

/* Ids are names in CEL and parts of keys and topics. Life events and the like may have dots. */
static bool id_is_good(struct slice id, bool dots)
{
    for (size_t i = 0; i < id.size; i++) {
        uint8_t c = id.data[i];
        bool letter = (c >= 'a' && c <= 'z') || c == '_';
        bool digit = c >= '0' && c <= '9';
        if (!letter && !(digit && i > 0) && !(c == '.' && dots && i > 0 && i + 1 < id.size)) {
            return false;
        }
    }
    return id.size > 0 && id.size <= 64;
}

static void collect(struct loader *loader, struct section *section, const struct yaml_node *root,
                    bool dots)
{
    const struct yaml_node *node = yaml_get(root, section->key);
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
        struct slice id = entry->key->text;
        if (!id_is_good(id, dots)) {
            yaml_error(entry->key, loader->diagnostics,
                       dots ? "lower case letters, digits, _ and dots inside"
                            : "lower case letters, digits and _",
                       "`%.*s` is no id for a %s", SLICE_ARG(id), section->what);
            continue;
        }
        for (uint32_t i = 0; i < section->count; i++) {
            if (slice_equal(section->list[i].id, id)) {
                const struct source_span *first = &section->list[i].node->key->span;
                char mend[DIAGNOSTIC_TEXT_SIZE];
                (void)snprintf(mend, sizeof(mend), "the first one is at %.300s:%u",
                               first->file->path, first->line);
                yaml_error(entry->key, loader->diagnostics, mend, "%s `%.*s` is defined twice",
                           section->what, SLICE_ARG(id));
            }
        }
        if (section->count == section->max) {
            yaml_error(entry->key, loader->diagnostics, NULL, "more than %u in `%s`", section->max,
                       section->key);
            return;
        }
        if (yaml_is_mapping(entry, loader->diagnostics)) {
            section->list[section->count++] = (struct definition){.node = entry, .id = id};
        } else if (entry->kind == YAML_SCALAR && entry->text.size == 0) {
            yaml_error(entry->key, loader->diagnostics, NULL, "%s `%.*s` is empty", section->what,
                       SLICE_ARG(id));
        }
    }
}

static int by_id(const void *a, const void *b)
{
    return slice_compare(((const struct definition *)a)->id, ((const struct definition *)b)->id);
}

static bool collect_sections(struct loader *loader)
{
    static const struct section empty[] = {{"features", "feature", NULL, 0, RULES_FEATURES_MAX},
                                           {"life_events", "life event", NULL, 0, LIFE_DEFS_MAX},
                                           {"segments", "segment", NULL, 0, SEGMENTS_MAX},
                                           {"offers", "offer", NULL, 0, OFFERS_MAX}};
    for (uint32_t kind = 0; kind <= PLAYBOOK_OFFER; kind++) {
        struct section *section = &loader->sections[kind];
        *section = empty[kind];
        section->list = loader_take(loader, section->max * sizeof(*section->list));
        if (section->list == NULL) {
            return false;
        }
        for (uint32_t i = 0; i < loader->root_count; i++) {
            collect(loader, section, loader->roots[i], kind != PLAYBOOK_FEATURE);
        }
        qsort(section->list, section->count, sizeof(*section->list), by_id);
    }
    return true;
}

/* ---- what holds for the whole playbook ---- */

/* The value of a key that may stand in one file only. */
static const struct yaml_node *only(struct loader *loader, const char *key)
{
    const struct yaml_node *found = NULL;
    for (uint32_t i = 0; i < loader->root_count; i++) {
        const struct yaml_node *node = yaml_get(loader->roots[i], key);
        if (node != NULL && found != NULL) {
            char mend[DIAGNOSTIC_TEXT_SIZE];
            (void)snprintf(mend, sizeof(mend), "the first one is at %.300s:%u",
                           found->span.file->path, found->span.line);
            yaml_error(node->key, loader->diagnostics, mend, "`%s` stands twice", key);
        }
        found = found == NULL ? node : found;
    }
    return found;
}

void loader_check_currency(struct loader *loader, const struct yaml_node *node, struct slice text,
                           const char *mend)
{
    bool capitals = text.size == 3;
    for (size_t i = 0; capitals && i < text.size; i++) {
        capitals = text.data[i] >= 'A' && text.data[i] <= 'Z';
    }
    if (!capitals) {
        (text.size == 3 ? yaml_new_rule : yaml_error)(node, loader->diagnostics, mend,
                                                      "`%.*s` is no currency", SLICE_ARG(text));
    }
}

static void load_whole(struct loader *loader)
{
    struct playbook *playbook = loader->playbook;
    struct diagnostics *diagnostics = loader->diagnostics;
    const char *names[SOURCE_COUNT];
    playbook->currency = slice_text("GBP");
    playbook->zone_name = slice_text("Europe/London");
    playbook->feature_options = features_options_default();
    const struct yaml_node *currency = only(loader, "currency"), *zone = only(loader, "zone");
    if (yaml_text(currency, diagnostics, &playbook->currency)) {
        loader_check_currency(loader, currency, playbook->currency,
                              "write three capital letters: GBP");
    }
    (void)yaml_text(zone, diagnostics, &playbook->zone_name);
    playbook->zone = zones_find(loader->zones, playbook->zone_name);
    if (playbook->zone < 0) {
        playbook->zone = 0;
        if (zone != NULL) {
            yaml_error(zone, diagnostics, "an IANA name: Europe/London", "`%.*s` is no time zone",
                       SLICE_ARG(playbook->zone_name));
        }
    }
    int64_t late_ms = 0, year = INT64_C(366) * 86400000;
    (void)yaml_duration_ms(only(loader, "allowed_lateness"), diagnostics, 0, year,
                           &playbook->feature_options.allowed_lateness_ms);
    if (yaml_duration_ms(only(loader, "late_after"), diagnostics, 0, year, &late_ms)) {
        playbook->feature_options.late_after_days = (int32_t)(late_ms / 86400000);
    }
    (void)yaml_duration_ms(only(loader, "stale_after"), diagnostics, 0, year,
                           &playbook->stale_after_ms);
    const struct yaml_node *kept = only(loader, "data_kept");
    struct duration length;
    if (yaml_duration_ms(kept, diagnostics, MS_PER_DAY, 30 * year, &loader->data_kept_ms) &&
        yaml_duration(kept, diagnostics, &length)) {
        loader->data_kept_ms = load_length_ms(&length); /* as windows are measured */
    }
    const struct yaml_node *remember = only(loader, "remember");
    bool given = yaml_is_mapping(remember, diagnostics);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        int64_t count;
        names[i] = source_name((enum source)i);
        if (given && yaml_integer(yaml_get(remember, names[i]), diagnostics, 0,
                                  FEATURES_REMEMBERED_MAX, &count)) {
            playbook->feature_options.remembered[i] = (uint32_t)count;
        }
    }
    yaml_refuse_unknown(remember, names, SOURCE_COUNT, diagnostics);
}

/* What can change a decision: every definition, and what holds for all. Sorted by id, so the order
 * of evaluation of independent segments does not matter. */
static void hash_whole(struct loader *loader)
{
    struct playbook *playbook = loader->playbook;
    uint64_t sum[PLAYBOOK_OFFER + 1] = {0};
    for (uint32_t kind = 0; kind <= PLAYBOOK_OFFER; kind++) {
        for (uint32_t i = 0; i < loader->sections[kind].count; i++) {
            const struct definition *definition = &loader->sections[kind].list[i];
            sum[kind] += hash64(definition->id, definition->hash);
        }
    }
    canon_begin(loader, "playbook");
    for (uint32_t kind = 0; kind <= PLAYBOOK_OFFER; kind++) {
        canon_hash(loader, loader->sections[kind].key, sum[kind]);
    }
    canon_text(loader, "currency", playbook->currency);
    canon_text(loader, "zone", playbook->zone_name);
    canon_integer(loader, "allowed_lateness", playbook->feature_options.allowed_lateness_ms);
    canon_integer(loader, "late_after", playbook->feature_options.late_after_days);
    canon_integer(loader, "stale_after", playbook->stale_after_ms);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        canon_integer(loader, "remember", playbook->feature_options.remembered[i]);
    }
    canon_hash(loader, "sensitive", loader->sensitive.hash);
    canon_hash(loader, "policy", playbook->hash); /* load_contact_policy left it there */
    playbook->hash = canon_end(loader);
}

static void warn_unread(struct loader *loader)
{
    struct section *features = &loader->sections[PLAYBOOK_FEATURE];
    for (uint32_t i = 0; i < loader->playbook->name_count; i++) {
        features->list[loader->facts[i].definition].is_read |= loader->facts[i].is_read;
    }
    for (uint32_t i = 0; i < features->count; i++) {
        if (!features->list[i].is_read) {
            yaml_warning(features->list[i].node->key, loader->diagnostics,
                         "remove it, or publish: true", "nobody reads feature `%.*s`",
                         SLICE_ARG(features->list[i].id));
        }
    }
}

static bool load_sections(struct loader *loader)
{
    uint32_t before = loader->diagnostics->error_count;
    for (uint32_t i = 0; i < loader->root_count; i++) {
        if (yaml_is_mapping(loader->roots[i], loader->diagnostics)) {
            keys_refuse_unknown(loader->roots[i], KEYS_TOP, loader->diagnostics);
        }
    }
    uint8_t *canon = loader_take(loader, CANON_SIZE);
    loader->facts = loader_take(loader, RULES_FEATURES_MAX * sizeof(*loader->facts));
    loader->edges = loader_take(loader, EDGES_MAX * sizeof(*loader->edges));
    loader->tests = loader_take(loader, PLAYBOOK_TESTS_MAX * sizeof(*loader->tests));
    if (canon == NULL || loader->facts == NULL || loader->edges == NULL || loader->tests == NULL ||
        !collect_sections(loader)) {
        return false;
    }
    loader->canon = bytes_writer(canon, CANON_SIZE);
    load_whole(loader);
    load_calendars(loader, only(loader, "calendars"));
    firewall_load(loader, only(loader, "sensitive"));
    if (loader->full) {
        return false;
    }
    load_features(loader);
    if (loader->playbook->environment == NULL) {
        return false;
    }
    load_life(loader);
    load_segments(loader);
    load_offers(loader);
    load_contact_policy(loader);
    if (loader->diagnostics->error_count == before) {
        load_feature_plan(loader);
        hash_whole(loader);
        warn_unread(loader);
    }
    loader->playbook->edges = loader->edges;
    loader->playbook->tests = loader->tests;
    return loader->diagnostics->error_count == before;
}

/* ---- files ---- */

static void add_file(struct loader *loader, struct source_file *files, const char *path)
{
    struct playbook *playbook = loader->playbook;
    char error[DIAGNOSTIC_TEXT_SIZE];
    if (playbook->file_count == PLAYBOOK_FILES_MAX) {
        diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0}, NULL,
                        "more than %d files in the playbook", PLAYBOOK_FILES_MAX);
        return;
    }
    struct source_file *file = &files[playbook->file_count];
    if (!source_file_read(file, path, loader->arena, YAML_FILE_SIZE_MAX, error)) {
        diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0}, NULL,
                        "%s: %s", path, error);
        return;
    }
    playbook->file_count++;
    const struct yaml_node *root = NULL;
    if (yaml_parse(file, loader->arena, loader->diagnostics, &root) && root != NULL) {
        loader->roots[loader->root_count++] = root;
    }
}

static bool ends_with_yaml(const char *name)
{
    size_t size = strlen(name);
    return name[0] != '.' && ((size > 5 && strcmp(name + size - 5, ".yaml") == 0) ||
                              (size > 4 && strcmp(name + size - 4, ".yml") == 0));
}

static void add_folder(struct loader *loader, struct source_file *files, const char *path,
                       int depth)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0}, NULL,
                        "%s: %s", path, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        char below[PATH_SIZE];
        struct stat about;
        int size = snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
        bool usable = entries[i]->d_name[0] != '.' && size > 0 && size < PATH_SIZE &&
                      stat(below, &about) == 0;
        if (usable && S_ISDIR(about.st_mode) && depth < FOLDER_DEPTH_MAX) {
            add_folder(loader, files, below, depth + 1);
        } else if (usable && S_ISREG(about.st_mode) && ends_with_yaml(entries[i]->d_name)) {
            add_file(loader, files, below);
        }
        free(entries[i]);
    }
    free(entries);
}

static bool begin(struct loader *loader, const char *path, struct source_file **out_files)
{
    loader->playbook = loader_take(loader, sizeof(*loader->playbook));
    loader->roots = loader_take(loader, PLAYBOOK_FILES_MAX * sizeof(const struct yaml_node *));
    *out_files = loader_take(loader, PLAYBOOK_FILES_MAX * sizeof(**out_files));
    struct slice copy = arena_copy(loader->arena, slice_text(path));
    if (loader->full || copy.data == NULL) {
        return false;
    }
    loader->playbook->path = (const char *)copy.data;
    loader->playbook->files = *out_files;
    return true;
}

static void say_empty(struct loader *loader, const char *path)
{
    diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0},
                    "name a folder with *.yaml files below it, or one file",
                    "there is no playbook in %s", path);
}

static uint32_t depth_of(const char *path)
{
    uint32_t depth = 0;
    for (; *path != '\0'; path++) {
        depth += *path == '/';
    }
    return depth;
}

/* A folder above playbooks, as config/ with the settings in it: which keys those do not have is no help. */
static void refuse_folder_above(struct loader *loader, const char *path)
{
    const struct yaml_node *strange = NULL, *ours = NULL;
    uint32_t here = depth_of(path) + 1, nearest = UINT32_MAX;
    for (uint32_t i = 0; i < loader->root_count; i++) {
        const struct yaml_node *root = loader->roots[i];
        uint32_t depth = depth_of(root->span.file->path);
        bool good = keys_are_of_playbook(root);
        if (depth == here && good) {
            return;
        }
        if (depth == here && strange == NULL) {
            strange = root;
        } else if (good && depth < nearest) {
            ours = root;
            nearest = depth;
        }
    }
    if (strange == NULL || ours == NULL) {
        return;
    }
    char mend[DIAGNOSTIC_TEXT_SIZE];
    const char *file = ours->span.file->path;
    (void)snprintf(mend, sizeof(mend), "name the playbook's own folder: %.*s",
                   (int)(strrchr(file, '/') - file), file);
    diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR,
                    strange->first == NULL ? strange->span : strange->first->key->span, mend,
                    "%s is no playbook: this file in it is of something else", path);
}

bool playbook_load(const char *path, const struct zones *zones, struct arena *arena,
                   struct diagnostics *diagnostics, const struct playbook **out_playbook)
{
    struct loader loader = {.arena = arena, .diagnostics = diagnostics, .zones = zones};
    struct source_file *files;
    struct stat about;
    uint32_t before = diagnostics->error_count;
    if (!begin(&loader, path, &files)) {
        return false;
    }
    if (stat(path, &about) != 0) {
        diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0},
                        "name one that is there: a file, or a folder with *.yaml files", "%s: %s",
                        path, strerror(errno));
        return false;
    }
    if (S_ISDIR(about.st_mode)) {
        add_folder(&loader, files, path, 0);
        refuse_folder_above(&loader, path);
    } else {
        add_file(&loader, files, path);
    }
    if (diagnostics->error_count == before && loader.root_count == 0) {
        say_empty(&loader, path);
    }
    if (diagnostics->error_count != before || !load_sections(&loader)) {
        return false;
    }
    *out_playbook = loader.playbook;
    return true;
}

bool playbook_load_texts(const char *name, const struct playbook_text *texts, uint32_t count,
                         const struct zones *zones, struct arena *arena,
                         struct diagnostics *diagnostics, const struct playbook **out_playbook)
{
    struct loader loader = {.arena = arena, .diagnostics = diagnostics, .zones = zones};
    struct source_file *files;
    uint32_t before = diagnostics->error_count;
    if (!begin(&loader, name, &files)) {
        return false;
    }
    for (uint32_t i = 0; i < count && i < PLAYBOOK_FILES_MAX; i++) {
        const struct yaml_node *root = NULL;
        (void)snprintf(files[i].path, sizeof(files[i].path), "%s", texts[i].path);
        files[i].text = texts[i].text;
        loader.playbook->file_count++;
        if (yaml_parse(&files[i], arena, diagnostics, &root) && root != NULL) {
            loader.roots[loader.root_count++] = root;
        }
    }
    if (diagnostics->error_count == before && loader.root_count == 0) {
        say_empty(&loader, name);
    }
    if (diagnostics->error_count != before || !load_sections(&loader)) {
        return false;
    }
    *out_playbook = loader.playbook;
    return true;
}

bool playbook_load_text(const char *name, struct slice text, const struct zones *zones,
                        struct arena *arena, struct diagnostics *diagnostics,
                        const struct playbook **out_playbook)
{
    const struct playbook_text one = {name, text};
    return playbook_load_texts(name, &one, 1, zones, arena, diagnostics, out_playbook);
}
