/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/gfp.h"

bool ns_gfp_may_block(ns_gfp gfp) {
    return (gfp & NS___GFP_DIRECT_RECLAIM) != 0;
}

bool ns_gfp_zone_valid(ns_gfp gfp) {
    const ns_gfp zones = gfp & NS___GFP_ZONES;
    return (zones & (zones - 1)) == 0;
}
