@c(main)
func main() -> Never {
  console.configure()
  console.print("hello from Swift on a Cortex-M4\n")
  Power.off(success: true)
}
