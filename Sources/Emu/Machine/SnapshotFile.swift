import CoreShim

/// A snapshot as the bytes of a file, and back: docs/snapshots.md. Device states are written and read by way of their `Codable`,
/// with the names of their properties; what comes from a file is checked before anything is made of it.
extension Snapshot {
  static let magic = Array("emurun snapshot\n".utf8)
  /// Bumped when the layout of this file, of `core_to_portable` or of what lies between them changes.
  static let version: UInt32 = 4

  /// The bytes of a file. Pages that are as they were at power-on are not in it: they are in the image.
  public func encoded() throws(MachineError) -> [UInt8] {
    var body = CanonicalBytes()
    body.append(naming: SnapshotSetup(board, boot, options))
    body.append(now)
    for (core, hart) in zip(try portableCores(), harts) {
      body.append(packing: core)
      body.append(naming: hart.counts)
      body.append(naming: hart.model)
    }
    for (placement, state) in zip(board.devices, bus.devices) {
      body.append(placement.name)
      body.append(naming: state)
    }
    body.append(naming: bus.rest)
    body.append(hostInterface != nil)
    if let hostInterface { body.append(naming: hostInterface) }
    body.append(naming: past)
    body.append(trace)
    let pages = try changedPages()
    body.append(UInt64(pages.count))
    for page in pages {
      body.append(page.address)
      body.append(packing: page.bytes)
    }
    var hash = SHA256()
    hash.update(body)
    var file = CanonicalBytes()
    file.append(raw: Self.magic)
    file.append(Self.version)
    file.append(raw: hash.finish())
    file.append(UInt64(body.bytes.count))
    return file.bytes + body.bytes
  }

  private func portableCores() throws(MachineError) -> [[UInt8]] {
    let rig = try Rig.take(for: board, engine: .pooled)
    defer { rig.giveBack() }
    return zip(rig.cores, cores).map { core, state in
      switch state {
      case .portable(let portable): return portable
      case .own(let state):
        var portable = [UInt8](repeating: 0, count: core_portable_size(core))
        guard core_to_portable(core, state, &portable) else {
          preconditionFailure(
            "state.c: a run changed something of the engine that snapshots do not have")
        }
        return portable
      }
    }
  }

  /// Those that are not as at power-on.
  private func changedPages() throws(MachineError) -> [(address: UInt64, bytes: [UInt8])] {
    guard case .pages(let blocks) = content.kind else {
      // It is from a file itself.
      return try Machine(self).snapshot().changedPages()
    }
    var pages: [(address: UInt64, bytes: [UInt8])] = []
    for (region, groups) in zip(board.regions, blocks) {
      groups.eachDifference(from: nil) { number, page in
        let address = region.address + UInt64(number) * Memory.pageSize
        let atStart = boot.page(at: address)
        if let page, !page.isEqual(to: atStart) { pages.append((address, Array(page.contents))) }
      }
    }
    return pages
  }

  /// A snapshot of a board with an image that runs with these options, from the bytes of a file, which anybody may have written.
  public init(
    _ file: [UInt8], of board: Board, image: Image, options: MachineOptions = MachineOptions()
  ) throws(MachineError) {
    let boot = try Boot(image, on: board, options)
    try self.init(file, SnapshotSetup(board, boot, options), board, boot, options)
  }

  init(
    _ file: [UInt8], _ setup: SnapshotSetup, _ board: Board, _ boot: Boot, _ options: MachineOptions
  ) throws(MachineError) {
    let body = try Self.body(of: file)
    do {
      try self.init(body: body, setup, board, boot, options)
    } catch let error as MachineError {
      throw error
    } catch {
      throw MachineError(.snapshot, "the snapshot is damaged, or of another emurun: \(error)")
    }
  }

  /// What the checksum is over.
  private static func body(of file: [UInt8]) throws(MachineError) -> ArraySlice<UInt8> {
    guard file.starts(with: magic) else {
      throw MachineError(.snapshot, "it is no snapshot of emurun")
    }
    do {
      var reader = CanonicalReader(file.dropFirst(magic.count))
      let version = try reader.read(UInt32.self)
      if version != Self.version {
        throw MachineError(
          .snapshot,
          "the snapshot has version \(version), and this emurun reads \(Self.version): take it again"
        )
      }
      let checksum = try reader.read(count: 32)
      guard try reader.read(UInt64.self) == UInt64(reader.left) else {
        throw MachineError(
          .snapshot, "the snapshot is cut off, or something was added to it: take it again")
      }
      let body = file[(file.count - reader.left)...]
      var hash = SHA256()
      body.withUnsafeBytes { hash.update($0) }
      guard hash.finish()[...] == checksum else {
        throw MachineError(
          .snapshot, "the snapshot is damaged, its checksum is another: take it again")
      }
      return body
    } catch let error as MachineError {
      throw error
    } catch {
      throw MachineError(.snapshot, "the snapshot is cut off: take it again")
    }
  }

  private init(
    body: ArraySlice<UInt8>, _ wanted: SnapshotSetup, _ board: Board, _ boot: Boot,
    _ options: MachineOptions
  ) throws {
    var reader = CanonicalReader(body)
    let setup = try reader.read(naming: SnapshotSetup.self)
    if let refusal = setup.refusal(for: wanted) {
      throw MachineError(.snapshot, refusal)
    }
    let now = try reader.read(Tick.self)
    guard now < 1 << 57 else { throw Unreadable("its time is out of range") }
    var cores: [CoreState] = []
    var harts: [Hart.Saved] = []
    for _ in 0..<board.harts {
      cores.append(.portable(try reader.unpack(atMost: 1 << 16)))
      let counts = try reader.read(naming: Hart.Counts.self)
      guard counts.isSound(now) else { throw Unreadable("a hart's counts are out of range") }
      harts.append(Hart.Saved(counts: counts, model: try Self.model(&reader, board.core, now)))
    }
    var devices: [AnySlot.State] = []
    var deadlines: [Tick?] = []
    for placement in board.devices {
      guard try reader.readText() == placement.name else {
        throw Unreadable("\(placement.name) is not where it was")
      }
      let (state, deadline) = try placement.readState(&reader, now)
      devices.append(state)
      deadlines.append(deadline)
    }
    let rest = try reader.read(naming: Bus.Rest.self)
    guard rest.isSound(on: board, options, now) else { throw Unreadable("the bus cannot be so") }
    for (placement, deadline) in zip(board.devices, deadlines)
    where rest.isOverdue(deadline, of: placement, now) {
      throw Unreadable("\(placement.name) should have acted long ago")
    }
    var hostInterface: HTIF.State?
    if try reader.readFlag() { hostInterface = try reader.read(naming: HTIF.State.self) }
    guard (hostInterface != nil) == (boot.hostInterface != nil), hostInterface?.isSound ?? true
    else {
      throw Unreadable("the host interface cannot be so")
    }
    let past = try reader.read(naming: Machine.Past.self)
    guard past.isSound(now) else { throw Unreadable("its counts are out of range") }
    let trace = try reader.readTrace(board, rest, now)
    let content = try Self.content(&reader, board, boot)
    guard reader.left == 0 else { throw Unreadable("something is behind its end") }
    self.init(
      board: board, options: options, boot: boot, hostInterface: hostInterface, content: content,
      cores: cores, harts: harts, bus: Bus.Saved(devices: devices, rest: rest), trace: trace,
      past: past, now: now)
  }

  private static func model(
    _ reader: inout CanonicalReader, _ core: Board.Core, _ now: Tick
  ) throws -> any Codable & Sendable {
    switch core {
    case .rv64:
      let model = try reader.read(naming: RV64.Model.self)
      guard model.sbi?.isSound ?? true else { throw Unreadable("the SBI cannot be so") }
      return model
    case .cortexM4(_, let interrupts):
      let state = try reader.read(naming: CortexMState.self)
      guard state.isSound(interrupts: interrupts, now) else {
        throw Unreadable("a Cortex-M4 cannot be so")
      }
      return state
    }
  }

  private static func content(
    _ reader: inout CanonicalReader, _ board: Board, _ boot: Boot
  ) throws -> Content {
    var extents = boot.content
    var next: UInt64 = 0
    for _ in 0..<(try reader.readCount()) {
      let address = try reader.read(UInt64.self)
      let bytes = try reader.unpack(atMost: Int(Memory.pageSize))
      let isThere = board.regions.contains {
        address &- $0.address < $0.size && UInt64(bytes.count) <= $0.size - (address - $0.address)
      }
      guard isThere, address >= next, !bytes.isEmpty else {
        throw Unreadable("a page of memory is where there is none")
      }
      next = address + UInt64(bytes.count)
      if let last = extents.indices.last, last >= boot.content.count,
        extents[last].address + extents[last].size == address
      {
        extents[last].bytes += bytes
        extents[last].size += UInt64(bytes.count)
      } else {
        extents.append(Extent(address: address, bytes: bytes))
      }
    }
    return Content(extents)
  }
}

extension Boot {
  /// As it is at power-on.
  fileprivate func page(at address: UInt64) -> [UInt8] {
    let size = Memory.pageSize
    var page = [UInt8](repeating: 0, count: Int(size))
    for extent in content where extent.address < address + size {
      let end = extent.address + extent.size
      if end <= address { continue }
      let (from, to) = (max(address, extent.address), min(address + size, end))
      let target = Int(from - address)..<Int(to - address)
      let start = Int(from - extent.address)
      let part = extent.bytes[
        min(start, extent.bytes.count)..<min(start + target.count, extent.bytes.count)]
      page.withUnsafeMutableBytes { page in
        let target = UnsafeMutableRawBufferPointer(rebasing: page[target])
        target.initializeMemory(as: UInt8.self, repeating: 0)
        part.withUnsafeBytes { target.copyMemory(from: $0) }
      }
    }
    return page
  }
}
