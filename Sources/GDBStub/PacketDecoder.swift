/// The framing of GDB's Remote Serial Protocol ("Debugging with GDB", appendix E.1): bytes in, packets out.
public struct PacketDecoder {
  public enum Item: Hashable, Sendable {
    /// Its content, with escapes undone.
    case packet([UInt8])
    /// With a wrong checksum, or longer than `longest`.
    case damaged
    case acknowledged
    case refused
    /// Ctrl-C: stop what runs.
    case interrupt
  }

  /// Of a packet's content, in bytes as they come.
  public static let longest = 1 << 17

  private enum State {
    case between
    case content
    case escaped
    case checksum(first: UInt8?)
  }
  private var state = State.between
  private var content: [UInt8] = []
  private var sum: UInt8 = 0
  private var isTooLong = false
  private var items: [Item] = []

  public init() {}

  public mutating func feed(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { take(byte) }
  }

  /// In the order in which they came; nil: no more for now.
  public mutating func next() -> Item? { items.isEmpty ? nil : items.removeFirst() }

  private mutating func take(_ byte: UInt8) {
    switch (state, byte) {
    case (.between, UInt8(ascii: "$")): begin()
    case (.between, UInt8(ascii: "+")): items.append(.acknowledged)
    case (.between, UInt8(ascii: "-")): items.append(.refused)
    case (.between, 3): items.append(.interrupt)
    case (.between, _): break
    // The packet before it was cut short.
    case (.content, UInt8(ascii: "$")): begin()
    case (.content, UInt8(ascii: "#")): state = .checksum(first: nil)
    case (.content, UInt8(ascii: "}")):
      sum &+= byte
      state = .escaped
    case (.content, _): add(byte, byte)
    case (.escaped, _):
      state = .content
      add(byte, byte ^ 0x20)
    case (.checksum(nil), _): state = .checksum(first: byte)
    case (.checksum(let first?), _):
      state = .between
      let isRight = Hex.value([first, byte]) == UInt64(sum) && !isTooLong
      items.append(isRight ? .packet(content) : .damaged)
      content = []
    }
  }

  private mutating func begin() {
    state = .content
    content = []
    sum = 0
    isTooLong = false
  }

  private mutating func add(_ raw: UInt8, _ byte: UInt8) {
    sum &+= raw
    if content.count == Self.longest { isTooLong = true } else { content.append(byte) }
  }
}

/// A packet's content as it goes over the wire.
func framed(_ content: some Sequence<UInt8>) -> [UInt8] {
  var packet: [UInt8] = [UInt8(ascii: "$")]
  var sum: UInt8 = 0
  for byte in content {
    let escapes = "#$}*".utf8.contains(byte)
    if escapes { packet.append(UInt8(ascii: "}")) }
    packet.append(escapes ? byte ^ 0x20 : byte)
  }
  for byte in packet.dropFirst() { sum &+= byte }
  packet.append(UInt8(ascii: "#"))
  packet += Hex.bytes([sum])
  return packet
}
