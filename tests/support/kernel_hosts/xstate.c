/*
 * Loaded before Debian's user-mode-linux 6.1 on processors with AMX. The kernel takes a process's
 * floating-point registers in their whole size only, and that program has room for the part
 * without AMX's tiles: the rest is added here, as it is.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define XSTATE ((void *)0x202)

static long set_registers(long pid, struct iovec *given)
{
    static __thread char all[65536] __attribute__((aligned(64)));
    struct iovec whole = {all, sizeof all};

    if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, XSTATE, &whole) != 0 ||
        given->iov_len >= whole.iov_len)
        return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, XSTATE, given);
    memcpy(all, given->iov_base, given->iov_len);
    return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, XSTATE, &whole);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list words;
    unsigned long peeked;
    long pid, code;
    void *address, *data;

    va_start(words, request);
    pid = va_arg(words, int);
    address = va_arg(words, void *);
    data = va_arg(words, void *);
    va_end(words);
    if (request == PTRACE_SETREGSET && address == XSTATE)
        return set_registers(pid, data);
    if (request < PTRACE_PEEKTEXT || request > PTRACE_PEEKUSER)
        return syscall(SYS_ptrace, request, pid, address, data);
    code = syscall(SYS_ptrace, request, pid, address, &peeked);
    return code < 0 ? code : (long)peeked;
}
