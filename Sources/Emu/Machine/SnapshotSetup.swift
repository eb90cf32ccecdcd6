/// What a snapshot in a file is of: it goes on only on the same board with the same image, started in the same way.
struct SnapshotSetup: Codable, Hashable {
  var board: String
  var revision: Int
  var image: String
  var imageSHA256: String
  var harts: Int
  var quantum: UInt64
  var timing: String
  var coreOptions: UInt32
  var hasSemihosting: Bool
  var commandLine: String
  /// Of all that is in memory at power-on, and of how the first instruction comes about.
  var bootSHA256: String

  init(_ board: Board, _ boot: Boot, _ options: MachineOptions) {
    self.board = board.name
    revision = board.revision
    image = boot.image.path
    imageSHA256 = boot.image.sha256
    harts = board.harts
    quantum = board.harts > 1 ? options.quantum : 0
    timing = options.timing.rawValue
    coreOptions = options.rv64.rawValue
    hasSemihosting = options.semihosting != nil
    commandLine = options.semihosting?.commandLine ?? ""
    bootSHA256 = boot.sha256
  }

  /// Why a machine with another one cannot go on from here; nil: it can.
  ///
  /// - Parameter what: "snapshot", "recording".
  func refusal(for other: SnapshotSetup, _ what: String = "snapshot") -> String? {
    func differs(
      _ thing: String, _ mine: some CustomStringConvertible, _ its: some CustomStringConvertible
    ) -> String {
      "the \(what) is of \(thing) \(mine), and this is \(its)"
    }
    if board != other.board { return differs("board", board, other.board) }
    if revision != other.revision {
      return differs("\(board) in revision", revision, other.revision)
        + ": make it again with this emurun"
    }
    if imageSHA256 != other.imageSHA256 {
      return
        "the \(what) is of \(image) with SHA-256 \(imageSHA256.prefix(12))…, and \(other.image) "
        + (image == other.image ? "has changed since" : "is another image")
    }
    if harts != other.harts { return differs("a number of harts:", harts, other.harts) }
    if quantum != other.quantum { return differs("turns of", quantum, other.quantum) }
    if timing != other.timing { return differs("cycle timing", timing, other.timing) }
    if coreOptions != other.coreOptions {
      return "the \(what) is of a core with other options (-cpu)"
    }
    if hasSemihosting != other.hasSemihosting {
      return
        "the \(what) is of a run \(hasSemihosting ? "with" : "without") --semihosting, and this is one "
        + (hasSemihosting ? "without" : "with")
    }
    if commandLine != other.commandLine {
      return differs("command line", commandLine, other.commandLine)
    }
    if bootSHA256 != other.bootSHA256 {
      return
        "the \(what) is of \(image) started otherwise: give the same --bios, --load, --initrd, --dtb, "
        + "--append, --mode and --memory as then"
    }
    return nil
  }
}

extension Boot {
  var sha256: String {
    var hash = SHA256()
    var heading = CanonicalBytes()
    for word in [start.mode == .machine ? 0 : 1, start.pc, start.deviceTree, start.info] {
      heading.append(word)
    }
    heading.append(start.answersSBI)
    for address in [hostInterface?.toHost, hostInterface?.fromHost] {
      heading.append(address ?? .max)
    }
    hash.update(heading)
    for extent in content {
      var place = CanonicalBytes()
      place.append(extent.address)
      place.append(extent.size)
      place.append(UInt64(extent.bytes.count))
      hash.update(place)
      extent.bytes.withUnsafeBytes { hash.update($0) }
    }
    return SHA256.hex(hash.finish())
  }
}
