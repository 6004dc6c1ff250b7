#!/usr/bin/env bash
# Trains the published systems, exports them and compares them with simple models and with ours:
#   benchmarks/systems.sh DATA [NAME...]
# Hours on two cores. What is done already is kept: a second call goes on where the first one stopped.
set -euo pipefail
data=${1:?give the folder that holds the corpora}
shift
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
chosen=" ${*:-word2vec_bilstm bilstm_sentiment bert_rnn bert_rnn_frozen bert_rnn_pruned lstm_text_emotion face_fer2013 face_ferplus_cnn hybrid_cnn} "

train() { # NAME
  [ -e "runs/$1/bundle/SHA256SUMS" ] && return
  emofuse train "recipes/$1.yaml" --data-root "$data" --resume
  emofuse export "runs/$1" -o "runs/$1/bundle"
}

compare() { # NAME CORPUS ROOT [OPTION...]
  local name=$1 corpus=$2 root=$3
  shift 3
  [[ $chosen == *" $name "* ]] || return 0
  [ -e "benchmarks/system.$name.$corpus.json" ] && return
  train "$name"
  emofuse compare "runs/$name/bundle" "$@" --corpus "$corpus" --root "$data/$root" \
    --json "benchmarks/system.$name.$corpus.json"
}

compare word2vec_bilstm emotion text/emotion text_bilstm text_bert_bilstm --baselines
compare bilstm_sentiment sentiment140_polarity text/sentiment140 text_bilstm text_bert_bilstm --baselines
compare bert_rnn emotion text/emotion text_bilstm text_bert_bilstm --baselines
compare bert_rnn_frozen emotion text/emotion text_bilstm text_bert_bilstm
compare bert_rnn_pruned emotion text/emotion text_bilstm text_bert_bilstm
compare lstm_text_emotion emotion text/emotion text_bilstm text_bert_bilstm --labels joy,sadness,anger,fear --baselines
compare lstm_text_emotion semeval2007 text/semeval2007 text_bilstm text_bert_bilstm --labels joy,sadness,anger,fear
compare lstm_text_emotion sentiment140_polarity text/sentiment140 text_bilstm text_bert_bilstm
compare lstm_text_emotion imdb text/imdb text_bilstm text_bert_bilstm
compare face_fer2013 fer2013 faces face_ferplus
compare face_ferplus_cnn ferplus faces face_ferplus
compare hybrid_cnn fer2013 faces face_ferplus --labels happy,sad,angry,fear
