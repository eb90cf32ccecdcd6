/// The first 64 bytes of the image: the initial stack pointer and the system exceptions.
@section(".vectors") @used
let vectors:
  (
    Vector, Vector, Vector, Vector, Vector, Vector, Vector, Int,
    Int, Int, Int, Vector, Vector, Int, Vector, Vector
  ) = (
    stackTop, reset, nonMaskableInterrupt, hardFault,
    memoryManagementFault, busFault, usageFault, 0,
    0, 0, 0, supervisorCall,
    debugMonitor, 0, pendableServiceCall, sysTick
  )

typealias Vector = @convention(c) () -> Void
