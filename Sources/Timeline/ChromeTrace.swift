import Emu

/// A run as Chrome's trace events in JSON, which Perfetto opens (ui.perfetto.dev): a track for each LED, pin and interrupt
/// handler with a slice while it is on, one a UART with its lines, one for traps, calls and resets. Times are exact to the ns.
public enum ChromeTrace {
  /// More that goes on in a run: slices that lie within each other or apart, those outside first.
  public struct Track: Sendable {
    public struct Slice: Sendable {
      public var name: String
      public var start: Tick
      public var end: Tick
      public var index: UInt64

      public init(name: String, start: Tick, end: Tick, index: UInt64) {
        (self.name, self.start, self.end, self.index) = (name, start, end, index)
      }
    }
    public var name: String
    public var slices: [Slice]

    public init(name: String, slices: [Slice]) { (self.name, self.slices) = (name, slices) }
  }

  public static func write(_ recording: Recording, tracks: [Track] = []) -> [UInt8] {
    var writer = Writer(clock: recording.clock)
    writer.begin(process: recording.board.name)
    for signal in recording.active {
      writer.thread(signal.name)
      let edges = signal.wave.edges
      for start in stride(from: 0, to: edges.count, by: 2) {
        let end = start + 1 < edges.count ? edges[start + 1] : recording.end
        writer.slice(
          signal.kind == .led ? "on" : signal.name, edges[start], end, signal.indexes[start])
      }
    }
    for stream in recording.streams {
      writer.thread(stream.name)
      for line in stream.lines { writer.slice(line.text, line.tick, line.end, line.index) }
    }
    for marks in recording.marks {
      writer.thread(marks.name)
      for (place, tick) in marks.moments.ticks.enumerated() {
        writer.moment(marks.labels[marks.names[place]], tick, marks.moments.indexes[place])
      }
    }
    if recording.isFull {
      writer.thread("end")
      writer.moment(Recording.cut, recording.end, nil)
    }
    for track in tracks {
      writer.thread(track.name)
      for slice in track.slices { writer.slice(slice.name, slice.start, slice.end, slice.index) }
    }
    return writer.finish()
  }

  private struct Writer {
    let clock: Clock
    private var bytes = Array("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n".utf8)
    private var threads = 0

    init(clock: Clock) { self.clock = clock }

    mutating func begin(process name: String) {
      bytes.append("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":")
      quote(name)
      bytes.append("}}")
    }

    mutating func thread(_ name: String) {
      threads += 1
      next("M")
      bytes.append(",\"name\":\"thread_name\",\"args\":{\"name\":")
      quote(name)
      bytes.append("}}")
      next("M")
      bytes.append(",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":")
      bytes.append(decimal: UInt64(threads))
      bytes.append("}}")
    }

    mutating func slice(_ name: String, _ start: Tick, _ end: Tick, _ index: UInt64) {
      next("X")
      add(name, start, index)
      let (from, to) = (clock.nanoseconds(at: start), clock.nanoseconds(at: end))
      bytes.append(",\"dur\":")
      microseconds(to - from)
      bytes.append("}")
    }

    mutating func moment(_ name: String, _ tick: Tick, _ index: UInt64?) {
      next("i")
      add(name, tick, index)
      bytes.append(",\"s\":\"t\"}")
    }

    mutating func finish() -> [UInt8] { bytes + Array("\n]}\n".utf8) }

    private mutating func next(_ phase: StaticString) {
      bytes.append(",\n{\"ph\":\"")
      bytes.append(phase)
      bytes.append("\",\"pid\":1,\"tid\":")
      bytes.append(decimal: UInt64(threads))
    }

    private mutating func add(_ name: String, _ tick: Tick, _ index: UInt64?) {
      bytes.append(",\"name\":")
      quote(name)
      if let index {
        bytes.append(",\"args\":{\"index\":")
        bytes.append(decimal: index)
        bytes.append("}")
      }
      bytes.append(",\"ts\":")
      microseconds(clock.nanoseconds(at: tick))
    }

    private mutating func microseconds(_ nanoseconds: UInt64) {
      bytes.append(decimal: nanoseconds / 1000)
      bytes.append(".")
      bytes.append(decimals: nanoseconds % 1000, count: 3)
    }

    private mutating func quote(_ text: String) { JSONWriter.quote(text, into: &bytes) }
  }
}
