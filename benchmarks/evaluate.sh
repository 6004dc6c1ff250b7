#!/usr/bin/env bash
# Regenerates the accuracy figures: benchmarks/evaluate.sh DATA
# DATA holds text/{goemotions,semeval2017_4a,sentiment140,emotion,meld,imdb,checklist_sentiment}, faces, msed, pairs and
# the reference detector.
set -euo pipefail
data=${1:?give the folder that holds the corpora}
here=$(dirname "$0")
models=$here/../src/emofuse/models

# A figure of the very same model stays, so that a second call goes on where the first one stopped.
evaluate() { # BUNDLE CORPUS ROOT SPLIT
  local figures="$here/$1.$2.$4.json" digest
  digest=$(sha256sum "$models/$1/model.onnx" | cut -d" " -f1)
  grep -qs "$digest" "$figures" || emofuse evaluate "$1" --corpus "$2" --root "$data/$3" --split "$4" --json "$figures"
}
for model in text_bert_bilstm text_bilstm; do
  evaluate $model goemotions_ekman text/goemotions test
  evaluate $model goemotions text/goemotions test
  evaluate $model semeval2017 text/semeval2017_4a test
  evaluate $model emotion text/emotion test
  evaluate $model meld text/meld test
  evaluate $model sentiment140 text/sentiment140 test
  evaluate $model sentiment140_polarity text/sentiment140 test
  evaluate $model imdb text/imdb test
done
python "$here/behaviour.py" --checklist "$data/text/checklist_sentiment" --json "$here/behaviour.json"
evaluate face_ferplus ferplus faces test
evaluate face_ferplus ferplus faces test_clean
python "$here/detector.py" --photos "$data/msed" --reference "$data/face_detection_yunet_2023mar.onnx" \
  --leak-free "$data/pairs/msed_leakfree_test.csv" --json "$here/detector.json"
python "$here/abstention.py" --root "$data/text/goemotions" --json "$here/abstention.json"
