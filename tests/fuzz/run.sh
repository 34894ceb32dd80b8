#!/usr/bin/env bash
# Property tests with new random values, again and again for some time: run.sh PYTHON SECONDS
# The engine's buffers, queue and flow control by proptest, addresses and their senders by hypothesis.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=$1
end=$(( $(date +%s) + $2 ))
rounds=0
while :; do
    PROPTEST_CASES=2000 cargo test --quiet --release -p ferrio --test engine proto
    FUZZ_EXAMPLES=2000 "$python" -m pytest -q -p no:cacheprovider tests/fuzz
    rounds=$(( rounds + 1 ))
    echo "fuzz: $rounds rounds, $(( end - $(date +%s) )) s left"
    if [ "$(date +%s)" -ge "$end" ]; then
        break
    fi
done
