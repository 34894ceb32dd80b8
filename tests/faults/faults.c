/* Faults in the system calls of one thread.
 *
 * Linux hands the system calls of a thread that has asked for it (prctl(PR_SET_SYSCALL_USER_DISPATCH), Linux 5.11) to a
 * handler of SIGSYS, unless the instruction that makes them lies in a range of addresses that the thread has named. The
 * handler below makes the call in the thread's place from that range, or returns the fault that a rule asks for. This
 * sees every system call whether libc's function makes it, `syscall(2)`, or an instruction in the middle of a Rust
 * function; a preloaded library that takes the place of libc's functions sees the first kind only. Other threads and
 * child processes are not affected: the kernel clears the setting in both.
 *
 * The handler must not make a system call other than through `raw`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#define SA_RESTORER_FLAG 0x04000000

/* The range from which system calls reach the kernel.
 *
 * raw: the C function `long raw(long number, long a, …, long f)`.
 * restorer: the return from the handler.
 * resume: makes a call whose registers are already set and goes back to the address in a slot. It is for calls that
 * must not be made on the handler's stack or under its signal mask; there are 64, one after the other, so that a
 * signal in between does no harm. `resume_sigreturn` is the same for a call that does not come back. */
#define SLOTS 64
uintptr_t faults_slots[SLOTS] __attribute__((visibility("hidden")));
__asm__(
    ".text\n.balign 64\n"
    ".globl faults_begin\n.hidden faults_begin\nfaults_begin:\n"
    ".globl faults_raw\n.hidden faults_raw\nfaults_raw:\n"
    "  mov %rdi, %rax\n  mov %rsi, %rdi\n  mov %rdx, %rsi\n  mov %rcx, %rdx\n"
    "  mov %r8, %r10\n  mov %r9, %r8\n  mov 8(%rsp), %r9\n  syscall\n  ret\n"
    ".globl faults_restorer\n.hidden faults_restorer\nfaults_restorer:\n"
    "  mov $15, %eax\n"
    ".globl faults_resume_sigreturn\n.hidden faults_resume_sigreturn\nfaults_resume_sigreturn:\n"
    "  syscall\n  ud2\n"
    ".balign 16\n.globl faults_resume\n.hidden faults_resume\nfaults_resume:\n"
    ".set slot, 0\n.rept 64\n"
    "  .balign 16\n  syscall\n  jmp *(faults_slots + 8 * slot)(%rip)\n.set slot, slot + 1\n.endr\n"
    "  nop\n.globl faults_end\n.hidden faults_end\nfaults_end:\n");
extern char faults_begin[], faults_end[], faults_restorer[], faults_resume[], faults_resume_sigreturn[];
extern long faults_raw(long number, long a, long b, long c, long d, long e, long f);
#define raw(number, a, b, c, d, e, f) \
    faults_raw((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

enum group { NONE, READ, WRITE, ACCEPT, CONNECT, WAIT, CONTROL, CHILD, CLOSE, OPEN, SHUTDOWN };
enum kind { TCP = 1, UNIX = 2, UDP = 4, UNIX_DATAGRAM = 8, PIPE = 16, OTHER = 32 };
enum action { FAIL, SHORTEN, CUT };

struct rule {
    int group;
    int kinds;          /* bits; 0 for all */
    int fd;             /* -1 for all that were opened after the start */
    int action;
    long value;         /* FAIL: errno; SHORTEN: bytes at most, or datagrams of a batch */
    long nth;           /* the first call that is concerned, from 1; 0 if the choice is by bytes or by chance */
    long times;         /* how many calls are concerned */
    long after;         /* once so many bytes have gone through, and not before; -1 if not so */
    long permille;      /* the chance of each call */
    long seen, bytes, fired;
};

#define RULES 16
#define FDS 4096
static struct rule rules[RULES];
static int rule_count;
static uint64_t chance = 88172645463325252u;
static unsigned char not_ours[FDS]; /* descriptors that were there before */
static long counts[512];
static volatile char selector;
static unsigned next_slot;

static int group_of(long number) {
    switch (number) {
    case SYS_read: case SYS_readv: case SYS_recvfrom: case SYS_recvmsg: case SYS_recvmmsg: return READ;
    case SYS_write: case SYS_writev: case SYS_sendto: case SYS_sendmsg: case SYS_sendmmsg: case SYS_sendfile: return WRITE;
    case SYS_accept: case SYS_accept4: return ACCEPT;
    case SYS_connect: return CONNECT;
    case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_epoll_pwait2: return WAIT;
    case SYS_epoll_ctl: return CONTROL;
    case SYS_wait4: case SYS_waitid: return CHILD;
    case SYS_close: return CLOSE;
    case SYS_socket: case SYS_pipe: case SYS_pipe2: case SYS_pidfd_open: case SYS_socketpair: return OPEN;
    case SYS_shutdown: return SHUTDOWN;
    default: return NONE;
    }
}

static int kind_of(int fd) {
    struct stat status;
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (raw(SYS_fstat, fd, &status, 0, 0, 0, 0) != 0) return OTHER;
    if (S_ISFIFO(status.st_mode)) return PIPE;
    if (!S_ISSOCK(status.st_mode)) return OTHER;
    raw(SYS_getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &size, 0);
    raw(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size, 0);
    if (domain == AF_UNIX) return type == SOCK_DGRAM ? UNIX_DATAGRAM : UNIX;
    return type == SOCK_DGRAM ? UDP : TCP;
}

/* Whether the rule is about the call. */
static int concerns(const struct rule *rule, int group, int fd, int *kind) {
    if (rule->group != group) return 0;
    if (group == WAIT || group == CHILD || group == OPEN) return 1;
    if (rule->fd >= 0) return rule->fd == fd;
    if (fd < 0 || fd >= FDS || not_ours[fd]) return 0;
    if (!rule->kinds) return 1;
    if (!*kind) *kind = kind_of(fd);
    return (rule->kinds & *kind) != 0;
}

/* Whether the rule applies to this call; `*limit` is made smaller if the call must not go past the rule's offset. */
static int is_due(struct rule *rule, long *limit) {
    rule->seen++;
    if (rule->after >= 0) {
        if (rule->bytes < rule->after) {
            long left = rule->after - rule->bytes;
            if (left < *limit) *limit = left;
            return 0;
        }
        return rule->fired < rule->times;
    }
    if (rule->nth > 0) return rule->seen >= rule->nth && rule->seen - rule->nth < rule->times;
    chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
    return (long)(chance % 1000) < rule->permille && rule->fired < rule->times;
}

/* Copies the start of a vector that has `limit` bytes. */
static size_t shorten(struct iovec *copy, size_t room, const struct iovec *vector, size_t count, long limit) {
    size_t used = 0;
    for (; used < count && used < room && limit > 0; used++) {
        copy[used] = vector[used];
        if ((long)copy[used].iov_len > limit) copy[used].iov_len = limit;
        limit -= copy[used].iov_len;
    }
    return used ? used : (count && room ? (copy[0] = vector[0], copy[0].iov_len = 0, 1) : 0);
}

/* Makes the call with `limit` bytes at most. */
static long call_short(long number, long *a, long limit) {
    struct iovec vector[64];
    struct msghdr header;
    switch (number) {
    case SYS_read: case SYS_write: case SYS_recvfrom: case SYS_sendto: case SYS_recvmmsg: case SYS_sendmmsg:
        if (a[2] > limit) a[2] = limit;
        break;
    case SYS_sendfile:
        if (a[3] > limit) a[3] = limit;
        break;
    case SYS_readv: case SYS_writev:
        a[2] = shorten(vector, 64, (void *)a[1], a[2], limit);
        a[1] = (long)vector;
        break;
    case SYS_recvmsg: case SYS_sendmsg: {
        struct msghdr *given = (void *)a[1];
        header = *given;
        header.msg_iovlen = shorten(vector, 64, given->msg_iov, given->msg_iovlen, limit);
        header.msg_iov = vector;
        long result = raw(number, a[0], &header, a[2], a[3], a[4], a[5]);
        if (number == SYS_recvmsg) {
            given->msg_namelen = header.msg_namelen;
            given->msg_controllen = header.msg_controllen;
            given->msg_flags = header.msg_flags;
        }
        return result;
    }
    }
    return raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void now_ours(int fd) {
    if (fd >= 0 && fd < FDS) not_ours[fd] = 0;
}

/* What the thread gets for the call. */
static long answer(long number, long *a) {
    int group = group_of(number), fd = (int)a[0], kind = 0, matched = 0;
    long limit = INT64_MAX, result;
    if (number >= 0 && number < 512) counts[number]++;
    /* epoll_ctl: the descriptor that is watched. */
    if (group == CONTROL) fd = (int)a[2];
    for (int i = 0; group && i < rule_count; i++) {
        struct rule *rule = &rules[i];
        if (!concerns(rule, group, fd, &kind)) continue;
        matched |= 1 << i;
        if (!is_due(rule, &limit)) continue;
        rule->fired++;
        if (rule->action == SHORTEN) {
            if (rule->value < limit) limit = rule->value;
        } else {
            if (rule->action == CUT) raw(SYS_close, a[0], 0, 0, 0, 0, 0);
            /* Linux has closed the descriptor whatever close() returns. */
            if (group == CLOSE) raw(number, a[0], 0, 0, 0, 0, 0), now_ours(fd);
            return rule->action == CUT ? -EBADF : -rule->value;
        }
    }
    int batch = number == SYS_recvmmsg || number == SYS_sendmmsg;
    if (limit != INT64_MAX && !batch && !kind) kind = kind_of(fd);
    /* A shorter buffer would cut a datagram. */
    if (limit != INT64_MAX && (batch || !(kind & (UDP | UNIX_DATAGRAM)))) result = call_short(number, a, limit);
    else result = raw(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    for (int i = 0; matched && result > 0 && i < rule_count; i++)
        if (matched & 1 << i) rules[i].bytes += result;
    if (group == CLOSE) now_ours(fd);
    if ((group == ACCEPT || group == OPEN) && result >= 0) {
        if (number == SYS_pipe || number == SYS_pipe2) now_ours(((int *)a[0])[0]), now_ours(((int *)a[0])[1]);
        else if (number == SYS_socketpair) now_ours(((int *)a[3])[0]), now_ours(((int *)a[3])[1]);
        else now_ours((int)result);
    }
    return result;
}

/* rt_sigprocmask on the mask that the return from the handler puts in force. SIGSYS stays unblocked: libc blocks all
 * signals while it starts a thread, and the kernel kills a process whose SIGSYS is blocked. */
static long change_mask(uint64_t *mask, const long *a) {
    uint64_t old = *mask;
    if (a[1]) {
        uint64_t set = *(const uint64_t *)a[1];
        if (a[0] == SIG_BLOCK) *mask |= set;
        else if (a[0] == SIG_UNBLOCK) *mask &= ~set;
        else if (a[0] == SIG_SETMASK) *mask = set;
        else return -EINVAL;
        *mask &= ~(UINT64_C(1) << (SIGSYS - 1));
    }
    if (a[2]) *(uint64_t *)a[2] = old;
    return 0;
}

static void on_system_call(int signal, siginfo_t *info, void *context) {
    (void)signal;
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (info->si_code != SYS_USER_DISPATCH) return;
    long number = r[REG_RAX];
    switch (number) {
    case SYS_rt_sigreturn:
        r[REG_RIP] = (greg_t)faults_resume_sigreturn;
        return;
    /* On the handler's stack a child would return from a handler that its parent has already left. */
    case SYS_clone: case SYS_clone3: case SYS_fork: case SYS_vfork:
    /* The return from the handler restores it. */
    case SYS_sigaltstack: {
        unsigned slot = next_slot++ % SLOTS;
        faults_slots[slot] = r[REG_RIP];
        r[REG_RIP] = (greg_t)(faults_resume + 16 * slot);
        if (number < 512) counts[number]++;
        return;
    }
    }
    long a[6] = {r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]};
    if (number == SYS_rt_sigprocmask) r[REG_RAX] = change_mask((void *)&((ucontext_t *)context)->uc_sigmask, a);
    else r[REG_RAX] = answer(number, a);
}

struct kernel_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

/* Hands the system calls of this thread to the rules from now on: 0, or -errno. */
int faults_start(void) {
    /* Signals that arrive during a call run handlers that make calls themselves: SIGSYS must not be blocked then. */
    struct kernel_sigaction action = {
        on_system_call, SA_SIGINFO | SA_NODEFER | SA_RESTART | SA_RESTORER_FLAG, faults_restorer, 0};
    long result = raw(SYS_rt_sigaction, SIGSYS, &action, 0, 8, 0, 0);
    if (result) return (int)result;
    for (int i = 0; i < 512; i++) counts[i] = 0;
    for (int fd = 0; fd < FDS; fd++) not_ours[fd] = raw(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) >= 0;
    selector = 1; /* SYSCALL_DISPATCH_FILTER_BLOCK */
    return (int)raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, faults_begin, faults_end - faults_begin, &selector, 0);
}

int faults_stop(void) {
    selector = 0;
    return (int)raw(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0, 0);
}

/* No rule is about this descriptor, unless it says so. */
void faults_spare(int fd) {
    if (fd >= 0 && fd < FDS) not_ours[fd] = 1;
}

void faults_clear(uint64_t seed) {
    rule_count = 0;
    chance = seed * 2654435761u + 88172645463325252u;
}

/* Adds a rule; its index, or -1 if there are too many. */
int faults_add(int group, int kinds, int fd, int action, long value, long nth, long times, long after, long permille) {
    if (rule_count == RULES) return -1;
    rules[rule_count] = (struct rule){group, kinds, fd, action, value, nth, times, after, permille, 0, 0, 0};
    return rule_count++;
}

long faults_fired(int rule) { return rules[rule].fired; }

/* How many calls of this number were made since the start; of all numbers for -1. */
long faults_count(long number) {
    if (number >= 0) return number < 512 ? counts[number] : 0;
    long sum = 0;
    for (int i = 0; i < 512; i++) sum += counts[i];
    return sum;
}
