import Devices
import Emu
import GDBStub

/// A debugger that says packets and reads the answers, without GDB.
final class Conversation {
  let session: Session
  private var decoder = PacketDecoder()

  init(_ machine: Machine) { session = Session(machine) }

  convenience init(_ image: String, harts: Int = 1) throws {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    let path = (parts.dropLast(3) + ["images", image[...]]).joined(separator: "/")
    let image = try Image(path: path)
    let board = image.machine == .arm ? Board.m4LED : .rv64Virt(harts: harts)
    self.init(try Machine(board, image: image))
  }

  /// Says a packet and lets the machine run until it is answered; the answers, without what goes to the console.
  @discardableResult
  func ask(_ packet: String, slice: UInt64 = 1 << 20) -> String {
    ask(Array(packet.utf8), slice: slice)
  }

  func ask(_ packet: [UInt8], slice: UInt64 = 1 << 20) -> String {
    session.receive(Self.framed(packet))
    while session.isRunning {
      session.run { machine, limit in
        var limit = limit
        limit.index = min(limit.index ?? .max, machine.index + slice)
        let pause = machine.run(until: limit)
        if pause == .asleep { machine.end(.idle) }
        return pause
      }
    }
    return answers().filter { $0 == "OK" || !$0.hasPrefix("O") }.joined(separator: " ")
  }

  /// What a monitor word says.
  func monitor(_ line: String) -> String {
    session.receive(Self.framed(Array(("qRcmd," + Self.hex(Array(line.utf8))).utf8)))
    while session.isRunning {
      session.run { machine, limit in
        var limit = limit
        limit.index = min(limit.index ?? .max, machine.index + 1 << 20)
        return machine.run(until: limit)
      }
    }
    let said = answers().filter { $0 != "OK" && $0.hasPrefix("O") }.map {
      Self.text($0.dropFirst())
    }
    return said.joined()
  }

  func answers() -> [String] {
    decoder.feed(session.takeOutput())
    var answers: [String] = []
    while let item = decoder.next() {
      if case .packet(let content) = item {
        answers.append(String(decoding: content, as: UTF8.self))
      }
    }
    return answers
  }

  static func framed(_ content: [UInt8]) -> [UInt8] {
    var packet = Array("$".utf8)
    for byte in content {
      if [0x23, 0x24, 0x7D].contains(byte) {
        packet += [0x7D, byte ^ 0x20]
      } else {
        packet.append(byte)
      }
    }
    let sum = packet.dropFirst().reduce(0 as UInt8, &+)
    return packet + Array(("#" + hex([sum])).utf8)
  }

  static func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func text(_ hex: some StringProtocol) -> String {
    let digits = Array(hex)
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The same numbers each time.
struct SplitMix {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
