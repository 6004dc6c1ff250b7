#!/usr/bin/env bash
# Train on several machines without a scheduler. Run the same line on each of them, within half an hour:
#   MASTER=10.0.0.1:29500 NODES=2 examples/torchrun/train.sh recipes/text_bilstm.yaml --data-root DATA --run-dir RUN
# MASTER is an address of one of the machines that the others reach, with a free port. RUN lies on a file
# system that all of them see, and DATA holds the same corpora everywhere.
# PER_NODE: graphics cards of each machine, or processes where there are none.
set -euo pipefail

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((($(nproc) + ${PER_NODE:-1} - 1) / ${PER_NODE:-1}))}
exec torchrun --nnodes "$NODES" --nproc-per-node "${PER_NODE:-1}" \
  --rdzv-backend c10d --rdzv-endpoint "$MASTER" --rdzv-id "${JOB:-emofuse}" --local-addr "${LOCAL_ADDR:-}" \
  -m emofuse train "$@" --devices "${PER_NODE:-1}" --num-nodes "$NODES" --resume
