import Emu

/// Where in its source a firmware was when it made an event. A trace does not know, but the run can be repeated: a fresh machine
/// goes to the instruction of each event, and must have made the same events on the way. What was typed or pressed is not repeated, so
/// events behind that have no place.
struct SourcePlaces {
  /// A repetition takes a tenth of a second at most.
  private static let mostInstructions: UInt64 = 100_000_000

  private let machine: Machine

  init(_ machine: Machine) { self.machine = machine }

  /// By position in the trace; in order.
  func places(of positions: [Int]) -> [Int: String] {
    guard machine.trace.startIndex == 0, let last = positions.last,
      machine.trace[last].index < Self.mostInstructions
    else { return [:] }
    var options = machine.options
    options.keptEvents = .max
    guard let again = try? Machine(machine.board, image: machine.image, options: options) else {
      return [:]
    }
    var places: [Int: String] = [:]
    var compared = 0
    for position in positions {
      let event = machine.trace[position]
      while again.index < event.index {
        guard case .limit = again.run(until: RunLimit(index: event.index)) else { break }
      }
      // The instruction that is about to run makes it.
      let made = again.trace.count
      guard again.index == event.index,
        again.trace[compared...].elementsEqual(machine.trace[..<made][compared...])
      else { break }
      compared = made
      places[position] = SharedDebugInfo.of(machine.image) { debug in
        again.backtrace(debug).first?.description
      }
    }
    return places
  }
}
