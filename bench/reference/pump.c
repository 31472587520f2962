// How quickly anybody could deliver events: writes the same frame to a listener, waits for its answer, and so on.
//
//   pump FRAMES LISTENER [ARGUMENT...]
//
// The listener takes the time itself; the last frame ends with `end`.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char FRAME[] = "ver:3.0 server:supervisor serial:10000 pool:l poolserial:10000 eventname:PROCESS_STATE_RUNNING len:62\n"
                            "processname:p_1000 groupname:p from_state:STARTING pid:1000000";
static const char LAST[] = "ver:3.0 server:supervisor serial:10000 pool:l poolserial:10000 eventname:REMOTE_COMMUNICATION len:10\n"
                           "type:x\nend";

static void await(int from, const char *word)
{
    char text[64];
    size_t have = 0, want = strlen(word);
    while (have < want) {
        ssize_t size = read(from, text, sizeof text);
        if (size <= 0)
            exit(1);
        have += (size_t)size;
    }
}

int main(int argc, char **argv)
{
    int in[2], out[2];
    long frames, at;
    if (argc < 3 || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return 2;
    frames = atol(argv[1]);
    if (vfork() == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execv(argv[2], argv + 2);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    await(out[0], "READY\n");
    for (at = 0; at < frames; at++) {
        const char *frame = at + 1 < frames ? FRAME : LAST;
        if (write(in[1], frame, strlen(frame)) < 0)
            return 1;
        await(out[0], "RESULT 2\nOKREADY\n");
    }
    close(in[1]);
    wait(0);
    return 0;
}
