/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into an unchanged `segue run`: its wall clock is as many seconds off as the file named by
 * CLOCK_JUMP_FILE says (eight bytes), and may jump at any moment. What measures time is left alone; a
 * wait until a moment of the wall clock (librdkafka's) lasts as long as it was meant to when it began. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static int (*next_clock)(clockid_t, struct timespec *);
static const _Atomic int64_t *off_s;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CLOCK_JUMP_FILE");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) {
        (void)fprintf(stderr, "clock_jump: CLOCK_JUMP_FILE must name a file of eight bytes\n");
        _exit(64);
    }
    (void)close(file);
    off_s = map;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (next_clock == NULL) { /* a library's own beginning may come before ours */
        *(void **)&next_clock = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int result = next_clock(clock, out);
    if (result == 0 && off_s != NULL &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        out->tv_sec += atomic_load_explicit(off_s, memory_order_relaxed);
    }
    return result;
}

int(gettimeofday)(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return result;
}

int timespec_get(struct timespec *out, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, out) == 0 ? base : 0;
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    static int (*next_wait)(cnd_t *, mtx_t *, const struct timespec *);
    if (next_wait == NULL) {
        *(void **)&next_wait = dlsym(RTLD_NEXT, "cnd_timedwait");
    }
    struct timespec plain = *until;
    plain.tv_sec -= atomic_load_explicit(off_s, memory_order_relaxed);
    return next_wait(condition, mutex, &plain);
}

time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
