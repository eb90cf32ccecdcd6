import Emu
import Timeline

/// The name of an LED, as the board has it printed beside it.
public struct LEDName: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
  public let description: String
  public init(_ name: String) { description = name }
  public init(stringLiteral name: String) { description = name }

  public static let pf1 = LEDName("PF1")
  public static let pf2 = LEDName("PF2")
  public static let pf3 = LEDName("PF3")
  public static let led0 = LEDName("led0")
  public static let led1 = LEDName("led1")
  public static let led2 = LEDName("led2")
  public static let led3 = LEDName("led3")
}

/// What an LED has done since power-on.
public struct LEDHistory: Sendable, CustomStringConvertible {
  public enum State: Sendable, Hashable {
    case on
    case off
  }

  public let waveform: Waveform
  let clock: Clock

  public var state: State { waveform.isOn ? .on : .off }
  public var isOn: Bool { waveform.isOn }
  /// Changes so far, on or off.
  public var edges: Int { waveform.edgeCount }
  /// From the first to the last time it went on; nil with fewer than two.
  public var frequency: Frequency? { waveform.frequency(clock).map(Frequency.hertz) }
  /// The share of time on, over whole periods where there are any.
  public var dutyCycle: Double { waveform.dutyCycle }

  /// Does it beat at that frequency? Every period counts, not just their mean, and so does the time since the last one: an LED
  /// that has stopped beats no more.
  public func blinks(at frequency: Frequency, within tolerance: Tolerance) -> Bool {
    waveform.blinks(at: frequency.hertz, within: tolerance.share, clock)
  }

  /// Has it been in that state, without a change, for at least this long up to now?
  public func isHeld(_ state: State, for duration: Duration) -> Bool {
    let since = waveform.edges.last ?? 0
    return self.state == state && waveform.end - since >= clock.ticks(duration)
  }

  /// What a failed expectation shows.
  public var description: String {
    let drawing = DrawnTimeline.draw([waveform], clock, style: TextStyle())
    return drawing.isEmpty ? "\(waveform.name) never changed" : "\n" + drawing
  }
}

extension Machine {
  /// All that an LED did so far, as far as events are kept (`MachineOptions.keptEvents`). A test that names one which its board lacks is wrong, and ends there.
  public func led(_ name: LEDName) -> LEDHistory {
    EvidenceLog.current?.note(self, reads: name.description)
    let waves = Waveforms(board, trace, end: now, clock: clock)
    guard let waveform = waves[name.description] else {
      let known = board.leds.map(\.name).joined(separator: ", ")
      preconditionFailure("\(board.name) has no LED \(name); it has \(known)")
    }
    return LEDHistory(waveform: waveform, clock: waves.clock)
  }
}
