/// An LED beats at 1 Hz by a delay loop: no interrupt, no timer that would have to be set up. Two instructions a turn, and
/// on both boards an instruction is a cycle.

@c(main)
func main() -> Never {
  LED.panic.configure()
  while true {
    LED.panic.toggle()
    spin(coreClock / 2 / 2)
  }
}
