import Foundation

/// docs/benchmarks.md.
struct Report {
  let directory: String
  let rounds: Int

  func write() {
    say(
      """
      # Benchmarks

      Written by `make bench`, which builds everything and runs emurun and QEMU in turn on the same machine: medians of \
      \(rounds) interleaved runs (of 11 at least, where a few percent are what is measured), CPU time (user and system) of whole processes, start included. Machine: \(processor()), \
      shared; compare columns, not with other machines. QEMU: \(qemuVersion()).

      ## Workloads

      C compiled with `-Os`, as firmware is (`Benchmarks/Workloads`). emurun counts every instruction exactly and records LEDs. \
      `sv39` is a kernel in S mode with demand paging and its program in U mode, which stores all over 16 MiB in two address spaces, \
      in pages of 4 KiB (goal: ≥ 1.4 × QEMU's `-icount`).

      | workload | guest | instructions | emurun | QEMU -icount shift=0 | QEMU plain | emurun vs -icount | emurun vs plain |
      |---|---|---|---|---|---|---|---|
      """)
    for row in Workloads(directory: directory, rounds: rounds).measure() {
      let cells = [
        row.name, row.guest, "\(row.instructions)", seconds(row.emurun, row.instructions),
        seconds(row.icount, row.instructions), seconds(row.plain, row.instructions),
        rounded(row.icount / row.emurun, 2) + " ×", rounded(row.plain / row.emurun, 2) + " ×",
      ]
      say("| " + cells.joined(separator: " | ") + " |")
    }
    say(
      """

      ## Boots, stops and stores

      | what | measured | goal |
      |---|---|---|
      """)
    row(
      "cold boots a second, release, one core",
      rounded(Boots.perSecond(cold: true, count: 6000), 0), "≥ 3,000")
    row(
      "warm boots a second, release, one core",
      rounded(Boots.perSecond(cold: false, count: 12000), 0), "")
    row("warm boots a second, debug build", debugBoots(), "≥ 1,000")
    row("device store seen by a Swift device", rounded(Stores.nanoseconds(), 1) + " ns", "≤ 50 ns")
    row(
      "virtio-blk, read and written in requests of 256 KiB, from page cache",
      rounded(DiskTransfers.megabytesPerSecond(directory), 0) + " MB/s", "≥ 200 MB/s")
    let uboot = UBoot(rounds: rounds).measure()
    row(
      "OpenSBI and U-Boot to the prompt",
      "\(rounded(uboot.emurun, 3)) s; QEMU -icount \(rounded(uboot.icount, 3)) s, plain "
        + "\(rounded(uboot.plain, 3)) s: \(rounded(uboot.emurun / uboot.icount, 2)) × -icount's",
      "≤ 1.0 ×")
    row(
      "interrupt: entry and return of a Cortex-M4, PendSV",
      rounded(Interrupts.nanoseconds(), 0) + " ns", "≤ 250 ns")
    let interruptions = Workloads(directory: directory, rounds: rounds).interruptions()
    row(
      "SysTick at 1 kHz (every 16,000 instructions), of the mix",
      "\(percent(interruptions.emurun)); QEMU -icount \(percent(interruptions.icount))", "≤ 3 %")
    row("`--cycles m4`, of the mix", percent(interruptions.cycles), "")
    let harts = Workloads(directory: directory, rounds: rounds).harts()
    row(
      "four busy harts in turns of 5,000, of the speed of one (the mix)",
      "\(rounded(harts.four, 2)) ×; QEMU -icount \(rounded(harts.icount, 2)) ×", "≥ 0.8 ×")
    row(
      "one busy hart beside seven that sleep, of the speed of one alone",
      rounded(harts.asleep, 2) + " ×", "1.0 ×")
    let workloads = Workloads(directory: directory, rounds: rounds)
    row(
      "`tm4c123gxl`, of the speed of `m4-led` (the mix)", rounded(workloads.launchPad(), 2) + " ×",
      "≥ 0.9 ×")
    let printing = workloads.printing()
    row(
      "its UART at 115,200 baud, never idle, of real time",
      "by interrupts \(rounded(printing.byInterrupts, 0)) ×, polling \(rounded(printing.polling, 0)) ×",
      "≥ 50 ×")
    row(
      "LEDs, UART and interrupts traced into a file, of the mix with SysTick at 1 kHz",
      percent(Workloads(directory: directory, rounds: rounds).tracing()), "≤ 2 %")
    let coverage = workloads.coverage()
    row(
      "`--coverage`, of the mix", "rv64 \(percent(coverage.rv64)), m4 \(percent(coverage.m4))",
      "≤ 10 %")
    row(
      "`--trace mmio`, an access, recorded and written as a line",
      "text \(rounded(Evidence.accessNanoseconds(json: false), 0)) ns, JSON "
        + "\(rounded(Evidence.accessNanoseconds(json: true), 0)) ns", "≤ 100 ns")
    row(
      "digest of visible events", rounded(Evidence.digestMegabytesPerSecond(), 0) + " MB/s",
      "≥ 500 MB/s")
    row(
      "page of a run of 1,000,000 edges", rounded(Evidence.pageSeconds(), 2) + " s", "≤ 1 s")
    for option in [["--check-frames"], ["--profile", "/dev/null"]] {
      let factors = workloads.followingCalls(option)
      row(
        "`\(option[0])`, of the plain run",
        factors.map { "\($0.workload) \(rounded($0.factor, 2)) ×" }.joined(separator: ", "),
        "≤ 5 ×")
    }
    row(
      "`emurun audit` of U-Boot (654 KB); with a run of 1 s, in which it waits for a key",
      rounded(ImageReading.seconds("audit", "--for", "1us", rounds: rounds), 2) + " s; "
        + rounded(ImageReading.seconds("audit", rounds: rounds), 2) + " s", "≤ 2 s")
    row(
      "`emurun inspect` of it",
      rounded(ImageReading.seconds("inspect", rounds: rounds) * 1e3, 0) + " ms", "≤ 100 ms")
    let reading = BoardReading.milliseconds()
    row(
      "`--board FILE` of the largest board, from text to a checked board",
      "\(rounded(reading.median, 1)) ms, the first of a process \(rounded(reading.first, 1)) ms",
      "≤ 10 ms")
    for cells in TimeTravel(directory: directory).rows() { row(cells) }
    row("process start to first guest instruction and out again", start(), "≤ 15 ms")
    let restores = Boots.restores(1_000_000)
    row(
      "restores a second of a snapshot with 1 MiB in use, 10 pages dirtied each time",
      rounded(restores.perSecond, 0), "≥ 30,000")
    row("resident memory over these 1,000,000", restores.growth, "flat")
    row("resident memory over 100,000 boots", Boots.growth(100_000), "flat")
    row("resident memory over 1,000,000 exact stops", Stores.growth(1_000_000), "flat")
    say(
      """

      A cold boot goes from the bytes of `images/led-heartbeat.elf` to a new machine on a pooled engine that has none of its \
      code translated, and runs until the banner is printed and the LED is on. A warm one finds the code translated. A device \
      store is the difference between a loop that stores to a device and the same loop storing to RAM. An interrupt is the \
      difference between a loop whose store to ICSR pends PendSV, with a handler of one instruction, and one whose store does not. \
      What going back takes is measured inside the stub, packets included, with 256 MB for history.
      """)
  }

  private func percent(_ factor: Double) -> String { rounded((factor - 1) * 100, 1) + " %" }

  private func row(_ cells: String...) { row(cells) }

  private func row(_ cells: [String]) { say("| " + cells.joined(separator: " | ") + " |") }

  private func seconds(_ time: Double, _ instructions: UInt64) -> String {
    "\(rounded(time, 3)) s, \(rounded(Double(instructions) / time / 1e6, 0)) MIPS"
  }

  private func debugBoots() -> String {
    lines(of: ".build/debug/bench boots warm 3000").first ?? "?"
  }

  private func start() -> String {
    let command = [".build/release/emurun", "images/led-heartbeat.elf", "--max-instructions", "1"]
    let times = (0..<31).map { _ in Child.run(command).wallSeconds * 1e3 }
    return rounded(median(times), 1) + " ms"
  }

  private func processor() -> String {
    lines(of: "sed -n 's/^model name.*: //p' /proc/cpuinfo").first ?? "?"
  }

  private func qemuVersion() -> String {
    lines(of: "qemu-system-riscv64 --version").first ?? "?"
  }

  private func lines(of command: String) -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    let output = Pipe()
    process.standardOutput = output
    guard (try? process.run()) != nil else { return [] }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
