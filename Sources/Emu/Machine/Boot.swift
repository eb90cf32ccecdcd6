/// What a machine finds at power-on: memory, and on RV64 how its first instruction comes about.
struct Boot: Sendable {
  var content: [Extent]
  var start: RV64.Start
}
