/// What the process ends with. Documented for users in docs/cli.md.
enum ExitCode {
  static let success: Int32 = 0
  static let failure: Int32 = 1
  /// The largest code of the guest's own that is passed on.
  static let largestOfGuest: UInt32 = 63
  static let usage: Int32 = 64
  static let badData: Int32 = 65
  static let noInput: Int32 = 66
  static let unavailable: Int32 = 69
  static let software: Int32 = 70
  static let cannotCreate: Int32 = 73
  static let ioError: Int32 = 74
  static let limit: Int32 = 124
  static let guestDied: Int32 = 125
  static let interrupted: Int32 = 130
}

/// Why there is no run, or no end to it: one sentence, and the exit code.
struct Refusal: Error, Hashable {
  let code: Int32
  let sentence: String

  init(_ code: Int32, _ sentence: String) {
    self.code = code
    self.sentence = sentence
  }
}
