/// Swift's own trap, an undefined instruction, ends in the runtime's panic handler: with no
/// UsageFault enabled the core takes HardFault, and the red LED beats at about 1 Hz.

@c(main)
func main() -> Never {
  console.configure()
  console.print("panic-heartbeat: about to trap\n")
  fatalError("by intention")
}
