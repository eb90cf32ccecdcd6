/// What a program finds that runs above an SBI, on whatever board.
let console = SBI.Console()

enum Power {
  static func off(success: Bool) -> Never { SBI.shutDown(success: success) }
}
