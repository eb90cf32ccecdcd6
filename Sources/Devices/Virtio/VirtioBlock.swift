import Emu

/// A disk: OASIS VIRTIO 1.2, section 5.2, with one queue.
///
/// What a guest writes stays in the device's state; whether it reaches the image is the business of whoever ends the run.
/// So a flush has nothing to do, and runs of the same disk are the same.
public struct VirtioBlock: VirtioFunction {
  public struct State: Codable, Hashable, Sendable {
    var disk: Disk
  }
  public var state: State {
    get { State(disk: disk) }
    set {
      precondition(newValue.disk.image == image, "a state of another disk than \(image.path)")
      disk = newValue.disk
      // A decoded one knows its image by its hash only.
      disk.image = image
    }
  }

  public func accepts(_ state: State) -> Bool { state.disk.image == image }

  private var disk: Disk
  private let image: DiskImage
  private let isReadOnly: Bool
  private let identifier: [UInt8]

  /// - Parameter identifier: what GET_ID answers, up to 20 bytes.
  public init(_ image: DiskImage, isReadOnly: Bool = false, identifier: String = "") {
    disk = Disk(image)
    self.image = image
    self.isReadOnly = isReadOnly
    self.identifier = Array(identifier.utf8.prefix(20))
  }

  public static let deviceID: UInt32 = 2
  public let queueCount = 1

  // MARK: Features and configuration: sections 5.2.3 and 5.2.4

  private static let mostSegments: UInt32 = 254
  private static let mostSectors: UInt32 = 1 << 22

  public var features: UInt64 {
    let segMax: UInt64 = 1 << 2
    let geometry: UInt64 = 1 << 4
    let readOnly: UInt64 = 1 << 5
    let blockSize: UInt64 = 1 << 6
    let flush: UInt64 = 1 << 9
    let topology: UInt64 = 1 << 10
    let discard: UInt64 = 1 << 13
    let writeZeroes: UInt64 = 1 << 14
    return segMax | geometry | blockSize | flush | topology
      | (isReadOnly ? readOnly : discard | writeZeroes)
  }

  private var sectors: UInt64 { image.size / DiskImage.sectorSize }

  public var configuration: [RegisterMap.Register] {
    let cylinders = min(sectors / (16 * 63), 65535)
    func field(_ name: String, _ offset: UInt64, _ size: UInt64, _ value: UInt64)
      -> RegisterMap.Register
    { .init(name, offset, size: size, .readOnly, reset: value) }
    return [
      field("capacity", 0, 8, sectors),
      field("size_max", 8, 4, 0),
      field("seg_max", 12, 4, UInt64(Self.mostSegments)),
      field("geometry.cylinders", 16, 2, cylinders),
      field("geometry.heads", 18, 1, 16),
      field("geometry.sectors", 19, 1, 63),
      field("blk_size", 20, 4, DiskImage.sectorSize),
      field("topology.physical_block_exp", 24, 1, 0),
      field("topology.alignment_offset", 25, 1, 0),
      field("topology.min_io_size", 26, 2, 1),
      field("topology.opt_io_size", 28, 4, 0),
      field("writeback", 32, 1, 0),
      field("unused0", 33, 1, 0),
      field("num_queues", 34, 2, 1),
      field("max_discard_sectors", 36, 4, UInt64(Self.mostSectors)),
      field("max_discard_seg", 40, 4, 1),
      field("discard_sector_alignment", 44, 4, 1),
      field("max_write_zeroes_sectors", 48, 4, UInt64(Self.mostSectors)),
      field("max_write_zeroes_seg", 52, 4, 1),
      field("write_zeroes_may_unmap", 56, 1, 1),
      field("unused1", 57, 1, 0),
      field("unused2", 58, 2, 0),
    ]
  }

  // MARK: Requests: section 5.2.6

  private enum Request {
    static let read: UInt32 = 0
    static let write: UInt32 = 1
    static let flush: UInt32 = 4
    static let getID: UInt32 = 8
    static let discard: UInt32 = 11
    static let writeZeroes: UInt32 = 13
  }

  private enum Status: UInt8 {
    case ok = 0
    case error = 1
    case unsupported = 2
  }

  private static let headerSize: UInt64 = 16
  /// Of one request; one that is larger gets an error.
  private static let mostBytes: UInt64 = 1 << 30

  public mutating func serve(
    _ chain: VirtioChain, queue: Int, _ port: inout DevicePort
  ) -> VirtioOutcome {
    let memory = port.memory
    guard let type: UInt32 = chain.load(0, memory), let sector: UInt64 = chain.load(8, memory),
      chain.writableBytes > 0
    else { return .malformed("a request without header or status") }
    let dataIn = chain.writableBytes - 1
    let dataOut = chain.readableBytes - Self.headerSize
    var written: UInt64 = 0
    let status: Status
    switch type {
    case Request.read:
      status = read(sector, dataIn, chain, port)
      if status == .ok { written = dataIn }
    case Request.write: status = write(sector, dataOut, chain, port)
    case Request.flush: status = .ok
    case Request.getID:
      status = .ok
      written = min(dataIn, 20)
      give(identifier, written, chain, memory)
    case Request.discard, Request.writeZeroes:
      status = zero(dataOut, chain, port, isDiscard: type == Request.discard)
    default: status = .unsupported
    }
    _ = chain.write(dataIn..<dataIn + 1, memory) {
      $0.storeBytes(of: status.rawValue, as: UInt8.self)
      return true
    }
    // "The device MUST write at least len bytes to descriptor, beginning at the first device-writable buffer": the status
    // byte counts where nothing before it was left out.
    let length = written == dataIn ? written + 1 : written
    let moved = status == .ok ? max(written, dataOut) : 0
    return .done(written: UInt32(truncatingIfNeeded: length), moved: moved)
  }

  /// Where on the disk a transfer begins; nil: it is not wholly there, or not made of sectors.
  private func place(_ sector: UInt64, _ count: UInt64) -> UInt64? {
    let sectorCount = count / DiskImage.sectorSize
    guard count % DiskImage.sectorSize == 0, count <= Self.mostBytes, sectorCount <= sectors,
      sector <= sectors - sectorCount
    else { return nil }
    return sector * DiskImage.sectorSize
  }

  private func read(
    _ sector: UInt64, _ count: UInt64, _ chain: VirtioChain, _ port: DevicePort
  ) -> Status {
    guard var place = place(sector, count) else { return .error }
    let isRead = chain.write(0..<count, port.memory) { piece in
      defer { place += UInt64(piece.count) }
      return disk.read(at: place, into: piece)
    }
    return isRead ? .ok : unreadable(port)
  }

  private mutating func write(
    _ sector: UInt64, _ count: UInt64, _ chain: VirtioChain, _ port: DevicePort
  ) -> Status {
    // "A device MUST set the status byte to VIRTIO_BLK_S_IOERR for a write request if the VIRTIO_BLK_F_RO feature is offered,
    // and MUST NOT write any data."
    guard !isReadOnly, var place = place(sector, count) else { return .error }
    let header = Self.headerSize
    let isWritten = chain.read(header..<header + count, port.memory) { piece in
      defer { place += UInt64(piece.count) }
      return disk.write(at: place, from: piece)
    }
    return isWritten ? .ok : unreadable(port)
  }

  /// A discard zeroes as well: so there is one answer to what is in the sectors afterwards.
  private mutating func zero(
    _ count: UInt64, _ chain: VirtioChain, _ port: DevicePort, isDiscard: Bool
  ) -> Status {
    let memory = port.memory
    let header = Self.headerSize
    guard !isReadOnly, count == 16, let sector: UInt64 = chain.load(header, memory),
      let number: UInt32 = chain.load(header + 8, memory),
      let flags: UInt32 = chain.load(header + 12, memory)
    else { return .error }
    // "The device MUST set the status byte to VIRTIO_BLK_S_UNSUPP … if any unknown flag is set", or `unmap` for a discard.
    let unmap: UInt32 = 1
    if flags & ~(isDiscard ? 0 : unmap) != 0 { return .unsupported }
    let bytes = UInt64(number) * DiskImage.sectorSize
    guard number <= Self.mostSectors, let place = place(sector, min(bytes, Self.mostBytes)),
      place + bytes <= image.size
    else { return .error }
    return disk.zero(at: place, count: bytes) ? .ok : unreadable(port)
  }

  private func give(_ bytes: [UInt8], _ count: UInt64, _ chain: VirtioChain, _ memory: Memory) {
    var next = 0
    _ = chain.write(0..<count, memory) { piece in
      for place in piece.indices {
        piece[place] = next < bytes.count ? bytes[next] : 0
        next += 1
      }
      return true
    }
  }

  private func unreadable(_ port: DevicePort) -> Status {
    port.notModelled("a disk image that the host cannot read any more")
    return .error
  }
}
