import BoardFiles
import Devices
import Emu

/// The board that an image runs on: the one that is named, otherwise the one that it fits.
struct BoardChoice {
  let board: Board
  /// Names of others that would do, where it was a guess.
  private(set) var others: [String] = []

  init(for sources: BootSources, _ needs: Needs, _ equipment: Equipment) throws(Refusal) {
    let isRV64Meant = !sources.wordsOfRV64.isEmpty && sources.image.machine != .arm
    if let name = needs.board ?? (isRV64Meant ? "rv64-virt" : nil) {
      board = try Self.named(name, needs, equipment)
    } else {
      let guess: Boards.Guess
      do { guess = try Boards.guess(for: sources.image) } catch {
        throw Refusal(error.exitCode, error.description)
      }
      others = guess.others
      // The same, with what the user wants of it.
      board = try Self.named(guess.board.name, needs, equipment)
    }
    if let word = sources.wordsOfRV64.first, board.core.machine != .riscv64 {
      throw Refusal(
        ExitCode.usage,
        "\(board.name) has a \(board.coreWords): \(word) is for RV64; leave it out")
    }
    try Self.check(sources.image, on: board)
    if let firmware = sources.firmware { try Self.check(firmware.image, on: board) }
  }

  /// Where the board was a guess, and others have registers that software asked it for in vain.
  func doubt(by findings: [Finding]) -> String? {
    let missed = Set(
      findings.lazy.filter { $0.kind == .notModelled || $0.kind == .reserved }
        .compactMap(\.address))
    var best: (names: [String], count: Int) = ([], 1)
    for name in others {
      guard let other = try? Boards.named(name) else { continue }
      let count = missed.count { other.models($0) }
      if count > best.count { best = ([], count) }
      if count == best.count { best.names.append(name) }
    }
    if best.names.isEmpty { return nil }
    return "\(board.name) was a guess; registers that software asks it for in vain "
      + "(\(best.count)) are those of \(best.names.joined(separator: " and ")): try "
      + best.names.map { "--board \($0)" }.joined(separator: " or ")
  }

  /// What is in a board's slots.
  struct Equipment {
    var drives: [Drive] = []
    var virtio = VirtioVersion.modern
    var seed: UInt64 = 0
    var types = DeviceTypes.builtIn
  }

  private static func named(
    _ name: String, _ needs: Needs, _ equipment: Equipment
  ) throws(Refusal) -> Board {
    var isExtended = false
    let named = { (name: String) throws(BoardError) in
      isExtended = true
      return try Boards.named(
        name, memory: needs.memory, harts: needs.harts, drives: equipment.drives,
        virtio: equipment.virtio, seed: equipment.seed)
    }
    // An image names a board, and opens no file.
    if BoardFile.isPath(name) && !needs.isBoardFromNote {
      let board: Board
      do { board = try BoardFile(types: equipment.types, named: named).read(path: name) } catch {
        throw Refusal(error)
      }
      let isAsked = needs.memory != nil || needs.harts != nil || !equipment.drives.isEmpty
      if isAsked && !isExtended {
        throw Refusal(
          ExitCode.usage,
          "\(name): says itself what memory, harts and drives it has; leave --memory, --smp and --drive "
            + "out, or let it extend a board that has them")
      }
      return board
    }
    do { return try named(name) } catch {
      let isUnknown = (try? Boards.named(name)) == nil
      throw needs.isBoardFromNote && isUnknown
        ? Refusal(ExitCode.badData, "\(needs.path): its note names a board, and \(error)")
        : Refusal(ExitCode.usage, error.description)
    }
  }

  /// A board that was named is taken, but not with code for another architecture.
  private static func check(_ image: Image, on board: Board) throws(Refusal) {
    guard image.format == .elf, let machine = image.machine, machine != board.core.machine
    else { return }
    let words = machine == .arm ? "Arm" : "RV64"
    throw Refusal(
      ExitCode.badData,
      "\(image.path): is code for \(words), and \(board.name) has a \(board.coreWords); "
        + "leave --board out or name another one")
  }
}

extension Board {
  fileprivate func models(_ address: UInt64) -> Bool {
    devices.contains { device in
      ([device.address] + device.others).contains { start in
        address &- start < device.size
          && device.map.registers.contains { register in
            register.modelled
              && address &- start &- register.offset < register.size * register.count
          }
      }
    }
  }

  /// "Cortex-M4F", "RV64GC".
  var coreWords: String {
    switch core {
    case .rv64: "RV64GC"
    case .cortexM4: "Cortex-M4F"
    }
  }
}
