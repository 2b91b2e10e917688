# Ends what its parent registered once the parent is gone. The parent holds the other end of
# standard input, which closes however the parent ends, kill -9 included.
#
#   watch SIGNAL PID    end PID with SIGNAL when the parent is gone; -PID is a process group
#   forget PID          PID has ended; its number may already be somebody else's
#   signal SIGNAL PID   send SIGNAL to PID now
#   remove PATH         delete PATH after everything watched has ended
trap '' INT HUP
watched=''
removed=''
newline='
'

watched_without() {
    printf '%s\n' "$watched" | while read -r entry; do
        case $entry in
            '' | *" $1") ;;
            *) printf '%s\n' "$entry" ;;
        esac
    done
}

while read -r verb argument; do
    case $verb in
        watch) watched="$watched$newline$argument" ;;
        forget) watched=$(watched_without "$argument") ;;
        signal) kill -s "${argument% *}" -- "${argument#* }" ;;
        remove) removed="$removed$newline$argument" ;;
    esac
done

pids=''
while read -r signal pid; do
    if [ -n "$pid" ] && kill -s "$signal" -- "$pid"; then
        pids="$pids $pid"
    fi
done <<END
$watched
END

# Ten seconds to end in order, then by force.
tenths=0
alive=''
while [ "$tenths" -lt 100 ]; do
    alive=''
    for pid in $pids; do
        kill -s 0 -- "$pid" && alive="$alive $pid"
    done
    [ -n "$alive" ] || break
    sleep 0.1
    tenths=$((tenths + 1))
done
for pid in $alive; do
    kill -s KILL -- "$pid"
done

while read -r path; do
    if [ -n "$path" ]; then
        rm -rf -- "$path"
    fi
done <<END
$removed
END
