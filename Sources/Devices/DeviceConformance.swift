import Emu

/// What holds for every device, whatever it models: run it on a device of your own too. It knows no test framework; it
/// returns sentences, none if all is well.
///
/// - Each register has its reset value at power-on and after a reset, and a second reset changes nothing and says nothing.
/// - Every offset, at every width, does what the register map declares: answers, is a finding, or faults, with no more bits than
///   asked for; a fault changes nothing.
/// - State is all that there is: the same accesses give the same answers, events and outputs again, also when the state is
///   moved to a new device on the way; a read that changes no state reads the same again; lines and deadline follow from
///   state alone.
/// - The state goes into the file of a snapshot and back, and `accepts` takes it.
/// - No value that a guest can store traps in the model, and time never stands still.
public struct DeviceConformance<D: Device> {
  private let device: D
  private let map: RegisterMap
  private let window: UInt64
  private let seed: UInt64
  private let steps: Int
  private let keepsContent: Bool
  private let clock: Clock

  /// - Parameters:
  ///   - device: as it is at power-on.
  ///   - window: the size of its window on the bus.
  ///   - steps: random accesses and other events of a run, of which there are three.
  ///   - clock: of the board, for a device that has a say in it.
  ///   - keepsContent: a reset leaves something, as flash does; so it is not the state of power-on.
  public init(
    _ device: D, window: UInt64, seed: UInt64 = 1, steps: Int = 10_000, keepsContent: Bool = false,
    clock: Clock = Clock(hertz: 1_000_000_000)
  ) {
    self.keepsContent = keepsContent
    self.clock = clock
    self.device = device
    map = device.map
    self.window = window
    self.seed = seed
    self.steps = steps
  }

  /// - Parameter visit: sees states on the way, and may complain of one: a place for checks that this module cannot make.
  public func problems(visit: (D.State) -> String? = { _ in nil }) -> [String] {
    var problems = Problems()
    checkMap(&problems)
    if problems.all.isEmpty {
      checkWindow(&problems)
      checkRuns(&problems, visit)
    }
    return problems.all
  }

  // MARK: The map

  private func checkMap(_ problems: inout Problems) {
    for register in map.registers where register.offset + register.length > window {
      problems.add("\(register.name) lies beyond the window's \(window) bytes")
    }
  }

  private func checkResetValues(_ bench: DeviceBench<D>, _ when: String, _ problems: inout Problems)
  {
    for register in map.registers where register.permission != .writeOnly {
      guard let width = register.widest else { continue }
      for number in 0..<register.count {
        let offset = register.offset + number * register.size
        let value = bench.read(offset, width: width)
        if value != register.reset & mask(width) {
          problems.add(
            "\(register.name) at \(offset) reads \(text(value)) \(when), "
              + "its reset value is \(text(register.reset))")
        }
      }
    }
  }

  // MARK: Every access

  private func checkWindow(_ problems: inout Problems) {
    checkResetValues(bench(), "at power-on", &problems)
    let bench = bench()
    for offset in offsets {
      for width in [1, 2, 4, 8] as [UInt8] where offset % UInt64(width) == 0 {
        for value in [nil, 0, mask(width)] as [UInt64?] {
          checkAccess(bench, offset, width, value, &problems)
        }
      }
    }
  }

  /// All of them in and around registers; of the rest of a large window, samples.
  private var offsets: [UInt64] {
    var offsets = Set(0..<min(window, 64))
    let step = max(251, window >> 8 | 1)
    for start in stride(from: 0, to: window, by: Int(step)) {
      offsets.formUnion(start..<min(start + 8, window))
    }
    for register in map.registers {
      let start = register.offset - min(register.offset, 16)
      offsets.formUnion(start..<min(register.offset + min(register.length, 64) + 16, window))
    }
    return offsets.sorted()
  }

  /// A load, or a store of a value.
  private func checkAccess(
    _ bench: DeviceBench<D>, _ offset: UInt64, _ width: UInt8, _ value: UInt64?,
    _ problems: inout Problems
  ) {
    let what = "\(value == nil ? "read" : "write") of \(width) bytes at \(text(offset))"
    let said = bench.events.count
    let before = bench.state
    var answer: UInt64?
    if let value {
      answer = bench.write(offset, value, width: width) ? 0 : nil
    } else {
      answer = bench.read(offset, width: width)
    }
    if let answer, answer & ~mask(width) != 0 {
      problems.add("\(what) gives \(text(answer)), more than was asked for")
    }
    if answer == nil && bench.state != before { problems.add("\(what) faults and changes state") }
    let isFinding = bench.events[said...].contains { $0.kind == .notModelled }

    let register = map.registers.first { offset &- $0.offset < $0.length }
    switch register {
    case nil where map.reserved == .fault:
      if answer != nil { problems.add("\(what), reserved, does not fault") }
    case nil:
      if answer != 0 || !isFinding { problems.add("\(what), reserved, is not zero and a finding") }
    case .some(let register) where !register.modelled:
      if answer != nil && !isFinding { problems.add("\(what), not modelled, is no finding") }
    case .some(let register):
      if answer != nil && !register.widths.contains(.init(rawValue: width)) {
        problems.add("\(what) of \(register.name), which has no such width, does not fault")
      }
    }
  }

  // MARK: Runs

  private func checkRuns(_ problems: inout Problems, _ visit: (D.State) -> String?) {
    let first = run(movingAt: nil, &problems, visit)
    let again = run(movingAt: nil, &problems) { _ in nil }
    let moved = run(movingAt: steps / 2, &problems) { _ in nil }
    for (other, how) in [(again, "run again"), (moved, "moved to a new device half-way")] {
      if let step = first.difference(from: other) {
        problems.add("\(how), it differs at step \(step)")
      } else if first.events != other.events {
        problems.add("\(how), it says something else")
      } else if first.state != other.state || first.bytes != other.bytes {
        problems.add("\(how), it ends in another state")
      }
    }
  }

  private struct Run {
    var answers: [UInt64?] = []
    var events: [Event] = []
    var state: D.State
    var bytes: [UInt8] = []

    func difference(from other: Run) -> Int? {
      zip(answers, other.answers).enumerated().first { $1.0 != $1.1 }?.offset
    }
  }

  private func run(
    movingAt move: Int?, _ problems: inout Problems, _ visit: (D.State) -> String?
  ) -> Run {
    var random = SplitMix(seed: seed)
    var bench = bench()
    var run = Run(state: bench.state)
    var sent: [UInt8] = []
    for step in 0..<steps {
      if step == move {
        run.events += said(by: bench)
        bench = moved(bench, input: sent.dropFirst(run.events.count { $0.kind == .uartInput }))
      }
      run.answers.append(act(on: bench, &random, &sent, &problems))
      checkOutputs(bench, step, &problems)
      if step % 64 == 0 {
        do {
          if try bench.stateByFile() != bench.state {
            problems.add("after step \(step): a file has another state")
          }
        } catch { problems.add("after step \(step): its state in a file is refused: \(error)") }
      }
      if step % 64 == 0, let complaint = visit(bench.state) {
        problems.add("after step \(step): \(complaint)")
      }
    }
    run.events += said(by: bench)
    run.state = bench.state
    var bytes = CanonicalBytes()
    bytes.append(encoding: bench.state)
    run.bytes = bytes.bytes
    checkReset(moved(bench, input: []), &problems)
    return run
  }

  /// What the device said; findings are numbered by their bench, so without the numbers.
  private func said(by bench: DeviceBench<D>) -> [Event] {
    bench.events.map { event in
      var event = event
      if event.kind == .notModelled { event.detail = 0 }
      return event
    }
  }

  private func moved(_ old: DeviceBench<D>, input: some Sequence<UInt8>) -> DeviceBench<D> {
    let new = bench()
    new.advance(to: old.now)
    let memory: UInt64 = 0x8000_0000
    if let bytes = old.memory.read(memory, count: 0x1_0000) { new.memory.write(bytes, at: memory) }
    new.clock = old.clock
    new.state = old.state
    new.send(input)
    return new
  }

  private func act(
    on bench: DeviceBench<D>, _ random: inout SplitMix, _ sent: inout [UInt8],
    _ problems: inout Problems
  ) -> UInt64? {
    switch random.next() % 16 {
    case 0:
      let ticks: [UInt64] = [0, 1, 99, 100, 12_345, 1 << 33, (bench.deadline ?? 0) &- bench.now]
      let tick = bench.now &+ ticks[Int(random.next() % UInt64(ticks.count))]
      // One that acts every tick is not followed for minutes.
      let end = min(tick, bench.deadline.map { $0 &+ 12_345 } ?? .max)
      if end >= bench.now { bench.advance(to: end) }
      return bench.now
    case 1:
      bench.input(Int(random.next() % 64), random.next() & 1 == 1)
    case 2:
      sent.append(UInt8(truncatingIfNeeded: random.next()))
      bench.send(sent.suffix(1))
    case 3 where random.next() % 64 == 0:
      bench.reset()
    case 3..<10:
      let (offset, width) = place(&random)
      let before = bench.state
      let value = bench.read(offset, width: width)
      // What is not consumed by reading it is there to be read again.
      if bench.state == before && bench.read(offset, width: width) != value {
        problems.add("a read at \(text(offset)) that changes nothing reads differently again")
      }
      return value
    default:
      let (offset, width) = place(&random)
      return bench.write(offset, value(&random) & mask(width), width: width) ? 1 : nil
    }
    return 0
  }

  /// Mostly in a register.
  private func place(_ random: inout SplitMix) -> (offset: UInt64, width: UInt8) {
    let width = UInt8(1) << UInt8(random.next() & 3)
    let registers = map.registers
    if registers.isEmpty || random.next() % 8 == 0 {
      return (random.next() % window & ~(UInt64(width) - 1), width)
    }
    let register = registers[Int(random.next() % UInt64(registers.count))]
    guard let widest = register.widest, random.next() % 4 != 0 else {
      let offset = register.offset + random.next() % register.length
      return (offset & ~(UInt64(width) - 1), width)
    }
    return (register.offset + random.next() % register.count * register.size, widest)
  }

  private func value(_ random: inout SplitMix) -> UInt64 {
    switch random.next() % 5 {
    case 0: 0
    case 1: .max
    case 2: 1 << (random.next() % 64)
    case 3: random.next() % 256
    default: random.next()
    }
  }

  private func checkOutputs(_ bench: DeviceBench<D>, _ step: Int, _ problems: inout Problems) {
    var copy = device
    copy.state = bench.state
    if copy.lines != bench.lines { problems.add("after step \(step), lines are not its state's") }
    if copy.deadline != bench.deadline {
      problems.add("after step \(step), the deadline is not its state's")
    }
  }

  private func checkReset(_ bench: DeviceBench<D>, _ problems: inout Problems) {
    for line in 0..<64 { bench.input(line, false) }
    bench.reset()
    let state = bench.state
    let events = bench.events.count
    bench.reset()
    if bench.state != state { problems.add("a second reset changes the state") }
    if bench.events.count != events { problems.add("a second reset says something") }
    if !keepsContent && state != self.bench().state {
      problems.add("reset is not the state of power-on")
    }
  }

  private func bench() -> DeviceBench<D> { DeviceBench(device, size: window, clock: clock) }
}

/// The first few of them: one mistake often shows in many places.
private struct Problems {
  private(set) var all: [String] = []

  mutating func add(_ problem: String) {
    if all.count < 16 { all.append(problem) }
  }
}

private func mask(_ width: UInt8) -> UInt64 { .max >> (64 - UInt64(width) * 8) }

private func text(_ value: UInt64?) -> String {
  value.map { "0x" + String($0, radix: 16) } ?? "a fault"
}

extension RegisterMap.Register {
  fileprivate var length: UInt64 { size * count }

  /// The widest access that it takes and that it fills.
  fileprivate var widest: UInt8? {
    ([8, 4, 2, 1] as [UInt8]).first {
      widths.contains(.init(rawValue: $0)) && UInt64($0) <= size
    }
  }
}
