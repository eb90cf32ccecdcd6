/// A frame on the line: a mark, whose it is, its number in the conversation, what it says, and a sum over it all.
struct Frame: BitwiseCopyable {
  static let mark: UInt8 = 0x7E
  static let size = 7

  var connection: UInt16 = 0
  var sequence: UInt8 = 0
  var payload: UInt16 = 0

  static func payload(_ connection: UInt16, _ sequence: UInt8) -> UInt16 {
    (connection &* 40_503) ^ (UInt16(sequence) &* 2_053)
  }

  func byte(_ index: Int) -> UInt8 {
    switch index {
    case 0: Self.mark
    case 1: UInt8(truncatingIfNeeded: connection)
    case 2: UInt8(truncatingIfNeeded: connection &>> 8)
    case 3: sequence
    case 4: UInt8(truncatingIfNeeded: payload)
    case 5: UInt8(truncatingIfNeeded: payload &>> 8)
    default: byte(1) &+ byte(2) &+ byte(3) &+ byte(4) &+ byte(5)
    }
  }
}

/// Every connection's messages, `rounds` of them, each round in an order of its own.
struct FrameSource {
  private var round = 0
  private var number = 0
  private var position = 0
  private var frame = Frame()

  init() { load() }

  var next: UInt8? { round < rounds ? frame.byte(position) : nil }

  mutating func advance() {
    position += 1
    if position < Frame.size { return }
    position = 0
    number += 1
    if number == connections { (number, round) = (0, round + 1) }
    load()
  }

  private mutating func load() {
    // None of the factors has a divisor in common with 5,000.
    let connection = UInt16((number * (2_003 + 8 * round)) % connections)
    let sequence = UInt8(truncatingIfNeeded: round)
    frame = Frame(
      connection: connection, sequence: sequence, payload: Frame.payload(connection, sequence))
  }
}

/// Finds the frames in a stream of bytes; one with a wrong sum is none.
struct Parser {
  private var partial = Frame()
  private var position = 0
  var frame: Frame?

  mutating func feed(_ byte: UInt8) {
    switch position {
    case 0: if byte != Frame.mark { return }
    case 1: partial.connection = UInt16(byte)
    case 2: partial.connection |= UInt16(byte) &<< 8
    case 3: partial.sequence = byte
    case 4: partial.payload = UInt16(byte)
    case 5: partial.payload |= UInt16(byte) &<< 8
    default:
      position = 0
      if byte == partial.byte(6), partial.connection < UInt16(connections) { frame = partial }
      return
    }
    position += 1
  }
}
