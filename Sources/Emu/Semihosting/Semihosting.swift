/// What semihosting may do. It is off unless a machine is given one of these.
public struct SemihostingOptions: Sendable {
  /// Files are opened only below this folder; nil: none are.
  public var root: String?
  /// What GET_CMDLINE answers.
  public var commandLine: String

  public init(root: String? = nil, commandLine: String = "") {
    self.root = root
    self.commandLine = commandLine
  }
}

/// Semihosting: the calls of "Semihosting for AArch32 and AArch64" (Arm, 2.0), which RISC-V took
/// over.
///
/// Time is virtual; the console is the run's console and its input; nothing reaches the host but
/// files below the root. Addresses are physical.
final class Semihosting {
  private enum Handle {
    case input
    case output
    case file(Int32)
    /// `:semihosting-features`, at this position.
    case features(Int)
  }

  private enum Call: UInt32 {
    case open = 0x01
    case close = 0x02
    case writeCharacter = 0x03
    case writeText = 0x04
    case write = 0x05
    case read = 0x06
    case readCharacter = 0x07
    case isError = 0x08
    case isTerminal = 0x09
    case seek = 0x0A
    case length = 0x0C
    case temporaryName = 0x0D
    case remove = 0x0E
    case rename = 0x0F
    case clock = 0x10
    case time = 0x11
    case system = 0x12
    case errno = 0x13
    case commandLine = 0x15
    case heapInfo = 0x16
    case exit = 0x18
    case exitExtended = 0x20
    case elapsed = 0x30
    case tickFrequency = 0x31
  }

  private let options: SemihostingOptions
  private let files: HostFiles
  private var handles: [Handle?] = []
  private var lastError: Int32 = 0

  init(_ options: SemihostingOptions) {
    self.options = options
    files = HostFiles(root: options.root)
  }

  deinit { reset() }

  /// Everything closed, as after a reset.
  func reset() {
    for case .file(let descriptor)? in handles { files.close(descriptor) }
    handles = []
    lastError = 0
  }

  /// Answers a call.
  /// - Parameters:
  ///   - number: in r0 or a0.
  ///   - argument: in r1 or a1; nearly always the address of a block of words.
  ///   - wordSize: 4 or 8 bytes.
  /// - Returns: what r0 or a0 becomes.
  func call(_ number: UInt32, _ argument: UInt64, wordSize: Int, hart: Hart) -> UInt64 {
    guard let call = Call(rawValue: number) else {
      hart.notModelled("semihosting call \(hex(UInt64(number)))", value: argument)
      return fail(.notImplemented)
    }
    let block = Block(memory: hart.memory, address: argument, wordSize: wordSize)
    do {
      return UInt64(bitPattern: try answer(call, argument, block, hart))
    } catch {
      return fail(error)
    }
  }

  private func fail(_ error: HostError) -> UInt64 {
    lastError = error.number
    return .max
  }

  private func answer(
    _ call: Call, _ argument: UInt64, _ block: Block, _ hart: Hart
  ) throws(HostError) -> Int64 {
    switch call {
    case .open: return try open(block)
    case .close:
      let number = try index(block[0])
      if case .file(let descriptor)? = handles[number] { files.close(descriptor) }
      handles[number] = nil
    case .writeCharacter:
      guard let byte = hart.memory.load(argument, as: UInt8.self) else { throw .badAddress }
      hart.write(byte, from: .semihosting)
    case .writeText:
      guard let text = hart.memory.string(at: argument) else { throw .badAddress }
      for byte in text { hart.write(byte, from: .semihosting) }
    case .write: return try write(block, hart)
    case .read: return try read(block, hart)
    case .readCharacter: return hart.readInput().map(Int64.init) ?? -1
    case .isError:
      let status = try block[0]
      let sign: UInt64 = block.wordSize == 4 ? 1 << 31 : 1 << 63
      return status & sign != 0 ? 1 : 0
    case .isTerminal:
      switch try handle(block[0]) {
      case .input, .output: return 1
      case .file, .features: return 0
      }
    case .seek: try seek(block)
    case .length:
      switch try handle(block[0]) {
      case .file(let descriptor): return try files.length(descriptor)
      case .features: return Int64(Self.features.count)
      case .input, .output: return 0
      }
    case .temporaryName:
      let name = Array("emurun-\(try block[1] & 0xFF)\0".utf8)
      if try block[2] < name.count { throw .invalid }
      if !hart.memory.write(name, at: try block[0]) { throw .badAddress }
    case .remove: try files.remove(path(block, 0))
    case .rename: try files.rename(path(block, 0), to: path(block, 2))
    case .clock: return Int64(hart.bus.clock.nanoseconds(at: hart.now) / 10_000_000)
    case .time: return Int64(hart.bus.clock.nanoseconds(at: hart.now) / 1_000_000_000)
    case .system: throw .notPermitted
    case .errno: return Int64(lastError)
    case .commandLine:
      let text = Array(options.commandLine.utf8) + [0]
      if try block[1] < text.count { throw .invalid }
      if !hart.memory.write(text, at: try block[0]) { throw .badAddress }
      try block.set(1, UInt64(text.count - 1))
    case .heapInfo: try describeMemory(block, hart)
    case .exit: try exit(argument, block.wordSize == 4 ? nil : block, hart)
    case .exitExtended: try exit(argument, block, hart)
    case .elapsed:
      // A 64-bit count, whatever the word.
      if !hart.memory.store(hart.now, at: argument) { throw .badAddress }
    case .tickFrequency: return Int64(clamping: hart.bus.clock.hertz)
    }
    return 0
  }

  // MARK: The end

  /// "Application exit", the one reason that carries a code.
  private static let applicationExit: UInt64 = 0x20026

  /// Without a block the argument is the reason, and a normal end has code 0.
  private func exit(_ argument: UInt64, _ block: Block?, _ hart: Hart) throws(HostError) {
    let reason = try block?[0] ?? argument
    let code = try block?[1] ?? 0
    if reason == Self.applicationExit {
      hart.end(.semihosting, code: UInt32(truncatingIfNeeded: code))
    } else {
      hart.end(.semihosting, code: 1, detail: "exit reason \(hex(reason))")
    }
  }

  // MARK: Files

  /// Magic "SHFB"; SYS_EXIT_EXTENDED and separate standard error are there.
  private static let features: [UInt8] = [0x53, 0x48, 0x46, 0x42, 3]
  private static let mostHandles = 64

  private func open(_ block: Block) throws(HostError) -> Int64 {
    let path = try path(block, 0, lengthAt: 2)
    let mode = try block[1]
    if mode > 11 { throw .invalid }
    let handle: Handle =
      switch path {
      case ":tt": mode < 4 ? .input : .output
      case ":semihosting-features": .features(0)
      default: .file(try files.open(path, mode: Int(mode)))
      }
    if let free = handles.firstIndex(where: { $0 == nil }) {
      handles[free] = handle
      return Int64(free + 1)
    }
    if handles.count == Self.mostHandles {
      if case .file(let descriptor) = handle { files.close(descriptor) }
      throw .tooMany
    }
    handles.append(handle)
    return Int64(handles.count)
  }

  private func index(_ number: UInt64) throws(HostError) -> Int {
    // 0 is no handle: programs use it for "none".
    guard number >= 1, number <= UInt64(handles.count), handles[Int(number) - 1] != nil else {
      throw .badHandle
    }
    return Int(number) - 1
  }

  private func handle(_ number: UInt64) throws(HostError) -> Handle {
    guard let handle = handles[try index(number)] else { throw .badHandle }
    return handle
  }

  private func path(
    _ block: Block, _ word: Int, lengthAt: Int? = nil
  ) throws(HostError) -> String {
    let length = try block[lengthAt ?? word + 1]
    guard length <= 4096, let bytes = block.memory.read(try block[word], count: Int(length)) else {
      throw .badAddress
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// How many bytes were *not* written.
  private func write(_ block: Block, _ hart: Hart) throws(HostError) -> Int64 {
    let handle = try handle(block[0])
    let length = try block[2]
    var count = Int(clamping: length)
    if case .output = handle { count = min(count, Hart.mostText) }
    guard length <= Int32.max, hart.memory.contains(try block[1], count: max(length, 1)),
      let bytes = hart.memory.read(try block[1], count: count)
    else { throw .badAddress }
    switch handle {
    case .output:
      for byte in bytes { hart.write(byte, from: .semihosting) }
      return Int64(length) - Int64(bytes.count)
    case .file(let descriptor): return Int64(bytes.count - (try files.write(bytes, descriptor)))
    case .input, .features: return Int64(bytes.count)
    }
  }

  /// How many bytes were *not* read. Input that is not there yet is the end of the file.
  private func read(_ block: Block, _ hart: Hart) throws(HostError) -> Int64 {
    let number = try index(block[0])
    let address = try block[1]
    let length = try block[2]
    guard length <= Int32.max, hart.memory.contains(address, count: max(length, 1)) else {
      throw .badAddress
    }
    var bytes: [UInt8] = []
    switch handles[number] {
    case .input: while bytes.count < length, let byte = hart.readInput() { bytes.append(byte) }
    case .file(let descriptor): bytes = try files.read(Int(length), descriptor)
    case .features(let position):
      bytes = Array(Self.features.dropFirst(position).prefix(Int(length)))
      handles[number] = .features(position + bytes.count)
    default: break
    }
    hart.memory.write(bytes, at: address)
    return Int64(length) - Int64(bytes.count)
  }

  private func seek(_ block: Block) throws(HostError) {
    let number = try index(block[0])
    let position = try block[1]
    switch handles[number] {
    case .file(let descriptor): try files.seek(descriptor, to: position)
    case .features where position <= Self.features.count:
      handles[number] = .features(Int(position))
    default: throw .invalid
    }
  }

  /// Heap base and limit, stack base and limit; 0: the program knows better.
  private func describeMemory(_ block: Block, _ hart: Hart) throws(HostError) {
    let inner = Block(memory: block.memory, address: try block[0], wordSize: block.wordSize)
    let ram = hart.bus.board.regions.filter(\.writable).max { $0.size < $1.size }
    for (word, value) in [0, 0, ram?.end ?? 0, 0].enumerated() { try inner.set(word, value) }
  }
}

/// The words that a call's argument points at.
private struct Block {
  let memory: Memory
  let address: UInt64
  let wordSize: Int

  subscript(word: Int) -> UInt64 {
    get throws(HostError) {
      let at = address &+ UInt64(word * wordSize)
      let value =
        wordSize == 4 ? memory.load(at, as: UInt32.self).map(UInt64.init) : memory.load(at)
      guard let value else { throw .badAddress }
      return value
    }
  }

  func set(_ word: Int, _ value: UInt64) throws(HostError) {
    let at = address &+ UInt64(word * wordSize)
    let done =
      wordSize == 4
      ? memory.store(UInt32(truncatingIfNeeded: value), at: at) : memory.store(value, at: at)
    if !done { throw .badAddress }
  }
}
