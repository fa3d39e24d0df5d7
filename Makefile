# swift-frp. `make demo` shows it working, `make test` proves it, `make help` lists the rest.

SWIFT ?= swift
VERSION := $(shell cat .version)

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
BINDIR = $(PREFIX)/bin
CONFDIR = $(SYSCONFDIR)/frp
UNITDIR = $(PREFIX)/lib/systemd/system
DOCDIR = $(PREFIX)/share/doc/swift-frp
DATADIR = $(PREFIX)/share
DISTDIR = dist

LONELY_TESTS = ^(NamespaceTests|ScaleTests|SimulationTests)\.

SOURCE_FOLDERS = Sources Tests Benchmarks/Sources Benchmarks/Tests Benchmarks/Micro/Benchmarks
# Each fuzz target runs so long; TARGETS names some of them.
SECONDS ?= 60
TARGETS ?=
STORM = .build/release/relay-storm
BENCH = Benchmarks/.build/release/relay-bench
# Package.swift makes warnings errors; the check finds imports that it does not name.
BUILD_FLAGS = --explicit-target-dependency-import-check error

.PHONY: all help packages build release demo test test-asan test-tsan simulate fuzz fuzz-build lint \
  format pages install dist deb check-dist bench bench-smoke bench-build gate gate-update microbench \
  storm-build soak clean

all: release

help:
	@echo "make demo       build, run frps and frpc on this machine, fetch a page through them"
	@echo "                (ONCE=1: end after the check, exit code 0 or 1)"
	@echo "make test       build and run every test"
	@echo "make test-asan  the tests under the address sanitizer; test-tsan: the thread sanitizer"
	@echo "make simulate   10,000 seeded runs of both programs in a simulated network (RUNS, FIRST_SEED)"
	@echo "make fuzz       every fuzz target for SECONDS (60) each; TARGETS=… for some of them"
	@echo "make soak       both programs at work while things happen to them (MINUTES=5)"
	@echo "make lint       check the formatting; make format: correct it"
	@echo "make bench      compare with the peers that are installed, 5 minutes; docs/performance.md"
	@echo "make gate       counted costs against the thresholds in Benchmarks/thresholds.txt, 3 minutes;"
	@echo "                gate-update writes them; microbench: the hot pieces alone"
	@echo "make pages      write what in docs/ and config/ is made from the sources, the manual too"
	@echo "make build      debug build of everything; make release: the two programs, optimized"
	@echo "make install    into DESTDIR and PREFIX ($(PREFIX)); configuration in $(CONFDIR)"
	@echo "make dist       $(DISTDIR)/swift-frp_$(VERSION)_linux_<arch>.tar.gz, statically linked"
	@echo "make deb        Debian packages of the same programs"
	@echo "make check-dist try tarball and packages on minimal Debian 12 and 13 (root)"

packages:
	@.ci/install-packages

build: packages
	$(SWIFT) build $(BUILD_FLAGS) --build-tests

release: packages
	$(SWIFT) build $(BUILD_FLAGS) -c release --product frps
	$(SWIFT) build $(BUILD_FLAGS) -c release --product frpc

demo: release
	@config/demo/demo.sh $(if $(ONCE),--once) \
	  "$$($(SWIFT) build -c release --show-bin-path)/frps" \
	  "$$($(SWIFT) build -c release --show-bin-path)/frpc"

# The same flags as `build`, so that nothing is compiled twice. The tests that measure times, or keep
# all processors busy, come by themselves, one after the other.
test: packages
	$(SWIFT) test $(BUILD_FLAGS) --skip '$(LONELY_TESTS)'
	$(SWIFT) test $(BUILD_FLAGS) --skip-build --no-parallel --filter '$(LONELY_TESTS)'

# RUNS seeds of the simulation, from FIRST_SEED on.
RUNS ?= 10000
FIRST_SEED ?= 1
simulate: packages
	FRP_SIMULATION_RUNS=$(RUNS) FRP_SIMULATION_FIRST_SEED=$(FIRST_SEED) \
	  $(SWIFT) test $(BUILD_FLAGS) --filter SimulationTests

# What Swift keeps for ever, such as key paths, would be reported as leaks when a program ends.
test-asan: packages
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --scratch-path .build-asan --sanitize=address

test-tsan: packages
	$(SWIFT) test --scratch-path .build-tsan --sanitize=thread

# Optimized, with every `assert`. libFuzzer's runtime needs lld, which keeps the program's own main.
fuzz-build: packages
	$(SWIFT) build --package-path Tests/Fuzz --scratch-path .build-fuzz --product fuzz \
	  -Xswiftc -O -Xswiftc -assert-config -Xswiftc Debug -Xswiftc -sanitize=fuzzer,address \
	  -Xswiftc -use-ld=lld

fuzz: fuzz-build
	Tests/Fuzz/run "$$PWD/.build-fuzz/debug/fuzz" "$(SECONDS)" $(TARGETS)

# The loads of docs/reliability.md; as root also with changing addresses.
storm-build: packages
	$(SWIFT) build $(BUILD_FLAGS) -c release --product frps
	$(SWIFT) build $(BUILD_FLAGS) -c release --product frpc
	$(SWIFT) build $(BUILD_FLAGS) -c release --product relay-storm

soak: storm-build
	$(STORM) soak --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED))

lint:
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCE_FOLDERS) Package.swift

format:
	$(SWIFT) format --in-place --parallel --recursive $(SOURCE_FOLDERS) Package.swift

pages: packages
	UPDATE_PAGES=1 $(SWIFT) test $(BUILD_FLAGS) --filter thePageOf

bench-build: packages
	.ci/install-packages --benchmarks
	$(SWIFT) build $(BUILD_FLAGS) -c release --product frps
	$(SWIFT) build $(BUILD_FLAGS) -c release --product frpc
	$(SWIFT) build -c release --package-path Benchmarks --product relay-bench

# haproxy, nginx (with its stream module) and sshd are measured if they are installed; FRP_BIN_DIR
# and RATHOLE_BIN name the peers that Debian does not have.
bench: bench-build
	$(BENCH) --json Benchmarks/.build/results.json --svg docs/performance.svg \
	  --table Benchmarks/.build/results.md

bench-smoke: bench-build
	$(SWIFT) test --package-path Benchmarks
	$(BENCH) --smoke

gate: bench-build
	$(BENCH) gate

gate-update: bench-build
	$(BENCH) gate --update

microbench: packages
	$(SWIFT) package --package-path Benchmarks/Micro -c release --disable-sandbox benchmark \
	  --no-progress

# Installs what `make release` or `make dist` built; the programs of `make dist` need no Swift
# runtime. Configuration files that exist are kept.
install:
	config/packaging/install-files --programs "$$(config/packaging/find-programs)" \
	  --destdir "$(DESTDIR)" --bindir "$(BINDIR)" --confdir "$(CONFDIR)" --unitdir "$(UNITDIR)" \
	  --docdir "$(DOCDIR)" --datadir "$(DATADIR)"

dist: packages
	SWIFT="$(SWIFT)" config/packaging/build-static
	config/packaging/make-tarball "$(VERSION)" "$(DISTDIR)"

deb: packages
	SWIFT="$(SWIFT)" config/packaging/build-static
	config/packaging/make-deb "$(VERSION)" "$(DISTDIR)"

check-dist: dist deb
	.ci/install-packages --packaging
	.ci/check-dist

clean:
	rm -rf .build .build-static .build-asan .build-tsan Benchmarks/.build Benchmarks/Micro/.build \
	  .build-fuzz Tests/Fuzz/Corpus $(DISTDIR)
