# SPDX-License-Identifier: Apache-2.0
#
# For test scripts in sh, which source this file: `check NAME COMMAND...` is one
# test, which passes when the command succeeds; end the script with `plan`.
# $scratch is an empty folder, removed at the end.

tests=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

check()
{
	tests=$((tests + 1))
	test_name=$1
	shift
	if "$@" >"$scratch/.output" 2>&1; then
		echo "ok $tests - $test_name"
	else
		echo "not ok $tests - $test_name"
		echo "# failed: $*" | head -n 5
		sed 's/^/# /' "$scratch/.output"
	fi
}

# `check_fails NAME COMMAND...`: the command must fail with status 1 or 2.
fails()
{
	status=0
	"$@" || status=$?
	[ "$status" -ge 1 ] && [ "$status" -le 2 ]
}

check_fails()
{
	test_name=$1
	shift
	check "$test_name" fails "$@"
}

plan()
{
	echo "1..$tests"
}
