/// A recording as the bytes of a file, and back: docs/recordings.md. It grows by a piece each time that something came, and each
/// piece has a checksum over itself and all that is before it: what is there of a file that was cut off can be trusted.
enum RecordingPiece: UInt8 {
  case start = 1
  case inputs = 2
  /// Somebody has gone back: of the inputs so far only so many came.
  case rewind = 3
  case end = 4

  static let magic = Array("emurun recording".utf8)
  static let version: UInt32 = 1
  /// Bytes of a checksum: enough against chance, and no more is claimed.
  static let sumSize = 8
  static let mostBytes: UInt32 = 1 << 28
  /// Bytes of inputs in one piece, about.
  static let usualBytes = 1 << 16
}

/// Writes a recording while the run goes on.
public struct InputRecorder {
  private var file = CanonicalBytes()
  private var sum: [UInt8] = []
  private let first: Int
  /// As they are in the file.
  private var inputs: [Machine.Input] = []

  /// - Parameter machine: as it begins.
  public init(_ machine: Machine, _ start: InputRecording.Start) {
    first = machine.inputs.count
    file.append(raw: RecordingPiece.magic)
    file.append(RecordingPiece.version)
    var piece = CanonicalBytes()
    piece.append(naming: start)
    append(.start, piece)
  }

  /// What is new, for the end of the file.
  public mutating func take() -> [UInt8] {
    defer { file = CanonicalBytes() }
    return file.bytes
  }

  /// Takes what came since the last call. A machine of the past has nothing new.
  public mutating func update(_ machine: Machine) {
    let all = machine.inputs
    let count = all.count - first
    if count == inputs.count && all.last == inputs.last { return }
    let common = zip(all[first...], inputs).prefix { $0 == $1 }.count
    if common < count { add(all[(first + common)...], behind: common) }
  }

  /// The run is over.
  public mutating func finish(_ machine: Machine) {
    update(machine)
    if machine.inputs.count - first < inputs.count { rewind(to: machine.inputs.count - first) }
    guard let end = machine.recordedEnd else { return }
    var piece = CanonicalBytes()
    piece.append(naming: end)
    append(.end, piece)
  }

  private mutating func rewind(to count: Int) {
    var piece = CanonicalBytes()
    piece.append(UInt64(count))
    append(.rewind, piece)
    inputs.removeLast(inputs.count - count)
  }

  private mutating func add(_ new: ArraySlice<Machine.Input>, behind count: Int) {
    if count < inputs.count { rewind(to: count) }
    var piece = CanonicalBytes()
    for input in new {
      piece.append(input, behind: inputs.last)
      inputs.append(input)
      if piece.bytes.count >= RecordingPiece.usualBytes {
        append(.inputs, piece)
        piece = CanonicalBytes()
      }
    }
    if !piece.bytes.isEmpty { append(.inputs, piece) }
  }

  private mutating func append(_ kind: RecordingPiece, _ content: CanonicalBytes) {
    var piece = CanonicalBytes()
    piece.append(UInt32(content.bytes.count))
    piece.append(kind.rawValue)
    piece.append(raw: content.bytes)
    sum = RecordingPiece.sum(behind: sum, piece.bytes)
    file.append(raw: piece.bytes)
    file.append(raw: sum)
  }
}

extension RecordingPiece {
  static func sum(behind last: [UInt8], _ piece: some Collection<UInt8>) -> [UInt8] {
    var hash = SHA256()
    Array(last + piece).withUnsafeBytes { hash.update($0) }
    return Array(hash.finish().prefix(sumSize))
  }
}

extension InputRecording {
  /// From the bytes of a file, which anybody may have written.
  public init(_ file: [UInt8], of board: Board) throws(MachineError) {
    self.init(try Self.start(of: file))
    do {
      try read(file, board)
    } catch {
      throw MachineError(.snapshot, "the recording is damaged, or of another emurun: \(error)")
    }
  }

  private init(_ start: Start) { self.start = start }

  /// What it is of, for who has to know that first.
  public static func start(of file: [UInt8]) throws(MachineError) -> Start {
    guard file.starts(with: RecordingPiece.magic) else {
      throw MachineError(.snapshot, "it is no recording of emurun")
    }
    do {
      var reader = CanonicalReader(file.dropFirst(RecordingPiece.magic.count))
      let version = try reader.read(UInt32.self)
      guard version == RecordingPiece.version else {
        throw MachineError(
          .snapshot,
          "the recording has version \(version), and this emurun reads \(RecordingPiece.version): make it again"
        )
      }
      var pieces = Pieces(reader)
      guard let (kind, content) = try pieces.next() else {
        throw MachineError(.snapshot, "the recording is cut off before it says what it is of")
      }
      guard kind == .start else { throw Unreadable("it does not begin with what it is of") }
      return try CanonicalReader.all(content, of: Start.self)
    } catch let error as MachineError {
      throw error
    } catch {
      throw MachineError(.snapshot, "the recording is damaged, or of another emurun: \(error)")
    }
  }

  private mutating func read(_ file: [UInt8], _ board: Board) throws(Unreadable) {
    var pieces = Pieces(CanonicalReader(file.dropFirst(RecordingPiece.magic.count + 4)))
    _ = try pieces.next()
    while let (kind, content) = try pieces.next() {
      guard end == nil else { throw Unreadable("something is behind its end") }
      var reader = CanonicalReader(content)
      switch kind {
      case .start: throw Unreadable("it begins twice")
      case .inputs:
        while reader.left > 0 {
          let input = try reader.readInput(behind: inputs.last)
          guard input.isSound(on: board) else { throw Unreadable("an input cannot be so") }
          inputs.append(input)
        }
      case .rewind:
        let count = try reader.read(UInt64.self)
        guard count < UInt64(inputs.count), reader.left == 0 else {
          throw Unreadable("it goes back to where it has not been")
        }
        inputs.removeLast(inputs.count - Int(count))
      case .end:
        let end = try CanonicalReader.all(content, of: End.self)
        guard end.tick >= last.tick, end.index >= last.index, end.tick < Machine.Input.mostTicks,
          end.stop.hart >= 0
        else { throw Unreadable("its end is before it") }
        self.end = end
      }
    }
  }

  /// One after the other, as far as they are whole.
  private struct Pieces {
    private var reader: CanonicalReader
    private var sum: [UInt8] = []

    init(_ reader: CanonicalReader) { self.reader = reader }

    /// nil: that was all, or the file is cut off here.
    mutating func next() throws(Unreadable) -> (RecordingPiece, ArraySlice<UInt8>)? {
      var ahead = reader
      guard let count = try? ahead.read(UInt32.self) else { return nil }
      guard count <= RecordingPiece.mostBytes else { throw Unreadable("a piece is too long") }
      let whole = Int(count) + 5
      guard reader.left >= whole + RecordingPiece.sumSize else { return nil }
      let piece = try reader.read(count: whole)
      sum = RecordingPiece.sum(behind: sum, piece)
      guard try reader.read(count: RecordingPiece.sumSize).elementsEqual(sum) else {
        throw Unreadable("a checksum is another")
      }
      guard let kind = RecordingPiece(rawValue: piece[piece.startIndex + 4]) else {
        throw Unreadable("nobody knows such a piece")
      }
      return (kind, piece.dropFirst(5))
    }
  }
}

extension CanonicalReader {
  fileprivate static func all<T: Decodable>(
    _ bytes: ArraySlice<UInt8>, of type: T.Type
  ) throws(Unreadable) -> T {
    var reader = CanonicalReader(bytes)
    let value = try reader.read(naming: type)
    guard reader.left == 0 else { throw Unreadable("a piece is longer than what it has") }
    return value
  }
}

// MARK: Inputs

/// An input takes what it is more than the one before it: a key some eight bytes.
extension CanonicalBytes {
  fileprivate mutating func append(_ input: Machine.Input, behind last: Machine.Input?) {
    append(short: input.tick - (last?.tick ?? 0))
    append(short: input.index - (last?.index ?? 0))
    append(short: input.actedSlots)
    // A key is typed more often than a debugger writes.
    if case .console(let bytes) = input.act {
      append(short: UInt64(bytes.count) + 1)
      append(raw: bytes)
    } else {
      append(short: 0)
      append(naming: input.act)
    }
  }
}

extension CanonicalReader {
  fileprivate mutating func readInput(
    behind last: Machine.Input?
  ) throws(Unreadable) -> Machine.Input {
    let tick = try readShort().addingReportingOverflow(last?.tick ?? 0)
    let index = try readShort().addingReportingOverflow(last?.index ?? 0)
    if tick.overflow || index.overflow { throw Unreadable("a time is out of range") }
    let actedSlots = try readShort()
    let count = try readShort()
    if count > UInt64(left) + 1 { throw Unreadable("it ends before \(count) bytes do") }
    let act: Machine.Input.Act =
      count == 0
      ? try read(naming: Machine.Input.Act.self)
      : .console(Array(try read(count: Int(count) - 1)))
    return Machine.Input(
      tick: tick.partialValue, index: index.partialValue, actedSlots: actedSlots, act: act)
  }
}

extension Machine.Input {
  static let mostTicks: Tick = 1 << 57

  fileprivate func isSound(on board: Board) -> Bool {
    guard tick < Self.mostTicks, index < 1 << 62 else { return false }
    switch act {
    case .console, .program, .reset: return true
    case .pin(let change): return change.isSound(on: board)
    case .poke(_, _, let hart): return 0..<board.harts ~= hart
    case .register(let register, _, let hart):
      return 0..<board.harts ~= hart && register.isSound
    }
  }
}

extension RegisterName {
  /// Is it one of those that there can be?
  fileprivate var isSound: Bool {
    switch self {
    case .x(let number), .f(let number), .s(let number): 0..<32 ~= number
    case .r(let number): 0...14 ~= number
    default: true
    }
  }
}
