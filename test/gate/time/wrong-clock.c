/*
 * A wall clock that is wrong by as many milliseconds as stand in the file RACKTRACE_GATE_CLOCK, as a signed
 * number of 64 bits. Loaded before a program, it answers for the C library: the program, its TLS and all
 * its threads see one and the same wrong time. What measures durations is not touched. With
 * RACKTRACE_GATE_CLOCK_IS_SET the sign is there that systemd-timesyncd leaves when it has set the clock.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *wrong_by_ms;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("RACKTRACE_GATE_CLOCK");
  int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) wrong_by_ms = page;
}

int clock_gettime(clockid_t id, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, id, now);
  if (failed != 0 || wrong_by_ms == NULL) return failed;
  if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) return failed;
  int64_t by = *wrong_by_ms;
  now->tv_sec += by / 1000;
  now->tv_nsec += (by % 1000) * 1000000;
  if (now->tv_nsec < 0) {
    now->tv_nsec += 1000000000;
    now->tv_sec -= 1;
  } else if (now->tv_nsec >= 1000000000) {
    now->tv_nsec -= 1000000000;
    now->tv_sec += 1;
  }
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *to) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return (time_t)-1;
  if (to != NULL) *to = exact.tv_sec;
  return exact.tv_sec;
}

int access(const char *path, int mode) {
  if (getenv("RACKTRACE_GATE_CLOCK_IS_SET") != NULL &&
      strcmp(path, "/run/systemd/timesync/synchronized") == 0)
    return 0;
  return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}
