/* SPDX-License-Identifier: Apache-2.0 */
#include "model/hazard.h"

/* The texts lie in three fragments, by subject: each is a run of designated initialisers of this table. */
static const struct ns_hazard_entry table[NS_HAZARD_COUNT] = {
#include "model/hazard_ownership.inc"
#include "model/hazard_platform.inc"
#include "model/hazard_streaming.inc"
};

const char *ns_symptom_text(enum ns_symptom symptom) {
    switch (symptom) {
    case NS_SYMPTOM_STALE:
        return "stale";
    case NS_SYMPTOM_LOST:
        return "lost";
    case NS_SYMPTOM_OWNERSHIP:
        return "ownership";
    case NS_SYMPTOM_ORDER:
        return "order";
    case NS_SYMPTOM_LEAK:
        return "leak";
    case NS_SYMPTOM_ADDRESS:
        return "address";
    case NS_SYMPTOM_ALIGNMENT:
        return "alignment";
    case NS_SYMPTOM_MISUSE:
        return "misuse";
    case NS_SYMPTOM_FAULT:
        return "fault";
    case NS_SYMPTOM_HANG:
        return "hang";
    }
    return "unknown";
}

const struct ns_hazard_entry *ns_hazard_text(enum ns_hazard_id id) {
    if ((unsigned)id >= NS_HAZARD_COUNT || id == NS_HAZARD_NONE) {
        return NULL;
    }
    return &table[id];
}

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool equal_ignoring_case(const char *left, const char *right) {
    while (*left != '\0' && upper(*left) == upper(*right)) {
        ++left;
        ++right;
    }
    return *left == '\0' && *right == '\0';
}

enum ns_hazard_id ns_hazard_by_name(const char *name) {
    if (name == NULL) {
        return NS_HAZARD_NONE;
    }
    for (int id = NS_HAZARD_NONE + 1; id < NS_HAZARD_COUNT; ++id) {
        if (equal_ignoring_case(table[id].id, name)) {
            return (enum ns_hazard_id)id;
        }
    }
    return NS_HAZARD_NONE;
}
