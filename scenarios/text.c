/* SPDX-License-Identifier: Apache-2.0 */
/* Steps and references as the user would write them. */
#include "scenarios/scenario.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

const char *ns_verb_text(enum ns_verb verb) {
    static const char *const texts[NS_VERB_COUNT] = {
        [NS_VERB_LOAD] = "load",
        [NS_VERB_STORE] = "store",
        [NS_VERB_COPY] = "copy",
        [NS_VERB_FENCE] = "fence",
        [NS_VERB_CLEAN] = "clean",
        [NS_VERB_INVALIDATE] = "invalidate",
        [NS_VERB_FLUSH] = "flush",
        [NS_VERB_CBO] = "cbo",
        [NS_VERB_DCACHE] = "dcache",
        [NS_VERB_SYNC] = "sync",
        [NS_VERB_MAP] = "map",
        [NS_VERB_UNMAP] = "unmap",
        [NS_VERB_SYNC_FOR_CPU] = "sync-for-cpu",
        [NS_VERB_SYNC_FOR_DEVICE] = "sync-for-device",
        [NS_VERB_MAP_SG] = "map-sg",
        [NS_VERB_UNMAP_SG] = "unmap-sg",
        [NS_VERB_SYNC_SG_FOR_CPU] = "sync-sg-for-cpu",
        [NS_VERB_SYNC_SG_FOR_DEVICE] = "sync-sg-for-device",
        [NS_VERB_MAP_RESOURCE] = "map-resource",
        [NS_VERB_UNMAP_RESOURCE] = "unmap-resource",
        [NS_VERB_MAPPING_ERROR] = "mapping-error",
        [NS_VERB_ALLOC] = "alloc",
        [NS_VERB_FREE] = "free",
        [NS_VERB_ALLOC_COHERENT] = "alloc-coherent",
        [NS_VERB_ALLOC_PAGES] = "alloc-pages",
        [NS_VERB_PIN] = "pin",
        [NS_VERB_UNPIN] = "unpin",
        [NS_VERB_UNBIND] = "unbind",
        [NS_VERB_WORKER] = "worker",
        [NS_VERB_SET_ATTR] = "set-attr",
        [NS_VERB_SFENCE] = "sfence",
        [NS_VERB_DOORBELL] = "doorbell",
        [NS_VERB_MMIO_READ] = "mmio-read",
        [NS_VERB_MMIO_WRITE] = "mmio-write",
        [NS_VERB_MMIO_POLL] = "mmio-poll",
        [NS_VERB_POLL] = "poll",
        [NS_VERB_WAIT] = "wait",
        [NS_VERB_READ] = "read",
        [NS_VERB_WRITE] = "write",
        [NS_VERB_RAISE] = "raise",
        [NS_VERB_START] = "start",
        [NS_VERB_DEVICE_FLUSH] = "flush",
        [NS_VERB_FEED] = "feed",
        [NS_VERB_DRAIN_STREAM] = "drain",
        [NS_VERB_PREFETCH] = "prefetch",
        [NS_VERB_EVICT] = "evict",
        [NS_VERB_DRAIN] = "drain",
        [NS_VERB_SAMPLE] = "sample",
        [NS_VERB_INSTALL] = "install",
        [NS_VERB_SPECULATIVE_STORE] = "speculative-store",
    };
    assert(verb < NS_VERB_COUNT);
    return texts[verb];
}

const char *ns_instruction_text(enum ns_instruction instruction) {
    static const char *const texts[NS_INSTRUCTION_COUNT] = {
        [NS_CBO_CLEAN] = "cbo.clean",     [NS_CBO_INVAL] = "cbo.inval",
        [NS_CBO_FLUSH] = "cbo.flush",     [NS_CBO_ZERO] = "cbo.zero",
        [NS_DCACHE_CVA] = "dcache.cva",   [NS_DCACHE_CVAL1] = "dcache.cval1",
        [NS_DCACHE_CIVA] = "dcache.civa", [NS_DCACHE_IVA] = "dcache.iva",
        [NS_DCACHE_CPA] = "dcache.cpa",   [NS_DCACHE_CPAL1] = "dcache.cpal1",
        [NS_DCACHE_CIPA] = "dcache.cipa", [NS_DCACHE_IPA] = "dcache.ipa",
        [NS_DCACHE_CALL] = "dcache.call", [NS_DCACHE_CIALL] = "dcache.ciall",
        [NS_DCACHE_IALL] = "dcache.iall", [NS_SYNC] = "sync",
        [NS_SYNC_S] = "sync.s",           [NS_SYNC_I] = "sync.i",
        [NS_SYNC_IS] = "sync.is",
    };
    assert(instruction < NS_INSTRUCTION_COUNT);
    return texts[instruction];
}

/* "0x8000_0000": groups of four digits. */
static void write_address(uint64_t address, char text[32]) {
    char digits[20];
    int count = snprintf(digits, sizeof digits, "%" PRIx64, address);
    char *out = text;
    *out++ = '0';
    *out++ = 'x';
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 4 == 0) {
            *out++ = '_';
        }
        *out++ = digits[i];
    }
    *out = '\0';
}

size_t ns_ref_format(const struct ns_scenario *scenario, const struct ns_ref *ref, char *buffer, size_t size) {
    char address[40] = "@", element[16] = "", range[56] = "";
    const char *name = "", *dot = "", *field = "";
    int64_t start = 0;
    uint64_t whole = 0; /* bytes without a range; 0: a range is always written unless the length is 0 too */
    switch (ref->kind) {
    case NS_REF_NONE:
        break;
    case NS_REF_ADDRESS:
        write_address(ref->address, address + 1);
        name = address;
        break;
    case NS_REF_HANDLE:
        name = scenario->registers[ref->index].name;
        break;
    case NS_REF_SEGMENT:
        name = scenario->lists[ref->index].name;
        snprintf(element, sizeof element, "[%u]", (unsigned)ref->element);
        whole = scenario->lists[ref->index].lengths[ref->element];
        break;
    case NS_REF_OBJECT: {
        const struct ns_object *object = &scenario->objects[ref->index];
        name = object->name;
        whole = object->size;
        if (ref->element != NS_NONE) {
            snprintf(element, sizeof element, "[%u]", (unsigned)ref->element);
            start = (int64_t)ref->element * object->stride;
            whole = object->stride;
        }
        if (ref->field != NS_NONE) {
            dot = ".";
            field = object->fields[ref->field].name;
            start += object->fields[ref->field].offset;
            whole = (uint64_t)object->fields[ref->field].element_size * object->fields[ref->field].count;
        }
        break;
    }
    }
    if (ref->length != 0 && (ref->length != whole || ref->offset != start)) {
        int64_t first = ref->offset - start;
        snprintf(range, sizeof range, "[%" PRId64 "..%" PRId64 "]", first, first + (int64_t)ref->length);
    }
    int length = snprintf(buffer, size, "%s%s%s%s%s", name, element, dot, field, range);
    return length > 0 ? (size_t)length : 0;
}
