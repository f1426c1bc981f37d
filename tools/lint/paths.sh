#!/bin/sh
# No file of the tree names a directory that exists on one machine only, or ends a line in a blank.
set -u

files() {
	git ls-files -z --cached --others --exclude-standard -- . ':!LICENSE' "$@"
}

failed=0
files | xargs -0 grep -InE '(^|[^A-Za-z0-9_.~/$}-])/(work|root|home|Users)/' -- /dev/null && {
	echo "paths.sh: these lines name a machine's own path" >&2
	failed=1
}
files ':!tests/fuzz/corpus' ':!*.md' ':!*.patch' | xargs -0 grep -InE '[[:blank:]]+$' -- /dev/null && {
	echo "paths.sh: these lines end in a blank" >&2
	failed=1
}
exit $failed
