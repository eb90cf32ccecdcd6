import Devices
import Emu

extension Machine {
  /// An image on the board that it names in its note, or that it fits, with semihosting if its note wants it.
  public convenience init(
    image: Image, options: MachineOptions = MachineOptions()
  ) throws {
    CoverageFolder.begin()
    let note = image.note
    let name = try note["board"] ?? Boards.guess(for: image).board.name
    let board = try Boards.named(name, harts: note["smp"].flatMap { Int($0) })
    var options = options
    if options.semihosting == nil, note["semihosting"] == "on" {
      options.semihosting = SemihostingOptions()
    }
    if options.mode == nil, let mode = note["mode"] { options.mode = .init(rawValue: mode) }
    try self.init(board, image: image, options: options)
  }
}
