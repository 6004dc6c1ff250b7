#!/usr/bin/env bash
# Regenerates the accuracy figures: benchmarks/evaluate.sh DATA
# DATA holds text/{goemotions,semeval2017_4a,semeval2007,emobank,sentiment140,emotion,meld,imdb,checklist_sentiment,eec},
# faces, msed, pairs and the reference detector.
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
# The same, and a page in docs/reports. The corpora may not be passed on, so the page shows none of their samples.
report() { # BUNDLE CORPUS ROOT SPLIT
  local page=docs/reports/$1.$2.$4.html
  grep -qs "$(sha256sum "$models/$1/model.onnx" | cut -d" " -f1)" "$page" ||
    rm -f "$here/$1.$2.$4.json"
  evaluate "$@" "$2" --report docs/reports --without-inputs
}
for model in text_bert_bilstm text_bilstm text_bilstm_open; do
  report $model goemotions_ekman text/goemotions test
  evaluate $model goemotions text/goemotions test
  report $model semeval2017 text/semeval2017_4a test
  evaluate $model emotion text/emotion test
  evaluate $model meld text/meld test
  evaluate $model sentiment140 text/sentiment140 test
  evaluate $model sentiment140_polarity text/sentiment140 test
  evaluate $model imdb text/imdb test
  evaluate $model semeval2007 text/semeval2007 test
  evaluate $model semeval2007 text/semeval2007 test semeval2007_sentiment --taxonomy sentiment3
  evaluate $model semeval2007 text/semeval2007 test semeval2007_valence --taxonomy valence
  evaluate $model emobank text/emobank test
done
python "$here/behaviour.py" --checklist "$data/text/checklist_sentiment" --json "$here/behaviour.json"
report face_ferplus ferplus faces test
evaluate face_ferplus ferplus faces test_clean
five=neutral,happiness,sadness,anger,fear
evaluate face_ferplus ferplus faces test ferplus_five --labels $five
report face_fer2013 fer2013 faces test
report face_ferplus_cnn ferplus faces test
evaluate face_fer2013 fer2013 faces test_clean
evaluate face_ferplus_cnn ferplus faces test_clean
for model in face_ferplus face_fer2013 face_ferplus_cnn; do
  evaluate $model msed msed test_clean
done
report scene_image msed msed test
evaluate scene_image msed msed test_clean
report fusion_default msed msed test
evaluate fusion_default msed msed test_clean
evaluate fusion_default msed msed test_clean msed_sentiment --taxonomy sentiment3
report fusion_mlp label_matched . test
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
python "$here/detector_report.py" --report docs/reports
python "$here/robustness.py" --data "$data" --json "$here/robustness.json"
emofuse audit checklist --root "$data/text/checklist_sentiment" --models text_bert_bilstm,text_bilstm \
  --json "$here/checklist.json"
python "$here/eec.py" --data "$data" --json "$here/eec.json"
python "$here/abstention.py" --root "$data/text/goemotions" --json "$here/abstention.json"
python "$here/faces_and_words.py" --json "$here/faces_and_words.json"
python "$here/drift.py" --data "$data" --json "$here/drift.json"
python "$here/explanations.py" --data "$data" --json "$here/explanations.json"
