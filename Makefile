# wsd - a toolkit that sends each tenant's updates to everyone who watches it.
#
# `make demo` shows it, `make check` proves it; `make help` lists the rest.

BUILD ?= build
BIN ?= bin
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/wsd
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d

PROGRAMS = wsd wspub wssub wsbench
VERSION = 0.1.0

CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wpointer-arith -Wformat=2
CPPFLAGS += -D_GNU_SOURCE -DWSD_VERSION='"$(VERSION)"' -Ilib
ALL_CFLAGS = -std=c11 $(WARNINGS) $(CFLAGS) -MMD -MP

LIBS = libwebsockets libuv
PKG_CONFIG ?= pkg-config
LIB_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
LIB_LDLIBS = $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null)

# lib/LAYERS says which modules there are; a layer that needs no library is
# archived by itself, so that unit tests and fuzzers link with libc alone.
layer = $(shell sed -n 's/^$(1): [^|]*| *//p' lib/LAYERS)
DOMAIN_MODULES := $(call layer,base) $(call layer,domain) $(call layer,cli) \
	$(call layer,bench)
LIB_MODULES := $(call layer,adapters) $(call layer,tools)
DOMAIN_OBJECTS = $(patsubst %,$(BUILD)/lib/%.o,$(filter-out list,$(DOMAIN_MODULES)))
LIB_OBJECTS = $(LIB_MODULES:%=$(BUILD)/lib/%.o)
UNIT_TESTS = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

all: $(PROGRAMS:%=$(BIN)/%)

$(BUILD)/libdomain.a: $(DOMAIN_OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/libadapters.a: $(LIB_OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(DOMAIN_OBJECTS): $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(LIB_OBJECTS) $(PROGRAMS:%=$(BUILD)/cmd/%.o): $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(LIB_CFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BIN)/%: $(BUILD)/cmd/%.o $(BUILD)/libadapters.a $(BUILD)/libdomain.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

# Unit tests and fuzzers: the domain layer and libc, nothing else. The
# allocator is wrapped so that tests can make an allocation fail.
WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libdomain.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(ALL_CFLAGS) $(LDFLAGS) $(WRAP) -o $@ $< \
		tests/unit/tap.c $(BUILD)/libdomain.a

unit: $(UNIT_TESTS)
	@for t in $(UNIT_TESTS); do echo "# $$t"; $$t || exit 1; done

clean:
	rm -rf $(BUILD) $(BIN)

format:
	clang-format -i cmd/*.[ch] lib/*.[ch] tests/*/*.[ch]

.PHONY: all unit clean format
.SECONDARY:
-include $(wildcard $(BUILD)/lib/*.d $(BUILD)/cmd/*.d $(BUILD)/unit/*.d)
