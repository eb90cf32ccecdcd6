/// Damage to a text that is the same in every run.
struct Damage {
  private var value: UInt64
  init(seed: UInt64) { value = seed }

  private mutating func next(below count: Int) -> Int {
    value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(value >> 33) % count
  }

  /// One to four bytes are taken out, put in or changed.
  mutating func damaged(_ text: String) -> String {
    var text = Array(text.utf8)
    for _ in 0...next(below: 4) {
      let place = next(below: text.count)
      switch next(below: 3) {
      case 0: text.remove(at: place)
      case 1: text[place] = UInt8(32 + next(below: 95))
      default: text.insert(text[next(below: text.count)], at: place)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
