import Emu

/// A board that cannot be had as asked: one sentence for the user.
public struct BoardError: Error, CustomStringConvertible, Hashable, Sendable {
  public let message: String
  /// It is a file that is not there, or may not be read.
  public var isMissing = false
  public var description: String { message }

  public init(_ message: String) { self.message = message }
}

/// The boards that are built in.
public enum Boards {
  /// An architecture's default first.
  public static var all: [Board] { [.m4LED, .lm3s6965EVB, .tm4c123GXL, .rv64Virt] }
  public static let names = ["m4-led", "lm3s6965evb", "tm4c123gxl", "rv64-virt"]

  /// A board by its name, or by one that its users know from elsewhere.
  ///
  /// - Parameters:
  ///   - memory: bytes of RAM, where that is the user's choice; nil: what the board has.
  ///   - harts: nil: one.
  ///   - drives, virtio, seed: as `Board.rv64Virt` has them; other boards have no use for them.
  public static func named(
    _ name: String, memory: UInt64? = nil, harts: Int? = nil, drives: [Drive] = [],
    virtio: VirtioVersion = .modern, seed: UInt64 = 0
  ) throws(BoardError) -> Board {
    switch name {
    case "rv64-virt", "virt":
      return .rv64Virt(
        memory: try checked(memory ?? 128 << 20), harts: try checked(harts: harts ?? 1),
        drives: drives, virtio: virtio, seed: seed)
    case "m4-led": return try fixed(.m4LED, memory, harts)
    case "lm3s6965evb": return try fixed(.lm3s6965EVB, memory, harts)
    case "tm4c123gxl": return try fixed(.tm4c123GXL, memory, harts)
    default:
      throw BoardError(
        "there is no board \"\(name)\"; there are \(names.joined(separator: ", "))")
    }
  }

  /// A chip has the core and the memory that it has.
  private static func fixed(
    _ board: Board, _ memory: UInt64?, _ harts: Int?
  ) throws(BoardError) -> Board {
    if harts ?? 1 != 1 { throw BoardError("\(board.name) has one core; leave --smp out") }
    guard memory != nil, let sram = board.regions.first(where: \.writable) else { return board }
    throw BoardError(
      "\(board.name) has \(Board.size(sram.size)) of SRAM, no more and no less; "
        + "leave --memory out")
  }

  private static func checked(harts: Int) throws(BoardError) -> Int {
    guard 1...Board.mostHarts ~= harts else {
      throw BoardError("\(harts) harts do not fit rv64-virt; it takes 1 to \(Board.mostHarts)")
    }
    return harts
  }

  private static let leastMemory: UInt64 = 64 << 10
  private static let mostMemory: UInt64 = 64 << 30

  private static func checked(_ memory: UInt64) throws(BoardError) -> UInt64 {
    guard leastMemory...mostMemory ~= memory, memory % 4096 == 0 else {
      throw BoardError(
        "\(memory) bytes of memory do not fit rv64-virt; "
          + "it takes 64K to 64G, in steps of 4K")
    }
    return memory
  }
}
