# wsd - a toolkit that sends each tenant's updates to everyone who watches it.
#
# `make demo` shows it, `make check` proves it; `make help` lists the rest.

VERSION = 0.1.0

# Where things are built. Another BUILD and BIN is another, independent build.
BUILD ?= build
BIN ?= bin

# Where things are installed, below DESTDIR.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/wsd
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d

# What makes the mistakes of C harder to use. Calls are resolved when a program
# starts, not later: the resolver saves registers, which may hold a secret, on
# the stack.
CFLAGS ?= -O2 -g -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
LDFLAGS ?= -Wl,-z,relro,-z,now
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wpointer-arith -Wformat=2
ALL_CPPFLAGS = -D_GNU_SOURCE -DWSD_VERSION='"$(VERSION)"' -Ilib $(CPPFLAGS)
ALL_CFLAGS = -std=c11 $(WARNINGS) $(CFLAGS)

LIBS = libwebsockets libuv hiredis libssl libcrypto
PKG_CONFIG ?= pkg-config
LIB_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
# A program needs at run time only those that it uses.
LIB_LDLIBS = -Wl,--as-needed $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null)

# --- What there is to build --------------------------------------------------

# lib/LAYERS says which modules there are. Those whose layer may use libc alone
# make an archive of their own: unit tests and fuzzers link with nothing else.
NO_LIBRARY = : libc\( sockets\)\{0,1\} *|
DOMAIN_MODULES := $(shell sed -n '/^\#/d; s/^[a-z]*$(NO_LIBRARY)//p' lib/LAYERS)
ADAPTER_MODULES := $(shell sed -n '/^\#/d; /$(NO_LIBRARY)/d; s/.*|//p' lib/LAYERS)
PROGRAMS := $(patsubst cmd/%.c,%,$(wildcard cmd/*.c))
UNIT_TESTS := $(patsubst tests/%.c,%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS := tools/echoserver tools/echoclient tools/redisdrive

# A module may be a header alone.
objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1:%=lib/%.c)))
DOMAIN_OBJECTS := $(call objects,$(DOMAIN_MODULES))
ADAPTER_OBJECTS := $(call objects,$(ADAPTER_MODULES))
CRYPTO_OBJECTS := $(call objects,$(shell sed -n 's/^tokens:.*|//p' lib/LAYERS))
PROGRAM_OBJECTS := $(PROGRAMS:%=$(BUILD)/cmd/%.o)

# What wsd serves as files, as PATH=FILE: the console, and the client that it and
# other pages use.
WEB_PAGES := /=web/console.html /client.js=clients/js/client.js \
	$(foreach file,$(sort $(wildcard web/*.css web/*.js)),/$(file:web/%=console/%)=$(file))
DOMAIN_OBJECTS += $(BUILD)/web/files.o

# A recipe that calls make uses all processors unless it was told a number.
SUBMAKE = $(MAKE) $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

# A line for each file built; the whole commands with `make V=1`.
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '%-4s %s\n' $(1) $(2))
Q = $(if $(V),,@)

all: $(PROGRAMS:%=$(BIN)/%) ## the programs, in bin/

test-programs: $(UNIT_TESTS:%=$(BUILD)/%) $(FUZZERS:%=$(BUILD)/%) \
	$(TOOLS:%=$(BUILD)/%)

# --- Compiling and linking ---------------------------------------------------

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/web/files.c: web/embed.sh Makefile $(foreach page,$(WEB_PAGES),$(lastword $(subst =, ,$(page))))
	@mkdir -p $(@D)
	$(call say,MAKE,$@)
	$(Q)web/embed.sh $(WEB_PAGES) >$@

$(BUILD)/web/files.o: $(BUILD)/web/files.c
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A change of lib/LAYERS can take a module out: the archives are made anew.
$(BUILD)/libdomain.a: $(DOMAIN_OBJECTS) lib/LAYERS
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(DOMAIN_OBJECTS)

$(BUILD)/libadapters.a: $(ADAPTER_OBJECTS) lib/LAYERS
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(ADAPTER_OBJECTS)

$(ADAPTER_OBJECTS) $(PROGRAM_OBJECTS): ALL_CPPFLAGS += $(LIB_CFLAGS)
$(ADAPTER_OBJECTS) $(PROGRAM_OBJECTS): | libraries-there

# Says which packages are missing, in place of a header that is not found.
libraries-there:
	@tests/tools/deps.sh --check build

$(BIN)/%: $(BUILD)/cmd/%.o $(BUILD)/libadapters.a $(BUILD)/libdomain.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

# What tests share: an archive, so that each links only what it uses.
$(BUILD)/libtest.a: $(addprefix $(BUILD)/tests/unit/,tap.o fakeconn.o fakeclient.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Unit tests: the allocator is wrapped so that they can make it fail, and look
# at what is freed.
WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
$(BUILD)/tests/unit/%.o: ALL_CPPFLAGS += -Itests/unit
$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libtest.a $(BUILD)/libdomain.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(WRAP) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(TEST_LDLIBS)

# Fuzz targets: with a main() that replays files, or with libFuzzer's.
FUZZ_MAIN = $(BUILD)/tests/fuzz/replay.o
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_MAIN) $(BUILD)/libtest.a $(BUILD)/libdomain.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(TEST_LDLIBS)

# What reads the replies of Redis does no I/O, but stands on hiredis; tokens
# stand on libcrypto, and TLS on libssl.
HIREDIS_TESTS = $(BUILD)/unit/test_redisreader $(BUILD)/fuzz/fuzz_redisreader
$(HIREDIS_TESTS): $(BUILD)/lib/redisreader.o
CRYPTO_TESTS = $(addprefix $(BUILD)/unit/test_,jwtkey jwk tokenlist tokens mint) \
	$(addprefix $(BUILD)/fuzz/fuzz_,jwt jwks tokenlist)
$(CRYPTO_TESTS): $(CRYPTO_OBJECTS)
SECURE_TESTS = $(addprefix $(BUILD)/unit/test_,secure certificate)
$(SECURE_TESTS): $(BUILD)/lib/secure.o $(BUILD)/lib/certificate.o $(BUILD)/lib/secretfile.o
LIBRARY_TESTS = $(HIREDIS_TESTS) $(CRYPTO_TESTS) $(SECURE_TESTS)
$(LIBRARY_TESTS): TEST_LDLIBS = $(LIB_LDLIBS)

# Tools of tests that stand on the adapters. The echo server is wsd itself, with
# one function in place of another.
TOOL_OBJECTS := $(TOOLS:%=$(BUILD)/tests/%.o)
$(TOOL_OBJECTS): ALL_CPPFLAGS += $(LIB_CFLAGS)
$(TOOL_OBJECTS): | libraries-there
$(BUILD)/tools/echoserver: $(BUILD)/cmd/wsd.o
$(BUILD)/tools/echoserver: TOOL_LDFLAGS = -Wl,--wrap=session_receive
$(BUILD)/tools/%: $(BUILD)/tests/tools/%.o $(BUILD)/libadapters.a $(BUILD)/libdomain.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(TOOL_LDFLAGS) -o $@ \
		$(filter %.o,$^) $(filter %.a,$^) $(LIB_LDLIBS)

# --- Trying and testing ------------------------------------------------------

demo: ## install what is missing, build, and show the main job on live input
	@tests/tools/deps.sh demo
	@BUILD=$(BUILD) BIN=$(BIN) examples/demo.sh

check: ## install what the tests need, build, run all tests
	@tests/tools/deps.sh test
	@+$(SUBMAKE) all test-programs
	@BUILD=$(BUILD) BIN=$(BIN) tests/run.sh

PURE_TESTS = $(filter-out $(LIBRARY_TESTS:$(BUILD)/%=%),$(UNIT_TESTS))
unit: $(PURE_TESTS:%=$(BUILD)/%) ## the unit tests that need no library
	@BUILD=$(BUILD) tests/run.sh $(PURE_TESTS:%=tests/%.c)

# All of `make check` with the sanitizers, in builds of their own.
ASAN = build-asan
ASAN_FLAGS = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
sanitizers: ## all tests with address, leak and undefined-behaviour sanitizers
	@tests/tools/deps.sh test
	@+$(SUBMAKE) BUILD=$(ASAN) BIN=$(ASAN)/bin CFLAGS='$(ASAN_FLAGS)' \
		all test-programs
	@ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 \
		UBSAN_OPTIONS=print_stacktrace=1 BATS_TEST_TIMEOUT=180 \
		BUILD=$(ASAN) BIN=$(ASAN)/bin tests/run.sh

soak: ## hostile and good peers come and go for SOAK_SECONDS (300)
	@tests/tools/deps.sh test
	@+$(SUBMAKE) all
	@BIN=$(BIN) tests/soak.sh

FUZZ = build-fuzz
FUZZ_FLAGS = -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
fuzz-smoke: ## each fuzz target for FUZZ_SECONDS (10)
	@tests/tools/deps.sh fuzz
	@+$(SUBMAKE) BUILD=$(FUZZ) CC=clang CFLAGS='$(FUZZ_FLAGS)' FUZZ_MAIN= \
		LDFLAGS=-fsanitize=fuzzer $(FUZZERS:%=$(FUZZ)/%)
	@BUILD=$(FUZZ) tests/tools/fuzz.sh $(FUZZERS)

lint: ## layers, format, lengths, manual pages, scripts, warnings as errors
	@tests/tools/deps.sh lint
	@MAKE='$(SUBMAKE)' tests/tools/lint.sh

format: ## let clang-format decide
	clang-format -i $(wildcard $(foreach d,cmd lib tests/unit tests/fuzz \
		tests/bench tests/tools,$(d)/*.c $(d)/*.h))

bench: ## the figures of the README
	@tests/tools/deps.sh bench
	@+$(SUBMAKE) all
	@BUILD=$(BUILD) BIN=$(BIN) tests/bench/run.sh

# --- Documents and installation ----------------------------------------------

completions: all ## write completions/ from the programs' option tables
	mkdir -p completions/bash completions/zsh completions/fish
	for p in $(PROGRAMS); do \
		$(BIN)/$$p --completion bash >completions/bash/$$p && \
		$(BIN)/$$p --completion zsh >completions/zsh/_$$p && \
		$(BIN)/$$p --completion fish >completions/fish/$$p.fish || exit; \
	done

# `call copy,MODE,FILES,DIRECTORY`; nothing when there are no FILES.
copy = $(if $(2),install -d $(DESTDIR)$(3) && install -m $(1) $(2) $(DESTDIR)$(3))
DOCS = $(wildcard README.md ARCHITECTURE.md SECURITY.md LICENSE)
# `call files,PATTERN`: without directories.
files = $(filter-out $(patsubst %/.,%,$(wildcard $(1)/.)),$(wildcard $(1)))

install: all ## to PREFIX (/usr/local), below DESTDIR
	$(call copy,755,$(PROGRAMS:%=$(BIN)/%),$(BINDIR))
	$(call copy,644,$(wildcard man/*.1),$(MANDIR)/man1)
	$(call copy,644,$(wildcard man/*.7),$(MANDIR)/man7)
	$(call copy,644,$(wildcard man/*.8),$(MANDIR)/man8)
	$(call copy,644,$(wildcard completions/bash/*),$(BASHCOMPDIR))
	$(call copy,644,$(wildcard completions/zsh/*),$(ZSHCOMPDIR))
	$(call copy,644,$(wildcard completions/fish/*),$(FISHCOMPDIR))
	$(call copy,644,$(DOCS),$(DOCDIR))
	$(call copy,644,$(call files,examples/*),$(DOCDIR)/examples)
	$(call copy,644,$(wildcard examples/systemd/*),$(DOCDIR)/examples/systemd)
	$(call copy,644,$(wildcard examples/nginx/*),$(DOCDIR)/examples/nginx)
	$(call copy,644,$(wildcard examples/browser/*),$(DOCDIR)/examples/browser)
	$(call copy,644,$(wildcard examples/react/*),$(DOCDIR)/examples/react)

# `call remove,FILES,DIRECTORY`
remove = rm -f $(addprefix $(DESTDIR)$(2)/,$(notdir $(1)))

uninstall: ## what install put there, with the same PREFIX and DESTDIR
	$(call remove,$(PROGRAMS),$(BINDIR))
	$(call remove,$(wildcard man/*.1),$(MANDIR)/man1)
	$(call remove,$(wildcard man/*.7),$(MANDIR)/man7)
	$(call remove,$(wildcard man/*.8),$(MANDIR)/man8)
	$(call remove,$(wildcard completions/bash/*),$(BASHCOMPDIR))
	$(call remove,$(wildcard completions/zsh/*),$(ZSHCOMPDIR))
	$(call remove,$(wildcard completions/fish/*),$(FISHCOMPDIR))
	rm -rf $(DESTDIR)$(DOCDIR)

clean: ## remove what was built
	rm -rf $(BUILD) $(BIN) $(ASAN) $(FUZZ) build-lint

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all test-programs libraries-there demo check unit sanitizers \
	soak fuzz-smoke lint format bench completions install uninstall clean help

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/tests/*/*.d)
