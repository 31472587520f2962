// The program that all supervisors under test look after. It has no library and touches three pages, so that thousands of
// it cost little and its first instruction is its own.
//
//   pause [STAMPS]                     live until TERM
//   stubborn [STAMPS]                  live until KILL
//   exit CODE                          leave at once
//   crash STAMPS MILLISECONDS          live that long, then leave with 1
//   spew GATE BYTES CHUNK              wait for the gate, write so many bytes, so many at a time, then live
//   tick GATE MICROSECONDS LINES       wait for the gate, write a line in each period, then live
//   cpu PID...                         print the CPU time of processes in nanoseconds, of all their threads that ever were
//
// A stamp is sixteen bytes: CLOCK_MONOTONIC in nanoseconds, pid, and 'S' for a start or 'E' for an end. A gate is a FIFO;
// it is open when somebody has opened it for writing.

typedef unsigned long u64;
typedef unsigned int u32;

#if defined(__x86_64__)
enum { SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_pause = 34, SYS_nanosleep = 35, SYS_getpid = 39, SYS_exit = 231,
       SYS_openat = 257, SYS_clock_gettime = 228, SYS_clock_nanosleep = 230, SYS_rt_sigaction = 13 };
static long call(long n, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl _start\n_start:\n mov %rsp,%rdi\n and $-16,%rsp\n call begin\n");
#elif defined(__aarch64__)
enum { SYS_read = 63, SYS_write = 64, SYS_close = 57, SYS_nanosleep = 101, SYS_getpid = 172, SYS_exit = 94,
       SYS_openat = 56, SYS_clock_gettime = 113, SYS_clock_nanosleep = 115, SYS_rt_sigaction = 134 };
static long call(long n, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
__asm__(".globl _start\n_start:\n mov x0,sp\n bl begin\n");
#else
#error "the child knows the system calls of x86-64 and AArch64 only"
#endif

struct time { u64 secs, nanos; };
struct stamp { u64 at; u32 pid, what; };

enum { LINE = 100, MONOTONIC = 1, ABSOLUTE = 1, AT_FDCWD = -100, WRONLY_APPEND_CREAT = 02001 | 0100 };
static char buffer[65536 + LINE];

static u64 now(long clock)
{
    struct time time = { 0, 0 };
    call(SYS_clock_gettime, clock, (long)&time, 0, 0);
    return time.secs * 1000000000UL + time.nanos;
}

static _Noreturn void leave(int code)
{
    for (;;)
        call(SYS_exit, code, 0, 0, 0);
}

static _Noreturn void live(void)
{
    struct time long_time = { 1UL << 30, 0 };
    for (;;)
        call(SYS_nanosleep, (long)&long_time, 0, 0, 0);
}

static int is(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

static u64 number(const char *text)
{
    u64 value = 0;
    for (; text && *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (u64)(*text - '0');
    return value;
}

static void stamp(const char *path, u64 at, char what)
{
    struct stamp stamp = { at, (u32)call(SYS_getpid, 0, 0, 0, 0), (u32)what };
    long file;
    if (!path)
        return;
    file = call(SYS_openat, AT_FDCWD, (long)path, WRONLY_APPEND_CREAT, 0644);
    call(SYS_write, file, (long)&stamp, sizeof stamp, 0);
    call(SYS_close, file, 0, 0, 0);
}

static void wait_for(const char *gate)
{
    // Stays open: an open end for reading keeps the writer from waiting.
    if (call(SYS_openat, AT_FDCWD, (long)gate, 0, 0) < 0)
        leave(3);
}

static void fill(void)
{
    u64 at;
    for (at = 0; at < sizeof buffer; at++)
        buffer[at] = at % LINE == LINE - 1 ? '\n' : (char)('a' + at % 26);
}

static void put(const char *from, u64 size)
{
    while (size) {
        long wrote = call(SYS_write, 1, (long)from, (long)size, 0);
        if (wrote <= 0)
            leave(4);
        from += wrote;
        size -= (u64)wrote;
    }
}

static void spew(u64 bytes, u64 chunk)
{
    u64 sent = 0;
    fill();
    if (!chunk || chunk > 65536)
        chunk = 65536;
    while (sent < bytes) {
        u64 size = bytes - sent < chunk ? bytes - sent : chunk;
        put(buffer + sent % LINE, size);
        sent += size;
    }
}

static void tick(u64 period, u64 lines)
{
    u64 next = now(MONOTONIC) + (u64)call(SYS_getpid, 0, 0, 0, 0) * 7919 % 1000 * period;
    fill();
    for (; lines; lines--) {
        struct time time = { next / 1000000000UL, next % 1000000000UL };
        call(SYS_clock_nanosleep, MONOTONIC, ABSOLUTE, (long)&time, 0);
        put(buffer, LINE);
        next += period * 1000;
    }
}

static void print(u64 value)
{
    char text[24];
    int at = sizeof text;
    text[--at] = '\n';
    do
        text[--at] = (char)('0' + value % 10);
    while (value /= 10);
    put(text + at, sizeof text - (u64)at);
}

static void ignore_term(void)
{
    struct { u64 handler, flags, restorer, mask; } ignore = { 1, 0, 0, 0 };
    call(SYS_rt_sigaction, 15, (long)&ignore, 0, 8);
}

_Noreturn void begin(u64 *stack)
{
    u64 at = now(MONOTONIC);
    int count = (int)stack[0];
    char **words = (char **)(stack + 1);
    const char *mode = count > 1 ? words[1] : "";
    const char *first = count > 2 ? words[2] : 0;
    const char *second = count > 3 ? words[3] : 0;
    const char *third = count > 4 ? words[4] : 0;
    if (is(mode, "exit"))
        leave((int)number(first));
    if (is(mode, "pause")) {
        stamp(first, at, 'S');
        live();
    }
    if (is(mode, "stubborn")) {
        ignore_term();
        stamp(first, at, 'S');
        live();
    }
    if (is(mode, "crash")) {
        u64 life = number(second);
        struct time time = { life / 1000, life % 1000 * 1000000UL };
        stamp(first, at, 'S');
        call(SYS_nanosleep, (long)&time, 0, 0, 0);
        stamp(first, now(MONOTONIC), 'E');
        leave(1);
    }
    if (is(mode, "spew")) {
        wait_for(first);
        spew(number(second), number(third));
        live();
    }
    if (is(mode, "tick")) {
        wait_for(first);
        tick(number(second), number(third));
        live();
    }
    if (is(mode, "cpu")) {
        int word;
        // The kernel's clock of another process: its number's complement, and 2 for the time it ran.
        for (word = 2; word < count; word++)
            print(now((~(long)number(words[word]) << 3) | 2));
        leave(0);
    }
    leave(2);
}
