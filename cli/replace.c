/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replace.h"

#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int descriptor, const char *text, size_t length) {
    while (length > 0) {
        ssize_t written = write(descriptor, text, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text += written;
        length -= (size_t)written;
    }
    return true;
}

static bool fill(int descriptor, const struct stat *old, const char *text, size_t length) {
    /* Only root may give a file away; for others the owner is the same already, or becomes theirs. */
    bool owned = fchown(descriptor, old->st_uid, old->st_gid) == 0;
    mode_t mode = owned ? old->st_mode & 07777 : old->st_mode & 0777;
    return fchmod(descriptor, mode) == 0 && write_all(descriptor, text, length) && fsync(descriptor) == 0;
}

bool ns_replace_file(const char *name, const char *text, size_t length) {
    static const char suffix[] = ".XXXXXX";
    struct stat old;
    int reason = 0, descriptor = -1;
    char *target = realpath(name, NULL); /* where a symbolic link leads to */
    char *beside = target != NULL ? malloc(strlen(target) + sizeof suffix) : NULL;
    bool made = false, good = false;
    if (beside != NULL && stat(target, &old) == 0 && access(target, W_OK) == 0) {
        strcpy(beside, target);
        strcat(beside, suffix);
        descriptor = mkstemp(beside);
        made = descriptor >= 0;
        good = made && fill(descriptor, &old, text, length);
    }
    reason = errno;
    if (made && close(descriptor) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (good && rename(beside, target) != 0) {
        good = false;
        reason = errno;
    }
    if (made && !good) {
        unlink(beside);
    }
    if (!good) {
        ns_error("cannot write `%s`: %s", name, strerror(reason));
    }
    free(beside);
    free(target);
    return good;
}
