// What a supervisor cannot do without, and nothing else: the measure for all others.
//
//   reference LIST
//
// LIST has one setting or program in a line, words apart by one tab:
//
//   batch MICROSECONDS                 rest so long after a round of short reads
//   socket PATH                        answer HTTP there, always with the same body:
//   state FILE | all FILE              the answer to getState, and the one to getAllProcessInfo
//   program RESTART OUT ERR COMMAND [ARGUMENT...]    OUT and ERR: a file, or `-` for /dev/null
//
// TERM ends all programs, then the reference. It trusts its list, checks nothing and tells nobody.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PIDS = 4194304 + 1, WORDS = 16, EVENTS = 256, SHORT = 32768 };
enum { SIGNALS, SERVER, CLIENT, PIPE };

struct program { char *out, *err, **argv; int restart, pid; int outlog, errlog; };

static struct program *programs;
static int count;
static int by_pid[PIDS];
static int alive, ending;
static char *body[2];
static size_t body_size[2];
static long batch;
static int polled, nothing;
static char data[65536];
extern char **environ;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static char *read_file(const char *path, size_t *size)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char *text;
    if (file < 0 || fstat(file, &status) < 0)
        die(path);
    text = malloc((size_t)status.st_size + 1);
    if (!text || read(file, text, (size_t)status.st_size) != status.st_size)
        die(path);
    close(file);
    text[status.st_size] = 0;
    *size = (size_t)status.st_size;
    return text;
}

static void add(int descriptor, int kind, int extra)
{
    struct epoll_event event = { EPOLLIN, { .u64 = (unsigned long)kind << 56 | (unsigned long)extra << 28 | (unsigned long)descriptor } };
    if (epoll_ctl(polled, EPOLL_CTL_ADD, descriptor, &event) < 0)
        die("epoll_ctl");
}

static int log_of(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0)
        die(path);
    return file;
}

static void begin(int at)
{
    struct program *program = &programs[at];
    int out[2] = { -1, nothing }, err[2] = { -1, nothing };
    int piped = *program->out != '-';
    pid_t pid;
    if (piped) {
        if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
            die("pipe2");
        if (!program->outlog) {
            program->outlog = log_of(program->out);
            program->errlog = log_of(program->err);
        }
        add(out[0], PIPE, program->outlog);
        add(err[0], PIPE, program->errlog);
    }
    pid = vfork();
    if (pid == 0) {
        static sigset_t none;
        sigprocmask(SIG_SETMASK, &none, 0);
        dup2(nothing, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        execve(program->argv[0], program->argv, environ);
        _exit(127);
    }
    if (pid < 0)
        die("vfork");
    if (piped) {
        close(out[1]);
        close(err[1]);
    }
    program->pid = pid;
    by_pid[pid] = at + 1;
    alive++;
}

static void reap(int signals)
{
    struct signalfd_siginfo info;
    pid_t pid;
    int status, at;
    if (read(signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGTERM) {
        ending = 1;
        for (at = 0; at < count; at++)
            if (programs[at].pid)
                kill(programs[at].pid, SIGTERM);
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        at = by_pid[pid] - 1;
        by_pid[pid] = 0;
        if (at < 0)
            continue;
        programs[at].pid = 0;
        alive--;
        if (!ending && programs[at].restart)
            begin(at);
    }
}

static void answer(int client)
{
    char request[4096];
    ssize_t size = read(client, request, sizeof request - 1), wrote;
    size_t sent;
    int all;
    if (size > 0) {
        request[size] = 0;
        all = strstr(request, "getAllProcessInfo") != 0;
        for (sent = 0; sent < body_size[all]; sent += (size_t)wrote) {
            wrote = write(client, body[all] + sent, body_size[all] - sent);
            if (wrote <= 0)
                break;
        }
    }
    close(client);
}

static int take(int pipe, int log)
{
    ssize_t size = read(pipe, data, sizeof data);
    if (size <= 0) {
        close(pipe);
        return SHORT;
    }
    if (write(log, data, (size_t)size) != size)
        die("write");
    return (int)size;
}

static int serve(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (server < 0 || bind(server, (void *)&address, sizeof address) < 0 || listen(server, 128) < 0)
        die(path);
    return server;
}

static char **words_of(char *line)
{
    char **words = calloc(WORDS, sizeof *words);
    int at = 0;
    for (; line && at < WORDS - 1; at++) {
        words[at] = line;
        line = strchr(line, '\t');
        if (line)
            *line++ = 0;
    }
    return words;
}

static void load(const char *path)
{
    size_t size, room = 0;
    char *text = read_file(path, &size), *line = text;
    while (line && *line) {
        char *next = strchr(line, '\n');
        char **words;
        if (next)
            *next++ = 0;
        words = words_of(line);
        line = next;
        if (!strcmp(words[0], "batch")) {
            batch = atol(words[1]);
        } else if (!strcmp(words[0], "socket")) {
            add(serve(words[1]), SERVER, 0);
        } else if (!strcmp(words[0], "state")) {
            body[0] = read_file(words[1], &body_size[0]);
        } else if (!strcmp(words[0], "all")) {
            body[1] = read_file(words[1], &body_size[1]);
        } else if (!strcmp(words[0], "program")) {
            if ((size_t)count == room) {
                room = room ? room * 2 : 64;
                programs = realloc(programs, room * sizeof *programs);
            }
            programs[count++] = (struct program){ words[2], words[3], words + 4, atoi(words[1]), 0, 0, 0 };
        }
    }
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    sigset_t set;
    int signals, at;
    if (argc != 2)
        return 2;
    polled = epoll_create1(EPOLL_CLOEXEC);
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, 0);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    add(signals, SIGNALS, 0);
    load(argv[1]);
    for (at = 0; at < count; at++)
        begin(at);
    while (!ending || alive) {
        int ready = epoll_wait(polled, events, EVENTS, -1), small = 0, pipes = 0;
        for (at = 0; at < ready; at++) {
            int descriptor = (int)(events[at].data.u64 & 0xfffffff);
            int extra = (int)(events[at].data.u64 >> 28 & 0xfffffff);
            int kind = (int)(events[at].data.u64 >> 56);
            if (kind == SIGNALS) {
                reap(signals);
            } else if (kind == SERVER) {
                int client = accept4(descriptor, 0, 0, SOCK_CLOEXEC);
                add(client, CLIENT, 0);
            } else if (kind == CLIENT) {
                answer(descriptor);
            } else {
                pipes++;
                small += take(descriptor, extra) < SHORT;
            }
        }
        if (batch && small && small == pipes) {
            struct timespec rest = { 0, batch * 1000 };
            nanosleep(&rest, 0);
        }
    }
    return 0;
}
