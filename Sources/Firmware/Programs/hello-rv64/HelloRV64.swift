@c(main)
func main() -> Never {
  console.print("hello from Swift on RV64\n")
  Power.off(success: true)
}
