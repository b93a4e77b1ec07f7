# sluice: `make help` lists what can be asked for.

VERSION := 0.1.0
PREFIX  := /usr/local
DESTDIR :=
SAN     :=
SEED    :=
SEEDS   := 10000
SIM_SECONDS := 0
SIM_JOBS := 2
SWEEP   := 11
CASE    :=
FUZZ_SECONDS := 600
N       := 1000
V       := # V=1 shows the commands
quiet    = $(if $(strip $(V)),,@)

ifeq ($(origin CC),default)
CC := gcc
endif

# One object folder for each compiler and sanitizer: build, build/clang, build/address-undefined, build/clang-thread...
empty   :=
comma   := ,
variant := $(subst $(empty) $(empty),-,$(strip $(filter-out gcc,$(notdir $(CC))) $(subst $(comma), ,$(SAN))))
BUILD   := build$(if $(variant),/$(variant))

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
CFLAGS   := -std=gnu17 -D_GNU_SOURCE -DSLUICE_VERSION='"$(VERSION)"' -I. -O2 -g -pthread $(WARNINGS)
LDFLAGS  := -pthread
LDLIBS   := -luring -lzstd -lz -lyaml -lpcre2-8 -lxxhash -lssl -lcrypto -lm
ifeq ($(SAN),)
CFLAGS  += -fPIE -fstack-protector-strong -fcf-protection -D_FORTIFY_SOURCE=2
LDFLAGS += -pie -Wl,-z,relro,-z,now
else
CFLAGS  += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SAN)
endif

# What a stage needs that may be missing: then the stage is left out, and `sluice list` says so. Also by hand, in
# a folder of its own: LUAJIT=no BUILD=build/without-luajit
LUAJIT := $(if $(wildcard /usr/include/luajit-2.1/lua.h /usr/local/include/luajit-2.1/lua.h),yes,no)
ifeq ($(LUAJIT),yes)
LDLIBS += -lluajit-5.1
left_out :=
else
CFLAGS += -DSLUICE_WITHOUT_LUAJIT
left_out := $(wildcard stages/lua/* stages/transform/lua.c tests/unit/stages/test_lua*.c tests/fuzz/fuzz_lua*.c)
endif

CURL := $(if $(wildcard /usr/include/curl/curl.h /usr/include/*/curl/curl.h /usr/local/include/curl/curl.h),yes,no)
ifeq ($(CURL),yes)
LDLIBS += -lcurl
else
CFLAGS += -DSLUICE_WITHOUT_CURL
left_out += $(wildcard stages/http_call/* stages/sink/http_sink.c stages/source/http_client.c tests/unit/stages/test_http_call*.c tests/fuzz/fuzz_http_answer.c)
endif

MICROHTTPD := $(if $(wildcard /usr/include/microhttpd.h /usr/local/include/microhttpd.h),yes,no)
ifeq ($(MICROHTTPD),yes)
LDLIBS += -lmicrohttpd -lgnutls
else
CFLAGS += -DSLUICE_WITHOUT_MICROHTTPD
left_out += $(wildcard stages/http_serve/* stages/source/http_source.c stages/source/http_posts.* tests/unit/stages/test_http_serve*.c)
endif

sources := $(filter-out $(left_out),$(wildcard ringbuf/*.c conf/*.c stages/*.c stages/*/*.c daemon/*.c))
headers := $(filter-out $(left_out),$(wildcard ringbuf/*.h conf/*.h stages/*.h stages/*/*.h daemon/*.h))
units   := $(filter-out $(left_out),$(wildcard tests/unit/*/*.c))
tools   := $(wildcard tests/e2e/*.c tests/bench/*.c tests/crash/*.c)
receiver := $(wildcard tests/e2e/receiver/*.c)
sims    := $(wildcard tests/sim/*.c)
preload := $(wildcard tests/e2e/preload/*.c)
fuzzed  := $(filter-out $(left_out),$(wildcard tests/fuzz/*.c))
# Criterion's own runner puts each test into a sandbox that the sanitizers cannot live in.
runner  := $(if $(SAN),tests/unit/sanitized_runner.c)

object   = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
library := $(call object,$(filter-out daemon/main.c,$(sources)))
queue   := $(call object,$(wildcard ringbuf/*.c))

all: $(BUILD)/sluice ## build/sluice (also: CC=clang, SAN=address,undefined, SAN=thread)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: deps ## install what is missing, build, run the quickstart over sample logs
	@$(MAKE) --no-print-directory all
	@conf/examples/demo.sh $(BUILD)/sluice

check: deps deps-check ## install what the tests need, run every test
	@MAKE='$(MAKE)' tests/check.sh

test: $(BUILD)/unit-tests ## unit tests only (also with SAN=; ONLY=part of suite/name)
	@tests/unit/run.sh $(BUILD)/unit-tests $(ONLY)

e2e: all tools ## end-to-end tests only (also with SAN=; ONLY=part of file or name)
	@SANITIZED='$(SAN)' tests/e2e/run.sh $(BUILD) $(ONLY)

acceptance: all tools ## end-to-end tests at full size: 512 MiB logs, 20 s of following, 10 s of backpressure
	@E2E_BYTES=512MiB E2E_FULL=1 E2E_JOBS=1 tests/e2e/run.sh $(BUILD) $(ONLY)

bench: all tools ## speed against the machine's limits and coreutils, one table (BENCH_BYTES, BENCH_RUNS, BENCH_DIR)
	@tests/bench/bench.sh $(BUILD)

sim: $(BUILD)/tests/sim/sim ## a simulated machine with faults: SEED=n one run and its story, SEEDS=n many (SIM_SECONDS, SIM_JOBS)
	@$< $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --seconds $(SIM_SECONDS) --jobs $(SIM_JOBS))

sweep: $(BUILD)/tests/sim/sim ## each operation of a run fails, once and for ever, or is the last: every 11th case, SWEEP=all, CASE=n its story
	@$< $(if $(CASE),--case $(CASE),--sweep $(if $(filter all,$(SWEEP)),1,$(SWEEP)) --jobs $(SIM_JOBS))

crash: all tools ## SIGKILL at random moments, N times; then every line once, in order (SEED, CRASH_ONLY)
	@tests/crash/crash.sh $(BUILD) $(N) $(SEED)

powercut: all tools ## power cuts, N of them: copies of a disk at random moments, recovered; as root (SEED)
	@tests/crash/powercut.sh $(BUILD) $(N) $(SEED)

fuzz: ## libFuzzer on what reads bytes from outside: FUZZ_SECONDS each, ONLY=part of a name
	@$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined fuzzers
	@tests/fuzz/run.sh build/clang-fuzzer-no-link-address-undefined/tests/fuzz $(FUZZ_SECONDS) $(ONLY)

fuzzers: $(patsubst %.c,$(BUILD)/%,$(fuzzed))

mistakes: ## plants mistakes in a copy, one after the other, and has the simulator find each
	@tests/sim/mistakes.sh $(ONLY)

model: ## check the parking protocol with spin
	@tests/model/run.sh

lint: fmt-check ## format, clang-tidy, cppcheck, shellcheck
	@tests/lint/lint.sh

fmt: ## format the source
	@tests/lint/format.sh

fmt-check: ## say what `make fmt` would change
	@tests/lint/format.sh --check

layers: ## who may include and call what: DESIGN's table
	@tests/lint/test_layers.sh
	@tests/lint/layers.sh

headers: $(patsubst %.h,$(BUILD)/obj/%.alone,$(headers)) ## each header compiles alone

tools: $(patsubst %.c,$(BUILD)/%,$(tools)) $(patsubst %.c,$(BUILD)/%.so,$(preload)) ## the programs of tests/e2e and tests/bench

ringbuf: $(BUILD)/libringbuf.a ## build/libringbuf.a and build/include/ringbuf/: the queue as a library of its own
	@mkdir -p $(BUILD)/include/ringbuf
	$(quiet)cp ringbuf/*.h $(BUILD)/include/ringbuf

# What the examples say of the repository, said of where they are installed.
examples  := $(PREFIX)/share/doc/sluice/examples
installed := sed -e '/repository/d' -e 's|build/sluice|sluice|' -e 's|conf/examples|$(examples)|' -e 's|demo-out/||'
# Of the README what is for users; its links lead to what is installed beside it.
for_users := sed -e '0,/fresh clone/{/^```$$/,/fresh clone/d}' -e '/^.. Building/,/^Licensed/{/^Licensed/!d}' \
	-e 's|.conf/examples.(conf/examples/README.md)|[examples](examples)|' -e 's|(stages/cel/README.md)|(expressions.md)|' \
	-e '/^Licensed/i As a service: [systemd](systemd.md).\n'

install: all ## binary, unit and examples (DESTDIR, PREFIX)
	install -D -m 755 $(BUILD)/sluice $(DESTDIR)$(PREFIX)/bin/sluice
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/sluice
	sed 's|/usr/local|$(PREFIX)|' systemd/sluice.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/sluice.service
	install -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/sluice
	$(for_users) README.md >$(DESTDIR)$(PREFIX)/share/doc/sluice/README.md
	install -m 644 systemd/README.md $(DESTDIR)$(PREFIX)/share/doc/sluice/systemd.md
	install -m 644 stages/cel/README.md $(DESTDIR)$(PREFIX)/share/doc/sluice/expressions.md
	install -d $(DESTDIR)$(examples)/logs
	install -m 644 conf/examples/logs/*.log $(DESTDIR)$(examples)/logs
	install -m 644 conf/examples/*.yaml $(DESTDIR)$(examples)
	cd conf/examples && for f in *.yaml; do $(installed) $$f >$(DESTDIR)$(examples)/$$f || exit; done

uninstall: ## take away what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/sluice $(DESTDIR)$(PREFIX)/lib/systemd/system/sluice.service
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/sluice

deps: ## install the packages the build lacks
	@.ci/install-packages build

deps-check: ## install the packages the tests lack
	@.ci/install-packages check

clean: ## remove build/ and demo-out/
	rm -rf build demo-out

$(BUILD)/sluice: $(library) $(call object,daemon/main.c)
$(BUILD)/unit-tests: $(library) $(call object,$(units) $(filter-out tests/sim/sim.c,$(sims)) $(runner))
$(BUILD)/unit-tests: LDLIBS += $(if $(runner),,-lcriterion)
$(BUILD)/tests/sim/sim: $(library) $(call object,$(sims))
$(BUILD)/sluice $(BUILD)/unit-tests $(BUILD)/tests/sim/sim:
	@mkdir -p $(@D)
	@echo "link    $@"
	$(quiet)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/fuzz/fuzz_json $(BUILD)/tests/fuzz/fuzz_json_record $(BUILD)/tests/fuzz/fuzz_json_lines: LDLIBS += -ljansson
$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(library) $(call object,$(filter-out tests/sim/sim.c,$(sims)))
	@mkdir -p $(@D)
	@echo "link    $@"
	$(quiet)$(CC) $(LDFLAGS) -fsanitize=fuzzer $^ $(LDLIBS) -o $@

$(BUILD)/libsluice.a: $(library)
$(BUILD)/libringbuf.a: $(queue)
$(BUILD)/libsluice.a $(BUILD)/libringbuf.a:
	@echo "archive $@"
	@rm -f $@
	$(quiet)ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(BUILD)/libsluice.a
	@mkdir -p $(@D)
	@echo "link    $@"
	$(quiet)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/e2e/http_receiver: $(call object,$(receiver))

# Never sanitized: it is loaded before a sanitizer could be.
$(BUILD)/tests/e2e/preload/%.so: tests/e2e/preload/%.c Makefile
	@mkdir -p $(@D)
	@echo "link    $@"
	$(quiet)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -fPIC -shared $(WARNINGS) $< -o $@

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "compile $<"
	$(quiet)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/obj/%.alone: %.h Makefile
	@mkdir -p $(@D)
	$(quiet)echo '#include "$<"' | $(CC) $(CFLAGS) -MMD -MP -MF $@.d -MT $@ -c -x c - -o $@

-include $(patsubst %.o,%.d,$(call object,$(sources) $(units) $(tools) $(receiver) $(sims) $(fuzzed) $(runner)))
-include $(patsubst %.h,$(BUILD)/obj/%.alone.d,$(headers))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help demo check test e2e acceptance bench sim crash powercut fuzz fuzzers sweep mistakes model lint fmt fmt-check layers headers tools ringbuf install \
	uninstall deps deps-check clean
