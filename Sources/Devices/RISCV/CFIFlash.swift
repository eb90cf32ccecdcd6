import Emu

/// NOR flash with Intel's command set: JEDEC JESD68.01 (Common Flash Interface) and Intel's 28F128J3 datasheet, sections "Bus
/// operations" and "Command set", two 16-bit chips side by side in a bank, as QEMU's `virt` has two banks of them.
///
/// Empty it is all zeros, as there. It is never busy: a program or an erase is done within the store that confirms it.
public struct CFIFlash: Device {
  /// Of one sector of a bank, in both chips.
  static let sectorSize: UInt64 = 256 << 10
  private static let chips: UInt64 = 2

  public struct State: Codable, Hashable, Sendable {
    var banks: [Bank]
  }

  struct Bank: Codable, Hashable, Sendable {
    var content: Disk
    var mode = Mode.readArray
    /// SR.7: ready.
    var status: UInt8 = 0x80
    /// Write to Buffer: how many words are to come, and the bytes so far, by offset.
    var expected = 0
    var buffer: [Write] = []
  }

  struct Write: Codable, Hashable, Sendable {
    var offset: UInt64
    var width: UInt8
    var value: UInt64
  }

  /// What the next store or load means.
  enum Mode: String, Codable, Hashable, Sendable {
    case readArray
    case readIdentifier
    case readQuery
    case readStatus
    case program
    case erase
    case lock
    case bufferCount
    case bufferData
    case bufferConfirm
  }

  public var state: State
  let bankSize: UInt64

  /// - Parameter bankSize: in bytes, a power of two and sectors.
  public init(banks: Int = 2, bankSize: UInt64 = 32 << 20) {
    self.bankSize = bankSize
    let empty = Disk(DiskImage(zeros: bankSize, name: "flash"))
    state = State(banks: Array(repeating: Bank(content: empty), count: banks))
  }

  public var map: RegisterMap {
    RegisterMap([
      .init(
        "flash", 0, count: bankSize / 4 * UInt64(state.banks.count),
        widths: [.byte, .half, .word, .double])
    ])
  }

  // MARK: Loads

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.banks.count == self.state.banks.count
      && zip(state.banks, self.state.banks).allSatisfy { $0.isSound(like: $1, bankSize) }
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let number = Int(access.offset / bankSize)
    switch state.banks[number].mode {
    case .readArray:
      var value: UInt64 = 0
      withUnsafeMutableBytes(of: &value) { bytes in
        let target = UnsafeMutableRawBufferPointer(rebasing: bytes[..<Int(access.width)])
        _ = state.banks[number].content.read(at: access.offset % bankSize, into: target)
      }
      return UInt64(littleEndian: value)
    case .readIdentifier: return answer(access) { Self.identifier($0) }
    case .readQuery: return answer(access) { query($0) }
    default: return answer(access) { _ in state.banks[number].status }
    }
  }

  /// Both chips of a bank answer with the same byte, in the lower half of their 16 bits; the address counts their words.
  private func answer(_ access: Access, _ byte: (UInt64) -> UInt8) -> UInt64 {
    var value: UInt64 = 0
    for lane in 0..<UInt64(access.width) where (access.offset + lane) % 2 == 0 {
      value |= UInt64(byte((access.offset + lane) % bankSize / 4)) << (8 * lane)
    }
    return value
  }

  /// "Read Identifier": manufacturer and device; no sector is locked.
  private static func identifier(_ word: UInt64) -> UInt8 {
    switch word & 0xFF {
    case 0: 0x89
    case 1: 0x18
    default: 0
    }
  }

  /// The query table of one chip; zero where it says nothing.
  private func query(_ word: UInt64) -> UInt8 {
    let sectors = bankSize / Self.sectorSize - 1
    let sectorUnits = Self.sectorSize / Self.chips / 256
    switch word {
    case 0x10...0x12: return Array("QRY".utf8)[Int(word - 0x10)]
    // Intel's extended command set, and where its own table is.
    case 0x13: return 0x01
    case 0x15: return 0x31
    // 4.5 V to 5.5 V.
    case 0x1B: return 0x45
    case 0x1C: return 0x55
    // Typical times: 2^7 µs a word and a buffer, 2^10 ms a sector; at most 2^4 times as long.
    case 0x1F, 0x20: return 7
    case 0x21: return 10
    case 0x23, 0x24, 0x25: return 4
    case 0x27: return UInt8((bankSize / Self.chips).trailingZeroBitCount)
    // ×8 and ×16; a buffer of 2^11 bytes; one region of equal sectors.
    case 0x28: return 2
    case 0x2A: return 11
    case 0x2C: return 1
    case 0x2D: return UInt8(truncatingIfNeeded: sectors)
    case 0x2E: return UInt8(truncatingIfNeeded: sectors >> 8)
    case 0x2F: return UInt8(truncatingIfNeeded: sectorUnits)
    case 0x30: return UInt8(truncatingIfNeeded: sectorUnits >> 8)
    // Version 1.0; one protection field.
    case 0x31...0x35: return Array("PRI10".utf8)[Int(word - 0x31)]
    case 0x3F: return 1
    default: return 0
    }
  }

  // MARK: Stores

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let number = Int(access.offset / bankSize)
    let offset = access.offset % bankSize
    // What is written to one chip tells for both.
    let command = UInt8(truncatingIfNeeded: value)
    var bank = state.banks[number]
    // So that the content is not held twice, and not copied.
    state.banks[number].content = Self.nothing
    defer { state.banks[number] = bank }
    switch bank.mode {
    case .program:
      bank.program(Write(offset: offset, width: access.width, value: value))
      bank.mode = .readStatus
    case .erase:
      if command == 0xD0 {
        bank.erase(sectorAt: offset)
        bank.mode = .readStatus
      } else {
        bank.fail(port)
      }
    case .lock:
      // Set and clear lock bits: there are none.
      if command == 0xD0 || command == 0x01 { bank.mode = .readStatus } else { bank.fail(port) }
    case .bufferCount:
      bank.expected = Int(value & 0xFFFF) + 1
      bank.buffer = []
      bank.mode = .bufferData
      if bank.expected > Self.mostWords { bank.fail(port) }
    case .bufferData:
      bank.buffer.append(Write(offset: offset, width: access.width, value: value))
      bank.expected -= 1
      if bank.expected == 0 { bank.mode = .bufferConfirm }
    case .bufferConfirm:
      if command == 0xD0 {
        for write in bank.buffer { bank.program(write) }
        bank.buffer = []
        bank.mode = .readStatus
      } else {
        bank.fail(port)
      }
    default: bank.command(command, port)
    }
  }

  /// Of a chip's buffer of 2^11 bytes.
  fileprivate static let mostWords = 1024
  private static let nothing = Disk(DiskImage(zeros: 512, name: "nothing"))
}

extension CFIFlash.Bank {
  fileprivate func isSound(like other: CFIFlash.Bank, _ size: UInt64) -> Bool {
    content.image == other.content.image && 0...1 << 16 ~= expected
      && buffer.count <= CFIFlash.mostWords
      && (mode != .bufferData || 1...CFIFlash.mostWords ~= expected)
      && buffer.allSatisfy {
        [1, 2, 4, 8].contains($0.width) && $0.offset <= size - UInt64($0.width)
      }
  }

  /// The first cycle of a command: table "Command bus cycles".
  fileprivate mutating func command(_ command: UInt8, _ port: DevicePort) {
    switch command {
    // 0xF0 is AMD's reset, which probes send.
    case 0xFF, 0xF0, 0x00: mode = .readArray
    case 0x90: mode = .readIdentifier
    case 0x98: mode = .readQuery
    case 0x70: mode = .readStatus
    case 0x50:
      status = 0x80
      mode = .readArray
    case 0x10, 0x40: mode = .program
    case 0x20: mode = .erase
    case 0x60: mode = .lock
    case 0xE8: mode = .bufferCount
    default:
      port.notModelled("a flash command that is not in Intel's set", value: UInt64(command))
      mode = .readArray
    }
  }

  /// A sequence that is none: SR.4 and SR.5.
  fileprivate mutating func fail(_ port: DevicePort) {
    port.guestError("a flash command that is not confirmed")
    status |= 0x30
    buffer = []
    mode = .readArray
  }

  /// "Only 1s can be programmed to 0s."
  fileprivate mutating func program(_ write: CFIFlash.Write) {
    let count = Int(write.width)
    var old: UInt64 = 0
    withUnsafeMutableBytes(of: &old) {
      _ = content.read(at: write.offset, into: .init(rebasing: $0[..<count]))
    }
    let new = old & write.value.littleEndian
    withUnsafeBytes(of: new) {
      _ = content.write(at: write.offset, from: .init(rebasing: $0[..<count]))
    }
  }

  fileprivate mutating func erase(sectorAt offset: UInt64) {
    let size = Int(CFIFlash.sectorSize)
    withUnsafeTemporaryAllocation(byteCount: size, alignment: 64) { ones in
      ones.initializeMemory(as: UInt8.self, repeating: 0xFF)
      let start = offset / CFIFlash.sectorSize * CFIFlash.sectorSize
      _ = content.write(at: start, from: UnsafeRawBufferPointer(ones))
    }
  }
}

/// A guest reset takes the chips out of whatever command they are in; they keep what is in them.
extension CFIFlash {
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    for number in state.banks.indices {
      let content = state.banks[number].content
      state.banks[number] = initial.banks[number]
      state.banks[number].content = content
    }
  }
}

extension CFIFlash: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    var node = DeviceTreeNode("flash@" + String(place.address, radix: 16), label: place.name)
    node.set("compatible", "cfi-flash")
    node.set(
      "reg",
      .cells(
        state.banks.indices.flatMap {
          DeviceTreeNode.cells(place.address + UInt64($0) * bankSize)
            + DeviceTreeNode.cells(bankSize)
        }))
    node.set("bank-width", 4)
    tree.children.append(node)
  }
}
