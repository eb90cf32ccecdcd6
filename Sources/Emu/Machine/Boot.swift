/// What a machine finds at power-on: memory, and on RV64 how its first instruction comes about.
/// Decided here, once, from board, image and options. See docs/boot.md.
struct Boot: Sendable {
  private(set) var content: [Extent] = []
  private(set) var start = RV64.Start()
  let image: Image
  let hostInterface: HTIF.Addresses?
  /// What a guest reset puts into memory again: on RV64 all files, as QEMU 7.2 does. A firmware in
  /// RAM has changed its own data by then, and would take itself for another hart's.
  var reloaded: [Extent] { reloads ? content : [] }
  private let reloads: Bool
  private let board: Board
  /// What is in memory so far that nothing else may lie on.
  private var taken: [(extent: Extent, what: String)] = []

  init(_ image: Image, on board: Board, _ options: MachineOptions) throws(MachineError) {
    self.board = board
    self.image = image
    hostInterface = board.core.machine == .riscv64 ? image.hostInterface : nil
    reloads = board.core.machine == .riscv64
    switch board.core {
    case .cortexM4:
      for region in board.regions where !region.content.isEmpty {
        try add(
          Extent(address: region.address, bytes: region.content), "the board's own \(region.name)")
      }
      try add(image, at: board.regions.first?.address ?? 0)
      try addLoads(options)
    case .rv64: try prepareRV64(image, options)
    }
  }

  // MARK: Memory

  @discardableResult
  private mutating func add(_ image: Image, at base: UInt64) throws(MachineError) -> Image {
    if image.format == .elf, let machine = image.machine, machine != board.core.machine {
      let (code, core) = machine == .arm ? ("Arm", "RV64") : ("RV64", "Arm")
      throw MachineError(
        .image,
        "\(image.path): is code for \(code), and \(board.name) has \(core) cores; take another board"
      )
    }
    let placed: Image
    do { placed = try image.placed(at: base) } catch {
      throw MachineError(.image, error.description)
    }
    for var segment in placed.segments {
      if !board.regions.contains(where: { $0.holds(segment.address) }),
        let memory = board.regions.lazy.map(\.address).filter({ $0 > segment.address }).min(),
        let rest = placed.withoutHeaders(segment, below: memory)
      {
        if rest.size == 0 { continue }
        segment = rest
      }
      // What a kernel uses behind its file (its header says how much) is its own too.
      let size = max(segment.size, placed.bootHeader?.imageSize ?? 0)
      try add(
        Extent(address: segment.address, bytes: segment.bytes, size: size),
        "\(image.path): its segment")
    }
    return placed
  }

  private mutating func addLoads(_ options: MachineOptions) throws(MachineError) {
    for (address, bytes) in options.loads {
      try add(Extent(address: address, bytes: bytes), "the file loaded", mayCover: true)
    }
  }

  private mutating func add(
    _ extent: Extent, _ what: String, mayCover: Bool = false
  ) throws(MachineError) {
    if !board.holds(extent) {
      let memory = board.regions.map { "\($0.name) \(hex($0.address))..\(hex($0.end - 1))" }
      throw MachineError(
        .image,
        "\(what) at \(hex(extent.address)), \(extent.size) bytes, does not lie in the memory of "
          + "\(board.name) (\(memory.joined(separator: ", "))); link it for this board or take "
          + "another one with --board")
    }
    if !mayCover, let other = taken.first(where: { $0.extent.overlaps(extent) }) {
      throw MachineError(
        .image,
        "\(what) at \(extent.range) would lie on what is at \(other.extent.range) "
          + "(\(other.what)); link or load one of them elsewhere")
    }
    taken.append((extent, what))
    content.append(extent)
  }

  // MARK: RV64

  /// Where S-mode payloads lie, from the start of RAM.
  private static let payloadOffset: UInt64 = 0x20_0000

  private mutating func prepareRV64(
    _ image: Image, _ options: MachineOptions
  ) throws(MachineError) {
    guard let ram = board.regions.first(where: \.writable) else {
      throw MachineError(.image, "\(board.name) has no RAM")
    }
    let payload = ram.address + Self.payloadOffset
    let isPayload =
      options.firmware != nil || image.bootHeader != nil
      || image.format == .elf && (image.entry ?? 0) >= payload
    // A firmware is what starts in M mode; without one the image decides.
    start.mode =
      options.firmware != nil ? .machine : options.mode ?? (isPayload ? .supervisor : .machine)
    start.answersSBI = options.sbi.map { $0 == .host } ?? (start.mode == .supervisor)
    if start.mode == .supervisor && options.sbi == .firmware {
      throw MachineError(
        .options,
        "the image starts in S mode, and nothing below it would answer its calls: name a firmware "
          + "with --bios, or leave --sbi firmware out")
    }
    let firmware = options.firmware
    var first: UInt64?
    if let firmware {
      first = try Self.entry(of: add(firmware.image, at: firmware.address ?? ram.address))
    }
    let hasOffset = isPayload || start.mode == .supervisor
    let offset = image.bootHeader?.textOffset ?? (hasOffset ? Self.payloadOffset : 0)
    let base = firmware == nil ? options.base : nil
    let kernel = try Self.entry(of: add(image, at: base ?? ram.address + offset))
    try addLoads(options)
    let chosen = try chosen(options, kernel: kernel, ram)
    let isROM = board.regions.contains { !$0.writable && $0.holds(first ?? kernel) }
    let needsInfo = start.mode == .supervisor || isROM || isResetROMCovered
    let info = ResetROM.info(next: isPayload ? kernel : payload)
    try addDeviceTree(options, chosen, info: needsInfo ? info : [], ram)
    if needsInfo {
      start.pc = isROM || start.mode == .supervisor ? first ?? kernel : ResetROM.address
    } else {
      let rom = ResetROM.bytes(
        entry: first ?? kernel, deviceTree: start.deviceTree, info: info)
      try add(Extent(address: ResetROM.address, bytes: rom), "the reset ROM")
    }
  }

  private static func entry(of image: Image) throws(MachineError) -> UInt64 {
    do { return try image.knownEntry() } catch { throw MachineError(.image, error.description) }
  }

  private var isResetROMCovered: Bool {
    content.contains {
      $0.address <= ResetROM.address && ResetROM.address - $0.address < $0.size
    }
  }

  /// What the kernel is told of its start, with the initial RAM disk put in its place: behind the
  /// kernel by half of RAM or 128 MiB, as QEMU 7.2 has it.
  private mutating func chosen(
    _ options: MachineOptions, kernel: UInt64, _ ram: Board.Region
  ) throws(MachineError) -> [(name: String, value: [UInt8])] {
    var properties: [(name: String, value: [UInt8])] = []
    if !options.commandLine.isEmpty {
      properties.append(("bootargs", Array(options.commandLine.utf8) + [0]))
    }
    if let disk = options.initialDisk {
      let address = kernel + min(ram.size / 2, 128 << 20)
      let extent = Extent(address: address, bytes: disk)
      if !ram.holds(address) || ram.end - address < extent.size {
        throw MachineError(
          .image,
          "the initial RAM disk, \(disk.count) bytes, would go to \(extent.range), beyond the end "
            + "of RAM at \(hex(ram.end - 1)); give it more --memory")
      }
      try add(extent, "the initial RAM disk")
      properties.append(("linux,initrd-start", address.bigEndianBytes))
      properties.append(("linux,initrd-end", (address + extent.size).bigEndianBytes))
    }
    return properties
  }

  /// At the end of RAM, as QEMU 7.2 has it: below 3 GiB and 2 MiB aligned. `info` lies behind it.
  private mutating func addDeviceTree(
    _ options: MachineOptions, _ chosen: [(name: String, value: [UInt8])], info: [UInt8],
    _ ram: Board.Region
  ) throws(MachineError) {
    if options.deviceTree == nil && board.deviceTree.isEmpty { return }
    var tree = try DeviceTreeFile(
      options.deviceTree?.bytes ?? board.deviceTree, from: options.deviceTree?.path ?? board.name)
    tree.choose(chosen)
    var blob = tree.bytes
    let padding = -blob.count & 7
    blob += [UInt8](repeating: 0, count: info.isEmpty ? 0 : padding) + info
    let size = UInt64(blob.count)
    let limit: UInt64 = 0xC000_0000
    let top = min(ram.end, limit)
    let address = size <= top ? (top - size) & ~0x1F_FFFF : 0
    let extent = Extent(address: address, bytes: blob)
    if let other = taken.first(where: { $0.extent.overlaps(extent) }) {
      throw MachineError(
        .image,
        "\(other.what) at \(hex(other.extent.address)) covers \(hex(address)), where the device "
          + "tree goes; "
          + (ram.end < limit ? "give it more --memory" : "let it end below or begin above"))
    }
    try add(extent, "the device tree")
    start.deviceTree = address
    if !info.isEmpty { start.info = address + size - UInt64(info.count) }
  }
}

extension Board {
  fileprivate func holds(_ extent: Extent) -> Bool {
    regions.contains {
      extent.address >= $0.address && extent.size <= $0.size
        && extent.address - $0.address <= $0.size - extent.size
    }
  }
}

extension Board.Region {
  fileprivate func holds(_ address: UInt64) -> Bool { address &- self.address < size }
}

extension Extent {
  /// "0x80200000..0x80280fff"
  fileprivate var range: String { "\(hex(address))..\(hex(address &+ (size &- 1)))" }

  /// Both lie in memory, so no sum overflows.
  fileprivate func overlaps(_ other: Extent) -> Bool {
    address < other.address + other.size && other.address < address + size
  }
}

extension UInt64 {
  fileprivate var bigEndianBytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) }
  }
}

extension Machine {
  /// A board with an image in its memory, at power-on: no instruction has run.
  public convenience init(
    _ board: Board, image: Image, options: MachineOptions = MachineOptions()
  ) throws(MachineError) {
    try self.init(board: board, boot: Boot(image, on: board, options), options: options)
  }

  /// The device tree that a1 points at, as it is in memory now; nil: there is none.
  public var deviceTree: [UInt8]? {
    let address = boot.start.deviceTree
    guard address != 0, let size = memory.load(address + 4, as: UInt32.self) else { return nil }
    return memory.read(address, count: Int(size.byteSwapped))
  }
}
