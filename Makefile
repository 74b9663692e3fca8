# SPDX-License-Identifier: MIT
# Jobmill. `make help` lists the targets. GNU make, non-recursive; objects in build/<flavour>/.

FLAVOUR ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
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
ifneq ($(shell $(PKG) --exists $(ENGINE_PKGS) $(EXEC_PKGS) cmocka 2>/dev/null && echo yes),yes)
HAVE_LIBRARIES := no
endif
PKG_CFLAGS := $(shell $(PKG) --cflags $(ENGINE_PKGS) $(EXEC_PKGS) cmocka 2>/dev/null)

CPPFLAGS_ALL := -std=c11 -D_GNU_SOURCE -DJOBMILL_VERSION='"$(VERSION)"' \
  -DJOBMILL_PREFIX='"$(PREFIX)"' -Iengine -Isdk/include -I$(OBJ)/gen $(PKG_CFLAGS) $(CPPFLAGS)
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
TEST_LIB   := $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/lib/*.c))
HOSTILE    := $(patsubst tests/hostile/%.c,$(OBJ)/tests/hostile/%.so,$(wildcard tests/hostile/*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OUT)/jobmill $(OUT)/jobmill-exec $(PLUGINS) ## build the engine, the executor and the plugins

# Rebuild everything when the flags change.
STAMP := $(OBJ)/flags
$(shell mkdir -p $(OBJ)/gen; printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' \
  | cmp -s - $(STAMP) || printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' > $(STAMP))

$(OBJ)/%.o: %.c $(STAMP)
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  CC   $<")
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

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

# Plugins that exist only to be refused or survived.
$(OBJ)/tests/hostile/%.so: tests/hostile/%.c sdk/include/jobmill.h $(STAMP)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLUGIN_FLAGS) $(CFLAGS) -shared $< -o $@

# Unit tests: one program per file, mirroring engine/.
$(OBJ)/tests/%: $(OBJ)/tests/%.o $(TEST_LIB) $(ENGINE_OBJ) $(EXEC_OBJ) $(COMMON_OBJ)
	$(if $(filter 0,$(V)),@echo "  LD   $@")
	$(Q)$(CC) $(LDFLAGS_ALL) $^ -o $@ -lcmocka $(ENGINE_LIBS) $(EXEC_LIBS)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

clean: ## remove everything that was built
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: all clean help
