/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload: the allocation with the number NS_FAIL_AT (from 1) of the process, and of each of its children
 * likewise, fails; 0 or nothing: none. Counted and failed are malloc, calloc, realloc and strdup,
 * but only as called by the program itself: what C, C++ and SystemC libraries take for themselves is not
 * nosnoop's to handle (operator new of a library ends in std::bad_alloc). NS_FAIL_COUNT names a file that gets the
 * largest number of calls of any process: a child counts on from where its parent was.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static unsigned long calls, fail_at;
static uintptr_t first, last; /* the program's own code */

static int find_program(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            first = info->dlpi_addr + header->p_vaddr;
            last = first + header->p_memsz;
        }
    }
    return 1; /* the program comes first */
}

__attribute__((constructor)) static void start(void) {
    const char *text = getenv("NS_FAIL_AT");
    fail_at = text != NULL ? strtoul(text, NULL, 10) : 0;
    dl_iterate_phdr(find_program, NULL);
    calls = 0;
}

static void note_count(void) {
    const char *name = getenv("NS_FAIL_COUNT");
    unsigned long noted = 0;
    FILE *stream = name != NULL ? fopen(name, "r") : NULL;
    if (stream != NULL) {
        if (fscanf(stream, "%lu", &noted) != 1) {
            noted = 0;
        }
        fclose(stream);
    }
    stream = name != NULL && calls > noted ? fopen(name, "w") : NULL;
    if (stream != NULL) {
        fprintf(stream, "%lu\n", calls);
        fclose(stream);
    }
}

__attribute__((destructor)) static void end(void) {
    note_count();
}

/* How the children of `test` end. */
void _exit(int status) {
    note_count();
    syscall(SYS_exit_group, status);
    __builtin_unreachable();
}

static int fails(const void *caller) {
    const uintptr_t at = (uintptr_t)caller;
    if (at < first || at >= last) {
        return 0;
    }
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) != fail_at) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}

char *strdup(const char *text) {
    if (fails(__builtin_return_address(0))) {
        return NULL;
    }
    char *copy = __libc_malloc(strlen(text) + 1);
    return copy != NULL ? strcpy(copy, text) : NULL;
}
