import BoardFiles
import Devices
import Emu

/// How long a board in a file takes to be one.
enum BoardReading {
  /// Milliseconds for `tm4c123gxl`, the largest, from its text to a checked board: the first one of the process, and the median of
  /// more.
  static func milliseconds() -> (first: Double, median: Double) {
    guard let text = Board.tm4c123GXL.yaml else { fatal("a board without a file") }
    func time() -> Double {
      let start = cpuSeconds()
      do {
        let board = try BoardFile().read(text, path: "tm4c123gxl.yaml")
        guard board.devices.count > 40 else { fatal("\(board.devices.count) devices") }
      } catch { fatal("\(error)") }
      return (cpuSeconds() - start) * 1e3
    }
    return (time(), median((0..<51).map { _ in time() }))
  }
}
