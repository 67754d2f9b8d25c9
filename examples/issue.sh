#!/bin/sh
# The same as issue_advanced.py with curl and jq: a token, a badge, the same again, a batch.
#
#   export ISSUER_URL=https://waymark.example.org CLIENT_ID=… CLIENT_SECRET=…
#   sh examples/issue.sh tess@example.org examples/batch.csv
set -eu

email=$1
batch=$2

# Secrets go to curl in a file that only you can read: a command line can be read by everybody on the machine.
umask 077
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT

# --retry repeats after 408, 429, 5xx and lost connections, and waits as long as Retry-After says.
# That is safe: a repeat has the same Idempotency-Key. What is answered is then in $private/answer.
call() {
  curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused \
    --config "$private/curl" --output "$private/answer" "$@" || {
    cat "$private/answer" >&2
    exit 1
  }
}

printf 'user = "%s:%s"\n' "$CLIENT_ID" "$CLIENT_SECRET" > "$private/curl"
call "$ISSUER_URL/oauth/token" --data grant_type=client_credentials
token=$(jq --raw-output .access_token "$private/answer")
printf 'header = "Authorization: Bearer %s"\n' "$token" > "$private/curl"

# One badge. The key is made before the first call, and every repeat has the same one.
jq --null-input --arg email "$email" '{
  achievement: "M01",
  recipient: {email: $email},
  decided_by: {name: "Priya Raman", role: "programme lead"}
}' > "$private/award.json"
key=$(cat /proc/sys/kernel/random/uuid 2> /dev/null || uuidgen)
for _ in first second; do # the second time it is the same badge: nothing is issued twice
  call "$ISSUER_URL/api/v1/credentials" --header 'Content-Type: application/json' \
    --header "Idempotency-Key: $key" --data "@$private/award.json"
  jq --compact-output '{id, url, status}' "$private/answer"
done

# Many badges. The key is made from the file, so the same file sent again issues nothing twice either.
call "$ISSUER_URL/api/v1/batches?mode=good_rows" --header 'Content-Type: text/csv' \
  --header "Idempotency-Key: $(sha256sum "$batch" | cut -c1-64)" --data-binary "@$batch"
sent=$(jq --raw-output .id "$private/answer")
while :; do
  call "$ISSUER_URL/api/v1/batches/$sent"
  case $(jq --raw-output .state "$private/answer") in
    done | failed | cancelled) break ;;
  esac
  sleep 1
done
jq --compact-output '{state, total, issued, failed}' "$private/answer"
call "$ISSUER_URL/api/v1/batches/$sent/errors?format=csv"
cat "$private/answer" >&2
