#!/usr/bin/env bash
# Regenerates the accuracy figures: benchmarks/evaluate.sh DATA
# DATA holds text/{goemotions,semeval2017_4a,sentiment140,emotion,meld,imdb,checklist_sentiment}, faces, msed, pairs and
# the reference detector.
set -euo pipefail
data=$(realpath "${1:?give the folder that holds the corpora}")
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
models=src/emofuse/models

# A figure of the very same model stays, so that a second call goes on where the first one stopped.
evaluate() { # BUNDLE CORPUS ROOT SPLIT [TAG OPTION...]
  local name figures digest bundle=$1 corpus=$2 root=$3 split=$4 tag=${5:-$2}
  shift $(($# < 5 ? $# : 5))
  name=$(basename "${bundle%/bundle}")
  figures="$here/$name.$tag.$split.json"
  if [ ! -d "$bundle" ]; then digest=$models/$bundle; else digest=$bundle; fi
  digest=$(sha256sum "$digest/model.onnx" | cut -d" " -f1)
  grep -qs "$digest" "$figures" ||
    emofuse evaluate "$bundle" --corpus "$corpus" --root "$data/$root" --split "$split" --json "$figures" "$@"
}
for model in text_bert_bilstm text_bilstm text_bilstm_open; do
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
five=neutral,happiness,sadness,anger,fear
evaluate face_ferplus ferplus faces test ferplus_five --labels $five
for split in test test_clean; do
  evaluate face_fer2013 fer2013 faces $split
  evaluate face_ferplus_cnn ferplus faces $split
done
evaluate scene_image msed msed test
evaluate scene_image msed msed test_clean
evaluate fusion_default msed msed test
evaluate fusion_default msed msed test_clean
evaluate fusion_default msed msed test_clean msed_sentiment --taxonomy sentiment3
evaluate fusion_mlp label_matched . test
# These two are not embedded: benchmarks/systems.sh trains them, and `emofuse export` joins the ensemble.
for run in face_resnet face_ensemble; do
  [ -d "runs/$run/bundle" ] || echo "runs/$run/bundle is not there; its figures stay as they are."
done
if [ -d runs/face_resnet/bundle ]; then evaluate runs/face_resnet/bundle fer2013 faces test; fi
if [ -d runs/face_ensemble/bundle ]; then
  evaluate runs/face_ensemble/bundle ferplus faces test
  evaluate runs/face_ensemble/bundle ferplus faces test ferplus_five --labels $five
  evaluate runs/face_ensemble/bundle fer2013 faces test
fi
python "$here/detector.py" --photos "$data/msed" --reference "$data/face_detection_yunet_2023mar.onnx" \
  --leak-free "$data/pairs/msed_leakfree_test.csv" --json "$here/detector.json"
python "$here/abstention.py" --root "$data/text/goemotions" --json "$here/abstention.json"
python "$here/faces_and_words.py" --json "$here/faces_and_words.json"
