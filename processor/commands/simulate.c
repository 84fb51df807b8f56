/* SPDX-License-Identifier: Apache-2.0 */
/* segue simulate: LifeSim to standard output or a file, with the truth beside it. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/civil.h"
#include "base/show.h"
#include "commands/all.h"
#include "lifesim/lifesim.h"

static const char help[] =
    "usage: segue simulate [OPTION..]\n\n"
    "Writes the events of a synthetic bank as NDJSON (one {\"source\":..,\"event\":{..}} a "
    "line).\n\n"
    "  --customers N     people (default 2000)\n"
    "  --days N          days of their lives (default 180)\n"
    "  --start DATE      first day (default 2026-01-01)\n"
    "  --until TIME      end the last day then (2026-06-29T15:00:00Z; default: with its late "
    "records)\n"
    "  --seed N          another bank (default 1); the same seed makes the same bank\n"
    "  --world NAME      uk, or eu: other paydays, holidays, words, categories (default uk)\n"
    "  --life-events P   chance of a life event per person (default 0.3)\n"
    "  --decoys P        chance that one without has something that looks like one (default 0.2)\n"
    "  --duplicates P    share of records sent twice (default 0.005)\n"
    "  --late P          share of records sent up to 3 days late (default 0.01)\n"
    "  --refunds P       share of card payments taken back (default 0.01)\n"
    "  --out FILE        default: standard output; to Kafka: segue simulate | segue feed -\n"
    "  --truth FILE      what really happened to whom, one JSON object a line\n";

static void show(int32_t days_done, int32_t days, const struct lifesim_counts *counts)
{
    (void)fprintf(stderr, "\r  day %d of %d, %llu event%s", days_done, days,
                  (unsigned long long)counts->events, show_s(counts->events));
    if (days_done == days) {
        (void)fputc('\n', stderr);
    }
}

static bool number(const char *text, double low, double high, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    return errno == 0 && end != text && *end == '\0' && *out >= low && *out <= high;
}

struct targets {
    const char *out;
    const char *truth;
};

/* What the value of an option must be. */
static const char *wanted(int option)
{
    switch (option) {
    case 'c':
        return "a number from 1 to 10000000";
    case 'd':
        return "a number from 1 to 3660";
    case 's':
        return "a day, as 2026-01-01";
    case 'U':
        return "a time, as 2026-06-29T15:00:00Z";
    case 'S':
        return "a number from 0 on";
    case 'w':
        return "uk or eu";
    default:
        return "a share from 0 to 1";
    }
}
_Static_assert(LIFESIM_CUSTOMERS_MAX == 10000000 && LIFESIM_DAYS_MAX == 3660, "as wanted() says");

/* One option; false when its value is wrong. */
static bool take(struct lifesim_options *options, struct targets *targets, int option,
                 const char *value)
{
    double n = 0;
    switch (option) {
    case 'c':
        return number(value, 1, LIFESIM_CUSTOMERS_MAX, &n) &&
               (options->customers = (uint32_t)n, true);
    case 'd':
        return number(value, 1, LIFESIM_DAYS_MAX, &n) && (options->days = (int32_t)n, true);
    case 's':
        return civil_parse_date(slice_text(value), &options->first_day);
    case 'U':
        return civil_parse_time(slice_text(value), &options->until_ms);
    case 'S':
        return number(value, 0, 1e15, &n) && (options->seed = (uint64_t)n, true);
    case 'w':
        options->world = world_find(slice_text(value));
        return options->world != NULL;
    case 'D':
        return number(value, 0, 1, &options->decoys);
    case 'l':
        return number(value, 0, 1, &options->life_events);
    case 'u':
        return number(value, 0, 1, &options->duplicates);
    case 'L':
        return number(value, 0, 1, &options->late);
    case 'r':
        return number(value, 0, 1, &options->refunds);
    case 'o':
        targets->out = value;
        return true;
    case 't':
        targets->truth = value;
        return true;
    default:
        return false;
    }
}

static FILE *open_target(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        (void)fprintf(stderr, "segue simulate: cannot write %s: %s\n", path, strerror(errno));
    }
    return file;
}

static int write_all(const struct lifesim_options *options, const struct targets *targets)
{
    FILE *out = targets->out == NULL ? stdout : open_target(targets->out);
    FILE *truth = targets->truth == NULL ? NULL : open_target(targets->truth);
    struct lifesim_counts counts = {0};
    if (out == NULL || (targets->truth != NULL && truth == NULL)) {
        return EXIT_NO;
    }
    bool good = lifesim_run(options, out, truth, isatty(STDERR_FILENO) ? show : NULL, &counts);
    if (!good) {
        (void)fprintf(stderr, "segue simulate: writing failed: %s\n", strerror(errno));
    }
    (void)fprintf(stderr, "customers: %u\nevents: %llu\nlife_events: %llu\ndecoys: %llu\n",
                  options->customers, (unsigned long long)counts.events,
                  (unsigned long long)counts.life_events, (unsigned long long)counts.decoys);
    if (truth != NULL) {
        good = fclose(truth) == 0 && good;
    }
    if (out != stdout) {
        good = fclose(out) == 0 && good;
    }
    return good ? EXIT_GOOD : EXIT_NO;
}

int simulate_run(int argument_count, char **arguments)
{
    static const struct option known[] = {{"customers", required_argument, NULL, 'c'},
                                          {"days", required_argument, NULL, 'd'},
                                          {"start", required_argument, NULL, 's'},
                                          {"until", required_argument, NULL, 'U'},
                                          {"seed", required_argument, NULL, 'S'},
                                          {"world", required_argument, NULL, 'w'},
                                          {"life-events", required_argument, NULL, 'l'},
                                          {"decoys", required_argument, NULL, 'D'},
                                          {"duplicates", required_argument, NULL, 'u'},
                                          {"late", required_argument, NULL, 'L'},
                                          {"refunds", required_argument, NULL, 'r'},
                                          {"out", required_argument, NULL, 'o'},
                                          {"truth", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct lifesim_options options = lifesim_defaults();
    struct targets targets = {NULL, NULL};
    int option, index = 0;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", known, &index)) != -1) {
        if (option == 'h') {
            (void)fputs(help, stdout);
            return EXIT_GOOD;
        }
        if (option == '?') {
            (void)fputs(help, stderr);
            return EXIT_USAGE;
        }
        if (!take(&options, &targets, option, optarg)) {
            (void)fprintf(stderr, "segue simulate: --%s takes %s, not `%s`\n", known[index].name,
                          wanted(option), optarg);
            return EXIT_USAGE;
        }
    }
    if (optind < argument_count) {
        (void)fprintf(stderr, "segue simulate: what is `%s`? A file is named with --out\n",
                      arguments[optind]);
        return EXIT_USAGE;
    }
    return write_all(&options, &targets);
}
