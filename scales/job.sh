#!/usr/bin/env bash
# A job of the grid: run DVC targets in a clone of their own, and share what they made.
#
#     scales/job.sh REPOSITORY TARGET...
#
# REPOSITORY is what `git clone` takes; its commit says which scale is run, and its .dvc/config
# where the remote is. What the targets need is pulled, and what is made is pushed with the
# run-cache, where every later job, and the last `dvc repro --pull`, finds it. A job that is run
# twice computes nothing the second time.
set -euo pipefail
repository=$1
shift
clone=$(mktemp -d "${TMPDIR:-/tmp}/job-XXXXXX")
trap 'rm -rf "$clone"' EXIT
git clone --quiet "$repository" "$clone"
cd "$clone"
dvc repro --pull "$@"
python -m scales.share
