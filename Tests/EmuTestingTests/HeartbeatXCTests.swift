import EmuTesting
import XCTest

/// The same as `Heartbeat`, for those who have XCTest.
final class HeartbeatXCTests: XCTestCase {
  func testBlinksAtOneHertz() throws {
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
    try machine.advance(until: .edges(of: .pf1, count: 10), limit: .seconds(20))
    XCTAssert(machine.led(.pf1).blinks(at: .hertz(1), within: .percent(5)))
    XCTAssertEqual(machine.traps.svc, 0)
    XCTAssertEqual(machine.uart0.text, "led-heartbeat: PF1 beats at 1 Hz\n")
  }

  /// Firmware talks to firmware's tests: input, and the same digest in every boot.
  func testEveryBootIsTheSame() throws {
    var digests: Set<String> = []
    for _ in 0..<50 {
      let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
      try machine.advance(until: .led(.pf1, .on), limit: .seconds(1))
      digests.insert(machine.traceDigest)
    }
    XCTAssertEqual(digests.count, 1)
  }
}
