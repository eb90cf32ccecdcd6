/// The way to a debugger, whatever it is made of.
protocol DebuggerLink: AnyObject {
  /// Somebody is there.
  var isConnected: Bool { get }
  /// What has come since the last call; if that is nothing, what comes within `patience` seconds.
  func receive(patience: Double) -> [UInt8]
  func send(_ bytes: [UInt8])
  /// Ends the connection, not the waiting for another one.
  func hangUp()
  func close()
}
