#!/bin/sh
# A browser for the browser tests: the one that is there, else Debian's. Where that may not be, says how, and the tests
# that need it are skipped by name.
[ -n "${WAYMARK_CHROMIUM:-}" ] && exit 0
command -v chromium-headless-shell >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Debian's Chromium for the browser tests ..."
  if apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-dejavu-core >/dev/null 2>&1; then
    exit 0
  fi
fi
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
echo "No Chromium found and none could be installed: the browser tests will be skipped."
echo "To run them: apt-get install chromium   (or name one: WAYMARK_CHROMIUM=/path/to/chromium make test)"
