/// The way to a debugger, whatever it is made of.
protocol DebuggerLink: AnyObject {
  /// Somebody is there.
  var isConnected: Bool { get }
  /// When nobody is there any more, somebody else may come.
  var takesOthers: Bool { get }
  /// What has come since the last call; if that is nothing, what comes within `patience` seconds.
  func receive(patience: Double) -> [UInt8]
  /// Until somebody comes, for at most `patience` seconds. What they say is kept for `receive`.
  func wait(patience: Double)
  func send(_ bytes: [UInt8])
  /// Ends the connection, not the waiting for another one.
  func hangUp()
  func close()
}
