#!/usr/bin/env bash
# Trains every fusion head on real pairs, compares them and looks at what missing and wrong halves do:
#   benchmarks/fusions.sh DATA
# DATA holds msed. About an hour on two cores; heads that are trained already are kept.
set -euo pipefail
data=$(realpath "${1:?give the folder that holds the corpora}")
cd "$(dirname "$0")/.."
heads=(log_linear early hybrid gated tensor cross_attention)
for head in "${heads[@]}"; do
  run=runs/fusion_$head
  [ -e "$run/bundle/SHA256SUMS" ] && continue
  emofuse train "recipes/fusion_$head.yaml" --data-root "$data" --resume
  emofuse export "$run" -o "$run/bundle"
done
trained=("${heads[@]/#/runs/fusion_}")
trained=("${trained[@]/%//bundle}")
ours=(fusion_default fusion_default@text fusion_default@face+scene fusion_default@scene)
compare() { # TAG OPTION... MODEL...
  emofuse compare "${@:2}" --corpus msed --root "$data/msed" --split test_clean --json "benchmarks/system.fusions.$1.json"
}
compare emotion --baselines "${ours[@]}" "${trained[@]}"
compare sentiment --taxonomy sentiment3 --baselines "${ours[@]}" "${trained[@]}"
# Only pairs that every model can read are compared: those with a face.
compare with_face fusion_default fusion_default@text fusion_default@face fusion_default@face+scene
python benchmarks/fusion.py fusion_default "${trained[@]}" --root "$data/msed" --json benchmarks/fusion.json
