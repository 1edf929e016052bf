# Two doors for a fresh machine:
#   make demo    a lab of three virtual hosts, a Ray cluster on them, and what to type next
#   make test    every check and every test
PYTHON ?= python3
VENV := .venv
LOCK := $(wildcard requirements-dev.txt)
MADE := $(VENV)/made
INVOKE := $(VENV)/bin/invoke
# The editable install warns of nothing but itself.
PIP := PYTHONWARNINGS=ignore $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test tools venv
demo: $(MADE)
	$(INVOKE) lab.up
	$(INVOKE) deploy --inventory inventories/lab.yml
	$(INVOKE) smoke
	$(INVOKE) status
	@echo
	@echo 'The cluster runs on three virtual hosts of this machine. What to type next:'
	@echo '  . $(VENV)/bin/activate'
	@echo '  invoke deploy --inventory inventories/lab.yml   once more: nothing changes'
	@echo '  invoke lab.reboot node2; invoke status          it comes back by itself'
	@echo '  invoke teardown                                 the cluster is gone'
	@echo '  invoke lab.down                                 the hosts are gone, too'

test: $(MADE) tools
	$(INVOKE) check
	$(INVOKE) test --rest

# What tests run for real, and a bare Debian lacks.
TOOLS := openssh-server openssh-client sudo busybox-static
tools:
	@[ -x /usr/sbin/sshd ] && command -v ssh sudo busybox >/dev/null || \
	    { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -q && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(TOOLS); } || \
	    { echo 'the tests need: $(TOOLS)'; exit 1; }

venv: $(MADE)

# Made anew only when what it was made from changes.
$(MADE): $(LOCK) setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo 'Python 3.11 or later is needed: make PYTHON=/path/to/python3.11'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo 'this Python cannot make virtual environments: apt-get install python3-venv'; exit 1; }
	$(PYTHON) -m venv $(VENV)
ifdef LOCK
	$(PIP) install --require-hashes --requirement $(LOCK)
	$(PIP) install --no-deps --no-build-isolation --editable .
else
	$(PIP) install --editable '.[dev]'
endif
	@touch $@
