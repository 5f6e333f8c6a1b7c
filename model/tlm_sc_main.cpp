// SPDX-License-Identifier: Apache-2.0
#include <systemc>

// SystemC's library refers to sc_main, which its own main would call. nosnoop has a main of its own and elaborates in
// ns_machine_create(); this only satisfies the linker.
int sc_main(int, char **) {
    return 0;
}
