/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/mesi.h"

#include <assert.h>

struct ns_mesi_effect ns_mesi_step(enum ns_mesi state, enum ns_mesi_event event, bool others, bool write_through) {
    /* What is not written here is {INVALID, NO_REQUEST, false}. */
    static const struct ns_mesi_effect table[][NS_MESI_OTHER_STORE + 1] = {
        [NS_MESI_INVALID] = {[NS_MESI_LOAD] = {NS_MESI_EXCLUSIVE, NS_MESI_READ, false},
                             [NS_MESI_STORE] = {NS_MESI_MODIFIED, NS_MESI_OWN, false}},
        [NS_MESI_SHARED] = {[NS_MESI_LOAD] = {NS_MESI_SHARED, NS_MESI_NO_REQUEST, false},
                            [NS_MESI_STORE] = {NS_MESI_MODIFIED, NS_MESI_OWN, false},
                            [NS_MESI_CLEAN] = {NS_MESI_SHARED, NS_MESI_NO_REQUEST, false},
                            [NS_MESI_OTHER_LOAD] = {NS_MESI_SHARED, NS_MESI_NO_REQUEST, false}},
        [NS_MESI_EXCLUSIVE] = {[NS_MESI_LOAD] = {NS_MESI_EXCLUSIVE, NS_MESI_NO_REQUEST, false},
                               [NS_MESI_STORE] = {NS_MESI_MODIFIED, NS_MESI_NO_REQUEST, false},
                               [NS_MESI_CLEAN] = {NS_MESI_EXCLUSIVE, NS_MESI_NO_REQUEST, false},
                               [NS_MESI_OTHER_LOAD] = {NS_MESI_SHARED, NS_MESI_NO_REQUEST, false}},
        [NS_MESI_MODIFIED] = {[NS_MESI_LOAD] = {NS_MESI_MODIFIED, NS_MESI_NO_REQUEST, false},
                              [NS_MESI_STORE] = {NS_MESI_MODIFIED, NS_MESI_NO_REQUEST, false},
                              [NS_MESI_CLEAN] = {NS_MESI_EXCLUSIVE, NS_MESI_NO_REQUEST, true},
                              [NS_MESI_OTHER_LOAD] = {NS_MESI_SHARED, NS_MESI_NO_REQUEST, true},
                              [NS_MESI_OTHER_STORE] = {NS_MESI_INVALID, NS_MESI_NO_REQUEST, true}},
    };
    assert((unsigned)state <= NS_MESI_MODIFIED && (unsigned)event <= NS_MESI_OTHER_STORE);
    struct ns_mesi_effect effect = table[state][event];
    if (state == NS_MESI_INVALID && event == NS_MESI_LOAD && others)
        effect.next = NS_MESI_SHARED;
    if (write_through && event == NS_MESI_STORE && state != NS_MESI_MODIFIED)
        effect.next = NS_MESI_EXCLUSIVE;
    return effect;
}

const char *ns_mesi_name(enum ns_mesi state) {
    static const char *const name[] = {"I", "S", "E", "M"};
    return (unsigned)state <= NS_MESI_MODIFIED ? name[state] : "?";
}
