// SPDX-License-Identifier: Apache-2.0
//
// check-vcd FILE [VARIABLE...]: exit status 1 and a sentence when FILE is no strict value change dump; then one line
// for each VARIABLE, whose path may be given by its last part: "0 I, 282000 E". Texts and states as their characters,
// other values as numbers.
#include "tests/report/vcd_parser.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    std::ifstream file(argv[1], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    try {
        const ns_test::vcd_file vcd(text);
        for (int i = 2; i < argc; i++) {
            const std::string wanted = argv[i];
            bool found = false;
            for (const ns_test::vcd_variable &variable : vcd.variables()) {
                if (variable.path.substr(variable.path.rfind('.') + 1) != wanted)
                    continue;
                const bool characters = variable.type == "reg" && variable.width != 64;
                std::cout << wanted << ": "
                          << vcd.sequence(variable.path,
                                          characters ? ns_test::vcd_file::characters : ns_test::vcd_file::number)
                          << '\n';
                found = true;
            }
            if (!found)
                std::cout << wanted << ": not there\n";
        }
    } catch (const std::exception &problem) {
        std::cout << argv[1] << ": " << problem.what() << '\n';
        return 1;
    }
    return 0;
}
