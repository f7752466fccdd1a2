# SPDX-License-Identifier: Apache-2.0
# fish: completes elidefs(1). What may stand where, `elidefs --complete` knows.
function __elidefs_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] --complete $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :folders
                __fish_complete_directories (commandline -ct) folder
            case '*'
                echo $line
        end
    end
end
complete -c elidefs -f -a '(__elidefs_complete)'
