import Emu

extension Board {
  /// What is on the board and where, for a person: the text of `emurun boards`.
  public var description: String {
    var lines = ["\(name)  \(summary)"]
    lines.append("  memory")
    for region in regions.sorted(by: { $0.address < $1.address }) {
      lines.append(
        row(region.address, region.end, region.name)
          + "  \(Self.size(region.size))\(region.writable ? "" : ", read-only")")
    }
    lines.append("  devices")
    for device in devices.sorted(by: { $0.address < $1.address }) {
      lines.append(row(device.address, device.end, device.name) + "  " + wiring(of: device))
    }
    if !leds.isEmpty { lines.append("  LEDs") }
    for led in leds {
      lines.append(
        "    \(led.name)  \(led.colour.rawValue), pin \(led.pin) of \(led.device)"
          + (led.activeHigh ? "" : ", active low"))
    }
    return lines.map(Self.trimmed).joined(separator: "\n") + "\n"
  }

  private func row(_ start: UInt64, _ end: UInt64, _ name: String) -> String {
    let name = name + String(repeating: " ", count: max(0, 8 - name.count))
    return "    \(Self.hex(start))..\(Self.hex(end - 1))  \(name)"
  }

  private func wiring(of device: Placement) -> String {
    var wires: [String] = []
    // Of lines that lead to one device, the last one at once.
    var inputs: (name: String, lines: ClosedRange<Int>)?
    for wire in device.wires.sorted(by: { $0.key < $1.key }).flatMap(\.value) {
      switch wire {
      case .interrupt(let number, let hart):
        switch core {
        case .cortexM4: wires.append("IRQ \(number)")
        case .rv64: wires.append("hart \(hart) mip bit \(number)")
        }
      case .input(let line, let name):
        if let known = inputs, known.name == name, known.lines.upperBound + 1 == line {
          inputs = (name, known.lines.lowerBound...line)
          wires[wires.count - 1] = "\(name) input \(known.lines.lowerBound)..\(line)"
        } else {
          inputs = (name, line...line)
          wires.append("\(name) input \(line)")
        }
      case .nmi: wires.append("NMI")
      }
    }
    let console = device.name == console ? ["console"] : []
    return (console + wires).joined(separator: ", ")
  }

  private static func trimmed(_ line: String) -> String {
    var line = Substring(line)
    while line.last == " " { line.removeLast() }
    return String(line)
  }

  /// 0x8000_0000
  static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    let width = digits.count <= 8 ? 8 : 16
    let padded = String(repeating: "0", count: width - digits.count) + digits
    var text = "0x"
    for (place, digit) in padded.enumerated() {
      if place > 0 && place % 4 == 0 { text += "_" }
      text.append(digit)
    }
    return text
  }

  /// In the largest unit that leaves no rest.
  static func size(_ bytes: UInt64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] as [(String, UInt64)]
    where bytes > 0 && bytes.trailingZeroBitCount >= shift {
      return "\(bytes >> shift) \(unit)"
    }
    return "\(bytes) bytes"
  }
}
