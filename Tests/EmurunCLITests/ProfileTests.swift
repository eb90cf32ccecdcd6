import Emu
import Foundation
import FoundationXML
import Testing

@testable import EmurunCLI
@testable import Timeline

@Suite struct ProfileTests {
  private let heartbeat = image("led-heartbeat.elf")

  private func profile(
    _ arguments: String..., suffix: String = ""
  ) throws -> (outcome: Outcome, text: String) {
    try withFolder { folder in
      let path = folder + "/run" + suffix
      let outcome = emurun(arguments + ["--profile", path])
      return (outcome, outcome.code == 0 ? try read(path) : "")
    }
  }

  private func counts(_ text: String) -> [String: Int] {
    Dictionary(
      uniqueKeysWithValues: text.split(separator: "\n").compactMap { line in
        line.lastIndex(of: " ").flatMap { space in
          Int(line[line.index(after: space)...]).map { (String(line[..<space]), $0) }
        }
      })
  }

  @Test func collapsedStacks() throws {
    let (outcome, text) = try profile(heartbeat, "--for", "2s", "--twice", "--json")
    #expect(outcome.code == 0)
    let stacks = counts(text)
    let report = try #require(JSONValue(Array(outcome.output.utf8)))
    // Each attempt once.
    #expect(stacks.values.reduce(0, +) == report["index"]?.integer.map { Int($0) })
    #expect(stacks["[SysTick];sysTick"] ?? 0 > 1000, "\(text)")
    #expect(stacks.keys.allSatisfy { $0.hasPrefix("[SysTick];sysTick") || $0.hasPrefix("reset") })
    #expect(text == text.split(separator: "\n").sorted().joined(separator: "\n") + "\n")
    #expect(try profile(heartbeat, "--for", "2s").text == text)
  }

  @Test func severalHarts() throws {
    let (outcome, text) = try profile(image("sbi-harts-rv64.elf"), "--smp", "3", "--for", "10ms")
    #expect(outcome.code == 0)
    // The third is never started.
    #expect(Set(counts(text).keys.map { $0.prefix(7) }) == ["hart 0;", "hart 1;"])
  }

  /// What was called before a snapshot is not known; what is called behind it is.
  @Test func onFromASnapshot() throws {
    try withFolder { folder in
      let (tasks, saved) = (image("tasks-m4.elf"), folder + "/s.snap")
      #expect(emurun(tasks, "--for", "100ms", "--save", saved).code == 0)
      let indexes = try ["100ms", "150ms"].map { time in
        let report = emurun(tasks, "--for", time, "--json").output
        return Int(try #require(JSONValue(Array(report.utf8))?["index"]?.integer))
      }
      let (_, text) = try profile(tasks, "--for", "150ms", "--restore", saved)
      let stacks = counts(text)
      #expect(stacks.values.reduce(0, +) == indexes[1] - indexes[0])
      #expect(stacks["main"] ?? 0 > 0 && stacks["reset;main"] == nil, "\(text)")
    }
  }

  @Test func flameGraph() throws {
    let (_, folded) = try profile(image("tasks-m4.elf"), "--for", "100ms")
    let (_, svg) = try profile(image("tasks-m4.elf"), "--for", "100ms", suffix: ".svg")
    let stacks = counts(folded)
    let total = stacks.values.reduce(0, +)
    #expect(svg.contains("<title>tasks-m4.elf on m4-led</title>"))
    #expect(svg.contains("<title>all: \(Quantity.grouped(total)) instructions, 100 %</title>"))
    // A box is as wide as all that begins with it.
    let idle = stacks.filter { $0.key.split(separator: ";").first == "reset" }.values.reduce(0, +)
    #expect(svg.contains("<title>reset: \(Quantity.grouped(idle)) instructions, "))
    #expect(!svg.replacing("http://www.w3.org/2000/svg", with: "").contains("http"))
    let parser = XMLParser(data: Data(svg.utf8))
    #expect(parser.parse())
  }

  @Test func namesSurvive() throws {
    let svg = FlameGraph.write(
      [(["a<b>&\"c", "d"], 3), (["e"], 1)], title: "<t>&")
    let text = String(decoding: svg, as: UTF8.self)
    #expect(text.contains("data-n=\"a&lt;b&gt;&amp;&quot;c\""))
    #expect(text.contains("<title>d: 3 instructions, 75 %</title>"))
    #expect(text.contains("<title>all: 4 instructions, 100 %</title>"))
    #expect(XMLParser(data: Data(svg)).parse())
    #expect(XMLParser(data: Data(FlameGraph.write([], title: ""))).parse())
  }

  @Test func functionsOnATrack() throws {
    try withFolder { folder in
      let (path, trace) = (folder + "/p", folder + "/t.json")
      let command = [heartbeat, "--for", "200ms", "--perfetto", trace]
      #expect(emurun(command).code == 0)
      #expect(!(try read(trace).contains("functions: ")))
      #expect(emurun(command + ["--profile", path]).code == 0)
      let value = try #require(JSONValue(Array(try read(trace).utf8)))
      guard case .array(let events)? = value["traceEvents"] else {
        Issue.record("no events")
        return
      }
      let track = events.first { $0["args"]?["name"]?.text == "functions: reset" }?["tid"]?.integer
      let slices = events.filter { $0["ph"]?.text == "X" && $0["tid"]?.integer == track }
      #expect(slices.first?["name"]?.text == "reset")
      // One each 10 ms, from its first instruction on.
      let ticks = slices.filter { $0["name"]?.text == "sysTick" }
      #expect(ticks.count == 19 || ticks.count == 20, "\(ticks.count)")
      let irqs = events.filter { $0["name"]?.text == "SysTick" && $0["ph"]?.text == "X" }
      #expect(ticks.count == irqs.count)
      #expect(
        ticks.map { $0["args"]?["index"]?.integer } == irqs.map { $0["args"]?["index"]?.integer })
    }
  }

  @Test func badInput() throws {
    let raw = try profile(image("led-heartbeat.bin")).outcome
    #expect(raw.code == 65 && raw.errors.contains("names no functions"))
    #expect(try profile(heartbeat, "--gdb", "0").outcome.code == 64)
    #expect(try profile(heartbeat, "--check-frames").outcome.code == 64)
    #expect(emurun(heartbeat, "--profile", "/nowhere/x").code == 73)
    #expect(emurun(heartbeat, "--profile", heartbeat).code == 64)
  }
}
