#!/usr/bin/env bash
# Trains every fusion head on real pairs, compares them and looks at what missing and wrong halves do:
#   benchmarks/fusions.sh DATA
# DATA holds msed, text and faces. About an hour on two cores after benchmarks/systems.sh; heads that are trained already
# are kept. The fine-tuned fusion starts from the runs of its members; those that are not there are trained first, which takes
# hours.
set -euo pipefail
data=$(realpath "${1:?give the folder that holds the corpora}")
cd "$(dirname "$0")/.."
train() { # NAME
  [ -e "runs/$1/bundle/SHA256SUMS" ] && return
  emofuse train "recipes/$1.yaml" --data-root "$data" --resume
  emofuse export "runs/$1" -o "runs/$1/bundle"
}

heads=(log_linear early hybrid gated tensor cross_attention)
for head in "${heads[@]}"; do
  train "fusion_$head"
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
# The published ones, on pairs made by label and on real ones.
train fusion_mlp
for name in text_bilstm face_{ferplus,fer2013,ferplus_cnn} fusion_mlp_finetuned; do
  train $name
done
train fusion_lstm_cnn
five=neutral,joy,sadness,anger,fear
matched() { # NAME CORPUS MODEL...
  emofuse compare "${@:3}" --corpus "$2" --root "$data" --split test --json "benchmarks/system.$1.$2.json"
}
matched fusion_mlp label_matched fusion_mlp fusion_mlp@face fusion_mlp@text fusion_default
emofuse compare fusion_mlp fusion_mlp@face fusion_mlp@text fusion_default fusion_default@text --labels $five \
  --corpus msed --root "$data/msed" --split test_clean --json benchmarks/system.fusion_mlp.msed.json
tuned=runs/fusion_mlp_finetuned/bundle
matched fusion_mlp_finetuned label_matched $tuned $tuned@face $tuned@text fusion_mlp
emofuse compare $tuned $tuned@face $tuned@text fusion_mlp --labels $five \
  --corpus msed --root "$data/msed" --split test_clean --json benchmarks/system.fusion_mlp_finetuned.msed.json
emofuse compare $tuned/members/text_bilstm text_bilstm --corpus semeval2017 --root "$data/text/semeval2017_4a" \
  --split test --json benchmarks/system.fusion_mlp_finetuned.semeval2017.json
lstm=runs/fusion_lstm_cnn/bundle
matched fusion_lstm_cnn label_matched_four $lstm $lstm@text $lstm@face
python benchmarks/fusion.py fusion_default "${trained[@]}" --root "$data/msed" --json benchmarks/fusion.json
