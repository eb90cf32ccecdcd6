import Devices
import Emu

/// The board that an image runs on: the one that is named, otherwise the one that it fits.
struct BoardChoice {
  let board: Board
  /// Names of others that would do, where it was a guess.
  private(set) var others: [String] = []

  init(for sources: BootSources, _ needs: Needs) throws(Refusal) {
    if let name = needs.board ?? (sources.wantsRV64 ? "rv64-virt" : nil) {
      board = try Self.named(name, needs)
      if sources.wantsRV64 && board.core.machine != .riscv64 {
        throw Refusal(
          ExitCode.usage,
          "--bios, --kernel, --initrd and --sbi are for RV64, and \(board.name) has a "
            + "\(board.coreWords); leave them out, or name another --board")
      }
      try Self.check(sources.image, on: board)
      if let firmware = sources.firmware { try Self.check(firmware.image, on: board) }
      return
    }
    let guess: Boards.Guess
    do { guess = try Boards.guess(for: sources.image) } catch {
      throw Refusal(error.exitCode, error.description)
    }
    others = guess.others
    // The same, with what the user wants of it.
    board = try Self.named(guess.board.name, needs)
  }

  private static func named(_ name: String, _ needs: Needs) throws(Refusal) -> Board {
    do {
      return try Boards.named(name, memory: needs.memory, harts: needs.harts)
    } catch {
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
  /// "Cortex-M4F", "RV64GC".
  var coreWords: String {
    switch core {
    case .rv64: "RV64GC"
    case .cortexM4: "Cortex-M4F"
    }
  }
}
