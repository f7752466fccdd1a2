# SPDX-License-Identifier: Apache-2.0
# bash: completes elidefs(1). What may stand where, `elidefs --complete` knows.

# Bash splits words at '=' and ':' too, which stand in paths and URLs here: they are joined again.
_elidefs_words() {
    local rest=${COMP_LINE:0:COMP_POINT} word i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $i = 0 || $rest == [[:space:]]* ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            words+=("")
        fi
        [ ${#word} -le ${#rest} ] || word=$rest
        words[${#words[@]} - 1]+=$word
        rest=${rest:${#word}}
    done
}

_elidefs() {
    local words current head line kind= IFS=$'\n'
    _elidefs_words
    current=${words[${#words[@]} - 1]}
    for ((i = 0; i < ${#words[@]}; i++)); do # as the shell will read them, but nothing is run
        words[i]=${words[i]//\\/}
        words[i]=${words[i]//[\'\"]/}
    done
    head=
    case $current in *[=:]*) head=${current%"${current##*[=:]}"} ;; esac
    case $COMP_WORDBREAKS in *:*) ;; *) head=${head%%:*} ;; esac
    case $COMP_WORDBREAKS in *@*) # begins a word here, too, and belongs to it
        case ${current#"$head"} in *@*) head=${current%@*} ;; esac ;;
    esac
    COMPREPLY=()
    while read -r line; do
        case $line in
            :files) kind=f ;;
            :folders) kind=d ;;
            *) printf -v line %q "${line%%$'\t'*}"
               line=${line//\\=/=}
               COMPREPLY+=("${line#"$head"}") ;;
        esac
    done < <("${words[0]}" --complete "${words[@]:1}" 2>/dev/null)
    if [ "$kind" ]; then
        compopt -o filenames
        COMPREPLY+=($(compgen -$kind -- "${words[${#words[@]} - 1]}"))
    fi
    case ${COMPREPLY[0]} in *[=/]) compopt -o nospace ;; esac
}
complete -F _elidefs elidefs
