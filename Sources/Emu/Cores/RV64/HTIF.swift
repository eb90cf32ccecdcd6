import Glibc

/// The host-target interface, through which bare-metal RISC-V programs (riscv-tests, pk) speak to Spike: two doublewords of
/// memory at the ELF symbols `tohost` and `fromhost`.
///
/// There is no manual; this is what Spike does (riscv-isa-sim, fesvr). A command is what `tohost` holds when it is not zero:
/// device in bits 63..56, command in 55..48, the rest is its argument. The host looks directly behind each store, or DMA, that
/// touches `tohost`, takes the command by writing 0, and answers in `fromhost`, once that is 0.
final class HTIF {
  /// Physical.
  struct Addresses: Sendable, Hashable {
    var toHost: UInt64
    /// nil: answers get lost.
    var fromHost: UInt64?
  }

  struct State: Sendable, Hashable, Codable {
    /// Reads from the console that wait for input.
    var reads = 0
    /// Answers that wait for `fromhost`.
    var answers: [UInt64] = []
  }

  private enum Command {
    /// Device 0: exit, or a system call.
    static let call: UInt64 = 0x0000
    static let readConsole: UInt64 = 0x0100
    static let writeConsole: UInt64 = 0x0101
  }
  private static let argument: UInt64 = 1 << 48 - 1

  let addresses: Addresses
  private let bus: Bus
  var state = State()
  /// What is written now is written by this host.
  private var isBusy = false

  init(_ addresses: Addresses, bus: Bus) {
    self.addresses = addresses
    self.bus = bus
    for address in words { bus.memory.watch(address, count: 8) { [unowned self] _ in look() } }
  }

  /// Memory lives on, with other machines.
  func close() {
    for address in words { bus.memory.unwatch(address, count: 8) }
  }

  private var words: [UInt64] { [addresses.toHost] + (addresses.fromHost.map { [$0] } ?? []) }
  private var memory: Memory { bus.memory }
  private var hart: Hart { bus.running ?? bus.harts[bus.turns.hart] }

  /// A doubleword was written, or input has come.
  func look() {
    if isBusy { return }
    isBusy = true
    defer { isBusy = false }
    if let command: UInt64 = memory.load(addresses.toHost), command != 0 {
      memory.store(0 as UInt64, at: addresses.toHost)
      obey(command)
    }
    while state.reads > 0, let byte = hart.readInput() {
      state.reads -= 1
      answer(Command.readConsole, 0x100 | UInt64(byte))
    }
    guard let fromHost = addresses.fromHost, let next = state.answers.first,
      memory.load(fromHost) == 0 as UInt64
    else { return }
    state.answers.removeFirst()
    memory.store(next, at: fromHost)
  }

  private func obey(_ word: UInt64) {
    let argument = word & Self.argument
    switch word >> 48 {
    case Command.call where argument & 1 != 0:
      bus.end(Stop(.htif, code: UInt32(truncatingIfNeeded: argument >> 1)))
    case Command.call:
      call(argument)
      answer(Command.call, 1)
    case Command.readConsole: state.reads += 1
    case Command.writeConsole: hart.write(UInt8(truncatingIfNeeded: argument), from: .htif)
    default:
      hart.notModelled("HTIF device \(word >> 56) command \(word >> 48 & 0xFF)", value: argument)
    }
  }

  private func answer(_ command: UInt64, _ value: UInt64) {
    if addresses.fromHost != nil { state.answers.append(command << 48 | value) }
  }

  // MARK: System calls

  private enum Failure: Int64 {
    case badFile = -9
    case badAddress = -14
    case notImplemented = -38
  }

  /// `magic_mem`: number and arguments at this physical address, the result over the number.
  private func call(_ block: UInt64) {
    func word(_ number: UInt64) -> UInt64 { memory.load(block + 8 * number) ?? 0 }
    guard memory.contains(block, count: 64) else {
      return hart.notModelled("HTIF system call outside of memory", value: block)
    }
    var result: Int64
    switch word(0) {
    case 64: result = write(file: word(1), word(2), count: word(3))
    case 93:
      bus.end(Stop(.htif, code: UInt32(truncatingIfNeeded: word(1))))
      result = 0
    case let number:
      hart.notModelled("HTIF system call \(number)", value: block)
      result = Failure.notImplemented.rawValue
    }
    memory.store(result, at: block)
  }

  private func write(file: UInt64, _ address: UInt64, count: UInt64) -> Int64 {
    guard file == 1 || file == 2 else { return Failure.badFile.rawValue }
    guard memory.contains(address, count: count),
      let bytes = memory.read(address, count: Int(min(count, UInt64(Hart.mostText))))
    else { return Failure.badAddress.rawValue }
    for byte in bytes { hart.write(byte, from: .htif) }
    return Int64(bytes.count)
  }
}

extension HTIF.Addresses {
  /// Where an RV64 ELF file has the two symbols; nil: it is no program for HTIF.
  init?(in file: ImageFile, _ layout: ImageLayout) {
    // Most files have no such symbol; they are spared the reading of their symbol tables.
    guard layout.machine == .riscv64, file.mentions("tohost"),
      let symbols = ELFHandle(file.bytes)?.symbols()
    else { return nil }
    func address(_ name: String) -> UInt64? {
      symbols.first { $0.name == name && $0.address % 8 == 0 }.map { layout.physical($0.address) }
    }
    guard let toHost = address("tohost") else { return nil }
    self.init(toHost: toHost, fromHost: address("fromhost"))
  }
}

extension ImageFile {
  fileprivate func mentions(_ name: String) -> Bool {
    let name = Array(name.utf8)
    return bytes.withUnsafeBytes { bytes in
      guard var start = bytes.baseAddress, bytes.count >= name.count else { return false }
      let end = start + (bytes.count - name.count)
      while start <= end, let found = memchr(start, Int32(name[0]), end - start + 1) {
        if memcmp(found, name, name.count) == 0 { return true }
        start = UnsafeRawPointer(found) + 1
      }
      return false
    }
  }
}

extension ImageLayout {
  /// A symbol's value is a virtual address; programs with symbols outside of their segments mean what they say.
  fileprivate func physical(_ address: UInt64) -> UInt64 {
    let home = segments.first { address &- $0.virtualAddress < $0.size }
    return home.map { $0.address &+ (address &- $0.virtualAddress) } ?? address
  }
}
