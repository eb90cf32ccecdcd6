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
