import Testing

@testable import Emu

@Suite struct TimeTests {
  @Test func nanosecondsAreFloorsOfExactFractions() {
    let clock = Clock(hertz: 16_000_000)
    #expect(clock.nanoseconds(at: 1) == 62)  // 62.5
    #expect(clock.nanoseconds(at: 2) == 125)
    #expect(clock.picoseconds(at: 1) == 62_500)
    #expect(clock.ticks(nanoseconds: 62) == 1)
    #expect(clock.ticks(nanoseconds: 63) == 2)
    #expect(clock.ticks(.seconds(1)) == 16_000_000)
    #expect(clock.ticks(.nanoseconds(1)) == 1)
    #expect(clock.ticks(.seconds(-1)) == 0)
  }

  /// 3 Hz has no finite decimal: nothing may drift, however long it runs.
  @Test func oddClocksDoNotDrift() {
    let clock = Clock(hertz: 3)
    for tick in (0..<1000).map({ UInt64($0) * 6_148_914 }) {
      let time = clock.nanoseconds(at: tick)
      #expect(UInt128(time) * 3 <= UInt128(tick) * 1_000_000_000)
      #expect(UInt128(time + 1) * 3 > UInt128(tick) * 1_000_000_000)
      #expect(
        clock.ticks(nanoseconds: time) == tick || clock.ticks(nanoseconds: time + 1) == tick + 1)
    }
  }

  @Test func centuriesDoNotOverflow() {
    let clock = Clock(hertz: 1_000_000_000)
    #expect(clock.nanoseconds(at: .max) == .max)
    #expect(clock.picoseconds(at: .max) == UInt128(UInt64.max) * 1000)
    #expect(Clock(hertz: 1).nanoseconds(at: .max) == .max)
    #expect(clock.ticks(.seconds(Int64.max)) == .max)
  }

  @Test(arguments: [Ratio(1, 100), Ratio(3, 7), Ratio(5, 2), Ratio(1, 1)])
  func firstIsTheInverseOfFloor(ratio: Ratio) {
    for goal in Array(0..<200) + [UInt64(1) << 50] {
      guard let tick = ratio.first(reaching: goal) else {
        Issue.record("\(goal) is never reached")
        continue
      }
      #expect(ratio.floor(tick) >= goal)
      #expect(tick == 0 || ratio.floor(tick - 1) < goal)
    }
    #expect(Ratio(1, 100).first(reaching: .max) == nil)
  }

  /// A clock that keeps a few of its changes: what it says of time since then is exact, what it says of older ticks is in their order,
  /// and somebody who missed time from before is reckoned with exactly, if that was counted up to then.
  @Test func changesThatAreForgotten() throws {
    var random = SplitMix(5)
    var (whole, short) = (Clock(hertz: 16_000_000), Clock(hertz: 16_000_000))
    var missed = (Clock.Missed(), Clock.Missed())
    var (now, closed) = (0 as Tick, 0 as Tick)
    for number in 1...400 {
      now += 1 + random.next() % 5_000
      let hertz = Ratio([16_000_000, 1_000_000, 400_000_000, 32_768][Int(random.next() % 4)], 6)
      whole.change(to: hertz, at: now)
      short.change(to: hertz, at: now)
      guard number % 50 == 0 else { continue }
      short.add(closed..<now, to: &missed.1)
      closed = now
      short.forget(allBut: 10)
      var bytes = CanonicalBytes()
      bytes.append(naming: short)
      var reader = CanonicalReader(bytes.bytes)
      let copy = try reader.read(naming: Clock.self)
      #expect(copy == short)
      short = copy
    }
    let end = now + 10_000
    whole.add(0..<end, to: &missed.0)
    short.add(closed..<end, to: &missed.1)
    #expect(short != whole && short.isSound(missed.1, at: end))
    #expect(
      whole.cycles(of: 32_768, at: end + 9_999, without: missed.0)
        == short.cycles(of: 32_768, at: end + 9_999, without: missed.1))
    for tick in [now - 1, now, now + 1, end] {
      #expect(whole.picoseconds(at: tick) == short.picoseconds(at: tick))
      let time = whole.nanoseconds(at: tick)
      #expect(whole.ticks(nanoseconds: time) == short.ticks(nanoseconds: time))
    }
    #expect(short.picoseconds(at: 0) == 0)
    var last: UInt128 = 0
    for tick in stride(from: 0, through: end, by: 997) {
      let time = short.picoseconds(at: tick)
      #expect(time >= last && time <= short.picoseconds(at: end))
      let back = short.ticks(nanoseconds: short.nanoseconds(at: tick))
      #expect(
        back <= tick && short.picoseconds(at: back) >= UInt128(short.nanoseconds(at: tick)) * 1_000)
      last = time
    }
  }

  /// Cycles of another clock that somebody counts who misses every other stretch of time, over changes of the core's: against
  /// sums of fractions. And the first tick with so many of them.
  @Test func timeThatIsMissed() {
    var random = SplitMix(3)
    var clock = Clock(hertz: 16_000_000)
    var missed = Clock.Missed()
    var now: Tick = 0
    // Of 1/240,000,000 s, which all of these periods are whole numbers of.
    var elapsed: UInt128 = 0
    for _ in 0..<200 {
      let hertz = [16_000_000, 80_000_000, 1_000_000, 12_000_000][Int(random.next() % 4)] as UInt64
      clock.change(to: Ratio(hertz, 1), at: now)
      let (until, next) = (now + random.next() % 5_000, now + 5_000 + random.next() % 5_000)
      for tick in [now, until] {
        let own = elapsed + UInt128((tick - now) * 240_000_000 / hertz)
        let cycles = clock.cycles(of: 32_768, at: tick, without: missed)
        #expect(UInt128(cycles) == own * 32_768 / 240_000_000)
        let goal = clock.tick(reaching: cycles + 1, of: 32_768, without: missed)
        #expect(clock.cycles(of: 32_768, at: goal, without: missed) == cycles + 1)
        #expect(clock.cycles(of: 32_768, at: goal - 1, without: missed) == cycles)
      }
      elapsed += UInt128((until - now) * 240_000_000 / hertz)
      clock.add(until..<next, to: &missed)
      now = next
      #expect(clock.isSound(missed, at: now) && !clock.isSound(missed, at: missed.ticks - 1))
    }
  }

  /// Against a plain list, for every order of a few settings.
  @Test func deadlinesKeepTheOrderOfTickAndSlot() {
    var random = SplitMix(1)
    var deadlines = Deadlines(slots: 6)
    defer { deadlines.deallocate() }
    var list = [Tick](repeating: .max, count: 6)
    for _ in 0..<20_000 {
      let slot = Int(random.next() % 6)
      let tick = random.next() % 4 == 0 ? Tick.max : random.next() % 10
      deadlines.set(slot, tick)
      list[slot] = tick
      #expect(deadlines.next == list.min())
      let now = random.next() % 10
      let acted = random.next() % 64
      let expected = list.indices.filter { list[$0] <= now && acted >> UInt64($0) & 1 == 0 }
        .min { (list[$0], $0) < (list[$1], $1) }
      #expect(deadlines.due(at: now, but: acted) == expected)
    }
  }
}
