import Emu

/// A run as a value change dump (IEEE 1364, 18), for GTKWave and the like: a wire a signal, a byte-wide vector a UART, which is
/// `z` behind each byte, so that two equal ones in a row can be told apart. No date: two runs give the same bytes.
public enum VCD {
  public static func write(_ recording: Recording) -> [UInt8] {
    var text = Array(
      "$timescale 1 ps $end\n$scope module \(name(recording.board.name)) $end\n".utf8)
    let signals = recording.signals
    let streams = recording.streams
    for (number, signal) in signals.enumerated() {
      text += Array("$var wire 1 \(code(number)) \(name(signal.name)) $end\n".utf8)
    }
    for (number, stream) in streams.enumerated() {
      let code = code(signals.count + number)
      text += Array("$var wire 8 \(code) \(name(stream.name)) $end\n".utf8)
    }
    text += Array("$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n".utf8)
    for number in signals.indices { text += Array("0\(code(number))\n".utf8) }
    for number in streams.indices { text += Array("bz \(code(signals.count + number))\n".utf8) }
    text += Array("$end\n".utf8)
    add(changes(signals, streams), recording, &text)
    return text
  }

  private struct Change {
    var tick: Tick
    var code: Int
    /// 0 and 1; a byte behind 2; 258: z.
    var value: UInt16
  }

  private static func changes(
    _ signals: [Recording.Signal], _ streams: [Recording.Stream]
  ) -> [Change] {
    var changes: [Change] = []
    for (number, signal) in signals.enumerated() {
      for (place, tick) in signal.wave.edges.enumerated() {
        changes.append(Change(tick: tick, code: number, value: place % 2 == 0 ? 1 : 0))
      }
    }
    for (number, stream) in streams.enumerated() {
      let ticks = stream.moments.ticks
      for (place, tick) in ticks.enumerated() {
        let code = signals.count + number
        changes.append(Change(tick: tick, code: code, value: 2 + UInt16(stream.bytes[place])))
        let isLast = place + 1 == ticks.count || ticks[place + 1] > tick + 1
        if isLast { changes.append(Change(tick: tick + 1, code: code, value: 258)) }
      }
    }
    // Swift's sort is stable, so what happened at one tick stays in its order.
    return changes.sorted { $0.tick < $1.tick }
  }

  private static func add(
    _ changes: [Change], _ recording: Recording, _ text: inout [UInt8]
  ) {
    let codes = (0..<recording.signals.count + recording.streams.count).map { Array(code($0).utf8) }
    let clock = recording.clock
    var tick: Tick = 0
    for change in changes {
      if change.tick != tick {
        tick = change.tick
        text += Array("#\(clock.picoseconds(at: tick))\n".utf8)
      }
      switch change.value {
      case 0, 1: text.append(UInt8(ascii: "0") + UInt8(change.value))
      case 258: text.append("bz ")
      default:
        text.append("b")
        for bit in (0..<8).reversed() {
          text.append((change.value - 2) >> bit & 1 == 0 ? 0x30 : 0x31)
        }
        text.append(" ")
      }
      text += codes[change.code]
      text.append("\n")
    }
    if recording.isFull { text += Array("$comment \(Recording.cut) $end\n".utf8) }
    if recording.end > tick { text += Array("#\(clock.picoseconds(at: recording.end))\n".utf8) }
  }

  /// Short and printable: digits of base 94.
  private static func code(_ number: Int) -> String {
    var text = ""
    var rest = number
    repeat {
      text.unicodeScalars.append(Unicode.Scalar(UInt8(33 + rest % 94)))
      rest = rest / 94 - 1
    } while rest >= 0
    return text
  }

  /// A name ends at white space, and brackets would be a range of bits.
  private static func name(_ name: String) -> String {
    String(
      String.UnicodeScalarView(
        name.unicodeScalars.map {
          $0.value > 32 && $0.value < 127 && $0 != "[" && $0 != "]" ? $0 : "_"
        }))
  }
}
