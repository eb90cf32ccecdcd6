import Devices
import Emu
import Testing

/// µDMA against the TM4C123GH6PM's datasheet, chapter 9: by itself, on software requests and on requests that a test makes.
@Suite struct TM4CDMATests {
  private enum R {
    static let configuration: UInt64 = 0x004
    static let base: UInt64 = 0x008
    static let software: UInt64 = 0x014
    static let useBurst: UInt64 = 0x018
    static let mask: UInt64 = 0x020
    static let enable: UInt64 = 0x028
    static let disable: UInt64 = 0x02C
    static let alternate: UInt64 = 0x030
    static let priority: UInt64 = 0x038
    static let error: UInt64 = 0x04C
    static let secondary: UInt64 = 0x500
    static let completed: UInt64 = 0x504
    static let map1: UInt64 = 0x514
  }
  private static let memory: UInt64 = 0x2000_0000
  private static let source: UInt64 = memory + 0x1000
  private static let destination: UInt64 = memory + 0x2000
  /// Words both ways.
  private static let words: UInt32 = 0xAA00_0000
  private enum Mode {
    static let basic: UInt32 = 1
    static let auto: UInt32 = 2
    static let pingPong: UInt32 = 3
    static let memory: UInt32 = 4
    static let peripheral: UInt32 = 6
  }
  private let bench: DeviceBench<TM4CDMA>
  private func read(_ offset: UInt64) -> UInt64 { bench.read(offset) ?? 0xBAD }

  init() {
    bench = DeviceBench(TM4CDMA(), memory: Self.memory)
    bench.write(R.base, Self.memory)
    bench.write(R.configuration, 1)
    for number in 0..<256 as Range<UInt64> {
      bench.memory.store(UInt32(0xA000_0000 + number), at: Self.source + 4 * number)
    }
  }

  /// A control structure: end pointers of words, R of 2^R items an arbitration.
  private func set(
    _ channel: UInt64, _ mode: UInt32, items: UInt32, arbitration: UInt32 = 0,
    from: UInt64 = source, to: UInt64 = destination, isAlternate: Bool = false,
    format: UInt32 = words
  ) {
    let place = Self.memory + channel * 16 + (isAlternate ? 0x200 : 0)
    let last = UInt64(items - 1) * 4
    bench.memory.store(UInt32(from + last), at: place)
    bench.memory.store(UInt32(to + last), at: place + 4)
    bench.memory.store(format | arbitration << 14 | (items - 1) << 4 | mode, at: place + 8)
  }

  private func control(_ channel: UInt64, isAlternate: Bool = false) -> UInt32? {
    bench.memory.load(Self.memory + channel * 16 + (isAlternate ? 0x200 : 0) + 8)
  }

  /// How many words have arrived, the first of them first.
  private var arrived: Int {
    (0..<256).first { number -> Bool in
      let place = Self.destination + 4 * UInt64(number)
      return bench.memory.load(place, as: UInt32.self) != 0xA000_0000 + UInt32(number)
    } ?? 256
  }

  /// "Auto ... once a µDMA request is made ... the transfer runs to completion"; then "the XFERMODE is Stop", the channel is
  /// disabled, and its interrupt is a pulse.
  @Test func autoRequest() {
    set(30, Mode.auto, items: 20, arbitration: 3)
    bench.write(R.enable, 1 << 30)
    bench.write(R.software, 1 << 30)
    // 1 to arbitrate, 4 for the control structure, 2 an item.
    bench.advance(to: 20)
    #expect(arrived == 0 && read(0) & 0xF0 == 0x50)
    bench.advance(to: 21)
    #expect(arrived == 8 && control(30) == Self.words | 3 << 14 | 11 << 4 | Mode.auto)
    bench.advance(to: 42)
    #expect(arrived == 16 && read(R.enable) == 1 << 30 && bench.lines == [])
    bench.advance(to: 55)
    #expect(arrived == 20 && bench.lines == [.line(0)] && read(R.enable) == 0)
    #expect(control(30) == Self.words | 3 << 14 && read(R.completed) == 1 << 30)
    bench.advance(to: 56)
    #expect(bench.lines == [] && bench.findings.isEmpty)
    bench.write(R.completed, 1 << 30)
    #expect(read(R.completed) == 0)
    bench.advance(to: 1000)
    #expect(arrived == 20 && bench.deadline == nil)
  }

  /// "Basic ... transfers 2^R items for a request", and waits for another one.
  @Test func basic() {
    set(30, Mode.basic, items: 10, arbitration: 2)
    bench.write(R.enable, 1 << 30)
    for expected in [4, 8, 10] {
      bench.write(R.software, 1 << 30)
      bench.advance(to: bench.now + 100)
      #expect(arrived == expected && read(R.enable) == (expected == 10 ? 0 : 1 << 30))
    }
    bench.write(R.software, 1 << 30)
    #expect(bench.findings.map(\.name) == ["DMASWREQ for a channel that is not enabled"])
  }

  /// Sizes and increments are of bytes, half words, words, or none.
  @Test(arguments: [0, 1, 2] as [UInt32]) func sizes(size: UInt32) {
    let format = size << 30 | size << 28 | size << 26 | size << 24
    set(30, Mode.auto, items: 5, arbitration: 0, format: format)
    let place = Self.memory + 30 * 16
    // As DriverLib has it: the last byte.
    bench.memory.store(UInt32(Self.source) + 5 << size - 1, at: place)
    bench.memory.store(UInt32(Self.destination) + 5 << size - 1, at: place + 4)
    bench.write(R.enable, 1 << 30)
    bench.write(R.software, 1 << 30)
    bench.advance(to: 200)
    let count = 5 << Int(size)
    let copied = bench.memory.read(Self.destination, count: count + 1)
    #expect(copied == (bench.memory.read(Self.source, count: count) ?? []) + [0])
  }

  @Test func noIncrement() {
    set(30, Mode.auto, items: 5, format: Self.words | 0x0C00_0000)
    bench.memory.store(UInt32(Self.source), at: Self.memory + 30 * 16)
    bench.write(R.enable, 1 << 30)
    bench.write(R.software, 1 << 30)
    bench.advance(to: 200)
    for number in 0..<5 as Range<UInt64> {
      #expect(bench.memory.load(Self.destination + 4 * number) == 0xA000_0000 as UInt32)
    }
  }

  /// Item by item, though they be side by side: each of these is the source of the next one.
  @Test(arguments: [0, 3] as [UInt32]) func overlapping(arbitration: UInt32) {
    set(30, Mode.auto, items: 8, arbitration: arbitration)
    bench.memory.store(UInt32(Self.source) + 8 * 4, at: Self.memory + 30 * 16 + 4)
    bench.write(R.enable, 1 << 30)
    bench.write(R.software, 1 << 30)
    bench.advance(to: 200)
    for number in 1...8 as ClosedRange<UInt64> {
      #expect(bench.memory.load(Self.source + 4 * number) == 0xA000_0000 as UInt32)
    }
  }

  /// "Ping-Pong ... the µDMA controller ... starts from the alternate control structure, ... toggles", with an interrupt at each end,
  /// until a structure is in stop mode.
  @Test func pingPong() {
    set(30, Mode.pingPong, items: 4, arbitration: 2)
    set(
      30, Mode.pingPong, items: 4, arbitration: 2, from: Self.source + 16,
      to: Self.destination + 16, isAlternate: true)
    bench.write(R.enable, 1 << 30)
    for expected in [4, 8] {
      bench.write(R.software, 1 << 30)
      bench.advance(to: bench.now + 13)
      #expect(arrived == expected && bench.lines == [.line(0)])
      #expect(read(R.enable) == 1 << 30 && read(R.alternate) == (expected == 4 ? 1 << 30 : 0))
    }
    bench.write(R.software, 1 << 30)
    bench.advance(to: bench.now + 50)
    #expect(arrived == 8 && read(R.enable) == 0 && bench.findings.isEmpty)
  }

  /// "Memory Scatter-Gather ... the primary control structure programs the alternate", task after task; one in auto mode is the last.
  @Test func memoryScatterGather() {
    let tasks = Self.memory + 0x3000
    let pieces: [(from: UInt64, count: UInt32)] = [(0, 3), (3, 6), (9, 1)]
    for (number, piece) in pieces.enumerated() {
      let task = tasks + 16 * UInt64(number)
      let last = (piece.from + UInt64(piece.count) - 1) * 4
      bench.memory.store(UInt32(Self.source + last), at: task)
      bench.memory.store(UInt32(Self.destination + last), at: task + 4)
      bench.memory.store(
        Self.words | 1 << 14 | (piece.count - 1) << 4 | (number == 2 ? Mode.auto : Mode.memory | 1),
        at: task + 8)
    }
    let place = Self.memory + 30 * 16
    bench.memory.store(UInt32(tasks + 2 * 16 + 12), at: place)
    bench.memory.store(UInt32(place + 0x200 + 12), at: place + 4)
    bench.memory.store(Self.words | 2 << 14 | 11 << 4 | Mode.memory, at: place + 8)
    bench.write(R.enable, 1 << 30)
    bench.write(R.software, 1 << 30)
    // Three tasks of 4 + 8 and an arbitration; 3, 6 and 1 words, two at a time.
    let ticks = 3 * 13 + (9 + 7) + 3 * 9 + 7
    bench.advance(to: Tick(ticks) - 1)
    #expect(arrived == 9 && bench.lines == [])
    bench.advance(to: Tick(ticks))
    #expect(arrived == 10 && bench.lines == [.line(0)] && read(R.enable) == 0)
    #expect(control(30).map { $0 & 7 } == 0 && bench.findings.isEmpty)
  }

  /// "Peripheral Scatter-Gather ... controlled by a peripheral making a µDMA request": each task waits for one.
  @Test func peripheralScatterGather() {
    let (burst, channel) = (TM4CDMA.request("UART1RX", isBurst: true), 22 as UInt64)
    let tasks = Self.memory + 0x3000
    for number in 0..<2 as Range<UInt64> {
      let last = number * 8 + 4
      bench.memory.store(UInt32(Self.source + last), at: tasks + 16 * number)
      bench.memory.store(UInt32(Self.destination + last), at: tasks + 16 * number + 4)
      bench.memory.store(
        Self.words | 1 << 14 | 1 << 4 | (number == 1 ? Mode.basic : Mode.peripheral | 1),
        at: tasks + 16 * number + 8)
    }
    let place = Self.memory + channel * 16
    bench.memory.store(UInt32(tasks + 16 + 12), at: place)
    bench.memory.store(UInt32(place + 0x200 + 12), at: place + 4)
    bench.memory.store(Self.words | 2 << 14 | 7 << 4 | Mode.peripheral, at: place + 8)
    bench.write(R.enable, 1 << channel)
    bench.advance(to: 100)
    #expect(arrived == 0)
    for expected in [2, 4] {
      bench.input(burst, true)
      bench.advance(to: bench.now + 2)
      bench.input(burst, false)
      bench.advance(to: bench.now + 100)
      #expect(arrived == expected)
    }
    #expect(read(R.enable) == 0 && read(R.completed) == 1 << 22)
  }

  /// "Channel 0 has the highest priority", unless another one has its bit in DMAPRIOSET.
  @Test(arguments: [0, 1 << 31] as [UInt64]) func priorities(high: UInt64) {
    for channel in [30, 31] as [UInt64] {
      set(channel, Mode.auto, items: 1, to: Self.destination + (channel - 30) * 4)
    }
    bench.write(R.priority, high)
    bench.write(R.enable, 3 << 30)
    bench.write(R.software, 3 << 30)
    bench.advance(to: 7)
    #expect(read(R.completed) == (high == 0 ? 1 << 30 : 1 << 31))
    bench.advance(to: 14)
    #expect(read(R.completed) == 3 << 30)
  }

  /// Between the arbitrations of a long transfer a more urgent one is served.
  @Test func arbitration() {
    set(31, Mode.auto, items: 64, arbitration: 3)
    set(30, Mode.auto, items: 1, to: Self.destination + 0x800)
    bench.write(R.enable, 3 << 30)
    bench.write(R.software, 1 << 31)
    bench.advance(to: 5)
    bench.write(R.software, 1 << 30)
    bench.advance(to: 21 + 7)
    #expect(arrived == 8 && read(R.completed) == 1 << 30)
    bench.advance(to: 21 + 7 + 21)
    #expect(arrived == 16)
  }

  /// "When a single request is detected and not a burst request, the µDMA controller transfers one item"; USEBURST stops that.
  @Test func singleAndBurstRequests() {
    let (single, burst) = (
      TM4CDMA.request("UART1RX", isBurst: false), TM4CDMA.request("UART1RX", isBurst: true)
    )
    func pulse(_ input: Int) {
      bench.input(input, true)
      bench.advance(to: bench.now + 2)
      bench.input(input, false)
      bench.advance(to: bench.now + 50)
    }
    set(22, Mode.basic, items: 14, arbitration: 2)
    bench.write(R.enable, 1 << 22)
    pulse(single)
    #expect(arrived == 1)
    pulse(burst)
    #expect(arrived == 5)
    bench.write(R.useBurst, 1 << 22)
    pulse(single)
    #expect(arrived == 5)
    bench.write(R.mask, 1 << 22)
    pulse(burst)
    #expect(arrived == 5)
    bench.write(R.mask + 4, 1 << 22)
    pulse(burst)
    #expect(arrived == 9 && read(R.useBurst) == 1 << 22)
    // "... automatically cleared": one item is left, which no burst would fetch.
    pulse(burst)
    #expect(arrived == 13 && read(R.useBurst) == 0)
    bench.input(single, true)
    bench.advance(to: bench.now + 7)
    // The completion interrupt is the peripheral's: UART1 is the second of them.
    #expect(arrived == 14 && bench.lines == [.line(2 + 1)])
  }

  /// DMACHMAPn and DMACHASGN say whose requests a channel follows.
  @Test func assignments() {
    set(8, Mode.basic, items: 9)
    bench.write(R.enable, 1 << 8)
    for (encoding, source) in ["UART0RX", "UART1RX"].enumerated() {
      bench.write(R.map1, UInt64(encoding))
      #expect(read(R.secondary) == (encoding == 1 ? 1 << 8 : 0))
      for name in ["UART0RX", "UART1RX"] {
        let before = arrived
        bench.input(TM4CDMA.request(name, isBurst: true), true)
        bench.advance(to: bench.now + 2)
        bench.input(TM4CDMA.request(name, isBurst: true), false)
        bench.advance(to: bench.now + 50)
        #expect(arrived == before + (name == source ? 1 : 0))
      }
    }
    bench.write(R.secondary, 0)
    #expect(read(R.map1) == 0)
    // A timer's request "occurs whenever a raw interrupt condition occurs": each change of level.
    bench.write(R.map1, 3)
    let timer = TM4CDMA.request("TIMER5A", isBurst: true)
    for level in [true, false, true] {
      let before = arrived
      bench.input(timer, level)
      bench.advance(to: bench.now + 50)
      #expect(arrived == before + 1)
    }
  }

  /// "... it is not possible to transfer data from the Flash memory": a bus error "disables the µDMA channel that caused the error and
  /// generates an interrupt".
  @Test(arguments: [0x1000, 0x3000_0000, 0xFFFF_FFF0] as [UInt64]) func busErrors(address: UInt64) {
    set(30, Mode.auto, items: 1, from: address)
    bench.write(R.enable, 1 << 30)
    bench.write(R.software, 1 << 30)
    bench.advance(to: 7)
    #expect(bench.lines == [.line(1)] && read(R.error) == 1 && read(R.enable) == 0)
    #expect(bench.findings.map(\.name) == ["a µDMA transfer ended with a bus error"])
    bench.write(R.error, 1)
    #expect(bench.lines == [] && read(R.error) == 0)
  }

  /// A control table where no memory is.
  @Test func noTable() {
    bench.write(R.base, 0x4000_0000)
    bench.write(R.enable, 1)
    bench.write(R.software, 1)
    bench.advance(to: 50)
    #expect(read(R.error) == 1 && read(R.enable) == 0)
    #expect(bench.findings.map(\.name) == ["the control table is not in memory"])
  }
}

/// µDMA on the board, with a UART.
@Suite struct TM4CDMABoardTests {
  private enum Address {
    static let dmaGate: UInt32 = 0x400F_E60C
    static let uartGate: UInt32 = 0x400F_E618
    static let uart: UInt32 = 0x4000_D000
    static let dma: UInt32 = 0x400F_F000
    static let interruptEnable: UInt32 = 0xE000_E100
  }
  private static let table: UInt64 = 0x2000_0400
  private static let source: UInt64 = 0x2000_1000
  private static let destination: UInt64 = 0x2000_2000
  private static let count: UInt32 = 40

  /// UART1 in loopback at 16 MHz / 16 a bit, 8N1: channel 23 feeds it, channel 22 empties it; then the core sleeps.
  private func machine() throws -> Machine {
    var guest = ThumbGuest()
    guest.write(1, to: Address.dmaGate)
    guest.write(2, to: Address.uartGate)
    guest.write(1 << 6, to: Address.interruptEnable)
    guest.write(1, to: Address.uart + 0x24)
    guest.write(0x70, to: Address.uart + 0x2C)
    guest.write(3, to: Address.uart + 0x48)
    guest.write(0x381, to: Address.uart + 0x30)
    guest.write(UInt32(Self.table), to: Address.dma + 0x008)
    guest.write(1, to: Address.dma + 0x004)
    // The transmitter by bursts, until there are not enough for one.
    guest.write(1 << 23, to: Address.dma + 0x018)
    guest.write(3 << 22, to: Address.dma + 0x028)
    guest.sleepForEver()
    let machine = try guest.machine()
    let (last, memory) = (Self.count - 1, machine.memory)
    for number in 0..<UInt64(Self.count) {
      memory.store(UInt8(truncatingIfNeeded: 0x30 + number), at: Self.source + number)
    }
    let (receive, transmit) = (Self.table + 22 * 16, Self.table + 23 * 16)
    memory.store(Address.uart, at: receive)
    memory.store(UInt32(Self.destination) + last, at: receive + 4)
    // Bytes, from one place; 8 an arbitration; basic.
    memory.store(0x0C00_0000 | 3 << 14 | last << 4 | 1 as UInt32, at: receive + 8)
    memory.store(UInt32(Self.source) + last, at: transmit)
    memory.store(Address.uart, at: transmit + 4)
    memory.store(0xC000_0000 | 3 << 14 | last << 4 | 1 as UInt32, at: transmit + 8)
    return machine
  }

  private static let end = Tick(160 * (Int(count) + 8))

  @Test func uartLoopback() throws {
    let machine = try machine()
    _ = machine.run(until: RunLimit(tick: Self.end))
    let sent = machine.memory.read(Self.source, count: Int(Self.count))
    #expect(machine.memory.read(Self.destination, count: Int(Self.count)) == sent)
    // One interrupt at the end of each channel, both of them UART1's, and none of the FIFOs'.
    #expect(machine.traps.interrupts == 2 && machine.traps.faults == 0)
    let entries = machine.trace.filter { $0.kind == .interrupt }
    #expect(entries.count == 2 && machine.findings.isEmpty)
    // The last of 40 characters of ten bits, and what it takes to fetch it.
    let last = entries.last?.tick ?? 0
    #expect(160 * UInt64(Self.count)...160 * UInt64(Self.count) + 100 ~= last)
  }

  /// However the run is cut, and over a snapshot in the middle of it.
  @Test func isTheSameHoweverItIsCut() throws {
    // Before it sleeps for good.
    let end: Tick = 6_300
    let whole = try machine()
    _ = whole.run(until: RunLimit(tick: end))
    var pieces = try machine()
    var random: UInt64 = 5
    while pieces.now < end {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let tick = pieces.now + 1 + random >> 59
      _ = pieces.run(until: RunLimit(tick: min(tick, end)))
      if random >> 40 & 15 == 0 { pieces = try Machine(pieces.snapshot()) }
    }
    #expect(pieces.traceDigest == whole.traceDigest && pieces.stateDigest == whole.stateDigest)
  }

  /// What µDMA writes is at once the code that the core runs.
  @Test func writesCode() throws {
    var guest = ThumbGuest()
    guest.write(1, to: Address.dmaGate)
    guest.write(UInt32(Self.table), to: Address.dma + 0x008)
    guest.write(1, to: Address.dma + 0x004)
    guest.load(5, UInt32(Self.destination) | 1)
    guest.branchAndLink(5)
    guest.copy(4, 0)
    guest.write(1 << 30, to: Address.dma + 0x028)
    guest.write(1 << 30, to: Address.dma + 0x014)
    for _ in 0..<10 { guest.nop() }
    guest.branchAndLink(5)
    let machine = try guest.machine()
    let structure = Self.table + 30 * 16
    // movs r0, #1; bx lr becomes movs r0, #2; bx lr.
    machine.memory.store(0x4770_2001 as UInt32, at: Self.destination)
    machine.memory.store(0x4770_2002 as UInt32, at: Self.source)
    machine.memory.store(UInt32(Self.source), at: structure)
    machine.memory.store(UInt32(Self.destination), at: structure + 4)
    machine.memory.store(0xAA00_0002 as UInt32, at: structure + 8)
    _ = machine.run(until: RunLimit(tick: 300))
    #expect(machine.register("r4") == 1 && machine.register("r0") == 2)
  }

  /// A peripheral whose clock is off is a bus error, and a finding that says why.
  @Test func closedGate() throws {
    var guest = ThumbGuest()
    guest.write(1, to: Address.dmaGate)
    guest.write(1 << 15, to: Address.interruptEnable + 4)
    guest.write(UInt32(Self.table), to: Address.dma + 0x008)
    guest.write(1, to: Address.dma + 0x004)
    guest.write(1 << 30, to: Address.dma + 0x028)
    guest.write(1 << 30, to: Address.dma + 0x014)
    guest.sleepForEver()
    let machine = try guest.machine()
    let structure = Self.table + 30 * 16
    machine.memory.store(Address.uart, at: structure)
    machine.memory.store(UInt32(Self.destination), at: structure + 4)
    machine.memory.store(0xAA00_0002 as UInt32, at: structure + 8)
    _ = machine.run(until: RunLimit(tick: 100))
    #expect(
      machine.findings.map(\.name) == [
        "UARTDR while the clock of UART1 is off, or is not there yet",
        "a µDMA transfer ended with a bus error",
      ])
    #expect(machine.traps.interrupts >= 1 && machine.traps.faults == 0)
  }

  /// Through the ROM, as DriverLib does it.
  @Test func throughTheROM() throws {
    var guest = ThumbGuest()
    func call(_ function: UInt16, _ arguments: UInt32...) {
      for (number, argument) in arguments.enumerated() { guest.load(UInt16(number), argument) }
      guest.call(table: 17, function: function)
    }
    guest.write(1, to: Address.dmaGate)
    call(1)
    call(8, UInt32(Self.table))
    call(12, 30, 0xF)
    call(14, 30, 0xAA00_C000)
    // The number of items is the fifth argument.
    guest.write(16, to: 0x2000_7FF8)
    guest.load(0, 0x2000_7FF8)
    guest.moveToStack(0)
    call(0, 30, 2, UInt32(Self.source), UInt32(Self.destination))
    call(15, 30)
    guest.copy(4, 0)
    call(5, 30)
    call(10, 30)
    for _ in 0..<60 { guest.nop() }
    call(16, 30)
    guest.copy(5, 0)
    call(7, 30)
    let machine = try guest.machine()
    for number in 0..<16 as Range<UInt64> {
      machine.memory.store(UInt32(7 + number), at: Self.source + 4 * number)
    }
    _ = machine.run(until: RunLimit(tick: 1000))
    #expect(machine.register("r4") == 16)
    #expect(machine.register("r5") == 0 && machine.register("r0") == 0)
    #expect(
      machine.memory.read(Self.destination, count: 64)
        == machine.memory.read(Self.source, count: 64))
    #expect(machine.findings.isEmpty)
  }
}

/// Lines that share an interrupt are one level, as both watchdogs do.
@Suite struct SharedInterruptTests {
  /// Two UARTs on IRQ 5; one line falls while the other is still high.
  @Test func oneFallsWhileAnotherIsHigh() throws {
    var board = Board.tm4c123GXL
    let number = board.slot(of: "uart1") ?? 0
    board.devices[number] = Placement(
      "uart1", PL011(), at: 0x4000_D000, size: 0x1000, interrupt: 5)
    board.devices[board.slot(of: "uart0") ?? 0] = Placement(
      "uart0", PL011(), at: 0x4000_C000, size: 0x1000, interrupt: 5)
    var guest = ThumbGuest()
    for base in [0x4000_C000, 0x4000_D000] as [UInt32] {
      guest.write(0x20, to: base + 0x38)
      guest.write(0x301, to: base + 0x30)
      guest.write(0x41, to: base)
    }
    guest.write(0x20, to: 0x4000_C044)
    // IRQ 5 is still pending, and is so again when its pending bit is cleared.
    guest.write(1 << 5, to: 0xE000_E280)
    guest.load(3, 0xE000_E200)
    guest.fetch(4, at: 3)
    guest.write(0x20, to: 0x4000_D044)
    guest.write(1 << 5, to: 0xE000_E280)
    guest.fetch(5, at: 3)
    let machine = try guest.machine(on: board)
    _ = machine.run(until: RunLimit(tick: 200))
    #expect(machine.register("r4") == 1 << 5 && machine.register("r5") == 0)
  }
}
