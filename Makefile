# Two commands do everything: `make drill` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COLLECTION := $(VENV)/collections/ansible_collections/pilotlight/aws_dr
INSTALLED := $(VENV)/.installed
SANITY_ROOT := build/sanity/ansible_collections

# fast: a whole move in well under a minute. realistic: AWS's published figures.
PROFILE ?= fast
INVENTORY ?= inventories/lab
export PATH := $(CURDIR)/$(BIN):$(PATH)
export LAB_PROFILE := $(PROFILE)

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

# ---------------------------------------------------------------- installation

.PHONY: setup
setup: $(INSTALLED) ## Make .venv with the pinned dependencies and link this checkout as pilotlight.aws_dr

$(INSTALLED): requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: $(PYTHON) was not found" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: $(PYTHON) is $$($(PYTHON) --version)" >&2; exit 1; }
	@echo "== setup: installing the pinned dependencies into $(VENV) (some minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@mkdir -p $(dir $(COLLECTION)) && ln -sfn "$(CURDIR)" $(COLLECTION)
	@touch $@

# ---------------------------------------------------------------- the lab and the drill

.PHONY: drill
drill: setup ## Lab up, deploy, activate, drill, come home, lab down, and the table (PROFILE=fast|realistic)
	@python -m lab drill --inventory $(INVENTORY)

.PHONY: lab-up lab-status lab-down
lab-up: setup ## Start two AWS regions on this machine and keep them running
	@python -m lab up
lab-status: setup ## Show what runs in the lab and where
	@python -m lab status
lab-down: setup ## Stop the lab
	@python -m lab down

.PHONY: gameday
gameday: setup ## Long: play SCENARIO=name, or all of lab/scenarios; measured against true (DOCS=yes, SEED=n, MUTANT=seeded fault)
	@$(if $(MUTANT),PYTHONPATH=.:tests python -m mutants.on_disk $(MUTANT) build/faulty && ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/build/faulty) \
	  python -m lab gameday $(SCENARIO) $(if $(SEED),--seed $(SEED)) $(if $(DOCS),--docs) $(if $(MUTANT),--reports reports/gameday-$(MUTANT))

.PHONY: gameday-faults
gameday-faults: setup ## Long: play each scenario (SCENARIO=name for one) with the first seeded fault that it names (EVERY=yes: each); each must fail
	@PYTHONPATH=.:tests python -m mutants.gameday $(if $(EVERY),--every-fault) $(SCENARIO)

# ---------------------------------------------------------------- tests

.PHONY: test
test: lint test-unit test-molecule test-end-to-end ## Lint, unit, Molecule and end-to-end tests

.PHONY: lint lint-python lint-yaml lint-cfn lint-ansible lint-docs sanity
lint: lint-python lint-yaml lint-cfn lint-ansible lint-docs sanity ## Every linter, no ignore file

lint-python: setup
	@echo "== lint: ruff"; ruff check . && ruff format --check .
	@echo "== lint: mypy --strict"; mypy plugins/module_utils/_recovery lab

lint-yaml: setup
	@echo "== lint: yamllint"; yamllint --strict .

lint-cfn: setup
	@echo "== lint: cfn-lint"; cfn-lint

lint-ansible: setup
	@echo "== lint: ansible-lint, production profile"; ansible-lint --strict

lint-docs: setup
	@echo "== lint: the configuration reference is what the roles say"; python tests/tools/configuration_reference.py --check
	@echo "== lint: the page of modes is what their table says"; python tests/tools/modes_reference.py --check
	@echo "== lint: the page of gates is what the table of gates says"; python tests/tools/gates_reference.py --check

# ansible-test wants a real copy of the collection, so it reads what users would install: the built collection.
sanity: build
	@echo "== lint: ansible-test sanity, every test, no ignore file"
	@rm -rf $(SANITY_ROOT)/pilotlight && mkdir -p $(SANITY_ROOT)/pilotlight/aws_dr
	@tar -xzf build/pilotlight-aws_dr.tar.gz -C $(SANITY_ROOT)/pilotlight/aws_dr
	@site=$$(python -c 'import ansible_collections; print(list(ansible_collections.__path__)[0])'); \
	  ln -sfn "$$site/amazon" $(SANITY_ROOT)/amazon; ln -sfn "$$site/community" $(SANITY_ROOT)/community
	@git -C $(SANITY_ROOT)/pilotlight/aws_dr init --quiet && git -C $(SANITY_ROOT)/pilotlight/aws_dr add --all  # ansible-test asks git which files there are
	@python tests/tools/prime_ansible_test.py
	@cd $(SANITY_ROOT)/pilotlight/aws_dr && ansible-test sanity --requirements --color no \
	  --python "$$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

.PHONY: build
build: setup ## Build the collection's tarball
	@mkdir -p build && ansible-galaxy collection build --force --output-path build . >/dev/null
	@ln -f build/pilotlight-aws_dr-*.tar.gz build/pilotlight-aws_dr.tar.gz

.PHONY: test-unit test-molecule test-end-to-end
test-unit: setup ## Unit tests, in process, on a virtual clock
	@echo "== unit tests"; pytest -n 2 tests/unit
	@echo "== random worlds"; pytest -n 2 tests/torture
	@echo "== seeded faults, a sample of them"; PYTHONPATH=.:tests python -m mutants --expected --sample 30

.PHONY: mutants torture
mutants: setup ## Put each seeded fault into the core: caught / seeded, and the survivors (MUTANTS="name ..." for some)
	@PYTHONPATH=.:tests python -m mutants $(MUTANTS)

# A failing seed prints how it is seen again: make torture SEED=<seed>.
SEEDS ?= 1000
torture: setup ## Random worlds (SEEDS=10000 FIRST=0; SEED=n for one world, step by step)
	@PYTHONPATH=.:tests python -m torture $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(or $(FIRST),0))

test-molecule: setup ## Molecule scenarios of the deploy roles, on one shared lab
	@echo "== molecule"; export LAB_HOME="$(CURDIR)/.cache/molecule-lab" LAB_NET=127.86.90 LAB_PROFILE=fast; \
	  export AWS_CONFIG_FILE="$$LAB_HOME/aws/config" AWS_SHARED_CREDENTIALS_FILE="$$LAB_HOME/aws/credentials"; \
	  molecule test --all

test-end-to-end: setup ## Bad input, and one whole run: deploy, drill, failback, through real ansible-playbook
	@echo "== integration and end-to-end tests"; pytest tests/integration tests/end_to_end --ignore tests/end_to_end/test_with_least_privilege.py

# Not part of `make test`, as it wants a browser on the machine: apt-get install chromium
.PHONY: test-browser
test-browser: setup ## The report's page in a real browser: console, figures, widths, light, dark, paper, keyboard
	@echo "== browser"; pytest tests/browser

.PHONY: test-privileges
test-privileges: setup ## Long: the same run, with every call of it held against the IAM policies that we ship
	@echo "== least privilege"; pytest tests/end_to_end

.PHONY: test-scenarios
test-scenarios: setup ## Long: deploys and moves killed, cut off, throttled, raced; adoption, other names, the built collection
	@echo "== scenarios"; pytest tests/scenarios

.PHONY: bench bench-quick
bench: setup ## Long: what we claim about speed, measured side by side on labs of its own (benchmarks/)
	@echo "== bench"; python -m benchmarks
bench-quick: setup ## A smoke test of the bench: it runs and prints
	@echo "== bench, quick"; python -m benchmarks --quick

.PHONY: docs
docs: setup ## Write the pages that are made from specifications and tables
	@python tests/tools/configuration_reference.py
	@python tests/tools/modes_reference.py
	@python tests/tools/gates_reference.py

.PHONY: clean
clean: ## Remove what was built (never .venv, never reports)
	@rm -rf build .cache
