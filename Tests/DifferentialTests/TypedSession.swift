import Foundation

/// Lines typed at a boot loader's prompt under QEMU, byte by byte: the next one when the one before has come back, so that
/// none is lost on a loaded host.
final class TypedSession {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var text = Data()

  struct Lost: Error { var text: String }

  /// - Returns: all that it printed until it ended by itself.
  static func run(_ arguments: [String], typing lines: [String]) throws -> String {
    let session = TypedSession()
    defer { session.process.terminate() }
    session.process.executableURL = URL(fileURLWithPath: "/usr/bin/qemu-system-riscv64")
    session.process.arguments = arguments + ["-icount", "shift=0,sleep=off"]
    session.process.standardInput = session.input
    session.process.standardOutput = session.output
    session.process.standardError = FileHandle.nullDevice
    try session.process.run()
    let deadline = DispatchWorkItem { session.process.terminate() }
    DispatchQueue.global().asyncAfter(deadline: .now() + 120, execute: deadline)
    defer { deadline.cancel() }
    try session.wait(for: "stop autoboot", atEnd: false)
    session.type([UInt8(ascii: " ")])
    for line in lines {
      try session.wait(for: "=> ", atEnd: true)
      for byte in line.utf8 {
        session.type([byte])
        try session.wait(for: String(UnicodeScalar(byte)), atEnd: true)
      }
      session.type([UInt8(ascii: "\r")])
    }
    while session.readMore() {}
    return String(decoding: session.text, as: UTF8.self)
  }

  private func type(_ bytes: [UInt8]) { input.fileHandleForWriting.write(Data(bytes)) }

  private func wait(for words: String, atEnd: Bool) throws {
    let wanted = Data(words.utf8)
    while atEnd ? !text.hasSuffix(wanted) : text.range(of: wanted) == nil {
      if !readMore() { throw Lost(text: String(decoding: text, as: UTF8.self)) }
    }
  }

  private func readMore() -> Bool {
    let more = output.fileHandleForReading.availableData
    text.append(more)
    return !more.isEmpty
  }
}

extension Data {
  fileprivate func hasSuffix(_ end: Data) -> Bool { count >= end.count && suffix(end.count) == end }
}
