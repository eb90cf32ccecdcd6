import Emu

/// What `advance(until:limit:)` waits for.
public struct Condition {
  /// For the message when it does not come: "10 edges of PF1".
  let words: String
  /// Looked at first, before anything runs.
  let isMet: (Machine) -> Bool
  /// Made anew for each wait; asked about each event.
  let watch: (Machine) -> (Event) -> Bool
  /// Retired instructions to run at most.
  var instructions: UInt64?
  var isEnd = false
  /// Where the function begins whose call it is.
  var call: (Machine) throws(VariableError) -> UInt64? = { _ throws(VariableError) in nil }
  /// Bytes whose next store it is.
  var store: (Machine) throws(VariableError) -> Range<UInt64>? = { _ throws(VariableError) in nil }

  init(
    _ words: String, isMet: @escaping (Machine) -> Bool = { _ in false },
    watch: @escaping (Machine) -> (Event) -> Bool = { _ in { _ in false } }
  ) {
    self.words = words
    self.isMet = isMet
    self.watch = watch
  }

  /// That many changes of an LED, on or off, from here on.
  public static func edges(of led: LEDName, count: Int) -> Condition {
    Condition(
      "\(count) \(count == 1 ? "edge" : "edges") of \(led)",
      isMet: { _ in count <= 0 },
      watch: { machine in
        let pin = Pin(led, of: machine)
        var left = count
        return { event in
          guard pin.isMeant(by: event) else { return false }
          left -= 1
          return left == 0
        }
      })
  }

  /// An LED in that state; met at once if it is.
  public static func led(_ led: LEDName, _ state: LEDHistory.State) -> Condition {
    Condition(
      "\(led) \(state)",
      isMet: { $0.led(led).state == state },
      watch: { machine in
        let pin = Pin(led, of: machine)
        return { pin.isMeant(by: $0) && pin.isOn(by: $0) == (state == .on) }
      })
  }

  /// Text on the console; met at once if it was there already.
  public static func uart(contains text: String) -> Condition {
    let wanted = Array(text.utf8)
    return Condition(
      "\"\(text)\" on the console",
      isMet: { wanted.isEmpty || contains($0.console.bytes, wanted) },
      watch: { machine in
        let console = machine.board.slot(of: machine.board.console)
        var tail = Array(machine.console.bytes.suffix(wanted.count))
        return { event in
          let isText =
            event.kind == .console || event.kind == .uart && Int(event.source) == console
          guard isText else { return false }
          tail.append(UInt8(truncatingIfNeeded: event.value))
          if tail.count > wanted.count { tail.removeFirst() }
          return tail == wanted
        }
      })
  }

  /// That many retired instructions, from here on, exactly.
  public static func instructions(_ count: UInt64) -> Condition {
    var condition = Condition("\(count) instructions")
    condition.instructions = count
    return condition
  }

  /// The firmware says that it is done, by finisher, semihosting, SBI or however it can, or sleeps for good.
  public static var end: Condition {
    var end = Condition("the end of the run", isMet: { $0.stop != nil })
    end.isEnd = true
    return end
  }

  /// Anything that a trace has. Kinds beyond `Event.Mask.visible` happen only in a machine with them in its
  /// `MachineOptions.trace`.
  public static func event(
    _ words: String = "an event", where matches: @escaping (Event) -> Bool
  ) -> Condition {
    Condition(words, watch: { _ in matches })
  }

  private static func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
    guard wanted.count <= bytes.count else { return false }
    return (0...bytes.count - wanted.count).contains { start in
      bytes[start..<start + wanted.count].elementsEqual(wanted)
    }
  }
}

/// Where an LED hangs.
private struct Pin {
  let led: Board.LED
  let slot: Int

  init(_ name: LEDName, of machine: Machine) {
    guard let led = machine.board.leds.first(where: { $0.name == name.description }),
      let slot = machine.board.slot(of: led.device)
    else { preconditionFailure("\(machine.board.name) has no LED \(name)") }
    self.led = led
    self.slot = slot
  }

  func isMeant(by event: Event) -> Bool {
    event.kind == .pin && Int(event.source) == slot && event.detail == UInt32(led.pin)
  }

  func isOn(by event: Event) -> Bool { (event.value != 0) == led.activeHigh }
}
