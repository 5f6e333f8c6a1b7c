/* SPDX-License-Identifier: Apache-2.0 */
/* What the tracker knows of a byte: its ghost page, its object and mapping, and where its versions are. */
#include "model/tracker_internal.h"

static const struct ghost_traffic no_traffic;

struct ghost_traffic *traffic_of(struct ns_tracker *tracker, struct ghost_page *page) {
    if (page->traffic == &no_traffic) {
        const struct ghost_traffic *made =
            tracker->traffic_count < TRAFFIC_LIMIT ? ns_slab_take(&tracker->pages, sizeof *made) : NULL;
        if (made == NULL) {
            tracker->log->truncated = true;
            return NULL;
        }
        page->traffic = made;
        page->quiet = false;
        tracker->traffic_count++;
    }
    return (struct ghost_traffic *)page->traffic; /* made here, so it may be written */
}

void set_aux(struct ns_tracker *tracker, struct ghost_page *page, size_t offset, uint32_t value) {
    struct ghost_traffic *traffic = traffic_of(tracker, page);
    if (traffic != NULL)
        traffic->aux[offset] = value;
}

void set_device_access(struct ns_tracker *tracker, struct ghost_page *page, size_t offset, uint32_t event, bool write) {
    struct ghost_traffic *traffic = traffic_of(tracker, page);
    if (traffic != NULL)
        *(write ? &traffic->device_write[offset] : &traffic->device_read[offset]) = event;
}

void clear_device_accesses(struct ns_tracker *tracker, struct ghost_page *page, size_t offset) {
    if (page->traffic == &no_traffic)
        return;
    set_device_access(tracker, page, offset, NS_NO_EVENT, true);
    set_device_access(tracker, page, offset, NS_NO_EVENT, false);
}

void set_mapping(struct ns_tracker *tracker, struct ghost_page *page, size_t offset, uint16_t number) {
    struct ghost_traffic *traffic = traffic_of(tracker, page);
    if (traffic != NULL)
        traffic->mapping[offset] = number;
}

struct ghost_page *ghost_find(struct ns_tracker *tracker, uint64_t address) {
    const uint64_t number = address / NS_PAGE_SIZE;
    struct ghost_page **bucket = &tracker->bucket[(number ^ (number >> 12)) % GHOST_BUCKETS];
    struct ghost_page *page = *bucket;
    while (page != NULL && page->number != number)
        page = page->next;
    if (page == NULL) {
        page = tracker->page_count < PAGE_LIMIT ? ns_slab_take(&tracker->pages, sizeof *page) : NULL;
        if (page == NULL) {
            tracker->log->truncated = true;
            return NULL;
        }
        tracker->page_count++;
        page->number = number;
        page->quiet = true;
        page->traffic = &no_traffic;
        page->next = *bucket;
        *bucket = page;
    }
    tracker->last = page;
    return page;
}

uint32_t object_at(const struct ns_tracker *tracker, uint64_t address) {
    for (size_t i = tracker->object_count; i-- > 0;)
        if (range_holds(tracker->object[i].first, tracker->object[i].length, address))
            return (uint32_t)i;
    return NS_NO_OBJECT;
}

bool unit_at(const struct ns_tracker *tracker, uint64_t address, uint64_t *first, uint64_t *length) {
    const uint32_t index = object_at(tracker, address);
    if (index == NS_NO_OBJECT)
        return false;
    const struct ns_tracked_object *object = &tracker->object[index];
    uint64_t start = object->first, size = object->length;
    if (object->stride != 0) {
        start += (address - start) / object->stride * object->stride;
        size = object->stride;
    }
    for (uint32_t i = object->field_count; i-- > 0;) {
        if (address - start >= object->field_offset[i]) {
            const uint64_t end = i + 1 < object->field_count ? object->field_offset[i + 1] : size;
            size = end - object->field_offset[i];
            start += object->field_offset[i];
            break;
        }
    }
    *first = start;
    *length = size;
    return true;
}

struct mapping *mapping_of(struct ns_tracker *tracker, const struct ghost_page *page, uint64_t address) {
    const unsigned number = page->traffic->mapping[address % NS_PAGE_SIZE];
    return number == 0 ? NULL : &tracker->mapping[number - 1];
}

ns_version memory_version(const struct ns_tracker *tracker, uint64_t address) {
    uint8_t data;
    ns_version version = NS_VERSION_POWER_ON;
    if (ns_memory_read(tracker->view.memory, address, 1, &data, &version) != NS_OK)
        return NS_VERSION_POWER_ON;
    return version;
}

static bool in_caches(const struct ns_tracker *tracker, uint64_t address, ns_version version, bool dirty_only) {
    const struct ns_cache_config *config = ns_cache_get_config(tracker->view.cache);
    for (unsigned level = 0; level < config->levels; level++)
        for (unsigned hart = 0; hart < (level == 0 ? config->harts : 1); hart++) {
            struct ns_cache_copy copy;
            if (ns_cache_peek(tracker->view.cache, level, hart, address, &copy) && copy.versions != NULL &&
                copy.versions[address - copy.line_address] == version && (!dirty_only || copy.state == NS_LINE_DIRTY))
                return true;
        }
    return false;
}

static bool in_flight(const struct ns_tracker *tracker, uint64_t address, ns_version version) {
    struct ns_in_flight flight;
    return tracker->view.in_flight(tracker->view.context, address, &flight) && flight.version == version;
}

bool version_exists(const struct ns_tracker *tracker, uint64_t address, ns_version version, bool look_in_memory) {
    return (look_in_memory && memory_version(tracker, address) == version) ||
           in_caches(tracker, address, version, false) || in_flight(tracker, address, version);
}

bool version_is_kept(const struct ns_tracker *tracker, uint64_t address, ns_version version) {
    return memory_version(tracker, address) == version || in_caches(tracker, address, version, true) ||
           in_flight(tracker, address, version);
}
