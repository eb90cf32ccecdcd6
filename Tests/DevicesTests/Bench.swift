import Devices
import Emu

extension DeviceBench {
  /// The pin events so far, as (pin, level).
  var pins: [String] {
    events.filter { $0.kind == .pin }.map { "\($0.detail)\($0.value == 1 ? "+" : "-")" }
  }

  /// What was sent on the wire.
  var sent: String {
    String(
      decoding: events.filter { $0.kind == .uart }.map { UInt8(truncatingIfNeeded: $0.value) },
      as: UTF8.self)
  }

  var isRaised: Bool { lines.contains(.line(0)) }

  /// How much of the input the device has taken.
  var taken: Int { events.count { $0.kind == .uartInput } }
}
