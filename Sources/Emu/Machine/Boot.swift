/// What a machine finds at power-on: memory, and on RV64 how its first instruction comes about.
/// Decided here, once, from board, image and options.
struct Boot: Sendable {
  private(set) var content: [Extent] = []
  private(set) var start = RV64.Start.machine

  init(_ image: Image, on board: Board, _ options: MachineOptions) throws(MachineError) {
    switch board.core {
    case .cortexM4: try load(image, base: board.regions.first?.address ?? 0, board, options)
    case .rv64: try prepareRV64(image, board, options)
    }
  }

  // MARK: Memory

  private mutating func load(
    _ image: Image, base: UInt64, _ board: Board, _ options: MachineOptions
  ) throws(MachineError) {
    for segment in try Self.place(image, at: base).segments {
      let extent = Extent(address: segment.address, bytes: segment.bytes, size: segment.size)
      try add(extent, "\(image.path): its segment", board)
    }
    for (address, bytes) in options.loads {
      try add(Extent(address: address, bytes: bytes), "the file loaded", board)
    }
  }

  private static func place(_ image: Image, at base: UInt64) throws(MachineError) -> Image {
    do { return try image.placed(at: base) } catch { throw MachineError(.image, error.description) }
  }

  private mutating func add(
    _ extent: Extent, _ what: String, _ board: Board
  ) throws(MachineError) {
    let fits = board.regions.contains {
      extent.address >= $0.address && extent.size <= $0.size
        && extent.address - $0.address <= $0.size - extent.size
    }
    if !fits {
      let memory = board.regions.map { "\($0.name) \(hex($0.address))..\(hex($0.end - 1))" }
      throw MachineError(
        .image,
        "\(what) at \(hex(extent.address)), \(extent.size) bytes, does not lie in the memory of "
          + "\(board.name) (\(memory.joined(separator: ", "))); link it for this board or take "
          + "another one with --board")
    }
    content.append(extent)
  }

  // MARK: RV64

  /// Where S-mode payloads lie, from the start of RAM.
  private static let payloadOffset: UInt64 = 0x20_0000

  private mutating func prepareRV64(
    _ image: Image, _ board: Board, _ options: MachineOptions
  ) throws(MachineError) {
    guard let ram = board.regions.first(where: \.writable) else {
      throw MachineError(.image, "\(board.name) has no RAM")
    }
    let isPayload =
      image.bootHeader != nil
      || image.format == .elf && (image.entry ?? 0) >= ram.address + Self.payloadOffset
    let mode = options.mode ?? (isPayload ? .supervisor : .machine)
    let offset = image.bootHeader?.textOffset ?? (mode == .supervisor ? Self.payloadOffset : 0)
    let placed = try Self.place(image, at: ram.address + offset)
    try load(placed, base: 0, board, options)
    let deviceTree = try addDeviceTree(options.deviceTree ?? board.deviceTree, ram, board)
    let entry: UInt64
    do { entry = try placed.knownEntry() } catch { throw MachineError(.image, error.description) }
    switch mode {
    case .supervisor: start = .supervisor(entry: entry, deviceTree: deviceTree)
    case .machine: try addResetROM(entry, deviceTree, ram, board)
    }
  }

  /// At the end of RAM, as QEMU 7.2 has it: below 3 GiB and 2 MiB aligned.
  private mutating func addDeviceTree(
    _ blob: [UInt8], _ ram: Board.Region, _ board: Board
  ) throws(MachineError) -> UInt64 {
    if blob.isEmpty { return 0 }
    let size = UInt64(blob.count)
    let limit: UInt64 = 0xC000_0000
    let top = min(ram.end, limit)
    let address = size <= top ? (top - size) & ~0x1F_FFFF : 0
    if content.contains(where: {
      $0.address < address + size && address < $0.address + $0.size
    }) {
      throw MachineError(
        .image,
        "the image covers \(hex(address)), where the device tree goes; "
          + (ram.end < limit ? "give it more --memory" : "let it end below or begin above"))
    }
    try add(Extent(address: address, bytes: blob), "the device tree", board)
    return address
  }

  /// An image that brings its own code to the ROM's address runs that instead.
  private mutating func addResetROM(
    _ entry: UInt64, _ deviceTree: UInt64, _ ram: Board.Region, _ board: Board
  ) throws(MachineError) {
    let covered = content.contains {
      $0.address <= ResetROM.address && ResetROM.address - $0.address < $0.size
    }
    if covered { return }
    let rom = ResetROM.bytes(
      entry: entry, deviceTree: deviceTree, payload: ram.address + Self.payloadOffset)
    try add(Extent(address: ResetROM.address, bytes: rom), "the reset ROM", board)
  }
}

extension Machine {
  /// A board with an image in its memory, at power-on: no instruction has run.
  public convenience init(
    _ board: Board, image: Image, options: MachineOptions = MachineOptions()
  ) throws(MachineError) {
    try self.init(board: board, boot: Boot(image, on: board, options), options: options)
  }
}
