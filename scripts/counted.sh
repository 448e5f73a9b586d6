# shellcheck shell=bash
# For scripts that run tests and say "N passed, N failed, N skipped" in their last line, some of several sets.

status=0
summary=
# Not for sanitizers: whole networks, whose shadow memory is too much for a small machine, and the engine's own tests: minutes,
# for kernels that all others call too.
heavy_tests='^cuda/(training_steps|steps_test)$|^on_cuda/(nn/network_test|models/models_test|autograd/engine_test|examples)$'

# counted NAME COMMAND...: runs a set and keeps its last line.
counted() {
  local name=$1 output
  shift
  output=$(mktemp)
  "$@" | tee "$output"
  [ "${PIPESTATUS[0]}" = 0 ] || status=1
  summary+="$name: $(tail -n1 "$output")"$'\n'
  rm -f "$output"
}

# A set that was not built.
counted_failure() {
  status=1
  summary+="$1: 0 passed, 1 failed, 0 skipped"$'\n'
}

# Prints the sets' lines, and as the last one their sum.
counted_end() {
  echo
  printf '%s' "$summary"
  awk '{ for (i = 1; i < NF; i++) { if ($(i + 1) ~ /^passed/) p += $i; if ($(i + 1) ~ /^failed/) f += $i
           if ($(i + 1) ~ /^skipped/) s += $i } }
       END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' <<<"$summary"
  exit $status
}

# Configures a CUDA preset. Ends the script as skipped where what CUDA needs is not installed, and where it fails.
need_preset() {
  scripts/cuda_preset "$1"
  case $? in
    0) ;;
    77) echo "0 passed, 0 failed, 1 skipped"; exit 0 ;;
    *) exit 1 ;;
  esac
}
