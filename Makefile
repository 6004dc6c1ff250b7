# `make run` and `make test` need nothing but Debian or Ubuntu with Python 3.11 or newer.
SHELL := /bin/bash
CORE := .venv
DEV := .venv-test
SOURCES := pyproject.toml $(shell find src -type f -not -name '*.pyc')

.PHONY: run test check format bench load benchmarks tables client clean

run: $(CORE)/.installed
	$(CORE)/bin/emofuse predict --text "I am so proud of you" --image src/emofuse/demo/examples/eileen_collins.jpg

# Two processes of one thread each. A file stays whole, since its tests share what they have trained.
test: check
	OMP_NUM_THREADS=1 $(DEV)/bin/pytest -q -n 2 --dist loadfile --no-loadscope-reorder \
	  --cov --cov-report=term:skip-covered -m "not gpu"

check: $(DEV)/.installed
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/pydoclint --quiet src
	$(DEV)/bin/lint-imports --config pyproject.toml

format: $(DEV)/.installed
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

bench: $(DEV)/.installed $(CORE)/.installed
	$(DEV)/bin/python benchmarks/latency.py --json benchmarks/latency.json
	$(DEV)/bin/python benchmarks/footprint.py --core $(CORE) --json benchmarks/footprint.json
	$(DEV)/bin/python benchmarks/tables.py

# Twenty minutes, on a machine that does nothing else.
load: $(DEV)/.installed
	tools/need-packages wrk
	$(DEV)/bin/python benchmarks/load.py --json benchmarks/service_load.json
	$(DEV)/bin/python benchmarks/tables.py

# Hours, and needs the corpora: make benchmarks DATA=/path/to/data. A second call goes on where the first stopped.
benchmarks: $(DEV)/.installed
	PATH="$(CURDIR)/$(DEV)/bin:$$PATH" benchmarks/systems.sh "$(DATA)"
	PATH="$(CURDIR)/$(DEV)/bin:$$PATH" benchmarks/fusions.sh "$(DATA)"
	PATH="$(CURDIR)/$(DEV)/bin:$$PATH" benchmarks/evaluate.sh "$(DATA)"
	$(DEV)/bin/python benchmarks/tables.py
	$(DEV)/bin/python benchmarks/cards.py

tables: $(DEV)/.installed
	$(DEV)/bin/python benchmarks/tables.py
	$(DEV)/bin/python benchmarks/cards.py

client: $(DEV)/.installed
	$(DEV)/bin/python examples/client/generate.py

$(CORE)/.installed: $(SOURCES)
	tools/make-venv $(CORE)
	$(CORE)/bin/python -m pip install --quiet .
	touch $@

# wordnet-base: synonyms for the recipe bert_rnn. postgresql: the other database of the service. curl: its examples.
# chromium: looks at the page.
$(DEV)/.installed: pyproject.toml constraints.txt
	tools/need-packages chromium curl postgresql wordnet-base
	tools/make-venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet -c constraints.txt -e '.[all,dev]'
	touch $@

clean:
	rm -rf $(CORE) $(DEV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
