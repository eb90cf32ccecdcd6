/// What a program finds that runs above an SBI, on whatever board.
#if Console
  let console = SBI.Console()
#endif

enum Power {
  static func off(success: Bool) -> Never { SBI.shutDown(success: success) }
}

@c(endInPanic)
func endInPanic(_ number: UInt32) -> Never { Power.off(success: false) }
