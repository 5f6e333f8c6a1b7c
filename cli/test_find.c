/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/test_find.h"

#include "cli/output.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Folders deeper than this are a mistake or a trap. */
#define DEPTH_LIMIT 64

static enum ns_exit add_name(struct ns_file_list *list, const char *name) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        char **moved = realloc(list->name, capacity * sizeof *moved);
        if (moved == NULL) {
            ns_error("out of memory");
            return NS_EXIT_INTERNAL;
        }
        list->name = moved;
        list->capacity = capacity;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    list->name[list->count++] = copy;
    return NS_EXIT_HELD;
}

static bool is_scenario_name(const char *name) {
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".dma") == 0;
}

static enum ns_exit search_folder(const char *folder, unsigned depth, struct ns_file_list *list);

static enum ns_exit visit(const char *folder, const char *entry, unsigned depth, struct ns_file_list *list) {
    struct ns_buffer path = {0};
    struct stat link, target;
    size_t length = strlen(folder);
    ns_buffer_format(&path, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", entry);
    enum ns_exit result = NS_EXIT_HELD;
    if (path.failed) {
        ns_error("out of memory");
        result = NS_EXIT_INTERNAL;
    } else if (lstat(path.data, &link) == 0 && S_ISDIR(link.st_mode)) {
        result = strcmp(entry, "machines") == 0 ? NS_EXIT_HELD : search_folder(path.data, depth + 1, list);
    } else if (is_scenario_name(entry) && stat(path.data, &target) == 0 && S_ISREG(target.st_mode)) {
        result = add_name(list, path.data);
    }
    ns_buffer_release(&path);
    return result;
}

static enum ns_exit search_folder(const char *folder, unsigned depth, struct ns_file_list *list) {
    if (depth > DEPTH_LIMIT) {
        ns_error("`%s`: folders are nested too deeply", folder);
        return NS_EXIT_BAD_INPUT;
    }
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        const enum ns_exit result = errno == ENOMEM ? NS_EXIT_INTERNAL : NS_EXIT_BAD_INPUT;
        ns_error("cannot read `%s`: %s", folder, strerror(errno));
        return result;
    }
    enum ns_exit result = NS_EXIT_HELD;
    struct dirent *entry;
    while (result == NS_EXIT_HELD && (entry = readdir(stream)) != NULL) {
        result = entry->d_name[0] == '.' ? NS_EXIT_HELD : visit(folder, entry->d_name, depth, list);
    }
    closedir(stream);
    return result;
}

enum ns_exit ns_find_scenarios(const char *path, struct ns_file_list *list) {
    struct stat status;
    if (stat(path, &status) != 0) {
        ns_error("cannot read `%s`: %s", path, strerror(errno));
        return NS_EXIT_BAD_INPUT;
    }
    return S_ISDIR(status.st_mode) ? search_folder(path, 0, list) : add_name(list, path);
}

static int compare_names(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void ns_file_list_sort(struct ns_file_list *list) {
    size_t kept = 0;
    if (list->count == 0) {
        return;
    }
    qsort(list->name, list->count, sizeof *list->name, compare_names);
    for (size_t i = 0; i < list->count; ++i) {
        if (kept > 0 && strcmp(list->name[kept - 1], list->name[i]) == 0) {
            free(list->name[i]);
        } else {
            list->name[kept++] = list->name[i];
        }
    }
    list->count = kept;
}

void ns_file_list_release(struct ns_file_list *list) {
    for (size_t i = 0; i < list->count; ++i) {
        free(list->name[i]);
    }
    free(list->name);
    *list = (struct ns_file_list){0};
}
