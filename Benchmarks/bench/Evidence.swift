import Devices
import Emu
import Timeline

/// What it costs to watch: events, their lines, digests and pages.
enum Evidence {
  /// Nanoseconds an access of `--trace mmio`: recorded, read back, and written as a line of text (or as JSON).
  static func accessNanoseconds(json: Bool) -> Double {
    let rounds = (0..<5).map { _ in
      Stores.time(tracing: true, json: json) - Stores.time(tracing: false, json: json)
    }
    return median(rounds) / Double(Stores.count) * 1e9
  }

  /// MB a second of visible events, from an unread trace to a digest.
  static func digestMegabytesPerSecond() -> Double {
    let machine = Stores.machine(storingTo: Stores.device - 4, toggling: true)
    _ = machine.run(until: RunLimit(index: 6_000_000))
    let bytes = Double(machine.trace.count * 32)
    let start = cpuSeconds()
    let digest = machine.traceDigest
    let seconds = cpuSeconds() - start
    guard digest.count == 64, bytes > 1e8 else { fatal("too few events for a digest: \(bytes)") }
    return bytes / seconds / 1e6
  }

  /// Seconds from a recording of a million edges to the bytes of its page.
  static func pageSeconds() -> Double {
    let machine = Stores.machine(storingTo: Stores.device - 4, toggling: true)
    _ = machine.run(until: RunLimit(index: 1_000_000))
    let recording = Recording(machine.board, machine.trace, end: machine.now)
    let edges = recording.active.reduce(0) { $0 + $1.wave.edgeCount }
    guard edges > 990_000 else { fatal("\(edges) edges") }
    return median(
      (0..<3).map { _ in
        let start = cpuSeconds()
        let page = TimelinePage.write(recording, .init(image: "x", instructions: 0, stop: "y"))
        guard page.count > 1_000_000 else { fatal("\(page.count) bytes") }
        return cpuSeconds() - start
      })
  }
}
