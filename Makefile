# Maemio's build. `make help` lists the targets; scripts/setup installs what they need.
#
# One configuration is MODE x CC x OPTIONS x SLOW and has a folder of its own below build/. Sources are
# found by wildcard. The engine's objects are linked into one relocatable object (release: optimised as a whole by gcc's
# LTO, but plain machine code, so that programs linked without LTO can use it). libmaemio.a is that object with every
# symbol hidden but mae_*; libmaemio.so.0 has the same names, linked from the same sources. ./maemio links against the
# former as any embedding program would. Tests link with internals visible.

# Schedules need race points, which release builds have not.
MODE ?= $(if $(filter schedule,$(MAKECMDGOALS)),debug,release)#	release | debug | asan | tsan | cov | fuzz | sim
OPTIONS ?=#		fixed: the protocol's switches are constants at their defaults; to measure what they cost
MUTATION ?=#		MODE=debug: what runs has one deliberate fault, see tests/mutations
SLOW ?=#			N: every commit spins for N% of the time; Ni: of the instructions. See scripts/regress-proof
SKIP ?=#			tests that are neither built nor run, such as schedule/anomalies
WERROR ?= -Werror#	WERROR= for a compiler newer than ours, with new warnings; nothing is built again for it
PREFIX ?= /usr/local#	where `make install` goes, below DESTDIR
LIBDIR ?= $(PREFIX)/lib#	of the library, such as /usr/lib/x86_64-linux-gnu
DATADIR := $(PREFIX)/share/maemio
PLUGINDIR := $(PREFIX)/lib/maemio/targets
MANUAL := $(PREFIX)/share/man/man1/maemio.1
COMPLETION := $(PREFIX)/share/bash-completion/completions/maemio
ZSH_COMPLETION := $(PREFIX)/share/zsh/site-functions/_maemio
export LC_ALL := C.UTF-8
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(shell uname -m),x86_64)
MARCH ?= x86-64-v2#	MARCH=native for this machine only, which is no faster: docs/measuring.md
endif

MODES := release debug asan tsan cov fuzz sim
ifeq ($(filter $(MODE),$(MODES)),)
$(error MODE=$(MODE): must be one of $(MODES))
endif

ifneq ($(filter-out fixed,$(OPTIONS)),)
$(error OPTIONS=$(OPTIONS): must be empty or fixed)
endif

ifneq ($(MUTATION),)
ifneq ($(MODE),debug)
$(error MUTATION=$(MUTATION): only MODE=debug has mutations)
endif
export MAE_MUTATION := $(MUTATION)
endif

slow_unit := $(if $(filter %i,$(SLOW)),_INSTRUCTIONS)
ifneq ($(shell echo '$(SLOW)' | grep -vxE '([0-9]{1,3}i?)?'),)
$(error SLOW=$(SLOW): must be a number of percent, or one with i at its end)
endif

space := $(subst ,, )
comma := ,
clang := $(findstring clang,$(CC))
# BUILD=FOLDER, given by the user, takes the place of build/. From here on BUILD is this configuration's folder in it.
ROOT := $(or $(BUILD),build)
unexport BUILD
override BUILD := $(ROOT)/$(subst $(space),-,$(strip $(clang) $(MODE) $(OPTIONS) $(addprefix slow,$(SLOW))))
CONFIG := $(notdir $(BUILD))
OBJCOPY ?= objcopy
Q := $(if $(V),,@)
say := @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,echo)#	`make -s` says nothing

# ---- Flags. EXTRA_CFLAGS is the user's. ----

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wundef -Wvla -Wcast-qual
# -mprfchw: without it a prefetch for writing is one for reading, and the line is fetched again by the write. Processors
# that do not know the instruction take it for a NOP.
COMMON := -std=gnu17 $(WARNINGS) -g $(addprefix -march=,$(MARCH)) -mprfchw
LTO := $(if $(clang),,-flto=auto)

# Below -O2 gcc cannot follow the flow well enough for these two warnings; the release build has them.
CHECKED := -DMAE_DEBUG -fno-omit-frame-pointer $(if $(clang),,-Wno-maybe-uninitialized -Wno-stringop-overflow)
CFLAGS_release := -O3 $(LTO)
CFLAGS_debug := -O1 $(CHECKED) -DMAE_MUTATIONS
# The sanitizers' reports need lines only, and what is linked is half as large with -g1.
CFLAGS_asan := -O1 -g1 $(CHECKED) -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_tsan := -O1 -g1 $(CHECKED) -fsanitize=thread
CFLAGS_fuzz := -O1 $(CHECKED) -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
CFLAGS_sim := $(CFLAGS_release) -DMAE_SIM -fno-stack-protector -Wno-maybe-uninitialized -Wno-stringop-overflow
CFLAGS_cov := -O0 $(CHECKED) --coverage -fprofile-update=atomic
# -fPIE: without it gcc takes -r for a shared library and inlines nothing across files.
RELOCATE_release := $(if $(clang),,$(COMMON) $(CFLAGS_release) -fPIE -flinker-output=nolto-rel)
# The compiler puts the calls of MODE=sim in when it has inlined across sources, which is here.
RELOCATE_sim = $(if $(clang),,$(COMMON) $(CFLAGS_sim) $(filter-out -include %.h,$(INSTRUMENT)) -fPIE \
	-flinker-output=nolto-rel)

# MODE=sim: each access of memory and each basic block is a call that sim/runtime answers; the simulator itself makes
# none.
INSTRUMENT_sim := -fsanitize=thread -fsanitize-coverage=trace-pc -include sim/runtime/instrumented.h
INSTRUMENT = $(INSTRUMENT_$(MODE))
WRAPPED := $(if $(filter sim,$(MODE)),syscall \
	$(shell sed -n 's/^WRAP.[^$(comma)]*$(comma) \([a-z_]*\)$(comma).*/\1/p' sim/runtime/*.c))

CPPFLAGS := -I. $(if $(OPTIONS),-DMAE_FIXED_OPTIONS) \
	$(if $(SLOW),-DMAE_SLOW$(slow_unit)=$(SLOW:i=))
CFLAGS := $(COMMON) $(CFLAGS_$(MODE)) $(EXTRA_CFLAGS)
# SQL needs SQLite. Where its development files are missing, the build leaves sql/ out.
PKG_CONFIG ?= pkg-config
SQLITE := $(shell $(PKG_CONFIG) --libs sqlite3 2>/dev/null)
# Other people's databases as targets: a shared object for each whose header is found (harness/targets/external.h), as
# name:header:libraries. No instrumentation but of addresses: their libraries have none.
DATABASES := $(shell sed -n 's/^[^"]*X.\([a-z]*\), "\([^"]*\)", "\([^"]*\)", .*/\1:\2:\3/p' harness/targets/external.h)
# Within a function's call make 4.3 keeps the backslash of an escaped hash, and make 4.2 takes a bare one for a comment.
hash := \#
has_header = $(shell echo '$(hash)include <$(1)>' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)
database_part = $(word $(2),$(subst :, ,$(1)))
PLUGGED := $(filter release debug asan,$(MODE))
FOUND := $(if $(PLUGGED),$(foreach d,$(DATABASES),$(if $(call has_header,$(call \
	database_part,$(d),2)),$(d))))
LDLIBS := -lhwloc -lpfm -ljansson -lpthread -lm
VERSION = $(shell sed -n 's/^.define MAE_VERSION "\(.*\)"/\1/p' engine/maemio.h)
REVISION := $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
# Sources are found by wildcard, so one that git does not know, ignored or not, is compiled in like any other.
UNKNOWN := $(shell git ls-files --others -- engine sql schemes workloads harness sim 2>/dev/null | \
	grep -m 1 -E '\.(c|h|def)$$')
REVISION := $(REVISION)$(if $(findstring -dirty,$(REVISION)),,$(if $(UNKNOWN),-dirty))

# ---- What is built from what. ----

tree = $(wildcard $(foreach d,$(1),$d/*.c $d/*/*.c $d/*/*/*.c $d/*/*/*/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

ENGINE := $(call objects,$(call tree,engine))
# A sanitizer's run-time library belongs to the program, so that only these modes have a shared library.
SHARED := $(if $(filter release debug,$(MODE)),$(BUILD)/libmaemio.so.0)
# The model of the machine is tested in every MODE; the runtime that feeds it is part of MODE=sim only.
SIM := $(call objects,$(wildcard sim/*.c) $(if $(filter sim,$(MODE)),$(wildcard sim/runtime/*.c)))
# The target sql needs SQLite, whose memory a simulated machine does not see.
TARGET_SQL := $(if $(filter sim,$(MODE)),,$(SQLITE))
HARNESS := $(call objects,$(filter-out harness/cli/main.c harness/cli/sql.c harness/targets/plugins/% \
	$(if $(TARGET_SQL),,harness/targets/sql%), \
	$(call tree,schemes workloads harness)))
COMMAND := $(call objects,harness/cli/main.c harness/cli/sql.c)
SUPPORT := $(call objects,$(filter-out $(if $(SQLITE),,%/sql.c),$(call tree,tests/support)))
# The loadable extension has its SQL code compiled once more: there SQLite's calls go through a table. It is made where
# the shared library is, for the same reason.
SQL := $(call objects,$(if $(SQLITE),$(wildcard sql/*.c)))
EXTENSION := $(if $(SHARED),$(patsubst $(BUILD)/sql/%,$(BUILD)/extension/%,$(filter-out %/shell.o %/csv.o,$(SQL))))
# Each has the rows of a target over keyspaces, and its own store of them.
PLUGINS := $(foreach d,$(FOUND),$(BUILD)/targets/$(call database_part,$(d),1).so)
STORES := $(foreach d,$(FOUND),$(BUILD)/plugins/$(call database_part,$(d),1).o)
ROWS := $(patsubst %,$(BUILD)/plugins/%.o,arena folder records rows server trips)
LIBRARIES := $(BUILD)/libmaemio.a $(SHARED) $(if $(SQL),$(BUILD)/libmaemio_sql.a) $(if $(EXTENSION),$(BUILD)/maemio.so)
UNIT := $(patsubst %.c,$(BUILD)/%,$(filter-out $(if $(SQL),,tests/unit/sql/% %/targets/sql.c),$(call tree,tests/unit)))
HEAVY := $(patsubst %.c,$(BUILD)/%,$(filter-out $(if $(SQL),,%/sql.c),$(call tree,tests/model \
	tests/schedule tests/stress tests/fault tests/conformance tests/crash)))
ifeq ($(MODE),sim)
UNIT :=#	what is measured there is a machine that is not: only the script that drives it
HEAVY :=
endif
HEAVY := $(filter-out $(SKIP:%=$(BUILD)/tests/%),$(HEAVY))
TESTS := $(UNIT) $(HEAVY)
# Those with more than one thread, the only ones that ThreadSanitizer can say anything about.
THREADED = $(patsubst %.c,$(BUILD)/%,$(call tree,tests/stress) $(sort $(shell \
	grep -rlE 'pthread_create|run_threads|crew_|maintenance_start|bench/run|actors_open' --include='*.c' \
	tests/unit tests/fault tests/conformance tests/crash)))
# Those whose threads race for milliseconds, so that both CPUs of a small machine are to be theirs: they run alone.
ALONE := $(filter $(BUILD)/tests/stress/%,$(TESTS))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(filter-out $(if $(SQL),,%/sql_bench.c),$(wildcard tests/bench/*_bench.c)))
BENCH_PARTS := $(call objects,$(filter-out %_bench.c %/sql_floor.c,$(wildcard tests/bench/*.c)))
SCRIPTS ?= $(shell scripts/test --scripts $(MODE))#	those of tests/cli that `make test` runs, without .sh
FORMATTED := $(shell find engine sql schemes workloads harness sim tests examples -name '*.[ch]' -o -name '*.inc' \
	2>/dev/null)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests test unit-tests quick-test fuzzers fuzz thread-tests thread-test schedule valgrind mutations benches
.PHONY: bench check-all coverage figures gate baseline layers house style format format-check shellcheck lint install
.PHONY: uninstall package clean help FORCE

# Runs commands that make the file $$new, and gives it the target's name once it is whole: another make in this tree
# never meets half of it, nor do two of them write into one file. (gcov finds what it counts by the names of objects,
# so that they have the right one from the beginning.)
part := $(if $(filter cov,$(MODE)),,.$$$$.part)
whole = new=$@$(part) && { $(1); } && { [ $$new = $@ ] || mv -f $$new $@; } || { rm -f $$new $$new.d; exit 1; }

all: $(BUILD)/maemio $(LIBRARIES) $(PLUGINS) ## Build ./maemio and the libraries (MODE=debug: below build/)

ifeq ($(BUILD),build/release)
all: maemio libmaemio.a $(notdir $(filter %/maemio.so,$(LIBRARIES)))
maemio libmaemio.a maemio.so: %: $(BUILD)/%
	$(Q)$(call whole,cp $< $$new)
endif

# Workloads, schemes and harness may use engine/base, schemes engine/time, too; the library hides them, so the command
# has its own copies.
$(BUILD)/maemio: $(COMMAND) $(BUILD)/harness.o $(if $(SQL),$(BUILD)/sql.o) \
		$(if $(filter sim,$(MODE)),$(BUILD)/simulator.o,$(call objects,sim/machine.c sim/coroutine.c)) \
		$(BUILD)/base-private.o $(BUILD)/libmaemio.a
	$(say) "  LD      $@"
	$(Q)$(call whole,$(CC) $(CFLAGS) -o $$new $^ $(addprefix -Wl$(comma)--wrap=,$(WRAPPED)) $(LDLIBS) $(SQLITE))

$(BUILD)/libmaemio.a: $(BUILD)/libmaemio.o
	$(say) "  AR      $@"
	$(Q)$(call whole,ar rcs $$new $<)

# Here gcc inlines more, and cannot follow the flow that it could follow in each source.
$(BUILD)/libmaemio.so.0: UNWARNED := $(if $(clang),,-Wno-maybe-uninitialized)
# The number in the name rises when a program that was linked against the library would have to be linked again.
$(BUILD)/libmaemio.so.0: $(ENGINE) engine/maemio.map $(BUILD)/flags
	$(say) "  LD      $@"
	$(Q)$(call whole,$(CC) $(CFLAGS) $(UNWARNED) -fPIC -shared -o $$new -Wl$(comma)-soname=libmaemio.so.0 \
		-Wl$(comma)--version-script=engine/maemio.map -Wl$(comma)-z$(comma)defs $(ENGINE) -lpthread -lm)

# For C programs that link SQLite and libmaemio.a themselves.
$(BUILD)/libmaemio_sql.a: $(BUILD)/libmaemio_sql.o
	$(say) "  AR      $@"
	$(Q)$(call whole,ar rcs $$new $<)

$(BUILD)/libmaemio_sql.o: $(BUILD)/sql.o
	$(Q)$(call whole,$(OBJCOPY) --wildcard --keep-global-symbol='mae_sql_*' $< $$new)

$(BUILD)/maemio.so: UNWARNED := $(if $(clang),,-Wno-maybe-uninitialized)
$(BUILD)/maemio.so: $(ENGINE) $(EXTENSION) sql/extension.map $(BUILD)/flags
	$(say) "  LD      $@"
	$(Q)$(call whole,$(CC) $(CFLAGS) $(UNWARNED) -fPIC -shared -o $$new -Wl$(comma)--version-script=sql/extension.map \
		-Wl$(comma)-z$(comma)defs $(ENGINE) $(EXTENSION) -lpthread -lm)

$(PLUGINS): UNWARNED := $(if $(clang),,-Wno-maybe-uninitialized)
$(PLUGINS): $(BUILD)/targets/%.so: $(BUILD)/plugins/%.o $(ROWS)
	$(say) "  LD      $@"
	@mkdir -p $(@D)
	$(Q)$(call whole,$(CC) $(CFLAGS) $(UNWARNED) -fPIC -shared -o $$new \
		$(if $(filter asan,$(MODE)),,-Wl$(comma)-z$(comma)defs) $^ \
		$(call database_part,$(filter $*:%,$(FOUND)),3))

$(BUILD)/libmaemio.o: $(BUILD)/engine.o
	$(Q)$(call whole,$(OBJCOPY) --wildcard --keep-global-symbol='mae_*' $< $$new)

$(BUILD)/base-private.o: $(BUILD)/base.o
	$(Q)$(call whole,$(OBJCOPY) --wildcard --localize-symbol='mae_*' $< $$new)

$(BUILD)/engine.o: $(ENGINE)
$(BUILD)/base.o: $(call objects,$(call tree,engine/base engine/time))
$(BUILD)/harness.o: $(HARNESS)
$(BUILD)/sql.o: $(SQL)
$(BUILD)/simulator.o: private INSTRUMENT :=
$(BUILD)/simulator.o: $(SIM)
$(BUILD)/engine.o $(BUILD)/base.o $(BUILD)/harness.o $(BUILD)/sql.o $(BUILD)/simulator.o: $(BUILD)/flags
	$(say) "  LD -r   $@"
	@mkdir -p $(@D)
	@#	gcc makes statics global here, with a dot in their names (.lto_priv, .constprop); they would clash
	$(Q)$(call whole,$(CC) $(RELOCATE_$(MODE)) -r -nostdlib -o $$new $(filter %.o,$^) && \
		$(OBJCOPY) --wildcard --localize-symbol='*.*' $$new)

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(say) "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(call whole,$(CC) $(CPPFLAGS) $(CFLAGS) $(INSTRUMENT) $(WERROR) -MMD -MP -MF $$new.d -MT $@ -c -o $$new $< && \
		mv -f $$new.d $(@:.o=.d))

$(BUILD)/extension/%.o: sql/%.c $(BUILD)/flags
	$(say) "  CC      $< (extension)"
	@mkdir -p $(@D)
	$(Q)$(call whole,$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC $(WERROR) -MMD -MP -MF $$new.d -MT $@ -c -o $$new $< && \
		mv -f $$new.d $(@:.o=.d))

# What each shared object has of its own; only the symbol that the program looks for is seen from outside.
$(BUILD)/plugins/%.o: harness/targets/plugins/%.c $(BUILD)/flags
	$(say) "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(call whole,$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden $(WERROR) -MMD -MP -MF $$new.d -MT $@ -c \
		-o $$new $< && mv -f $$new.d $(@:.o=.d))

$(SQL): private CPPFLAGS += -DSQLITE_CORE
$(BUILD)/harness/cli/sql.o $(BUILD)/harness/targets/registry.o: $(BUILD)/sqlite
$(BUILD)/harness/cli/sql.o: private CPPFLAGS += $(if $(SQL),-DMAE_SQL)
$(BUILD)/harness/targets/registry.o: private CPPFLAGS += $(if $(TARGET_SQL),-DMAE_SQL)
$(BUILD)/harness/targets/sql.o: private CPPFLAGS += -DSQLITE_CORE
$(BUILD)/harness/targets/external.o: private CPPFLAGS += $(if $(PLUGGED),,-DMAE_UNPLUGGED='"$(MODE)"')

$(SIM): private INSTRUMENT :=
# Each test program is linked with the simulator, and would compile it once more. MODE=sim has no such programs.
$(SIM): private CFLAGS := $(if $(filter sim,$(MODE)),$(CFLAGS),$(filter-out -flto%,$(CFLAGS)))
# The linker does not know what calls are to be wrapped in what it compiles itself.
$(COMMAND): private CFLAGS := $(if $(filter sim,$(MODE)),$(filter-out -flto%,$(CFLAGS)),$(CFLAGS))

# When a caller's C++ exception passes through a call, its cleanups run (db/run.c, db/guard.h).
# The shared library's code may lie anywhere; inside of it the engine's names cannot be taken by others.
ENGINE_CFLAGS := -fexceptions -fPIC $(if $(clang),,-fno-semantic-interposition)
$(ENGINE): private CFLAGS += $(ENGINE_CFLAGS)

# The flags, the revision and whether there is SQLite are kept in files that change only when they do: no binary mixes
# two command lines.
$(BUILD)/flags: text = $(shell $(CC) --version | head -n 1) $(CPPFLAGS) $(CFLAGS) $(INSTRUMENT) : \
	$(ENGINE_CFLAGS) : $(RELOCATE_$(MODE)) : $(LDLIBS)
$(BUILD)/revision: text = $(REVISION)
$(BUILD)/sqlite: text = $(SQLITE)
$(BUILD)/flags $(BUILD)/revision $(BUILD)/sqlite: FORCE
	@mkdir -p $(@D)
	@echo '$(text)' | cmp -s - $@ || { $(call whole,echo '$(text)' > $$new); }

$(BUILD)/harness/machine/provenance.o: $(BUILD)/revision
$(BUILD)/harness/machine/provenance.o: private CPPFLAGS += \
	-DMAE_BUILD_REVISION='"$(REVISION)"' -DMAE_BUILD_MODE='"$(CONFIG)"' \
	-DMAE_BUILD_FLAGS='"$(strip $(CFLAGS))"'

# ---- Tests. Each source in tests/{unit,model,schedule,stress,fault,conformance,crash} is a program. ----

# Test programs gain nothing from LTO, and without it they link faster and see none of its warnings across files.
$(BUILD)/tests/%: private CFLAGS := $(filter-out -flto%,$(CFLAGS)) $(if $(clang),,-Wno-maybe-uninitialized)

LOADING := %/external %/servers %/embedded $(BUILD)/tests/conformance/%#	tests that load targets
$(filter $(LOADING),$(TESTS)): | $(PLUGINS)
$(TESTS) $(FUZZERS): $(BUILD)/tests/support.a $(BUILD)/harness.o $(SIM) $(if $(SQL),$(BUILD)/sql.o) $(BUILD)/engine.o
$(TESTS) $(FUZZERS): private LDLIBS += $(SQLITE)
$(BENCHES): $(BENCH_PARTS) $(BUILD)/engine.o
SQL_BENCHES := $(filter %/sql_bench,$(BENCHES))
$(SQL_BENCHES): $(BUILD)/sql.o $(BUILD)/tests/bench/sql_floor.o
$(SQL_BENCHES): private LDLIBS += $(SQLITE)
$(TESTS) $(BENCHES): %: %.o
	$(say) "  LD      $@"
	$(Q)$(call whole,$(CC) $(CFLAGS) -o $$new $^ -lcmocka $(LDLIBS))

$(FUZZERS): %: %.o
	$(say) "  LD      $@"
	$(Q)$(call whole,$(CC) $(CFLAGS) -fsanitize=fuzzer -o $$new $^ -lcmocka $(LDLIBS))

$(BUILD)/tests/support.a: $(SUPPORT)
	@mkdir -p $(@D)
	$(Q)$(call whole,ar rcs $$new $^)

tests: $(TESTS) ## Build every test program of this MODE

unit-tests: $(UNIT)

test: all tests ## Run every test of this MODE: unit, model, stress, fault, command line
	@MAE_BUILD=$(BUILD) CC=$(CC) scripts/run-tests $(BUILD) $(filter-out $(ALONE),$(HEAVY)) \
		$(SCRIPTS:%=tests/cli/%.sh) $(UNIT) --alone $(ALONE)

benches: $(BENCHES) ## Build the micro-benchmarks of tests/bench, below build/

fuzzers: $(FUZZERS)

FUZZ_SECONDS ?= 10
fuzz: ## Fuzz the readers of what users and disks hold, each FUZZ_SECONDS (10)
	@scripts/fuzz $(FUZZ_SECONDS)

thread-tests: $(THREADED)

thread-test: all thread-tests ## Run the tests with more than one thread, for MODE=tsan
	@MAE_BUILD=$(BUILD) CC=$(CC) scripts/run-tests $(BUILD) $(SCRIPTS:%=tests/cli/%.sh) \
		$(filter-out $(ALONE),$(THREADED)) --alone $(ALONE)

bench: ## Measure what the tables of README and docs say, some 80 minutes; BENCH=quick: 15
	@scripts/bench

SCHEDULE ?= explore
schedule: $(BUILD)/tests/schedule/$(SCHEDULE) ## Repeat a schedule, with its trace: SEED= as printed (CASE=: try a case)
	@SEED='$(SEED)' CASE='$(CASE)' $<

mutations: ## Demand that the tests notice each deliberate fault (tests/mutations)
	@scripts/mutations

quick-test: $(UNIT) ## Run the unit tests of this MODE only
	@MAE_BUILD=$(BUILD) CC=$(CC) scripts/run-tests $(BUILD) $(UNIT)

gate: all ## Count the instructions of a transaction; fail if they grew by more than 10% over the baseline
	@scripts/instructions gate

baseline: all ## Make this build the gate's baseline (scripts/baseline/instructions.csv); commit it
	@scripts/instructions baseline

check-all: ## Everything: checks, every MODE's tests, both compilers (what .ci/run does)
	@scripts/test

# These do nothing under memcheck that the others do not, but for minutes: TPC-C loads hundreds of thousands of rows,
# and what the others count or draw millions of times is arithmetic. db/db opens more tables than valgrind, which has
# less address space, can reserve for; base/options and tests/unit/sql/bounds.c need all 64 bits of a long double, of
# which valgrind has 53. bench/interleave changes stacks, which valgrind takes for one that grows over what it has not
# written; AddressSanitizer is told. Indexes of many keys, and what goes through all schemes or millions of rows, take a
# minute each or more: with LONG=1 only.
UNCHECKED := $(addprefix $(BUILD)/tests/unit/workloads/,tpcc/% ycsb/% zipf distribution shuffle rng) \
	$(addprefix $(BUILD)/tests/unit/harness/,bench/interleave bench/run common/csv_table common/statistics) \
	$(BUILD)/tests/unit/harness/analysis/verdict $(BUILD)/tests/unit/index/tree_node \
	$(BUILD)/tests/unit/db/db $(BUILD)/tests/unit/base/options $(BUILD)/tests/unit/sql/bounds
ifndef LONG
UNCHECKED += $(addprefix $(BUILD)/tests/unit/,$(addprefix index/,hash_index tree_index tree_simple tree_txn) \
	$(addprefix schemes/base/,hash tree) harness/targets/scheme sql/limit workloads/tatp/tatp)
endif
# Valgrind runs one thread at a time. With fair-sched a thread that waits in a loop gives its turn away.
VALGRIND := valgrind --quiet --fair-sched=yes --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite,possible --suppressions=tests/valgrind.supp
valgrind: $(UNIT) ## Run the unit tests below valgrind's memcheck, those that take minutes there left out (MODE=debug)
	@MAE_BUILD=$(BUILD) MAE_STRESS_MS=$${MAE_STRESS_MS:-100} LAUNCH='$(VALGRIND)' \
		scripts/run-tests $(BUILD) $(filter-out $(UNCHECKED),$(UNIT))

coverage: ## Line and branch coverage by file and folder, after the tests of MODE=cov
	@$(MAKE) --no-print-directory MODE=cov test
	@scripts/coverage build/cov

# ---- Experiments: EFFORT=quick | normal | paper; TERMS=equal | paper; FIGURES_OUT= the folder. ----

EFFORT ?= quick
TERMS ?= equal
FIGURES_OUT ?= results/figures/$(EFFORT)
figures: all ## Measure and draw every figure and table of the paper, and report.html (EFFORT=quick|normal|paper)
	@$(BUILD)/maemio figure all --effort $(EFFORT) --terms $(TERMS) --out $(FIGURES_OUT)

# ---- Checks of the sources. ----

layers: ## Check that every file includes only its own and lower ranks
	@scripts/layers

house: ## Check the length of functions, names in comments, where things are defined, circles, dead files
	@scripts/house

style: ## Check what of the style a machine can judge
	@scripts/style

format: ## Reformat every C file with clang-format
	@clang-format -i $(FORMATTED)

format-check: ## Tell which files `make format` would change
	@scripts/format-check $(FORMATTED)

shellcheck: ## Check the shell scripts
	@scripts/shell-check

lint: ## Run clang-tidy and cppcheck over the sources
	@scripts/lint

# ---- Installation. ----

$(BUILD)/maemio.1: scripts/manual $(BUILD)/maemio
	scripts/manual $(BUILD)/maemio > $@.part
	mv $@.part $@

install: $(BUILD)/maemio $(LIBRARIES) $(PLUGINS) $(BUILD)/maemio.1 ## Install below DESTDIR, PREFIX and LIBDIR
	install -D -m 755 $(BUILD)/maemio $(DESTDIR)$(PREFIX)/bin/maemio
	install -D -m 644 $(BUILD)/libmaemio.a $(DESTDIR)$(LIBDIR)/libmaemio.a
	$(if $(SHARED),install -m 644 $(SHARED) $(DESTDIR)$(LIBDIR)/libmaemio.so.0)
	$(if $(SHARED),ln -sf libmaemio.so.0 $(DESTDIR)$(LIBDIR)/libmaemio.so)
	install -D -m 644 engine/maemio.h $(DESTDIR)$(PREFIX)/include/maemio.h
	$(if $(SQL),install -m 644 $(BUILD)/libmaemio_sql.a $(DESTDIR)$(LIBDIR)/libmaemio_sql.a)
	$(if $(SQL),install -m 644 sql/maemio_sql.h $(DESTDIR)$(PREFIX)/include/maemio_sql.h)
	$(if $(EXTENSION),install -m 644 $(BUILD)/maemio.so $(DESTDIR)$(LIBDIR)/maemio.so)
	rm -rf $(DESTDIR)$(DATADIR) # every plots/*.conf there is a figure, also one of an older version
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(DATADIR)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' maemio.pc.in \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/maemio.pc
	cp -R plots $(DESTDIR)$(DATADIR)
	rm -rf $(DESTDIR)$(PLUGINDIR)
	$(if $(PLUGINS),install -d $(DESTDIR)$(PLUGINDIR))
	$(if $(PLUGINS),install -m 644 $(PLUGINS) $(DESTDIR)$(PLUGINDIR))
	install -D -m 644 $(BUILD)/maemio.1 $(DESTDIR)$(MANUAL)
	install -D -m 644 completions/maemio.bash $(DESTDIR)$(COMPLETION)
	install -D -m 644 completions/_maemio $(DESTDIR)$(ZSH_COMPLETION)

package: ## Build a Debian package of what install brings, below build/
	@scripts/package

uninstall: ## Remove what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/maemio include/maemio.h include/maemio_sql.h)
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libmaemio.a libmaemio.so libmaemio.so.0 libmaemio_sql.a maemio.so \
		pkgconfig/maemio.pc)
	rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(PLUGINDIR)
	rmdir $(dir $(DESTDIR)$(PLUGINDIR)) 2>/dev/null || true
	rm -f $(addprefix $(DESTDIR),$(MANUAL) $(COMPLETION) $(ZSH_COMPLETION))

clean: ## Remove everything built
	rm -rf $(ROOT) maemio libmaemio.a maemio.so

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
	@echo 'Variables: MODE=release|debug|asan|tsan|cov|sim  CC=gcc|clang  MARCH=native  OPTIONS=fixed'
	@echo '           MUTATION=name  SLOW=N  WERROR=  V=1  PREFIX=, LIBDIR=, DESTDIR= (install)'
	@echo '           BUILD=folder: build there instead of in build/, from a checkout that cannot be written'

PROGRAMS := $(TESTS) $(BENCHES) $(FUZZERS)
OBJECTS := $(ENGINE) $(SQL) $(EXTENSION) $(STORES) $(ROWS) $(HARNESS) $(SIM) $(SUPPORT) $(BENCH_PARTS) \
	$(addsuffix .o,$(PROGRAMS)) \
	$(COMMAND)
-include $(OBJECTS:.o=.d)
