# Completion of maemio for bash. It asks the command itself, so it knows what the installed version knows.

_maemio_help() { # the first words of the lines of `maemio ...` that are indented by two blanks
    "${COMP_WORDS[0]}" "$@" 2>/dev/null </dev/null | sed -n 's/^ \{0,2\}\([a-z][a-z0-9_]*\)  .*/\1/p'
}

_maemio_options() { # the long options of a command
    ARGP_HELP_FMT=rmargin=9000 "${COMP_WORDS[0]}" "$1" --help 2>/dev/null </dev/null |
        sed -n 's/^ \{1,6\}\(-[A-Za-z?], \)\{0,1\}\(--[a-z0-9-]*\)\[\{0,1\}\(=\{0,1\}\).*/\2\3/p'
}

_maemio_values() { # of an option of a run that takes one of some words, from its type: [enum, default a, a|b|c]
    "${COMP_WORDS[0]}" list options 2>/dev/null </dev/null |
        sed -n "s/^  --$1 .*\[enum, .* \([a-z0-9_-]*\(|[a-z0-9_-]*\)\{1,\}\)\]\$/\1/p" | tr '|' '\n'
}

_maemio() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    [ "$word" != = ] || word=
    [ "$before" != = ] || before=${COMP_WORDS[COMP_CWORD - 2]}
    local words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="$(_maemio_help --help) --help --version"
    else
        case $before in
        --workload | -w) words=$(_maemio_help list workloads) ;;
        --target | -d) words=$(_maemio_help list targets) ;;
        --distribution) words=$(_maemio_help list distributions) ;;
        --*)
            [ "${COMP_WORDS[1]}" != run ] || words=$(_maemio_values "${before#--}")
            ;;
        esac
        if [ -z "$words" ]; then
            case $command:$word in
            *:-*) words=$(_maemio_options "$command") ;;
            list:*) words=$(_maemio_help list --help) ;;
            figure:*) words="$(_maemio_help figure --list) all" ;;
            esac
        fi
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [ "${#COMPREPLY[@]}" -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
    case ${COMPREPLY[0]-} in *=) compopt -o nospace ;; esac
}
complete -o filenames -F _maemio maemio
