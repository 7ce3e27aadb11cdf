# Runs each line of its input as a command and answers with the exit status. When the input ends, because the program
# closed it or was killed and could not, it runs the clean-up command.
# $1: the log of the commands  $2: the clean-up command
trap '' HUP INT TERM PIPE
while IFS= read -r line; do
  sh -c "$line" </dev/null >>"$1" 2>&1
  echo "$?"
done
exec >/dev/null
sh -c "$2" </dev/null
