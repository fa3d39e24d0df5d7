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
DISTDIR = dist

SOURCE_FOLDERS = Sources Tests
# Package.swift makes warnings errors; the check finds imports that it does not name.
BUILD_FLAGS = --explicit-target-dependency-import-check error

.PHONY: all help packages build release demo test test-asan test-tsan lint format pages install dist \
  deb check-dist clean

all: release

help:
	@echo "make demo       build, run frps and frpc on this machine, fetch a page through them"
	@echo "                (ONCE=1: end after the check, exit code 0 or 1)"
	@echo "make test       build and run every test"
	@echo "make test-asan  the tests under the address sanitizer; test-tsan: the thread sanitizer"
	@echo "make lint       check the formatting; make format: correct it"
	@echo "make pages      write the tables in docs/ that are made from the sources"
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

# The same flags as `build`, so that nothing is compiled twice.
test: packages
	$(SWIFT) test $(BUILD_FLAGS)

test-asan: packages
	$(SWIFT) test --scratch-path .build-asan --sanitize=address

test-tsan: packages
	$(SWIFT) test --scratch-path .build-tsan --sanitize=thread

lint:
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCE_FOLDERS) Package.swift

format:
	$(SWIFT) format --in-place --parallel --recursive $(SOURCE_FOLDERS) Package.swift

pages: packages
	UPDATE_PAGES=1 $(SWIFT) test $(BUILD_FLAGS) --filter thePageOf

# Installs what `make release` or `make dist` built; the programs of `make dist` need no Swift
# runtime. Configuration files that exist are kept.
install:
	config/packaging/install-files --programs "$$(config/packaging/find-programs)" \
	  --destdir "$(DESTDIR)" --bindir "$(BINDIR)" --confdir "$(CONFDIR)" --unitdir "$(UNITDIR)" \
	  --docdir "$(DOCDIR)"

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
	rm -rf .build .build-static .build-asan .build-tsan $(DISTDIR)
