import CoreShim
import Testing

@testable import Emu

/// The model's priorities against the manual's pseudocode, word for word (ARM DDI 0403E.e, B1.5.4), for random states.
@Suite struct CortexMPseudocodeTests {
  /// `ExecutionPriority()`. MOD of a negative priority is not meant: -1 and -2 have no subpriority.
  private static func executionPriority(
    active: [Bool], priority: [Int], priorityGroup: Int, _ state: CoreM4
  ) -> Int {
    var highest = 256
    var boosted = 256
    let groupValue = 2 << priorityGroup
    for number in active.indices.dropFirst(2) where active[number] {
      if priority[number] < highest {
        highest = priority[number]
        if highest >= 0 { highest -= highest % groupValue }
      }
    }
    if state.basepri != 0 {
      boosted = Int(state.basepri)
      boosted -= boosted % groupValue
    }
    if state.primask == 1 { boosted = 0 }
    if state.faultmask == 1 { boosted = -1 }
    return min(boosted, highest)
  }

  @Test func prioritiesAgree() throws {
    var random = SystemRandomNumberGenerator()
    let bench = try CortexMBench { t in t.label("start") }
    let core = bench.core
    for _ in 0..<2000 {
      var table = core.exceptions.state
      let count = table.priority.count
      var active = [Bool](repeating: false, count: count)
      var pending = active
      table.pending = [0, 0]
      table.active = [0, 0]
      table.enabled = [.random(in: 0...UInt64.max, using: &random), .max]
      for number in 4..<count {
        table.priority[number] = Int16.random(in: 0..<8, using: &random) << 5
      }
      for number in 2..<count {
        active[number] = Int.random(in: 0..<40, using: &random) == 0
        pending[number] = Int.random(in: 0..<30, using: &random) == 0
        let bit: UInt64 = 1 << UInt64(number % 64)
        if active[number] { table.active[number / 64] |= bit }
        if pending[number] { table.pending[number / 64] |= bit }
      }
      core.exceptions.state = table
      core.system.priorityGroup = .random(in: 0..<8, using: &random)
      var state = CoreM4()
      state.primask = .random(in: 0..<8, using: &random) == 0 ? 1 : 0
      state.faultmask = .random(in: 0..<16, using: &random) == 0 ? 1 : 0
      state.basepri = .random(in: 0..<8, using: &random) << 5
      let priority = table.priority.map(Int.init)
      let group = Int(core.system.priorityGroup)
      let expected = Self.executionPriority(
        active: active, priority: priority, priorityGroup: group, state)
      #expect(core.executionPriority(state.masks) == expected)
      // "the pending exception with the highest priority ... the lowest exception number takes precedence"
      let candidates = (2..<count).filter {
        pending[$0] && table.enabled[$0 / 64] >> UInt64($0 % 64) & 1 == 1
      }
      let first = candidates.min { (priority[$0], $0) < (priority[$1], $1) }
      #expect(core.exceptions.highestPending() == first ?? 0)
      let preempts = first.map {
        let own = priority[$0]
        return (own < 0 ? own : own - own % (2 << group)) < expected
      }
      #expect(core.preempting(state.masks) == (preempts == true ? first : 0))
      #expect(core.exceptions.isAnyActive() == active.contains(true))
    }
  }

  /// ITSTATE forward and back again, for every state and all flags.
  @Test func itStateGoesBack() {
    for it in 0..<256 as Range<UInt32> where it & 0xF != 0 {
      for flags in 0..<16 as Range<UInt32> {
        let xpsr = flags << 28 | (it & 3) << 25 | (it & 0xFC) << 8 | XPSR.thumb | 11
        let next = ITState.advanced(xpsr)
        #expect(next & 0xF100_01FF == xpsr & 0xF100_01FF)
        // Only an instruction whose condition holds is executed; AL has no opposite.
        guard it >> 5 < 7, Self.holds(it >> 4, flags), it & 7 != 0 else { continue }
        #expect(ITState.rewound(next) == xpsr)
      }
    }
  }

  private typealias XPSR = CortexM.XPSR

  /// `ConditionHolds()`, A7.3.1. NZCV in bits 3:0.
  private static func holds(_ condition: UInt32, _ flags: UInt32) -> Bool {
    let (n, z) = (flags & 8 != 0, flags & 4 != 0)
    let (c, v) = (flags & 2 != 0, flags & 1 != 0)
    let result =
      switch condition >> 1 {
      case 0: z
      case 1: c
      case 2: n
      case 3: v
      case 4: c && !z
      case 5: n == v
      case 6: n == v && !z
      default: true
      }
    return condition & 1 == 1 && condition != 15 ? !result : result
  }
}
