/// Does something that no interrupt of this core may come into. They nest.
@inline(always)
func withoutInterrupts<Result>(_ body: () -> Result) -> Result {
  let wereOn = disableInterrupts()
  defer { restoreInterrupts(wereOn) }
  return body()
}
