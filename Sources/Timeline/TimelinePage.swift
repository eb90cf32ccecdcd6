import CPage
import Emu

/// The run as one HTML page that needs nothing else: `CPage/timeline.html`, with the run as JSON in it.
///
/// Signals are lists of differences in LEB128 and base64: a million edges with their instruction indexes are some 6 MB, and a
/// browser has them decoded in a tenth of a second.
public enum TimelinePage {
  /// What a page is titled with.
  public struct Heading: Sendable {
    /// The image's name.
    public var image: String
    public var instructions: UInt64
    public var stop: String

    public init(image: String, instructions: UInt64, stop: String) {
      self.image = image
      self.instructions = instructions
      self.stop = stop
    }
  }

  /// Something to be said of a moment of the run.
  public struct Note: Sendable {
    /// It belongs to the note before it that is less deep.
    public var depth: Int
    public var heading: String
    public var words: [String]
    /// nil: it is of no moment.
    public var tick: Tick?
    public var index: UInt64?

    public init(depth: Int, heading: String, words: [String], tick: Tick?, index: UInt64?) {
      self.depth = depth
      self.heading = heading
      self.words = words
      self.tick = tick
      self.index = index
    }
  }

  public struct Notes: Sendable {
    public var title: String
    public var notes: [Note]

    public init(title: String, notes: [Note]) {
      self.title = title
      self.notes = notes
    }
  }

  /// - Parameter notes: beside the run, with links into it.
  public static func write(
    _ recording: Recording, _ heading: Heading, notes: Notes? = nil
  ) -> [UInt8] {
    var json = JSONWriter()
    json.object {
      $0.add("image", heading.image)
      $0.add("board", recording.board.name)
      $0.add("hertz", recording.clock.hertz)
      $0.add("end", recording.end)
      $0.add("cut", recording.isFull)
      $0.add("instructions", heading.instructions)
      $0.add("stop", heading.stop)
      $0.array("tracks") { for signal in recording.active { $0.object { add(signal, &$0) } } }
      $0.array("streams") { for stream in recording.streams { $0.object { add(stream, &$0) } } }
      $0.array("marks") { for marks in recording.marks { $0.object { add(marks, &$0) } } }
      if let notes { $0.object("notes") { add(notes, &$0) } }
    }
    var size = 0
    let page = UnsafeBufferPointer(start: page_bytes(&size), count: size)
    let place = Array("<!--RUN-->".utf8)
    guard let cut = page.indices.first(where: { page[$0...].starts(with: place) }) else {
      preconditionFailure("timeline.html has no place for a run")
    }
    var bytes = Array(page[..<cut])
    // Only texts have it, and there it may be written like this; a script's end must not be in one.
    for byte in json.take() {
      if byte == UInt8(ascii: "<") { bytes += Array("\\u003c".utf8) } else { bytes.append(byte) }
    }
    return bytes + page[(cut + place.count)...]
  }

  private static func add(_ signal: Recording.Signal, _ json: inout JSONWriter) {
    json.add("name", signal.name)
    json.add("kind", signal.kind.rawValue)
    json.add("colour", signal.wave.colour.rawValue)
    json.add("part", signal.wave.part)
    json.add("milliamperes", signal.milliamperes)
    json.add("count", signal.wave.edges.count)
    json.add("ticks", base64: differences(signal.wave.edges))
    json.add("index", base64: differences(signal.indexes))
  }

  private static func add(_ stream: Recording.Stream, _ json: inout JSONWriter) {
    json.add("name", stream.name)
    json.add("input", stream.isInput)
    json.add("bytes", base64: stream.bytes)
    add(stream.moments, &json)
  }

  private static func add(_ marks: Recording.Marks, _ json: inout JSONWriter) {
    json.add("name", marks.name)
    json.add("kind", "mark")
    json.array("labels") { for label in marks.labels { $0.add(nil, label) } }
    json.add("names", base64: LEB128.encode(marks.names.lazy.map(UInt64.init)))
    add(marks.moments, &json)
  }

  private static func add(_ moments: Recording.Moments, _ json: inout JSONWriter) {
    json.add("count", moments.count)
    json.add("ticks", base64: differences(moments.ticks))
    json.add("index", base64: differences(moments.indexes))
  }

  private static func add(_ notes: Notes, _ json: inout JSONWriter) {
    json.add("title", notes.title)
    json.array("notes") {
      for note in notes.notes {
        $0.object {
          $0.add("depth", note.depth)
          $0.add("heading", note.heading)
          $0.array("words") { for words in note.words { $0.add(nil, words) } }
          $0.add("tick", note.tick)
          $0.add("index", note.index)
        }
      }
    }
  }

  /// Of numbers that never fall.
  private static func differences(_ numbers: [UInt64]) -> [UInt8] {
    var last: UInt64 = 0
    return LEB128.encode(
      numbers.map { number in
        defer { last = number }
        return number - last
      })
  }
}

/// Numbers in groups of seven bits, low ones first, the top bit of a byte set where more follow (DWARF 5, 7.6).
enum LEB128 {
  static func encode(_ numbers: some Collection<UInt64>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(numbers.count * 4)
    for number in numbers {
      var rest = number
      while rest > 127 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    return bytes
  }
}
