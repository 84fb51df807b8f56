/* SPDX-License-Identifier: Apache-2.0 */
/* Replays corpus files through a fuzz target: fuzz_NAME FILE_OR_FOLDER... Every old crash is a
 * test.
 *
 * With -DFUZZ_LIBFUZZER the fuzzer brings its own main. Otherwise each file is also cut at every
 * length up to 512 bytes and has every bit of its first 64 bytes flipped: cheap, and it finds most
 * missing bounds checks. Each input sits in a block of exactly its size, so that valgrind and ASan
 * see one byte too many. */
#include "fuzz.h"

#ifndef FUZZ_LIBFUZZER

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static unsigned long inputs;

static void run_one(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL) {
        abort();
    }
    if (size > 0) {
        memcpy(exact, data, size);
    }
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    inputs++;
}

static void run_mutants(uint8_t *data, size_t size)
{
    for (size_t cut = 0; cut < size && cut < 512; cut++) {
        run_one(data, cut);
    }
    for (size_t bit = 0; bit < 8 * size && bit < 512; bit++) {
        data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        run_one(data, size);
        data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static int run_file(const char *path)
{
    enum { SIZE_MAX_INPUT = 1 << 22 };
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(SIZE_MAX_INPUT);
    if (file == NULL || data == NULL) {
        (void)fprintf(stderr, "cannot read %s\n", path);
        exit(EXIT_FAILURE);
    }
    size_t size = fread(data, 1, SIZE_MAX_INPUT, file);
    (void)fclose(file);
    run_one(data, size);
    run_mutants(data, size);
    free(data);
    return 0;
}

static void run_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char file[4096];
        (void)snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            (void)run_file(file);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat about;
        if (stat(argv[i], &about) != 0) {
            (void)fprintf(stderr, "there is no %s\n", argv[i]);
            return EXIT_FAILURE;
        }
        if (S_ISDIR(about.st_mode)) {
            run_folder(argv[i]);
        } else {
            (void)run_file(argv[i]);
        }
    }
    (void)printf("%lu inputs\n", inputs);
    return inputs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
