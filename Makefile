# make run [IMAGE=...] [ARGS=...]   build everything and run a firmware image (a heartbeat, unless told)
# make test                         every test, the images rebuilt and compared
# make release                      .build/release/emurun, with the Swift runtime inside
# make install PREFIX=/usr/local    put it in place
# make images                       build the firmware in Sources/Firmware into images/
# make sizes                        measure it; writes docs/firmware-sizes.md (wants Debian's cross compilers)
# make bench                        measure against QEMU; writes docs/benchmarks.md
# make soak                         the long campaigns; writes docs/soak.md and docs/survey-results.md
PREFIX ?= /usr/local
IMAGE ?= images/led-heartbeat.elf
RELEASE = .build/release/emurun
# SwiftPM puts the flags of traits in the order of a hash set: with another seed each time it builds everything again.
BUILD = SWIFT_DETERMINISTIC_HASHING=1 swift build

.PHONY: run test release install images sizes bench soak lint clean

run: release
	@$(RELEASE) $(IMAGE) $(ARGS)

release:
	@scripts/setup release
	@$(BUILD) -c release --static-swift-stdlib --product emurun

install: release
	install -D -m 755 $(RELEASE) $(DESTDIR)$(PREFIX)/bin/emurun

test:
	@scripts/setup test
	@$(MAKE) --no-print-directory lint
	@Sources/Firmware/build check
	swift test

lint:
	swift format lint --strict --recursive Package.swift Plugins Sources Tests Benchmarks

images:
	@Sources/Firmware/build

sizes:
	@scripts/setup sizes
	EMURUN_WRITE_SIZES=1 swift test --filter SizesTests

bench: release
	@scripts/setup bench
	@Benchmarks/run

soak: release
	@scripts/setup soak
	@scripts/soak

clean:
	rm -rf .build Benchmarks/.build
