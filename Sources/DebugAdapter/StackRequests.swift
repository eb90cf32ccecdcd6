import Debugger
import Emu

/// Harts and the calls that they are in: "threads" and "stackTrace".
extension Adapter {
  private struct ThreadsBody: Encodable {
    struct Thread: Encodable {
      var id: Int
      var name: String
    }
    var threads: [Thread]
  }

  func threads(_ request: Request, _ target: Target) {
    let machine = target.machine
    let threads = machine.harts.map { hart in
      let words = machine.words(of: hart)
      return ThreadsBody.Thread(
        id: Int(hart.number) + 1, name: "hart \(hart.number)" + (words.isEmpty ? "" : ": \(words)"))
    }
    respond(to: request, ThreadsBody(threads: threads))
  }

  private struct StackArguments: Decodable {
    var threadId: Int
    var startFrame: Int?
    var levels: Int?
  }

  private struct StackBody: Encodable {
    struct Frame: Encodable {
      var id: Int
      var name: String
      var source: Source?
      var line: Int
      var column: Int
      var instructionPointerReference: String
      var presentationHint: String?
    }
    var stackFrames: [Frame]
    var totalFrames: Int
  }

  func stackTrace(_ request: Request, _ target: Target) throws(Failure) {
    let arguments = try arguments(StackArguments.self)
    let hart = try target.hart(arguments.threadId)
    let frames = target.machine.backtrace(target.debug, hart: hart)
    let all = frames.enumerated().map { level, frame in
      StackBody.Frame(
        id: FrameID(hart: hart, level: level).number,
        name: frame.function ?? "0x\(hex(frame.pc))",
        source: frame.line.map { target.sources.source($0.file) },
        line: frame.line.map { $0.line - 1 + firstLine } ?? 0,
        column: frame.line == nil ? 0 : firstLine,
        instructionPointerReference: "0x\(hex(frame.pc))",
        presentationHint: frame.line == nil ? "subtle" : nil)
    }
    let start = max(0, min(arguments.startFrame ?? 0, all.count))
    let levels = arguments.levels ?? 0
    let count = levels <= 0 ? all.count : min(levels, all.count)
    respond(
      to: request,
      StackBody(
        stackFrames: Array(all[start...].prefix(count)), totalFrames: all.count))
  }
}

/// The number that a client has of a frame.
struct FrameID {
  var hart: Int
  var level: Int
  private static let most = 1 << 10

  init(hart: Int, level: Int) {
    self.hart = hart
    self.level = level
  }

  var number: Int { hart * Self.most + level + 1 }

  init(_ number: Int, _ target: Target) throws(Failure) {
    let place = max(number, 0) &- 1
    hart = place / Self.most
    level = place % Self.most
    guard place >= 0, target.machine.harts.indices.contains(hart) else {
      throw Failure("there is no frame \(number)")
    }
  }
}

extension Target {
  func call(_ frame: FrameID) -> DebugInfo.Frame? {
    let frames = machine.backtrace(debug, hart: frame.hart, most: frame.level + 1)
    return frames.indices.contains(frame.level) ? frames[frame.level] : nil
  }

  /// Names of a call's variables, each once: that of an inner block is meant.
  func locals(in frame: FrameID) -> [String] {
    guard let call = call(frame) else { return [] }
    var names: [String] = []
    for local in machine.locals(debug, in: call) where !names.contains(local.name) {
      names.append(local.name)
    }
    return names
  }

  func local(
    _ path: String, in frame: FrameID
  ) -> (local: DebugInfo.Local, call: DebugInfo.Frame)? {
    guard let call = call(frame), let local = try? machine.local(path, debug, in: call) else {
      return nil
    }
    return (local, call)
  }

  func parts(of path: String, in frame: FrameID?) -> DebugInfo.Parts? {
    if let frame, let (local, _) = local(path, in: frame) { return local.parts }
    return machine.parts(of: path, debug, hart: frame?.hart)
  }
}
