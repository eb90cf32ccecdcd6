import Emu
import Foundation
import PythonReaders
import Testing

@testable import EmurunCLI

@Suite struct WhyTests {
  @Test func anLED() throws {
    let outcome = emurun("why", image("led-heartbeat.elf"), "PF1", "--", "--for", "600ms")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.hasPrefix("PF1 = off\n  by index 883, pc 0x"))
    #expect(outcome.output.contains("sysTick"))
    #expect(outcome.output.contains("at an address by "))
    // The console's text changes nothing, and at its own edge it is what it was.
    let edge = emurun(
      "why", image("led-heartbeat.elf"), "PF1", "--at", "PF1#1", "--", "--for", "600ms")
    #expect(edge.output.hasPrefix("PF1 = on\n  by index 322, pc 0x"))
    let early = emurun(
      "why", image("led-heartbeat.elf"), "PF1", "--at", "text:beats", "--", "--for", "600ms")
    #expect(early.output == "PF1 = off\n  so since the beginning\n")
  }

  @Test func asJSON() throws {
    let outcome = emurun(
      "why", image("led-heartbeat.elf"), "ticks", "--json", "--depth", "3", "--", "--for", "200ms")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(json["name"] as? String == "ticks" && json["by"] as? String == "instruction")
    #expect((json["function"] as? String)?.hasPrefix("sysTick") == true)
    #expect(
      (json["line"] as? Int ?? 0) > 0 && (json["file"] as? String)?.hasSuffix(".swift") == true)
    #expect((json["nanoseconds"] as? Int).map { 190_000_000..<200_000_001 ~= $0 } == true)
    // 20 = 19 + 1, and 19 was written by the tick before.
    let sum = try #require((json["sources"] as? [[String: Any]])?.first)
    let load = try #require((sum["sources"] as? [[String: Any]])?.first)
    let before = try #require((load["sources"] as? [[String: Any]])?.first)
    #expect(json["value"] as? String == "0x13" && before["value"] as? String == "0x12")
    #expect(before["isFollowed"] as? Bool == false && before["by"] as? String == "instruction")
  }

  /// A page of the run, whose last link leads to the last write of the chain.
  @Test func asAPage() throws {
    try withFolder { folder in
      let path = folder + "/why.html"
      let words = [
        "why", image("led-heartbeat.elf"), "PF1", "--html", path, "--", "--for", "600ms",
      ]
      let outcome = emurun(words)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let page = try read(path)
      #expect(page.contains("\"notes\":{\"title\":\"PF1, at the end\""))
      #expect(page.contains("\"heading\":\"PF1 = off\""))
      #expect(emurun(words).code == 0)
      #expect(try read(path) == page)
      guard let answer = try Python.run("page.py", path) else { return }
      let seen = try #require(
        try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])
      #expect(seen["errors"] as? [String] == [])
      let notes = try #require(seen["notes"] as? [String])
      #expect(notes.first?.hasPrefix("PF1 = off") == true && notes.count > 2)
      #expect((seen["noted"] as? String)?.contains("#") == true)
    }
  }

  /// What was typed into a session is found in its recording.
  @Test func aRecording() throws {
    try withFolder { folder in
      let file = folder + "/session.rec"
      let recorded = emurun(
        image("led-heartbeat.elf"), "--for", "300ms", "--record", file)
      #expect(recorded.code == 0, "\(recorded.errors)")
      let plain = emurun("why", image("led-heartbeat.elf"), "ticks", "--", "--for", "300ms")
      let replayed = emurun("why", image("led-heartbeat.elf"), "ticks", "--", "--replay", file)
      #expect(replayed.code == 0 && replayed.output == plain.output, "\(replayed.errors)")
    }
  }

  @Test func whatIsRefused() {
    let path = image("led-heartbeat.elf")
    for words in [
      [path, "nothing"], [path, "0x2000zz"], [path, "0x20000000:9"], [path, "hart7:r0"],
      [path, "0x90000000:4"], [path, "0xffffffffffffffff:8"],
      [path, "r0", "--at", "#"], [path, "r0", "--at", "PF1#0"], [path, "r0", "--at", "PF9"],
      [path, "r0", "--at", "text:never", "--", "--for", "1ms"],
      [path, "r0", "--at", "PF1#99", "--", "--for", "1ms"],
      [path, "r0", "--at", "99999999", "--", "--for", "1ms"],
      [path, "r0", "--depth", "-1"], [path, "r0", "--", "--nonsense"],
      [path, "r0", "--", "--interactive"], [path, "r0", "--", "--gdb", "1234"],
      [path, "r0", "--", "--vcd", "/tmp/nowhere.vcd"], [path, "r0", "--html", path],
    ] {
      let outcome = emurun(["why"] + words)
      #expect(outcome.code == 64 && outcome.errors.hasPrefix("emurun: "), "\(words)")
      #expect(outcome.output.isEmpty)
    }
    #expect(emurun("why", "/nowhere", "r0").code == 66)
  }
}
