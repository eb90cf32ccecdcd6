import DebugAdapter
import Debugger
import Devices
import Emu

/// An editor that says messages and reads the answers.
final class Client {
  let adapter = Adapter()
  private var decoder = MessageDecoder()
  private var seq = 0

  static func image(_ name: String) throws -> Image {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return try Image(path: (parts.dropLast(3) + ["images", name[...]]).joined(separator: "/"))
  }

  static func framed(_ text: String) -> [UInt8] {
    Array("Content-Length: \(text.utf8.count)\r\n\r\n\(text)".utf8)
  }

  /// Until `initialized`: what the adapter said on the way.
  @discardableResult
  func launch(_ name: String, harts: Int = 1, stopOnEntry: Bool = true) throws -> [String] {
    try launch(Self.image(name), name, harts: harts, stopOnEntry: stopOnEntry)
  }

  @discardableResult
  func launch(
    _ image: Image, _ name: String, harts: Int = 1, stopOnEntry: Bool = true
  ) throws -> [String] {
    ask("initialize", "{\"adapterID\":\"emurun\"}")
    seq += 1
    say(
      "{\"seq\":\(seq),\"type\":\"request\",\"command\":\"launch\",\"arguments\":"
        + "{\"program\":\"\(name)\",\"stopOnEntry\":\(stopOnEntry)}}")
    let board = image.machine == .arm ? Board.m4LED : .rv64Virt(harts: harts)
    adapter.start(try Machine(board, image: image), sources: "/src") { code, address in
      stride(from: 0, to: code.count, by: 2).map {
        Adapter.Instruction(address: address + UInt64($0), size: 2, text: "half")
      }
    }
    adapter.debuggee.keepHistory(budget: 1 << 26)
    return answers()
  }

  func say(_ text: String) { adapter.receive(Self.framed(text)) }

  /// A request, and all that comes until the machine stands.
  @discardableResult
  func ask(_ command: String, _ arguments: String? = nil, slice: UInt64 = 1 << 20) -> [String] {
    seq += 1
    say(
      "{\"seq\":\(seq),\"type\":\"request\",\"command\":\"\(command)\""
        + (arguments.map { ",\"arguments\":\($0)" } ?? "") + "}")
    run(slice: slice)
    return answers()
  }

  func run(slice: UInt64 = 1 << 20, times: Int = 60) {
    var left = times
    while adapter.wanted == nil, isLaunched, adapter.debuggee.isRunning, left > 0 {
      left -= 1
      adapter.run { machine, limit in
        var limit = limit
        limit.index = min(limit.index ?? .max, machine.index + slice)
        let pause = machine.run(until: limit)
        if pause == .asleep { machine.end(.idle) }
        return pause
      }
    }
  }

  private var isLaunched = false

  func answers() -> [String] {
    decoder.feed(adapter.takeOutput())
    var answers: [String] = []
    while let item = decoder.next() {
      guard case .message(let content) = item else { continue }
      let text = String(decoding: content, as: UTF8.self)
      if text.contains("\"event\":\"initialized\"") { isLaunched = true }
      answers.append(text)
    }
    return answers
  }
}
