import Emu
import Foundation
import Testing

/// Every program does what it says.
@Suite struct ProgramTests {
  private func run(_ name: String, milliseconds: UInt64) throws -> Machine {
    let machine = try Firmware.machine(name)
    _ = machine.run(
      until: RunLimit(tick: machine.board.clock.ticks(nanoseconds: milliseconds * 1_000_000)))
    return machine
  }

  private func edges(_ machine: Machine, pin: UInt32) -> [UInt64] {
    machine.trace.filter { $0.kind == .pin && $0.detail == pin }
      .map { machine.board.clock.nanoseconds(at: $0.tick) }
  }

  // MARK: Heartbeats and panics

  @Test(arguments: [
    ("delay-heartbeat-m4", UInt32(1)), ("delay-heartbeat-rv64", 0), ("timer-heartbeat-rv64", 0),
    ("timer-heartbeat-m4", 0), ("led-heartbeat", 1), ("panic-heartbeat", 1),
  ])
  func beatsAtOneHertz(name: String, pin: UInt32) throws {
    let edges = edges(try run(name, milliseconds: 3_600), pin: pin)
    #expect(edges.count == 8)
    for (one, next) in zip(edges, edges.dropFirst()) {
      #expect(499_000_000...501_000_000 ~= next - one)
    }
  }

  /// Each fault blinks as often as its exception's number, or its cause, says.
  @Test(arguments: [
    ("panic-codes-m4", UInt32(1), [3, 4, 5, 6, 2, 11]),
    ("panic-codes-rv64", 0, [2, 1, 5, 7, 3, 11]),
  ])
  func blinksTheFault(name: String, pin: UInt32, numbers: [Int]) throws {
    let machine = try run(name, milliseconds: 12_000)
    let edges = edges(machine, pin: pin)
    var blinks: [Int] = []
    var last: UInt64?
    for edge in edges {
      if let last, edge - last < 500_000_000 {
        blinks[blinks.count - 1] += 1
      } else {
        blinks.append(1)
      }
      last = edge
    }
    #expect(blinks.map { $0 / 2 } == numbers)
    #expect(machine.resets == numbers.count)
    #expect(machine.console.text.hasSuffix("all died of\n"))
  }

  // MARK: Two ways to call

  @Test(arguments: ["abi-fastpath-rv64", "abi-fastpath-m4"])
  func bothWaysMeanTheSame(name: String) throws {
    let machine = try run(name, milliseconds: 1_000)
    #expect(machine.stop?.code == 0)
    let lines = machine.console.text.split(separator: "\n")
    try #require(lines.count == 3)
    #expect(lines[2] == "the same")
    // The same calls on both cores, of which some fail.
    for line in lines.prefix(2) {
      #expect(line.contains("d764aa10, failures 3045, instructions a call "))
    }
  }

  // MARK: Memory

  @Test(arguments: ["static-pool-rv64", "static-pool-m4"])
  func aPoolServesClassesClosuresAndArrays(name: String) throws {
    let machine = try run(name, milliseconds: 500)
    #expect(
      machine.console.text.hasPrefix(
        "classes 190\nclosures 42\narrays 328350\npanic: the pool is used up at Firmware/Pool.swift:"
      ))
  }

  @Test(arguments: ["static-pool-free-rv64", "static-pool-free-m4"])
  func aPoolTakesBack(name: String) throws {
    let machine = try run(name, milliseconds: 6_000)
    #expect(
      machine.console.text.hasPrefix(
        "classes 190\nclosures 42\narrays 328350\ngiven back\npanic: the pool is used up"))
  }

  /// Of whatever size and alignment, and however many came before.
  @Test(arguments: [("static-pool-rv64", 40), ("static-pool-m4", 45)])
  func anAllocationTakesAFewInstructions(name: String, most: UInt64) throws {
    let machine = try Firmware.machine(name)
    let debug = try DebugInfo(Firmware.image(name))
    let entry = try #require(debug.address(ofSymbol: "poolAllocate"))
    var costs: Set<UInt64> = []
    var calls = 0
    while calls < 40, machine.run(until: RunLimit(index: machine.index + 1)) == .limit {
      guard machine.pc == entry else { continue }
      calls += 1
      let begin = machine.index
      let link = try #require(
        machine.registers.first { $0.name == "ra" || $0.name == "lr" }?.value)
      while machine.pc != link & ~1 { _ = machine.run(until: RunLimit(index: machine.index + 1)) }
      costs.insert(machine.index - begin)
    }
    #expect(calls == 40)
    // The very first finds no top yet.
    #expect(costs.count <= 2, "\(costs)")
    #expect(costs.max() ?? .max <= most, "\(costs)")
  }

  // MARK: Tasks

  @Test(arguments: ["tasks-rv64", "tasks-m4"])
  func nothingIsLostAndNothingReordered(name: String) throws {
    let machine = try run(name, milliseconds: 5_000)
    #expect(machine.stop?.code == 0)
    let text = machine.console.text
    for line in [
      "connections 5000\n", "messages 20000\n", "short of some 0\n", "out of place 0\n",
      "bytes a task 8\n",
    ] {
      #expect(text.contains(line))
    }
  }
}
