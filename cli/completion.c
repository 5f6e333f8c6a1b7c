/* SPDX-License-Identifier: Apache-2.0 */
/* `nosnoop completion`: shell completions, from the tables of options.c. */
#include "cli/commands.h"
#include "cli/output.h"

#include <string.h>

static const char *const shells[] = {"bash", "zsh", "fish"};
#define SHELL_COUNT (sizeof shells / sizeof shells[0])

static bool takes_value(const struct ns_option_spec *spec) {
    return spec->argument != NULL && spec->argument[0] != '[';
}

static bool names_file(const struct ns_option_spec *spec) {
    return spec->argument != NULL && strcmp(spec->argument, "[FILE]") == 0;
}

static bool names_folder(const struct ns_option_spec *spec) {
    return spec->argument != NULL && strcmp(spec->argument, "DIR") == 0;
}

static bool is_starter(const struct ns_option_spec *spec) {
    return spec->id == NS_OPTION_STARTER;
}

static void add_words(const char *const *words, struct ns_buffer *out) {
    for (size_t i = 0; words[i] != NULL; ++i) {
        ns_buffer_format(out, i > 0 ? " %s" : "%s", words[i]);
    }
}

static void add_commands(struct ns_buffer *out) {
    for (size_t i = 0; i < ns_command_count; ++i) {
        ns_buffer_format(out, i > 0 ? " %s" : "%s", ns_command_table[i].name);
    }
}

static void add_shells(struct ns_buffer *out) {
    for (size_t i = 0; i < SHELL_COUNT; ++i) {
        ns_buffer_format(out, i > 0 ? " %s" : "%s", shells[i]);
    }
}

/* Both shells: the first words of `explain --list`; the indented ones of the first part of `init --list`. */
#define HAZARDS  "$(nosnoop explain --list 2>/dev/null | sed -n 's/^\\([A-Z][A-Z0-9-]*\\) .*/\\1/p')"
#define STARTERS "$(nosnoop init --list 2>/dev/null | sed -n -e '/^$/q' -e 's/^  \\([^ ]\\{1,\\}\\).*/\\1/p')"

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_options(enum ns_command command, struct ns_buffer *out) {
    bool first = true;
    for (size_t i = 0; i < ns_option_count; ++i) {
        const struct ns_option_spec *spec = &ns_option_table[i];
        bool fits =
            command == NS_COMMAND_NONE ? spec->commands == NS_COMMAND_ALL : (spec->commands & (unsigned)command) != 0;
        if (!fits) {
            continue;
        }
        if (spec->letter != '\0') {
            ns_buffer_format(out, first ? "-%c" : " -%c", spec->letter);
            first = false;
        }
        ns_buffer_format(out, first ? "--%s%s" : " --%s%s", spec->name, takes_value(spec) ? "=" : "");
        first = false;
    }
}

static void bash_values(struct ns_buffer *out) {
    for (size_t i = 0; i < ns_option_count; ++i) {
        const struct ns_option_spec *spec = &ns_option_table[i];
        const char *const *words = ns_option_words(spec->id);
        if (spec->argument == NULL) {
            continue;
        }
        ns_buffer_format(out, "    --%s) ", spec->name);
        if (words != NULL) {
            ns_buffer_text(out, "COMPREPLY=($(compgen -W '");
            add_words(words, out);
            ns_buffer_text(out, "' -- \"$word\")) ;;\n");
        } else if (names_file(spec)) {
            ns_buffer_text(out,
                           "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n");
        } else if (names_folder(spec)) {
            ns_buffer_text(out,
                           "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n");
        } else if (is_starter(spec)) {
            ns_buffer_text(out, "COMPREPLY=($(compgen -W \"" STARTERS "\" -- \"$word\")) ;;\n");
        } else {
            ns_buffer_text(out, "COMPREPLY=() ;;\n");
        }
    }
}

/* Options whose value may be the next word. */
static void bash_separate(struct ns_buffer *out) {
    bool first = true;
    for (size_t i = 0; i < ns_option_count; ++i) {
        if (takes_value(&ns_option_table[i])) {
            ns_buffer_format(out, first ? "--%s" : " | --%s", ns_option_table[i].name);
            first = false;
        }
    }
}

static void write_bash(struct ns_buffer *out) {
    ns_buffer_text(out, "# SPDX-License-Identifier: Apache-2.0\n"
                        "# bash completion of nosnoop, printed by `nosnoop completion bash`.\n"
                        "_nosnoop_value() {\n    local word=$2\n    case $1 in\n");
    bash_values(out);
    ns_buffer_text(out,
                   "    esac\n}\n\n"
                   "_nosnoop() {\n"
                   "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= at text\n"
                   "    COMPREPLY=()\n"
                   "    # bash cuts words at `=`: --color=al is --color, =, al.\n"
                   "    if [[ $word == = ]]; then\n"
                   "        _nosnoop_value \"$before\" ''\n        return\n"
                   "    elif [[ $before == = && COMP_CWORD -ge 2 ]]; then\n"
                   "        _nosnoop_value \"${COMP_WORDS[COMP_CWORD - 2]}\" \"$word\"\n        return\n"
                   "    fi\n"
                   "    case $before in\n    ");
    bash_separate(out);
    ns_buffer_text(out, ")\n        _nosnoop_value \"$before\" \"$word\"\n        return\n        ;;\n    esac\n"
                        "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
                        "        text=${COMP_WORDS[at]}\n"
                        "        case $text in\n        ");
    bash_separate(out);
    ns_buffer_text(out,
                   ")\n            [[ ${COMP_WORDS[at + 1]} == = ]] && ((at++))\n            ((at++))\n            ;;\n"
                   "        -*) [[ ${COMP_WORDS[at + 1]} == = ]] && ((at += 2)) ;;\n"
                   "        *)\n            command=$text\n            break\n            ;;\n"
                   "        esac\n    done\n"
                   "    if [[ $word == -* ]]; then\n        case $command in\n");
    for (size_t i = 0; i < ns_command_count; ++i) {
        ns_buffer_format(out, "        %s) text='", ns_command_table[i].name);
        bash_options(ns_command_table[i].command, out);
        ns_buffer_text(out, "' ;;\n");
    }
    ns_buffer_text(out, "        *) text='");
    bash_options(NS_COMMAND_NONE, out);
    ns_buffer_text(out, "' ;;\n        esac\n"
                        "        COMPREPLY=($(compgen -W \"$text\" -- \"$word\"))\n"
                        "        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null\n"
                        "        return\n    fi\n"
                        "    case $command in\n    '') COMPREPLY=($(compgen -W '");
    add_commands(out);
    ns_buffer_text(out, "' -- \"$word\")) ;;\n"
                        "    explain) COMPREPLY=($(compgen -W \"" HAZARDS "\" -- \"${word^^}\")) ;;\n"
                        "    completion) COMPREPLY=($(compgen -W '");
    add_shells(out);
    ns_buffer_text(out,
                   "' -- \"$word\")) ;;\n"
                   "    *)\n        compopt -o filenames 2>/dev/null\n"
                   "        mapfile -t COMPREPLY < <(compgen -d -- \"$word\"; compgen -f -X '!*.dma' -- \"$word\")\n"
                   "        ;;\n    esac\n}\n"
                   "complete -F _nosnoop nosnoop\n");
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* Inside '...[HERE]:...': quotes, brackets and colons have a meaning to _arguments. */
static void zsh_text(const char *text, struct ns_buffer *out) {
    for (; *text != '\0'; ++text) {
        if (*text == '\'') {
            ns_buffer_text(out, "'\\''");
        } else {
            ns_buffer_text(out, strchr("[]:\\", *text) != NULL ? "\\" : "");
            ns_buffer_add(out, text, 1);
        }
    }
}

static void zsh_value(const struct ns_option_spec *spec, struct ns_buffer *out) {
    const char *const *words = ns_option_words(spec->id);
    if (spec->argument == NULL) {
        return;
    }
    ns_buffer_text(out, takes_value(spec) ? ":value:" : "::value:");
    if (words != NULL) {
        ns_buffer_text(out, "(");
        add_words(words, out);
        ns_buffer_text(out, ")");
    } else if (names_file(spec)) {
        ns_buffer_text(out, "_files");
    } else if (names_folder(spec)) {
        ns_buffer_text(out, "_files -/");
    } else if (is_starter(spec)) {
        ns_buffer_text(out, "_nosnoop_starters");
    } else {
        ns_buffer_text(out, " ");
    }
}

static void zsh_options(enum ns_command command, struct ns_buffer *out) {
    for (size_t i = 0; i < ns_option_count; ++i) {
        const struct ns_option_spec *spec = &ns_option_table[i];
        bool global = spec->commands == NS_COMMAND_ALL;
        if (command == NS_COMMAND_NONE ? !global : global || (spec->commands & (unsigned)command) == 0) {
            continue;
        }
        if (spec->letter != '\0') {
            ns_buffer_format(out, "        '-%c[", spec->letter);
            zsh_text(spec->help, out);
            ns_buffer_text(out, "]'\n");
        }
        ns_buffer_format(out, "        '--%s%s[", spec->name,
                         takes_value(spec)        ? "="
                         : spec->argument != NULL ? "=-"
                                                  : "");
        zsh_text(spec->help, out);
        ns_buffer_text(out, "]");
        zsh_value(spec, out);
        ns_buffer_text(out, "'\n");
    }
}

static const char *zsh_operands(enum ns_command command) {
    switch (command) {
    case NS_COMMAND_EXPLAIN:
        return "*:hazard:_nosnoop_hazards";
    case NS_COMMAND_COMPLETION:
        return "1:shell:(bash zsh fish)";
    case NS_COMMAND_TEST:
        return "*:path:_files";
    case NS_COMMAND_REPLAY:
        return "1:trace:_files";
    default:
        return "*:file:_files -g \"*.dma\"";
    }
}

static void write_zsh(struct ns_buffer *out) {
    ns_buffer_text(out, "#compdef nosnoop\n"
                        "# SPDX-License-Identifier: Apache-2.0\n"
                        "# zsh completion of nosnoop, printed by `nosnoop completion zsh`.\n"
                        "_nosnoop_hazards() {\n    compadd -- ${(f)\"" HAZARDS "\"}\n}\n"
                        "_nosnoop_starters() {\n    compadd -- ${(f)\"" STARTERS "\"}\n}\n"
                        "_nosnoop_commands() {\n    local -a commands=(\n");
    for (size_t i = 0; i < ns_command_count; ++i) {
        ns_buffer_format(out, "        '%s:", ns_command_table[i].name);
        zsh_text(ns_command_table[i].help, out);
        ns_buffer_text(out, "'\n");
    }
    ns_buffer_text(out, "    )\n    _describe command commands\n}\n"
                        "_nosnoop() {\n    local context state state_descr line\n    typeset -A opt_args\n"
                        "    local -a global=(\n");
    zsh_options(NS_COMMAND_NONE, out);
    ns_buffer_text(out, "    )\n    local -a own\n"
                        "    _arguments -C $global '1:command:_nosnoop_commands' '*::operand:->operands' && return\n"
                        "    case $words[1] in\n");
    for (size_t i = 0; i < ns_command_count; ++i) {
        ns_buffer_format(out, "    %s)\n        own=(\n", ns_command_table[i].name);
        zsh_options(ns_command_table[i].command, out);
        ns_buffer_format(out, "        '%s'\n        )\n        ;;\n", zsh_operands(ns_command_table[i].command));
    }
    ns_buffer_text(
        out,
        "    esac\n    _arguments $global $own\n}\n"
        "if [ \"$funcstack[1]\" = _nosnoop ]; then\n    _nosnoop \"$@\"\nelse\n    compdef _nosnoop nosnoop\nfi\n");
}

/* ---- fish ------------------------------------------------------------------------------------ */

static void fish_text(const char *text, struct ns_buffer *out) {
    ns_buffer_text(out, "'");
    for (; *text != '\0'; ++text) {
        ns_buffer_text(out, *text == '\'' || *text == '\\' ? "\\" : "");
        ns_buffer_add(out, text, 1);
    }
    ns_buffer_text(out, "'");
}

static void fish_option(const struct ns_option_spec *spec, struct ns_buffer *out) {
    const char *const *words = ns_option_words(spec->id);
    ns_buffer_text(out, "complete -c nosnoop");
    if (spec->commands != NS_COMMAND_ALL) {
        ns_buffer_text(out, " -n '__fish_seen_subcommand_from");
        for (size_t i = 0; i < ns_command_count; ++i) {
            if ((spec->commands & (unsigned)ns_command_table[i].command) != 0) {
                ns_buffer_format(out, " %s", ns_command_table[i].name);
            }
        }
        ns_buffer_text(out, "'");
    }
    if (spec->letter != '\0') {
        ns_buffer_format(out, " -s %c", spec->letter);
    }
    ns_buffer_format(out, " -l %s", spec->name);
    if (words != NULL) {
        ns_buffer_text(out, " -x -a '");
        add_words(words, out);
        ns_buffer_text(out, "'");
    } else if (names_folder(spec)) {
        ns_buffer_text(out, " -x -a '(__fish_complete_directories)'");
    } else if (is_starter(spec)) {
        ns_buffer_text(
            out,
            " -x -a \"(nosnoop init --list 2>/dev/null | sed -n '2,/^Machines/s/^  \\([a-z][a-z-]*\\) .*/\\1/p')\"");
    } else if (takes_value(spec)) {
        ns_buffer_text(out, " -x");
    }
    ns_buffer_text(out, " -d ");
    fish_text(spec->help, out);
    ns_buffer_text(out, "\n");
}

static void write_fish(struct ns_buffer *out) {
    ns_buffer_text(out, "# SPDX-License-Identifier: Apache-2.0\n"
                        "# fish completion of nosnoop, printed by `nosnoop completion fish`.\n"
                        "complete -c nosnoop -n __fish_use_subcommand -f\n");
    for (size_t i = 0; i < ns_command_count; ++i) {
        ns_buffer_format(out, "complete -c nosnoop -n __fish_use_subcommand -f -a %s -d ", ns_command_table[i].name);
        fish_text(ns_command_table[i].help, out);
        ns_buffer_text(out, "\n");
    }
    for (size_t i = 0; i < ns_option_count; ++i) {
        fish_option(&ns_option_table[i], out);
    }
    ns_buffer_text(out, "complete -c nosnoop -n '__fish_seen_subcommand_from explain' -f -a "
                        "\"(nosnoop explain --list 2>/dev/null | string match -r '^[A-Z][A-Z0-9-]+')\"\n"
                        "complete -c nosnoop -n '__fish_seen_subcommand_from completion' -f -a '");
    add_shells(out);
    ns_buffer_text(out, "'\n");
}

enum ns_exit ns_completion_main(const struct ns_options *options) {
    static void (*const writers[SHELL_COUNT])(struct ns_buffer *) = {write_bash, write_zsh, write_fish};
    struct ns_buffer out = {0};
    for (size_t i = 0; options->operand_count == 1 && i < SHELL_COUNT; ++i) {
        if (strcmp(options->operands[0], shells[i]) == 0) {
            writers[i](&out);
            enum ns_exit result = ns_output_write(&out) ? NS_EXIT_HELD : NS_EXIT_INTERNAL;
            ns_buffer_release(&out);
            return result;
        }
    }
    ns_error("`nosnoop completion` needs the name of a shell: bash, zsh or fish");
    return NS_EXIT_BAD_INPUT;
}
