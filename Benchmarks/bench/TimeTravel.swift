import Devices
import Emu
import GDBStub

/// What a debugger waits for, and what a run costs whose past is kept: the stub without a socket, at the mix.
struct TimeTravel {
  let directory: String
  /// The command line's default.
  private static let budget = 256 << 20

  func rows() -> [[String]] {
    [
      [
        "history at its default budget, of the mix",
        percent(keeping(0)) + ", with 64 MiB in use " + percent(keeping(64 << 20)), "≤ 10 %",
      ],
      ["`stepi` a second inside the stub", rounded(steps(), 0), "≥ 100,000"],
      ["`reverse-stepi` at index 10⁹", rounded(stepBack(), 1) + " ms", "≤ 100 ms"],
      [
        "`reverse-continue` over 10⁸ instructions to a watchpoint",
        "\(rounded(goBack(isHot: false), 2)) s, in a page that is stored to all the time of a Cortex-M4 "
          + "\(rounded(goBackOnM4(), 2)) s, of an RV64 \(rounded(goBack(isHot: true), 2)) s",
        "≤ 3 s",
      ],
      [
        "the symbols of an ELF file of 10 MB, to the first answer", rounded(symbols(), 0) + " ms",
        "≤ 200 ms",
      ],
    ]
  }

  private func percent(_ factor: Double) -> String { rounded((factor - 1) * 100, 1) + " %" }

  // MARK: Runs

  private func mix(_ used: Int = 0) -> Machine {
    var options = MachineOptions()
    options.semihosting = SemihostingOptions()
    if used > 0 { options.loads = [(0x8200_0000, [UInt8](repeating: 0xA5, count: used))] }
    return machine({ try Image(path: "\(directory)/mix-rv64.elf") }, options)
  }

  private func machine(_ image: () throws -> Image, _ options: MachineOptions) -> Machine {
    do { return try Machine(.rv64Virt(), image: image(), options: options) } catch {
      fatal("\(error)")
    }
  }

  /// The mix with its past kept, by its time without; with so many bytes of memory in use beside it.
  private func keeping(_ used: Int) -> Double {
    func time(_ isKept: Bool) -> Double {
      let machine = mix(used)
      var history = isKept ? History(machine, budget: Self.budget) : nil
      let start = cpuSeconds()
      while machine.stop == nil {
        let limit = RunLimit(index: machine.index + 1 << 21)
        guard machine.run(until: limit) != .asleep else { fatal("the mix sleeps") }
        history?.reach(machine)
      }
      return cpuSeconds() - start
    }
    _ = time(false)
    let times = (0..<5).map { _ in (time(false), time(true)) }
    return median(times.map(\.1)) / median(times.map(\.0))
  }

  // MARK: A debugger

  /// Says a packet, and runs until it is answered.
  private func ask(_ session: Session, _ packet: String) {
    let sum = packet.utf8.reduce(0 as UInt8) { $0 &+ $1 }
    let digits = (sum < 16 ? "0" : "") + String(sum, radix: 16)
    session.receive("$\(packet)#\(digits)".utf8)
    while session.isRunning {
      session.run { machine, limit in
        var limit = limit
        limit.index = min(limit.index ?? .max, machine.index + 1 << 21)
        return machine.run(until: limit)
      }
    }
  }

  private func session(_ machine: Machine, at index: UInt64) -> Session {
    let session = Session(machine)
    session.debuggee.keepHistory(budget: Self.budget)
    ask(session, "qRcmd," + hex("goto \(index)"))
    _ = session.takeOutput()
    guard session.machine.index == index else { fatal("index \(session.machine.index)") }
    return session
  }

  private func hex(_ text: String) -> String {
    text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private func steps() -> Double {
    let count = 200_000
    let session = session(mix(), at: 1_000_000)
    let start = cpuSeconds()
    for _ in 0..<count {
      ask(session, "s")
      guard session.takeOutput().count > 8 else { fatal("a step without an answer") }
    }
    let seconds = cpuSeconds() - start
    guard session.machine.index == 1_000_000 + UInt64(count) else { fatal("not all steps") }
    return Double(count) / seconds
  }

  /// In milliseconds, the median of many.
  private func stepBack() -> Double {
    let session = session(mix(), at: 1_000_000_000)
    return median(
      (0..<31).map { _ in
        let index = session.machine.index
        let start = cpuSeconds()
        ask(session, "bs")
        let seconds = cpuSeconds() - start
        guard session.machine.index == index - 1 else { fatal("index \(session.machine.index)") }
        return seconds * 1e3
      })
  }

  private static func bytes(_ words: [UInt32]) -> [UInt8] {
    words.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xFF) } }
  }

  /// RV64, in seconds; `isHot`: the watched page is stored to all the time.
  private func goBack(isHot: Bool) -> Double {
    // auipc s0, 1; sd s0, (s0); addi s1, s0, 64 (or auipc s1, 2);
    // 1: ld t1, (s1); add t1, t1, s0; sd t1, (s1); xor t2, t1, s0; j 1b
    let words: [UInt32] = [
      0x0000_1417, 0x0084_3023, isHot ? 0x0404_0493 : 0x0000_2497, 0x0004_B303, 0x0083_0333,
      0x0064_B023, 0x0083_43B3, 0xFF1F_F06F,
    ]
    let machine = machine(
      { try Image(bytes: Self.bytes(words), path: "loop.bin") }, MachineOptions())
    // The store is the eighth instruction, behind the reset ROM.
    return goBack(machine, to: 0x8000_1000, behind: 8)
  }

  /// A Cortex-M4, in a page that is stored to all the time.
  private func goBackOnM4() -> Double {
    // ldr r0, [pc, #16]; str r0, [r0]; adds r0, #64; 1: ldr r1, [r0]; adds r1, r1, r0; str r1, [r0]; eors r2, r1; b 1b
    let words: [UInt32] = [
      0x2000_1000, 9, 0x6000_4804, 0x6801_3040, 0x6001_1809, 0xE7FA_404A, 0, 0x2000_0100,
    ]
    do {
      let image = try Image(bytes: Self.bytes(words), path: "loop.bin", format: .raw, base: 0)
      return goBack(try Machine(.m4LED, image: image), to: 0x2000_0100, behind: 2)
    } catch { fatal("\(error)") }
  }

  private func goBack(_ machine: Machine, to address: UInt64, behind index: UInt64) -> Double {
    let session = session(machine, at: 100_000_000)
    ask(session, "Z2,\(String(address, radix: 16)),4")
    _ = session.takeOutput()
    let start = cpuSeconds()
    ask(session, "bc")
    let seconds = cpuSeconds() - start
    guard session.machine.index == index else { fatal("index \(session.machine.index)") }
    return seconds
  }

  // MARK: Symbols

  /// In milliseconds.
  private func symbols() -> Double {
    let file = elf(symbols: 150_000)
    guard file.count > 10_000_000 else { fatal("\(file.count) bytes") }
    return median(
      (0..<5).map { _ in
        do {
          let image = try Image(bytes: file, path: "symbols.elf")
          let start = cpuSeconds()
          let place = DebugInfo(image).place(at: 0x8000_0000 + 4 * 77_777 + 2)
          let seconds = cpuSeconds() - start
          guard place?.hasSuffix("077777+0x2") == true else { fatal(place ?? "no symbol") }
          return seconds * 1e3
        } catch { fatal("\(error)") }
      })
  }

  /// An RV64 program of functions of a word, each with a name of 45 letters.
  private func elf(symbols count: Int) -> [UInt8] {
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    var (names, table): ([UInt8], [UInt8]) = ([0], [UInt8](repeating: 0, count: 24))
    for number in 0..<count {
      let digits = String(number)
      let name = "benchmark_of_symbols_function_with_number_"
      table += bytes(UInt32(names.count)) + [0x12, 0, 1, 0]
      table += bytes(0x8000_0000 + 4 * UInt64(number)) + bytes(4 as UInt64)
      names += name.utf8
      names += [UInt8](repeating: 48, count: 6 - digits.count) + digits.utf8 + [0]
    }
    let text = [UInt8](repeating: 0x13, count: 4 * count)
    let sections = Array("\0.text\0.symtab\0.strtab\0.shstrtab\0".utf8)
    let parts = [text, table, names, sections]
    var offset: UInt64 = 64 + 56
    var (content, headers): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 64))
    let kinds: [(name: UInt32, type: UInt32, flags: UInt64, link: UInt32, entry: UInt64)] = [
      (1, 1, 6, 0, 0), (7, 2, 0, 3, 24), (15, 3, 0, 0, 0), (23, 3, 0, 0, 0),
    ]
    for (part, kind) in zip(parts, kinds) {
      headers += bytes(kind.name) + bytes(kind.type) + bytes(kind.flags)
      headers += bytes(kind.flags == 6 ? 0x8000_0000 : 0 as UInt64) + bytes(offset)
      headers += bytes(UInt64(part.count)) + bytes(kind.link) + bytes(1 as UInt32)
      headers += bytes(8 as UInt64) + bytes(kind.entry)
      content += part
      offset += UInt64(part.count)
    }
    var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
    file += bytes(2 as UInt16) + bytes(243 as UInt16) + bytes(1 as UInt32)
    file += bytes(0x8000_0000 as UInt64) + bytes(64 as UInt64) + bytes(offset)
    file += bytes(0 as UInt32) + bytes(64 as UInt16) + bytes(56 as UInt16) + bytes(1 as UInt16)
    file += bytes(64 as UInt16) + bytes(5 as UInt16) + bytes(4 as UInt16)
    file += bytes(1 as UInt32) + bytes(5 as UInt32) + bytes(120 as UInt64)
    file += bytes(0x8000_0000 as UInt64) + bytes(0x8000_0000 as UInt64)
    file += bytes(UInt64(text.count)) + bytes(UInt64(text.count)) + bytes(4 as UInt64)
    return file + content + headers
  }
}
