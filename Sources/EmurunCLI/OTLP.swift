import Emu
import Timeline

/// A run for OpenTelemetry, in OTLP's JSON (opentelemetry-proto 1, "OTLP/JSON"; the file exporter's lines): traces, metrics, logs.
///
/// Nothing in it is of the host: IDs are derived from the digest and times are virtual, from a fixed epoch on, so that the same
/// run is the same trace wherever it is made. In OTLP/JSON IDs are hexadecimal, 64-bit numbers are texts, and enums numbers.
struct OTLP {
  /// 2026-01-01T00:00:00Z.
  static let epoch: UInt64 = 1_767_225_600_000_000_000
  /// Spans of handlers, and events of text; what there is more of is counted.
  private static let most = 10_000

  private let machine: Machine
  private let recording: Recording
  private let digest: String
  private let version: String
  private let logTraceID: String?

  /// - Parameters:
  ///   - version: of the program that ran it.
  ///   - logTraceID: in its log, which is written while the digest is not known yet; nil: there is none.
  init(
    _ machine: Machine, _ recording: Recording, version: String, logTraceID: String? = nil
  ) {
    self.logTraceID = logTraceID
    self.machine = machine
    self.recording = recording
    self.version = version
    digest = machine.traceDigest
  }

  /// 16 bytes, of the whole run.
  var traceID: String { String(digest.prefix(32)) }

  private var rootID: String { spanID(0) }

  /// 8 bytes; 0 is the run itself.
  private func spanID(_ number: Int) -> String {
    var hash = SHA256()
    Array("\(digest)/\(number)".utf8).withUnsafeBytes { hash.update($0) }
    return String(SHA256.hex(hash.finish()).prefix(16))
  }

  private func time(_ tick: Tick) -> String {
    String(Self.epoch &+ recording.clock.nanoseconds(at: tick))
  }

  private var name: String {
    machine.image.path.split(separator: "/").last.map(String.init) ?? "run"
  }

  // MARK: Traces

  /// One `TracesData`: the run with its lives between resets, what handlers did, lines of text and traps as events.
  func traces() -> String {
    var json = JSONWriter()
    json.object {
      $0.array("resourceSpans") {
        $0.object {
          resource(&$0)
          $0.array("scopeSpans") {
            $0.object {
              scope(&$0)
              $0.array("spans") { spans(&$0) }
            }
          }
        }
      }
    }
    return json.text
  }

  private func spans(_ json: inout JSONWriter) {
    let handlers = recording.signals.filter { $0.kind == .interrupt }
    let total = handlers.reduce(0) { $0 + ($1.wave.edges.count + 1) / 2 }
    json.object {
      span(&$0, 0, name: name, from: 0, to: recording.end, parent: nil)
      $0.array("attributes") {
        attribute(&$0, "emurun.board", machine.board.name)
        attribute(&$0, "emurun.board.revision", machine.board.revision)
        attribute(&$0, "emurun.image.sha256", machine.image.sha256)
        attribute(&$0, "emurun.trace_digest", digest)
        if let logTraceID { attribute(&$0, "emurun.log.trace_id", logTraceID) }
        attribute(&$0, "emurun.stop.reason", machine.stop?.reason.rawValue ?? "")
        attribute(&$0, "emurun.stop.code", Int(machine.stop?.code ?? 0))
        attribute(&$0, "emurun.instructions", Int(clamping: machine.retired))
        attribute(&$0, "emurun.handlers.dropped", max(0, total - Self.most))
      }
      let events = events()
      $0.array("events") { for event in events.prefix(Self.most) { add(event, &$0) } }
      $0.add("droppedEventsCount", max(0, events.count - Self.most))
      $0.object("status") { $0.add("code", isFailure ? 2 : 1) }
    }
    var number = 1
    let resets = recording.marks.first { $0.name == "resets" }?.moments.ticks ?? []
    if !resets.isEmpty {
      for (start, end) in zip([0] + resets, resets + [recording.end]) {
        json.object {
          span(&$0, number, name: "life \(number)", from: start, to: end, parent: rootID)
        }
        number += 1
      }
    }
    var left = Self.most
    for handler in handlers {
      let edges = handler.wave.edges
      for place in stride(from: 0, to: edges.count, by: 2) where left > 0 {
        left -= 1
        let end = place + 1 < edges.count ? edges[place + 1] : recording.end
        json.object {
          span(&$0, number, name: handler.name, from: edges[place], to: end, parent: rootID)
          $0.array("attributes") {
            attribute(&$0, "emurun.index", Int(clamping: handler.indexes[place]))
          }
        }
        number += 1
      }
    }
  }

  private var isFailure: Bool {
    guard let stop = machine.stop else { return false }
    return stop.code != 0 || [.lockup, .trapLoop, .fault, .failText].contains(stop.reason)
  }

  private func span(
    _ json: inout JSONWriter, _ number: Int, name: String, from start: Tick, to end: Tick,
    parent: String?
  ) {
    json.add("traceId", traceID)
    json.add("spanId", spanID(number))
    if let parent { json.add("parentSpanId", parent) }
    json.add("name", name)
    // SPAN_KIND_INTERNAL
    json.add("kind", 1)
    json.add("startTimeUnixNano", time(start))
    json.add("endTimeUnixNano", time(end))
  }

  private struct Happening {
    var tick: Tick
    var index: UInt64
    var name: String
    var text: String
  }

  /// In order.
  private func events() -> [Happening] {
    var all: [Happening] = []
    for stream in recording.streams {
      all += stream.lines.map {
        Happening(tick: $0.tick, index: $0.index, name: stream.name, text: $0.words)
      }
    }
    for marks in recording.marks {
      for (place, tick) in marks.moments.ticks.enumerated() {
        all.append(
          Happening(
            tick: tick, index: marks.moments.indexes[place], name: marks.name,
            text: marks.labels[marks.names[place]]))
      }
    }
    return all.enumerated().sorted { ($0.element.tick, $0.offset) < ($1.element.tick, $1.offset) }
      .map(\.element)
  }

  private func add(_ event: Happening, _ json: inout JSONWriter) {
    json.object {
      $0.add("timeUnixNano", time(event.tick))
      $0.add("name", event.name)
      $0.array("attributes") {
        attribute(&$0, "text", event.text)
        attribute(&$0, "emurun.index", Int(clamping: event.index))
      }
    }
  }

  // MARK: Metrics

  /// One `MetricsData`.
  func metrics() -> String {
    let traps = machine.traps
    let sums: [(name: String, unit: String, value: UInt64)] = [
      ("emurun.instructions", "{instruction}", machine.retired),
      ("emurun.virtual_time", "ns", machine.nanoseconds),
      ("emurun.ticks.asleep", "{tick}", machine.asleep),
      ("emurun.traps.ecall", "{trap}", traps.ecall),
      ("emurun.traps.ebreak", "{trap}", traps.ebreak),
      ("emurun.traps.svc", "{trap}", traps.svc), ("emurun.traps.faults", "{trap}", traps.faults),
      ("emurun.interrupts", "{interrupt}", traps.interrupts),
      ("emurun.console.bytes", "By", UInt64(machine.console.count)),
    ]
    var json = JSONWriter()
    json.object {
      $0.array("resourceMetrics") {
        $0.object {
          resource(&$0)
          $0.array("scopeMetrics") {
            $0.object {
              scope(&$0)
              $0.array("metrics") {
                for sum in sums { metric(&$0, sum.name, sum.unit, [(nil, sum.value)]) }
                metric(
                  &$0, "emurun.led.edges", "{edge}",
                  recording.signals.filter { $0.kind == .led }.map {
                    ($0.name, UInt64($0.wave.edgeCount))
                  })
              }
            }
          }
        }
      }
    }
    return json.text
  }

  private func metric(
    _ json: inout JSONWriter, _ name: String, _ unit: String,
    _ points: [(led: String?, value: UInt64)]
  ) {
    if points.isEmpty { return }
    json.object {
      $0.add("name", name)
      $0.add("unit", unit)
      $0.object("sum") {
        $0.array("dataPoints") {
          for point in points {
            $0.object {
              if let led = point.led { $0.array("attributes") { attribute(&$0, "led", led) } }
              $0.add("startTimeUnixNano", time(0))
              $0.add("timeUnixNano", time(recording.end))
              $0.add("asInt", String(point.value))
            }
          }
        }
        // AGGREGATION_TEMPORALITY_CUMULATIVE
        $0.add("aggregationTemporality", 2)
        $0.add("isMonotonic", true)
      }
    }
  }

  // MARK: What all of them begin with

  private func resource(_ json: inout JSONWriter) {
    json.object("resource") {
      $0.array("attributes") {
        attribute(&$0, "service.name", "emurun")
        attribute(&$0, "service.version", version)
        attribute(&$0, "service.instance.id", traceID)
        attribute(&$0, "emurun.image", name)
      }
    }
  }

  private func scope(_ json: inout JSONWriter) {
    json.object("scope") {
      $0.add("name", "emurun")
      $0.add("version", version)
    }
  }

  private func attribute(_ json: inout JSONWriter, _ key: String, _ value: String) {
    json.object {
      $0.add("key", key)
      $0.object("value") { $0.add("stringValue", value) }
    }
  }

  private func attribute(_ json: inout JSONWriter, _ key: String, _ value: Int) {
    json.object {
      $0.add("key", key)
      $0.object("value") { $0.add("intValue", String(value)) }
    }
  }
}
