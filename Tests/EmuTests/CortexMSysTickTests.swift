import Testing

@testable import Emu

/// SysTick, ARM DDI 0403E.e, B3.3; and the cycle counter, C1.8.
@Suite struct CortexMSysTickTests {
  /// Enabled by a store at tick t, with CVR 0 and RVR N, the counter reaches zero at t + 1 + N, then every N + 1 ticks; the exception
  /// is entered before the instruction at that tick.
  @Test(arguments: [5, 20, 21, 100] as [UInt32]) func expiresExactly(_ reload: UInt32) throws {
    let bench = try CortexMBench(vectors: [15: "tick"]) { t in
      t.label("start")
      t.movs(4, 0)
      t.load(0, SCS.systCSR)
      t.load(1, reload)
      t.str(1, 0, 4)
      t.movs(1, 7)
      t.str(1, 0)  // index 7
      t.label("loop")
      t.adds(4, 1)
      t.b("loop")
      t.label("tick")
      t.returnFromHandler()
    }
    bench.run(to: 1000)
    let first = 7 + 1 + UInt64(reload)
    let period = UInt64(reload) + 1
    #expect(bench.entries == stride(from: first, to: 1000, by: Int(period)).map { $0 })
    #expect(bench.entered.allSatisfy { $0 == 15 })
  }

  /// The counter as instructions read it: reload value one tick behind the enabling, then down by one a tick, zero, reload value.
  @Test func countsDownToZeroAndWraps() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, SCS.systCSR)
      t.load(2, 0x2000_0000)
      t.movs(1, 4)
      t.str(1, 0, 4)
      t.movs(1, 5)
      t.str(1, 0)
      for number in 0..<7 {
        t.ldr(1, 0, 8)
        t.strb(1, 2, number)
      }
      t.end()
    }
    bench.run()
    let bytes = bench.machine.memory.read(0x2000_0000, count: 7)
    // A load every second tick: 4 3 2 1 0 4 3 2 1 0 ...
    #expect(bytes == [4, 2, 0, 3, 1, 4, 2])
  }

  /// COUNTFLAG "returns 1 if the timer counted to 0 since the last read", cleared by that read, and by a write to SYST_CVR, which
  /// clears the counter and pends nothing. It needs no TICKINT.
  @Test func countflag() throws {
    let bench = try CortexMBench(vectors: [15: "tick"]) { t in
      t.label("start")
      t.load(0, SCS.systCSR)
      t.movs(1, 9)
      t.str(1, 0, 4)
      t.movs(1, 5)
      t.str(1, 0)
      t.ldr(2, 0)
      for _ in 0..<9 { t.nop() }
      t.ldr(3, 0)
      t.ldr(4, 0)
      for _ in 0..<9 { t.nop() }
      t.str(1, 0, 8)
      t.ldr(5, 0)
      t.ldr(6, 0, 8)
      t.mov(8, 6)
      t.movs(1, 7)
      t.str(1, 0)
      t.str(1, 0, 8)
      for _ in 0..<9 { t.nop() }
      t.label("late")
      t.nop()
      t.nop()
      t.end()
      t.label("tick")
      t.ldrSP(0, 24)
      t.mov(9, 0)
      t.returnFromHandler()
    }
    bench.run()
    let state = bench.state
    #expect(state.r[2] == 5)
    #expect(state.r[3] == 0x1_0005)
    #expect(state.r[4] == 5)
    #expect(state.r[5] == 5)
    // Cleared at t, reload value at t + 1, read at t + 2.
    #expect(state.r[8] == 8)
    // Zero at t + 1 + 9, so nine instructions behind the store.
    #expect(state.r[9] == bench.program.address("late"))
    #expect(bench.entered.first == 15)
  }

  /// "A reload value of zero disables the counter on the next wrap": what it counts now it still counts.
  @Test func reloadOfZeroStopsIt() throws {
    let bench = try CortexMBench(vectors: [15: "tick"]) { t in
      t.label("start")
      t.load(0, SCS.systCSR)
      t.movs(1, 10)
      t.str(1, 0, 4)
      t.movs(1, 7)
      t.str(1, 0)
      t.movs(1, 0)
      t.str(1, 0, 4)
      for _ in 0..<100 { t.nop() }
      t.ldr(4, 0, 8)
      t.end()
      t.label("tick")
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.entered == [15])
    #expect(bench.state.r[4] == 0)
  }

  /// It counts while the core sleeps, and wakes it at its tick.
  @Test func wakesFromWFIAtItsTick() throws {
    let bench = try CortexMBench(vectors: [15: "tick"]) { t in
      t.label("start")
      t.load(0, SCS.systCSR)
      t.load(1, 999)
      t.str(1, 0, 4)
      t.movs(1, 7)
      t.str(1, 0)  // tick 6
      t.wfi()
      t.wfi()
      t.ldr(4, 0, 8)
      t.end()
      t.label("tick")
      t.returnFromHandler()
    }
    bench.run()
    let ticks = bench.machine.trace.filter { $0.kind == .interrupt }.map(\.tick)
    #expect(ticks == [1006, 2006])
    #expect(bench.entries == [8, 10])
    // Zero at 2006, reload value at 2007; BX at 2006, the load at 2007.
    #expect(bench.state.r[4] == 999)
    #expect(bench.machine.asleep == 998 + 998)
  }

  /// CLKSOURCE reads as one and CALIB says NOREF: there is no reference clock.
  @Test func hasNoReferenceClock() throws {
    let bench = try CortexMBench { t in
      t.label("start")
      t.load(0, SCS.systCSR)
      t.movs(1, 0)
      t.str(1, 0)
      t.ldr(4, 0)
      t.ldr(5, 0, 12)
      t.end()
    }
    bench.run()
    #expect(bench.state.r[4] == 4)
    #expect(bench.state.r[5] >> 31 == 1)
  }

  /// Every value against a counter that is stepped a tick at a time.
  @Test func agreesWithACounterThatIsStepped() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var model = SysTick()
      var (enabled, interrupts, flag) = (false, false, false)
      var (reload, value): (UInt32, UInt32) = (0, 0)
      for now in 1...400 as ClosedRange<Tick> {
        let due = model.deadline
        if enabled {
          if value == 0 {
            value = reload
          } else {
            value -= 1
            if value == 0 {
              flag = true
              #expect(!interrupts || due == now)
            }
          }
        }
        if due == now {
          #expect(value == 0)
          let hasExpired = model.expire(now)
          #expect(hasExpired)
        }
        switch UInt8.random(in: 0..<40, using: &generator) {
        case 0:
          enabled.toggle()
          model.writeControl((enabled ? 1 : 0) | (interrupts ? 2 : 0), now)
        case 1:
          interrupts.toggle()
          model.writeControl((enabled ? 1 : 0) | (interrupts ? 2 : 0), now)
        case 2:
          reload = .random(in: 0..<12, using: &generator)
          model.writeReload(reload, now)
        case 3:
          (value, flag) = (0, false)
          model.writeValue(now)
        case 4:
          let control = model.readControl(now)
          #expect(control >> 16 & 1 == (flag ? 1 : 0))
          flag = false
        case 5...8:
          let shown = model.readValue(now)
          #expect(shown == value)
        default: break
        }
      }
    }
  }

  /// DWT_CYCCNT counts ticks while TRCENA and CYCCNTENA are set, asleep too.
  @Test func cycleCounter() throws {
    let bench = try CortexMBench(Puller(1, at: 500, pulse: true), vectors: [16: "irq"]) { t in
      t.label("start")
      t.poke(SCS.iser, 1)
      t.poke(SCS.demcr, 1 << 24)
      t.load(0, SCS.dwtCTRL)
      t.movs(1, 0)
      t.str(1, 0, 4)
      t.movs(1, 1)
      t.str(1, 0)
      t.ldr(2, 0, 4)
      t.nop()
      t.ldr(3, 0, 4)
      t.ldr(4, 0)
      t.wfi()
      t.ldr(5, 0, 4)
      t.end()
      t.label("irq")
      t.returnFromHandler()
    }
    bench.run()
    #expect(bench.state.r[2] == 1)
    #expect(bench.state.r[3] == 3)
    #expect(bench.state.r[4] & 1 == 1)
    // Enabled at tick 15, asleep until 500. The handler is one instruction and the pulse a tick, so it is chained once: BX at 500
    // and 501, the load at 502.
    #expect(bench.entered == [16, 16])
    #expect(bench.state.r[5] == 502 - 15)
  }
}
