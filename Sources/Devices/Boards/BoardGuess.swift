import Emu

extension Boards {
  /// The board on which an image is to run, and why.
  public struct Guess: Sendable {
    public let board: Board
    /// "SP 0x2001_0000 is in its sram and PC 0x0000_0100 in its flash"
    public let reason: String
    /// Names of others that would do.
    public let others: [String]
  }

  /// By the image's architecture, and by where its stack and its first instruction are: the architecture's default board if
  /// they fit it, else another on which they do.
  public static func guess(for image: Image) throws(ImageError) -> Guess {
    let machine = try image.knownMachine()
    let candidates = all.filter { $0.core.machine == machine }
    let start = image.start
    let fitting = candidates.filter { start.fits($0) }
    guard let board = fitting.first else {
      let names = candidates.map(\.name).joined(separator: ", ")
      throw ImageError(
        .data,
        "\(image.path): \(start.words) \(start.isPlural ? "fit" : "fits") no built-in board of its "
          + "architecture (\(names)); link it for one of them, or name a board with --board")
    }
    return Guess(
      board: board, reason: start.reason(on: board), others: fitting.dropFirst().map(\.name))
  }
}

extension Board {
  fileprivate func region(holding address: UInt64) -> Region? {
    regions.first { $0.address <= address && address < $0.end }
  }
}

extension Image {
  /// What of an image a board must fit.
  fileprivate struct Start {
    /// A Cortex-M's, which vector 0 holds.
    var stack: UInt64?
    /// nil: anywhere will do.
    var pc: UInt64?

    var isPlural: Bool { stack != nil && pc != nil }

    /// A stack grows down from its pointer, which may therefore be the end of its memory.
    private func stackRegion(on board: Board) -> Board.Region? {
      stack.flatMap { $0 == 0 ? nil : board.region(holding: $0 - 1) }
    }

    func fits(_ board: Board) -> Bool {
      if stack != nil && stackRegion(on: board)?.writable != true { return false }
      guard let pc else { return true }
      guard let region = board.region(holding: pc) else { return false }
      // A Cortex-M's vectors, and so its first instruction, are in flash.
      return stack == nil || !region.writable
    }

    /// "SP 0x2001_0000 and PC 0x0000_0100"
    var words: String {
      [stack.map { "SP " + Board.hex($0) }, pc.map { "PC " + Board.hex($0) }]
        .compactMap { $0 }.joined(separator: " and ")
    }

    func reason(on board: Board) -> String {
      let places = [
        (stack, "SP", stackRegion(on: board)), (pc, "PC", pc.flatMap(board.region(holding:))),
      ]
      let reasons = places.compactMap { value, name, region in
        value.flatMap { value in
          region.map { "\(name) \(Board.hex(value)) is in its \($0.name)" }
        }
      }
      return reasons.isEmpty ? "a RISC-V image" : reasons.joined(separator: ", ")
    }
  }

  fileprivate var start: Start {
    switch machine {
    case .arm:
      guard let vectors else { return Start() }
      return Start(
        stack: UInt64(vectors.initialStackPointer), pc: UInt64(vectors.reset & ~1))
    default:
      // A raw image goes to where the board's memory is.
      return Start(pc: needsBase ? nil : entry)
    }
  }
}
