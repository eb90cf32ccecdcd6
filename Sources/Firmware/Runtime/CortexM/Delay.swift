/// Busy: two cycles a turn.
func delay(milliseconds: UInt32) { spin(coreClock / 2_000 * milliseconds) }
