import BoardFiles
import Devices
import Emu
import Foundation
import Testing

/// Each built-in board as a file is the same board.
@Suite struct BuiltInTests {
  static let top = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let images: [String] = {
    let folder = top.appendingPathComponent("images").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".elf") }.sorted()
  }()

  private func again(_ board: Board) throws -> Board {
    try BoardFile().read(#require(board.yaml), path: "\(board.name).yaml")
  }

  @Test(arguments: Boards.names)
  func theTextStaysTheSame(_ name: String) throws {
    let board = try Boards.named(name)
    let copy = try again(board)
    #expect(copy.yaml == board.yaml)
    #expect(copy.deviceTree == board.deviceTree)
    #expect(copy.description == board.description)
    #expect(copy.devices.map(\.map.registers) == board.devices.map(\.map.registers))
  }

  /// Every device of theirs can be named, and those that can be named are on some board.
  @Test func everyTypeHasItsPlace() {
    let used = Boards.all.flatMap(\.devices).compactMap { device in
      (device.device as? any BoardDevice).map { type(of: $0).typeName }
    }
    #expect(Set(used).isSubset(of: DeviceTypes.builtIn.names))
    #expect(used.count == Boards.all.flatMap(\.devices).count)
    #expect(Set(used) == Set(DeviceTypes.builtIn.names))
  }

  private struct Digests: Equatable {
    var trace: String
    var state: String
    var console: String
  }

  private func run(_ image: Image, on board: Board) throws -> Digests {
    var options = MachineOptions()
    if image.note["semihosting"] == "on" { options.semihosting = SemihostingOptions() }
    let machine = try Machine(board, image: image, options: options)
    while machine.stop == nil {
      let pause = machine.run(
        until: RunLimit(moment: Moment(nanoseconds: 20_000_000), index: 200_000))
      if pause == .asleep { machine.end(.idle) } else { machine.end(.timeLimit) }
    }
    return Digests(
      trace: machine.traceDigest, state: machine.stateDigest, console: machine.console.text)
  }

  @Test(arguments: images)
  func theRunStaysTheSame(_ name: String) throws {
    let image = try Image(path: Self.top.appendingPathComponent("images/\(name)").path)
    let board = try Boards.named(
      image.note["board"] ?? Boards.guess(for: image).board.name,
      harts: image.note["smp"].flatMap { Int($0) })
    #expect(try run(image, on: board) == run(image, on: again(board)))
  }
}
