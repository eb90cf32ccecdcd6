import Emu

/// One of a machine's UARTs, as seen from the other end of the cable.
public struct UARTLine {
  let machine: Machine
  let name: String

  private var isConsole: Bool { name == machine.board.console }

  /// Everything that came out of it; of the console, with what came by SBI and semihosting.
  public var bytes: [UInt8] {
    if isConsole { return machine.console.bytes }
    let slot = machine.board.slot(of: name)
    return machine.trace.lazy
      .filter { $0.kind == .uart && Int($0.source) == slot }
      .map { UInt8(truncatingIfNeeded: $0.value) }
  }

  /// The same as text; bytes that are no UTF-8 as U+FFFD.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Its lines, without their ends, \n or \r\n.
  public var lines: [String] {
    // To a String, \r\n is one character, and no \n.
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }
  }

  /// Types something: the guest takes it as fast as it reads, from here on.
  public func send(_ text: String) { send(Array(text.utf8)) }

  /// Input for the console, which the firmware takes when it asks for it.
  public func send(_ bytes: [UInt8]) {
    precondition(isConsole, "\(name): only the console of \(machine.board.name) takes input")
    machine.send(bytes)
  }
}

extension Machine {
  /// The console of every built-in board.
  public var uart0: UARTLine { uart(0) }

  /// A test that names a UART which its board lacks is wrong, and ends there.
  public func uart(_ number: Int) -> UARTLine {
    let name = "uart\(number)"
    precondition(board.slot(of: name) != nil, "\(board.name) has no \(name)")
    return UARTLine(machine: self, name: name)
  }
}
