# Two commands: `make repro` runs the experiment, `make test` passes the tests.
# Both set up what they need first.

PYTHON ?= python3
VENV ?= .venv
# `make repro SCALE=floor` switches to scales/floor.yaml; without it, what is switched to is run.
SCALE ?=
# What `make plan` predicts for: the processor at hand, which it measures, or a name of data/rates.yaml.
HARDWARE ?= here
# `make GPU=1 …` installs vLLM for NVIDIA GPUs instead of its CPU build.
GPU ?=
# Jobs of `make repro` at once; without it, as many as this machine has cores and memory for.
JOBS ?=
# Of `make try` and `make serve`.
DATASET ?= uk_real
POLICY ?= models/policy/smollm2-135m/attribute/$(DATASET)/ours/0
# Its model, training, data set, method and seed, where it lies among those of the pipeline.
OWN = $(patsubst ./%,%,$(patsubst $(CURDIR)/%,%,$(POLICY)))
CELL = $(subst /, ,$(patsubst models/policy/%,%,$(filter models/policy/%,$(OWN))))
BASE ?= models/base/$(or $(word 1,$(CELL)),smollm2-135m)
SPEC ?= data/targets/$(or $(word 3,$(CELL)),$(DATASET)).json
PROMPT ?= What is the gender of a carpenter?
PORT ?= 8000
# Of `make audit`.
METHOD ?= zero_shot
AUDITS ?=
# Of `make score` and `make rounds`.
ANSWERS ?= answers.csv
TARGETS ?= targets.csv
SCORED ?= scored
# Of `make publish`: the policy's score in the attribute setting, and the folder to make.
METRICS ?= metrics/$(word 1,$(CELL))/$(word 2,$(CELL))/attribute/$(subst $() ,/,$(wordlist 3,5,$(CELL))).json
OUT ?= published/$(or $(word 3,$(CELL)),$(DATASET))
# A person's text as one word of the shell, with the quotes, $ and ` that are in it.
typed = '$(subst ','\'',$(value $(1)))'
# The same of a file's name, which may stand in another variable.
place = '$(subst ','\'',$($(1)))'
# What a switch is off by.
OFF := 0 no off false
IN_ORDER = $(if $(filter-out $(OFF),$(ORDERED)),--ordered)
# Of `make score` and `make rounds`: targets are percentages or counts.
NORMALISED = $(if $(filter-out $(OFF),$(NORMALISE)),--normalise)
# Of `make new`. Systems set LANGUAGE to their own, as en_US:en: only the command line counts.
LANGUAGE := en
INSTALLED := $(VENV)/.installed$(GPU)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install new plan repro embedded audit rounds score share try serve publish results test test-fast test-slow lint clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make the virtual environment and install the pinned dependencies

$(INSTALLED): pyproject.toml requirements/cpu.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
ifeq ($(GPU),)
	python -m pip install --quiet torch==2.13.0
	python -m pip install --quiet --no-deps -r requirements/cpu.txt
	python -m pip install --quiet --no-deps --editable .
else
	python -m pip install --quiet --editable '.[gpu,share,test]'
endif
	touch $@

new: install ## Make a question of one's own from a table (ATTRIBUTE=... TABLE=... QUESTION=... LANGUAGE=en ORDERED=1)
	@python -m tools.new $(if $(ATTRIBUTE),--attribute $(call typed,ATTRIBUTE)) \
		$(if $(TABLE),--table $(call place,TABLE)) $(if $(value QUESTION),--question $(call typed,QUESTION)) \
		--language $(LANGUAGE) $(IN_ORDER)

plan: install ## Print what a scale costs, and what of it is cached (SCALE=... HARDWARE=...)
	python -m scales.plan --hardware $(HARDWARE) $(if $(SCALE),--scale $(SCALE))

repro: install ## Run the experiment, or what has changed of it, and print the results (SCALE=... JOBS=...)
ifneq ($(SCALE),)
	python -m scales.switch $(SCALE)
endif
	@distalign-check --data data # before DVC reads the files in its own way
	python -m scales.run $(if $(JOBS),--jobs $(JOBS))
	@$(MAKE) --no-print-directory results

embedded: ## Run all that the paper reports, on SmolLM2-135M: attribute setting, forms of tokens, stories
	$(MAKE) repro SCALE=embedded
	$(MAKE) repro SCALE=forms
	$(MAKE) repro SCALE=embedded_stories

audit: install ## Measure a model behind an API (MODEL=... DATASET=... METHOD=... BASE_URL=... AUDITS=... PLAN=1)
	@python -m tools.audit --model $(call typed,MODEL) --dataset $(DATASET) --method $(METHOD) \
		$(if $(BASE_URL),--base-url $(call typed,BASE_URL)) $(if $(AUDITS),--out $(call place,AUDITS)) \
		$(if $(filter-out $(OFF),$(PLAN)),--plan)

rounds: install ## Print how many rounds it takes to see a deviation from the targets (TARGETS=... NORMALISE=1)
	@distalign-rounds $(call place,TARGETS) $(NORMALISED)

score: install ## Score answers that exist already, CSV or JSONL (ANSWERS=... TARGETS=... SCORED=... ATTRIBUTE=... NORMALISE=1 ORDERED=1)
	@distalign-read $(call place,ANSWERS) $(call place,TARGETS) --out $(call place,SCORED)/answers.csv \
		$(if $(ATTRIBUTE),--attribute data/attributes/$(call typed,ATTRIBUTE).yaml)
	@distalign-score $(call place,SCORED)/answers.csv $(call place,TARGETS) --out $(call place,SCORED) \
		$(NORMALISED) $(IN_ORDER)

share: install ## Push what stages made, and the run-cache, to the default remote
	dvc push
	python -m scales.share

gc: install ## Delete from DVC's cache what no scale's recorded results need
	@python -m scales.gc

try: install ## Ask a trained policy PROMPT="..." 100 times (POLICY=... SPEC=... to change which)
	@distalign-try $(call typed,PROMPT) --policy $(call place,POLICY) --base $(call place,BASE) \
		--spec $(call place,SPEC)

serve: install ## Serve a trained policy to OpenAI clients (POLICY=... PORT=8000)
	@distalign-serve --policy $(call place,POLICY) --base $(call place,BASE) --port $(PORT)

publish: install ## Make a folder of a trained policy with its model card (POLICY=... OUT=...)
	@distalign-publish --policy $(call place,POLICY) --base $(call place,BASE) --spec $(call place,SPEC) \
		--metrics $(call place,METRICS) --out $(call place,OUT)

results: install ## Print the results table and where the figures are
	@file="report/$$(sed -n 's/^name: *["'\'']\{0,1\}\([A-Za-z0-9_-]*\).*/\1/p' scale.yaml)/results.txt"; \
	test -f "$$file" || { echo "error: $$file is not there yet; make repro writes it" >&2; exit 1; }; \
	cat "$$file"

# Two processes, whatever the cores, as each may load a model. Each takes a file at a time.
PYTEST := python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: install lint ## Check style and types, and pass the tests
	$(PYTEST) -m 'not slow'

test-fast: install ## Pass the tests that load no model and start no engine or pipeline
	$(PYTEST) -m 'not slow and not heavy' --timeout 30

test-slow: install ## Pass the tests that take longer
	python -m pytest -m slow

lint: install ## Check style and types
	ruff check . && ruff format --check . && mypy

clean: ## Remove the environment, checkpoints and stored LLM answers
	rm -rf $(VENV) .mypy_cache .checkpoints .llm_store
