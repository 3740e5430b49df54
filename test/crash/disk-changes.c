/*
 * Stands between a program and the files of one folder (LD_PRELOAD). Each change that the program makes there (a write,
 * a sync, another length, another name, a new folder) is one moment, in one order, and the environment says what happens at it:
 *
 *   DISK_FOLDER    the folder, by its full name: all else passes
 *   DISK_FILES     only files whose names begin so
 *   DISK_TRACE     a file that each change is appended to when it is done (read by traced-disk.ts)
 *   DISK_KILL_AT   the program is killed before its change of this number, from 1
 *   DISK_FAULT     a file: while it holds the number of an error, each change fails with it, and nothing is changed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct head {
  uint8_t kind;
  uint8_t nothing;
  uint16_t name_bytes;
  uint32_t data_bytes;
  uint64_t offset;
};

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *files, *fault;
static int trace = -1;
static long kill_at, changes;

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("DISK_TRACE"), *number = getenv("DISK_KILL_AT");
  folder = getenv("DISK_FOLDER");
  files = getenv("DISK_FILES");
  fault = getenv("DISK_FAULT");
  if (file != NULL) trace = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (number != NULL) kill_at = atol(number);
}

/* The name within the folder, empty for the folder itself; NULL for what is not in it. */
static const char *within(const char *path) {
  size_t length = folder == NULL ? 0 : strlen(folder);
  if (length == 0 || strncmp(path, folder, length) != 0) return NULL;
  if (path[length] == '\0') return path + length;
  if (path[length] != '/') return NULL;
  const char *name = path + length + 1;
  return files == NULL || strncmp(name, files, strlen(files)) == 0 ? name : NULL;
}

static const char *name_of(int fd, char path[PATH_MAX]) {
  char link[64];
  if (folder == NULL) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return NULL;
  path[length] = '\0';
  return within(path);
}

/* Its turn, until done(); nonzero, with errno, when it is to fail. */
static int turn(void) {
  pthread_mutex_lock(&one_at_a_time);
  if (++changes == kill_at) {
    dprintf(2, "killed before change %ld\n", changes);
    raise(SIGKILL);
  }
  if (fault == NULL) return 0;
  int fd = open(fault, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char number[16] = "";
  ssize_t length = read(fd, number, sizeof number - 1);
  close(fd);
  return length > 0 ? (errno = atoi(number)) : 0;
}

static void done(int was_made, uint8_t kind, const char *name, uint64_t offset, const void *data, size_t bytes) {
  int error = errno;
  if (was_made && trace >= 0) {
    struct head head = {kind, 0, (uint16_t)strlen(name), (uint32_t)bytes, offset};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)name, head.name_bytes}, {(void *)data, bytes}};
    if (syscall(SYS_writev, trace, parts, 3) != (ssize_t)(sizeof head + head.name_bytes + bytes)) abort();
  }
  errno = error;
  pthread_mutex_unlock(&one_at_a_time);
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (name == NULL) return syscall(SYS_pwrite64, fd, data, bytes, offset);
  ssize_t written = turn() ? -1 : syscall(SYS_pwrite64, fd, data, bytes, offset);
  done(written > 0, 'W', name, offset, data, written > 0 ? written : 0);
  return written;
}

ssize_t write(int fd, const void *data, size_t bytes) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (name == NULL) return syscall(SYS_write, fd, data, bytes);
  off64_t offset = lseek64(fd, 0, SEEK_CUR);
  ssize_t written = turn() ? -1 : syscall(SYS_write, fd, data, bytes);
  done(written > 0, 'W', name, offset, data, written > 0 ? written : 0);
  return written;
}

int ftruncate64(int fd, off64_t length) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (name == NULL) return syscall(SYS_ftruncate, fd, length);
  int ended = turn() ? -1 : syscall(SYS_ftruncate, fd, length);
  done(ended == 0, 'T', name, length, NULL, 0);
  return ended;
}

static int sync_with(long number, int fd) {
  char path[PATH_MAX];
  const char *name = name_of(fd, path);
  if (name == NULL) return syscall(number, fd);
  int ended = turn() ? -1 : syscall(number, fd);
  done(ended == 0, 'S', name, 0, NULL, 0);
  return ended;
}

int fsync(int fd) {
  return sync_with(SYS_fsync, fd);
}

int fdatasync(int fd) {
  return sync_with(SYS_fdatasync, fd);
}

static int unlink_with(int folder_fd, const char *path, const char *name, int flags) {
  if (name == NULL) return syscall(SYS_unlinkat, folder_fd, path, flags);
  int ended = turn() ? -1 : syscall(SYS_unlinkat, folder_fd, path, flags);
  done(ended == 0, 'U', name, 0, NULL, 0);
  return ended;
}

int unlink(const char *path) {
  return unlink_with(AT_FDCWD, path, within(path), 0);
}

int rmdir(const char *path) {
  return unlink_with(AT_FDCWD, path, within(path), AT_REMOVEDIR);
}

int remove(const char *path) {
  return unlink(path) == 0 ? 0 : errno == EISDIR ? rmdir(path) : -1;
}

int unlinkat(int fd, const char *path, int flags) {
  char link[64], whole[2 * PATH_MAX];
  if (folder == NULL || path[0] == '/') return unlink_with(fd, path, within(path), flags);
  snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, whole, PATH_MAX - 1);
  if (length < 0) return -1;
  snprintf(whole + length, sizeof whole - length, "/%s", path);
  return unlink_with(fd, path, within(whole), flags);
}

int mkdir(const char *path, mode_t mode) {
  const char *name = within(path);
  if (name == NULL || *name == '\0') return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  int ended = turn() ? -1 : syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  done(ended == 0, 'D', name, 0, NULL, 0);
  return ended;
}

int rename(const char *path, const char *other) {
  const char *name = within(path), *next = within(other);
  if (name == NULL || next == NULL) return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 0);
  int ended = turn() ? -1 : syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 0);
  done(ended == 0, 'R', name, 0, next, strlen(next));
  return ended;
}
