/// IRQ 0 to 19, the last of which is timer 0A's.
@section(".vectors.interrupts") @used
let interrupts:
  (
    Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector,
    Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector
  ) = (
    exception, exception, exception, exception, exception, exception, exception, exception,
    exception, exception, exception, exception, exception, exception, exception, exception,
    exception, exception, exception, timer0A
  )
