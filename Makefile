# SPDX-License-Identifier: MIT
# Jobmill. `make help` lists the targets. GNU make, non-recursive; objects in build/<flavour>/.

FLAVOUR ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
STATEDIR   ?= /var/lib/jobmill
VERSION := 0.1.0

CC      ?= gcc
CFLAGS  ?= -O2 -g
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

OBJ := build/$(FLAVOUR)/obj
# the release flavour's programs are what people run: build/jobmill
OUT := $(if $(filter release,$(FLAVOUR)),build,build/$(FLAVOUR))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
  -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wvla -Wimplicit-fallthrough -Wnull-dereference \
  $(if $(WERROR),-Werror)
HARDENING_release := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
  -fcf-protection
FLAGS_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan := -fsanitize=thread -fno-omit-frame-pointer
FLAVOUR_FLAGS := $(HARDENING_$(FLAVOUR)) $(FLAGS_$(FLAVOUR))

PKG := pkg-config
ENGINE_PKGS := sqlite3 jansson libsodium libmicrohttpd libcurl inih
EXEC_PKGS   := lua5.4 jansson

# `make clean`, `make help` and the set-up targets must work before the libraries are there
HAVE_LIBRARIES := $(shell $(PKG) --exists $(ENGINE_PKGS) $(EXEC_PKGS) cmocka 2>/dev/null \
  && echo yes)
PKG_CFLAGS := $(shell $(PKG) --cflags $(ENGINE_PKGS) $(EXEC_PKGS) cmocka 2>/dev/null)

CPPFLAGS_ALL := -std=c11 -D_GNU_SOURCE -DJOBMILL_VERSION='"$(VERSION)"' \
  -Iengine -Isdk/include -I$(OBJ)/gen $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL   := $(WARNINGS) $(CFLAGS) $(FLAVOUR_FLAGS) -fPIE -pthread
LDFLAGS_ALL  := $(FLAVOUR_FLAGS) -pie -pthread -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
ENGINE_LIBS   = $(shell $(PKG) --libs $(ENGINE_PKGS)) -lm
EXEC_LIBS     = $(shell $(PKG) --libs $(EXEC_PKGS)) -ldl -lm

COMMON_SRC := $(wildcard engine/base/*.c engine/json/*.c engine/model/*.c engine/ipc/*.c)
ENGINE_SRC := $(wildcard engine/conf/*.c engine/store/*.c engine/queue/*.c engine/http/*.c \
  engine/core/*.c engine/cli/*.c)
EXEC_SRC   := $(filter-out engine/exec/main.c,$(wildcard engine/exec/*.c))
COMMON_OBJ := $(COMMON_SRC:%.c=$(OBJ)/%.o)
ENGINE_OBJ := $(ENGINE_SRC:%.c=$(OBJ)/%.o) $(OBJ)/gen/migrations.o $(OBJ)/gen/assets.o
EXEC_OBJ   := $(EXEC_SRC:%.c=$(OBJ)/%.o)

PLUGIN_SRC := $(wildcard plugins/*/*.c)
PLUGINS    := $(foreach d,$(sort $(dir $(PLUGIN_SRC))),$(OUT)/plugins/$(notdir $(d:/=)).so)

UNIT_SRC   := $(wildcard tests/unit/*/test_*.c tests/store/test_*.c)
UNIT_TESTS := $(UNIT_SRC:tests/%.c=$(OBJ)/tests/%)
# what more a folder's tests share: every other .c file beside them
UNIT_MORE  := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*/*.c tests/store/*.c))
TEST_LIB   := $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/lib/*.c) $(UNIT_MORE))
TEST_PLUGINS := $(patsubst %.c,$(OBJ)/%.so,\
  $(wildcard tests/hostile/*.c tests/chaos/*.c tests/api/*.c))
BENCH_PLUGINS := $(patsubst bench/%.c,$(OUT)/bench/%.so,$(wildcard bench/stamp.c))
BENCH_SERVERS := $(patsubst bench/%.c,$(OUT)/bench/%,$(wildcard bench/bare*.c))

PYTHON := /usr/bin/python3
# what the tests need to know of this build
TEST_ENV = JOBMILL_BUILD='$(CURDIR)/$(OUT)' JOBMILL_EXEC='$(CURDIR)/$(OUT)/jobmill-exec' \
  JOBMILL_HOSTILE='$(CURDIR)/$(OBJ)/tests/hostile' JOBMILL_TEST_PLUGINS='$(CURDIR)/$(OBJ)/tests' \
  PYTHONDONTWRITEBYTECODE=1
RUN = $(TEST_ENV) $(PYTHON) tests/run.py --flavour $(FLAVOUR) $(if $(TALLY),--tally $(TALLY))
API_TESTS   := $(wildcard tests/api/test_*.py tests/e2e/test_*.py)
CHAOS_TESTS := $(wildcard tests/chaos/*.py)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OUT)/jobmill $(OUT)/jobmill-exec $(PLUGINS) ## build the engine, the executor and the plugins

libraries:
ifneq ($(HAVE_LIBRARIES),yes)
	@echo "Libraries are missing: run \`deploy/debian-packages.sh\` first (\`make check\` and" \
	  "\`make demo\` do it by themselves)." >&2; exit 1
endif

# Rebuild everything when the flags change.
STAMP := $(OBJ)/flags
ALL_FLAGS := $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)
$(shell mkdir -p $(OBJ)/gen; printf '%s\n' '$(ALL_FLAGS)' | cmp -s - $(STAMP) \
  || printf '%s\n' '$(ALL_FLAGS)' > $(STAMP))

$(OBJ)/%.o: %.c $(STAMP) | libraries
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  CC   $<")
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# The one file that knows where it will be installed.
PREFIX_STAMP := $(OBJ)/prefix
$(shell printf '%s\n' '$(PREFIX)' | cmp -s - $(PREFIX_STAMP) || echo '$(PREFIX)' > $(PREFIX_STAMP))
$(OBJ)/engine/core/exec_path.o: CPPFLAGS_ALL += -DJOBMILL_PREFIX='"$(PREFIX)"'
$(OBJ)/engine/core/exec_path.o: $(PREFIX_STAMP)

# Files that are built into the engine.
$(OBJ)/gen/migrations.c: $(wildcard migrations/*/*.sql) deploy/embed.sh
	$(Q)sh deploy/embed.sh migrations $(wildcard migrations/*/*.sql) > $@
$(OBJ)/gen/assets.c: $(wildcard engine/http/*.json) deploy/embed.sh
	$(Q)sh deploy/embed.sh assets $(wildcard engine/http/*.json) > $@
$(OBJ)/gen/%.o: $(OBJ)/gen/%.c $(STAMP)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c $< -o $@

$(OUT)/jobmill: $(OBJ)/engine/main.o $(ENGINE_OBJ) $(COMMON_OBJ)
	$(if $(filter 0,$(V)),@echo "  LD   $@")
	$(Q)$(CC) $(LDFLAGS_ALL) $^ -o $@ $(ENGINE_LIBS)
$(OUT)/jobmill-exec: $(OBJ)/engine/exec/main.o $(EXEC_OBJ) $(COMMON_OBJ)
	$(if $(filter 0,$(V)),@echo "  LD   $@")
	$(Q)$(CC) $(LDFLAGS_ALL) $^ -o $@ $(EXEC_LIBS)

# A plugin is one folder: all its .c files, jansson if it wants it, nothing undefined.
PLUGIN_FLAGS := -std=c11 -D_GNU_SOURCE -Isdk/include -fPIC -fvisibility=hidden -pthread
.SECONDEXPANSION:
$(OUT)/plugins/%.so: $$(wildcard plugins/%/*.c) sdk/include/jobmill.h $(STAMP)
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  SO   $@")
	$(Q)$(CC) $(PLUGIN_FLAGS) $(WARNINGS) $(CFLAGS) $(FLAVOUR_FLAGS) -shared \
	  $(if $(filter release,$(FLAVOUR)),-Wl$(comma)-z$(comma)defs) -Wl,--as-needed \
	  $(filter %.c,$^) -o $@.new -ljansson -lm && mv $@.new $@
comma := ,

# Plugins of the tests: to be refused, to be survived, to keep a ledger.
$(OBJ)/tests/%.so: tests/%.c sdk/include/jobmill.h $(STAMP) | libraries
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  SO   $@")
	$(Q)$(CC) $(PLUGIN_FLAGS) $(CFLAGS) -shared -Wl,--as-needed $< -o $@ -ljansson -lm

# Unit tests: one program per file, mirroring engine/.
$(OBJ)/tests/%.o: CPPFLAGS_ALL += -Itests
$(UNIT_TESTS): %: %.o $(TEST_LIB) $(ENGINE_OBJ) $(EXEC_OBJ) $(COMMON_OBJ)
	$(if $(filter 0,$(V)),@echo "  LD   $@")
	$(Q)$(CC) $(LDFLAGS_ALL) $^ -o $@ -lcmocka $(ENGINE_LIBS) $(EXEC_LIBS)

# What the bench measures with: the bare server beside ours, and a handler that stamps the time.
$(OUT)/bench/%.so: bench/%.c sdk/include/jobmill.h $(STAMP) | libraries
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLUGIN_FLAGS) $(WARNINGS) $(CFLAGS) -shared $< -o $@
$(OUT)/bench/%: bench/%.c $(STAMP) | libraries
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(WARNINGS) $(CFLAGS) -pthread $< -o $@ -lmicrohttpd

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# ---- running ------------------------------------------------------------------------------------

run: all ## run the engine in the foreground with conf.d
	$(OUT)/jobmill serve -c conf.d

demo: ## install what is missing, build, and watch jobs run
	@deploy/debian-packages.sh build
	@$(MAKE) --no-print-directory all
	@sh deploy/demo.sh

# ---- tests --------------------------------------------------------------------------------------

check: ## install what is missing, build, and run every test in its short form
	@deploy/debian-packages.sh build check
	@MAKE='$(MAKE)' $(PYTHON) tests/check.py

tests: all $(UNIT_TESTS) $(TEST_PLUGINS) ## build the tests without running them

UNIT_CHOSEN := $(filter $(OBJ)/tests/$(ONLY)%,$(UNIT_TESTS))
unit: all $(UNIT_CHOSEN) $(TEST_PLUGINS) ## unit tests and the stores' conformance suite (ONLY=…)
	@$(RUN) $(UNIT_CHOSEN)

api: tests ## end-to-end tests against the built programs
	@$(RUN) --limit 300 $(filter tests/$(ONLY)%,$(API_TESTS))

chaos: tests ## kill the engine at random moments under load, a few times
	@$(RUN) --limit 600 $(CHAOS_TESTS)

soak: tests ## the long form of the chaos tests
	@$(RUN) --limit 36000 'tests/chaos/kill_engine.py --kills 500'

tsan: ## unit tests with threads, and some end-to-end tests, under the thread sanitizer
	@$(MAKE) --no-print-directory FLAVOUR=tsan tsan-run
tsan-run: tests
	@$(RUN) --limit 600 $(TSAN_UNIT) $(filter $(TSAN_API:%=tests/%),$(API_TESTS))
# json/ and model/ have no threads
TSAN_UNIT = $(filter-out $(OBJ)/tests/unit/json/% $(OBJ)/tests/unit/model/%,$(UNIT_TESTS))
TSAN_API ?= api/test_jobs.py api/test_bulk.py

lint: ## our own laws, static analysis, and a second compiler
	@$(PYTHON) tests/lint/lint.py
	@$(PYTHON) tests/lint/selftest.py
	@sh tests/lint/analyse.sh cppcheck clang

linkage: all ## law 5 as the linker sees it
	@sh tests/lint/linkage.sh $(OUT) $(OBJ)
	@CC='$(CC)' sh tests/lint/linkage_selftest.sh

tidy: ## clang-tidy over everything (slow)
	@deploy/debian-packages.sh build check develop
	@sh tests/lint/analyse.sh tidy

show-warnings:
	@echo '$(WARNINGS)'

FUZZ_SECONDS ?= 60
fuzz: ## fuzz the JSON scanner against jansson, and the wire decoder (FUZZ_SECONDS=60 each)
	@deploy/debian-packages.sh build develop
	@sh tests/fuzz/fuzz.sh $(FUZZ_SECONDS)

bench: all $(BENCH_PLUGINS) $(BENCH_SERVERS) ## measure, each figure beside its limit
	@deploy/debian-packages.sh bench
	@$(PYTHON) bench/bench.py

# ---- formatting ---------------------------------------------------------------------------------

# sdk/ is laid out by hand, for its readers
C_FILES = $(wildcard engine/*.[ch] engine/*/*.[ch] \
  plugins/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch] bench/*.c)
format: ## lay every C file out by .clang-format
	$(Q)clang-format -i $(C_FILES)
format-check: ## say which C files are not laid out by .clang-format
	$(Q)clang-format --dry-run -Werror $(C_FILES)

# ---- installation -------------------------------------------------------------------------------

LIBDIR   = $(PREFIX)/lib
SHAREDIR = $(PREFIX)/share
CONFDIR  = $(SYSCONFDIR)/jobmill/conf.d
INSTALL ?= install
# folder, mode, files
INSTALL_SET = $(INSTALL) -d '$(DESTDIR)$(strip $(1))' && \
  $(INSTALL) -m $(strip $(2)) $(3) '$(DESTDIR)$(strip $(1))'

# The manual of the configuration has its table of keys from the program.
MAN := $(wildcard docs/man/*.[1-8] sdk/man/*.[1-8]) $(OUT)/man/jobmill.ini.5
$(OUT)/man/%: docs/man/%.in docs/man/keys.sh $(OUT)/jobmill
	@mkdir -p $(@D)
	$(Q)sh docs/man/keys.sh $(OUT)/jobmill $< > $@

install: all $(MAN) ## install under $(DESTDIR)$(PREFIX); configuration that is there is kept
	$(Q)$(call INSTALL_SET, $(PREFIX)/bin, 755, $(OUT)/jobmill)
	$(Q)$(call INSTALL_SET, $(PREFIX)/libexec/jobmill, 755, $(OUT)/jobmill-exec)
	$(Q)$(call INSTALL_SET, $(LIBDIR)/jobmill/plugins, 644, $(PLUGINS))
	$(Q)$(call INSTALL_SET, $(SHAREDIR)/jobmill/lua-handlers, 644, lua-handlers/*.lua)
	$(Q)$(call INSTALL_SET, $(PREFIX)/include, 644, sdk/include/jobmill.h)
	$(Q)$(call INSTALL_SET, $(SHAREDIR)/jobmill/template, 644, sdk/template/*)
	$(Q)$(call INSTALL_SET, $(SHAREDIR)/doc/jobmill, 644, README.md LICENSE)
	$(Q)$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig'
	$(Q)sed -e 's|@prefix@|$(PREFIX)|g' -e 's|@version@|$(VERSION)|g' sdk/jobmill.pc.in \
	  > '$(DESTDIR)$(LIBDIR)/pkgconfig/jobmill.pc'
	$(Q)$(foreach n,$(sort $(subst .,,$(suffix $(MAN)))),\
	  $(call INSTALL_SET, $(SHAREDIR)/man/man$(n), 644, $(filter %.$(n),$(MAN))) &&) true
	$(Q)sh deploy/install-conf.sh conf.d '$(DESTDIR)$(CONFDIR)' '$(LIBDIR)/jobmill/plugins' \
	  '$(SHAREDIR)/jobmill/lua-handlers' '$(STATEDIR)'
	@echo "Installed. Start with: $(PREFIX)/bin/jobmill serve -c $(CONFDIR)"

install-test: all ## install into a scratch folder, build the plugin template there, uninstall
	@sh tests/install.sh '$(MAKE)'

uninstall: ## remove what install put there, but for the configuration
	rm -f '$(DESTDIR)$(PREFIX)/bin/jobmill' '$(DESTDIR)$(PREFIX)/include/jobmill.h' \
	  '$(DESTDIR)$(LIBDIR)/pkgconfig/jobmill.pc' \
	  $(foreach m,$(notdir $(MAN)),'$(DESTDIR)$(SHAREDIR)/man/man$(subst .,,$(suffix $(m)))/$(m)')
	rm -rf '$(DESTDIR)$(PREFIX)/libexec/jobmill' '$(DESTDIR)$(LIBDIR)/jobmill' \
	  '$(DESTDIR)$(SHAREDIR)/jobmill' '$(DESTDIR)$(SHAREDIR)/doc/jobmill'
	@echo "Kept: $(CONFDIR) and $(STATEDIR)"

# ---- and ----------------------------------------------------------------------------------------

clean: ## remove everything that was built
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-14s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  Honoured: CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR SYSCONFDIR STATEDIR V=1 WERROR=1"
	@echo "            FLAVOUR=release|asan|tsan; ONLY=unit/json for the tests whose names begin so"

.PHONY: all libraries run demo check tests unit api chaos soak tsan tsan-run lint linkage tidy \
  show-warnings fuzz bench format format-check install install-test uninstall clean help
